"""Copies (副本): where, outside the stored packages, bytes that must go may lie a second time.

One place is one row of `PLACES`: it takes away what it finds there by digest, and tells which parts it cannot look
into - ciphertext, packed files, uploads that are not whole. Nothing is passed over in silence.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from zipfile import is_zipfile

import msgspec

from packages_spec.digests import digest_file
from repository.domain.removal import Unreached
from repository.errors import ArchiveError
from repository.services.session import Session
from repository.storage import wipe

_PACKED = (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar", ".age", ".part")
"""Names of files whose digest says nothing of what is inside."""

Wanted = Mapping[int, AbstractSet[str]]
"""SHA-256 digests by the size of their files: only a file of one of these sizes has to be read."""


class Place(msgspec.Struct, frozen=True):
    """A folder of the archive in which copies may lie, and what is done about one that is found."""

    name: str
    folder: Callable[[Session], Path]
    remove: Callable[[Path], None]


def _refuse(copy: Path) -> None:
    """What another process is making now is left to it: the removal waits, and goes on when it is run again."""
    raise ArchiveError("locked", copy.name)


PLACES = (
    Place("quarantine", lambda session: session.quarantine, wipe),
    Place("staging", lambda session: session.folder / "staging", _refuse),
)


def remove_copies(session: Session, wanted: Wanted) -> None:
    """Take away every copy in every place. A run that is killed here is run again, and finds what is left.

    A delivery from which a file was taken is not whole any more, and is refused when somebody goes on with it.
    Raises `locked` for a copy that another process is working on.
    """
    for place in PLACES:
        for path in _files(place.folder(session)) if wanted else ():
            digests = wanted.get(path.stat().st_size, frozenset())
            if digests and digest_file(path)[1] in digests:
                place.remove(path)


def opaque(session: Session) -> Iterator[Unreached]:
    """What nobody can look into, by the folder in which it lies: `<accession>/<delivery>`, never a producer's name."""
    for place in PLACES:
        root = place.folder(session)
        for path in _files(root):
            if path.name.lower().endswith(_PACKED) or path.relative_to(root).parts[0] == "uploads" or is_zipfile(path):
                folders = path.relative_to(root).parts[:-1][:2]
                yield Unreached(place=place.name, thing="/".join(folders) or "-")


def _files(root: Path) -> Iterator[Path]:
    """Every regular file below a folder; links are not followed."""
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path
