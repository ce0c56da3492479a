"""Reclassification (密级变更): a record lies in the store as its class asks, also when its class has changed.

That the class changed was decided by two people (`AccessStatusChanged`); here it is carried out, in their name.
Upwards, the record becomes ciphertext: its words leave the log and the catalogue as in any removal, it is written anew
as a sealed generation, and the one in clear is removed. Downwards it is written anew in clear. Both can be killed.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec

from repository.domain import archival_package, removal
from repository.domain.accession import ACCESSION
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Created, Decrypted
from repository.domain.corrections import PayloadExpunged
from repository.domain.description import DESCRIPTION, Described, Revised
from repository.domain.removal import REMOVAL, Proposed, RemovalKind, Replaced, Unreached
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.eventlog.registry import AGGREGATES, event_types
from repository.services import papers, stored
from repository.services.blanking import blanked
from repository.services.generations import Why, make_generation
from repository.services.preservation import put_straight
from repository.services.removal import finish_removal
from repository.services.revision import archive_of
from repository.services.sealing import class_key_for, encrypted, new_cipher, readable_fields, sealed_fields
from repository.services.search import find_record
from repository.services.session import Progress, Session

BASIS = "密级变更 classification changed"


class ReclassifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: `sealed`, `opened`, or `unchanged`; the packages that were written anew; what was not reached."""

    schema: str = "jingui.reclassify/1"
    outcome: str
    packages: tuple[UUID, ...] = ()
    removal: UUID | None = None
    unreached: tuple[Unreached, ...] = ()


def reclassify(session: Session, record: str, progress: Progress) -> ReclassifyReport:
    """Let a record lie as its class asks now. Done already, or asked for nothing, it answers `unchanged`.

    Raises `second-person-needed` where fewer than two people decided on the class, `held`, what the key ring raises
    before anything is written, and what storing raises.
    """
    session.require("work")
    package = find_record(session, record)
    put_straight(session)
    if (begun := _begun(session, package)) is not None:
        return _finished(session, begun, progress)
    state = session.log.load(ARCHIVAL_PACKAGE, package).state
    wanted = class_key_for(session.settings, state.secrecy_class)
    is_sealed = stored.newest(session, package).is_sealed
    if (wanted is not None) == is_sealed and (state.encrypted is not None) == is_sealed:
        return ReclassifyReport(outcome="unchanged")
    if state.holds:
        raise ArchiveError("held", package)
    people = state.access.decided_by if state.access else ()
    if len(people) < 2:
        raise ArchiveError("second-person-needed", package)
    approvers = (people[0], people[1])
    if wanted is None:
        return _open(session, package, approvers)
    return _finished(session, _begin_sealing(session, package, wanted, approvers), progress)


def _begun(session: Session, package: UUID) -> UUID | None:
    """The sealing of this package that was decided and is not done."""
    for event in session.log.events(types=["Removal.Proposed"]):
        asked = event.payload
        if not isinstance(asked, Proposed) or asked.kind is not RemovalKind.CLASSIFICATION:
            continue
        if package in asked.packages and session.log.load(REMOVAL, event.envelope.stream).state.is_under_way:
            return event.envelope.stream
    return None


def _begin_sealing(session: Session, package: UUID, class_key: str, approvers: tuple[UUID, UUID]) -> UUID:
    """One command: which words leave the log, the description sealed anew, and that the next generations are sealed."""
    created = session.log.load(ARCHIVAL_PACKAGE, package).state.created
    if created is None:
        raise ArchiveError("package-unknown", package)
    fields = readable_fields(session, created.description)
    titles = (fields.title,) if isinstance(fields.title, str) else ()
    packages = (package, *_papers_of(session, package, created, titles))
    # the identities are durable before anybody hears of them
    sealed = []
    for one in packages:
        generation = stored.newest(session, one).event.generation + 1
        sealed.append(New(one, encrypted(new_cipher(session, one, generation, class_key), generation, class_key)))
    payloads = [*_own_words(session, created.description), *_told_elsewhere(session, package, created, titles)]
    identity = session.new_id()
    proposed = Proposed(
        kind=RemovalKind.CLASSIFICATION,
        payloads=tuple(payloads),
        packages=packages,
        files=(),
        readers=(),
        legal_basis=BASIS,
        reason=BASIS,
        proposed_by=approvers[:1],
    )

    def decide(streams: Streams) -> list[New]:
        now = streams.load(REMOVAL, identity).state
        events: list[New] = [New(identity, event) for event in removal.propose(now, proposed)]
        waiting = removal.evolve(now, proposed)
        events += [New(identity, event) for event in removal.approve(waiting, identity, approvers[1:])]
        loaded = streams.load(DESCRIPTION, created.description)
        secrecy = streams.load(ARCHIVAL_PACKAGE, package).state.secrecy_class
        words = msgspec.structs.replace(fields, secrecy_class=secrecy)
        anew = sealed_fields(session, package, created.description, loaded.version + 1, words)
        events.append(New(created.description, Revised(fields=anew, reason=BASIS)))
        for one in payloads:
            streams.load(AGGREGATES[_aggregate(session, one.stream)], one.stream)
            events.append(New(one.stream, _word(one, approvers)))
        for new in sealed:
            streams.load(ARCHIVAL_PACKAGE, new.stream)
        return [*events, *sealed]

    session.perform("reclassify", decide, correlation=identity, archive=archive_of(session, package))
    return identity


