"""The reserved fields of `bag-info.txt` (RFC 8493 2.2.2): only Payload-Oxum binds, the others inform people."""

import datetime
import re
from collections.abc import Iterator
from typing import Final

from packages_spec.bagit.reader import Bag
from packages_spec.findings import Finding
from packages_spec.paths import shown

_FILE: Final = "bag-info.txt"
_SINGLE: Final = ("Bagging-Date", "Bag-Size", "Bag-Group-Identifier", "Bag-Count")
"""Labels that should not be repeated; Payload-Oxum must not."""
_OXUM = re.compile(r"([0-9]{1,20})\.([0-9]{1,20})")
_SIZE = re.compile(r"([0-9]+|[0-9]*\.[0-9]+) ?([KMGTPE]i?)?(B|bytes)?", re.IGNORECASE)
_COUNT = re.compile(r"([0-9]{1,18}) of ([0-9]{1,18}|\?)")


def judge_info(bag: Bag, size: int, files: int) -> Iterator[Finding]:
    """The fields against the payload, which has `files` files of `size` bytes."""
    yield from _judge_oxum(bag, f"{size}.{files}")
    if bag.strict:
        yield from _judge_repeated(bag)
        yield from _judge_forms(bag)


def values_of(bag: Bag, label: str) -> list[str]:
    """Every value of a reserved label, whose case does not matter."""
    return [value for name, value in bag.info if name.lower() == label.lower()]


def _judge_oxum(bag: Bag, actual: str) -> Iterator[Finding]:
    claims = values_of(bag, "Payload-Oxum")
    if len(claims) > 1:
        yield Finding("bag.oxum-repeated", _FILE, found=", ".join(map(shown, claims[:9])))
    for claim in claims:
        if not (found := _OXUM.fullmatch(claim)):
            yield Finding("bag.oxum-malformed", _FILE, actual, shown(claim[:200]))
        elif f"{int(found[1])}.{int(found[2])}" != actual:
            yield Finding("bag.oxum-wrong", _FILE, claim, actual)


def _judge_repeated(bag: Bag) -> Iterator[Finding]:
    for label in _SINGLE:
        if len(values := values_of(bag, label)) > 1:
            yield Finding("bag.info-repeated", _FILE, label, ", ".join(map(shown, values[:9])))


def _judge_forms(bag: Bag) -> Iterator[Finding]:
    for value in values_of(bag, "Bagging-Date"):
        if not _is_day(value):
            yield Finding("bag.info-date", _FILE, "YYYY-MM-DD", shown(value[:200]))
    for value in values_of(bag, "Bag-Size"):
        if not _SIZE.fullmatch(value):
            yield Finding("bag.info-size", _FILE, "42.6 GB", shown(value[:200]))
    for value in values_of(bag, "Bag-Count"):
        found = _COUNT.fullmatch(value)
        if not found or (found[2] != "?" and not 0 < int(found[1]) <= int(found[2])):
            yield Finding("bag.info-count", _FILE, "N of T", shown(value[:200]))


def _is_day(value: str) -> bool:
    try:
        return datetime.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
