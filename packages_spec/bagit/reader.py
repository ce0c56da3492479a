"""Reading a bag's tag files (RFC 8493 2): what it declares and lists. Nothing of the payload is opened here."""

import codecs
import os
import re
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec

from packages_spec.bagit.tagfiles import (
    ALGORITHMS,
    ENCODINGS,
    Declaration,
    Entries,
    Fetch,
    collect,
    read_declaration,
    read_fetch,
    read_info,
    read_manifest,
)
from packages_spec.bagit.tree import open_regular
from packages_spec.findings import Finding
from packages_spec.paths import shown

LONGEST_LINE: Final = 1 << 20
"""Characters that one line of a tag file may have: a name has 4,096 bytes at most, a field is not a book."""
LARGEST_FILE: Final = 32 << 20
"""Bytes that a tag file which is held whole (`bagit.txt`, `bag-info.txt`, `fetch.txt`) may have."""
_MANIFEST = re.compile(r"(tag)?manifest-(.+)\.txt")
_CHUNK: Final = 1 << 16
_DECLARATION: Final = "bagit.txt"
_INFO: Final = "bag-info.txt"
_FORMER_INFO: Final = "package-info.txt"
"""Where the fields stand, now and in the first drafts."""
_FORMER: Final = ("0.93", "0.94", "0.95")
_FETCH: Final = "fetch.txt"
Listed = dict[str, dict[str, str]]


class Bag(msgspec.Struct, frozen=True):
    """What a bag says of itself.

    `manifests` and `tag_manifests` hold for each algorithm the lower-case digest of each path; `info` keeps every field
    in its order, repeated ones too. `findings` are those of reading: whoever judges the bag adds its own.
    """

    version: str
    encoding: str
    info: tuple[tuple[str, str], ...]
    manifests: Listed
    tag_manifests: Listed
    fetch: tuple[Fetch, ...]
    findings: tuple[Finding, ...]

    @property
    def strict(self) -> bool:
        """Whether it must be what BagIt 1.0 asks, not only what the drafts before it asked."""
        return Declaration(self.version).strict

    @property
    def algorithms(self) -> frozenset[str]:
        """Every algorithm that its manifests use: whoever copies the bag digests with all of these in the same pass."""
        return frozenset(self.manifests) | frozenset(self.tag_manifests)

    def expected(self, path: str) -> dict[str, str]:
        """The digest that each algorithm's manifests list for a path; empty when none lists it."""
        listed = self.manifests if path.startswith("data/") else self.tag_manifests
        return {algorithm: entries[path] for algorithm, entries in listed.items() if path in entries}


class Manifest(msgspec.Struct, frozen=True):
    """A manifest that lies in the bag and can be checked: its file name, its algorithm, and which of the two it is."""

    name: str
    algorithm: str
    of_tags: bool


def is_bag(root: Path) -> bool:
    """Whether a folder claims to be a bag.

    It does by `bagit.txt`; also by a payload manifest beside a folder `data`, so that a bag that lost its declaration
    is judged as a bag and not taken for a plain folder.
    """
    if os.path.lexists(root / _DECLARATION):
        return True
    return (root / "data").is_dir() and any(root.glob("manifest-*.txt"))


def read_bag(root: Path) -> Bag:
    """The tag files of the bag in the folder `root`; all that cannot be read is a finding, nothing is raised for it."""
    findings: list[Finding] = []
    reading = Reading(root, findings)
    bag = reading.bag()
    for manifest in reading.manifests:
        listed = bag.tag_manifests if manifest.of_tags else bag.manifests
        listed[manifest.algorithm] = collect(reading.entries(manifest), findings, strict=bag.strict)
    return msgspec.structs.replace(bag, findings=tuple(findings))