def _own_words(session: Session, description: UUID) -> Iterator[Replaced]:
    """Everything that its description ever said in clear."""
    for record in session.log.records(description):
        kind = event_types()[record.type].payload
        if kind in (Described, Revised) and record.payload is not None:
            yield _replaced(session, record.position, blanked(kind, record.payload, ()))


def _told_elsewhere(session: Session, package: UUID, created: Created, titles: Sequence[str]) -> Iterator[Replaced]:
    """Its title, where the events of its package and of its delivery say it."""
    for stream in (package, created.accession):
        for record in session.log.records(stream):
            if record.payload is None or record.type.endswith((".PayloadExpunged", ".Annulled")):
                continue
            replacement = blanked(event_types()[record.type].payload, record.payload, titles) if titles else b""
            if titles and replacement != record.payload:
                yield _replaced(session, record.position, replacement)


def _replaced(session: Session, position: int, replacement: bytes) -> Replaced:
    event = next(session.log.events(after=position - 1, upto=position)).envelope
    return Replaced(stream=event.stream, event=event.event_id, position=position, replacement=replacement.decode())


def _papers_of(session: Session, package: UUID, created: Created, titles: Sequence[str]) -> Iterator[UUID]:
    """The packages of the delivery's papers in which the record is named: they are sealed with it, nothing is lost."""
    of_delivery = session.log.load(ACCESSION, created.accession).state
    for unit in of_delivery.units.values():
        other = session.log.load(ARCHIVAL_PACKAGE, unit.package).state
        is_other = unit.package != package and other.stored and other.encrypted is None
        if is_other and of_delivery.is_papers(unit.path) and any(papers.holding(session, unit.package, titles)):
            yield unit.package


def _word(one: Replaced, approvers: tuple[UUID, UUID]) -> PayloadExpunged:
    return PayloadExpunged(
        event=one.event,
        position=one.position,
        approvers=approvers,
        legal_basis=BASIS,
        replacement=one.replacement,
    )


def _aggregate(session: Session, stream: UUID) -> str:
    return session.log.stream(stream)[0].envelope.type.partition(".")[0]


def _finished(session: Session, identity: UUID, progress: Progress) -> ReclassifyReport:
    done = finish_removal(session, identity, progress)
    return ReclassifyReport(outcome="sealed", packages=done.packages, removal=identity, unreached=done.unreached)


def _open(session: Session, package: UUID, approvers: tuple[UUID, UUID]) -> ReclassifyReport:
    """Its words come back into the log, its files into the store, in clear; then the ciphertext goes."""
    generation = stored.newest(session, package).event.generation + 1

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        if state.encrypted is None or state.created is None:
            return []
        entry = state.created.description
        streams.load(DESCRIPTION, entry)
        words = msgspec.structs.replace(readable_fields(session, entry), secrecy_class=state.secrecy_class)
        return [
            New(entry, Revised(fields=words, reason=BASIS)),
            *(New(package, event) for event in archival_package.decrypt(state, Decrypted(generation=generation))),
        ]

    session.perform("reclassify", decide, correlation=package, archive=archive_of(session, package))
    make_generation(session, package, Why(reason=BASIS, removal=None, approvers=approvers))
    session.catch_up()
    return ReclassifyReport(outcome="opened", packages=(package,))
