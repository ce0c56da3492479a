"""Removal (清除): words that the law says must go are in no file and no page of a database, and everything verifies.

Two people are needed; where it dies it goes on; what nobody here can reach is said.
"""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from repository.errors import ArchiveError
from repository.services import removal
from repository.services.access import disseminate
from repository.services.administration import Role
from repository.services.audit import replay
from repository.services.description import revise_record
from repository.services.opening import place_hold
from repository.services.removal import RemovalKind, RemovalReport, RemovalRequest
from repository.services.revision import repack
from repository.services.search import find_record
from repository.services.session import Session
from repository.services.spill import propose_spill
from tests.command_line import jingui
from tests.honest import expect_no_alarm
from tests.planted import found
from tests.real_archives import Site, deliver, new_site, silent, take
from tests.staff import PLANTED, Staff, new_staff

NAME = "聂远志"
CATALOGUE = (
    "档号,题名,责任者,日期,密级,保管期限,页数,文件\n"
    f"P-1,{NAME}离婚调解书,县法院,19620301,公开,永久,1,P-1\n"
    "P-2,石桥村水渠图,县水利局,19620302,公开,永久,2,P-2\n"
)
PAGE, MAP, SLIP = b"judgement of 1962\n" * 40, b"canal map\n" * 50, b"SLIPPED-IN-PAGE\n" * 64


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    source = deliver(
        tmp_path / "delivery",
        {
            "catalogue.csv": CATALOGUE.encode(),
            "P-1/P-1-001.txt": PAGE,
            "P-2/P-2-001.txt": MAP,
            "P-2/P-2-002.txt": SLIP,
        },
    )
    with made.open() as session:
        assert take(session, source, number="9").outcome == "completed"
        made.person(session, "second", Role.SECURITY_OFFICER)
    return made


def asked(session: Session, **wanted: object) -> RemovalReport:
    request = {"kind": RemovalKind.WORDS, "legal_basis": "个人信息保护法第四十七条", "reason": "本人申请"}
    return removal.propose(session, RemovalRequest(**(request | wanted)))  # type: ignore[arg-type]  # fields by name


def approved(site: Site, report: RemovalReport) -> RemovalReport:
    with site.open(site.folder.parent / "second.credential") as session:
        return removal.approve(session, report.removal, silent)


def judged(site: Site) -> None:
    """Every judge: our audit, a replay, the store's own program."""
    expect_no_alarm(site.folder, site.credential)
    with site.open() as session:
        assert replay(session, None, silent).same
    verify = [sys.executable, str(site.folder / "store" / "verify.py")]
    alone = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stdout


def test_words_that_must_go_are_nowhere_and_everything_verifies(site: Site, tmp_path: Path) -> None:
    assert found(site.folder, NAME)
    with site.open() as session:
        disseminate(session, "P-1", paths=(), purpose="查证", target=tmp_path / "handed")
        leaves = [record.envelope for record in session.log.raw()]
        report = asked(session, words=(NAME,))
        assert (report.state, len(report.packages)) == ("waiting", 2)  # the record, and the papers with the catalogue
        with pytest.raises(ArchiveError) as refused:
            removal.approve(session, report.removal, silent)
        assert refused.value.code == "second-person-needed"
    with site.open(site.folder.parent / "second.credential") as session:
        done = removal.approve(session, report.removal, silent)
        assert found(site.folder, NAME) == []  # while the log is open: its journal too
    assert done.state == "finished"
    assert {one.place for one in done.unreached} == {"backup", "delivered"}
    assert found(site.folder, NAME) == []
    with site.open() as session:
        assert [record.envelope for record in session.log.raw()][: len(leaves)] == leaves
        assert find_record(session, "P-1") in report.packages
        assert list(session.store.held()) == [  # the old objects are gone, one generation each stands
            (package, 2 if package in report.packages else 1) for package in session.store.objects()
        ]
    judged(site)
    shown = jingui("show", "P-1", site=site)
    assert "■离婚调解书" in shown.out
    assert NAME not in shown.out


def test_a_word_that_is_gone_stays_gone_when_its_record_is_revised(site: Site) -> None:
    with site.open() as session:
        report = asked(session, words=(NAME,))
    approved(site, report)
    with site.open() as session:
        revise_record(session, "P-1", words={"题名": "离婚调解书"}, reason="隐去姓名")
        assert repack(session, budget=10, progress=silent).lagging == 0
    assert found(site.folder, NAME) == []
    judged(site)


