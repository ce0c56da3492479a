"""Reading a bag's tag files (RFC 8493 2): what it declares and lists. Nothing of the payload is opened here."""

import codecs
import os
import re
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Final

import msgspec

from packages_spec.bagit.tagfiles import (
    ALGORITHMS,
    ENCODINGS,
    Declaration,
    Fetch,
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
_MANIFEST = re.compile(r"(tag)?manifest-(.+)\.txt")
_DECLARATION: Final = "bagit.txt"
_INFOS: Final = ("bag-info.txt", "package-info.txt")
"""Where the fields stand; the second name is that of the drafts up to 0.95."""
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
    reading = _Reading(root)
    declared = reading.declaration()
    strict, findings, names = declared.strict, reading.findings, reading.names()
    info = [
        field
        for name in _INFOS
        if name in names
        for field in read_info(reading.lines(name), name, findings, strict=strict)
    ]
    fetch = read_fetch(reading.lines("fetch.txt"), findings, strict=strict) if "fetch.txt" in names else []
    manifests, tag_manifests = reading.manifests(names, strict=strict)
    return Bag(
        declared.version, declared.encoding, tuple(info), manifests, tag_manifests, tuple(fetch), tuple(findings)
    )


def _known_encoding(name: str) -> str | None:
    try:
        encoding = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return encoding if encoding in ENCODINGS else None


class _Reading:
    """One reading of one bag: the encoding that it declares and the findings so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.encoding = "utf-8"
        self.strict = True
        self.findings: list[Finding] = []

    def declaration(self) -> Declaration:
        """What `bagit.txt` declares; what follows is read in its encoding, or in UTF-8 when that is none."""
        lines = list(self.lines(_DECLARATION))
        if self.findings and not lines:
            return Declaration()
        declared = read_declaration(lines, self.findings)
        if (encoding := _known_encoding(declared.encoding)) is None:
            self.findings.append(Finding("bag.encoding-unknown", _DECLARATION, "UTF-8", shown(declared.encoding)))
        self.encoding, self.strict = encoding or self.encoding, declared.strict
        return declared

    def names(self) -> list[str]:
        """The names at the top of the bag, in the order of their bytes."""
        try:
            return sorted(entry.name for entry in self.root.iterdir())
        except OSError as error:
            self.findings.append(Finding("bag.unreadable", ".", found=str(error.strerror)))
            return []

    def manifests(self, names: list[str], *, strict: bool) -> tuple[Listed, Listed]:
        """Every payload manifest and every tag manifest among these names, by algorithm."""
        payload: Listed = {}
        tags: Listed = {}
        for name in names:
            if (found := _MANIFEST.fullmatch(name)) is None:
                continue
            algorithm = re.sub("[^a-z0-9]", "", found[2].lower())
            kind = tags if found[1] else payload
            if algorithm not in ALGORITHMS or algorithm in kind:
                self.findings.append(
                    Finding("bag.algorithm-unknown", shown(name), ", ".join(ALGORITHMS), shown(found[2]))
                )
                continue
            digits = ALGORITHMS[algorithm][1]
            kind[algorithm] = read_manifest(self.lines(name), name, self.findings, digits=digits, strict=strict)
        return payload, tags

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a tag file, ended by LF, CR or both; stops with a finding where it cannot be read."""
        try:
            with TextIOWrapper(BufferedReader(open_regular(f"{self.root}/{name}")), self.encoding) as text:
                yield from self._lines(name, text)
        except UnicodeError:
            self.findings.append(Finding("bag.encoding-wrong", name, self.encoding))
        except OSError as error:
            missing = name == _DECLARATION and isinstance(error, FileNotFoundError)
            code = "bag.declaration-missing" if missing else "bag.unreadable"
            self.findings.append(Finding(code, name, found=error.strerror or str(error)))

    def _lines(self, name: str, text: TextIOWrapper) -> Iterator[str]:
        first = True
        while line := text.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                self.findings.append(Finding("bag.line-too-long", name, str(LONGEST_LINE)))
                return
            if first and line.startswith("\ufeff"):
                forbidden = self.strict or name == _DECLARATION
                code = "bag.byte-order-mark" if forbidden else "bag.byte-order-mark-in-draft"
                self.findings.append(Finding(code, name))
                line = line[1:]
            first = False
            yield line.removesuffix("\n")
