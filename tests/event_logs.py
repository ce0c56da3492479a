"""What the tests of the event log share: an aggregate that counts, commands to perform, and a clock that is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

from repository.domain.aggregate import Aggregate, New
from repository.domain.corrections import Annulled, PayloadExpunged
from repository.domain.envelope import Actor, Authentication, Command, OccurredAt
from repository.domain.values import Confidential, Value
from repository.eventlog import Answer, Codec, EventLog, Streams
from repository.eventlog.registry import EventType

SOFTWARE = "jingui/test"
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class Counted(Value, frozen=True, kw_only=True):
    """One more was counted."""

    amount: int
    note: Confidential


class Verdict(Value, frozen=True, kw_only=True):
    """What was found on one page."""

    page: str
    skew_millidegrees: int
    dots_per_inch: int
    is_blank: bool
    defects: tuple[str, ...]
    outcome: str


class Assessed(Value, frozen=True, kw_only=True):
    """Pages were judged."""

    policy: str
    verdicts: tuple[Verdict, ...]


def evolve(state: int, event: Value) -> int:
    """Add what was counted."""
    return state + event.amount if isinstance(event, Counted) else state


COUNTER = Aggregate("Counter", 0, evolve)
PAYLOADS: tuple[type[Value], ...] = (Counted, Assessed, Annulled, PayloadExpunged)
TYPES = {
    f"Counter.{payload.__name__}": EventType(f"Counter.{payload.__name__}", 1, payload, "Counter.Annulled")
    for payload in PAYLOADS
}


class TestClock:
    """A clock that goes a second further each time it is asked, from wherever it was set."""

    __test__ = False

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def codec() -> Codec:
    """The test's types."""
    return Codec(TYPES)


def create(path: Path, clock: Callable[[], datetime] | None = None) -> EventLog:
    """A new log of the test's types."""
    return EventLog.create(path, clock=clock or TestClock(), software=SOFTWARE, codec=codec())


def reopen(path: Path, clock: Callable[[], datetime] | None = None) -> EventLog:
    """An existing log of the test's types."""
    return EventLog.open(path, clock=clock or TestClock(), software=SOFTWARE, codec=codec())


@contextmanager
def closing(log: EventLog) -> Iterator[EventLog]:
    """Close the log at the end of the block."""
    try:
        yield log
    finally:
        log.close()


def command(command_id: UUID | None = None, request: str = "") -> Command:
    """A command as somebody with a credential would give it."""
    return Command(
        command_id=command_id or uuid4(),
        request=sha256(request.encode()).hexdigest(),
        actor=Actor(
            agent=UUID(int=1),
            authenticated_by=Authentication(method="credential", session=UUID(int=2), workplace="阅览室"),
        ),
        archive="431001",
        occurred_at=OccurredAt(time="2026-03-01T08:00:00.000000Z", precision="minute", source="paper form"),
        correlation_id=UUID(int=3),
    )


def count(log: EventLog, stream: UUID, *amounts: int, by: Command | None = None, note: str = "") -> Answer:
    """Append one `Counted` for each amount."""

    def decide(streams: Streams) -> list[New]:
        streams.load(COUNTER, stream)
        return [New(stream, Counted(amount=amount, note=note)) for amount in amounts]

    return log.perform(by or command(), decide)


def append(log: EventLog, stream: UUID, *payloads: Value) -> Answer:
    """Append these events to a stream."""

    def decide(streams: Streams) -> list[New]:
        streams.load(COUNTER, stream)
        return [New(stream, payload) for payload in payloads]

    return log.perform(command(), decide)


def verdicts(pages: int = 100) -> Assessed:
    """A batch of verdicts, of the size that a quality check appends."""
    return Assessed(
        policy="DA/T 31-2017",
        verdicts=tuple(
            Verdict(
                page=f"{page:04d}.tif",
                skew_millidegrees=page * 7 % 900,
                dots_per_inch=300,
                is_blank=False,
                defects=("skewed",) if page % 50 == 0 else (),
                outcome="passed",
            )
            for page in range(1, pages + 1)
        ),
    )
