"""Identifiers within one document: each a name in the sense of XML, and none given twice.

A document may have a million files, so of their identifiers only a short digest is kept. Two of them that met by
chance would be reported as one given twice; no chance makes a repeated one pass.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b

from packages_spec.eark.context import Context
from packages_spec.eark.document import Node
from packages_spec.findings import Finding

_NAME = re.compile(r"[^\W\d][\w.\-\u00b7]*")
REQUIREMENTS = {
    "dmdSec": "CSIP18",
    "digiprovMD": "CSIP33",
    "rightsMD": "CSIP46",
    "fileSec": "CSIP59",
    "fileGrp": "CSIP65",
    "file": "CSIP67",
    "structMap": "CSIP83",
    "div": "CSIP106",
}
_DIVISIONS = {"Metadata": "CSIP89", "Documentation": "CSIP94", "Schemas": "CSIP98", "Representations": "CSIP102"}


class Identifiers:
    """The identifiers of a document's files as they pass; those of the tree are added at the end."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def file(self, file: Node, context: Context) -> Iterator[Finding]:
        """Findings on the identifier of one file."""
        yield from self._one(file, "CSIP67", context)

    def tree(self, context: Context) -> Iterator[Finding]:
        """Findings on the identifiers of everything else."""
        yield from self._below(context.root, context)

    def _below(self, node: Node, context: Context) -> Iterator[Finding]:
        for child in node.children:
            yield from self._one(child, _requirement(child), context)
            yield from self._below(child, context)

    def _one(self, node: Node, requirement: str | None, context: Context) -> Iterator[Finding]:
        value = node.get("ID")
        if not value:
            return
        key = int.from_bytes(blake2b(value.encode(), digest_size=8).digest())
        if key in self._seen and requirement:
            yield context.breach(f"{requirement}.unique", found=value)
        if not _NAME.fullmatch(value) and requirement:
            yield context.breach(f"{requirement}.unique", "NCName", value)
        self._seen.add(key)


def _requirement(node: Node) -> str | None:
    if node.name == "div" and node.parent is not None:
        if node.parent.name == "structMap":
            return "CSIP85"
        return _DIVISIONS.get(node.get("LABEL"), "CSIP106")
    return REQUIREMENTS.get(node.name)
