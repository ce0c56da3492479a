"""Text for XML 1.0 templates: escaped so that a parser gives back exactly what was put in.

Writing from templates keeps memory flat, so escaping is this module's whole duty. CR, and in attributes LF and TAB
too, are written as character references, because a parser would normalise them (XML 1.0, 2.11 and 3.3.3).
"""

import re
from urllib.parse import quote, unquote

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile('[&<>"\t\n\r]')
_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTE = {**_IN_TEXT, '"': "&quot;", "\t": "&#9;", "\n": "&#10;"}
_TEXT_TABLE = str.maketrans(_IN_TEXT)
_ATTRIBUTE_TABLE = str.maketrans(_IN_ATTRIBUTE)


def is_writable(value: str) -> bool:
    """Whether XML 1.0 can carry every code point (2.2): no other control characters, no surrogates, no U+FFFE."""
    return _UNWRITABLE.search(value) is None


def expect_writable(name: str, value: str) -> None:
    """Raise ValueError, naming the field, for empty text and for text that XML 1.0 cannot carry."""
    if not value or not is_writable(value):
        raise ValueError(f"{name}: {value!r}")


def text(value: str) -> str:
    """Escape for element content."""
    return value.translate(_TEXT_TABLE) if _SPECIAL.search(value) else value


def attribute(value: str) -> str:
    """Escape for an attribute in double quotes."""
    return value.translate(_ATTRIBUTE_TABLE) if _SPECIAL.search(value) else value


def href(path: str) -> str:
    """A relative path as a URI reference: UTF-8, percent-encoded, `/` kept (RFC 3986)."""
    return quote(path, safe="/")


def path_of(reference: str) -> str:
    """The path that a URI reference names; UnicodeDecodeError when its bytes are not UTF-8."""
    return unquote(reference, errors="strict")


def carried_name(name: str) -> str:
    """A file name as it once was, in a form that XML can carry: `%` and what XML forbids are percent-encoded."""
    return re.sub(f"%|{_UNWRITABLE.pattern}", lambda match: quote(match[0], safe=""), name)


def original_name(carried: str) -> str:
    """The inverse of `carried_name`."""
    return path_of(carried)
