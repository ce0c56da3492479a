"""A person decides: receiving, review, return and rework through the command line, with the exact events."""

import shutil
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest

from fixtures.delivery import catalogue
from repository.domain.accession import ACCESSION, Stage
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.errors import ArchiveError
from repository.services.accessions import accept_delivery, return_delivery
from repository.services.administration import Role
from repository.services.audit import fsck
from repository.services.jobs import status, work
from repository.settings import FILE
from tests.command_line import Said, jingui
from tests.faults.dying import Death, changes
from tests.real_archives import Site, deliver, names, new_site, payload_files, silent, take, types

CODES = ("J012-5-0001", "J012-5-0002", "J012-5-0003")


def settings(site: Site, acceptance: str) -> None:
    with (site.folder / FILE).open("a") as file:
        file.write(f'acceptance = "{acceptance}"\n')


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    settings(made, "person")
    return made


def batch(folder: Path, codes: tuple[str, ...] = CODES, page: str = "第一页") -> Path:
    rows = [(code, f"{code}卷", "临溪县政府", "1951", "公开", "永久", "1", code) for code in codes]
    pages = {f"{code}/{code}-001.txt": f"{code} {page}".encode() for code in codes}
    return deliver(folder, pages | {"catalogue.csv": catalogue(*rows)})


def run(site: Site, *arguments: object, status: int = 0) -> Said:
    said = jingui(*arguments, "--json", site=site)
    assert said.status == status, said.err
    return said


def test_the_story_of_a_batch_of_which_one_volume_is_scanned_again(site: Site, tmp_path: Path) -> None:
    terms = ("--transfer-number", "2026-7", "--agreement", "协[2026]1号")
    waiting = run(site, "ingest", batch(tmp_path / "first"), *terms)
    stream = UUID(waiting.json()["accession"])
    assert waiting.json()["outcome"] == "waiting"
    unfinished = run(site, "status").json()["unfinished"][0]
    assert (unfinished["stage"], unfinished["next"]) == ("waiting", "decide")
    assert run(site, "accept", stream, "--volume", CODES[0]).json()["outcome"] == "waiting"
    assert run(site, "accept", stream, "--volume", CODES[2]).json()["outcome"] == "waiting"
    decided = run(site, "return", stream, "--volume", CODES[1], "--reason", "第一页倾斜，请重扫").json()
    assert (decided["outcome"], len(decided["packages"])) == ("part-completed", 3)
    standing = {one["unit"]: one["standing"] for one in run(site, "accession", stream).json()["units"]}
    assert standing == {CODES[0]: "kept", CODES[1]: "returned", CODES[2]: "kept", ".": "kept"}
    assert run(site, "status").json()["unfinished"][0]["next"] == "deliver-rework"

    again = batch(tmp_path / "again", (CODES[1],), "重扫")
    assert run(site, "ingest", again, "--rework", stream).json()["outcome"] == "waiting"
    assert run(site, "accept", stream).json()["outcome"] == "completed"
    assert run(site, "status").json()["unfinished"] == []
    with site.open() as session:
        assert names(session.log.stream(stream)) == [
            *("Opened", "TermsAgreed", "DeliveryReceived", "Planned", "DeliveryValidated", "ReviewRequired"),
            *("UnitsAccepted", "UnitsAccepted", "Returned", "Accepted", "PartCompleted"),
            *("DeliveryReceived", "Planned", "DeliveryValidated", "ReviewRequired", "Accepted", "Completed"),
        ]
        state = session.log.load(ACCESSION, stream).state
        repaired = state.units[CODES[1]]
        assert names(session.log.stream(repaired.package)) == [
            *("Created", "FormatsIdentified", "VirusChecked", "Redelivered", "FormatsIdentified", "VirusChecked"),
            "Stored",
        ]
        created = session.log.load(ARCHIVAL_PACKAGE, repaired.package).state.created
        assert created is not None
        assert created.delivery == 2
        assert (state.stage, state.kept, state.returned) == (Stage.COMPLETED, frozenset({*CODES, "."}), frozenset())
        assert fsck(session, silent).faults == ()
        digest = session.catalogue.digest()
        session.catalogue.rebuild(session.log)
        assert session.catalogue.digest() == digest
        card = session.catalogue.accession(stream)
        assert card is not None
        assert (card.stage, card.returned, card.agreement, card.source) == (
            Stage.COMPLETED,
            (),
            "协[2026]1号",
            str(again),
        )
    assert payload_files(site, repaired.package) == {f"{CODES[1]}-001.txt": f"{CODES[1]} 重扫".encode()}
    assert not any((site.folder / "quarantine").rglob("*.txt"))


