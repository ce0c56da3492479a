"""CSIP80-CSIP112, CSIP116, CSIP118, CSIP119: the structural map labelled CSIP."""

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote

from packages_spec.eark.checks import exactly
from packages_spec.eark.context import Context
from packages_spec.eark.document import Node
from packages_spec.eark.file_rules import administrative_ids, descriptive_ids
from packages_spec.eark.references import POINTER, judge_location
from packages_spec.findings import Finding

_LABEL, _TYPE = exactly("CSIP"), exactly("PHYSICAL")
_PREFIX = "Representations/"

GROUPS = {
    "Documentation": ("CSIP93", "CSIP95", "CSIP96", "CSIP116"),
    "Schemas": ("CSIP97", "CSIP99", "CSIP100", "CSIP118"),
    "Representations": ("CSIP101", "CSIP103", "CSIP104", "CSIP119"),
}
"""Of each division that gathers file groups: that it is there, its label, its pointers, and what they point to."""

_IDS = {"Metadata": "CSIP89", "Documentation": "CSIP94", "Schemas": "CSIP98", "Representations": "CSIP102"}


def judge_map(context: Context) -> Iterator[Finding]:
    """Findings on the structural map; a representation's own document is held to its form, not to every division."""
    maps = list(context.root.each("structMap"))
    chosen = [each for each in maps if each.get("LABEL") == _LABEL.expected]
    if len(chosen) != 1:
        yield context.breach("CSIP80", "1", f"{len(chosen)} / {len(maps)}")
    if not chosen:
        yield context.breach("CSIP82", _LABEL.expected, ", ".join(each.get("LABEL") for each in maps))
        # A document with one map means that one, whatever it is called.
        chosen = maps if len(maps) == 1 else []
    for each in chosen:
        yield from _one_map(each, context)


def _one_map(each: Node, context: Context) -> Iterator[Finding]:
    if not _TYPE.holds(each.get("TYPE")):
        yield context.breach("CSIP81", _TYPE.expected, each.get("TYPE"))
    if not each.get("ID"):
        yield context.breach("CSIP83")
    mains = list(each.each("div"))
    if len(mains) != 1:
        yield context.breach("CSIP84", "1", str(len(mains)))
    for main in mains:
        if not main.get("ID"):
            yield context.breach("CSIP85")
        if context.version == "2-0-4" and main.get("LABEL") != context.root.get("OBJID"):
            yield context.breach("CSIP86", context.root.get("OBJID"), main.get("LABEL"))
        yield from _metadata(main, context)
        groups = {group.get("ID"): group for group in context.root.everywhere("fileGrp")}
        for use in GROUPS:
            yield from _division(use, main, groups, context)
        yield from _identifiers(main, context)
        if context.is_root:
            yield from _representations(main, groups, context)


def _metadata(main: Node, context: Context) -> Iterator[Finding]:
    divisions = [division for division in main.each("div") if division.get("LABEL") == "Metadata"]
    if len(divisions) != 1:
        yield context.breach("CSIP88", "1", str(len(divisions)))
        yield context.breach("CSIP90", "1 Metadata", ", ".join(division.get("LABEL") for division in main.each("div")))
    for division in divisions:
        yield from _pointers("CSIP91", "ADMID", division, administrative_ids(context.root), context)
        yield from _pointers("CSIP92", "DMDID", division, descriptive_ids(context.root), context)


def _pointers(requirement: str, name: str, division: Node, known: set[str], context: Context) -> Iterator[Finding]:
    """The division names every current section of its kind, and nothing that is none."""
    named = set(division.get(name).split())
    for identifier in sorted(named - known):
        yield context.breach(f"{requirement}.unknown", found=identifier)
    for identifiers in _current(requirement, context):
        if not identifiers & named:
            yield context.breach(requirement, ", ".join(sorted(identifiers)))


def _current(requirement: str, context: Context) -> Iterator[set[str]]:
    """The sections to be named, each by the identifiers by which it may be named."""
    if requirement == "CSIP92":
        for section in context.root.each("dmdSec"):
            if section.get("STATUS") != "SUPERSEDED" and section.get("ID"):
                yield {section.get("ID")}
        return
    for part in context.root.each("amdSec"):
        for section in part.children:
            identifiers = {section.get("ID"), part.get("ID")} - {""}
            if section.get("STATUS") != "SUPERSEDED" and identifiers:
                yield identifiers


