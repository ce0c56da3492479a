"""Seeded damage to good packages: one change at a time, told in words, and three degrees of covering it up.

Degree 0 leaves the bag's manifests alone; 1 rewrites them so that the bag is valid and only METS, PREMIS and the
descriptions can tell; 2 makes METS agree as well, so that only PREMIS can. A change that changes no statement is no
damage and is not made: another order of lines in a tag manifest, another title where nothing repeats it.
"""

import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from packages_spec import bagit
from packages_spec.digests import Digested, digest_file
from packages_spec.ocfl import User, Version, first_inventory, inventory_chunks, sidecar
from packages_spec.profiles import PackageKind
from tests.packages import PACKAGE, event, write_package

PAYLOAD = f"data/uuid-{PACKAGE}"
METS, INNER = f"{PAYLOAD}/METS.xml", f"{PAYLOAD}/representations/original"
CONTENT = f"{INNER}/data"
_NAMESPACE = "{http://www.loc.gov/METS/}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_UNREPEATED = {
    # what a METS document says and nothing else in a package repeats, so that no judge can miss it
    *("LABEL", "schemaLocation", "OTHERCONTENTINFORMATIONTYPE", "CREATED", "CREATEDATE", "LASTMODDATE", "MIMETYPE"),
    *("MDTYPEVERSION", "OTHERMDTYPE"),
}
_UNREPEATED_AT = {("altRecordID", "TYPE"), ("amdSec", "ID"), ("div", "ID"), ("file", "ID"), ("fileSec", "ID")}
_UNREPEATED_AT |= {("structMap", "ID")}

_GUARDED = ("metadata", "representations", "documentation", "schemas")
"""Folders of a package in which METS guards every file."""

Change = Callable[[random.Random, Path], str]


def good_package(rng: random.Random, root: Path) -> None:
    """A bag with one package: any kind, from one to six pages of any bytes, with names that need care."""
    names = ["001.tif", "子/002 甲.tif", "003 50%.tif", "b/004&.tif", "005'.tif", "006~x.tif"]
    pages = {name: rng.randbytes(rng.randrange(2, 400)) for name in names[: rng.randrange(2, 7)]}
    events = tuple(event(identifier=f"{number}b671a64-40d5-491e-99b0-da01ff1f3341") for number in range(1, 4))
    write_package(root, pages, kind=rng.choice(list(PackageKind)), events=events)


def good_object(rng: random.Random, root: Path) -> None:
    """An OCFL object whose first version is such a bag."""
    good_package(rng, root / "v1" / "content")
    (root / "0=ocfl_object_1.1").write_bytes(b"ocfl_object_1.1\n")
    write_inventory(root, b"".join(inventory_chunks(first_inventory(f"urn:uuid:{PACKAGE}", _listed(root), _version()))))


def write_inventory(root: Path, data: bytes) -> None:
    """The inventory and its sidecar, in the object's folder and in its version's."""
    for folder in (root, root / "v1"):
        (folder / "inventory.json").write_bytes(data)
        (folder / "inventory.json.sha256").write_bytes(sidecar(digest_file(folder / "inventory.json")[1]))


def _version() -> Version:
    return Version("2026-01-02T03:04:05Z", {}, "first", User("jingui", "urn:jingui:test"))


def _listed(root: Path) -> list[Digested]:
    content = root / "v1" / "content"
    return [Digested(path.relative_to(content).as_posix(), *digest_file(path)) for path in files_in(content)]


def files_in(root: Path) -> list[Path]:
    """Every file, in the order of their paths."""
    return sorted(path for path in root.rglob("*") if path.is_file())


# Changes to files, whatever they are


def alter(rng: random.Random, root: Path) -> str:
    """Flip a bit, drop the end or put a byte behind it."""
    path = rng.choice(files_in(root))
    content = bytearray(path.read_bytes())
    way = rng.randrange(3)
    if way == 0 and content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif way == 1 and content:
        del content[rng.randrange(len(content)) :]
    else:
        content.append(rng.randrange(256))
    path.write_bytes(content)
    return f"alter {path.relative_to(root)} ({way})"


def delete(rng: random.Random, root: Path) -> str:
    """Remove a file."""
    path = rng.choice(files_in(root))
    path.unlink()
    return f"delete {path.relative_to(root)}"


