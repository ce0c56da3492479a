"""The trail of people: who came in, who did not, and what was refused - in the log, bounded, without a secret."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from repository.archive import serve_archive
from repository.domain.aggregate import New
from repository.domain.door import DOOR, Denial, Denied, Failure, SignedIn, SignInFailed
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.administration import Role
from repository.services.history_rules import DENIALS, FAILURES, ask_rules
from repository.services.session import Session
from repository.services.timeline import timeline
from repository.services.trail import GROUPS, VISIT, Trail
from repository.services.trail_keeping import write_trail
from tests.api.serving import api, key_for
from tests.real_archives import Site, new_site

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SECRET = "ab" * 32


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A new archive."""
    return new_site(tmp_path)


def told(session: Session) -> list[Value]:
    return [event.payload for event in session.log.events() if event.envelope.type.startswith("Door.")]


def test_a_served_day_leaves_who_came_in_who_did_not_and_what_was_refused(site: Site) -> None:
    reader = key_for(site, "读者", Role.READER)
    with api(site) as (client, served):
        begun = served.base.log.position()
        for _ in range(3):
            assert client.get("/v1/people", headers=reader).status_code == 403
        known = reader["authorization"].removeprefix("Bearer ").partition(".")[0]
        for name in (known, known, uuid4()):
            assert client.get("/v1/people", headers={"authorization": f"Bearer {name}.{SECRET}"}).status_code == 401
        assert client.get("/v1/people", headers={"authorization": f"Bearer {SECRET}"}).status_code == 401
        assert client.get("/v1/people").status_code == 200
        assert served.base.log.position() == begun, "nothing is written by a request"
        write_trail(served.base)
        assert served.base.log.position() == begun + 3
        write_trail(served.base)
        assert served.base.log.position() == begun + 3
        events = list(served.base.log.events(after=begun))
    assert {event.envelope.stream for event in events} == {events[0].envelope.authenticated_by.session}
    came, failed, denied = (event.payload for event in events)
    assert isinstance(came, SignedIn)
    assert isinstance(failed, SignInFailed)
    assert isinstance(denied, Denied)
    assert str(came.entries[0].credential) == known
    assert (len(came.entries), {one.place for one in came.entries}) == (2, {"testclient"})
    assert {(one.code, one.credential and str(one.credential), one.count) for one in failed.failures} == {
        ("credential-unknown", known, 2),
        ("credential-unknown", None, 1),
        ("key-invalid", None, 1),
    }
    person = came.entries[0].agent
    refusals = [(one.agent, one.verb, one.code, one.count) for one in denied.denials]
    assert refusals == [(person, "audit", "not-allowed", 3)]
    with site.open() as session:
        names = [one.type for one in timeline(session, str(person), as_of=None).entries]
        assert names[-2:] == ["Door.SignedIn", "Door.Denied"]
    assert SECRET.encode() not in (site.folder / "log" / "events.sqlite").read_bytes()


def test_what_was_refused_at_the_command_line_is_written_when_the_archive_is_closed(site: Site) -> None:
    with site.open() as session:
        person, credential = site.person(session, "读者", Role.READER)
    with pytest.raises(ArchiveError) as refused, site.open(credential) as session:
        session.require("administer")
    assert refused.value.code == "not-allowed"
    with site.open() as session:
        (denied,) = told(session)
    assert isinstance(denied, Denied)
    assert [(one.agent, one.verb, one.count) for one in denied.denials] == [(person, "administer", 1)]


def test_a_server_writes_what_is_left_when_it_ends(site: Site) -> None:
    with serve_archive(site.folder, site.credential) as served, pytest.raises(ArchiveError) as refused:
        served.session_for("x", "192.0.2.1")
    assert refused.value.code == "key-invalid"
    with site.open() as session:
        (failed,) = told(session)
    assert isinstance(failed, SignInFailed)
    assert failed.failures == (Failure(code="key-invalid", place="192.0.2.1", credential=None, count=1),)


def test_a_flood_makes_one_event_of_a_bounded_size_that_counts_everything() -> None:
    trail = Trail()

    def flood(part: int) -> None:
        for number in range(2_000):
            trail.failed("key-invalid", f"192.0.2.{part}.{number}", None, NOON)

    threads = [threading.Thread(target=flood, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (failed,) = trail.take()
    assert isinstance(failed, SignInFailed)
    assert len(failed.failures) == GROUPS
    assert sum(one.count for one in failed.failures) + failed.others == 8_000
    assert trail.take() == []


def test_the_same_key_from_the_same_place_is_one_sign_in_for_half_a_day() -> None:
    trail, agent, credential = Trail(), uuid4(), uuid4()
    for place, later in (("a", 0), ("a", 1), ("b", 1), ("a", 11), ("a", 12)):
        trail.came_in(agent, credential, place, NOON + timedelta(hours=later))
    (came,) = trail.take()
    assert isinstance(came, SignedIn)
    assert [one.place for one in came.entries] == ["a", "b", "a"]
    assert timedelta(hours=12) == VISIT


def test_what_could_not_be_written_is_written_the_next_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        session.trail.failed("key-invalid", "a", None, NOON)

        def full(*_: object, **__: object) -> None:
            raise ArchiveError("storage-full", "log")

        with monkeypatch.context() as broken:
            broken.setattr(Session, "perform", full)
            for _ in range(2):
                with pytest.raises(ArchiveError) as failed:
                    write_trail(session)
                assert failed.value.code == "storage-full"
        session.trail.failed("key-invalid", "a", None, NOON)
        write_trail(session)
        write_trail(session)
        counts = [one.failures[0].count for one in told(session) if isinstance(one, SignInFailed)]
    assert counts == [1, 1]


def watched(session: Session, *payloads: Value) -> None:
    stream = uuid4()

    def decide(streams: Streams) -> list[New]:
        streams.load(DOOR, stream)
        return [New(stream, one) for one in payloads]

    session.perform("watched", decide, correlation=stream, archive=None)


def failures(place: str, count: int, minute: int) -> SignInFailed:
    at = f"2026-11-25T08:{minute:02}:00.000000Z"
    one = Failure(code="key-invalid", place=place, credential=None, count=count)
    return SignInFailed(since=at, until=at, failures=(one,), others=0)


def denials(agent: UUID, count: int, day: int) -> Denied:
    at = f"2026-11-{day:02}T08:00:00.000000Z"
    one = Denial(agent=agent, on_behalf_of=None, verb="administer", code="not-allowed", count=count)
    return Denied(since=at, until=at, denials=(one,), others=0)


def test_the_rules_name_who_tries_doors_and_nobody_else(site: Site) -> None:
    one, other = uuid4(), uuid4()
    with site.open() as session:
        watched(session, failures("a", FAILURES - 1, 0), failures("b", FAILURES - 1, 1))
        watched(session, denials(one, DENIALS - 1, 1), denials(one, DENIALS - 1, 3), denials(other, 1, 3))
        assert ask_rules(session).hits == ()
        watched(session, failures("a", 1, 59), denials(one, 1, 4))
        found = [(hit.rule, hit.about) for hit in ask_rules(session).hits]
        assert found == [("failed-sign-ins", "a"), ("repeated-denials", str(one))]
        later = replace(session, clock=lambda: NOON)
        assert ask_rules(later).hits == ask_rules(session).hits
