"""PDF (ISO 32000): version, pages, encryption, what it claims to be, and the signatures in it.

A file whose structure is damaged is read as far as qpdf can recover it, and the damage stands in `structure`: what a
recovery makes of it is not what was delivered.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pikepdf
from msgspec.structs import replace

from packages_spec.safe_xml import UnsafeXml, parse
from packages_spec.technical import Part, Property, Technical
from repository.characterisation.bounded import Source
from repository.characterisation.cms import judge_detached
from repository.characterisation.report import Unreadable, listed, plain, signature

FIELDS = 10_000
"""Form fields that are looked at for signatures."""
VERSIONS = frozenset({*(f"1.{minor}" for minor in range(8)), "2.0"})

_PDFA = "{http://www.aiim.org/pdfa/ns/id/}"
_PDFUA = "{http://www.aiim.org/pdfua/ns/id/}"


@cache
def tool() -> str:
    """The reader."""
    return f"pikepdf {pikepdf.__version__}, qpdf {pikepdf.__libqpdf_version__}"


def read(source: Source) -> Technical:
    """What the document says of itself."""
    version = _header_version(source)
    try:
        try:
            return _read(source, version, recover=False)
        except (pikepdf.PdfError, Unreadable) as error:
            if not source.is_small:
                raise
            damage = _told(error)
        mended = _read(source, version, recover=True)
    except pikepdf.PasswordError:
        said = (Property("version", version), Property("encryption", "password needed"))
        return Technical("pdf", tool(), said)
    except pikepdf.PdfError as error:
        raise Unreadable(_told(error)) from error
    damaged = Property("structure", plain(damage) or "damaged")
    return replace(mended, properties=(*mended.properties, damaged))


def _told(error: Exception) -> str:
    """Qpdf's words without the name that it has for a stream."""
    return re.sub(r"^stream <[^>]*>:? ?", "", str(error))


def _read(source: Source, version: str, *, recover: bool) -> Technical:
    source.stream.seek(0)
    with pikepdf.open(
        source.stream,
        attempt_recovery=recover,
        suppress_warnings=True,
        inherit_page_attributes=False,
        access_mode=pikepdf.AccessMode.stream,
    ) as document:
        parts, more = listed([*_signatures(document, source), *_attachments(document)])
        said = (*_properties(document, version), *more)
        return Technical("pdf", tool(), said, parts, None, _producer(document))


def _header_version(source: Source) -> str:
    """What stands in the header (7.5.2). Unreadable without one: other programs would not know it for a PDF."""
    found = re.search(rb"%PDF-(\d\.\d)", source.head[:1024])
    if found is None:
        raise Unreadable("no PDF header")
    return found[1].decode()


def _properties(document: pikepdf.Pdf, header: str) -> Iterator[Property]:
    version = document.pdf_version
    yield Property("version", version)
    if version not in VERSIONS:
        yield Property("structure", f"header: no such version, {header}")
    try:
        yield Property("pages", str(len(document.pages)))
    except RuntimeError as error:
        raise Unreadable(f"pages: {error}") from error
    yield Property("encryption", _encryption(document))
    yield from _claims(document)
    if document.is_linearized:
        yield Property("linearised", "yes")
    root = document.Root
    if "/AcroForm" in root:
        yield Property("form", "yes")
    names = root.get("/Names")
    if (isinstance(names, pikepdf.Dictionary) and "/JavaScript" in names) or _is_script(root.get("/OpenAction")):
        yield Property("javascript", "yes")


def _is_script(action: object) -> bool:
    return isinstance(action, pikepdf.Dictionary) and action.get("/S") == pikepdf.Name.JavaScript


def _encryption(document: pikepdf.Pdf) -> str:
    if not document.is_encrypted:
        return "none"
    allow = document.allow
    denied = [
        word
        for word, allowed in (
            ("printing", allow.print_highres and allow.print_lowres),
            ("copying", allow.extract),
            ("changing", allow.modify_other),
            ("accessibility", allow.accessibility),
        )
        if not allowed
    ]
    return f"{document.encryption.bits} bit; not allowed: {', '.join(denied) or 'nothing'}"


