"""The auditor's day: the past as it was, all that happened to a record, and the chain from delivery to reader."""

import json
import subprocess
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from cli.main import COMMANDS
from repository.domain import access_request
from repository.domain.access_request import ACCESS_REQUEST
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Stored, store
from repository.domain.envelope import Command, Event, OccurredAt
from repository.errors import ArchiveError
from repository.eventlog import EventLog, Streams
from repository.services import administration, opening, requests
from repository.services.access import DisseminationReport, disseminate
from repository.services.accessions import show_accession
from repository.services.administration import Role
from repository.services.feed import read_events
from repository.services.history import diff
from repository.services.search import show_record
from repository.services.session import Session
from repository.services.timeline import timeline
from repository.services.tracing import TraceReport, trace
from tests.command_line import PROGRAM, environment, jingui
from tests.real_archives import LAND_DEEDS, MIXED, Site, deliver, new_site, take, types

DEED, OTHER = "J012-1-0001", "J012-1-0002"
CHAIN = [
    "Accession.Opened",
    "Accession.DeliveryReceived",
    "Accession.Planned",
    "Accession.DeliveryValidated",
    "ArchivalPackage.Created",
    "ArchivalPackage.FormatsIdentified",
    "ArchivalPackage.VirusChecked",
    "Accession.Accepted",
    "Description.Described",
    "ArchivalPackage.Stored",
    "AccessRequest.Requested",
    "AccessRequest.DipAssembled",
    "AccessRequest.DipDelivered",
    "AccessRequest.Closed",
]


READING: dict[str, tuple[str, ...]] = {
    "list": ("requests",),
    "search": ("地契",),
    "show": (DEED,),
    "status": (),
    "events": (),
    "replay": (),
    "diff": ("..",),
    "timeline": (DEED,),
    "trace": (DEED,),
    "report": ("annual",),
    "schedule": (),
    "doctor": (),
    "fsck": (),
    "person": (),
    "accession": ("ACCESSION",),
    "catalogue": ("digitised",),
    "statement": ("--contractor", "某公司"),
    "request": ("list",),
    "opening": ("list",),
    "review": ("list",),
    "quality": ("pareto",),
    "expunge": ("list",),
    "keys": ("list",),
    "audit": ("rules",),
}
"""What an auditor may do: every verb that only reads."""


class Day(msgspec.Struct, frozen=True):
    """An archive after two deliveries, and what was handed out of it."""

    site: Site
    accession: UUID
    handed: DisseminationReport
    reader: UUID
    auditor: Path


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    place = tmp_path_factory.mktemp("auditing")
    site = new_site(place)
    with site.open() as session:
        accession = take(session, LAND_DEEDS, producer="县国土局", number="2026-001").accession
        take(session, MIXED, per_folder=True)
        reader, credential = site.person(session, "王芳", Role.READER)
        _, auditor = site.person(session, "审计", Role.AUDITOR)
    with site.open(credential) as session:
        handed = disseminate(session, DEED, paths=(), purpose="编史", target=place / "out")
        disseminate(session, OTHER, paths=(), purpose="家谱", target=place / "out")
    return Day(site, accession, handed, reader, auditor)


def steps(report: TraceReport) -> list[str]:
    return [step.type for step in report.steps]


def members(session: Session, day: Day) -> dict[str, str]:
    """Every way to name something of the chain of one record that was handed out."""
    package = session.log.stream(day.handed.package)
    request = session.log.stream(day.handed.request)
    description = show_record(session, DEED, as_of=None).description.id
    return {
        "档号": DEED,
        "description": str(description),
        "package": str(day.handed.package),
        "package in a store": f"urn:uuid:{day.handed.package}",
        "DIP": f"uuid-{day.handed.dip}",
        "request": str(day.handed.request),
        "event Stored": str(package[-1].envelope.event_id),
        "event DipAssembled": str(request[1].envelope.event_id),
        "event Requested": str(request[0].envelope.event_id),
    }


