"""Any sequence of commands on a real archive: its catalogue is a function of its log, at every prefix."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repository.catalogue import Catalogue
from repository.domain import description
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION
from repository.domain.envelope import Command
from repository.errors import ArchiveError
from repository.eventlog import Answer, EventLog, Streams
from repository.eventlog.registry import event_types
from repository.services import administration
from repository.services.access import disseminate
from repository.services.administration import Role
from repository.services.audit import rebuild
from repository.services.preservation import materialise
from repository.services.search import list_records
from repository.services.session import Session
from tests.real_archives import Site, deliver, new_site, silent, take

TITLES = ("地契", "民国二十三年土地契约", "Deeds of 1934", "会议记录（乙）")


class Step(msgspec.Struct, frozen=True):
    """One command: its name, and numbers by which it chooses among what there is."""

    name: str
    choice: int
    detail: int


def steps() -> st.SearchStrategy[list[Step]]:
    number = st.integers(0, 50)
    names = st.sampled_from(sorted(COMMANDS))
    first = st.builds(Step, st.just("ingest"), number, number)
    return st.tuples(first, st.lists(st.builds(Step, names, number, number), max_size=7)).map(
        lambda two: [two[0], *two[1]]
    )


class History:
    """An archive under way: the session, a second administrator, and what the commands did."""

    def __init__(self, place: Path, site: Site, session: Session) -> None:
        self.place, self.site, self.session = place, site, session
        self.person, second = site.person(session, "second", Role.ADMINISTRATOR)
        with site.open(second) as other:
            self.approver = other.actor
        self.count = 0

    def folder(self) -> Path:
        self.count += 1
        return self.place / str(self.count)

    def descriptions(self) -> list[Any]:
        return sorted({event.envelope.stream for event in self.session.log.events(types=["Description.Described"])})

    def ingest(self, step: Step) -> None:
        rows = [
            f"J{self.count}-{number},{TITLES[step.detail % len(TITLES)]},{number}.txt"
            for number in range(step.choice % 3)
        ]
        files = {f"{number}.txt": f"{self.count} {number}".encode() for number in range(max(1, len(rows)))}
        if rows:
            files["catalogue.csv"] = "\n".join(["档号,题名,文件", *rows, ""]).encode()
        take(self.session, deliver(self.folder(), files))

    def revise(self, step: Step) -> None:
        stream = self.descriptions()[step.choice % len(self.descriptions())]

        def decide(streams: Streams) -> list[New]:
            state = streams.load(DESCRIPTION, stream).state
            if state.fields is None:
                return []
            fields = msgspec.structs.replace(state.fields, title=TITLES[step.detail % len(TITLES)])
            return [New(stream, payload) for payload in description.revise(state, fields, "更正")]

        self.session.perform("revise", decide, correlation=stream, archive="437001")

    def disseminate(self, step: Step) -> None:
        record = str(self.descriptions()[step.choice % len(self.descriptions())])
        disseminate(self.session, record, paths=(), purpose="利用", target=self.folder())

    def materialise(self, step: Step) -> None:
        materialise(self.session, str(self.descriptions()[step.choice % len(self.descriptions())]), self.folder())

    def annul(self, step: Step) -> None:
        last = self.session.log.position()
        kinds = {name for name, kind in event_types().items() if kind.correction.endswith(".Annulled")}
        own = {"Agent.Registered", "Agent.Annulled"}  # else nobody is left who may do anything
        events = [e for e in self.session.log.events(upto=last) if e.envelope.type in kinds - own]
        chosen = events[step.choice % len(events)].envelope.position
        administration.annul(self.session, chosen, reason="误", approver=self.approver)

    def roles(self, step: Step) -> None:
        role = list(Role)[step.choice % len(Role)]
        grant, revoke = ([role], []) if step.detail % 2 else ([], [role])
        administration.change_roles(self.session, self.person, grant=grant, revoke=revoke, reason="调岗")


COMMANDS: dict[str, Callable[[History, Step], None]] = {
    "ingest": History.ingest,
    "revise": History.revise,
    "disseminate": History.disseminate,
    "materialise": History.materialise,
    "annul": History.annul,
    "roles": History.roles,
}


@contextmanager
def every_command_twice() -> Iterator[list[Answer]]:
    """Perform each command again right after itself, with a decision that nobody may ask for."""
    perform: Callable[..., Answer] = EventLog.perform
    answers: list[Answer] = []

    def never(_streams: Streams) -> list[New]:
        raise AssertionError("decided a second time")

    def performed(log: EventLog, command: Command, decide: Callable[[Streams], Any]) -> Answer:
        answer = perform(log, command, decide)
        before = log.position()
        if answer.last >= answer.first:
            again = perform(log, command, never)
            assert (again.first, again.last, again.already) == (answer.first, answer.last, True)
            assert log.position() == before
            answers.append(answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventLog, "perform", performed)
        yield answers


def follow(history: History, plan: list[Step]) -> None:
    for step in plan:
        before = history.session.log.position()
        try:
            COMMANDS[step.name](history, step)
        except ArchiveError as error:
            expect_refused(history.session, before, step, error)


def expect_refused(session: Session, before: int, step: Step, error: ArchiveError) -> None:
    """A refusal that has its reason, and left nothing but the asking behind."""
    assert step.name != "ingest", error
    assert error.row.exit in {3, 4, 10, 11, 12, 22}, error
    after = {event.envelope.type for event in session.log.events(after=before)}
    assert after <= {"Run.Started", "Run.Finished", "AccessRequest.Requested"}


@given(plan=steps())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_catalogue_is_what_the_log_says_at_every_prefix(plan: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        site = new_site(place)
        with site.open() as session, every_command_twice() as answers:
            follow(History(place / "out", site, session), plan)
            last = session.catch_up()
            assert sum(answer.last - answer.first + 1 for answer in answers) == last - 4  # `init` came before

            with closing(Catalogue.open(place / "fresh")) as fresh:
                for position in range(1, last + 1):
                    fresh.catch_up(session.log, upto=position)
                    assert fresh.digest(upto=position) == session.catalogue.digest(upto=position), position
                    then = list_records(session, as_of=str(position), limit=100, after=None)
                    assert then.entries == fresh.search(None, limit=100).entries, position

            live = session.catalogue.digest(upto=last)
            assert rebuild(session, silent) == last
            assert session.catalogue.digest(upto=last) == live
