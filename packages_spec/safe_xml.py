"""Reading XML that may have been made to harm (不可信的 XML).

What is refused, always before a parser sees it: a DOCTYPE, whatever it declares; encodings other than UTF-8 (with
ASCII, its subset) and UTF-16 with a byte order mark; a prolog that does not end within `PROLOG_BYTES`; a tag with more
than `MOST_ATTRIBUTES` attributes or more than `TAG_BYTES` bytes; more than `MOST_NODES` tags where they would be held.
What the parser gets is UTF-8 with its encoding fixed, so that nobody can make it read other characters than those that
were judged. No network, no entities beyond the five of XML, no inclusion, no comments, depth and the length of one
text as libxml2 bounds them (256 and 10 MB), sizes as stated here.
"""

import codecs
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from lxml import etree

from packages_spec.findings import Finding

PROLOG_BYTES = 1 << 16
TREE_BYTES = 16 << 20
"""The largest document that is taken as a whole tree, and the most XML that may stand between two selected elements."""
STREAM_BYTES = 1 << 30
"""The largest document that is read as a stream."""

TAG_BYTES = 1 << 18
"""The most bytes that one start tag may have."""
MOST_ATTRIBUTES = 500
"""The most attributes, namespace declarations among them, that one element may have."""
MOST_NODES = 1_000_000
"""The most tags in a tree, and between two selected elements of a stream: small ones cost the most memory a byte."""

Element = etree._Element  # noqa: SLF001 - lxml's published name for the type of its elements