class Reading:
    """One reading of one bag: what it declares, which manifests it has, and the findings so far."""

    def __init__(self, root: Path, findings: list[Finding]) -> None:
        self._root = root
        self._findings = findings
        self._encoding = "utf-8"
        self._declared = Declaration("1.0")
        self._declared = self._declaration()
        self._names = self._top()
        self.manifests = self._manifests()

    def bag(self) -> Bag:
        """What the bag declares, with its manifests still empty."""
        strict = self._declared.strict
        infos = (_INFO, _FORMER_INFO) if self._declared.version in _FORMER else (_INFO,)
        info = [
            field
            for name in infos
            if name in self._names
            for field in read_info(self._lines(name), name, self._findings, strict=strict)
        ]
        lines = self._lines(_FETCH) if _FETCH in self._names else iter(())
        fetch = read_fetch(lines, self._findings, strict=strict)
        listed: tuple[Listed, Listed] = ({}, {})
        for manifest in self.manifests:
            listed[manifest.of_tags][manifest.algorithm] = {}
        return Bag(self._declared.version, self._declared.encoding, tuple(info), *listed, tuple(fetch), ())

    def entries(self, manifest: Manifest) -> Iterator[Entries]:
        """The entries of a manifest, some at a time, in memory that does not grow with it."""
        digits = ALGORITHMS[manifest.algorithm][1]
        return read_manifest(
            self._chunks(manifest.name), manifest.name, self._findings, digits=digits, strict=self._declared.strict
        )

    def size(self, manifest: Manifest) -> int:
        """How many bytes a manifest has; 0 when nobody can tell."""
        try:
            return os.lstat(f"{self._root}/{manifest.name}").st_size
        except OSError:
            return 0

    def _declaration(self) -> Declaration:
        """What `bagit.txt` declares; what follows is read in its encoding, or in UTF-8 when that is none."""
        before = len(self._findings)
        lines = list(self._lines(_DECLARATION))
        if len(self._findings) > before and not lines:
            return Declaration()
        declared = read_declaration(lines, self._findings)
        if (encoding := _known_encoding(declared.encoding)) is None:
            self._findings.append(Finding("bag.encoding-unknown", _DECLARATION, "UTF-8", shown(declared.encoding)))
        self._encoding = encoding or self._encoding
        return declared

    def _top(self) -> list[str]:
        """The names of tag files that are read, among those at the top of the bag, in the order of their bytes."""
        read = {_INFO, _FORMER_INFO, _FETCH}
        try:
            with os.scandir(self._root) as entries:
                return sorted(e.name for e in entries if e.name in read or _MANIFEST.fullmatch(e.name))
        except OSError as error:
            self._findings.append(Finding("bag.unreadable", ".", found=str(error.strerror)))
            return []

    def _manifests(self) -> list[Manifest]:
        """Every payload manifest and every tag manifest whose algorithm is known, each algorithm once."""
        known: dict[tuple[str, bool], Manifest] = {}
        for name in self._names:
            if (found := _MANIFEST.fullmatch(name)) is None:
                continue
            algorithm, of_tags = re.sub("[^a-z0-9]", "", found[2].lower()), found[1] is not None
            if algorithm not in ALGORITHMS or (algorithm, of_tags) in known:
                self._findings.append(
                    Finding("bag.algorithm-unknown", shown(name), ", ".join(ALGORITHMS), shown(found[2]))
                )
                continue
            if found[2] != algorithm and self._declared.strict:
                self._findings.append(Finding("bag.manifest-name", shown(name), algorithm, shown(found[2])))
            known[algorithm, of_tags] = Manifest(name, algorithm, of_tags)
        return list(known.values())

    def _lines(self, name: str) -> Iterator[str]:
        """The lines of a tag file that is no manifest."""
        return chain.from_iterable(self._chunks(name, LARGEST_FILE))

    def _chunks(self, name: str, largest: int | None = None) -> Iterator[list[str]]:
        """Lines of a tag file, ended by LF, CR or both; stops with a finding where it cannot be read."""
        try:
            with open_regular(f"{self._root}/{name}") as file:
                if largest is not None and os.fstat(file.fileno()).st_size > largest:
                    self._findings.append(Finding("bag.tag-file-too-large", name, str(largest)))
                    return
                with TextIOWrapper(BufferedReader(file), self._encoding) as text:
                    yield from self._split(name, text)
        except UnicodeError:
            self._findings.append(Finding("bag.encoding-wrong", name, self._encoding))
        except OSError as error:
            missing = name == _DECLARATION and isinstance(error, FileNotFoundError)
            code = "bag.declaration-missing" if missing else "bag.unreadable"
            self._findings.append(Finding(code, name, found=error.strerror or str(error)))

    def _split(self, name: str, text: TextIOWrapper) -> Iterator[list[str]]:
        chunk = self._without_mark(name, text.read(_CHUNK))
        rest = ""
        while chunk:
            *lines, rest = (rest + chunk).split("\n")
            yield lines
            if len(rest) > LONGEST_LINE:
                self._findings.append(Finding("bag.line-too-long", name, str(LONGEST_LINE)))
                return
            chunk = text.read(_CHUNK)
        if rest:
            yield [rest]

    def _without_mark(self, name: str, start: str) -> str:
        if not start.startswith("\ufeff"):
            return start
        forbidden = self._declared.strict or name == _DECLARATION
        code = "bag.byte-order-mark" if forbidden else "bag.byte-order-mark-in-draft"
        self._findings.append(Finding(code, name))
        return start[1:]


def _known_encoding(name: str) -> str | None:
    try:
        encoding = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return encoding if encoding in ENCODINGS else None
