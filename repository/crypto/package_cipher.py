"""A package's cipher (信息包加密): identity and id together seal a file for its place, and open it there only."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID

from repository.crypto.age import (
    Context,
    PackageIdentity,
    SealedReader,
    SealingWriter,
    X25519Identity,
    open_sealed,
    parse_recipient,
)
from repository.crypto.age.suites import Buffer
from repository.crypto.age.writing import Sink


class PackageCipher:
    """What seals and opens the files of one package generation. Its secret is never printed."""

    def __init__(self, package: UUID, identity: PackageIdentity) -> None:
        self.package = package
        self._identity = identity

    def __repr__(self) -> str:
        return f"PackageCipher({self.package})"

    @property
    def suite(self) -> str:
        """By which suite it seals."""
        return self._identity.suite.name

    @property
    def recipient(self) -> str:
        """The public half of the identity; a symmetric one has none, and is called after its suite."""
        return str(self._identity.recipient) if isinstance(self._identity, X25519Identity) else self.suite

    def writer(self, path: str, sink: Sink) -> SealingWriter:
        """Seal what is written to it, for this path, into the sink."""
        return SealingWriter(sink, (self._identity.recipient,), Context(package=self.package, path=path))

    def seal(self, path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The sealed file for this path, piece by piece."""
        made = _Pieces()
        writer = self.writer(path, made)
        for chunk in chunks:
            writer.write(chunk)
            yield from made.taken()
        writer.finish()
        yield from made.taken()

    def open(self, path: str, place: Path) -> SealedReader:
        """The file at a place, as the one that was sealed for this path. Raises what `open_sealed` raises."""
        return open_sealed(place, self._identity, Context(package=self.package, path=path), name=str(place))


def seal_for(recipient: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What only the holder of this recipient's identity can open, piece by piece. `recipient-unknown`."""
    made = _Pieces()
    writer = SealingWriter(made, (parse_recipient(recipient),))
    for chunk in chunks:
        writer.write(chunk)
        yield from made.taken()
    writer.finish()
    yield from made.taken()


def expect_recipient(text: str) -> str:
    """The recipient as it is written, if it is one. `recipient-unknown`."""
    return str(parse_recipient(text))


class _Pieces:
    """What was written since it was last asked."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: Buffer, /) -> int:
        """Keep a copy: the writer uses its buffer again."""
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def taken(self) -> list[bytes]:
        """Give them out, once."""
        pieces, self._pieces = self._pieces, []
        return pieces
