"""Any history that is exported and imported again has the same bytes, positions, root and catalogue."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repository.archive import clock, open_archive
from repository.domain.values import Role
from repository.errors import ArchiveError
from repository.services.administration import add_person, change_roles, list_people
from repository.services.checkpoints import attest
from repository.services.evidence_import import import_evidence
from repository.services.evidence_pack import Scope, export_evidence
from repository.services.session import Session
from tests.faults.small_archive import Scene, ingest_again, make_scene
from tests.honest import expect_no_alarm

NAMES = lambda kind: (kind, kind)  # noqa: E731 - no words are needed
DEEDS = st.lists(st.sampled_from(["hire", "promote", "demote", "attest"]), max_size=8)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = make_scene(tmp_path_factory.mktemp("moves"))
    ingest_again(made)
    return made


def do(session: Session, deed: str) -> None:
    people = list_people(session, as_of=None)
    other = people[-1].id
    match deed:
        case "hire":
            add_person(session, name="甲", roles=[Role.ARCHIVIST])
        case "promote" if len(people) > 1:
            change_roles(session, other, grant=[Role.KEEPER], revoke=[], reason="")
        case "demote" if len(people) > 1:
            change_roles(session, other, grant=[], revoke=[Role.KEEPER], reason="一")
        case _:
            attest(session)


@given(DEEDS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_was_exported_comes_back_the_same(scene: Scene, deeds: list[str]) -> None:
    with TemporaryDirectory() as place:
        pack, again = Path(place) / "pack", Path(place) / "again"
        with open_archive(scene.archive, scene.credential) as session:
            for deed in deeds:
                do(session, deed)
            made = export_evidence(session, pack, Scope(), names=NAMES)
            stored = list(session.log.raw(upto=made.size))
            session.catch_up()
            digest = session.catalogue.digest(upto=made.size)
        imported = import_evidence(pack, again, log_key=made.key, clock=clock)
        assert (imported.events, imported.root) == (made.size, made.root)
        with open_archive(again, scene.credential) as session:
            assert list(session.log.raw()) == stored
            assert session.catalogue.digest(upto=made.size) == digest
            add_person(session, name="乙", roles=[Role.ARCHIVIST])
            assert attest(session).size > made.size


def test_a_log_that_moved_with_its_packages_raises_no_alarm(scene: Scene, tmp_path: Path) -> None:
    again, memory = tmp_path / "again", tmp_path / "memory"
    before = expect_no_alarm(scene.archive, scene.credential, memory)
    with open_archive(scene.archive, scene.credential) as session:
        made = export_evidence(session, tmp_path / "pack", Scope(), names=NAMES)
    import_evidence(tmp_path / "pack", again, log_key=made.key, clock=clock)
    shutil.rmtree(again / "store")
    shutil.copytree(scene.archive / "store", again / "store")
    assert expect_no_alarm(again, scene.credential, memory).packages == before.packages > 0


def test_a_false_or_partial_pack_is_not_imported_and_leaves_nothing(scene: Scene, tmp_path: Path) -> None:
    with open_archive(scene.archive, scene.credential) as session:
        whole = export_evidence(session, tmp_path / "whole", Scope(), names=NAMES)
        export_evidence(session, tmp_path / "part", Scope(since="3"), names=NAMES)
    shutil.copytree(tmp_path / "whole", tmp_path / "false")
    with (tmp_path / "false" / "data" / "events.ndjson").open("ab") as stream:
        stream.write(b"{}\n")
    for pack, code in (("false", "evidence-false"), ("part", "evidence-partial"), ("none", "evidence-false")):
        with pytest.raises(ArchiveError) as refused:
            import_evidence(tmp_path / pack, tmp_path / "new", log_key=whole.key, clock=clock)
        assert refused.value.code == code
        assert not (tmp_path / "new").exists()
    with pytest.raises(ArchiveError) as refused:
        import_evidence(tmp_path / "whole", scene.archive, log_key=whole.key, clock=clock)
    assert refused.value.code == "archive-exists"
