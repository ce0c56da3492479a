"""The grammar of tag files: lines in, values and findings out.

Every reader here takes the lines of one file and goes on after a bad line, so that one look names all that is wrong.
BagIt 1.0 (RFC 8493) is held to its letter; the drafts before it (0.93 to 0.97) asked for less and get less.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

import msgspec

from packages_spec.findings import Finding
from packages_spec.paths import HARMLESS, judge_path, shown

VERSIONS: Final = ("0.93", "0.94", "0.95", "0.96", "0.97", "1.0")
"""The versions of BagIt that are read."""
_ALGORITHMS: Final = {
    "md5": ("md5", 32),
    "sha1": ("sha1", 40),
    "sha224": ("sha224", 56),
    "sha256": ("sha256", 64),
    "sha384": ("sha384", 96),
    "sha512": ("sha512", 128),
    "sha3224": ("sha3_224", 56),
    "sha3256": ("sha3_256", 64),
    "sha3384": ("sha3_384", 96),
    "sha3512": ("sha3_512", 128),
    "blake2b": ("blake2b", 128),
    "blake2b512": ("blake2b", 128),
    "blake2b256": ("blake2b", 64),
    "blake2s": ("blake2s", 64),
    "blake2s256": ("blake2s", 64),
    "sm3": ("sm3", 64),
}
ALGORITHMS: Final = {name: known for name, known in _ALGORITHMS.items() if known[0] in hashlib.algorithms_available}
"""By its name in a manifest's file name: an algorithm's name for `hashlib`, and how many hex digits it has.

MD5, SHA-1 and what IANA's registry of named information hashes holds, by the names that RFC 8493 2.4 makes of theirs.
What this machine's OpenSSL lacks (SM3, or MD5 where that is forbidden) is unknown here: no bag is half checked. The
registry's truncated digests are unknown too: thirty-two bits vouch for nothing.
"""
_ENCODINGS: Final = """
    ascii utf-8 utf-16 utf-16-be utf-16-le utf-32 utf-32-be utf-32-le gb2312 gbk gb18030 hz big5 big5hkscs
    euc_jp shift_jis cp932 iso2022_jp euc_kr iso2022_kr koi8-r koi8-u mac-roman tis-620 cp437 cp850 cp866
    iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-13
    iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
