"""Removal (清除): asked for by one person, agreed to by another, carried out to the last copy within reach.

`carry_out` is the one place where an archive destroys anything, read from top to bottom. Every step asks first what is
left to do, so that a run that was killed is finished by the next; `Finished` ends it, and says what nobody reaches.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import msgspec

from repository.domain import removal
from repository.domain.access_request import DipDelivered, UseRegistered
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Created, Expunged
from repository.domain.corrections import PayloadExpunged
from repository.domain.description import Described, Revised
from repository.domain.reader import READER, SubjectKeyDestroyed
from repository.domain.removal import REMOVAL, LeftOut, Proposed, Replaced, Unreached
from repository.domain.removal import RemovalKind as RemovalKind
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.eventlog.registry import AGGREGATES, event_types
from repository.services import copies, papers, stored
from repository.services.blanking import blanked, stands_in
from repository.services.dissemination import discard_parcels
from repository.services.generations import Why, make_generation
from repository.services.preservation import put_straight, sweep_expunged
from repository.services.preserving import blank_copies, forget_keys
from repository.services.search import find_record
from repository.services.session import Progress, Session

_NEVER = ("Removal.", "Run.")
_KEPT = (".PayloadExpunged", ".Annulled")
"""Payloads that are never taken away: what was removed and corrected stays known. Runs hold no words of anybody's."""


class RemovalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to go: words, wherever they stand; events; files of records; readers; all on a basis."""

    kind: RemovalKind
    legal_basis: str
    reason: str
    words: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    readers: tuple[UUID, ...] = ()
    packages: tuple[UUID, ...] = ()
    """Records to be made anew whether or not a file of their newest version goes: for what their older ones hold."""


class RemovalReport(msgspec.Struct, frozen=True, kw_only=True):
    """A removal as it stands: `waiting`, `withdrawn`, `approved` or `finished`, and what was not reached."""

    schema: str = "jingui.removal/1"
    removal: UUID
    kind: str
    state: str
    positions: tuple[int, ...]
    packages: tuple[UUID, ...]
    files: tuple[str, ...]
    readers: tuple[UUID, ...]
    unreached: tuple[Unreached, ...] = ()
    unreached_total: int = 0


def propose(session: Session, request: RemovalRequest) -> RemovalReport:
    """Ask for a removal. The packages in which a payload or paper stands that goes are found and named too.

    Raises `reason-missing`, `removal-empty`, `removal-too-large`, `position-unknown`, `record-unknown`,
    `file-unknown`, and `removal-kept` for an event whose words are never taken away.
    """
    session.require("propose-removal")
    payloads = _payloads(session, request)
    files = [*_files(session, request)]
    packages = (
        {one.package for one in files} | set(_packages_of(session, payloads, request.words)) | {*request.packages}
    )
    papers_too = [
        LeftOut(package=one, path=path) for one in packages for path in papers.holding(session, one, request.words)
    ]
    proposed = Proposed(
        kind=request.kind,
        payloads=tuple(payloads),
        packages=tuple(sorted(packages)),
        files=tuple(dict.fromkeys((*files, *papers_too))),
        readers=tuple(dict.fromkeys(request.readers)),
        legal_basis=request.legal_basis,
        reason=request.reason,
        proposed_by=session.agents,
    )
    identity = session.new_id()
    if any(stands_in(request.words, words.encode()) for words in (request.legal_basis, request.reason)):
        raise ArchiveError("removal-repeats", identity)

    def decide(streams: Streams) -> list[New]:
        for reader in proposed.readers:
            if streams.load(READER, reader).state.introduced is None:
                raise ArchiveError("reader-unknown", reader)
        return [New(identity, event) for event in removal.propose(streams.load(REMOVAL, identity).state, proposed)]

    session.perform("propose-removal", decide, correlation=identity, archive=None)
    return report(session, identity)


def readers_unused(session: Session, years: int) -> tuple[UUID, ...]:
    """Readers whose last registered use lies longer ago than so many years, and whose words can still be read.

    A register (利用登记) is kept for as long as the policy says; then these are proposed, and another person approves.
    """
    session.require("propose-removal")
    today = session.now()
    limit = f"{int(today[:4]) - years:04d}{today[4:]}"
    last: dict[UUID, str] = {}
    for event in session.log.events(types=["Reader.Introduced", "AccessRequest.UseRegistered"]):
        used = event.payload
        reader = used.reader if isinstance(used, UseRegistered) else event.envelope.stream
        last[reader] = max(last.get(reader, ""), event.envelope.recorded_at)
    return tuple(reader for reader, time in last.items() if time < limit and session.vault.key_id(reader) is not None)


def _payloads(session: Session, request: RemovalRequest) -> list[Replaced]:
    """The events concerned, each with what will stand for its payload."""
    upto = session.log.position()
    positions = set(request.positions)
    for word in request.words:
        positions |= set(session.log.containing(word, upto=upto))
    unknown = sorted(one for one in positions if not 0 < one <= upto)
    if unknown:
        raise ArchiveError("position-unknown", unknown[0])
    replaced = []
    for record in session.log.at(sorted(positions)):
        event = next(session.log.events(after=record.position - 1, upto=record.position))
        if record.payload is None:
            continue  # gone already
        if record.type.startswith(_NEVER) or record.type.endswith(_KEPT):
            if record.position in request.positions:
                raise ArchiveError("removal-kept", record.type)
            continue
        replacement = blanked(event_types()[record.type].payload, record.payload, request.words)
        if stands_in(request.words, replacement):
            raise ArchiveError("removal-kept", record.type)
        session.log.codec.decode(record.type, record.schema, replacement)
        replaced.append(
            Replaced(
                stream=event.envelope.stream,
                event=event.envelope.event_id,
                position=record.position,
                replacement=replacement.decode(),
            )
        )
    return replaced


def _files(session: Session, request: RemovalRequest) -> Iterator[LeftOut]:
    for record, path in request.files:
        package = find_record(session, record)
        stored.chosen(session, stored.newest(session, package), (path,))
        yield LeftOut(package=package, path=path)


def _packages_of(session: Session, payloads: Sequence[Replaced], words: Sequence[str]) -> Iterator[UUID]:
    """The stored packages in which these payloads stand, or what they say.

    A package holds its own payloads and tells its descriptions' words; what was said of the whole delivery stands, if
    anywhere, in the papers that one of its packages keeps.
    """
    streams = {one.stream for one in payloads}
    if not streams:
        return
    described = {
        event.payload.fields.package
        for event in session.log.events(types=["Description.Described", "Description.Revised"])
        if isinstance(event.payload, Described | Revised) and event.envelope.stream in streams
    }
    created = {
        event.envelope.stream: event.payload
        for event in session.log.events(types=["ArchivalPackage.Created"])
        if isinstance(event.payload, Created)
    }
    told = {package for package, one in created.items() if package in streams | described or one.description in streams}
    deliveries = streams | {created[package].accession for package in told}
    for package, one in created.items():
        if session.log.load(ARCHIVAL_PACKAGE, package).state.stored and (
            package in told or (one.accession in deliveries and any(papers.holding(session, package, words)))
        ):
            yield package


def approve(session: Session, identity: UUID, progress: Progress) -> RemovalReport:
    """Agree to a removal, as somebody other than those who asked for it, and carry it out.

    Raises `removal-unknown`, `removal-order`, `second-person-needed`, `held`, and what carrying it out raises.
    """
    session.require("approve-removal")
    proposed = _state(session, identity).proposed
    for package in proposed.packages if proposed else ():
        if session.log.load(ARCHIVAL_PACKAGE, package).state.holds:
            raise ArchiveError("held", package)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(REMOVAL, identity).state
        approved = removal.approve(state, identity, session.agents)
        after = removal.evolve(state, approved[0])
        events = [New(identity, event) for event in approved]
        for one in after.proposed.payloads if after.proposed else ():
            streams.load(AGGREGATES[_kind(session, one.stream)], one.stream)
            word = PayloadExpunged(
                event=one.event,
                position=one.position,
                approvers=after.approvers,
                legal_basis=after.proposed.legal_basis if after.proposed else "",
                replacement=one.replacement,
            )
            events.append(New(one.stream, word))
        return events

    session.perform("approve-removal", decide, correlation=identity, archive=None)
    return carry_out(session, identity, progress)


def withdraw(session: Session, identity: UUID, reason: str) -> RemovalReport:
    """Give up a removal that nobody has agreed to."""
    session.require("propose-removal")

    def decide(streams: Streams) -> list[New]:
        state = streams.load(REMOVAL, identity).state
        return [New(identity, event) for event in removal.withdraw(state, identity, reason)]

    session.perform("withdraw-removal", decide, correlation=identity, archive=None)
    return report(session, identity)


def carry_out(session: Session, identity: UUID, progress: Progress) -> RemovalReport:
    """Remove everything that an approved removal names, from every place within reach; go on where a run died."""
    session.require("approve-removal")
    return finish_removal(session, identity, progress)


def finish_removal(session: Session, identity: UUID, progress: Progress) -> RemovalReport:
    """The same for whoever carries out what two people decided elsewhere, and has asked for the right to it."""
    state = _state(session, identity)
    if not state.is_under_way or state.proposed is None:
        raise ArchiveError("removal-order", identity)
    asked, why = state.proposed, Why(reason=f"removal {identity}", removal=identity, approvers=state.approvers)
    steps = len(asked.packages) + 6

    # 1 put straight what a crash left; finish removing old generations
    put_straight(session)
    progress("remove", 1, steps)

    # 2 readers' keys: with them goes every word that was sealed under them
    for reader in asked.readers:
        _destroy_key(session, reader, identity, state.approvers, asked)
    progress("remove", 2, steps)

    # 3 the log: rows, freed pages and journal; its tails, and the copies of keys, in every store
    positions = [one.position for one in asked.payloads]
    session.log.expunge(positions)
    blank_copies(session, positions)
    forget_keys(session)
    progress("remove", 3, steps)

    # 4 copies outside the packages, while the packages still say by which digests these are known
    if asked.kind is RemovalKind.SPILL:
        copies.remove_copies(session, _digests(session, asked, identity))
    progress("remove", 4, steps)

    # 5 the packages, each written anew as the next generation; copies of them that wait to be fetched
    for number, package in enumerate(asked.packages):
        if not _is_done(session, package, identity):
            out = frozenset(one.path for one in asked.files if one.package == package)
            make_generation(session, package, why, left_out=out)
        discard_parcels(session, package)
        progress("remove", 5 + number, steps)

    forget_keys(session)
    sweep_expunged(session, passing=frozenset())  # in stores that were away when the generation went

    # 6 the catalogue, made anew from what the log now says
    session.catalogue.rebuild(session.log)
    progress("remove", steps - 1, steps)

    # 7 say what could not be reached
    unreached = sorted(
        {*_unreached(session, asked.packages), *_left(session, asked)}, key=lambda one: (one.place, one.thing)
    )

    def decide(streams: Streams) -> list[New]:
        now = streams.load(REMOVAL, identity).state
        return [New(identity, event) for event in removal.finish(now, identity, unreached)]

    session.perform("finish-removal", decide, correlation=identity, archive=None)
    progress("remove", steps, steps)
    return report(session, identity)


def _destroy_key(session: Session, reader: UUID, identity: UUID, approvers: tuple[UUID, UUID], asked: Proposed) -> None:
    """The event first, then the record: a key that the log calls destroyed is destroyed again by whoever goes on."""
    key = session.vault.key_id(reader)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(READER, reader).state
        if key is None or key in state.destroyed:
            return []
        return [New(reader, SubjectKeyDestroyed(key=key, legal_basis=asked.legal_basis, approvers=approvers))]

    session.perform("destroy-key", decide, correlation=identity, archive=None)
    session.vault.destroy(reader)


def _is_done(session: Session, package: UUID, identity: UUID) -> bool:
    """Whether this removal has made the package anew already."""
    gone = (event.payload for event in session.log.stream(package))
    return any(isinstance(one, Expunged) and one.removal == identity for one in gone)


def _digests(session: Session, asked: Proposed, identity: UUID) -> dict[int, set[str]]:
    """Digests, by size, of the files that go.

    Packages that were made anew already say nothing any more; their copies went before that.
    """
    wanted: dict[int, set[str]] = {}
    for package in {one.package for one in asked.files}:
        if _is_done(session, package, identity):
            continue
        paths = {one.path for one in asked.files if one.package == package}
        for file in stored.content(session, stored.newest(session, package)):
            if file.path in paths and file.size:
                wanted.setdefault(file.size, set()).add(file.sha256)
    return wanted


def _left(session: Session, asked: Proposed) -> Iterator[Unreached]:
    """After a spill: lists in which a file's name still stands, and what in quarantine nobody can look into."""
    if asked.kind is not RemovalKind.SPILL:
        return
    yield from copies.opaque(session)
    for package in asked.packages:
        names = tuple(one.path for one in asked.files if one.package == package)
        if any(papers.holding(session, package, names)):
            yield Unreached(place="listing", thing=str(package))