def test_the_chain_is_whole_from_each_of_its_members(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        for name, member in members(session, day).items():
            report = trace(session, member, as_of=None)
            missing = {"Description.Described"} if "Requested" in name or "Stored" in name else set()
            missing |= {"Description.Described"} if name in ("DIP", "request", "event DipAssembled") else set()
            assert steps(report) == [step for step in CHAIN if step not in missing], name
            assert report.accessions == (day.accession,), name
            assert report.packages == (day.handed.package,), name
            assert (report.requests, report.dips) == ((day.handed.request,), (day.handed.dip,)), name
            assert report.readers == (day.reader,), name


def test_from_an_accession_the_chain_goes_on_to_everything_that_came_of_it(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        named = trace(session, "2026-001", as_of=None)
        assert named == msgspec.structs.replace(trace(session, str(day.accession), as_of=None), subject=named.subject)
        delivered = [event.envelope.stream for event in session.log.events(types=["AccessRequest.DipDelivered"])]
        assert set(named.requests) == set(delivered)
        assert len(named.packages) == 4
        verdict = session.log.stream(day.accession)[3].envelope
        assert verdict.type == "Accession.DeliveryValidated"
        assert trace(session, str(verdict.event_id), as_of=None).packages == named.packages


def test_every_step_of_the_chain_follows_from_another_that_came_before(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        report = trace(session, DEED, as_of=None)
        assert [step.type for step in report.steps if not step.follows] == ["Accession.Opened"]
        assert all(max(step.follows) < step.position for step in report.steps if step.follows)
        causes = {step.event: step.type for step in report.steps}
        caused = {step.type: causes.get(step.causation) for step in report.steps if step.causation}
        assert caused == {
            "Accession.DeliveryReceived": "Accession.Opened",
            "Accession.Planned": "Accession.DeliveryReceived",
            "Accession.DeliveryValidated": "Accession.Planned",
            "ArchivalPackage.Created": "Accession.DeliveryValidated",
            "ArchivalPackage.FormatsIdentified": "Accession.DeliveryValidated",
            "ArchivalPackage.VirusChecked": "Accession.DeliveryValidated",
            "Accession.Accepted": "Accession.DeliveryValidated",
            "Description.Described": "Accession.Accepted",
            "ArchivalPackage.Stored": "Accession.Accepted",
            "AccessRequest.DipAssembled": "AccessRequest.Requested",
            "AccessRequest.DipDelivered": "AccessRequest.DipAssembled",
            "AccessRequest.Closed": "AccessRequest.DipDelivered",
        }


def test_a_trace_as_of_then_knows_nothing_of_what_came_later(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        stored = session.log.stream(day.handed.package)[-1].envelope.position
        report = trace(session, DEED, as_of=str(stored))
        assert steps(report) == CHAIN[:10]
        assert (report.requests, report.readers) == ((), ())


@pytest.mark.parametrize(
    ("named", "code"),
    [("J999", "record-unknown"), (str(UUID(int=1)), "record-unknown"), ("林一", "not-traceable")],
)
def test_what_is_in_no_chain_is_refused(day: Day, named: str, code: str) -> None:
    with day.site.open(day.auditor) as session, pytest.raises(ArchiveError) as refused:
        trace(session, named, as_of=None)
    assert refused.value.code == code


def test_a_timeline_is_every_event_of_a_record_and_no_other(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        report = timeline(session, DEED, as_of=None)
        streams = {day.accession, day.handed.package, day.handed.request, report.subject.ids[0]}
        own = [event for event in session.log.events() if event.envelope.stream in streams]
        reserved = [one.position for one in report.entries if one.type == "ReferenceCode.Reserved"]
        assert [one.position for one in report.entries] == sorted([e.envelope.position for e in own] + reserved)
        assert len(reserved) == 1
        assert timeline(session, str(day.handed.package), as_of=None).entries == report.entries


def test_a_persons_timeline_is_what_they_did_and_what_was_done_to_them(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        entries = timeline(session, "王芳", as_of=None).entries
        assert [one.name for one in entries if one.actor == day.reader] == [
            "Requested",
            "DipAssembled",
            "DipDelivered",
            "Closed",
        ] * 2
        assert [one.name for one in entries if one.actor != day.reader] == [
            "Registered",
            "RoleGranted",
            "CredentialIssued",
        ]
        before = timeline(session, "王芳", as_of=str(entries[2].position)).entries
        assert before == entries[:3]


def slip(session: Session, request: UUID, happened: OccurredAt, payload: access_request.Requested) -> None:
    """Enter what a slip of paper says, after the power came back."""
    command = Command(
        command_id=uuid4(),
        request="0" * 64,
        actor=session.actor,
        archive="437001",
        occurred_at=happened,
        correlation_id=request,
    )

    def decide(streams: Streams) -> list[New]:
        return [
            New(request, one) for one in access_request.request(streams.load(ACCESS_REQUEST, request).state, payload)
        ]

    session.log.perform(command, decide)


def test_a_correction_is_marked_and_a_late_entry_shows_both_times(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
        _, second = site.person(session, "赵二", Role.ADMINISTRATOR)
        package = show_record(session, DEED, as_of=None).package
        assert package is not None
        request = session.new_id()
        happened = OccurredAt(time="2026-03-01T00:00:00.000000Z", precision="day", source="paper form")
        slip(session, request, happened, access_request.Requested(packages=(package.id,), paths=(), purpose="查证"))
        closed = disseminate(session, DEED, paths=(), purpose="误", target=tmp_path / "out").request
        wrong = session.log.stream(closed)[-1].envelope.position
        with site.open(second) as other:
            approver = other.actor
        administration.annul(session, wrong, reason="误登", approver=approver)
        end = session.log.position()
        entries = {one.position: one for one in timeline(session, DEED, as_of=None).entries}
        assert (entries[wrong].annulled, entries[end].annuls) == ((end,), wrong)
        (late,) = [one for one in entries.values() if one.late]
        assert (late.stream, late.occurred_at, late.recorded_at > happened.time) == (request, happened, True)
        then = {one.position: one for one in timeline(session, DEED, as_of=str(end - 1)).entries}
        assert then[wrong].annulled == ()
    said = jingui("timeline", DEED, "--lang", "zh", site=site)
    assert f"已由位置 {end} 撤销" in said.out
    assert f"撤销位置 {wrong}" in said.out
    assert "2026-03-01 (纸质表单)" in said.out


def test_whom_and_what_events_name_is_known_without_reading_the_log(day: Day) -> None:
    """Against the whole log, read word by word: for every stream and every person, now and in the middle."""
    with day.site.open() as session:
        last = session.catch_up()
        named = {id_ for event in session.log.events() for id_ in (event.envelope.stream, event.envelope.actor)}
        assert len(named) > 20
        for identity in named:
            for upto in (last, last // 2, 3):
                own = {record.position for record in session.log.records(identity) if record.position <= upto}
                found = own.union(session.catalogue.naming(identity, as_of=upto))
                assert found == set(session.log.naming(identity, upto=upto)), (identity, upto)


def test_a_timeline_reads_what_it_shows_and_nothing_else(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    with day.site.open(day.auditor) as session:
        session.catch_up()
        read = 0
        events = EventLog.events

        def counted(log: EventLog, **asked: Any) -> Iterator[Event]:
            nonlocal read
            for event in events(log, **asked):
                read += 1
                yield event

        monkeypatch.setattr(EventLog, "events", counted)
        monkeypatch.delattr(EventLog, "naming")
        for named in (DEED, "王芳", str(day.accession)):
            read = 0
            assert len(timeline(session, named, as_of=None).entries) == read > 3


def test_a_record_as_of_then_has_the_files_of_the_version_of_then(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
        before = show_record(session, DEED, as_of=None)
        assert before.package is not None
        then, package = session.log.position(), before.package.id

        def decide(streams: Streams) -> list[New]:
            state = streams.load(ARCHIVAL_PACKAGE, package).state
            second = msgspec.structs.replace(state.stored[0], version=2, inventory_sha256="0" * 64)
            return [New(package, one) for one in store(state, second)]

        session.perform("store", decide, correlation=package, archive="437001")
        shown = show_record(session, DEED, as_of=str(then))
        assert (shown.package, shown.files) == (before.package, before.files)
        assert isinstance(session.log.stream(package)[-1].payload, Stored)
        with pytest.raises(ArchiveError) as refused:  # the version of now has no bytes here, and is not passed over
            show_record(session, DEED, as_of=None)
        assert refused.value.code == "content-unknown"


def test_an_accession_as_of_then_stands_where_it_stood(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        stages = {}
        for event in session.log.stream(day.accession):
            then = str(event.envelope.position)
            stages[event.envelope.type] = show_accession(session, day.accession, as_of=then).stage.value
        assert stages == {
            "Accession.Opened": "open",
            "Accession.DeliveryReceived": "received",
            "Accession.Planned": "received",
            "Accession.DeliveryValidated": "validated",
            "Accession.Accepted": "accepted",
            "Accession.Completed": "completed",
        }
        with pytest.raises(ArchiveError) as refused:
            show_accession(session, day.accession, as_of="1")
        assert refused.value.code == "accession-unknown"


NOT_AS_OF = {
    "events": "names its stretch of the log itself: --after and --until",
    "diff": "compares two moments",
    "schedule": "says what is to be done from now on",
    "doctor": "looks at this machine, which has no history",
    "fsck": "judges the bytes and the log that are there",
    "expunge": "shows how each removal stands, and what is gone is gone for the past too",
    "keys": "tells which keys are there to open anything now",
    "audit": "asks the history itself",
}
"""Reading verbs that do not show one moment, each with the reason."""


@pytest.mark.parametrize("verb", READING)
def test_every_reading_verb_can_look_at_the_past_or_says_why_not(verb: str) -> None:
    taken = signature(import_module(f"cli.commands.{verb}").command).parameters
    assert ("as_of" in taken) is (verb not in NOT_AS_OF)


def test_what_waits_and_what_was_asked_are_shown_as_of_then(growing: Site, tmp_path: Path) -> None:
    with growing.open() as session:
        take(session, LAND_DEEDS)
        _, archivist = growing.person(session, "值守", Role.ARCHIVIST)
    with growing.open(archivist) as session:
        handed = disseminate(session, DEED, paths=(), purpose="编史", target=tmp_path / "out")
        before = session.log.position()
        closed = requests.show_request(session, handed.request)
        first = closed.request.opened.position
        asked = requests.show_request(session, handed.request, as_of=str(first))
        assert (asked.request.state, closed.request.state) == ("requested", "closed")
        with pytest.raises(ArchiveError) as unknown:
            requests.show_request(session, handed.request, as_of=str(first - 1))
        assert unknown.value.code == "request-unknown"

        made = opening.propose_records(session, [DEED])
        then = session.log.position()
        opening.withdraw(session, made.review, "误列")
        assert opening.queue(session).reviews == ()
        assert [one.id for one in opening.queue(session, as_of=str(then)).reviews] == [made.review]
        assert opening.queue(session, as_of=str(before)).reviews == ()
        opening.take_down(session, DEED, "待核")
        down = session.log.position()
        assert [one.id for one in opening.queue(session, as_of=str(down)).taken_down] == [handed.package]
        assert opening.queue(session, as_of=str(then)).taken_down == ()


def test_a_difference_tells_what_happened_between(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        last = session.log.position()
        report = diff(session, f"{last - 8}..")
        assert report.events == {name: 2 for name in sorted(CHAIN) if name.startswith("AccessRequest")}
        assert report.counts == {"requests": {"added": 2, "changed": 0, "removed": 0}}
        assert diff(session, "..").events == session.log.counts(after=0, upto=last)
        half = diff(session, f"{last - 6}..{last - 5}")
        (change,) = half.changes
        assert (change.change, change.fields["state"].before, change.fields["state"].after) == (
            "changed",
            "assembled",
            "delivered",
        )


def test_the_feed_is_the_log_byte_for_byte(day: Day) -> None:
    with day.site.open(day.auditor) as session:
        everything = list(session.log.raw())
        assert list(read_events(session)) == everything
        assert list(read_events(session, after=5, upto=9)) == everything[5:9]
        assert [one.type for one in read_events(session, types=["Closed"])] == ["AccessRequest.Closed"] * 2
        then = session.log.recorded_at(7)
        assert then is not None
        assert [one.position for one in read_events(session, upto=then)][-1] == session.log.position_at(then) >= 7
        with pytest.raises(ArchiveError) as refused:
            list(read_events(session, types=["Nothing"]))
        assert refused.value.code == "event-type-unknown"


@pytest.fixture
def growing(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def following(site: Site, *arguments: str) -> "subprocess.Popen[str]":
    call = [*PROGRAM, "events", "--follow", "--json", *arguments]
    return subprocess.Popen(call, env=environment(site), stdout=subprocess.PIPE, text=True)


def positions(lines: Iterator[str], count: int) -> list[int]:
    return [json.loads(next(lines))["envelope"]["position"] for _ in range(count)]


def test_following_shows_what_another_process_appends(growing: Site, tmp_path: Path) -> None:
    with growing.open() as session:
        begun = session.log.position()
        with following(growing, "--after", str(begun - 2), "--until", str(begun + 5)) as feed:
            assert feed.stdout is not None
            lines = iter(feed.stdout)
            assert positions(lines, 2) == [begun - 1, begun]
            take(session, deliver(tmp_path / "new", {"a.txt": b"a"}))
            assert positions(lines, 5) == list(range(begun + 1, begun + 6))
            assert next(lines, None) is None
        assert feed.returncode == 0


WRITING: dict[str, tuple[str, ...]] = {
    "ingest": (str(LAND_DEEDS), "--new"),
    "disseminate": (DEED, "--purpose", "x"),
    "materialise": (DEED, "--to", "laid"),
    "work": (),
    "fixity": (),
    "rebuild": (),
    "annul": ("5", "--reason", "x", "--approver-credential", "OWN"),
    "accept": ("ACCESSION",),
    "return": ("ACCESSION", "--reason", "x"),
    "describe": ("fonds", "--reference-code", "J999", "--title", "x"),
    "revise": (DEED, "--set", "title=x", "--reason", "x"),
    "move": (DEED, "--reference-code", "J999-1", "--reason", "x"),
    "merge": (DEED, "--into", OTHER, "--reason", "x"),
    "divide": (DEED, "--part", "J999-1|1|甲", "--part", "J999-2|2-4|乙", "--reason", "x"),
    "close": (DEED, "--reason", "x"),
    "repack": (),
    "handover": ("ACCESSION", "--out", "form.pdf"),
    "view": (DEED, "--purpose", "x"),
    "use": ("register", "--form", "FORM"),
    "rate": ("REQUEST", "5"),
    "takedown": (DEED, "--reason", "x"),
    "hold": (DEED, "--reason", "x"),
    "export": (DEED, "--form", "dc"),
    "rescan": (DEED, str(LAND_DEEDS), "--reason", "x"),
    "spill": (DEED, "--file", "x", "--legal-basis", "x", "--reason", "x"),
    "reclassify": (DEED,),
    "decrypt": (DEED, "--to", "plain", "--purpose", "x"),
}
"""What an auditor may not do: every verb by which something would be written."""

ALSO_WRITING = {
    "person": ("--add", "某", "--credential-out", "new.credential"),
    "request": ("close", "REQUEST"),
    "opening": ("propose", "--record", DEED),
    "review": ("decide", DEED, "--return", "--reason", "x"),
    "quality": ("rerun", "--profile", "documents"),
    "expunge": ("propose", "--words", "x", "--legal-basis", "x", "--reason", "x"),
    "keys": ("rotate", "秘密"),
}
"""Commands that read and, called so, write."""
ELSEWHERE = {"init", "pack", "validate", "serve", "qc", "witness", "restore"}
"""Needs no archive, or serves it to others, each of whom is asked who they are."""


def test_every_command_is_reading_or_writing() -> None:
    assert READING.keys() | WRITING.keys() | ELSEWHERE == set(COMMANDS)
    assert not READING.keys() & WRITING.keys()


def meant(arguments: tuple[str, ...], day: Day) -> list[str]:
    """The arguments, with what only this archive knows put in."""
    form = day.site.folder.parent / "form.json"
    form.write_text(
        '{"name":"王","document":"identity-card","number":"1","contact":"1","capacity":"self","proofs":[],'
        f'"channel":"desk","purpose":"proof","records":["{DEED}"]}}'
    )
    known = {"ACCESSION": day.accession, "OWN": day.auditor, "REQUEST": day.handed.request, "FORM": form}
    return [str(known.get(one, one)) for one in arguments]


@pytest.mark.parametrize("verb", READING)
def test_an_auditor_runs_every_reading_verb_and_writes_nothing(day: Day, tmp_path: Path, verb: str) -> None:
    with day.site.open() as session:
        before = session.log.position()
    said = jingui(verb, *meant(READING[verb], day), site=Site(day.site.folder, day.auditor), cwd=tmp_path)
    assert (said.status, bool(said.out)) == (0, True), said
    with day.site.open() as session:
        assert types(session, after=before) == []


@pytest.mark.parametrize("verb", [*WRITING, *ALSO_WRITING])
def test_an_auditor_runs_no_writing_verb(day: Day, tmp_path: Path, verb: str) -> None:
    arguments = meant({**WRITING, **ALSO_WRITING}[verb], day)
    with day.site.open() as session:
        before = session.log.position()
    said = jingui(verb, *arguments, site=Site(day.site.folder, day.auditor), cwd=tmp_path)
    assert said.status == 12, said
    assert "not-allowed" in said.err
    with day.site.open() as session:
        assert types(session, after=before) == ["Door.Denied"], "the refusal itself, and nothing else"
    assert list(tmp_path.iterdir()) == []
