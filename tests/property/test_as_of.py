"""What a reading verb says of a moment is what it says in an archive whose log ends there."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from repository.catalogue import REPORTS, Catalogue
from repository.errors import ArchiveError
from repository.eventlog import EventLog
from repository.services import reports, search
from repository.services.administration import list_people
from repository.services.history import diff
from repository.services.jobs import status
from repository.services.session import Session
from repository.services.timeline import timeline
from repository.services.tracing import trace
from tests.property.test_archive_history import History, Step, follow, steps
from tests.real_archives import new_site

PLACES = 25
"""Of each of eight histories: two hundred positions."""


class LogOfThen:
    """The log as it was when it ended at a position; who may ask is judged by the log of now."""

    def __init__(self, log: EventLog, end: int) -> None:
        self._log, self._end = log, end

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def _upto(self, upto: int | None) -> int:
        return self._end if upto is None else min(upto, self._end)

    def position(self) -> int:
        return self._end

    def position_at(self, time: str) -> int:
        return min(self._log.position_at(time), self._end)

    def recorded_at(self, position: int) -> str | None:
        return self._log.recorded_at(position) if position <= self._end else None

    def events(self, *, upto: int | None = None, **options: Any) -> Iterator[Any]:
        return self._log.events(upto=self._upto(upto), **options)

    def counts(self, *, after: int, upto: int) -> dict[str, int]:
        return self._log.counts(after=after, upto=self._upto(upto))

    def naming(self, identity: UUID, *, upto: int) -> list[int]:
        return self._log.naming(identity, upto=self._upto(upto))

    def stream(self, stream: UUID) -> list[Any]:
        return [event for event in self._log.stream(stream) if event.envelope.position <= self._end]

    def records(self, stream: UUID) -> list[Any]:
        return [record for record in self._log.records(stream) if record.position <= self._end]

    def newest(self, stream: UUID, *, upto: int | None = None) -> Any:
        return self._log.newest(stream, upto=self._upto(upto))


Ask = Callable[[Session, str | None], Any]
PAGE: Any = {"limit": 1_000, "after": None}


def _status(session: Session, then: str | None) -> Any:
    return msgspec.structs.replace(status(session, as_of=then), projections=())


def _report(name: str) -> Ask:
    def ask(session: Session, then: str | None) -> Any:
        return reports.report(session, name, reports.period_of(session, as_of=then, since=None, until=None))

    return ask


ASKED: dict[str, Ask] = {
    "list": lambda session, then: search.list_records(session, as_of=then, **PAGE),
    "list packages": lambda session, then: search.list_packages(session, as_of=then, **PAGE),
    "list accessions": lambda session, then: search.list_accessions(session, as_of=then, **PAGE),
    "list requests": lambda session, then: search.list_requests(session, as_of=then, **PAGE),
    "list runs": lambda session, then: search.list_runs(session, as_of=then, **PAGE),
    "search": lambda session, then: search.search_records(session, "地契", as_of=then, **PAGE),
    "person": lambda session, then: list_people(session, as_of=then),
    "status": _status,
    "diff": lambda session, then: diff(session, f"..{then or ''}"),
    **{f"report {name}": _report(name) for name in REPORTS},
}

OF_ONE: dict[str, Callable[[Session, str, str | None], Any]] = {
    "show": lambda session, named, then: search.show_record(session, named, as_of=then),
    "timeline": lambda session, named, then: timeline(session, named, as_of=then).entries,
    "trace": lambda session, named, then: trace(session, named, as_of=then).steps,
}


def told(session: Session, named: list[str], then: str | None) -> dict[str, Any]:
    answers = {verb: ask(session, then) for verb, ask in ASKED.items()}
    for verb, of_one in OF_ONE.items():
        for one in named:
            try:
                answers[f"{verb} {one}"] = of_one(session, one, then)
            except ArchiveError as error:
                answers[f"{verb} {one}"] = error.code
    return answers


@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(steps(), st.lists(st.integers(0, 10_000), min_size=PLACES, max_size=PLACES))
def test_as_of_is_what_an_archive_says_whose_log_ends_there(plan: list[Step], places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        site = new_site(Path(name))
        with site.open() as live:
            history = History(Path(name) / "out", site, live)
            follow(history, plan)
            end = live.catch_up()
            named = [str(one) for one in (*history.descriptions()[:2], *_requests(live)[:1], history.person)]
            with closing(Catalogue.open(Path(name) / "fresh")) as fresh:
                for position in sorted({4 + place % (end - 3) for place in places}):
                    fresh.catch_up(live.log, upto=position)
                    log: Any = LogOfThen(live.log, position)
                    then = replace(live, log=log, catalogue=fresh)
                    assert told(live, named, str(position)) == told(then, named, None), position


def _requests(session: Session) -> list[UUID]:
    return [event.envelope.stream for event in session.log.events(types=["AccessRequest.Requested"])]