def add(rng: random.Random, root: Path) -> str:
    """Put a new file into some folder."""
    folder = rng.choice(sorted({path.parent for path in files_in(root)}))
    (folder / f"new-{rng.randrange(1000)}.txt").write_bytes(rng.randbytes(rng.randrange(20)))
    return f"add to {folder.relative_to(root)}"


def swap(rng: random.Random, root: Path) -> str:
    """Exchange the content of two files."""
    files = files_in(root)
    one = rng.choice(files)
    other = rng.choice([path for path in files if path.read_bytes() != one.read_bytes()])
    contents = one.read_bytes(), other.read_bytes()
    other.write_bytes(contents[0])
    one.write_bytes(contents[1])
    return f"swap {one.relative_to(root)} {other.relative_to(root)}"


def rename(rng: random.Random, root: Path) -> str:
    """Give a file another name, sometimes one that differs in case only."""
    path = rng.choice(files_in(root))
    name = path.name.swapcase() if rng.random() < 0.3 else f"{path.stem}-{rng.randrange(100)}{path.suffix}"
    path.rename(path.with_name(name if name != path.name else f"{name}x"))
    return f"rename {path.relative_to(root)} {name}"


def reorder(rng: random.Random, root: Path) -> str:
    """Turn round the lines of a document that a digest guards."""
    documents = [path for path in files_in(root) if path.suffix in {".xml", ".xsd", ".txt", ".json"}]
    guarded = [path for path in documents if not path.name.startswith("tagmanifest") and _turned(path) is not None]
    path = rng.choice(guarded)
    path.write_bytes(_turned(path) or b"")
    return f"reorder {path.relative_to(root)}"


def _turned(path: Path) -> bytes | None:
    lines = path.read_bytes().splitlines(keepends=True)
    turned = b"".join(reversed(lines))
    return turned if len(lines) > 1 and turned != b"".join(lines) else None


# Changes to what the root METS document says, which no other document guards


def mets_attribute(rng: random.Random, root: Path) -> str:
    """Change a value that something else in the package, or a standard, contradicts."""
    document = _Document(root / METS)
    node, name = rng.choice(
        [
            (node, key)
            for node in document.root.iter()
            for key in node.attrib
            if etree.QName(key).localname not in _UNREPEATED
            and (etree.QName(node).localname, etree.QName(key).localname) not in _UNREPEATED_AT
        ]
    )
    value = str(node.get(name))
    node.set(name, value[:-1] + ("0" if value[-1:] != "0" else "1"))
    document.write()
    return f"METS: {etree.QName(node).localname}/@{etree.QName(name).localname} of {value!r}"


def mets_delete(rng: random.Random, root: Path) -> str:
    """Take an element out: a section, a group, a file, a division, a pointer."""
    document = _Document(root / METS)
    names = ("metsHdr", "dmdSec", "digiprovMD", "mdRef", "fileGrp", "file", "FLocat", "structMap", "fptr", "mptr")
    node = rng.choice([node for name in names for node in document.root.iter(_NAMESPACE + name)])
    parent = node.getparent()
    assert parent is not None
    parent.remove(node)
    document.write()
    return f"METS: delete {etree.QName(node).localname}"


def mets_add(rng: random.Random, root: Path) -> str:
    """Say something twice: an element once more, with the identifiers that it has."""
    document = _Document(root / METS)
    node = rng.choice([node for node in document.root.iter() if node.get("ID") and node.getparent() is not None])
    parent = node.getparent()
    assert parent is not None
    parent.insert(parent.index(node), etree.fromstring(etree.tostring(node)))
    document.write()
    return f"METS: twice {etree.QName(node).localname}"


def mets_swap(rng: random.Random, root: Path) -> str:
    """Exchange the checksums, sizes or places of two files."""
    document = _Document(root / METS)
    name = rng.choice(["CHECKSUM", _HREF])
    nodes = list(
        document.root.iter(f"{_NAMESPACE}mdRef")
    )  # both are attributes of one element, and files alike are not
    one = rng.choice(nodes)
    other = rng.choice([node for node in nodes if node.get("CHECKSUM") != one.get("CHECKSUM")])
    first, second = str(one.get(name)), str(other.get(name))
    one.set(name, second)
    other.set(name, first)
    document.write()
    return f"METS: swap {name} of {first} {second}"


