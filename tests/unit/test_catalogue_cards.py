"""What the catalogue says of custody, packages, people and work."""

from pathlib import Path

import msgspec
import pytest

from repository.catalogue import Catalogue
from repository.catalogue.mentions import in_words, named_in
from repository.domain import access_request, accession, agent, run
from repository.domain.accession import Stage
from repository.domain.description import Described
from repository.domain.values import Outcome, Role, Sealed, SealedValue
from repository.eventlog.registry import event_types
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
from tests.golden_events import read as read_golden
from tests.histories import ACTOR, ARCHIVE, NOTHING, MemoryLog, identity

STREAM = identity("accession 0")
SEALED = Sealed(sealed=SealedValue(key=ACTOR, subject=ACTOR, nonce="00", ct="00"))


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    return Catalogue.open(tmp_path / "catalogue")


def test_units_that_went_back_and_came_again(log: MemoryLog, catalogue: Catalogue) -> None:
    both, validated = (
        (unit(0), unit(1)),
        accession.DeliveryValidated(delivery=1, producer_digests=(), findings=(), findings_total=0),
    )
    review = accession.ReviewRequired(delivery=1, received_by=ACTOR, two_persons=False)
    back = accession.Returned(delivery=1, whole=False, units=("0",), reason="返工")
    done = accession.PartCompleted(delivery=1, packages=1, outstanding=1)
    log.record("Accession", STREAM, opened(), received(1), accession.Planned(delivery=1, part=1, parts=1, units=both))
    log.record("Accession", STREAM, validated, review, back, done, received(2))
    log.record("Accession", STREAM, accession.Planned(delivery=2, part=1, parts=1, units=(unit(0),)))
    catalogue.catch_up(log)
    told = [catalogue.accession(STREAM, as_of=position) for position in (5, 6, 7, 9)]
    assert [card and (card.stage, card.returned) for card in told] == [
        (Stage.WAITING, ()),
        (Stage.WAITING, ("0",)),
        (Stage.RETURNED, ("0",)),
        (Stage.RECEIVED, ()),
    ]


def test_a_rejected_delivery_and_the_next_one(log: MemoryLog, catalogue: Catalogue) -> None:
    rejected = accession.DeliveryRejected(delivery=1, findings=(finding(),), findings_total=7)
    validated = accession.DeliveryValidated(delivery=2, producer_digests=(), findings=(), findings_total=0)
    both = (unit(1), unit(2))
    log.record("Accession", STREAM, opened(), received(1))
    log.record("Accession", STREAM, accession.Planned(delivery=1, part=1, parts=2, units=(unit(0),)))
    log.record("Accession", STREAM, accession.Planned(delivery=1, part=2, parts=2, units=both), rejected)
    log.record("Accession", STREAM, received(2), accession.Planned(delivery=2, part=1, parts=1, units=both), validated)
    log.record("ArchivalPackage", identity("package 1"), created(1), stored(1))
    log.record("ArchivalPackage", identity("package 2"), created(2))
    catalogue.catch_up(log)
    before, now = catalogue.accession(STREAM, as_of=5), catalogue.accession(STREAM)
    assert before is not None
    assert (before.stage, before.units, before.deliveries, before.bytes) == (Stage.REJECTED, 3, 1, 601)
    assert (before.findings, before.findings_total, before.packages) == ((finding(),), 7, 0)
    assert now is not None
    assert (now.stage, now.units, now.deliveries, now.bytes) == (Stage.VALIDATED, 2, 2, 602)
    assert (now.findings, now.packages, now.packages_stored) == ((), 2, 1)
    assert (now.opened.position, now.changed.position, now.archive) == (1, 8, ARCHIVE)
    assert now.changed.time == log.recorded[7].envelope.recorded_at


def test_accessions_are_listed_by_stage(log: MemoryLog, catalogue: Catalogue) -> None:
    for number in range(3):
        log.record("Accession", identity(f"accession {number}"), opened())
    log.record("Accession", identity("accession 1"), received(1))
    catalogue.catch_up(log)
    assert [card.id for card in catalogue.accessions(stage=Stage.RECEIVED).entries] == [identity("accession 1")]
    page = catalogue.accessions(stage=Stage.OPEN, limit=1)
    assert (page.total, page.entries[0].id) == (2, STREAM)
    assert catalogue.accessions(stage=Stage.OPEN, after=page.after).entries[0].id == identity("accession 2")
    assert catalogue.accessions(as_of=2).total == 2


