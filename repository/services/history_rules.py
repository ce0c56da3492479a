"""Rules over history (规则): what an auditor asks the log, although the decisions themselves should have kept it away.

Each hit is something to look into, not yet a fault: a person must say what it means. One pass over the events; memory
grows with people, requests and packages, never with events.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from repository.domain.access_request import DipDelivered, Granted, Refused, UseRegistered
from repository.domain.agent import AGENT
from repository.domain.agent import State as Agent
from repository.domain.authority import may
from repository.domain.door import Denied, SignInFailed
from repository.domain.envelope import Envelope, Event
from repository.services.fixity_age import by_age, older
from repository.services.session import Session

RULES = (
    "fixity-overdue",
    "own-request",
    "outside-role",
    "clock-back",
    "many-copies",
    "repeated-refusals",
    "failed-sign-ins",
    "repeated-denials",
)
COPIES, WITHIN = 50, timedelta(hours=1)
"""More dissemination packages than this, handed out by one person in that time, are many."""
REFUSALS, IN = 3, timedelta(days=1)
"""So many refusals of one reader in that time are repeated."""
FAILURES, OF_AN_HOUR = 10, timedelta(hours=1)
"""So many keys from one place that opened nothing, in that time, are tries."""
DENIALS, OF_A_DAY = 10, timedelta(days=1)
"""So often denied in that time, somebody is trying doors."""

NEEDED = {
    "AccessRequest.Granted": "decide-request",
    "AccessRequest.Refused": "decide-request",
    "AccessRequest.GrantRevoked": "decide-request",
    "AccessRequest.UseRegistered": "register-use",
    "Accession.Opened": "ingest",
    "Accession.Returned": "return",
    "Agent.Registered": "administer",
    "Agent.RoleGranted": "administer",
    "Agent.RoleRevoked": "administer",
    "ArchivalPackage.HoldPlaced": "hold",
    "ArchivalPackage.HoldReleased": "hold",
    "OpeningReview.Decided": "decide-opening",
    "OpeningReview.OpinionGiven": "review-opening",
    "Reader.Introduced": "register-use",
}
"""The right that whoever causes an event of this type must have had at that moment."""


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to look into: which rule, at which position (0 for none), by whom, and about what."""

    rule: str
    position: int
    time: str
    actor: UUID | None
    about: str


class RulesReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the rules found, in the order of the log."""

    schema: str = "jingui.audit-rules/1"
    position: int
    rules: tuple[str, ...]
    hits: tuple[Hit, ...]


def ask_rules(session: Session, *, days: int = 90) -> RulesReport:
    """Ask every rule; `days` is the age at which a package counts as not looked at."""
    session.require("audit")
    last = session.catch_up()
    history = _History()
    hits = [hit for event in session.log.events(upto=last) for hit in history.take(event)]
    hits += _clock(session, last)
    hits += [
        _hit("fixity-overdue", None, str(one.package)) for one in older(session, by_age(session, as_of=last), days)
    ]
    ordered = sorted(hits, key=lambda hit: (hit.position, hit.rule, hit.about))
    return RulesReport(position=last, rules=RULES, hits=tuple(ordered))


def _clock(session: Session, last: int) -> Iterator[Hit]:
    for position in session.log.clock_back():
        if position <= last:
            time = session.log.recorded_at(position) or ""
            yield Hit(rule="clock-back", position=position, time=time, actor=None, about="-")


def _hit(rule: str, envelope: Envelope | None, about: str) -> Hit:
    return Hit(
        rule=rule,
        position=envelope.position if envelope else 0,
        time=envelope.recorded_at if envelope else "",
        actor=envelope.actor if envelope else None,
        about=about,
    )


class _History:
    """What has to be remembered of events that went before."""

    def __init__(self) -> None:
        self._agents: dict[UUID, Agent] = {}
        self._registered: dict[UUID, UseRegistered] = {}
        self._copies: dict[UUID, deque[datetime]] = defaultdict(deque)
        self._refusals: dict[UUID, deque[datetime]] = defaultdict(deque)
        self._failures = _Sums(FAILURES, OF_AN_HOUR)
        self._denials = _Sums(DENIALS, OF_A_DAY)

    def take(self, event: Event) -> Iterator[Hit]:
        """Judge an event by all that went before it, then remember it."""
        envelope, payload = event.envelope, event.payload
        yield from self._outside_role(envelope)
        if envelope.type.startswith("Agent."):
            state = self._agents.get(envelope.stream, AGENT.initial)
            self._agents[envelope.stream] = AGENT.evolve(state, payload)
        match payload:
            case UseRegistered():
                self._registered[envelope.stream] = payload
            case Granted() | Refused():
                yield from self._decided(envelope, payload)
            case DipDelivered():
                if _count(self._copies[envelope.actor], envelope.recorded_at, WITHIN) > COPIES:
                    yield _hit("many-copies", envelope, f"> {COPIES}")
            case SignInFailed():
                yield from self._failed(envelope, payload)
            case Denied():
                yield from self._denied(envelope, payload)
            case _:
                pass

    def _failed(self, envelope: Envelope, failed: SignInFailed) -> Iterator[Hit]:
        """What found no room to be told apart counts as one place: a flood from many is a flood."""
        counts: Counter[str] = Counter({"*": failed.others} if failed.others else {})
        for one in failed.failures:
            counts[one.place if isinstance(one.place, str) else "-"] += one.count
        for place in self._failures.reached(counts, failed.until):
            yield _hit("failed-sign-ins", envelope, place)

    def _denied(self, envelope: Envelope, denied: Denied) -> Iterator[Hit]:
        counts: Counter[str] = Counter()
        for one in denied.denials:
            counts[str(one.agent)] += one.count
        for agent in self._denials.reached(counts, denied.until):
            yield _hit("repeated-denials", envelope, agent)

    def _outside_role(self, envelope: Envelope) -> Iterator[Hit]:
        needed = NEEDED.get(envelope.type)
        if needed is None or envelope.authenticated_by.method == "initialisation":
            return
        principal = envelope.on_behalf_of or envelope.actor
        if not may(self._agents.get(principal, AGENT.initial), needed):
            yield _hit("outside-role", envelope, f"{envelope.type} ({needed})")

    def _decided(self, envelope: Envelope, decided: Granted | Refused) -> Iterator[Hit]:
        registered = self._registered.get(envelope.stream)
        if registered is None:
            return
        if set(registered.requesters) & {*decided.decided_by, envelope.actor} and decided.decided_by:
            yield _hit("own-request", envelope, str(envelope.stream))
        refused = isinstance(decided, Refused)
        if refused and _count(self._refusals[registered.reader], envelope.recorded_at, IN) >= REFUSALS:
            yield _hit("repeated-refusals", envelope, str(registered.reader))


def _count(times: deque[datetime], now: str, span: timedelta) -> int:
    """How often it happened within the span, this time included."""
    moment = datetime.fromisoformat(now)
    times.append(moment)
    while times and times[0] < moment - span:
        times.popleft()
    return len(times)


class _Sums:
    """Counts that come in batches, summed over a span for each of whom they tell."""

    def __init__(self, limit: int, span: timedelta) -> None:
        self._limit = limit
        self._span = span
        self._batches: dict[str, deque[tuple[datetime, int]]] = defaultdict(deque)

    def reached(self, counts: Mapping[str, int], now: str) -> Iterator[str]:
        """Those of a new batch that have come to the limit within the span, in order."""
        moment = datetime.fromisoformat(now)
        for name, count in sorted(counts.items()):
            batches = self._batches[name]
            batches.append((moment, count))
            while batches[0][0] < moment - self._span:
                batches.popleft()
            if sum(number for _, number in batches) >= self._limit:
                yield name
