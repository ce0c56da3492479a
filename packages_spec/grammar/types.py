"""The types of values that METS, PREMIS and Dublin Core use (XML Schema 1.0 Part 2), each as a test on a text."""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache

Test = Callable[[str], bool]

_NAME = re.compile(r"[^\W\d][\w.\-\u00b7\u0300-\u036f\u203f\u2040]*")
_DATE_TIME = re.compile(
    r"-?(\d{4,})-(\d\d)-(\d\d)T(?:([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
    r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?",
    re.ASCII,
)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", re.ASCII)
_NO_URI = re.compile(r"%(?![0-9A-Fa-f]{2})|^[^A-Za-z/?#.%][^/?#]*:(?=//)|#.*#", re.DOTALL)
_HIGHEST_DATE = 9999
_LONGEST_NUMBER = 1000
"""Digits; no number of these documents needs more, and Python takes its time over very long ones."""


def is_name(value: str) -> bool:
    """A name without a colon (NCName), which every identifier is."""
    return _NAME.fullmatch(value) is not None


@lru_cache(maxsize=512)
def is_date_time(value: str) -> bool:
    """A day that exists and a time on it, in a time zone or in none."""
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return False
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    try:
        date(2000 + year % 400 if year > _HIGHEST_DATE or value.startswith("-") else year, month, day)
    except ValueError:
        return False
    return True


def is_uri(value: str) -> bool:
    """A URI reference, letters beyond ASCII and blanks allowed as XML Schema allows them."""
    return _NO_URI.search(value) is None


def _integer(least: int | None, most: int | None) -> Test:
    def test(value: str) -> bool:
        if not _INTEGER.fullmatch(value) or len(value) > _LONGEST_NUMBER:
            return False
        number = int(value)
        return (least is None or number >= least) and (most is None or number <= most)

    return test


def _each(test: Test, least: int) -> Test:
    return lambda value: len(value.split()) >= least and all(map(test, value.split()))


TYPES: dict[str, Test] = {
    "string": lambda _: True,
    "id": is_name,
    "idref": is_name,
    "idrefs": _each(is_name, 1),
    "dateTime": is_date_time,
    "anyURI": is_uri,
    "uris": _each(is_uri, 0),
    "int": _integer(-(1 << 31), (1 << 31) - 1),
    "long": _integer(-(1 << 63), (1 << 63) - 1),
    "integer": _integer(None, None),
    "positiveInteger": _integer(1, None),
    "nonNegativeInteger": _integer(0, None),
    "base64Binary": lambda value: _BASE64.fullmatch(value) is not None,
    "language": lambda value: value == "" or _LANGUAGE.fullmatch(value) is not None,
}
"""The named types; blanks round a value of any but `string` say nothing and are stripped before."""
