"""Waiting (待取): the file of a dissemination, from when it is made until it was fetched or its last day is over.

    outgoing/<request>/<name>        in clear, of an open record
    outgoing/<request>/<name>.age    sealed, of a controlled one; opened while it is sent

What is sealed is sealed to an identity of its own, whose record in the vault is wrapped to the class key of the record
that it was made of. It is destroyed before the file is: from then on no copy of the file, wherever, opens.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

from packages_spec.digests import chunks_of
from packages_spec.profiles import SEALED_SUFFIX
from repository.crypto import PackageCipher, SealedReader
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.errors import ArchiveError
from repository.services.assembly import Assembled
from repository.services.key_ring import wrapping_for
from repository.services.sealing import forget_cipher
from repository.services.session import Session
from repository.storage import discard_kept

ROOM = "outgoing"
_GENERATION = 1
"""Under which number the vault keeps the identity of a request."""


def keep(session: Session, request: UUID, made: Assembled, name: str) -> None:
    """Lay the file where it waits, durable when this returns; sealed where the record is controlled.

    Raises what the key ring does: `ring-key-unknown`, `recovery-key-missing`.
    """
    if made.carrier is None:
        raise LookupError(f"nothing of {made.facts.dip} can go over a wire")
    room, path = _room(session, request), made.carrier.file.path
    class_key = _class_key(session, made)
    if class_key is None:
        made.container.keep(path, room / name)
        return
    identity = session.package_keys.create(request, _GENERATION, wrapping_for(session, class_key))
    cipher = PackageCipher(request, identity)
    sealed = cipher.seal(_place(name), chunks_of(made.container.root / path))
    made.container.write_out(sealed, room / f"{name}{SEALED_SUFFIX}")


def _class_key(session: Session, made: Assembled) -> str | None:
    """Under which class key the generation lies that it was made of; null where it lies in clear."""
    if not made.is_sealed:
        return None
    encrypted = session.log.load(ARCHIVAL_PACKAGE, made.source.package).state.encrypted
    if encrypted is None:
        raise ArchiveError("version-differs", made.source.package, expected="sealed", found="open")
    return encrypted.class_key


def waiting_file(session: Session, request: UUID, name: str) -> tuple[Path, Callable[[], SealedReader] | None]:
    """Where the file waits, and what opens it where it is sealed. `dip-gone`.

    The identity is read from the vault each time: what was destroyed opens nothing, in no process.
    """
    plain = _room(session, request) / name
    if plain.is_file():
        return plain, None
    sealed = plain.with_name(f"{name}{SEALED_SUFFIX}")
    if not sealed.is_file():
        raise ArchiveError("dip-gone", request)
    try:
        cipher = PackageCipher(request, session.package_keys.identity(request, _GENERATION))
    except ArchiveError as error:
        if error.code != "key-record-missing":
            raise
        raise ArchiveError("dip-gone", request) from error
    return sealed, partial(cipher.open, _place(name), sealed)


def let_go(session: Session, request: UUID) -> None:
    """Destroy what opens the file, then the file. Done already, it passes."""
    forget_cipher(session, request, _GENERATION)
    discard_kept(_room(session, request))


def _place(name: str) -> str:
    return f"{ROOM}/{name}"


def _room(session: Session, request: UUID) -> Path:
    return session.folder / ROOM / str(request)
