"""Registers (馆藏目录): what a fonds, series or volume holds, as it is printed and bound; and how much is digitised."""

from collections.abc import Iterator
from typing import Unpack

import msgspec

from repository.catalogue import By as By
from repository.catalogue import Description, Digitised, Filters
from repository.domain.values import Level
from repository.services.description_fields import read
from repository.services.search import find_description, position_of, viewer_of
from repository.services.session import Session

NUMBER, CODE = "number", "reference_code"
_OF_VOLUMES = (
    *(NUMBER, CODE, "title", "year", "retention_period", "secrecy_class", "page_count"),
    *("location.storeroom", "location.rack", "location.shelf", "note"),
)
_OF_ITEMS = (
    *(NUMBER, CODE, "text.document_number", "responsible_party", "title", "date"),
    *("secrecy_class", "retention_period", "page_count", "note"),
)
_INSIDE = (NUMBER, "text.document_number", "responsible_party", "title", "date", "text.folios", "page_count", "note")


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A register. `kind` is `volumes` (案卷目录), `items` (归档文件目录) or `inside` (卷内文件目录).

    `columns` are keys of fields, beside the running number and the 档号; `rows` hold their words.
    """

    schema: str = "jingui.register/1"
    kind: str
    reference_code: str | None
    title: str | None
    position: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class DigitisationReport(msgspec.Struct, frozen=True, kw_only=True):
    """Pages held on paper and pages scanned, by fonds, series or year, as of a position."""

    schema: str = "jingui.digitisation/1"
    by: str
    position: int
    groups: tuple[Digitised, ...]


def register_of(session: Session, record: str, *, as_of: str | None) -> Register:
    """The register of a fonds or series - of its volumes, or of its items where it has none -, or of a volume."""
    session.require("search")
    position = session.catch_up()
    at = position_of(session, as_of)
    position = position if at is None else min(at, position)
    entry = find_description(session, record)
    kind, columns, entries = _chosen(session, entry, position)
    rows = tuple(
        tuple(str(number) if key == NUMBER else read(card, key) for key in columns)
        for number, card in enumerate(entries, 1)
    )
    return Register(
        kind=kind,
        reference_code=entry.reference_code,
        title=entry.title,
        position=position,
        columns=columns,
        rows=rows,
    )


def digitisation(session: Session, *, by: By, fonds: str | None, as_of: str | None) -> DigitisationReport:
    """How much of the paper is scanned. Entries that do not say how many pages they have are counted apart."""
    session.require("survey")
    position = session.catch_up()
    at = position_of(session, as_of)
    groups = session.catalogue.digitised(by, fonds=fonds, as_of=at)
    return DigitisationReport(by=by, position=position if at is None else min(at, position), groups=tuple(groups))


def _chosen(session: Session, entry: Description, position: int) -> tuple[str, tuple[str, ...], list[Description]]:
    """Which register it is, its columns, and its entries."""
    if entry.level is Level.VOLUME:
        return "inside", _INSIDE, list(_all(session, position, parent=entry.id))
    within: Filters = {"fonds": entry.fonds_code} if entry.level is Level.FONDS else {"parent": entry.id}
    volumes: Filters = {**within, "level": Level.VOLUME}
    items: Filters = {**within, "level": Level.ITEM}
    found = list(_all(session, position, **volumes))
    return ("volumes", _OF_VOLUMES, found) if found else ("items", _OF_ITEMS, list(_all(session, position, **items)))


def _all(session: Session, position: int, **filters: Unpack[Filters]) -> Iterator[Description]:
    filters["viewer"] = viewer_of(session)
    after: str | None = None
    while True:
        page = session.catalogue.search(as_of=position, limit=1_000, after=after, **filters)
        yield from page.entries
        if (after := page.after) is None:
            return
