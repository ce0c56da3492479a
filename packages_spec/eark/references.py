"""The rules that all references share, under the numbers that each kind of reference has, and fixity behind them.

A reference is an `mdRef`, a `file` with its `FLocat`, or an `mptr`. What it says of a file is held against the file:
that it is there, as large, and of that digest. Where only the line ends differ - the size and digest of the reference
are those of the same text with CRLF for LF, as they become when a text is moved "as text" - the reference told the
truth when it was made and the file was changed since: that is an error with a code of its own.
"""

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote

import msgspec

from packages_spec.eark import vocabularies
from packages_spec.eark.checks import (
    DATE_TIME,
    HEX,
    KNOWN_MEDIA_TYPE,
    MEDIA_TYPE,
    PRESENT,
    PUBLIC_MEDIA_TYPE,
    SHORT,
    SIMPLE,
    SIZE,
    URL,
    Attribute,
    Check,
    judge_attribute,
    one_of,
)
from packages_spec.eark.context import Context, brief
from packages_spec.eark.document import Node
from packages_spec.findings import Finding
from packages_spec.package_files import ALGORITHMS, DIGEST_BYTES, Mark, algorithm_of
from packages_spec.paths import shown

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_METADATA_TYPE = one_of(vocabularies.METADATA_TYPES)
_CHECKSUM_TYPE = one_of(vocabularies.CHECKSUM_TYPES)


class Numbers(msgspec.Struct, frozen=True):
    """Requirement numbers of one kind of reference; 0 where the standard has none."""

    locator: int
    link: int
    place: int
    metadata: int = 0
    media: int = 0
    size: int = 0
    created: int = 0
    checksum: int = 0
    checksum_type: int = 0

    def of(self, number: int) -> str:
        """The id of a requirement."""
        return f"CSIP{number}"


DESCRIPTIVE = Numbers(22, 23, 24, 25, 26, 27, 28, 29, 30)
PROVENANCE = Numbers(36, 37, 38, 39, 40, 41, 42, 43, 44)
RIGHTS = Numbers(49, 50, 51, 52, 53, 54, 55, 56, 57)
CONTENT = Numbers(77, 78, 79, 0, 68, 69, 70, 71, 72)
POINTER = Numbers(112, 111, 110)
UNNUMBERED = Numbers(0, 0, 0)
SECTIONS = {"dmdSec": DESCRIPTIVE, "digiprovMD": PROVENANCE, "rightsMD": RIGHTS}


def judge_reference(numbers: Numbers, reference: Node, context: Context) -> Iterator[Finding]:
    """An `mdRef`: one element says what the file is like and where it is."""
    yield from judge_core(numbers, reference, context)
    yield from judge_location(numbers, reference, reference, context)


def judge_core(numbers: Numbers, core: Node, context: Context) -> Iterator[Finding]:
    """What a reference says of its file, by itself."""
    for rule in _core_rules(numbers):
        yield from judge_attribute(rule, core, context)
    value, algorithm = core.get("CHECKSUM"), algorithm_of(core.get("CHECKSUMTYPE"))
    if numbers.checksum and algorithm and len(value) != 2 * DIGEST_BYTES[algorithm] and HEX.holds(value):
        expected = f"{algorithm}: {2 * DIGEST_BYTES[algorithm]} hex digits"
        yield context.breach(numbers.of(numbers.checksum), expected, value)


def judge_location(numbers: Numbers, core: Node, location: Node, context: Context) -> Iterator[Finding]:
    """Where a reference leads, and whether what it says of the file is so."""
    for rule in _location_rules(numbers):
        yield from judge_attribute(rule, location, context)
    reference = location.get("xlink:href")
    if reference:
        yield from _behind(numbers, core, reference, context)


@cache
def _core_rules(numbers: Numbers) -> tuple[Attribute, ...]:
    checks: list[tuple[int, str, Check]] = [
        (numbers.metadata, "MDTYPE", _METADATA_TYPE),
        (numbers.media, "MIMETYPE", MEDIA_TYPE),
        (numbers.size, "SIZE", SIZE),
        (numbers.created, "CREATED", DATE_TIME),
        (numbers.checksum, "CHECKSUM", HEX),
        (numbers.checksum_type, "CHECKSUMTYPE", _CHECKSUM_TYPE),
    ]
    rules = [Attribute(numbers.of(number), "", name, check) for number, name, check in checks if number]
    if numbers.media:
        media = numbers.of(numbers.media)
        for part, check in (("unknown", KNOWN_MEDIA_TYPE), ("private", PUBLIC_MEDIA_TYPE), ("long", SHORT)):
            rules.append(Attribute(f"{media}.{part}", "", "MIMETYPE", check))
    return tuple(rules)


