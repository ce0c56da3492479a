"""Receiving a controlled delivery (涉密接收): its first write, quarantine included, is ciphertext.

    quarantine/<accession>/<delivery>/000001.age ...   the files, under names that say nothing
    quarantine/<accession>/<delivery>/listing.age      which is which, with sizes, times and digests

No name, no digest and no byte of it stands on the disk in clear. The listing, written last, is what makes the delivery
whole: a run that dies before it leaves nothing that is gone on with, and the next begins anew.
"""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol, Self

import msgspec

from packages_spec.findings import Finding
from repository.errors import ArchiveError
from repository.storage.durable import FileSystem, storage_errors, sync_folder, write_all
from repository.storage.journal import ReceivedFile
from repository.storage.receive import (
    READ_ONLY,
    Progress,
    Received,
    check_same,
    check_space,
    listing_sha256,
    source_of,
)
from repository.storage.sources import Chunk, Entry

LISTING = "listing.age"


class SealingSink(Protocol):
    """Takes plaintext, and is told when it has had all of it."""

    def write(self, data: Chunk, /) -> int:
        """Take more."""

    def finish(self) -> object:
        """That was all."""


class Cipher(Protocol):
    """What seals a file under a name, and opens it under that name alone."""

    def writer(self, path: str, sink: "_File", /) -> SealingSink:
        """A sink for plaintext whose ciphertext goes into the other."""

    def open(self, path: str, place: Path, /) -> "_Readable":
        """The plaintext of the file at a place."""


class _Readable(Protocol):
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """A range of it."""

    def close(self) -> None:
        """Close it."""


class Listed(msgspec.Struct, frozen=True):
    """The listing of a sealed delivery; the files lie under their numbers, in this order."""

    files: tuple[ReceivedFile, ...]
    findings: tuple[Finding, ...]


def is_sealed(target: Path) -> bool:
    """Whether a delivery lies there sealed and whole."""
    return (target / LISTING).is_file()


def sealed_name(number: int) -> str:
    """Under which name the file of this number lies, from 1."""
    return f"{number:06d}.age"


def receive_sealed(
    source: Path,
    target: Path,
    cipher: Cipher,
    *,
    algorithms: Collection[str] = (),
    progress: Progress,
    sync: bool = True,
) -> Received:
    """Copy a delivery into the quarantine, each file sealed while it is copied and hashed; again, read what lies there.

    Raises what `receive` raises. `Received.listing_sha256` is that of the plaintext: nobody may write it down in clear.
    """
    if not is_sealed(target):
        if not source.exists():
            raise ArchiveError("delivery-missing", source)
        with storage_errors(target):
            if target.exists():
                shutil.rmtree(target)
            target.mkdir()
            with FileSystem(target, sync=sync) as disk:
                _copy_all(source, target, cipher, sorted({*algorithms} - {"sha256"}), progress, disk)
    listed = _read(cipher, target)
    return Received(
        files=listed.files,
        bytes=sum(file.size for file in listed.files),
        listing_sha256=listing_sha256(listed.files),
        findings=listed.findings,
    )


def _copy_all(
    source: Path, target: Path, cipher: Cipher, algorithms: list[str], progress: Progress, disk: FileSystem
) -> None:
    opened = source_of(source)
    listing = opened.survey()
    check_space(target, list(listing.entries))
    files: list[ReceivedFile] = []
    done = 0
    for number, (entry, chunks) in enumerate(opened.contents(listing.entries), 1):
        files.append(_copy(target / sealed_name(number), entry, chunks, cipher, algorithms))
        done += entry.size
        progress(done, listing.bytes)
    check_same(source, listing, opened.survey())
    disk.sync()
    half = target / f"{LISTING}.part"
    with _File(half) as sink:
        writer = cipher.writer(LISTING, sink)
        writer.write(msgspec.json.encode(Listed(tuple(files), listing.findings)))
        writer.finish()
    disk.sync()
    half.rename(target / LISTING)
    sync_folder(target)


def _copy(place: Path, entry: Entry, chunks: Iterator[Chunk], cipher: Cipher, algorithms: list[str]) -> ReceivedFile:
    hashes = {name: hashlib.new(name) for name in ("sha256", *algorithms)}
    with _File(place) as sink:
        writer = cipher.writer(place.name, sink)
        for chunk in chunks:
            for digest in hashes.values():
                digest.update(chunk)
            writer.write(chunk)
        writer.finish()
    digests = {name: digest.hexdigest() for name, digest in hashes.items()}
    return ReceivedFile(entry.path, entry.size, digests.pop("sha256"), entry.mtime_ns, digests)


def _read(cipher: Cipher, target: Path) -> Listed:
    reader = cipher.open(LISTING, target / LISTING)
    try:
        return msgspec.json.decode(reader.read_at(0, reader.size), type=Listed)
    finally:
        reader.close()


class _File:
    """A new file; all of what is given to it is written, or an error raised."""

    def __init__(self, place: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(place, flags, READ_ONLY)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Write all of it."""
        write_all(self._descriptor, memoryview(data))
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)