def _unreached(session: Session, packages: Iterable[UUID]) -> Iterator[Unreached]:
    """Where copies went that nobody here can take back: whoever received a DIP, exports, and backups of any kind."""
    wanted = set(packages)
    if not wanted:
        return
    yield Unreached(place="backup", thing="-")
    for event in session.log.events(types=["AccessRequest.DipDelivered"]):
        if isinstance(event.payload, DipDelivered):
            request = event.envelope.stream
            told = session.log.stream(request)
            sources = {source.package for one in told for source in getattr(one.payload, "sources", ())}
            if sources & wanted:
                yield Unreached(place="delivered", thing=str(request))
    for event in session.log.events(types=["Run.Started"]):
        scope = getattr(event.payload, "scope", "")
        if getattr(event.payload, "target", None) and any(str(package) in scope for package in wanted):
            yield Unreached(place="export", thing=str(event.envelope.stream))


def report(session: Session, identity: UUID) -> RemovalReport:
    """How a removal stands. `removal-unknown`."""
    state = _state(session, identity)
    asked, finished = state.proposed, state.finished
    if asked is None:
        raise ArchiveError("removal-unknown", identity)
    return RemovalReport(
        removal=identity,
        kind=asked.kind.value,
        state="finished"
        if finished
        else "withdrawn"
        if state.withdrawn
        else "waiting"
        if state.is_waiting
        else "approved",
        positions=tuple(one.position for one in asked.payloads),
        packages=asked.packages,
        files=tuple(one.path for one in asked.files),
        readers=asked.readers,
        unreached=finished.unreached if finished else (),
        unreached_total=finished.unreached_total if finished else 0,
    )


def removals(session: Session) -> list[RemovalReport]:
    """Every removal that was ever asked for, in the order of the log."""
    session.require("inspect")
    return [report(session, event.envelope.stream) for event in session.log.events(types=["Removal.Proposed"])]


def _state(session: Session, identity: UUID) -> removal.State:
    return session.log.load(REMOVAL, identity).state


def _kind(session: Session, stream: UUID) -> str:
    return session.log.stream(stream)[0].envelope.type.partition(".")[0]
