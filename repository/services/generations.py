"""Generations (代): a package written anew as an object of its own, after which the object before it is removed.

What must not remain cannot be taken out of a version, for the versions before it keep it. So the whole record is
written once more, without it, as the first version of the next generation; `Stored` and `Expunged` are appended in one
transaction; only then does the old object go. Killed before that, recovery takes the new one back; killed after it,
`put_straight` finishes removing what the event names. There is no moment at which the record is not whole somewhere.
"""

from uuid import UUID

import msgspec

from repository.domain import archival_package
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Stored
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import packaging, stored
from repository.services.preserving import forget_keys
from repository.services.replication import expunge_everywhere
from repository.services.revision import archive_of, build_next, decide_metadata
from repository.services.sealing import encrypted, forget_cipher, new_cipher
from repository.services.session import Session


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why a generation goes, as part of which removal (null: a change of classification), and who agreed."""

    reason: str
    removal: UUID | None
    approvers: tuple[UUID, UUID]


def make_generation(session: Session, package: UUID, why: Why, *, left_out: frozenset[str] = frozenset()) -> None:
    """Write a package's next generation without these files, commit it, and remove the one before.

    Raises what storing raises; `held` under a hold; `locked` while somebody else has the package.
    """
    # 1 decide, from the description as it stands now
    if session.log.load(ARCHIVAL_PACKAGE, package).state.holds:
        raise ArchiveError("held", package)
    work = decide_metadata(session, package)
    before = stored.newest(session, package).event
    _seal_next(session, package, before.generation + 1)

    # 2 write every byte of it, as the first version of an object of its own
    with session.store.stage(package, before.generation + 1) as stage:
        own = session.log.records(package)
        anew = msgspec.structs.replace(work, anew=True, left_out=left_out)
        built = build_next(session, stage, anew, own, {}, "generation")

        # 3 sync, rename, sync
        (done,) = session.store.commit([stage])
        event = Stored(
            generation=done.generation,
            version=done.version,
            profile=packaging.PROFILE,
            files=len(built.entries),
            bytes=sum(entry.size for entry in built.entries),
            manifest_sha256=built.manifest_sha256,
            tagmanifest_sha256=built.tagmanifest_sha256,
            inventory_sha256=done.inventory_sha256,
        )

        # 4 commit it, and that the other goes, in one transaction
        def decide(streams: Streams) -> list[New]:
            loaded = streams.load(ARCHIVAL_PACKAGE, package)
            if loaded.version != len(own):  # the version tells its history up to here, and no less
                raise ArchiveError("package-changed", package)
            decided = archival_package.supersede(
                loaded.state, event, reason=why.reason, removal=why.removal, approvers=why.approvers
            )
            return [New(package, payload) for payload in decided]

        session.perform("supersede", decide, correlation=why.removal or package, archive=archive_of(session, package))
        stage.release()

    # 5 remove the old object, and what opened it: from here on the log says that it is gone
    expunge_everywhere(session, package, before.generation)
    forget_cipher(session, package, before.generation)
    forget_keys(session)


def _seal_next(session: Session, package: UUID, generation: int) -> None:
    """Of a record that is sealed, the next generation is so too, to an identity of its own; the event comes first."""
    sealed = session.log.load(ARCHIVAL_PACKAGE, package).state.encrypted
    if sealed is None or sealed.generation >= generation:
        return
    cipher = new_cipher(session, package, generation, sealed.class_key)
    event = encrypted(cipher, generation, sealed.class_key)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        return [New(package, payload) for payload in archival_package.encrypt(state, event)]

    session.perform("seal-next", decide, correlation=package, archive=archive_of(session, package))