def test_an_accession_is_found_by_its_number_or_without_one_by_its_source(log: MemoryLog, catalogue: Catalogue) -> None:
    log.record("Accession", identity("accession 0"), opened(transfer_number="2026-1", source="/a"))
    log.record("Accession", identity("accession 1"), opened(source="/a"))
    log.record("Accession", identity("accession 2"), opened(source="/a"))
    log.record("Accession", identity("accession 3"), opened(source="/a", producer=identity("producer 1")))
    catalogue.catch_up(log)
    producer = identity("producer 0")
    found = [
        catalogue.find_accession(ARCHIVE, producer, "2026-1", "/elsewhere"),
        catalogue.find_accession(ARCHIVE, producer, None, "/a"),
        catalogue.find_accession(ARCHIVE, producer, None, "/a", as_of=2),
        catalogue.find_accession(ARCHIVE, producer, "2026-2", "/a"),
        catalogue.find_accession("other", producer, "2026-1", "/a"),
        catalogue.find_accession(ARCHIVE, identity("producer 2"), None, "/a"),
        catalogue.find_accession(ARCHIVE, producer, None, "/a", as_of=1),
    ]
    names = [card and card.id for card in found]
    assert names == [identity(f"accession {n}") for n in (0, 2, 1)] + [None] * 4


def test_a_package_says_how_far_it_is(log: MemoryLog, catalogue: Catalogue) -> None:
    stream = identity("package 1")
    log.record(
        "ArchivalPackage", stream, created(1), formats(), virus_checked(Outcome.NOT_CHECKED), stored(1), stored(2)
    )
    log.record("ArchivalPackage", identity("package 2"), created(2), virus_checked(Outcome.FAILED))
    catalogue.catch_up(log)
    cards = [catalogue.package(stream, as_of=position) for position in range(1, 6)]
    assert [card and card.stage for card in cards] == ["created"] * 3 + ["stored"] * 2
    assert [card and card.virus for card in cards] == [None, None] + ["not-checked"] * 3
    assert [card and card.formats and card.formats[0].puid for card in cards] == [None] + ["fmt/353"] * 4
    last = cards[-1]
    assert last is not None
    assert last.quality == "not-tested"
    assert last.stored is not None
    assert (last.stored.version, last.stored.position, last.stored.bytes) == (2, 5, 2_400)
    infected = catalogue.package(identity("package 2"))
    assert infected is not None
    assert infected.stage == "infected"
    assert catalogue.packages(stored=True).entries == (last,)
    assert catalogue.packages(stored=False, accession=STREAM).entries == (infected,)
    assert catalogue.packages(accession=identity("accession 9")).total == 0


def test_people_have_their_roles_and_credentials(log: MemoryLog, catalogue: Catalogue) -> None:
    person, office, key = identity("agent 0"), identity("producer 0"), identity("key")
    log.record("Agent", person, agent.Registered(name=SEALED, kind=agent.AgentKind.PERSON))
    log.record("Agent", person, agent.RoleGranted(role=Role.READER), agent.RoleGranted(role=Role.ARCHIVIST))
    log.record("Agent", person, agent.CredentialIssued(credential=key, secret_sha256=NOTHING))
    log.record("Producer", office, agent.Registered(name="县政府", kind=agent.AgentKind.ORGANISATION))
    log.record("Agent", person, agent.RoleRevoked(role=Role.READER, reason="离职"))
    log.record("Agent", person, agent.CredentialRevoked(credential=key, reason="丢失"))
    catalogue.catch_up(log)
    before, now = catalogue.agent(person, as_of=5), catalogue.agent(person)
    assert before is not None
    assert (before.roles, before.credentials) == ((Role.ARCHIVIST, Role.READER), (key,))
    assert now is not None
    assert (now.roles, now.credentials, now.name, now.sealed) == ((Role.ARCHIVIST,), (), None, ("name",))
    assert [card.name for card in catalogue.agents(producers=True).entries] == ["县政府"]
    assert [card.id for card in catalogue.agents(producers=False).entries] == [person]
    assert catalogue.agents().total == 2