_CHUNK = 1 << 16
_DECLARED = re.compile(r"""<\?xml\s[^>]*?\sencoding\s*=\s*["']([^"']*)["'][^>]*\?>""")
_BEFORE_ROOT = re.compile(r"(?:\s++|<!--.*?-->|<\?.*?\?>)*+", re.DOTALL)
_NAME_START = re.compile(r"<[^\W\d]|<:")
_LONG = re.compile(rb"<[^<!?/][^<]{2000,}")
_ATTRIBUTE = rb"""\s++[^\s=/><]++\s*+=\s*+(?:"[^"]*+"|'[^']*+')"""
_MANY = re.compile(rb"<[^\s/><]++(?:%b){%d}" % (_ATTRIBUTE, MOST_ATTRIBUTES + 1))
_TAG = re.compile(rb"<[^\s/><]++(?:%b)*+\s*+/?>" % _ATTRIBUTE)
_TOO_LARGE = {etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_NAME_TOO_LONG}
_SPELLINGS = {"utf-8": {"utf-8", "utf8", "us-ascii", "ascii"}, "utf-16": {"utf-16", "utf-16le", "utf-16be"}}
_OPTIONS: dict[str, Any] = {
    "encoding": "utf-8",
    "no_network": True,
    "resolve_entities": False,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


class UnsafeXml(Exception):  # noqa: N818 - named after what was met, not after being an error
    """The document is not read any further; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message("en"))


def parse(source: bytes | BinaryIO, path: str = ".") -> Element:
    """The root of a small document as a tree. `path` names it in findings. Raises UnsafeXml."""
    parser = etree.XMLParser(**_OPTIONS)
    nodes = 0
    try:
        for chunk in _checked(source, path, TREE_BYTES):
            nodes = _counted(nodes, chunk, path)
            parser.feed(chunk)
        return parser.close()
    except etree.XMLSyntaxError as error:
        raise _refused(path, error, parser.feed_error_log) from error


def stream(source: bytes | BinaryIO, tags: Sequence[str], path: str = ".") -> Iterator[tuple[str, Element]]:
    """(`start` | `end`, element) for the elements of these tags, in memory that does not grow with the document.

    An element is whole at its `end` and is emptied as soon as the caller asks for the next. Raises UnsafeXml.
    """
    parser = etree.XMLPullParser(events=("start", "end"), tag=tags, **_OPTIONS)
    idle = nodes = 0
    try:
        for chunk in _checked(source, path, STREAM_BYTES):
            nodes = _counted(nodes, chunk, path)
            parser.feed(chunk)
            idle += len(chunk)
            for event, element in parser.read_events():
                if not isinstance(element, Element):
                    raise TypeError(event)
                yield event, element
                idle = nodes = 0
                if event == "end":
                    _forget(element)
            if idle > TREE_BYTES:
                raise UnsafeXml(Finding("xml.too-large", path, f"<= {TREE_BYTES}", str(idle)))
        parser.close()
    except etree.XMLSyntaxError as error:
        raise _refused(path, error, parser.feed_error_log) from error


def _forget(element: Element) -> None:
    """Drop the element's content and everything that was read before it."""
    element.clear()
    for node in (element, *element.iterancestors()):
        parent = node.getparent()
        while parent is not None and parent[0] is not node:
            del parent[0]


def _counted(nodes: int, chunk: bytes, path: str) -> int:
    nodes += chunk.count(b"<")
    if nodes > MOST_NODES:
        raise UnsafeXml(Finding("xml.too-many-nodes", path, str(MOST_NODES), f">= {nodes}"))
    return nodes


def _checked(source: bytes | BinaryIO, path: str, limit: int) -> Iterator[bytes]:
    """The document as UTF-8, once its prolog was judged, up to `limit` bytes, its tags judged chunk by chunk."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    head = stream.read(PROLOG_BYTES)
    while len(head) < PROLOG_BYTES and (more := stream.read(PROLOG_BYTES - len(head))):
        head += more
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)()
    total, chunk, tag = 0, head, b""
    try:
        _judge_prolog(codecs.getincrementaldecoder(encoding)().decode(head), encoding, path)
        while chunk:
            total += len(chunk)
            if total > limit:
                raise UnsafeXml(Finding("xml.too-large", path, f"<= {limit}", f">= {total}"))
            text = decoder.decode(chunk).encode()
            tag = _judge_tags(tag + text, path)
            yield text
            chunk = stream.read(_CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise UnsafeXml(Finding("xml.encoding", path, encoding, str(error))) from error


def _judge_tags(text: bytes, path: str) -> bytes:
    """Judge the start tags in these bytes; gives back a tag that has not ended, to be judged with what follows it.

    Only what is long can hold too much, so only long spans from one `<` to the next are looked at.
    """
    for span in _LONG.finditer(text):
        if _MANY.match(span[0]):
            raise UnsafeXml(Finding("xml.too-many-attributes", path, str(MOST_ATTRIBUTES)))
    start = text.rfind(b"<")
    if start < 0 or text[start + 1 : start + 2] in {b"!", b"?", b"/"} or _TAG.match(text, start):
        return b""
    if len(text) - start > TAG_BYTES:
        raise UnsafeXml(Finding("xml.tag-too-long", path, str(TAG_BYTES)))
    return text[start:]


def _judge_prolog(text: str, encoding: str, path: str) -> None:
    text = text.removeprefix("\ufeff")
    declared = _DECLARED.match(text)
    if declared and declared[1].lower() not in _SPELLINGS[encoding]:
        raise UnsafeXml(Finding("xml.encoding", path, encoding, declared[1]))
    before = _BEFORE_ROOT.match(text)
    rest = text[before.end() if before else 0 :]
    if len(text) >= PROLOG_BYTES // 2 and (rest.startswith(("<!--", "<?")) or len(rest) < len("<!DOCTYPE")):
        raise UnsafeXml(Finding("xml.prolog-too-long", path, str(PROLOG_BYTES)))
    if rest.startswith("<!") and not rest.startswith("<!--"):
        raise UnsafeXml(Finding("xml.doctype", path, found=rest[:80].split("\n")[0]))
    if not _NAME_START.match(rest):
        raise UnsafeXml(Finding("xml.malformed", path, found=rest[:80].split("\n")[0]))


def _refused(path: str, error: etree.XMLSyntaxError, log: "etree._ListErrorLog") -> UnsafeXml:
    """Why the parser stopped: at a bound, at an entity that nothing declares, or because this is no XML."""
    types = {entry.type for entry in log}
    words = str(error)
    if types & _TOO_LARGE or "too big" in words:
        code = "xml.too-deep" if "depth" in words else "xml.too-large"
        return UnsafeXml(Finding(code, path, "libxml2", words))
    if etree.ErrorTypes.ERR_UNDECLARED_ENTITY in types:
        return UnsafeXml(Finding("xml.entity", path, found=words))
    return UnsafeXml(Finding("xml.malformed", path, found=words))
