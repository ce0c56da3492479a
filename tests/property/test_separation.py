"""Whatever anybody does in whatever order: nobody decides on their own request, opens a record alone, or is two.

A machine of the services' own decisions on a real archive: people change roles and stand in for each other, register
uses, decide, review, take down. After every step the log itself is asked what happened.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from repository.domain.access_request import Assigned, Granted, Refused, UseRegistered
from repository.domain.agent import AGENT
from repository.domain.archival_package import AccessStatusChanged, StatusWay
from repository.domain.envelope import Actor
from repository.domain.opening_review import Decided, OpinionGiven
from repository.domain.values import AccessStatus
from repository.errors import ArchiveError
from repository.services import administration, opening, requests, use
from repository.services.administration import Role
from repository.services.opening import Answer, Ground
from repository.services.search import find_record
from repository.services.session import Session
from tests.real_archives import deliver, new_site, take
from tests.staff import READER

CODES = tuple(f"S-{number}" for number in range(3))
people = st.integers(0, 4)
roles = st.sampled_from(sorted(set(Role) - {Role.ADMINISTRATOR}))
records = st.sampled_from(CODES)


class Separation(RuleBasedStateMachine):
    """Five people of any roles, three controlled records, and every deed that needs more than one person."""

    met: set[str] = set()  # noqa: RUF012 - over all runs of the machine, on purpose

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        place = Path(self.opened.enter_context(TemporaryDirectory()))
        site = new_site(place)
        with (site.folder / "jingui.toml").open("a") as written:
            written.write(
                f'vault_key = "{place / "master.vault-key"}"\nidentify_formats = false\ncharacterise = false\n'
            )
        self.session: Session = self.opened.enter_context(site.open())
        rows = [f"{code},调查,县政府,19600101,内部,永久,1,{code}" for code in CODES]
        table = "档号,题名,责任者,日期,密级,保管期限,页数,文件\n" + "\n".join(rows) + "\n"
        files = {f"{code}/{code}-001.txt": code.encode() for code in CODES}
        take(self.session, deliver(place / "in", {"catalogue.csv": table.encode(), **files}))
        self.people = [administration.add_person(self.session, name=f"p{n}", roles=[])[0] for n in range(5)]
        self.requests: list[UUID] = []
        self.reviews: list[UUID] = []
        self.packages = [find_record(self.session, code) for code in CODES]

    def teardown(self) -> None:
        self.opened.close()

    def as_(self, person: int, principal: int | None = None) -> Session:
        """A session of this person, in their own name or in another's."""
        behalf = None if principal is None or principal == person else self.people[principal]
        by = self.session.actor.authenticated_by
        return replace(self.session, actor=Actor(agent=self.people[person], authenticated_by=by, on_behalf_of=behalf))

    def try_(self, deed: Callable[[], object]) -> object:
        """Do it, or be refused."""
        try:
            return deed()
        except ArchiveError as error:
            Separation.met.add(error.code)
            return None

    @rule(person=people, given=roles, taken=roles)
    def change_roles(self, person: int, given: Role, taken: Role) -> None:
        self.try_(
            lambda: administration.change_roles(
                self.session, self.people[person], grant=[given], revoke=[taken] if given != taken else [], reason="调"
            )
        )

    @rule(person=people, given=roles)
    def give_role(self, person: int, given: Role) -> None:
        self.try_(
            lambda: administration.change_roles(self.session, self.people[person], grant=[given], revoke=[], reason="")
        )

    @rule(principal=people, deputy=people)
    def appoint(self, principal: int, deputy: int) -> None:
        until = (self.session.clock().astimezone().date() + timedelta(days=3)).isoformat()
        self.try_(
            lambda: administration.appoint_deputy(self.session, self.people[principal], self.people[deputy], until)
        )

    @rule(person=people, principal=people, code=records)
    def register(self, person: int, principal: int, code: str) -> None:
        form = use.read_form(json.dumps(READER | {"records": [code]}).encode())
        done = self.try_(lambda: use.register_use(self.as_(person, principal), form))
        if isinstance(done, use.Registration):
            self.requests.append(done.request)

    @rule(person=people, principal=people, number=st.integers(0, 9), refuse=st.booleans())
    def decide(self, person: int, principal: int, number: int, refuse: bool) -> None:
        if self.requests:
            request, session = self.requests[number % len(self.requests)], self.as_(person, principal)
            if refuse:
                self.try_(
                    lambda: requests.refuse(session, request, ground=Ground.PERSONAL, reason=None, objection=None)
                )
            else:
                self.try_(lambda: requests.grant(session, request))

    @rule(person=people, to=people, number=st.integers(0, 9))
    def assign(self, person: int, to: int, number: int) -> None:
        if self.requests:
            request = self.requests[number % len(self.requests)]
            self.try_(lambda: requests.assign(self.as_(person), request, self.people[to]))

    @rule(person=people, codes=st.sets(records, min_size=1))
    def propose(self, person: int, codes: set[str]) -> None:
        done = self.try_(lambda: opening.propose_records(self.as_(person), sorted(codes)))
        if isinstance(done, opening.ReviewReport):
            self.reviews.append(done.review)

    @rule(person=people, principal=people, number=st.integers(0, 9))
    def review(self, person: int, principal: int, number: int) -> None:
        if self.reviews:
            review = self.reviews[number % len(self.reviews)]
            self.try_(lambda: opening.give_opinion(self.as_(person, principal), review, control=()))

    @rule(person=people, number=st.integers(0, 9))
    def hear_unit(self, person: int, number: int) -> None:
        if self.reviews:
            review = self.reviews[number % len(self.reviews)]
            self.try_(lambda: opening.hear_unit(self.as_(person), review, answer=Answer.AGREES))

    @rule(person=people, principal=people, number=st.integers(0, 9))
    def open(self, person: int, principal: int, number: int) -> None:
        if self.reviews:
            review = self.reviews[number % len(self.reviews)]
            self.try_(lambda: opening.decide(self.as_(person, principal), review))

    @rule(person=people, principal=people, code=records)
    def take_down(self, person: int, principal: int, code: str) -> None:
        self.try_(lambda: opening.take_down(self.as_(person, principal), code, "来电"))

    @rule(person=people, principal=people, code=records, confirm=st.booleans())
    def settle(self, person: int, principal: int, code: str, confirm: bool) -> None:
        self.try_(lambda: opening.settle(self.as_(person, principal), code, confirm=confirm, reason="核"))

    @rule(person=people, other=people, code=records)
    def correct(self, person: int, other: int, code: str) -> None:
        approver = self.as_(other).actor
        self.try_(
            lambda: opening.correct_status(
                self.as_(person),
                code,
                status=AccessStatus.OPEN,
                secrecy=None,
                ground=Ground.TERM_EXPIRED,
                reason="误",
                approver=approver,
            )
        )

    @invariant()
    def nobody_combines_what_never_goes_together(self) -> None:
        never = self.session.policy.never
        for person in self.people:
            held = self.session.log.load(AGENT, person).state.roles
            assert not [pair for pair in never if pair <= held]

    @invariant()
    def nobody_decides_on_what_they_asked_for(self) -> None:
        for request in self.requests:
            asked: set[UUID] = set()
            for event in self.session.log.stream(request):
                hands = {event.envelope.actor, event.envelope.on_behalf_of or event.envelope.actor}
                if isinstance(event.payload, UseRegistered):
                    asked |= hands
                elif isinstance(event.payload, Granted | Refused) and event.payload.decided_by:
                    assert not asked & hands
                elif isinstance(event.payload, Assigned):
                    assert event.payload.to not in asked

    @invariant()
    def nobody_opens_a_record_alone(self) -> None:
        for package in self.packages:
            was_open, taker = False, set[UUID]()
            for actor, change in self._changes(package):
                hands = {actor.agent, actor.on_behalf_of or actor.agent}
                match change.way:
                    case StatusWay.TAKEDOWN:
                        taker = hands
                    case StatusWay.RESTORATION:
                        assert not taker & hands
                        assert was_open or change.status is not AccessStatus.OPEN
                    case StatusWay.CONFIRMATION:
                        assert not taker & hands
                        was_open = False
                    case StatusWay.REVIEW:
                        assert len(self._hands_of(change.review)) >= 3
                        was_open = change.status is AccessStatus.OPEN
                    case StatusWay.CORRECTION:
                        assert len(set(change.decided_by)) >= 2
                        was_open = change.status is AccessStatus.OPEN

    def _changes(self, package: UUID) -> Iterator[tuple[Actor, AccessStatusChanged]]:
        for event in self.session.log.stream(package):
            if isinstance(event.payload, AccessStatusChanged):
                envelope = event.envelope
                yield (
                    Actor(
                        agent=envelope.actor,
                        authenticated_by=envelope.authenticated_by,
                        on_behalf_of=envelope.on_behalf_of,
                    ),
                    event.payload,
                )

    def _hands_of(self, review: UUID | None) -> set[UUID]:
        """One hand of each opinion and of the decision: none of them is in two of these."""
        assert review is not None
        parts = [
            {event.envelope.actor, event.envelope.on_behalf_of or event.envelope.actor}
            for event in self.session.log.stream(review)
            if isinstance(event.payload, OpinionGiven | Decided)
        ]
        distinct = {frozenset(part) for part in parts}
        for one in distinct:
            assert not [other for other in distinct if other != one and other & one]
        return {next(iter(sorted(part))) for part in distinct}