def _division(use: str, main: Node, groups: dict[str, Node], context: Context) -> Iterator[Finding]:
    """The division of one kind of file group: there at most once, well labelled, pointing to all of these groups."""
    there, label, pointers, pointed = GROUPS[use]
    children = list(main.each("div"))
    divisions = [division for division in children if division.get("LABEL") == use]
    wanted = {key for key, group in groups.items() if group.get("USE").partition("/")[0] == use}
    if len(divisions) > 1:
        yield context.breach(f"{there}.single", "1", str(len(divisions)))
    if not divisions and context.is_root and not (use == "Representations" and any(map(_is_representation, children))):
        yield context.breach(there, use)
    for division in children:
        if _is_mislabelled(division, use, wanted):
            yield context.breach(label, use, division.get("LABEL"))
    for division in divisions:
        for pointer in division.each("fptr"):
            if pointer.get("FILEID") not in wanted:
                yield context.breach(pointed, use, pointer.get("FILEID"))
    named = {pointer.get("FILEID") for pointer in main.everywhere("fptr")}
    if divisions or not context.is_root:
        yield from (context.breach(pointers, identifier or use) for identifier in sorted(wanted - named))


def _is_mislabelled(division: Node, use: str, wanted: set[str]) -> bool:
    """A division whose label is not the word of the list, yet means it, or whose pointers belong to it."""
    label = division.get("LABEL")
    if label == use or label in _IDS or label.startswith(_PREFIX):
        return False
    pointed = {pointer.get("FILEID") for pointer in division.each("fptr")}
    return label.casefold().startswith(use.casefold()) or bool(pointed & wanted)


def _identifiers(main: Node, context: Context) -> Iterator[Finding]:
    for division in main.each("div"):
        if not division.get("ID"):
            yield context.breach(_IDS.get(division.get("LABEL"), "CSIP106"), found=division.get("LABEL"))


def _is_representation(division: Node) -> bool:
    return division.get("LABEL").startswith(_PREFIX) or any(division.each("mptr"))


def _representations(main: Node, groups: dict[str, Node], context: Context) -> Iterator[Finding]:
    """A division for each representation that has a document, which it names, points to and gathers."""
    documents = {
        each
        for each in context.files
        if each.count("/") == 2 and each.startswith("representations/") and each.endswith("/METS.xml")
    }
    divisions = [division for division in main.everywhere("div") if _is_representation(division)]
    reached = set()
    for division in divisions:
        pointers = list(division.each("mptr"))
        own = context.place(division.get("LABEL").lower() + "/METS.xml")
        has_document = any(each.lower() == own.lower() for each in documents)
        if len(pointers) > 1 or (not pointers and has_document):
            yield context.breach("CSIP109", "1", f"{division.get('LABEL')}: {len(pointers)}")
        for pointer in pointers:
            place = context.place(unquote(pointer.get("xlink:href")))
            reached.add(place)
            yield from _pointer(pointer, place, division, groups, context)
    for document in sorted(documents - reached):
        yield context.breach("CSIP105", document)
        folder = posixpath.dirname(document).removeprefix("representations/")
        if not any(division.get("LABEL").lower() == f"{_PREFIX}{folder}".lower() for division in divisions):
            yield context.breach("CSIP107", f"{_PREFIX}{folder}")


def _pointer(pointer: Node, place: str, division: Node, groups: dict[str, Node], context: Context) -> Iterator[Finding]:
    label = division.get("LABEL")
    folder = posixpath.dirname(place).removeprefix("representations/")
    if label.lower() != f"{_PREFIX}{folder}".lower() or not label.startswith(_PREFIX):
        yield context.breach("CSIP107", f"{_PREFIX}{folder}", label)
    if pointer.get("xlink:title") not in groups:
        yield context.breach("CSIP108", ", ".join(sorted(groups)), pointer.get("xlink:title"))
    yield from judge_location(POINTER, pointer, pointer, context)
