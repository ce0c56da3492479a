"""Judging by official XML Schemas (官方 XSD), where somebody keeps a folder of them.

They are not part of this program. A folder of schema files is enough: each is known by its target namespace, and a
driver made here imports those that a document needs, so that nothing is fetched from anywhere.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any, cast

from lxml import etree

from packages_spec.findings import Finding
from packages_spec.paths import shown
from packages_spec.safe_xml import TREE_BYTES, UnsafeXml, parse

_XS = "http://www.w3.org/2001/XMLSchema"
_FIRST = ("http://www.w3.org/XML/1998/namespace", "http://www.w3.org/1999/xlink")
"""Namespaces that others import by web addresses: whoever imports them first, from the folder, is believed."""
_MOST = 50


class SchemasUnusable(Exception):  # noqa: N818 - named after what was met
    """The folder holds no schemas, or such as cannot be compiled; the argument says why."""


def judge_by_schemas(path: Path, name: str, folder: Path) -> Iterator[Finding]:
    """What the official schemas do not allow in a document. Raises UnsafeXml."""
    if path.stat().st_size > TREE_BYTES:
        yield Finding("schema.not-judged", shown(name), f"<= {TREE_BYTES}", str(path.stat().st_size))
        return
    with path.open("rb") as source:
        root = parse(source, name)
    namespace = etree.QName(root).namespace or ""
    try:
        schema = _schema(folder)
    except SchemasUnusable as error:
        yield Finding("schema.unusable", shown(name), found=str(error))
        return
    if namespace not in _namespaces(folder):
        yield Finding("schema.not-judged", shown(name), ", ".join(sorted(_namespaces(folder))), namespace)
    elif not schema.validate(root):
        for entry in islice(cast("Iterable[Any]", schema.error_log), _MOST):
            yield Finding("schema.invalid", shown(name), f"line {entry.line}", entry.message[:400])


@lru_cache(maxsize=4)
def _namespaces(folder: Path) -> dict[str, Path]:
    """Each target namespace in the folder and the schema for it; where there are several, the first by path."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.xsd")):
        try:
            root = parse(path.read_bytes(), path.name)
        except UnsafeXml:
            continue
        if root.tag == f"{{{_XS}}}schema" and not path.name.startswith("driver-"):
            found.setdefault(root.get("targetNamespace", ""), path)
    return found


@lru_cache(maxsize=4)
def _schema(folder: Path) -> etree.XMLSchema:
    known = _namespaces(folder)
    order = [*(space for space in _FIRST if space in known), *sorted(known.keys() - {*_FIRST, ""})]
    if not order:
        raise SchemasUnusable(folder.name)
    imports = "".join(
        f'<xs:import namespace="{escape(space)}" schemaLocation="{escape(known[space].resolve().as_uri())}"/>'
        for space in order
    )
    driver = f'<xs:schema xmlns:xs="{_XS}" targetNamespace="urn:jingui:schemas">{imports}</xs:schema>'
    try:
        return etree.XMLSchema(etree.fromstring(driver.encode(), etree.XMLParser(no_network=True)))
    except etree.XMLSchemaParseError as error:
        raise SchemasUnusable(str(error)) from error
