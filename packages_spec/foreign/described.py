"""What foreign metadata say of a record: title, creator, date and identifiers, from DC, MODS, EAD or DSpace's own.

Only what can be taken over without judgement is taken: the first title, the first creator, a date that is one. All of
it is kept unchanged beside the record anyway.
"""

import re
from collections.abc import Iterator
from datetime import date

import msgspec
from lxml import etree

from packages_spec.safe_xml import Element

_DC = frozenset({"http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/"})
_MODS = "http://www.loc.gov/mods/v3"
_EAD = frozenset({"", "urn:isbn:1-931666-22-9", "http://ead3.archivists.org/schema/"})
_DIM = "http://www.dspace.org/xmlns/dspace/dim"
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T.*)?")

_FROM_DC = {
    "title": "title",
    "creator": "creator",
    "contributor": "creator",
    "date": "date",
    "identifier": "identifier",
}
_FROM_MODS = {
    ("titleInfo", "title"): "title",
    ("name", "namePart"): "creator",
    ("originInfo", "dateCreated"): "date",
    ("originInfo", "dateIssued"): "date",
    ("mods", "identifier"): "identifier",
}
_FROM_EAD = {"unittitle": "title", "origination": "creator", "unitdate": "date", "unitid": "identifier"}
_DATES_OF_DSPACE = frozenset({"issued", "created", "none", ""})


class Described(msgspec.Struct, frozen=True):
    """A description as far as it is understood. `date` is ISO 8601, a year, a month or a day."""

    title: str | None = None
    creator: str | None = None
    date: str | None = None
    identifiers: tuple[str, ...] = ()

    def filled(self, other: "Described") -> "Described":
        """This one, and where it says nothing, what the other says."""
        return Described(
            self.title or other.title,
            self.creator or other.creator,
            self.date or other.date,
            tuple(dict.fromkeys((*self.identifiers, *other.identifiers))),
        )


def described_in(root: Element) -> Described:
    """What an element and everything in it say."""
    said: dict[str, list[str]] = {}
    for field, words in _statements(root):
        text = " ".join(words.split())
        if text:
            said.setdefault(field, []).append(text)
    dates = [known for text in said.get("date", []) if (known := iso_date(text))]
    return Described(
        title=next(iter(said.get("title", [])), None),
        creator=next(iter(said.get("creator", [])), None),
        date=next(iter(dates), None),
        identifiers=tuple(dict.fromkeys(said.get("identifier", []))),
    )


def iso_date(text: str) -> str | None:
    """The date that the text is, to the day at most; None where it is none, or no real one."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day = match.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part)


def _statements(root: Element) -> Iterator[tuple[str, str]]:
    for node in root.iter():
        name = etree.QName(node)
        space, local = name.namespace or "", name.localname
        if space in _DC and local in _FROM_DC:
            yield _FROM_DC[local], node.text or ""
        elif space == _MODS:
            parent = node.getparent()
            held_by = "" if parent is None else etree.QName(parent).localname
            if field := _FROM_MODS.get((held_by, local)):
                yield field, node.text or ""
        elif local in ("dcvalue", "field") and (space in ("", _DIM)):
            yield from _dspace(node)
        elif space in _EAD and local in _FROM_EAD:
            yield _FROM_EAD[local], "".join(map(str, node.itertext()))


def _dspace(node: Element) -> Iterator[tuple[str, str]]:
    """`dcvalue` of the Simple Archive Format and `field` of DIM: an element, perhaps with a qualifier."""
    element, qualifier = node.get("element") or "", node.get("qualifier") or ""
    if element == "title" and qualifier in ("", "none"):
        yield "title", node.text or ""
    elif element == "creator" or (element == "contributor" and qualifier in ("author", "", "none")):
        yield "creator", node.text or ""
    elif element == "date" and qualifier in _DATES_OF_DSPACE:
        yield "date", node.text or ""
    elif element == "identifier":
        yield "identifier", node.text or ""
