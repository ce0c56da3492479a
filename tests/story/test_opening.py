"""Opening (开放审核): due by a rule, two reviewers, the unit, a decider; a takedown and what becomes of it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from repository.catalogue import Description
from repository.domain.archival_package import ARCHIVAL_PACKAGE, AccessStatusChanged, StatusWay
from repository.domain.values import AccessStatus
from repository.errors import ArchiveError
from repository.services import opening
from repository.services.audit import fsck, replay
from repository.services.opening import Answer, Ground, term_is_over
from repository.services.search import find_record
from tests.command_line import Said
from tests.real_archives import deliver, silent, take, types
from tests.staff import Staff, new_staff

INTERNAL, REFUSED, DOOR, UNKNOWN, USAGE = "N-1", 4, 12, 3, 2


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return new_staff(tmp_path)


def failed(said: Said, status: int, code: str) -> None:
    assert (said.status, code in said.err) == (status, True), said


def many(staff: Staff, place: Path, count: int) -> list[str]:
    """Internal records of the 1960s, as many as asked for."""
    rows = [
        f"M-{number:04},{number}号调查,县政府,19{60 + number % 9}0101,内部,永久,1,M-{number:04}"
        for number in range(count)
    ]
    table = "档号,题名,责任者,日期,密级,保管期限,页数,文件\n" + "\n".join(rows) + "\n"
    files = {f"M-{number:04}/M-{number:04}-001.txt": b"%d" % number for number in range(count)}
    with staff.open("archivist") as session:
        assert take(session, deliver(place, {"catalogue.csv": table.encode(), **files})).outcome == "completed"
    return [f"M-{number:04}" for number in range(count)]


def status(staff: Staff, record: str) -> Any:
    with staff.open("archivist") as session:
        return session.log.load(ARCHIVAL_PACKAGE, find_record(session, record)).state.access


def test_a_review_from_the_list_to_the_decision(staff: Staff, tmp_path: Path) -> None:
    codes = many(staff, tmp_path / "many", 4)
    due = staff.ask("archivist", "opening", "due")
    assert [one["description"]["reference_code"] for one in due["candidates"]] == [*codes, INTERNAL]
    assert staff.ask("stranger", "search", "调查")["total"] == 0
    with staff.open("administrator") as session:
        start = session.log.position()

    review = staff.ask("archivist", "opening", "propose")["review"]
    assert staff.ask("archivist", "opening", "due")["candidates"] == []
    failed(staff.run("archivist", "opening", "propose"), UNKNOWN, "nothing-due")
    failed(staff.run("decider", "opening", "decide", review), REFUSED, "review-order")
    staff.ask("reviewer", "opening", "review", review, "--note", "均已满二十五年")
    failed(staff.run("archivist", "opening", "unit", review), REFUSED, "review-order")
    control = ("--control", codes[1], "--ground", "personal", "--until", "2040-01-01")
    staff.ask("second-reviewer", "opening", "review", review, *control)
    failed(staff.run("decider", "opening", "decide", review), REFUSED, "review-order")
    staff.ask(
        "archivist", "opening", "unit", review, "--answer", "objects", "--control", codes[2], "--ground", "unit-objects"
    )
    failed(staff.run("reviewer", "opening", "decide", review), DOOR, "not-allowed")
    (waiting,) = staff.ask("auditor", "opening", "queue")["reviews"]
    assert (waiting["id"], waiting["state"]) == (review, "heard")
    done = staff.ask("decider", "opening", "decide", review, "--control", codes[3], "--ground", "work-secret")
    assert (len(done["opened"]), len(done["controlled"]), done["passed_over"]) == (2, 3, [])

    with staff.open("administrator") as session:
        assert types(session, after=start) == [
            "OpeningReview.Proposed",
            "OpeningReview.OpinionGiven",
            "OpeningReview.OpinionGiven",
            "OpeningReview.UnitAnswered",
            "Door.Denied",
            "OpeningReview.Decided",
            *["ArchivalPackage.AccessStatusChanged"] * 5,
        ]
        assert fsck(session, silent).sound
        assert replay(session, None, silent).same
    held = status(staff, codes[1])
    assert (held.status, held.ground, held.controlled_until) == (AccessStatus.CONTROLLED, Ground.PERSONAL, "2040-01-01")
    opened = status(staff, codes[0])
    people = {staff.people[name] for name in ("reviewer", "second-reviewer", "decider")}
    assert (opened.status, set(opened.decided_by), str(opened.review)) == (AccessStatus.OPEN, people, review)
    found = {one["reference_code"] for one in staff.ask("stranger", "search", "调查")["entries"]}
    assert found == {codes[0], INTERNAL}
    failed(staff.run("decider", "opening", "decide", review), REFUSED, "review-order")
    assert staff.ask("auditor", "opening", "queue")["reviews"] == []
    assert [one["state"] for one in staff.ask("auditor", "opening", "list")["entries"]] == ["decided"]


def test_one_reviewer_is_not_two_and_no_reviewer_decides(staff: Staff) -> None:
    with staff.open("archivist") as session:
        review = opening.propose_records(session, [INTERNAL]).review
    with staff.open("reviewer") as session:
        opening.give_opinion(session, review, control=())
        opening.give_opinion(session, review, control=(), note="又看了一遍")
    with staff.open("archivist") as session, pytest.raises(ArchiveError) as refused:
        opening.hear_unit(session, review, answer=Answer.AGREES)
    assert refused.value.code == "review-order"


def test_what_changed_meanwhile_is_passed_over(staff: Staff, tmp_path: Path) -> None:
    codes = many(staff, tmp_path / "many", 3)
    with staff.open("archivist") as session:
        review = opening.propose(session, "term").review
        opening.take_down(session, codes[1], "家属来电")
    for name in ("reviewer", "second-reviewer"):
        with staff.open(name) as session:
            opening.give_opinion(session, review, control=())
    with staff.open("archivist") as session:
        opening.hear_unit(session, review, answer=Answer.SILENT)
    with staff.open("decider") as session:
        done = opening.decide(session, review, opening_date="2099-01-01")
        assert (len(done.opened), len(done.passed_over)) == (3, 1)
        assert done.passed_over == (find_record(session, codes[1]),)
    assert status(staff, codes[1]).way is StatusWay.TAKEDOWN
    assert staff.ask("stranger", "search", "调查")["total"] == 0, "open only from the opening date on"


def test_a_review_drawn_up_wrongly_is_withdrawn_and_its_records_are_due_again(staff: Staff) -> None:
    review = staff.ask("archivist", "opening", "propose")["review"]
    failed(staff.run("archivist", "opening", "withdraw", review), USAGE, "reason-missing")
    staff.ask("archivist", "opening", "withdraw", review, "--reason", "清单有误")
    assert len(staff.ask("archivist", "opening", "due")["candidates"]) == 1
    failed(staff.run("reviewer", "opening", "review", review), REFUSED, "review-order")
    failed(staff.run("reviewer", "opening", "review", staff.people["desk"]), UNKNOWN, "review-unknown")
    failed(staff.run("archivist", "opening", "due", "--rule", "never"), UNKNOWN, "rule-unknown")


def test_a_record_of_no_review_is_no_part_of_it(staff: Staff) -> None:
    review = staff.ask("archivist", "opening", "propose")["review"]
    control = ("--control", "J012-1-0001")
    failed(
        staff.run("reviewer", "opening", "review", review, *control, "--ground", "personal"), USAGE, "review-stranger"
    )
    failed(staff.run("reviewer", "opening", "review", review, *control), USAGE, "reason-missing")


def test_a_takedown_is_one_step_and_a_second_person_settles_it(staff: Staff) -> None:
    code = "J012-1-0001"
    failed(staff.run("desk", "takedown", code, "--reason", " "), USAGE, "reason-missing")
    staff.ask("reviewer", "takedown", code, "--reason", "涉及隐私")
    (waiting,) = staff.ask("auditor", "opening", "queue")["taken_down"]
    assert waiting["access_way"] == "takedown"
    for own in ("--confirm", "--restore"):
        failed(staff.run("reviewer", "takedown", code, "--reason", "我看过了", own), REFUSED, "second-person-needed")
    staff.ask("second-reviewer", "takedown", code, "--reason", "属实", "--confirm")
    held = status(staff, code)
    assert (held.status, held.way) == (AccessStatus.CONTROLLED, StatusWay.CONFIRMATION)
    assert set(held.decided_by) == {staff.people["reviewer"], staff.people["second-reviewer"]}
    failed(staff.run("decider", "takedown", code, "--reason", "再看", "--restore"), REFUSED, "no-takedown")
    assert staff.ask("auditor", "opening", "queue")["taken_down"] == []


def test_a_status_is_corrected_by_two(staff: Staff) -> None:
    code = "J012-1-0001"
    staff.ask("reviewer", "takedown", code, "--reason", "涉及隐私")
    words = ("opening", "correct", "--record", code, "--reason", "登记有误")
    second = ("--approver-credential", staff.credential("decider"))
    failed(staff.run("reviewer", *words, *second), REFUSED, "takedown-open")
    staff.ask("second-reviewer", "takedown", code, "--reason", "属实", "--confirm")
    own = ("--approver-credential", staff.credential("reviewer"))
    failed(staff.run("reviewer", *words, "--status", "open", *own), DOOR, "not-allowed")
    failed(staff.run("decider", *words, "--status", "open", *second), REFUSED, "second-person-needed")
    failed(staff.run("reviewer", *words, "--status", "controlled", *second), USAGE, "reason-missing")
    secret = ("--status", "open", "--secrecy", "秘密")
    failed(staff.run("reviewer", *words, *secret, *second), REFUSED, "secret-open")
    staff.ask("reviewer", *words, "--status", "open", *second)
    assert status(staff, code).status is AccessStatus.OPEN
    staff.ask("reviewer", *words, *second)
    assert status(staff, code).status is None
    assert staff.ask("stranger", "show", code)["package"]["access"] is None


def test_a_hold_is_placed_and_released(staff: Staff) -> None:
    hold = staff.ask("archivist", "hold", INTERNAL, "--reason", "诉讼未结")["hold"]
    assert staff.ask("archivist", "show", INTERNAL)["package"]["holds"] == [hold]
    failed(staff.run("desk", "hold", INTERNAL, "--reason", "诉讼未结"), DOOR, "not-allowed")
    staff.ask("archivist", "hold", INTERNAL, "--reason", "已结案", "--release", hold)
    failed(staff.run("archivist", "hold", INTERNAL, "--reason", "再", "--release", hold), UNKNOWN, "hold-unknown")
    assert staff.ask("archivist", "show", INTERNAL)["package"]["holds"] == []


def test_a_batch_is_as_large_as_a_command_may_be(staff: Staff, tmp_path: Path) -> None:
    """Sixty records in one decision, with one event each; the domain's bound of 1,000 is judged in the unit tests."""
    many(staff, tmp_path / "many", 60)
    with staff.open("archivist") as session:
        review = opening.propose(session, "term", limit=50).review
    for name in ("reviewer", "second-reviewer"):
        with staff.open(name) as session:
            opening.give_opinion(session, review, control=())
    with staff.open("archivist") as session:
        opening.hear_unit(session, review, answer=Answer.AGREES)
        assert len(opening.list_due(session, "term").candidates) == 11
    with staff.open("decider") as session:
        before = session.log.position()
        opening.decide(session, review)
        changed = [
            event for event in session.log.events(after=before) if isinstance(event.payload, AccessStatusChanged)
        ]
        assert len(changed) == 50
        assert len({event.envelope.command_id for event in changed}) == 1


TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("formed", "year", "over"),
    [
        ("2001-06-14", 2001, True),
        ("2001-06-15", 2001, False),
        ("2001-05", 2001, True),
        ("2001-06", 2001, False),
        ("2001", 2001, False),
        ("2000", 2000, True),
        ("1931-06/1932?", 1931, True),
        ("2000/2001-06-14", 2000, True),
        ("2000/2001-12", 2000, False),
        ("2001-02-30", 2001, True),
        ("about 1930", 1930, True),
        ("about 2001", 2001, False),
        (None, 2000, True),
        (None, 2001, False),
        (None, None, False),
    ],
)
def test_a_term_runs_from_the_day_that_is_known_and_never_ends_early(
    staff_free: Description, formed: str | None, year: int | None, over: bool
) -> None:
    import msgspec

    described = msgspec.structs.replace(staff_free, date=formed, year=year)
    assert term_is_over(described, 25, TODAY) is over


@pytest.fixture(scope="module")
def staff_free() -> Description:
    from repository.catalogue.folds.records import described
    from repository.domain.description import Described
    from tests.catalogue_events import fields
    from tests.histories import MemoryLog, identity

    (event,) = MemoryLog().record("Description", identity("d"), Described(fields=fields()))
    assert isinstance(event.payload, Described)
    return described(None, event.payload, event.envelope)