"""
ENCODINGS: Final = frozenset(_ENCODINGS.split())
"""Character encodings that are read, as Python names them; its codecs that are no character encodings are not."""

_SHORT: Final = 1000
"""Characters that no path of a line can exceed in bytes."""
_VERSION = re.compile(r"[0-9]+\.[0-9]+")
_STRICT_FIELD = re.compile(r"([^:\s](?:[^:]*[^:\s])?):[ \t](.*)", re.DOTALL)
_LAX_FIELD = re.compile(r"\s*([^:]*[^:\s])\s*:(.*)", re.DOTALL)
_ENTRY = re.compile(r"([0-9A-Fa-f]+)[ \t]+(\*?)(.+)", re.DOTALL)
_FETCH = re.compile(r"(\S+)[ \t]+([0-9]+|-)[ \t]+(.+)", re.DOTALL)
_URL = re.compile(r"[a-z][a-z0-9+.\-]*:[^\s#]+", re.IGNORECASE)
_LOCAL_URL = re.compile(r"file:", re.IGNORECASE)
_ENCODED = re.compile("%(0A|0D|25)", re.IGNORECASE)
_PLAIN_PERCENT = re.compile("%(?!0A|0D|25)", re.IGNORECASE)
_ENCODED_BEFORE_1 = re.compile("%(0A|0D)", re.IGNORECASE)


Entries = list[tuple[str, str]]
"""Some entries of a manifest: each digest, in lower case, and its path."""


class Declaration(msgspec.Struct, frozen=True):
    """What `bagit.txt` declares; empty where it declares nothing that can be read."""

    version: str = ""
    encoding: str = ""

    @property
    def strict(self) -> bool:
        """Whether BagIt 1.0 or later holds."""
        return not self.version.startswith("0.")


class Fetch(msgspec.Struct, frozen=True):
    """A line of `fetch.txt`: where a payload file could be had, its length in bytes if stated, its path in the bag."""

    url: str
    length: int | None
    path: str


def read_declaration(lines: list[str], findings: list[Finding]) -> Declaration:
    """`bagit.txt` (RFC 8493 2.1.1): two lines in this order, whose labels the RFC itself writes in two cases.

    The drafts before 1.0 also allow more lines and blanks.
    """
    fields = [(found[1].strip(), found[2].strip()) for line in lines if (found := _LAX_FIELD.fullmatch(line))]
    named = {label.lower(): value for label, value in reversed(fields)}
    version = named.get("bagit-version", "")
    declared = Declaration(version, named.get("tag-file-character-encoding", ""))
    exact = [f"BagIt-Version: {declared.version}", f"Tag-File-Character-Encoding: {declared.encoding}"]
    if not _VERSION.fullmatch(version):
        findings.append(Finding("bag.version-malformed", "bagit.txt", "M.N", version))
    elif version not in VERSIONS:
        findings.append(Finding("bag.version-unknown", "bagit.txt", ", ".join(VERSIONS), version))
    elif declared.strict and [line.lower() for line in lines] != [line.lower() for line in exact]:
        findings.append(Finding("bag.declaration-malformed", "bagit.txt", " / ".join(exact), " / ".join(lines)[:200]))
    return declared


def read_info(lines: Iterable[str], name: str, findings: list[Finding], *, strict: bool) -> list[tuple[str, str]]:
    """`bag-info.txt` (RFC 8493 2.2.2): its fields in order, a folded value joined by one space."""
    grammar = _STRICT_FIELD if strict else _LAX_FIELD
    fields: list[tuple[str, list[str]]] = []
    for number, line in _written(lines, name, findings, strict=strict):
        if line[0] in " \t" and fields:
            fields[-1][1].append(line.strip())
        elif found := grammar.fullmatch(line):
            fields.append((found[1], [found[2].strip()]))
        else:
            findings.append(_bad_line("bag.info-malformed", name, number, line))
    return [(label, " ".join(filter(None, values))) for label, values in fields]


def read_manifest(
    chunks: Iterable[list[str]], name: str, findings: list[Finding], *, digits: int, strict: bool
) -> Iterator[Entries]:
    """A manifest (RFC 8493 2.1.3), some lines at a time; a path that leads outside is left out."""
    usual = _usual_entries(digits)
    before = 0
    for lines in chunks:
        entries = usual.findall("\n".join(lines))
        if len(entries) == len(lines):
            yield entries
        else:
            yield list(_read_entries(lines, before, name, findings, digits=digits, strict=strict))
        before += len(lines)


def collect(chunks: Iterable[Entries], findings: list[Finding], *, strict: bool) -> dict[str, str]:
    """The digest of each path that one manifest lists; a path listed again is a finding, and its first digest stays."""
    listed: dict[str, str] = {}
    for entries in chunks:
        some = {path: digest for digest, path in entries}
        if len(some) == len(entries) and listed.keys().isdisjoint(some):
            listed |= some
            continue
        for digest, path in entries:
            if path not in listed:
                listed[path] = digest
                continue
            harmless = listed[path] == digest and not strict
            findings.append(Finding("bag.path-repeated" if harmless else "bag.path-twice", path, listed[path], digest))
    return listed


def read_fetch(lines: Iterable[str], findings: list[Finding], *, strict: bool) -> list[Fetch]:
    """`fetch.txt` (RFC 8493 2.2.3). Nothing is ever fetched: the entries only say what an absent file was to be."""
    entries = []
    for number, line in _written(lines, "fetch.txt", findings, strict=strict):
        found = _FETCH.fullmatch(line)
        if found is None or not _URL.fullmatch(found[1]):
            findings.append(_bad_line("bag.fetch-malformed", "fetch.txt", number, line))
            continue
        if _LOCAL_URL.match(found[1]):
            findings.append(_bad_line("bag.fetch-local", "fetch.txt", number, line))
        if path := _read_path(found[3], findings, strict=strict):
            entries.append(Fetch(found[1], None if found[2] == "-" else int(found[2][:20]), path))
    return entries


@cache
def _usual_entries(digits: int) -> re.Pattern[str]:
    """Nearly every line of every manifest: lower-case hex, two spaces, a path that is safe at one look."""
    return re.compile(f"^([0-9a-f]{{{digits}}})  (?=.{{1,{_SHORT}}}$)({HARMLESS.pattern})$", re.MULTILINE)


def _read_entries(
    lines: list[str], before: int, name: str, findings: list[Finding], *, digits: int, strict: bool
) -> Iterator[tuple[str, str]]:
    for number, line in _written(lines, name, findings, strict=strict, before=before):
        found = _ENTRY.fullmatch(line)
        if found is None or len(found[1]) != digits:
            findings.append(_bad_line("bag.manifest-malformed", name, number, line))
            continue
        if found[2]:
            findings.append(_bad_line("bag.manifest-asterisk", name, number, line))
        if path := _read_path(found[3], findings, strict=strict):
            yield found[1].lower(), path


def _written(
    lines: Iterable[str], name: str, findings: list[Finding], *, strict: bool, before: int = 0
) -> Iterator[tuple[int, str]]:
    """The lines that hold anything, with their numbers; empty ones, of which no grammar knows, are pointed out once."""
    empty = 0
    for number, line in enumerate(lines, before + 1):
        if line and not line.isspace():
            yield number, line
        else:
            empty = empty or number
    if empty and strict:
        findings.append(Finding("bag.line-empty", name, found=str(empty)))


def _read_path(written: str, findings: list[Finding], *, strict: bool) -> str:
    """The path that is meant, or an empty one if it must not be followed."""
    path = written.removeprefix("./")
    if strict and path != written:
        findings.append(Finding("bag.path-dot-slash", shown(path), found=shown(written)))
    if "%" in path:
        if strict and _PLAIN_PERCENT.search(path):
            findings.append(Finding("bag.percent-plain", shown(path), "%25", "%"))
        path = (_ENCODED if strict else _ENCODED_BEFORE_1).sub(lambda code: chr(int(code[1], 16)), path)
    offences = judge_path(path)
    findings.extend(offences)
    return "" if offences else path


def _bad_line(code: str, name: str, number: int, line: str) -> Finding:
    return Finding(code, name, found=shown(f"{number}: {line[:200]}"))
