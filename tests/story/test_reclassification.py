"""Reclassification (密级变更): what was open becomes ciphertext everywhere, and back, and every judge agrees."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from repository.archive import identify_actor
from repository.domain.values import SecrecyClass
from repository.errors import ArchiveError
from repository.services import removal, stored
from repository.services.audit import fsck, replay
from repository.services.description import revise_record
from repository.services.key_ring import KeyPurpose, create_key
from repository.services.opening import correct_status
from repository.services.reclassification import reclassify
from repository.services.revision import repack
from repository.services.search import find_record, search_records, show_record
from repository.services.session import Session
from repository.services.spill import propose_spill
from tests.key_rings import Ring, new_ring
from tests.planted import found
from tests.real_archives import deliver, silent, take

CODE, OPEN = "R-1", "R-2"
TITLE, PARTY = "石桥水库兵力部署图", "县人民武装部"
CATALOGUE = (
    "档号,题名,责任者,日期,密级,保管期限,页数,文件\n"
    f"{CODE},{TITLE},{PARTY},19620301,公开,永久,2,R-1\n"
    f"{OPEN},石桥水库灌溉图,县水利局,19620302,公开,永久,1,R-2\n"
)
PAGE, SLIP, MAP = b"garrison of the dam\n" * 60, b"slipped in among them\n" * 50, b"irrigation map\n" * 40


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    made = new_ring(tmp_path, settings='seal_from = "秘密"\n')
    settings = made.site.folder / "jingui.toml"
    text = settings.read_text("utf-8").replace('secrecy_ceiling = "内部"', 'secrecy_ceiling = "机密"')
    settings.write_text(text, "utf-8")
    source = deliver(
        tmp_path / "delivery",
        {
            "catalogue.csv": CATALOGUE.encode(),
            "R-1/R-1-001.txt": PAGE,
            "R-1/R-1-002.txt": SLIP,
            "R-2/R-2-001.txt": MAP,
        },
    )
    with made.open("officer") as session:
        create_key(session, SecrecyClass.MIMI.value, KeyPurpose.CLASS, [made.people["officer"]], None)
    with made.open("archivist") as session:
        assert take(session, source).outcome == "completed"
    return made


def classify(ring: Ring, secrecy: SecrecyClass) -> None:
    """Two people change the class."""
    with ring.open("officer") as session:
        approver = identify_actor(session.log, session.settings, ring.credential("decider"))
        correct_status(session, CODE, status=None, secrecy=secrecy, ground=None, reason="定密有误", approver=approver)


def judged(ring: Ring) -> None:
    with ring.open("administrator") as session:
        assert fsck(session, silent).faults == ()
        assert replay(session, None, silent).same
    verify = [sys.executable, str(ring.site.folder / "store" / "verify.py")]
    alone = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stdout


def sealed(ring: Ring) -> None:
    with ring.open("archivist") as session:
        assert reclassify(session, CODE, silent).outcome == "sealed"


def pages(session: Session) -> dict[str, bytes]:
    version = stored.newest(session, find_record(session, CODE))
    return {
        file.path: b"".join(stored.bytes_of(session, version, file.path)) for file in stored.content(session, version)
    }


def test_upwards_nothing_is_left_in_clear_and_downwards_all_of_it_is_back(ring: Ring) -> None:
    assert found(ring.site.folder, TITLE, PAGE[:200])
    with ring.open("archivist") as session:
        assert reclassify(session, CODE, silent).outcome == "unchanged"
    classify(ring, SecrecyClass.MIMI)
    sealed(ring)
    assert found(ring.site.folder, TITLE, PARTY, PAGE, SLIP) == []
    assert found(ring.site.folder, MAP)
    judged(ring)
    with ring.open("archivist") as session:
        assert show_record(session, CODE, as_of=None).description.title == TITLE
        assert search_records(session, TITLE, as_of=None, limit=9, after=None).total == 0
        assert pages(session) == {"R-1-001.txt": PAGE, "R-1-002.txt": SLIP}
        assert reclassify(session, CODE, silent).outcome == "unchanged"
    classify(ring, SecrecyClass.OPEN)
    with ring.open("archivist") as session:
        assert reclassify(session, CODE, silent).outcome == "opened"
        assert show_record(session, CODE, as_of=None).description.title == TITLE
        assert pages(session) == {"R-1-001.txt": PAGE, "R-1-002.txt": SLIP}
        assert search_records(session, TITLE, as_of=None, limit=9, after=None).total == 1
    judged(ring)


def test_a_sealed_description_is_revised_and_its_package_made_anew_without_a_word_in_clear(ring: Ring) -> None:
    classify(ring, SecrecyClass.MIMI)
    sealed(ring)
    with ring.open("archivist") as session:
        before = pages(session)
        revise_record(session, CODE, words={"题名": "石桥水库兵力部署图（二）"}, reason="核对原件")
        assert repack(session, budget=9, progress=silent).lagging == 0
        shown = show_record(session, CODE, as_of=None).description
        assert (shown.title, shown.responsible_party) == ("石桥水库兵力部署图（二）", PARTY)
        assert pages(session) == before
        version = stored.newest(session, find_record(session, CODE))
        assert (version.event.generation, version.event.version, version.is_sealed) == (2, 2, True)
        v2 = session.store.object_folder(version.package, 2) / "v2/content"
        assert not [path for path in v2.rglob("*.age") if "/representations/original/data/" in path.as_posix()]
    assert found(ring.site.folder, TITLE, PARTY, PAGE) == []
    judged(ring)


def test_a_page_that_slipped_into_a_sealed_record_goes_with_the_key_that_opened_it(ring: Ring) -> None:
    classify(ring, SecrecyClass.MIMI)
    sealed(ring)
    with ring.open("archivist") as session:
        package = find_record(session, CODE)
        old = session.package_keys.identity(package, 2)
        report = propose_spill(
            session,
            CODE,
            files=(),
            digests=(sha256(SLIP).hexdigest(),),
            words=(),
            legal_basis="保守国家秘密法",
            reason="误入",
        )
    with ring.open("officer") as session:
        assert removal.approve(session, report.removal, silent).state == "finished"
    with ring.open("archivist") as session:
        assert pages(session) == {"R-1-001.txt": PAGE}
        assert session.package_keys.identity(package, 3).secret != old.secret
        with pytest.raises(ArchiveError) as gone:
            session.package_keys.identity(package, 2)
        assert gone.value.code == "key-record-missing"
    assert found(ring.site.folder, TITLE, SLIP) == []
    judged(ring)


@pytest.mark.parametrize(
    "place",
    [
        "repository.eventlog.log.EventLog.expunge",
        "repository.storage.staging.Stage.seal",
        "repository.storage.store.Store.commit",
        "repository.storage.staging.Stage.release",
        "repository.storage.store.Store.expunge",
        "repository.catalogue.catalogue.Catalogue.rebuild",
    ],
)
def test_killed_at_a_step_it_is_finished_by_the_next_run(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    classify(ring, SecrecyClass.MIMI)
    with monkeypatch.context() as dying, ring.open("archivist") as session:
        dying.setattr(place, die)
        with pytest.raises(KeyboardInterrupt):
            reclassify(session, CODE, silent)
    sealed(ring)
    assert found(ring.site.folder, TITLE, PARTY, PAGE, SLIP) == []
    judged(ring)


def die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_one_person_alone_changes_no_class_and_a_missing_key_stops_it_before_anything(ring: Ring) -> None:
    with ring.open("officer") as session:
        approver = identify_actor(session.log, session.settings, ring.credential("officer"))
        with pytest.raises(ArchiveError) as refused:
            correct_status(
                session, CODE, status=None, secrecy=SecrecyClass.MIMI, ground=None, reason="定密", approver=approver
            )
        assert refused.value.code in ("not-allowed", "second-person-needed")
    with ring.open("archivist") as session:
        assert reclassify(session, CODE, silent).outcome == "unchanged"
    classify(ring, SecrecyClass.JIMI)
    settings = ring.site.folder / "jingui.toml"
    settings.write_text(settings.read_text("utf-8").replace('seal_from = "秘密"', 'seal_from = "机密"'), "utf-8")
    before = found(ring.site.folder, TITLE)
    with ring.open("officer") as session:
        from repository.services.key_ring import retire_key

        retire_key(session, SecrecyClass.JIMI.value, "停用")
    with ring.open("archivist") as session, pytest.raises(ArchiveError) as stopped:
        reclassify(session, CODE, silent)
    assert stopped.value.code == "key-retired"
    assert found(ring.site.folder, TITLE) == before
    judged(ring)


def test_a_shredded_record_is_shown_without_its_words_and_everything_verifies(ring: Ring) -> None:
    classify(ring, SecrecyClass.MIMI)
    sealed(ring)
    with ring.open("archivist") as session:
        package = find_record(session, CODE)
        assert pages(session)
        session.package_keys.destroy([session.package_keys.head(package, 2)])
        session.vault.destroy(package)
        shown = show_record(session, CODE, as_of=None)
        assert (shown.description.title, shown.files) == (None, ())
        with pytest.raises(ArchiveError) as gone:
            pages(session)
        assert gone.value.code == "key-record-missing"
    judged(ring)
