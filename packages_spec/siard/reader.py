"""Reading `header/metadata.xml` of a SIARD archive, versions 1.0 to 2.2 (eCH-0165, chapter 6)."""

from collections.abc import Iterator

import msgspec
from lxml import etree

from packages_spec.safe_xml import Element, parse
from packages_spec.zip_container import Container, RefusedContainer

METADATA = "header/metadata.xml"

_ROOT = "siardArchive"


class Table(msgspec.Struct, frozen=True):
    """A table: its schema's name and its own, how many columns and rows it has, and whether its content is there."""

    schema: str
    name: str
    columns: int
    rows: int | None
    is_there: bool


class SiardArchive(msgspec.Struct, frozen=True):
    """What the archive says of itself. `product` is the database system that it was made from."""

    version: str
    product: str | None
    producer_application: str | None
    schemas: int
    tables: tuple[Table, ...]
    views: int
    users: int


def is_siard(container: Container) -> bool:
    """Whether the container has the one file that every SIARD archive has."""
    return METADATA in container


def read_siard(container: Container) -> SiardArchive:
    """Raises UnsafeXml and RefusedContainer. Namespaces differ between versions and are passed over."""
    root = parse(container.read(METADATA), METADATA)
    if etree.QName(root).localname != _ROOT:
        raise RefusedContainer(f"{METADATA}: {root.tag}")
    schemas = list(_all(root, "schemas", "schema"))
    members = set(container.names)
    return SiardArchive(
        version=root.get("version") or "",
        product=_text(root, "databaseProduct"),
        producer_application=_text(root, "producerApplication"),
        schemas=len(schemas),
        tables=tuple(table for schema in schemas for table in _tables(schema, members)),
        views=sum(1 for schema in schemas for _ in _all(schema, "views", "view")),
        users=sum(1 for _ in _all(root, "users", "user")),
    )


def _tables(schema: Element, members: set[str]) -> Iterator[Table]:
    folder = _text(schema, "folder") or ""
    for table in _all(schema, "tables", "table"):
        own = _text(table, "folder") or ""
        rows = _text(table, "rows")
        yield Table(
            schema=_text(schema, "name") or "",
            name=_text(table, "name") or "",
            columns=sum(1 for _ in _all(table, "columns", "column")),
            rows=int(rows) if rows and rows.isascii() and rows.isdigit() else None,
            is_there=f"content/{folder}/{own}/{own}.xml" in members,
        )


def _all(parent: Element, group: str, name: str) -> Iterator[Element]:
    for child in parent:
        if etree.QName(child).localname == group:
            yield from (each for each in child if etree.QName(each).localname == name)


def _text(parent: Element, name: str) -> str | None:
    for child in parent:
        if etree.QName(child).localname == name:
            return (child.text or "").strip() or None
    return None
