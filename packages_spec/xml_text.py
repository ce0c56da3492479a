"""Text for XML 1.0 templates: escaped so that a parser gives back exactly what was put in.

Writing from templates keeps memory flat, so escaping is this module's whole duty. CR, and in attributes LF and TAB
too, are written as character references, because a parser would normalise them (XML 1.0, 2.11 and 3.3.3).
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from urllib.parse import quote, unquote

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_PIECES = 128
_FORBIDDEN = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff"
_UNWRITABLE = re.compile(f"[{_FORBIDDEN}]")
_SPECIAL = re.compile(f'[&<>"\\t\\n\\r{_FORBIDDEN}]')
_UNRESERVED = re.compile("[0-9A-Za-z_.~/-]*").fullmatch
_NAME_ESCAPED = re.compile(f"[%{_FORBIDDEN}]")
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_IN_ATTRIBUTE = _IN_TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})


def is_writable(value: str) -> bool:
    """Whether XML 1.0 can carry every code point (2.2): no other control characters, no surrogates, no U+FFFE."""
    return _UNWRITABLE.search(value) is None


def expect_writable(name: str, value: str) -> None:
    """Raise ValueError, naming the field, for empty text and for text that XML 1.0 cannot carry."""
    if not value or not is_writable(value):
        raise ValueError(f"{name}: {value!r}")


def text(value: str) -> str:
    """Escape for element content. ValueError for what XML cannot carry."""
    return _escaped(value, _IN_TEXT) if _SPECIAL.search(value) else value


def attribute(value: str) -> str:
    """Escape for an attribute in double quotes. ValueError for what XML cannot carry."""
    return _escaped(value, _IN_ATTRIBUTE) if _SPECIAL.search(value) else value


def _escaped(value: str, table: dict[int, str]) -> str:
    if not is_writable(value):
        raise ValueError(f"XML cannot carry {value!r}")
    return value.translate(table)


def href(path: str) -> str:
    """A relative path as a URI reference: UTF-8, percent-encoded, `/` kept (RFC 3986)."""
    return path if _UNRESERVED(path) else quote(path, safe="/")


def path_of(reference: str) -> str:
    """The path that a URI reference names. Bytes that are not UTF-8 become U+FFFD, which names no file of ours."""
    return unquote(reference)


def carried_name(name: str) -> str:
    """A file name as it once was, in a form that XML can carry: `%` and what XML forbids are percent-encoded."""
    return _NAME_ESCAPED.sub(lambda match: quote(match[0], safe=""), name)


def original_name(carried: str) -> str:
    """The inverse of `carried_name`."""
    return path_of(carried)


def in_chunks(pieces: Iterable[str]) -> Iterator[bytes]:
    """Encode many small pieces as UTF-8, `_PIECES` of them in a chunk."""
    remaining = iter(pieces)
    while batch := list(islice(remaining, _PIECES)):
        yield "".join(batch).encode()
