"""Whatever happened: the catalogue is a function of the log, at every position of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repository.catalogue import By, Catalogue, Term
from repository.domain import (
    access_request,
    accession,
    agent,
    archival_package,
    assessment,
    corrections,
    description,
    opening_review,
    reader,
    run,
    sampling,
)
from repository.domain.access_request import ACCESS_REQUEST
from repository.domain.accession import ACCESSION
from repository.domain.agent import AGENT, PRODUCER
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.description import DESCRIPTION
from repository.domain.description_fields import FileRange, Text
from repository.domain.opening_review import OPENING_REVIEW
from repository.domain.reader import READER
from repository.domain.run import RUN
from repository.domain.values import (
    AccessStatus,
    Carrier,
    Ground,
    Level,
    Outcome,
    Role,
    Sealed,
    SealedValue,
    SecrecyClass,
)
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
DUE = Term(year_to=2000, secrecy_max=SecrecyClass.INTERNAL, fonds=None, record_type=None, open_by_default=0)
CODES = ("0001-1", "0001-2", "0002-1", None)


def _accession(log: MemoryLog, n: int, m: int) -> None:
    """A few steps on the way of one accession: alone, a step a time, histories would hardly get past the first."""
    for turn in range(1 + m):
        _step(log, n, (m + turn) % 6)


def _step(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"accession {n % 2}")
    state = log.state(ACCESSION, stream)
    rejected = accession.DeliveryRejected(delivery=state.delivery, findings=(finding(),), findings_total=1)
    valid = accession.DeliveryValidated(delivery=state.delivery, producer_digests=(), findings=(), findings_total=0)
    verdict = rejected if m == 5 else valid
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: accession.open_accession(state, opened()),
        lambda: accession.receive(state, received(state.delivery + 1)),
        lambda: [] if state.is_planned else accession.plan(state, [unit(number) for number in range(m + 1)]),
        lambda: accession.validate(state, verdict),
        *_sampling(state, m),
        *_deciding(state, m),
        lambda: accession.complete(state, stored=len(state.taken)),
        *_handing_over(state, m),
    ]
    for step in steps:
        if _decided(log, "Accession", stream, step):
            return


def _deciding(state: accession.State, m: int) -> list[Callable[[], Sequence[object]]]:
    """By policy, or a person decides on some of it, on all of it, or gives it back."""
    some, quality = state.undecided[: 1 + m % 2], Outcome.NOT_CHECKED
    by_policy = [lambda: accession.accept(state, policy="automatic", quality=quality)]
    review = [lambda: accession.require_review(state, received_by=ACTOR, two_persons=False)]
    accepted = [lambda: accession.accept_units(state, some if m < 4 else None, actor=APPROVER, quality=quality)]
    back = [lambda: accession.return_units(state, some if m < 4 else None, reason="返工", quality=quality)]
    return [*(by_policy if m == 0 else review), *(accepted if m % 2 else back)]


def _sampling(state: accession.State, m: int) -> list[Callable[[], Sequence[object]]]:
    """Every other delivery has a sample drawn, of which a unit may be bad, and one be judged twice."""
    units = {path: path for path in state.undecided} if m % 2 else {}
    named = state.sample.units[m % len(state.sample.units) :] if state.sample.units and m < 4 else ()
    judged = [
        sampling.SampleJudged(
            delivery=state.delivery, unit=one, linked=m > 0, pages=9, faults=(), note=None, judged_by=(APPROVER,)
        )
        for one in named[:1]
    ]
    by, seed = sampling.SampleBy.ITEM, f"{state.delivery}"
    drawing = lambda: accession.draw_sample(state, units, seed=seed, by=by, percent=60)  # noqa: E731 - a step of many
    return [drawing, *(lambda one=one: accession.judge_sample(state, one) for one in judged)]


def _handing_over(state: accession.State, m: int) -> list[Callable[[], Sequence[object]]]:
    signed = accession.HandoverSigned(
        form_sha256=None,
        scan_name=SEALED,
        scan_sha256=NOTHING,
        bytes=m,
        package=identity("form"),
        description=identity("form described"),
    )
    opinion = SEALED if m == 1 else "开放"
    terms = accession.TermsAgreed(agreement=f"协{m}号", medium=None, opening_opinion=opinion)
    return [
        lambda: accession.agree(state, terms),
        lambda: accession.print_handover(state, NOTHING),
        lambda: accession.sign_handover(state, signed),
    ]


def _package(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"package {n}")
    state = log.state(ARCHIVAL_PACKAGE, stream)
    if state.created is None:
        checks: list[Check] = [formats(), virus_checked(Outcome.FAILED if m == 5 else Outcome.NOT_CHECKED)]
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.create(state, created(n), checks[: m + 1]))
    elif m == 3 and not state.stored:
        again = msgspec.structs.replace(created(n), delivery=state.created.delivery + 1)
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.redeliver(state, again, [formats()]))
        declared = archival_package.PagesDeclared(
            delivery=state.created.delivery,
            declared=(archival_package.DeclaredPages(pages=(m,), condition="缺页", reason=SEALED),),
        )
        _decided(log, "ArchivalPackage", stream, lambda: archival_package.tell(state, [declared]))
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


COLUMNS = (assessment.CheckColumn(id="Q01", unit="degree", scale=1000),)


def _quality(log: MemoryLog, n: int, m: int) -> None:
    """Machines judge a page or two, people decide on them, whoever it is."""
    stream = identity(f"package {n}")
    state = log.state(ARCHIVAL_PACKAGE, stream)
    if state.created is None:
        return
    pages = tuple(
        assessment.JudgedPage(file=file + 1, frame=1, serial=None, checks="prfan-"[(m + file) % 6], values=(m,))
        for file in range(1 + m % 2)
    )
    assessed = assessment.QualityAssessed(
        delivery=state.created.delivery,
        part=1 + m % 2,
        last=bool(m % 2),
        profiles=(assessment.ProfileUsed(name="documents", version=1, sha256=NOTHING),),
        algorithm=1 + m // 4,
        assessed_by=(ACTOR,),
        columns=COLUMNS,
        pages=pages,
        report_sha256=NOTHING,
    )
    reviewed = assessment.QualityReviewed(
        delivery=state.created.delivery,
        decision=list(assessment.Decision)[m % 3],
        pages=tuple(state.quality.pages)[: 1 + m % 2],
        check=None,
        reason=SEALED,
        reviewed_by=(APPROVER if m < 3 else identity("reviewer"),),
    )
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: archival_package.assess(state, assessed),
        lambda: archival_package.review(state, reviewed),
    ]
    for step in steps if m % 2 else steps[::-1]:
        if _decided(log, "ArchivalPackage", stream, step):
            return


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


def _use(log: MemoryLog, n: int, m: int) -> None:
    stream, decider, today = identity(f"request {n}"), (identity("decider"),), "2026-01-02"
    state = log.state(ACCESS_REQUEST, stream)
    registered = access_request.UseRegistered(
        reader=identity(f"reader {m}"),
        capacity=access_request.Capacity.SELF,
        documents=(reader.Document.PASSPORT,),
        represented=SEALED,
        requesters=(ACTOR,),
        channel=access_request.Channel.DESK,
        purpose=access_request.Purpose.PROOF,
        detail=None,
        reply_by=None,
    )
    granted = access_request.Granted(
        packages=(identity(f"package {n}"),),
        paths=(),
        until=(None, "2026-01-02", "2026-01-09")[m % 3],
        copies=True,
        conditions=SEALED,
        decided_by=decider,
    )
    refused = access_request.Refused(ground=Ground.PERSONAL, reason=SEALED, objection=None, decided_by=decider)
    viewed = access_request.ContentViewed(
        package=identity(f"package {n}"), generation=1, version=1, paths=("a", "b"), way="screen"
    )
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: access_request.register_use(state, registered),
        lambda: access_request.request(state, requested(n)),
        lambda: access_request.grant(state, granted, today=today),
        lambda: access_request.refuse(state, refused),
        lambda: access_request.view(state, viewed),
        lambda: access_request.refuse_by_rule(state, None),
        lambda: access_request.revoke(state, SEALED, decider),
        lambda: access_request.rate(state, access_request.Rated(score=1 + m % 5, comment=None)),
        lambda: access_request.assign(state, identity("decider")),
    ]
    for step in steps[m:]:
        if _decided(log, "AccessRequest", stream, step):
            return


def _status(log: MemoryLog, n: int, m: int) -> None:
    stream, hold = identity(f"package {n}"), identity(f"hold {m % 2}")
    state = log.state(ARCHIVAL_PACKAGE, stream)
    changed = archival_package.AccessStatusChanged(
        status=(None, AccessStatus.OPEN, AccessStatus.CONTROLLED)[m % 3],
        secrecy_class=list(SecrecyClass)[m % 2],
        opening_date=(None, "2026-01-02", "2027-01-01")[m % 3],
        controlled_until=None,
        ground=Ground.PERSONAL,
        reason=None,
        way=archival_package.StatusWay.CORRECTION,
        review=None,
        decided_by=(ACTOR, APPROVER),
    )
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: archival_package.change_status(state, changed),
        lambda: archival_package.take_down(state, agents=(ACTOR,), reason="来电"),
        lambda: archival_package.settle_takedown(state, confirm=m % 2 == 0, agents=(APPROVER,), reason="核"),
        lambda: archival_package.place_hold(state, hold, "诉讼"),
        lambda: archival_package.release_hold(state, hold, "结案"),
    ]
    for step in steps[m % 5 :]:
        if _decided(log, "ArchivalPackage", stream, step):
            return


def _review(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"review {n}")
    state = log.state(OPENING_REVIEW, stream)
    candidates = tuple(
        opening_review.Candidate(package=identity(f"package {number}"), revision=0) for number in range(n + 1)
    )
    who = (identity(f"reviewer {m % 3}"),)
    proposed = opening_review.Proposed(rule="term", candidates=candidates, proposed_by=(ACTOR,))
    given = opening_review.OpinionGiven(reviewer=who, control=(), note=None)
    answer = opening_review.UnitAnswered(
        answer=opening_review.Answer.SILENT, control=(), letter=None, recorded_by=(ACTOR,)
    )
    revisions = {one.package: m % 2 for one in candidates}
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: opening_review.propose(state, proposed),
        lambda: opening_review.give_opinion(state, given),
        lambda: opening_review.hear_unit(state, answer),
        lambda: [opening_review.decide(state, (), (APPROVER,), revisions)],
        lambda: opening_review.withdraw(state, "误"),
    ]
    for step in steps[m % 4 :]:
        if _decided(log, "OpeningReview", stream, step):
            return


def _reader(log: MemoryLog, n: int, m: int) -> None:
    stream = identity(f"reader {n}")
    papers = (reader.Document.PASSPORT, reader.Document.IDENTITY_CARD)
    said = reader.Introduced(document=papers[m % 2], name=SEALED, number=SEALED, contact=SEALED if m > 2 else None)
    _decided(log, "Reader", stream, lambda: reader.introduce(log.state(READER, stream), said))
    if m == 5:
        gone = reader.SubjectKeyDestroyed(key=ACTOR, legal_basis="法", approvers=(ACTOR, APPROVER))
        _decided(log, "Reader", stream, lambda: [gone])


def _deputy(log: MemoryLog, n: int, m: int) -> None:
    stream, other = identity(f"agent {n}"), identity(f"agent {m % 3}")
    state, deputy = log.state(AGENT, stream), log.state(AGENT, other)
    none: frozenset[frozenset[Role]] = frozenset()
    steps: list[Callable[[], Sequence[object]]] = [
        lambda: agent.appoint(state, stream, other, deputy, until=f"2026-01-1{m}", today="2026-01-02", never=none),
        lambda: agent.dismiss(state, other, "返岗"),
        lambda: agent.depart(state, "退休"),
    ]
    _decided(log, "Agent", stream, steps[m % 3])


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
    _quality,
    _quality,
    _description,
    _description,
    _place,
    _merge,
    _divide,
    _close,
    _agent,
    _producer,
    _request,
    _use,
    _use,
    _status,
    _review,
    _reader,
    _deputy,
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
        catalogue.requests(waiting=True, requester=ACTOR, as_of=as_of).entries,
        catalogue.granted_to(ACTOR, "2026-01-03", as_of=as_of),
        catalogue.taken_down(as_of=as_of),
        catalogue.packages(to_review=True, as_of=as_of).entries,
        catalogue.reviews(as_of=as_of).entries,
        [catalogue.reader(identity(f"reader {n}"), as_of=as_of) for n in range(3)],
        catalogue.opening_candidates(DUE, due=lambda _: True, without=(), limit=9, as_of=as_of),
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
    assert card is None or set(card.returned) == taken.returned
    assert card is None or card.agreement == (taken.terms and taken.terms.agreement)
    signed = "signed" if taken.signed else "printed" if taken.printed else "none"
    assert card is None or card.handover == signed
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
    assert (request is None) == (asked.requested is None and asked.use is None)
    assert request is None or (request.grant is None) == (asked.granted is None)
    assert request is None or request.rating == (asked.rated and asked.rated.score)
    assert request is None or (request.reader, request.assigned) == (asked.use and asked.use.reader, asked.assigned)
    assert package is None or (package.access, package.revision) == (
        held.access and held.access.status,
        held.revision,
    )
    assert package is None or (package.secrecy_class, frozenset(package.holds)) == (held.secrecy_class, held.holds)
    assert seen is None or {one.agent: one.until for one in seen.deputies} == who.deputies
    judged, review = log.state(OPENING_REVIEW, identity(f"review {n}")), catalogue.review(identity(f"review {n}"))
    assert (review is None) == (judged.proposed is None)
    assert review is None or set(review.reviewers) == set(judged.opinions)
    works, made = log.state(RUN, identity(f"run {n}")), catalogue.run(identity(f"run {n}"))
    assert (made is None) == (works.started is None)
    assert made is None or (made.outcome is None) == (works.finished is None)