@pytest.mark.parametrize("step", ["expunge-log", "make-one", "remove-old", "rebuild"])
def test_a_removal_that_dies_goes_on_where_it_was(site: Site, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    with site.open() as session:
        report = asked(session, words=(NAME,))
    with monkeypatch.context() as dying:

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        place, name = {
            "expunge-log": ("repository.eventlog.log.EventLog", "expunge"),
            "make-one": ("repository.storage.store.Store", "commit"),
            "remove-old": ("repository.storage.store.Store", "expunge"),
            "rebuild": ("repository.catalogue.catalogue.Catalogue", "rebuild"),
        }[step]
        dying.setattr(f"{place}.{name}", die)
        with pytest.raises(KeyboardInterrupt):
            approved(site, report)
    with site.open(site.folder.parent / "second.credential") as session:
        assert removal.report(session, report.removal).state == "approved"
        assert removal.carry_out(session, report.removal, silent).state == "finished"
    assert found(site.folder, NAME) == []
    judged(site)


def test_a_page_that_slipped_in_is_taken_out_of_every_copy(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        kept = disseminate(session, "P-2", paths=(), purpose="查证", target=tmp_path / "handed")
        report = propose_spill(
            session,
            None,
            files=(),
            digests=(sha256(SLIP).hexdigest(),),
            words=(),
            legal_basis="保守国家秘密法",
            reason="误入",
        )
        assert report.files == ("P-2-002.txt",)
    done = approved(site, report)
    assert [one.place for one in done.unreached] == ["backup", "delivered", "listing"]
    assert str(kept.request) in {one.thing for one in done.unreached}
    assert found(site.folder, SLIP) == []
    assert found(site.folder, MAP)
    judged(site)


def test_what_may_not_be_removed_is_refused_by_name(site: Site) -> None:
    with site.open() as session:
        for code, wanted in (
            ("reason-missing", {"words": (NAME,), "reason": " "}),
            ("reason-missing", {"words": (NAME,), "legal_basis": ""}),
            ("removal-empty", {"words": ("不在任何地方",)}),
            ("removal-repeats", {"words": (NAME,), "reason": f"{NAME}申请"}),
            ("position-unknown", {"positions": (100_000,)}),
        ):
            with pytest.raises(ArchiveError) as refused:
                asked(session, **wanted)
            assert refused.value.code == code
        report = asked(session, words=(NAME,))
    with site.open(site.folder.parent / "second.credential") as session:
        place_hold(session, "P-1", "诉讼")
    with pytest.raises(ArchiveError) as held:
        approved(site, report)
    assert held.value.code == "held"
    assert found(site.folder, NAME)


def test_a_withdrawn_removal_is_never_carried_out(site: Site) -> None:
    with site.open() as session:
        report = asked(session, words=(NAME,))
        assert removal.withdraw(session, report.removal, "范围有误").state == "withdrawn"
        assert [one.state for one in removal.removals(session)] == ["withdrawn"]
    with pytest.raises(ArchiveError) as refused:
        approved(site, report)
    assert refused.value.code == "removal-order"


def test_a_readers_key_that_is_destroyed_takes_every_word_with_it(tmp_path: Path) -> None:
    staff: Staff = new_staff(tmp_path)
    answer = staff.ask("desk", "use", "--form", staff.form(records=["J012-1-0001"]))
    reader = answer["reader"]
    asking = ("expunge", "propose", "--reader", reader, "--legal-basis", "登记保管期满", "--reason", "到期")
    assert "not-allowed" in staff.run("desk", *asking, "--json").err
    by_years = ("expunge", "propose", "--legal-basis", "登记保管期满", "--reason", "到期", "--unused-years")
    assert "removal-empty" in staff.run("archivist", *by_years, "10", "--json").err
    report = staff.ask("archivist", *by_years, "0")
    assert report["readers"] == [reader]
    staff.ask("decider", "expunge", "approve", report["removal"])
    assert not list((staff.site.folder / "vault" / "subjects").iterdir())
    assert not list((staff.site.folder / "vault" / "readers").iterdir())
    judged(staff.site)
    again = staff.ask("desk", "use", "--form", staff.form(records=["J012-1-0001"]))
    assert again["reader"] != reader
    assert found(staff.site.folder, *PLANTED) == []


def spilled(session: Session) -> RemovalReport:
    return propose_spill(
        session,
        None,
        files=(),
        digests=(sha256(SLIP).hexdigest(),),
        words=(),
        legal_basis="保守国家秘密法",
        reason="误入",
    )


def test_a_page_that_slipped_in_is_taken_out_of_quarantine_and_what_is_packed_there_is_named(site: Site) -> None:
    waiting = site.folder / "quarantine" / "suspect" / "4711"
    waiting.mkdir(parents=True)
    (waiting / "again.txt").write_bytes(SLIP)
    (waiting / "other.txt").write_bytes(MAP)
    (waiting / "hidden.zip").write_bytes(b"no program opens this")
    with site.open() as session:
        report = spilled(session)
    done = approved(site, report)
    assert found(site.folder, SLIP) == []
    assert (waiting / "other.txt").read_bytes() == MAP
    assert ("quarantine", "suspect/4711") in {(one.place, one.thing) for one in done.unreached}
    judged(site)


def test_a_name_that_lists_still_have_is_said(site: Site) -> None:
    with site.open() as session:
        report = spilled(session)
    done = approved(site, report)
    held = {place.split("uuid-")[1][:36] for place in found(site.folder, "P-2-002.txt") if "delivery.sha256" in place}
    assert held & {str(one) for one in report.packages} == {
        one.thing for one in done.unreached if one.place == "listing"
    }


def test_a_page_that_another_process_is_making_is_waited_for(site: Site) -> None:
    made = site.folder / "staging" / "outgoing" / "copy.txt"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(SLIP)
    with site.open() as session:
        report = spilled(session)
    with pytest.raises(ArchiveError) as refused:
        approved(site, report)
    assert refused.value.code == "locked"
    made.unlink()
    with site.open(site.folder.parent / "second.credential") as session:
        assert removal.report(session, report.removal).state == "approved"
        assert removal.carry_out(session, report.removal, silent).state == "finished"
    assert found(site.folder, SLIP) == []
    judged(site)


def test_a_spill_that_dies_among_the_copies_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = site.folder / "quarantine" / "suspect" / "4711"
    waiting.mkdir(parents=True)
    for name in ("one.txt", "two.txt"):
        (waiting / name).write_bytes(SLIP)
    with site.open() as session:
        report = spilled(session)
    with monkeypatch.context() as dying:

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        dying.setattr("repository.services.removal.make_generation", die)
        with pytest.raises(KeyboardInterrupt):
            approved(site, report)
    with site.open(site.folder.parent / "second.credential") as session:
        assert removal.carry_out(session, report.removal, silent).state == "finished"
    assert found(site.folder, SLIP) == []
    judged(site)