@cache
def _location_rules(numbers: Numbers) -> tuple[Attribute, ...]:
    checks = ((numbers.locator, "LOCTYPE", URL), (numbers.link, "xlink:type", SIMPLE))
    places = (*checks, (numbers.place, "xlink:href", PRESENT))
    return tuple(Attribute(numbers.of(number), "", name, check) for number, name, check in places if number)


def _behind(numbers: Numbers, core: Node, reference: str, context: Context) -> Iterator[Finding]:
    """What stands behind a reference. Only what lies inside the package is looked at."""
    relative = reference.removeprefix("file:")
    relative = relative if relative == reference else relative.removeprefix("//").removeprefix("./")
    if _SCHEME.match(relative):
        yield Finding("reference.elsewhere", shown(context.path), found=brief(reference))
        return
    path = context.place(unquote(relative.partition("#")[0]))
    if path not in context.files:
        yield from _missing(numbers, path, reference, context)
        return
    context.files.mark(path, Mark.LISTED)
    yield from _fixity(numbers, core, path, context)


def _missing(numbers: Numbers, path: str, reference: str, context: Context) -> Iterator[Finding]:
    """A name that differs from a file's in case or Unicode form only is said to do so: elsewhere it may be found."""
    alike = context.files.alike(path)
    if alike is not None:
        context.files.mark(alike, Mark.LISTED)
        yield Finding("reference.name-case", shown(path), shown(path), shown(alike))
    elif numbers.place:
        yield context.breach(f"{numbers.of(numbers.place)}.missing", found=reference)
    else:
        yield Finding("reference.missing", shown(path), shown(context.path))


def _fixity(numbers: Numbers, core: Node, path: str, context: Context) -> Iterator[Finding]:
    said_size, said = core.get("SIZE"), core.get("CHECKSUM").lower()
    size = context.files.size(path)
    algorithm = algorithm_of(core.get("CHECKSUMTYPE"))
    if said and core.get("CHECKSUMTYPE") and algorithm is None:
        yield Finding(
            "reference.algorithm-unknown", shown(path), ", ".join(sorted(ALGORITHMS)), core.get("CHECKSUMTYPE")
        )
    wrong_size = SIZE.holds(said_size) and int(said_size) != size
    try:
        actual = context.files.digest(path, algorithm) if algorithm and said else said
        if not wrong_size and actual == said:
            return
        text_size, text_digest = _with_crlf(path, algorithm, context)
    except OSError as error:
        yield Finding("reference.unreadable", shown(path), found=error.strerror or "")
        return
    was_text = False
    if wrong_size and int(said_size) == text_size:
        was_text = True
    elif wrong_size:
        yield _differs(numbers, numbers.size, "size", path, said_size, str(size), context)
    if actual != said and said == text_digest:
        was_text = True
    elif actual != said:
        yield _differs(numbers, numbers.checksum, "checksum", path, said, actual, context)
    if was_text:
        yield Finding("reference.line-ends", shown(path), f"{said_size} {said}".strip(), f"{size} {actual}")


def _differs(numbers: Numbers, number: int, kind: str, path: str, said: str, actual: str, context: Context) -> Finding:
    if number:
        found = f"{shown(path)}: {actual}"
        return context.breach(f"{numbers.of(number)}.differs", said, found)
    return Finding(f"reference.{kind}", shown(path), f"{shown(context.path)}: {said}", actual)


def _with_crlf(path: str, algorithm: str | None, context: Context) -> tuple[int, str]:
    """Size and digest that a file would have if each LF that stands alone were CRLF."""
    value = ALGORITHMS[algorithm or "sha256"]()
    size, last = 0, b""
    for chunk in context.files.chunks(path):
        text = re.sub(rb"(?<!\r)\n", b"\r\n", last + chunk)
        text, last = (text[:-1], b"\r") if text.endswith(b"\r") else (text, b"")
        value.update(text)
        size += len(text)
    value.update(last)
    return size + len(last), value.hexdigest()