class _Team(Separation):
    """The same machine with everybody in the right place from the start, so that decisions are really reached."""

    def __init__(self) -> None:
        super().__init__()
        start = [[Role.DESK, Role.REVIEWER], [Role.REVIEWER, Role.ARCHIVIST], [Role.DECIDER], [Role.DECIDER], []]
        for person, given in zip(self.people, start, strict=True):
            administration.change_roles(self.session, person, grant=given, revoke=[], reason="")
        self.register(0, 0, CODES[0])
        self.propose(1, set(CODES))


@pytest.mark.parametrize("machine", [Separation, _Team], ids=["anybody", "a team"])
def test_no_sequence_of_commands_gets_round_the_separation_of_duties(machine: type[Separation]) -> None:
    wanted = settings(
        max_examples=10, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    run_state_machine_as_test(machine, settings=wanted)


def test_the_machine_meets_the_refusals_that_it_is_about() -> None:
    machine = _Team()
    Separation.met.clear()
    try:
        machine.change_roles(0, Role.DECIDER, Role.DESK)
        assert Separation.met == {"roles-forbidden"}
        machine.change_roles(0, Role.READER, Role.REVIEWER)
        machine.change_roles(0, Role.DECIDER, Role.DESK)
        machine.decide(0, 0, 0, refuse=False)
        machine.assign(2, 0, 0)
        machine.take_down(1, 1, CODES[1])
        machine.settle(1, 1, CODES[1], confirm=True)
        assert Separation.met == {"roles-forbidden", "own-request", "second-person-needed"}
    finally:
        machine.teardown()


def test_the_way_that_is_open_is_found() -> None:
    """The machine's own deeds lead to a grant and to an open record, so that the invariants are not about nothing."""
    machine = _Team()
    try:
        machine.decide(2, 2, 0, refuse=False)
        machine.review(0, 0, 0)
        machine.review(1, 1, 0)
        machine.hear_unit(1, 0)
        machine.open(2, 2, 0)
        machine.take_down(0, 0, CODES[0])
        machine.settle(0, 0, CODES[0], confirm=False)
        machine.settle(1, 1, CODES[0], confirm=False)
        kinds = [event.envelope.type for event in machine.session.log.events()]
        assert kinds.count("AccessRequest.Granted") == 1
        ways = [change.way for _, change in machine._changes(machine.packages[0])]
        assert ways == [StatusWay.REVIEW, StatusWay.TAKEDOWN, StatusWay.RESTORATION]
        machine.nobody_opens_a_record_alone()
        machine.nobody_decides_on_what_they_asked_for()
    finally:
        machine.teardown()