def mets_reorder(rng: random.Random, root: Path) -> str:
    """Put a section where it must not stand."""
    document = _Document(root / METS)
    children = list(document.root)
    names = [child.tag for child in children]
    first, second = rng.choice(
        [(a, b) for a in range(len(names)) for b in range(a + 1, len(names)) if names[a] != names[b]]
    )
    children[first], children[second] = children[second], children[first]
    document.root[:] = children
    document.write()
    return f"METS: {names[first]} after {names[second]}"


class _Document:
    """An XML document to be changed and written back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = etree.fromstring(path.read_bytes())

    def write(self) -> None:
        self.path.write_bytes(etree.tostring(self.root, encoding="UTF-8", xml_declaration=True))


# Changes that METS is made to agree with


def content_altered(rng: random.Random, root: Path) -> str:
    """Other bytes in a page, and METS told."""
    page = rng.choice(files_in(root / CONTENT))
    old = digest_file(page)
    page.write_bytes(page.read_bytes() + bytes([rng.randrange(256)]) if rng.random() < 0.5 else rng.randbytes(old[0]))
    _tell(root, f"{INNER}/METS.xml", old, digest_file(page))
    return f"agree: alter {page.name}"


def content_swapped(rng: random.Random, root: Path) -> str:
    """Two pages exchanged, and METS told."""
    description = swap(rng, root / CONTENT)
    document = _Document(root / INNER / "METS.xml")
    for file in document.root.iter(f"{_NAMESPACE}file"):
        size, digest = digest_file(root / INNER / _place(file))
        file.set("SIZE", str(size))
        file.set("CHECKSUM", digest)
    _rewrite(root, document)
    return f"agree: {description}"


def content_renamed(rng: random.Random, root: Path) -> str:
    """A page by another name, and METS told."""
    document = _Document(root / INNER / "METS.xml")
    file = rng.choice(list(document.root.iter(f"{_NAMESPACE}file")))
    path = root / INNER / _place(file)
    path.rename(path.with_name("renamed.tif"))
    location = file[0]
    location.set(_HREF, re.sub("[^/]*$", "renamed.tif", str(location.get(_HREF))))
    _rewrite(root, document)
    return f"agree: rename {path.name}"


def content_deleted(rng: random.Random, root: Path) -> str:
    """A page taken away, and METS told."""
    document = _Document(root / INNER / "METS.xml")
    file = rng.choice(list(document.root.iter(f"{_NAMESPACE}file")))
    (root / INNER / _place(file)).unlink()
    group = file.getparent()
    assert group is not None
    group.remove(file)
    _rewrite(root, document)
    return "agree: delete"


def content_added(rng: random.Random, root: Path) -> str:
    """A page slipped in, and METS told."""
    document = _Document(root / INNER / "METS.xml")
    file = rng.choice(list(document.root.iter(f"{_NAMESPACE}file")))
    new = root / INNER / "data" / "slipped-in.tif"
    new.write_bytes(rng.randbytes(30))
    size, digest = digest_file(new)
    copy = etree.fromstring(etree.tostring(file))
    copy.set("ID", "slipped-in")
    copy.set("SIZE", str(size))
    copy.set("CHECKSUM", digest)
    copy[0].set(_HREF, "data/slipped-in.tif")
    group = file.getparent()
    assert group is not None
    group.append(copy)
    _rewrite(root, document)
    return "agree: add"


def premis_forged(rng: random.Random, root: Path) -> str:
    """A digest, a size, a location or an identifier in PREMIS changed, and METS told."""
    path = rng.choice(sorted((root / INNER).rglob("premis.xml")))
    old = digest_file(path)
    document = etree.fromstring(path.read_bytes())
    names = ("messageDigest", "size", "contentLocationValue", "objectIdentifierValue")
    nodes = [node for name in names for node in document.iter(f"{{http://www.loc.gov/premis/v3}}{name}")]
    node = rng.choice(nodes)
    text = node.text or ""
    node.text = text[:-1] + ("0" if text[-1:] != "0" else "1")
    path.write_bytes(etree.tostring(document, encoding="UTF-8", xml_declaration=True))
    _tell(root, f"{INNER}/METS.xml", old, digest_file(path))
    return f"agree: premis {etree.QName(node).localname}"


def _place(file: "etree._Element") -> str:
    return unquote(str(file[0].get(_HREF)))


def _rewrite(root: Path, document: _Document) -> None:
    old = digest_file(document.path)
    document.write()
    _tell(root, METS, old, digest_file(document.path))


def _tell(root: Path, mets: str, old: tuple[int, str], new: tuple[int, str]) -> None:
    """Put the new size and digest where a METS document gives the old ones, and so on upwards."""
    before = digest_file(root / mets)
    document = _Document(root / mets)
    for node in document.root.iter():
        if node.get("CHECKSUM") == old[1]:
            node.set("CHECKSUM", new[1])
            node.set("SIZE", str(new[0]))
    document.write()
    if mets != METS:
        _tell(root, METS, before, digest_file(root / mets))


def rebag(root: Path) -> None:
    """Rewrite the bag's own statements so that it is valid as a bag, whatever was done to its payload."""
    payload = [Digested(path.relative_to(root).as_posix(), *digest_file(path)) for path in files_in(root / "data")]
    info = (root / "bag-info.txt").read_text("utf-8")
    oxum = f"Payload-Oxum: {bagit.payload_oxum(payload)}"
    (root / "bag-info.txt").write_text(re.sub("Payload-Oxum: .*", oxum, info), "utf-8")
    (root / "manifest-sha256.txt").write_bytes(b"".join(bagit.manifest(payload)))
    names = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt")
    tags = [Digested(name, *digest_file(root / name)) for name in names]
    (root / "tagmanifest-sha256.txt").write_bytes(b"".join(bagit.manifest(tags)))


