"""No sequence of commands by one actor destroys a key: the ring's decisions, driven in any order by several people."""

from collections.abc import Callable
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from repository.domain import key_ring
from repository.domain.aggregate import fold
from repository.domain.corrections import Annulled
from repository.domain.envelope import Authentication, Envelope, Event, OccurredAt
from repository.domain.key_ring import (
    KEY_RING,
    BackedUp,
    CopyOf,
    KeptBy,
    KeyAt,
    KeyCreated,
    KeyPurpose,
    KeyRotated,
    State,
)
from repository.domain.values import Value
from repository.errors import ArchiveError

PEOPLE = [UUID(int=number) for number in range(1, 4)]
DEPUTY = UUID(int=9)
"""Acts for the first of them, and for herself."""

ACTORS = [*((one,) for one in PEOPLE), (DEPUTY,), (PEOPLE[0], DEPUTY)]
NAMES = ["recovery", "控制", "机密", "readers"]
PURPOSES = dict(zip(NAMES, [KeyPurpose.RECOVERY, KeyPurpose.CLASS, KeyPurpose.CLASS, KeyPurpose.READERS], strict=True))
KEPT = {KeyPurpose.RECOVERY: KeptBy.SHARES, KeyPurpose.CLASS: KeptBy.TOKEN, KeyPurpose.READERS: KeptBy.FILE}
VERSIONS = st.sampled_from([None, 1, 2, 3])


