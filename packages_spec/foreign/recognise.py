"""Recognising foreign packages by what their systems always write, and parting content from what belongs to it.

Known: AIPs of Archivematica, AIPs and SIPs of RODA, E-ARK packages of anybody, METS packages and Simple Archive Format
of DSpace, and bags. What is not certain is not claimed: a package that fits none of these is a folder or a bag.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import BinaryIO

import msgspec
from lxml import etree

from packages_spec.foreign.described import Described, described_in
from packages_spec.safe_xml import Element, UnsafeXml, parse, stream

Open = Callable[[str], BinaryIO]
"""Opens a file of the package by its path in it."""

DESCRIPTIONS_READ = 20
"""Descriptive sections of one METS, and metadata files of one package, that are looked at."""
DIRECTORIES_LIMIT = 1 << 20

_METS = "{http://www.loc.gov/METS/}"
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ARCHIVEMATICA = re.compile(rf"data/METS\.({_UUID})\.xml")
_ASIDE = ("data/objects/metadata/", "data/objects/submissionDocumentation/")
_KINDS = {"SIP": "eark-sip", "AIP": "eark-aip", "DIP": "eark-dip"}


class System(StrEnum):
    """Who made the package, and of which kind it is."""

    ARCHIVEMATICA_AIP = "archivematica-aip"
    RODA_AIP = "roda-aip"
    RODA_SIP = "roda-sip"
    EARK_SIP = "eark-sip"
    EARK_AIP = "eark-aip"
    EARK_DIP = "eark-dip"
    DSPACE_AIP = "dspace-aip"
    DSPACE_SIP = "dspace-sip"
    DSPACE_ITEMS = "dspace-items"
    BAG = "bag"


class Item(msgspec.Struct, frozen=True):
    """One record of the package: its content, whose paths lose `prefix`, and what is said of it.

    `path` is the folder that it lies in, `.` for the whole package. `papers` are its own files that are no content.
    """

    path: str
    prefix: str
    content: frozenset[str]
    papers: frozenset[str]
    described: Described
    identifiers: tuple[tuple[str, str], ...]


class Foreign(msgspec.Struct, frozen=True):
    """A package that was recognised. Without `items` its content is found as in any other of its form."""

    system: System
    items: tuple[Item, ...]
    identifiers: tuple[tuple[str, str], ...]


class _Header(msgspec.Struct, frozen=True):
    """The head of a METS: its names, its agents, and the descriptions in it."""

    objid: str
    profile: str
    package_type: str
    agents: tuple[str, ...]
    described: Described


def recognise(names: Sequence[str], read: Open, bag_info: Sequence[tuple[str, str]] | None) -> Foreign | None:
    """What the files with these paths are. `bag_info` is None for what is no bag.

    A METS or a description that is unsafe or damaged is not read; what is unsafe in it is for validation to judge.
    """
    known = sorted(names)
    found = (
        _archivematica(known, read)
        if bag_info is not None
        else _roda(known, read) or _dspace_items(known, read) or _dspace_mets(known, read)
    )
    found = found or _eark(known, read)
    if bag_info is None:
        return found
    labels = {"External-Identifier", "Internal-Sender-Identifier"}
    said = tuple((label, value) for label, value in bag_info if label in labels and value)
    if found is None:
        return Foreign(System.BAG, (), said)
    return msgspec.structs.replace(found, identifiers=_once((*found.identifiers, *said)))


def _once(identifiers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys(identifiers))


def _archivematica(names: Sequence[str], read: Open) -> Foreign | None:
    mets = [match for name in names if (match := _ARCHIVEMATICA.fullmatch(name))]
    content = frozenset(name for name in names if name.startswith("data/objects/") and not name.startswith(_ASIDE))
    if len(mets) != 1 or not content:
        return None
    header = _header(read, mets[0][0])
    identifiers = [("AIP UUID", mets[0][1])]
    described = Described()
    if header is not None:
        described = header.described
        identifiers += [("OBJID", header.objid)] if header.objid else []
        identifiers += [("dc:identifier", value) for value in described.identifiers]
    item = Item(".", "data/objects/", content, _rest(names, content), described, _once(identifiers))
    return Foreign(System.ARCHIVEMATICA_AIP, (item,), _once(identifiers))


def _roda(names: Sequence[str], read: Open) -> Foreign | None:
    if "aip.json" not in names:
        return None
    try:
        with read("aip.json") as file:
            said = json.loads(file.read(DIRECTORIES_LIMIT))
    except (ValueError, RecursionError):
        return None
    content, prefix = _representations(names, "")
    if not isinstance(said, dict) or not isinstance(said.get("id"), str) or not content:
        return None
    identifiers = [("AIP id", said["id"])]
    ingested = said.get("ingestSIPIds")
    identifiers += [("SIP id", one) for one in ingested if isinstance(one, str)] if isinstance(ingested, list) else []
    described = _descriptive(names, read, "")
    identifiers += [("identifier", value) for value in described.identifiers]
    item = Item(".", prefix, content, _rest(names, content), described, _once(identifiers))
    return Foreign(System.RODA_AIP, (item,), _once(identifiers))


def _eark(names: Sequence[str], read: Open) -> Foreign | None:
    """An E-ARK package: here, or alone in a folder (of a bag's `data/`, or of a package that was zipped whole)."""
    roots = [name.removesuffix("METS.xml") for name in names if re.fullmatch(r"(?:data/)?(?:[^/]+/)?METS\.xml", name)]
    if len(roots) != 1:
        return None
    root = roots[0]
    content, prefix = _representations(names, root)
    header = _header(read, f"{root}METS.xml")
    if header is None or not content or header.package_type not in _KINDS:
        return None
    described = header.described.filled(_descriptive(names, read, root))
    identifiers = [("OBJID", header.objid)] if header.objid else []
    identifiers += [("identifier", value) for value in described.identifiers]
    system = System(_KINDS[header.package_type])
    if system is System.EARK_SIP and any("RODA" in agent for agent in header.agents):
        system = System.RODA_SIP
    item = Item(".", prefix, content, _rest(names, content), described, _once(identifiers))
    return Foreign(system, (item,), _once(identifiers))


def _representations(names: Sequence[str], root: str) -> tuple[frozenset[str], str]:
    """The content of all representations, and the prefix that its paths lose: all of it where there is but one."""
    inside = re.compile(re.escape(root) + r"representations/([^/]+)/data/.+", re.DOTALL)
    found = {name: match[1] for name in names if (match := inside.fullmatch(name))}
    kinds = set(found.values())
    only = f"{root}representations/{next(iter(kinds))}/data/" if len(kinds) == 1 else f"{root}representations/"
    return frozenset(found), only


def _descriptive(names: Sequence[str], read: Open, root: str) -> Described:
    folder = f"{root}metadata/descriptive/"
    files = [name for name in names if name.startswith(folder) and name.lower().endswith(".xml")]
    described = Described()
    for name in files[:DESCRIPTIONS_READ]:
        described = described.filled(_described(read, name))
    return described


def _described(read: Open, name: str) -> Described:
    try:
        with read(name) as file:
            return described_in(parse(file, name))
    except UnsafeXml:
        return Described()


def _dspace_mets(names: Sequence[str], read: Open) -> Foreign | None:
    if "mets.xml" not in names:
        return None
    header = _header(read, "mets.xml")
    if header is None or not ("dspace" in header.profile.lower() or any("DSpace" in agent for agent in header.agents)):
        return None
    content = frozenset(name for name in names if name != "mets.xml")
    if not content:
        return None
    identifiers = [("OBJID", header.objid)] if header.objid else []
    identifiers += [("identifier", value) for value in header.described.identifiers]
    system = System.DSPACE_AIP if "aip" in header.profile.lower() else System.DSPACE_SIP
    item = Item(".", "", content, _rest(names, content), header.described, _once(identifiers))
    return Foreign(system, (item,), _once(identifiers))


def _dspace_items(names: Sequence[str], read: Open) -> Foreign | None:
    """Simple Archive Format: folders with `dublin_core.xml` and `contents`, each an item; nothing outside of them."""
    folders = sorted(
        name.removesuffix("dublin_core.xml")
        for name in names
        if name.endswith("dublin_core.xml") and f"{name.removesuffix('dublin_core.xml')}contents" in names
    )
    if not folders or any(folder.count("/") > 1 for folder in folders):
        return None
    if not all(name.startswith(tuple(folders)) for name in names):
        return None
    items = tuple(_dspace_item(folder, [name for name in names if name.startswith(folder)], read) for folder in folders)
    if not all(item.content for item in items):
        return None
    return Foreign(System.DSPACE_ITEMS, items, _once([each for item in items for each in item.identifiers]))


def _dspace_item(folder: str, names: Sequence[str], read: Open) -> Item:
    with read(f"{folder}contents") as file:
        lines = file.read(DIRECTORIES_LIMIT).decode("utf-8", "replace").splitlines()
    listed = {f"{folder}{name}" for name in map(_bitstream, lines) if name}
    content = frozenset(name for name in names if name in listed)
    described = _described(read, f"{folder}dublin_core.xml")
    identifiers = [("dc:identifier", value) for value in described.identifiers]
    if f"{folder}handle" in names:
        with read(f"{folder}handle") as file:
            handle = file.read(1_000).decode("utf-8", "replace").strip()
        identifiers = [("handle", handle), *identifiers] if handle else identifiers
    path = folder.rstrip("/") or "."
    return Item(path, folder, content, _rest(names, content), described, _once(identifiers))


def _bitstream(line: str) -> str | None:
    """The file that a line of `contents` names, unless it belongs to a bundle beside the content (a licence)."""
    name, *options = line.strip().split("\t")
    bundle = next((option.removeprefix("bundle:") for option in options if option.startswith("bundle:")), "ORIGINAL")
    return name.removeprefix("-r -s").strip() if name and bundle == "ORIGINAL" else None


def _rest(names: Sequence[str], content: frozenset[str]) -> frozenset[str]:
    return frozenset(names) - content


def _header(read: Open, name: str) -> _Header | None:
    """The head of a METS, read no further than its first technical section; None for what is no METS."""
    wanted = [_METS + tag for tag in ("mets", "metsHdr", "dmdSec", "amdSec", "fileSec", "structMap")]
    root: dict[str, str] = {}
    agents: list[str] = []
    described, sections = Described(), 0
    try:
        with read(name) as file:
            for event, element in stream(file, wanted, name):
                local = etree.QName(element).localname
                if event == "start" and local == "mets":
                    root = {etree.QName(key).localname: str(value) for key, value in element.attrib.items()}
                elif event == "start" and local in ("amdSec", "fileSec", "structMap"):
                    break
                elif event == "end" and local == "metsHdr":
                    agents = _agents(element)
                    root |= {etree.QName(key).localname: str(value) for key, value in element.attrib.items()}
                elif event == "end" and local == "dmdSec" and sections < DESCRIPTIONS_READ:
                    described, sections = described.filled(described_in(element)), sections + 1
    except UnsafeXml:
        return None
    if not root:
        return None
    return _Header(
        objid=root.get("OBJID", ""),
        profile=root.get("PROFILE", ""),
        package_type=root.get("OAISPACKAGETYPE", ""),
        agents=tuple(agents),
        described=described,
    )


def _agents(header: Element) -> list[str]:
    def names() -> Iterator[str]:
        for agent in header.iter(f"{_METS}agent"):
            yield from (node.text or "" for node in agent)

    return list(names())