# Changes to an inventory, its sidecar made to fit


def inventory_changed(rng: random.Random, root: Path) -> str:
    """An inventory that says something else of the content, with a sidecar that agrees."""
    text = (root / "inventory.json").read_text("utf-8")
    way = rng.randrange(5)
    digests = sorted(set(re.findall('"([0-9a-f]{64})"', text)))
    one = rng.choice(digests)
    other = rng.choice([digest for digest in digests if digest != one])
    if way == 0:
        text = text.replace(one, one[:-1] + ("0" if one[-1] != "0" else "1"))
    elif way == 1:
        text = text.replace(one, "x").replace(other, one).replace('"x"', f'"{other}"')
    elif way == 2:
        text = re.sub('"v1/content/([^"]*)"', r'"v1/content/x-\1"', text, count=1)
    elif way == 3:
        text = text.replace('"head": "v1"', '"head": "v2"')
    else:
        text = re.sub(f'"{one}": \\[.*?\\],?', "", text, count=1, flags=re.DOTALL)
    write_inventory(root, text.encode())
    return f"inventory ({way})"


FILES: tuple[Change, ...] = (alter, delete, add, swap, rename, reorder)
DOCUMENT: tuple[Change, ...] = (mets_attribute, mets_delete, mets_add, mets_swap, mets_reorder)
AGREED: tuple[Change, ...] = (
    *(content_altered, content_swapped, content_renamed, content_deleted, content_added),
    premis_forged,
)
OBJECT: tuple[Change, ...] = (*FILES, inventory_changed)


def damaged(seed: int, place: Path) -> tuple[Path, str]:
    """A good package with one change, by its seed: where it stands, and what was done."""
    rng = random.Random(seed)
    root = place / f"{seed}"
    shutil.rmtree(root, ignore_errors=True)
    degree = seed % 5
    if degree == 4:
        good_object(rng, root)
        return root, f"object: {rng.choice(OBJECT)(rng, root)}"
    good_package(rng, root)
    if degree == 0:
        return root, f"bag: {rng.choice(FILES)(rng, root)}"
    if degree == 1:
        # Only the manifests guard every byte of the root METS document; its statements have changes of their own.
        change = rng.choice(FILES)
        inside = rng.choice(_GUARDED) if change in {alter, reorder} else ""
        told = change(rng, root / PAYLOAD / inside)
    elif degree == 2:
        told = rng.choice(DOCUMENT)(rng, root)
    else:
        told = rng.choice(AGREED)(rng, root)
    rebag(root)
    return root, f"rebagged: {told}"


def intact(seed: int, place: Path) -> Path:
    """A good package or object, by its seed."""
    rng = random.Random(seed)
    root = place / f"{seed}"
    (good_object if seed % 5 == 4 else good_package)(rng, root)
    return root


def seeds(count: int) -> Iterator[int]:
    """The seeds of a run; those of a sample are spread over all kinds of change."""
    return iter(range(20261124, 20261124 + count))