def test_a_whole_batch_that_is_returned_keeps_its_papers_and_nothing_else(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        stream = take(session, batch(tmp_path / "first")).accession
        assert return_delivery(session, stream, [], "整批返工", silent).outcome == "returned"
        left = sorted(path.name for path in (site.folder / "quarantine" / str(stream)).rglob("*") if path.is_file())
        assert left == ["catalogue.csv", "退回目录.xlsx"]
        book = openpyxl.load_workbook(next((site.folder / "quarantine").rglob("退回目录.xlsx")))
        notes = [row[-1].value for row in book["目录"].iter_rows(min_row=2)]
        assert notes == [f"{code}：退回返工：整批返工" for code in CODES]
        assert work(session, silent).accessions == {}
        take(session, batch(tmp_path / "first"))
        assert accept_delivery(session, stream, [], silent).outcome == "completed"
        assert names(session.log.stream(stream))[4:] == [
            *("ReviewRequired", "Returned", "DeliveryReceived", "Planned", "DeliveryValidated", "ReviewRequired"),
            *("Accepted", "Completed"),
        ]
        papers = session.log.load(ACCESSION, stream).state.units["."].package
        kept = {path.name for path in (site.folder / "store").rglob("accounts/**/*") if str(papers) in str(path)}
        assert {"回执.txt", "退回目录.xlsx", "catalogue.csv"} <= kept
        assert fsck(session, silent).faults == ()


def test_a_rejected_delivery_leaves_the_quarantine_when_it_is_given_back(site: Site, tmp_path: Path) -> None:
    rejected = batch(tmp_path / "first")
    (rejected / "stray.txt").write_bytes(b"stray")
    stream = UUID(run(site, "ingest", rejected, status=22).json()["accession"])
    quarantine = site.folder / "quarantine" / str(stream)
    assert (quarantine / "1" / "stray.txt").exists()
    assert run(site, "return", stream, "--reason", "请改正后重交").json()["outcome"] == "returned"
    assert not (quarantine / "1").exists()
    told = openpyxl.load_workbook(next(quarantine.rglob("退回目录.xlsx")))["其他问题"]
    assert [cell.value for cell in told["A"]][1:] == ["stray.txt"]
    with site.open() as session:
        assert names(session.log.stream(stream))[-2:] == ["DeliveryRejected", "Returned"]
    (rejected / "stray.txt").unlink()
    assert run(site, "ingest", rejected).json()["outcome"] == "waiting"
    assert run(site, "accept", stream).json()["outcome"] == "completed"


@pytest.mark.parametrize("at", range(3, 120, 13))
def test_a_decision_that_dies_anywhere_is_made_once_and_carried_out(site: Site, tmp_path: Path, at: int) -> None:
    """Accepting one volume and returning the rest, killed at the n-th change to the disk, then told the same again."""
    with site.open() as session:
        stream = take(session, batch(tmp_path / "first")).accession
        accept_delivery(session, stream, [CODES[0]], silent)
    with suppress(Death), changes(at), site.open() as session:
        return_delivery(session, stream, [CODES[1], CODES[2]], "重扫", silent)
    with site.open() as session:
        stage = session.log.load(ACCESSION, stream).state.stage
        if stage is Stage.WAITING:
            return_delivery(session, stream, [CODES[1], CODES[2]], "重扫", silent)
        else:
            work(session, silent)
        assert names(session.log.stream(stream))[5:] == ["UnitsAccepted", "Returned", "Accepted", "PartCompleted"]
        assert len(list(session.store.objects())) == 2
        assert fsck(session, silent).faults == ()


def test_whoever_received_it_may_not_accept_it_where_two_persons_are_wanted(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    settings(site, "two-persons")
    with site.open() as session:
        stream = take(session, batch(tmp_path / "first")).accession
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            accept_delivery(session, stream, [], silent)
        assert (refused.value.code, session.log.position()) == ("acceptor-received", before)
        _, other = site.person(session, "王二", Role.ARCHIVIST)
    with site.open(other) as session:
        assert accept_delivery(session, stream, [], silent).outcome == "completed"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("--volume", "J012-5-0009"), "unit-unknown"), (("--volume", "."), "unit-unknown")],
)
def test_what_cannot_be_decided_is_refused(site: Site, tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    stream = UUID(run(site, "ingest", batch(tmp_path / "first")).json()["accession"])
    said = jingui("accept", stream, *arguments, "--json", site=site)
    assert (said.status, said.json()["code"]) == (3, code)


def test_a_reason_is_needed_and_a_decision_is_made_once(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        stream = take(session, batch(tmp_path / "first")).accession
        with pytest.raises(ArchiveError, match="reason"):
            return_delivery(session, stream, [], " ", silent)
        accept_delivery(session, stream, [], silent)
        with pytest.raises(ArchiveError) as twice:
            accept_delivery(session, stream, [], silent)
        with pytest.raises(ArchiveError) as late:
            return_delivery(session, stream, [], "太晚", silent)
        assert (twice.value.code, late.value.code) == ("accession-order", "accession-order")


def test_what_is_in_custody_does_not_come_again(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        stream = take(session, batch(tmp_path / "first")).accession
        accept_delivery(session, stream, [CODES[0]], silent)
        return_delivery(session, stream, [], "其余返工", silent)
        report = take(session, batch(tmp_path / "first"))
        assert (report.outcome, [(one.code, one.path) for one in report.findings]) == (
            "rejected",
            [("delivery.unit-kept", CODES[0])],
        )


def test_a_delivery_received_whole_goes_on_without_its_source(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    source = batch(tmp_path / "first")

    class PowerCut(BaseException):
        pass

    def cut(step: str, done: int, total: int) -> None:
        if step == "create":
            raise PowerCut

    with site.open() as session, pytest.raises(PowerCut):
        take(session, source, progress=cut)
    shutil.rmtree(source)
    with site.open() as session:
        assert take(session, source).outcome == "completed"
        assert status(session).unfinished == ()
        assert types(session).count("Accession.DeliveryReceived") == 1
        assert fsck(session, silent).faults == ()


def test_a_delivery_received_in_part_needs_its_source(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    source = batch(tmp_path / "first")

    class PowerCut(BaseException):
        pass

    def cut(step: str, done: int, total: int) -> None:
        raise PowerCut

    with site.open() as session, pytest.raises(PowerCut):
        take(session, source, progress=cut)
    shutil.rmtree(source)
    with site.open() as session:
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            take(session, source, producer="从未登记的单位")
        assert (refused.value.code, session.log.position()) == ("delivery-missing", before)