class Ring(RuleBasedStateMachine):
    """Everybody tries everything; what the ring refuses leaves it as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.made = 100
        self.asked: dict[tuple[UUID, int | None], set[UUID]] = {}
        self.agreed: dict[tuple[UUID, int | None], set[UUID]] = {}
        self.destroyed: list[tuple[UUID, int | None]] = []

    def perform(self, decide: Callable[[], list[Value]]) -> list[Value]:
        """Carry out a command; refused, it changes nothing."""
        try:
            events = decide()
        except ArchiveError:
            return []
        for event in events:
            self.state = key_ring.evolve(self.state, event)
        return events

    def new_id(self) -> UUID:
        self.made += 1
        return UUID(int=self.made)

    @rule(name=st.sampled_from(NAMES))
    def create(self, name: str) -> None:
        purpose = PURPOSES[name]
        shares = purpose is KeyPurpose.RECOVERY
        created = KeyCreated(
            key=self.new_id(),
            purpose=purpose,
            name=name,
            kept_by=KEPT[purpose],
            public="public",
            holders=tuple(PEOPLE) if shares else (),
            threshold=2 if shares else None,
        )
        self.perform(lambda: key_ring.create(self.state, created))

    @rule(name=st.sampled_from(NAMES))
    def rotate(self, name: str) -> None:
        def decide() -> list[Value]:
            key = self.state.named(name)
            rotated = KeyRotated(
                key=key.id,
                version=key.current.number + 1,
                kept_by=key.current.kept_by,
                public="public",
                holders=key.current.holders,
                threshold=key.current.threshold,
                reason="每年",
            )
            return key_ring.rotate(self.state, rotated)

        self.perform(decide)

    @rule(name=st.sampled_from(NAMES), again=st.booleans())
    def retire(self, name: str, *, again: bool) -> None:
        decide = key_ring.reinstate if again else key_ring.retire
        self.perform(lambda: decide(self.state, name, "停用"))

    @rule(name=st.sampled_from(NAMES), version=VERSIONS, actor=st.sampled_from(ACTORS))
    def request(self, name: str, version: int | None, actor: tuple[UUID, ...]) -> None:
        events = self.perform(
            lambda: key_ring.request_destruction(
                self.state, name, version, reason="鉴定", legal_basis="档案法", agents=actor
            )
        )
        if events:
            self.asked[self.state.named(name).id, version] = set(actor)

    @rule(name=st.sampled_from(NAMES), version=VERSIONS)
    def withdraw(self, name: str, version: int | None) -> None:
        self.perform(lambda: key_ring.withdraw_destruction(self.state, name, version, "有误"))

    @rule(name=st.sampled_from(NAMES), version=VERSIONS, actor=st.sampled_from(ACTORS))
    def approve(self, name: str, version: int | None, actor: tuple[UUID, ...]) -> None:
        events = self.perform(lambda: key_ring.approve_destruction(self.state, name, version, actor))
        if events:
            self.agreed[self.state.named(name).id, version] = set(actor)

    @rule(name=st.sampled_from(NAMES), version=VERSIONS)
    def end(self, name: str, version: int | None) -> None:
        def decide() -> list[Value]:
            return key_ring.end_destruction(self.state, self.state.named(name).id, version, 1)

        key = self.state.named(name).id if any(one.name == name for one in self.state.keys.values()) else None
        if key is not None and self.perform(decide):
            self.destroyed.append((key, version))

    @rule(name=st.sampled_from(NAMES), version=VERSIONS, first=st.sampled_from(ACTORS), second=st.sampled_from(ACTORS))
    def destroy(self, name: str, version: int | None, first: tuple[UUID, ...], second: tuple[UUID, ...]) -> None:
        """The whole way at once, which chance alone seldom takes."""
        self.request(name, version, first)
        self.approve(name, version, second)
        self.end(name, version)

    @rule(copy_of=st.sampled_from(CopyOf))
    def back_up(self, copy_of: CopyOf) -> None:
        keys = tuple(
            KeyAt(key=one.id, version=one.current.number) for one in self.state.keys.values() if not one.destroyed
        )
        made = BackedUp(backup=self.new_id(), copy_of=copy_of, place="/备份", keys=keys, files=1)
        self.perform(lambda: key_ring.back_up(self.state, made))

    @rule(which=st.integers(0, 5), deleted=st.booleans())
    def remove(self, which: int, *, deleted: bool) -> None:
        backups = list(self.state.backups)
        if backups:
            one = backups[which % len(backups)]
            self.perform(lambda: key_ring.remove_backup(self.state, one, deleted=deleted, reason="x"))

    @invariant()
    def every_destroyed_key_had_two(self) -> None:
        for one in self.destroyed:
            assert self.asked[one]
            assert self.agreed[one]
            assert not self.asked[one] & self.agreed[one]

    @invariant()
    def nothing_else_is_destroyed(self) -> None:
        gone = {
            (key.id, version.number)
            for key in self.state.keys.values()
            for version in key.versions
            if version.destroyed
        }
        said = {
            (key, number)
            for key, version in self.destroyed
            for number in ([version] if version else [one.number for one in self.state.keys[key].versions])
        }
        assert gone == said

    @invariant()
    def what_is_in_use_lives(self) -> None:
        for key in self.state.keys.values():
            assert key.current.destroyed == key.destroyed

    @invariant()
    def what_ended_left_no_copy(self) -> None:
        for key, version in self.destroyed:
            kept = [one for one in self.state.backups.values() if one.copy_of is CopyOf.KEYS]
            named = {(at.key, at.version) for one in kept for at in one.keys}
            numbers = [version] if version else [one.number for one in self.state.keys[key].versions]
            assert not named & {(key, number) for number in numbers}


TestRing = Ring.TestCase
TestRing.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


def test_annulling_takes_back_a_request_and_with_it_what_rested_on_it() -> None:
    """An annulment needs two persons itself; the ring is then as if nobody had asked, and nothing can be approved."""
    key = UUID(int=5)
    created = KeyCreated(
        key=key, purpose=KeyPurpose.READERS, name="readers", kept_by=KeptBy.FILE, public="x", holders=(), threshold=None
    )
    rotated = KeyRotated(key=key, version=2, kept_by=KeptBy.FILE, public="y", holders=(), threshold=None, reason="每年")
    asked = key_ring.DestructionRequested(key=key, version=1, reason="x", legal_basis="y", requested_by=(PEOPLE[0],))
    approved = key_ring.DestructionApproved(key=key, version=1, approved_by=(PEOPLE[1],))
    annulled = Annulled(event=UUID(int=1003), position=3, reason="有误", approver=PEOPLE[2])
    state = fold(KEY_RING, [_event(at, one) for at, one in enumerate([created, rotated, asked, approved, annulled], 1)])
    assert state.destructions == {}


def _event(position: int, payload: Value) -> Event:
    envelope = Envelope(
        event_id=UUID(int=1000 + position),
        archive=None,
        position=position,
        stream=UUID(int=1),
        version=position,
        type=f"KeyRing.{type(payload).__name__}",
        schema=1,
        recorded_at="2026-01-01T00:00:00.000000Z",
        occurred_at=OccurredAt(time="2026-01-01T00:00:00.000000Z", precision="second", source="clock"),
        actor=PEOPLE[0],
        authenticated_by=Authentication(method="credential", session=None, workplace=None),
        on_behalf_of=None,
        command_id=UUID(int=position),
        correlation_id=UUID(int=1),
        causation_id=None,
        software="jingui/0.1.0",
        payload_sha256="0" * 64,
    )
    return Event(envelope=envelope, payload=payload)
