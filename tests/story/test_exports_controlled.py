"""An export takes out only what whoever exports may see: the whole of it, or nothing, and the log says which."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from packages_spec.digests import Digested
from repository.domain import run
from repository.domain.run import RunKind
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services import exports, opening
from repository.services.administration import Role
from repository.services.exports import Form, export
from repository.services.session import Session
from repository.storage import Folder
from tests.staff import Staff, new_staff

OPEN, INTERNAL = "J012-1-0001", "N-1"


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return new_staff(tmp_path)


@pytest.fixture
def keeper(staff: Staff) -> Path:
    """One who may export, and sees into nothing that is controlled."""
    with staff.site.open() as session:
        return staff.site.person(session, "保管员", Role.KEEPER)[1]


def ends(session: Session) -> list[Outcome]:
    events = list(session.log.events())
    begun = {
        event.envelope.stream
        for event in events
        if isinstance(event.payload, run.Started) and event.payload.kind is RunKind.EXPORT
    }
    return [
        event.payload.outcome
        for event in events
        if isinstance(event.payload, run.Finished) and event.envelope.stream in begun
    ]


@pytest.mark.parametrize("form", [Form.EARK_SIP, Form.EARK_AIP, Form.EARK_DIP, Form.DAT93])
def test_one_controlled_record_keeps_the_whole_export_here(
    staff: Staff, keeper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form
) -> None:
    def never(*_: object) -> list[Digested]:
        raise AssertionError("a byte was to be written")

    with staff.site.open(keeper) as session:
        with monkeypatch.context() as patched:
            patched.setitem(exports._WRITERS, form, never)
            with pytest.raises(ArchiveError) as refused:
                export(session, [OPEN, INTERNAL], form, tmp_path / "out")
        assert refused.value.code == "access-controlled"
        assert not (tmp_path / "out").exists()
        assert export(session, [OPEN], form, tmp_path / "out").files > 0
        assert ends(session) == [Outcome.FAILED, Outcome.PASSED]
    with staff.open("archivist") as session:
        assert len(export(session, [OPEN, INTERNAL], form, tmp_path / "out").records) == 2


@pytest.mark.parametrize("form", [Form.DC, Form.EAD3])
def test_a_description_is_for_whoever_may_know_of_the_record(
    staff: Staff, keeper: Path, tmp_path: Path, form: Form
) -> None:
    with staff.site.open(keeper) as session:
        assert len(export(session, [OPEN, INTERNAL], form, tmp_path / "out").records) == 2


def test_what_is_taken_down_while_it_is_copied_stays_here(
    staff: Staff, keeper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = exports._WRITERS[Form.EARK_AIP]

    def slow(session: Session, folder: Folder, identifier: UUID, records: Sequence[exports._Record]) -> list[Digested]:
        made = copy(session, folder, identifier, records)
        with staff.open("archivist") as other:
            opening.take_down(other, OPEN, "家属来电")
        return made

    monkeypatch.setitem(exports._WRITERS, Form.EARK_AIP, slow)
    with staff.site.open(keeper) as session:
        with pytest.raises(ArchiveError) as refused:
            export(session, [OPEN], Form.EARK_AIP, tmp_path / "out")
        assert refused.value.code == "access-controlled"
        assert ends(session) == [Outcome.FAILED]
    assert not (tmp_path / "out").exists()
    assert [path for path in (staff.site.folder / "staging").rglob("*") if path.is_file()] == []
