"""To a stranger what is kept from them and what is not there look alike: in words, in counts, and in what is left."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from repository.domain.access_request import Refused, Requested
from repository.errors import ArchiveError
from repository.services.access import disseminate, view
from repository.services.accessions import show_accession
from repository.services.search import find_record, list_accessions, list_packages, search_records, show_record
from repository.services.session import Session
from tests.command_line import Said
from tests.real_archives import types
from tests.staff import Staff, new_staff

HIDDEN, ABSENT, OPEN = "N-1", "N-9", "J012-1-0001"


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Staff:
    staff = new_staff(tmp_path_factory.mktemp("strangers"))
    with staff.open("archivist") as session:
        assert show_record(session, HIDDEN, as_of=None).package
    return staff


def ids(staff: Staff) -> tuple[str, str]:
    with staff.open("archivist") as session:
        report = show_record(session, HIDDEN, as_of=None)
        assert report.package is not None
        return str(report.description.id), str(report.package.id)


def alike(said: Said, name: str) -> dict[str, Any]:
    """What was said, the name that was asked for left out."""
    return {"status": said.status, "out": said.out.replace(name, "NAME"), "err": said.err.replace(name, "NAME")}


COMMANDS: dict[str, tuple[object, ...]] = {
    "show": ("show", "NAME"),
    "show-then": ("show", "NAME", "--as-of", "40"),
    "disseminate": ("disseminate", "NAME", "--purpose", "看看"),
    "disseminate-file": ("disseminate", "NAME", "--purpose", "看看", "--file", "N-1-001.txt"),
    "disseminate-no-purpose": ("disseminate", "NAME", "--purpose", " "),
    "view": ("view", "NAME", "--purpose", "看看"),
    "search-code": ("search", "--reference-code", "NAME"),
    "search-prefix": ("search", "--prefix", "NAME"),
    "takedown": ("takedown", "NAME", "--reason", "看看"),
    "materialise": ("materialise", "NAME"),
}


@pytest.mark.parametrize("person", ["stranger", "partner"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["talk", "json"])
def test_no_command_tells_a_stranger_the_difference(
    staff: Staff, command: str, form: tuple[str, ...], person: str
) -> None:
    def run(name: str) -> dict[str, Any]:
        said = alike(staff.run(person, *(name if part == "NAME" else part for part in COMMANDS[command]), *form), name)
        if form and '"position":' in str(said["out"]):
            said["out"] = {**json.loads(str(said["out"])), "position": 0}
        return said

    assert run(HIDDEN) == run(ABSENT)


def test_not_by_an_id_either(staff: Staff) -> None:
    import uuid

    for hidden in ids(staff):
        absent = str(uuid.uuid4())
        assert alike(staff.run("stranger", "show", hidden), hidden) == alike(
            staff.run("stranger", "show", absent), absent
        )


QUESTIONS: tuple[dict[str, Any], ...] = (
    {"words": "内部"},
    {"words": "调查"},
    {"words": "地契"},
    {"words": ""},
    {"words": "", "year_from": 1962, "year_to": 1962},
    {"words": "", "fonds": "N"},
    {"words": "石桥村", "reference_code_prefix": "N"},
)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_counts_are_those_of_an_archive_without_it(staff: Staff, tmp_path: Path, question: dict[str, Any]) -> None:
    words = {**question}
    asked = words.pop("words")

    def total(name: str) -> tuple[int, bool, set[str | None]]:
        with staff.open(name) as session:
            page = search_records(session, asked, as_of=None, limit=50, after=None, **words)
            return page.total, page.total_is_exact, {one.reference_code for one in page.entries}

    count, exact, codes = total("stranger")
    all_count, _, all_codes = total("archivist")
    hidden = {code for code in all_codes if code in (HIDDEN, None) and code == HIDDEN}
    assert (count, exact, codes) == (all_count - len(hidden), True, all_codes - hidden)


def test_what_was_refused_is_in_the_log_and_both_leave_the_same_events(staff: Staff, tmp_path: Path) -> None:
    left: list[list[str]] = []
    with staff.open("stranger") as session:
        for name in (HIDDEN, ABSENT):
            before = session.log.position()
            with pytest.raises(ArchiveError) as refused:
                disseminate(session, name, paths=(), purpose="看看", target=tmp_path / "out")
            assert refused.value.code == "record-unknown"
            left.append(types(session, after=before))
            events = list(session.log.events(after=before))
            asked, answer = events[0].payload, events[1].payload
            assert isinstance(asked, Requested)
            assert isinstance(answer, Refused)
            assert (len(asked.packages), answer.decided_by) == (1 if name == HIDDEN else 0, ())
            assert events[0].envelope.actor == staff.people["stranger"]
    assert left == [["AccessRequest.Requested", "AccessRequest.Refused"]] * 2
    assert not (tmp_path / "out").exists()


STAFF_ONLY: tuple[Callable[[Session], object], ...] = (
    lambda session: list_packages(session, as_of=None, limit=5, after=None),
    lambda session: list_accessions(session, as_of=None, limit=5, after=None),
    lambda session: show_accession(session, session.new_id()),
)


@pytest.mark.parametrize("deed", STAFF_ONLY)
def test_deliveries_are_the_staffs_business(staff: Staff, deed: Callable[[Session], object]) -> None:
    with staff.open("stranger") as session, pytest.raises(ArchiveError) as refused:
        deed(session)
    assert refused.value.code == "not-allowed"


def test_a_stranger_sees_what_is_open_and_no_names_of_staff(staff: Staff, tmp_path: Path) -> None:
    with staff.open("stranger") as session:
        report = show_record(session, OPEN, as_of=None)
        assert report.files
        assert {entry.type.partition(".")[0] for entry in report.history} == {"Description", "ArchivalPackage"}
        assert {entry.actor_name for entry in report.history} == {None}
        assert view(session, OPEN, paths=(), purpose="看看").files
        assert disseminate(session, OPEN, paths=(), purpose="看看", target=tmp_path).files
    with staff.open("archivist") as session:
        assert None not in {entry.actor_name for entry in show_record(session, OPEN, as_of=None).history}


def test_what_is_taken_down_is_gone_for_strangers_at_once_and_back_when_restored(staff: Staff) -> None:
    from repository.services.opening import settle, take_down

    code = "J012-1-0003"
    with staff.open("stranger") as session:
        package = find_record(session, code)
    with staff.open("desk") as session:
        assert take_down(session, code, "家属来电") == package
    with staff.open("stranger") as session:
        before = session.log.position()
        for name in (code, str(package), "不存在"):
            with pytest.raises(ArchiveError) as refused:
                find_record(session, name)
            assert refused.value.code == "record-unknown"
        assert search_records(session, "石桥村", as_of=None, limit=5, after=None).total == 0
        past = search_records(session, "石桥村", as_of=str(before - 1), limit=5, after=None)
        assert past.total == 0
    with staff.open("reviewer") as session:
        settle(session, code, confirm=False, reason="核实无碍")
    with staff.open("stranger") as session:
        assert find_record(session, code) == package
