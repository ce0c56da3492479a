"""Rules over history: silent on an honest one, and named where somebody got past what should have kept them away."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from repository.domain.access_request import ACCESS_REQUEST, DipDelivered, Refused
from repository.domain.aggregate import New
from repository.domain.values import Value
from repository.eventlog import Streams
from repository.services.history_rules import COPIES, RULES, Hit, ask_rules
from repository.services.session import Session
from tests.staff import Staff, new_staff


@pytest.fixture(scope="module")
def staff(tmp_path_factory: pytest.TempPathFactory) -> Staff:
    """A house in which a reader was refused, as it should be."""
    made = new_staff(tmp_path_factory.mktemp("rules"))
    asked = made.ask("desk", "use", "register", "--form", made.form(records=["N-1"]))
    made.ask("decider", "request", "refuse", asked["request"], "--ground", "personal", "--reason", "涉及他人")
    return made


def hits(session: Session, **options: int) -> list[Hit]:
    return list(ask_rules(session, **options).hits)


def test_an_honest_history_gives_no_hit(staff: Staff) -> None:
    with staff.open("administrator") as session:
        report = ask_rules(session)
    assert (report.rules, report.hits) == (RULES, ())


def test_packages_not_looked_at_for_so_long_are_named(staff: Staff) -> None:
    with staff.open("administrator") as session:
        later = session.clock() + timedelta(days=91)
        assert {hit.rule for hit in hits(replace(session, clock=lambda: later))} == {"fixity-overdue"}
        assert hits(replace(session, clock=lambda: later), days=92) == []


def past_the_rules(session: Session, stream: UUID, *payloads: Value) -> None:
    """Append as somebody would whom no decision stopped."""

    def decide(streams: Streams) -> list[New]:
        streams.load(ACCESS_REQUEST, stream)
        return [New(stream, one) for one in payloads]

    session.perform("forced", decide, correlation=stream, archive=None)


def decided_alone(session: Session) -> None:
    """Register a use and refuse it, all by oneself."""
    (registered, *_) = (event.payload for event in session.log.events(types=["AccessRequest.UseRegistered"]))
    me = (session.actor.agent,)
    refused = Refused(ground=None, reason=None, objection=None, decided_by=me)
    past_the_rules(session, uuid4(), msgspec.structs.replace(registered, requesters=me), refused)


def test_who_gets_past_the_decisions_is_found_by_the_history(tmp_path: Path, staff: Staff) -> None:
    place = shutil.copytree(staff.site.folder.parent, tmp_path / "copy")
    folder = place / staff.site.folder.name
    copied = Staff(msgspec.structs.replace(staff.site, folder=folder), staff.people, staff.master)
    with copied.open("archivist") as session:
        decided_alone(session)
        found = {hit.rule for hit in hits_of(copied)}
        assert found == {"own-request", "outside-role"}
        decided_alone(session)
        decided_alone(session)
        delivered = DipDelivered(dip=uuid4(), way="folder")
        past_the_rules(session, uuid4(), *[delivered] * COPIES)
        assert {hit.rule for hit in hits_of(copied)} == found | {"repeated-refusals"}
        past_the_rules(session, uuid4(), delivered)
    report = copied.ask("administrator", "audit", "rules")
    assert {hit["rule"] for hit in report["hits"]} == found | {"repeated-refusals", "many-copies"}
    said = copied.run("administrator", "audit", "rules", "--lang", "zh")
    assert (said.status, "为自己的申请作决定" in said.out) == (0, True), said


def hits_of(staff: Staff) -> list[Hit]:
    with staff.open("administrator") as session:
        return hits(session)
