"""Whatever happened: the catalogue is a function of the log, at every position of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repository.catalogue import By, Catalogue
from repository.domain import access_request, accession, agent, archival_package, corrections, description, run
from repository.domain.access_request import ACCESS_REQUEST
from repository.domain.accession import ACCESSION
from repository.domain.agent import AGENT, PRODUCER
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.description import DESCRIPTION
from repository.domain.description_fields import FileRange, Text
from repository.domain.run import RUN
from repository.domain.values import Carrier, Level, Outcome, Role, Sealed, SealedValue, SecrecyClass
from repository.errors import ArchiveError
from tests.catalogue_events import (
    created,
    fields,
    finding,
    formats,
    opened,
    received,
    requested,
    stored,
    unit,
    virus_checked,
)
from tests.histories import ACTOR, APPROVER, NOTHING, MemoryLog, identity

Check = archival_package.FormatsIdentified | archival_package.VirusChecked
SEALED = Sealed(sealed=SealedValue(key=ACTOR, subject=ACTOR, nonce="00", ct="00"))
TITLES = ("民国二十年地契", "地契存根", "Land deed 1950", SEALED)
BY: tuple[By, ...] = ("fonds", "series", "year")
CODES = ("0001-1", "0001-2", "0002-1", None)


def _accession(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"accession {n % 2}")
    state = log.state(ACCESSION, stream)
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: accession.open_accession(state, opened()),
        lambda: accession.receive(state, received(state.delivery + 1)),
        lambda: accession.plan(state, [unit(number) for number in range(m + 1)]),
        lambda: accession.validate(
            state, accession.DeliveryRejected(delivery=state.delivery, findings=(finding(),), findings_total=1)
        ),
        lambda: accession.validate(
            state,
            accession.DeliveryValidated(delivery=state.delivery, producer_digests=(), findings=(), findings_total=0),
        ),
        lambda: accession.accept(state, policy="automatic", quality=Outcome.NOT_CHECKED),
        lambda: accession.complete(state, stored=len(state.current)),
    ]
    for step in steps[m % 3 :]:
        if _decided(log, "Accession", stream, step):
            return


def _package(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"package {n}")
    state = log.state(ARCHIVAL_PACKAGE, stream)
    if state.created is None:
        checks: list[Check] = [formats(), virus_checked(Outcome.FAILED if m == 5 else Outcome.NOT_CHECKED)]
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.create(state, created(n), checks[: m + 1]))
    elif m % 3 == 1:
        revised = archival_package.MetadataRevised(description=identity(f"description {n}"), position=log.position())
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.revise_metadata(state, revised))
    elif m % 3 == 2:
        page = archival_package.ReplacedFile(path="1.tif", before_sha256=NOTHING, after_sha256=NOTHING, bytes=m)
        content = archival_package.ContentRevised(files=(page,), source="/重扫", reason="歪斜")
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.revise_content(state, content, [formats()]))
    else:
        version = len(state.stored) + 1
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.store(state, stored(version)))


LEVELS = (Level.VOLUME, Level.ITEM, Level.ITEM)
"""Of descriptions 0, 1 and 2: the first can hold the others."""


def _description(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"description {n}")
    state = log.state(DESCRIPTION, stream)
    above = log.state(DESCRIPTION, identity("description 0"))
    wanted = fields(
        level=LEVELS[n],
        title=TITLES[m % 4],
        reference_code=CODES[(n + m) % 4],
        parent=identity("description 0") if n else None,
        package=identity(f"package {n}") if m else None,
        year=1900 + m,
        secrecy_class=list(SecrecyClass)[m % 3],
        page_count=m,
        pages_scanned=m // 2,
        carrier=list(Carrier)[m % 3],
        text=Text(document_number=f"{m}号", attachments=SEALED if m == 4 else None),
    )
    if not _decided(log, "Description", stream, lambda: description.describe(state, wanted, above)) and state.fields:
        place = {"parent": state.fields.parent, "reference_code": state.fields.reference_code}
        other = msgspec.structs.replace(wanted, **place)
        _decided(log, "Description", stream, lambda: description.revise(state, other, "更正"))


def _place(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"description {n}")
    state, above = log.state(DESCRIPTION, stream), log.state(DESCRIPTION, identity("description 0"))
    parent = identity("description 0") if n and m % 2 else None
    event = description.Moved(parent=parent, reference_code=CODES[m % 4], fonds_code="0001", reason="档号改正")
    _decided(log, "Description", stream, lambda: description.move(state, event, above))


def _merge(log: MemoryLog, n: int, m: int) -> None:
    lost, kept = identity(f"description {n}"), identity(f"description {m % 3}")
    one, other = log.state(DESCRIPTION, lost), log.state(DESCRIPTION, kept)
    with suppress(ArchiveError):
        gone, stays, _ = description.merge((lost, one), (kept, other), "同一件")
        log.record("Description", lost, *gone)
        log.record("Description", kept, *stays)


def _divide(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"description {n}")
    state, above = log.state(DESCRIPTION, stream), log.state(DESCRIPTION, identity("description 0"))
    if state.fields is None or m % 2:
        return
    halves = {
        identity(f"part {log.position()} {half}"): msgspec.structs.replace(
            state.fields, reference_code=None, files=(FileRange(first=half, last=half),)
        )
        for half in ("a", "b")
    }
    with suppress(ArchiveError):
        whole, made = description.divide(state, halves, ("a", "b"), "原是两件", above)
        log.record("Description", stream, *whole)
        for part, described in made.items():
            log.record("Description", part, *described)


def _close(log: MemoryLog, n: int, _: int) -> None:
    stream = identity(f"description {n}")
    state = log.state(DESCRIPTION, stream)
    _decided(log, "Description", stream, lambda: description.close(state, "立毕"))


def _agent(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"agent {n}")
    state = log.state(AGENT, stream)
    role = list(Role)[m % 4]
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: agent.register(state, name="王", kind=agent.AgentKind.PERSON),
        lambda: agent.grant(state, role),
        lambda: agent.revoke(state, role, "离职"),
        lambda: agent.issue(state, identity(f"credential {m}"), NOTHING),
        lambda: agent.withdraw(state, identity(f"credential {m}"), "丢失"),
    ]
    _decided(log, "Agent", stream, steps[m % 5] if state.registered or m % 2 else steps[0])


def _producer(log: MemoryLog, n: int, _: int) -> None:
    stream = identity(f"producer {n}")
    state = log.state(PRODUCER, stream)
    kind = agent.AgentKind.ORGANISATION
    _decided(log, "Producer", stream, lambda: agent.register(state, name="县政府", kind=kind))


def _request(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"request {n}")
    state = log.state(ACCESS_REQUEST, stream)
    assembled = access_request.DipAssembled(
        dip=identity("dip"), sources=(), files=1, bytes=2, manifest_sha256=NOTHING, tagmanifest_sha256=NOTHING
    )
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: access_request.request(state, requested(n)),
        lambda: access_request.assemble(state, assembled),
        lambda: access_request.deliver(state, way="download"),
        lambda: access_request.close(state, outcome="完成"),
    ]
    _decided(log, "AccessRequest", stream, steps[m % 4])


def _run(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"run {n}")
    state = log.state(RUN, stream)
    outcome = run.Finished(outcome=Outcome.PASSED, done=m, findings=(), findings_total=0)
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: run.start(state, run.Started(kind=run.RunKind.FIXITY, scope="all", target=None)),
        lambda: run.progress(state, run.Progressed(done=m, total=9, cursor="c")),
        lambda: run.finish(state, outcome),
    ]
    _decided(log, "Run", stream, steps[m % 3])


def _annul(log: MemoryLog, n: int, m: int) -> None:
    if not log.recorded:
        return
    event = log.recorded[-1 - (7 * n + m) % len(log.recorded)].envelope
    annulled = corrections.annul(event.event_id, event.position, actor=ACTOR, approver=APPROVER, reason="误操作")
    log.record(event.type.partition(".")[0], event.stream, annulled)


def _decided(log: MemoryLog, aggregate: str, stream: UUID, decide: Callable[[], Sequence[object]]) -> bool:
    try:
        payloads = decide()
    except ArchiveError:
        return False
    return bool(log.record(aggregate, stream, *payloads))  # type: ignore[arg-type]  # decisions answer with payloads


OF_RECORDS = (_package, _description, _description, _place, _merge, _divide, _close)
ACTIONS = (
    _accession,
    _package,
    _description,
    _description,
    _place,
    _merge,
    _divide,
    _close,
    _agent,
    _producer,
    _request,
    _run,
    _annul,
)
small = st.integers(0, 5)


@st.composite
def histories(draw: st.DrawFn) -> MemoryLog:
    """Of everything, or of records alone: else hardly any would be merged, divided and annulled."""
    log, actions = MemoryLog(), draw(st.sampled_from((ACTIONS, (*OF_RECORDS, _annul))))
    for action, n, m in draw(st.lists(st.tuples(st.sampled_from(actions), small, small), min_size=1, max_size=40)):
        action(log, n % 3, m)
    return log


quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _answers(catalogue: Catalogue, as_of: int | None = None) -> list[object]:
    """What a person sees, as of a position."""
    words = ("地契", "民国", "契", "land", "1950")
    return [
        *(catalogue.search(word, as_of=as_of).entries for word in words),
        catalogue.search(as_of=as_of, secrecy_max=SecrecyClass.INTERNAL, year_from=1900, year_to=1903).entries,
        *(catalogue.by_reference_code(code, as_of=as_of) for code in CODES if code),
        catalogue.children(identity("description 0"), as_of=as_of).entries,
        catalogue.merged_into(identity("description 0"), as_of=as_of),
        *(catalogue.digitised(by, as_of=as_of) for by in BY),
        catalogue.lagging(as_of=as_of).entries,
        catalogue.packages(as_of=as_of).entries,
        catalogue.accessions(as_of=as_of).entries,
        catalogue.agents(as_of=as_of).entries,
        catalogue.requests(as_of=as_of).entries,
        catalogue.runs(as_of=as_of).entries,
        [catalogue.marks(identity(f"{kind} {n}"), as_of=as_of) for kind in ("package", "agent") for n in range(3)],
        catalogue.holdings(as_of=as_of),
    ]


@quick
@given(histories(), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_live_rebuilt_and_replayed_are_one_at_every_position(log: MemoryLog, steps: list[int]) -> None:
    with TemporaryDirectory() as folder:
        one_by_one, in_steps = Catalogue.open(Path(folder) / "one"), Catalogue.open(Path(folder) / "steps")
        digests, answers = [one_by_one.digest()], [_answers(one_by_one)]
        for position in range(1, log.position() + 1):
            one_by_one.catch_up(log, upto=position)
            digests.append(one_by_one.digest())
            answers.append(_answers(one_by_one))
        turn = 0
        while in_steps.position() < log.position():
            in_steps.catch_up(log, upto=in_steps.position() + steps[turn % len(steps)])
            turn += 1
        rebuilt = Catalogue.open(Path(folder) / "rebuilt")
        rebuilt.rebuild(log)
        for position, digest in enumerate(digests):
            assert one_by_one.digest(upto=position) == digest
            assert in_steps.digest(upto=position) == digest
            assert rebuilt.digest(upto=position) == digest
            assert _answers(rebuilt, position) == answers[position]
        for catalogue in (one_by_one, in_steps, rebuilt):
            catalogue.close()


@quick
@given(histories())
def test_applying_again_changes_nothing(log: MemoryLog) -> None:
    with TemporaryDirectory() as folder:
        catalogue = Catalogue.open(Path(folder))
        catalogue.catch_up(log)
        before = catalogue.digest()
        assert catalogue.catch_up(log) == log.position()
        assert catalogue.catch_up(log, upto=1) == log.position()
        assert catalogue.digest() == before
        catalogue.close()


@settings(quick, max_examples=100)
@given(histories())
def test_cards_say_what_the_domain_decides_by(log: MemoryLog) -> None:
    with TemporaryDirectory() as folder:
        catalogue = Catalogue.open(Path(folder))
        catalogue.catch_up(log)
        for n in range(3):
            _same_as_domain(catalogue, log, n)
        catalogue.close()


def _same_as_domain(catalogue: Catalogue, log: MemoryLog, n: int) -> None:
    taken, card = log.state(ACCESSION, identity(f"accession {n}")), catalogue.accession(identity(f"accession {n}"))
    assert (card is None) == (taken.opened is None)
    assert card is None or (card.stage, card.units) == (taken.stage, len(taken.current))
    held, package = log.state(ARCHIVAL_PACKAGE, identity(f"package {n}")), catalogue.package(identity(f"package {n}"))
    assert (package is None) == (held.created is None)
    last = held.stored[-1].version if held.stored else None
    assert package is None or (package.stored and package.stored.version) == last
    said, shown = (
        log.state(DESCRIPTION, identity(f"description {n}")),
        catalogue.description(identity(f"description {n}")),
    )
    assert (shown and shown.reference_code) == (said.fields and said.fields.reference_code)
    assert (shown and shown.year) == (said.fields and said.fields.year)
    assert (shown and (shown.parent, shown.page_count)) == (
        said.fields and (said.fields.parent, said.fields.page_count)
    )
    assert shown is None or (shown.into, shown.parts, shown.closed) == (said.into, said.parts, said.closed)
    assert shown is None or shown.stands == said.stands
    listed = [entry.id for entry in catalogue.search(limit=1_000).entries]
    assert (identity(f"description {n}") in listed) == said.stands
    who, seen = log.state(AGENT, identity(f"agent {n}")), catalogue.agent(identity(f"agent {n}"))
    assert (seen is None) == (who.registered is None)
    assert seen is None or (frozenset(seen.roles), set(seen.credentials)) == (who.roles, set(who.credentials))
    asked, request = log.state(ACCESS_REQUEST, identity(f"request {n}")), catalogue.request(identity(f"request {n}"))
    assert (request is None) == (asked.requested is None)
    works, made = log.state(RUN, identity(f"run {n}")), catalogue.run(identity(f"run {n}"))
    assert (made is None) == (works.started is None)
    assert made is None or (made.outcome is None) == (works.finished is None)