def test_a_request_says_what_was_handed_out(log: MemoryLog, catalogue: Catalogue) -> None:
    stream, dip = identity("request 0"), identity("dip")
    made = access_request.DipAssembled(
        dip=dip, sources=(), files=3, bytes=30, manifest_sha256=NOTHING, tagmanifest_sha256=NOTHING
    )
    delivered = access_request.DipDelivered(dip=dip, way="download")
    log.record("AccessRequest", stream, requested(1), made, delivered, access_request.Closed(outcome="完成"))
    catalogue.catch_up(log)
    cards = [catalogue.request(stream, as_of=position) for position in range(1, 5)]
    assert [card and card.state for card in cards] == ["requested", "assembled", "delivered", "closed"]
    assert [card and card.dip for card in cards] == [None, dip, dip, dip]
    last = cards[-1]
    assert last is not None
    assert (last.purpose, last.requester, last.packages, last.outcome) == (
        "编史修志",
        ACTOR,
        (identity("package 1"),),
        "完成",
    )
    assert catalogue.requests(state="closed").entries == (last,)
    assert catalogue.requests(state="requested").total == 0


def test_a_run_says_how_far_it_is(log: MemoryLog, catalogue: Catalogue) -> None:
    stream = identity("run 0")
    ended = run.Finished(outcome=Outcome.FAILED, done=9, findings=(finding(),), findings_total=1)
    log.record("Run", stream, run.Started(kind=run.RunKind.FIXITY, scope="all", target=None))
    log.record("Run", stream, run.Progressed(done=5, total=9, cursor="5"), ended)
    catalogue.catch_up(log)
    cards = [catalogue.run(stream, as_of=position) for position in range(1, 4)]
    assert [card and (card.done, card.total, card.outcome) for card in cards] == [
        (0, None, None),
        (5, 9, None),
        (9, 9, Outcome.FAILED),
    ]
    assert catalogue.runs(kind=run.RunKind.FIXITY).entries == (cards[-1],)
    assert catalogue.runs(kind=run.RunKind.EXPORT).total == 0


def test_holdings_count_what_is_stored(log: MemoryLog, catalogue: Catalogue) -> None:
    log.record("Accession", STREAM, opened())
    log.record("ArchivalPackage", identity("package 1"), created(1), stored(1), stored(2))
    log.record("ArchivalPackage", identity("package 2"), created(2))
    log.record("AccessRequest", identity("request 0"), requested(1))
    log.record("Description", identity("description 1"), Described(fields=fields()))
    catalogue.catch_up(log)
    held = catalogue.holdings()
    assert (held.packages, held.stored, held.files, held.bytes) == (2, 1, 24, 2_400)
    assert (held.descriptions, held.record_types) == ({"item": 1}, {"text": 1})
    assert (held.accessions, held.requests, held.position) == ({"open": 1}, {"requested": 1}, 7)
    assert (catalogue.holdings(as_of=2).packages, catalogue.holdings(as_of=2).stored) == (1, 0)


def test_what_is_not_there_is_null(catalogue: Catalogue) -> None:
    nobody = identity("nobody")
    asked = (catalogue.description, catalogue.package, catalogue.accession, catalogue.agent, catalogue.request)
    assert [ask(nobody) for ask in asked] == [None] * 5
    assert catalogue.run(nobody) is None
    assert catalogue.marks(nobody) == []


def test_the_ids_that_known_fields_hold_are_those_that_stand_in_the_words() -> None:
    """For every type of event there is: the quick way and the slow one find the same."""
    types = event_types()
    for key, golden in read_golden().items():
        name, _, schema = key.rpartition(".")
        if types[name].schema == int(schema):
            payload = msgspec.json.decode(golden.payload, type=types[name].payload)
            assert set(named_in(name, payload)) == set(in_words(payload)), key