def _claims(document: pikepdf.Pdf) -> Iterator[Property]:
    """What the XMP says it conforms to. A claim is not a proof: nobody validated it."""
    metadata = document.Root.get("/Metadata")
    if not isinstance(metadata, pikepdf.Stream):
        return
    try:
        content = metadata.read_bytes()
        root = parse(content[content.find(b"<") :], "XMP")
    except (UnsafeXml, pikepdf.PdfError, MemoryError) as error:
        yield Property("structure", f"metadata: {plain(_told(error))}")
        return
    said: dict[str, str] = {}
    for node in root.iter():
        said |= {str(name): str(value) for name, value in node.attrib.items()}
        if node.text and not len(node):
            said[node.tag] = node.text.strip()
    if part := said.get(f"{_PDFA}part"):
        yield Property("claims", f"PDF/A-{part}{(said.get(f'{_PDFA}conformance') or '').lower()}")
    if part := said.get(f"{_PDFUA}part"):
        yield Property("claims", f"PDF/UA-{part}")


def _producer(document: pikepdf.Pdf) -> str | None:
    info = document.trailer.get("/Info")
    said = info.get("/Producer") if isinstance(info, pikepdf.Dictionary) else None
    return None if said is None else plain(said)


def _attachments(document: pikepdf.Pdf) -> Iterator[Part]:
    for name in document.attachments:
        yield Part("attachment", plain(name) or "?")


def _signatures(document: pikepdf.Pdf, source: Source) -> Iterator[Part]:
    """Each signature of the form (12.8): does its digest agree with the bytes that it covers, and are those all?"""
    form = document.Root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary):
        return
    for field in _fields(form.get("/Fields")):
        value = field.get("/V")
        if field.get("/FT") == pikepdf.Name.Sig and isinstance(value, pikepdf.Dictionary):
            yield _judge(value, source)


def _fields(fields: Any) -> Iterator[pikepdf.Dictionary]:
    """Every field of the tree, each object once, however the tree is tied."""
    waiting = list(fields) if isinstance(fields, pikepdf.Array) else []
    seen: set[tuple[int, int]] = set()
    while waiting and len(seen) < FIELDS:
        field = waiting.pop()
        if not isinstance(field, pikepdf.Dictionary) or (field.objgen != (0, 0) and field.objgen in seen):
            continue
        seen.add(field.objgen if field.objgen != (0, 0) else (-1, len(seen)))
        yield field
        kids = field.get("/Kids")
        waiting += list(kids) if isinstance(kids, pikepdf.Array) else []


def _judge(value: pikepdf.Dictionary, source: Source) -> Part:
    kind = str(value.get("/SubFilter", "/?")).removeprefix("/")
    try:
        ranges = [int(number) for number in value["/ByteRange"]]
        contents = bytes(value["/Contents"])
    except (KeyError, TypeError, ValueError):
        return signature(kind, "invalid", note="no ByteRange or no Contents")
    pairs = list(zip(ranges[::2], ranges[1::2], strict=False))
    ends = max((start + length for start, length in pairs), default=0)
    if len(ranges) % 2 or not pairs or any(min(pair) < 0 for pair in pairs) or ends > source.size:
        return signature(kind, "invalid", note="ByteRange leads out of the file")
    covers = "whole file" if ends == source.size and pairs[0][0] == 0 else "part of the file"
    if not source.is_small:
        return signature(kind, "not-tested", covers=covers, note="too large")
    status, note = judge_detached(contents, _chunks(source, pairs))
    return signature(kind, status, covers=covers, note=note)


def _chunks(source: Source, pairs: list[tuple[int, int]]) -> Iterator[bytes]:
    for start, length in pairs:
        source.stream.seek(start)
        yield source.stream.read(length)
