"""Tracing (溯源): the chain delivery -> verdict -> AIP -> DIP -> reader, from any of its members, both ways.

An event follows from others in four ways, all of which stand in the log: the event that caused it (its envelope), the
one before it in its stream, an event that its payload names (a DIP names the `Stored` that it was made from), and the
newest event before it of each stream that its payload names (a request names packages, a package its accession).
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

import msgspec

from repository.domain.envelope import Envelope
from repository.errors import ArchiveError
from repository.eventlog import Record
from repository.services.search import position_of
from repository.services.session import Session
from repository.services.subjects import Subject, find_subject

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_AIP = frozenset({"Description", "ArchivalPackage"})
_CHAIN = frozenset({"Accession", "AccessRequest", *_AIP})


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a chain, and the positions of those of the chain that it follows from."""

    position: int
    event: UUID
    type: str
    stream: UUID
    recorded_at: str
    actor: UUID
    actor_name: str | None
    on_behalf_of: UUID | None
    causation: UUID | None
    follows: tuple[int, ...]

    @property
    def name(self) -> str:
        """The event's name without its aggregate's."""
        return self.type.partition(".")[2]


class TraceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The chain through what was named: what led to it, and what came of it, in the order of the log.

    `readers` are those for whom something of it was asked: the registered reader, else whoever asked.
    """

    schema: str = "jingui.trace/1"
    subject: Subject
    position: int
    accessions: tuple[UUID, ...]
    packages: tuple[UUID, ...]
    requests: tuple[UUID, ...]
    dips: tuple[UUID, ...]
    readers: tuple[UUID, ...]
    steps: tuple[Step, ...]


def trace(session: Session, named: str, *, as_of: str | None) -> TraceReport:
    """The chain through a record, package, accession, request, DIP or event. `not-traceable` for anything else."""
    session.require("audit")
    last = session.catch_up()
    position = position_of(session, as_of)
    upto = last if position is None else min(position, last)
    subject = find_subject(session, named, upto)
    if subject.kind not in _CHAIN:
        raise ArchiveError("not-traceable", named, kind=subject.kind)

    # 1 the streams that the chain can run through
    packages = _packages(session, subject, upto)
    streams = _streams(session, packages, upto) | {subject.id}

    # 2 their events, and what each follows from
    records = [record for stream in streams for record in session.log.records(stream) if record.position <= upto]
    web = _Web(records)

    # 3 from what was named, back to everything that led to it and on to everything that came of it
    start = [at for at, envelope in web.envelopes.items() if _is_named(subject, envelope, web)]
    chosen = sorted(web.reach(start, web.before) | web.reach(start, web.after))
    return _report(session, subject, upto, web, chosen)


class _Web:
    """Events by position, and for each the positions that it follows from (`before`) and that follow from it."""

    def __init__(self, records: Iterable[Record]) -> None:
        ordered = sorted(records, key=lambda record: record.position)
        self.envelopes = {one.position: msgspec.json.decode(one.envelope, type=Envelope) for one in ordered}
        self.named = {
            one.position: {UUID(each.decode()) for each in _UUID.findall(one.payload or b"")} for one in ordered
        }
        self.before: dict[int, set[int]] = {}
        self.after: dict[int, set[int]] = defaultdict(set)
        by_event = {envelope.event_id: at for at, envelope in self.envelopes.items()}
        of_stream: dict[UUID, list[int]] = defaultdict(list)
        for at, envelope in self.envelopes.items():
            of_stream[envelope.stream].append(at)
        for at, envelope in self.envelopes.items():
            known = {by_event[event] for event in (*self.named[at], envelope.causation_id) if event in by_event}
            for stream in {*self.named[at], envelope.stream} & of_stream.keys():
                earlier = of_stream[stream][: bisect_left(of_stream[stream], at)]
                known |= {earlier[-1]} if earlier else set()
            self.before[at] = {one for one in known if one < at}
            for one in self.before[at]:
                self.after[one].add(at)

    @staticmethod
    def reach(start: Iterable[int], onward: "dict[int, set[int]]") -> set[int]:
        """Every position that can be come to, the first ones among them."""
        reached: set[int] = set()
        waiting = list(start)
        while waiting:
            at = waiting.pop()
            if at not in reached:
                reached.add(at)
                waiting += onward.get(at, ())
        return reached


def _is_named(subject: Subject, envelope: Envelope, web: _Web) -> bool:
    if subject.event is not None:
        return envelope.event_id == subject.event
    if subject.dip is not None:
        return subject.dip in web.named[envelope.position]
    return envelope.stream in subject.ids


def _packages(session: Session, subject: Subject, upto: int) -> set[UUID]:
    """The packages through which the chain of a subject can run."""
    if subject.kind in _AIP:
        return {*subject.ids, subject.id} if subject.event is None else _of_record(session, subject.id, upto)
    if subject.kind == "AccessRequest":
        request = session.catalogue.request(subject.id, as_of=upto)
        return set(request.packages) if request else set()
    found: set[UUID] = set()
    after: str | None = None
    while True:
        page = session.catalogue.packages(accession=subject.id, as_of=upto, limit=1_000, after=after)
        found |= {package.id for package in page.entries}
        if (after := page.after) is None:
            return found


def _of_record(session: Session, stream: UUID, upto: int) -> set[UUID]:
    description = session.catalogue.description(stream, as_of=upto)
    return {stream, description.package} if description and description.package else {stream}


def _streams(session: Session, packages: set[UUID], upto: int) -> set[UUID]:
    found = set(packages)
    for identity in packages:
        package = session.catalogue.package(identity, as_of=upto)
        if package is not None:
            found |= {package.accession, package.description}
            found |= {request.id for request in session.catalogue.requests_for(identity, as_of=upto)}
    return found


def _report(session: Session, subject: Subject, upto: int, web: _Web, chosen: list[int]) -> TraceReport:
    kinds: dict[str, list[UUID]] = defaultdict(list)
    for at in chosen:
        envelope = web.envelopes[at]
        kinds[envelope.type.partition(".")[0]].append(envelope.stream)
    requests = [session.catalogue.request(one, as_of=upto) for one in dict.fromkeys(kinds["AccessRequest"])]
    asked = [request for request in requests if request is not None]
    return TraceReport(
        subject=subject,
        position=upto,
        accessions=tuple(dict.fromkeys(kinds["Accession"])),
        packages=tuple(dict.fromkeys(kinds["ArchivalPackage"])),
        requests=tuple(request.id for request in asked),
        dips=tuple(request.dip for request in asked if request.dip is not None),
        readers=tuple(dict.fromkeys(request.reader or request.requester for request in asked)),
        steps=tuple(_step(session, web, at, chosen, upto) for at in chosen),
    )


def _step(session: Session, web: _Web, at: int, chosen: list[int], upto: int) -> Step:
    envelope = web.envelopes[at]
    actor = session.catalogue.agent(envelope.actor, as_of=upto)
    return Step(
        position=at,
        event=envelope.event_id,
        type=envelope.type,
        stream=envelope.stream,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        actor_name=actor.name if actor else None,
        on_behalf_of=envelope.on_behalf_of,
        causation=envelope.causation_id,
        follows=tuple(sorted(web.before[at] & set(chosen))),
    )
