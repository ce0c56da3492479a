"""Reading an OFD: documents, pages and the words on them (GB/T 33190-2016, 7.1 to 7.7 and 11)."""

from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from packages_spec.findings import Finding
from packages_spec.safe_xml import Element, UnsafeXml, parse
from packages_spec.zip_container import Container, RefusedContainer

ENTRY = "OFD.xml"
NAMESPACE = "http://www.ofdspec.org/2016"

_OFD = f"{{{NAMESPACE}}}"


class OfdDocument(msgspec.Struct, frozen=True):
    """One document of the file: its root, its pages in order, the list of its signatures, and who made it."""

    root: str
    pages: tuple[str, ...]
    signatures: str | None
    attachments: str | None
    creator: str | None


def is_ofd(container: Container) -> bool:
    """Whether the container is an OFD: its entry is there and its root element is the standard's."""
    if ENTRY not in container:
        return False
    try:
        return parse(container.read(ENTRY, 1 << 20), ENTRY).tag == f"{_OFD}OFD"
    except (UnsafeXml, RefusedContainer):
        return False


def read_ofd(container: Container) -> tuple[str, tuple[OfdDocument, ...]]:
    """The version that the entry names, and the documents. Raises UnsafeXml and RefusedContainer."""
    entry = parse_member(container, ENTRY)
    if entry.tag != f"{_OFD}OFD":
        raise UnsafeXml(Finding("xml.malformed", ENTRY, f"{_OFD}OFD", entry.tag))
    bodies = entry.findall(f"{_OFD}DocBody")
    return entry.get("Version") or "", tuple(_document(container, body) for body in bodies)


def _document(container: Container, body: Element) -> OfdDocument:
    root = resolve("", (body.findtext(f"{_OFD}DocRoot") or "").strip())
    document = parse_member(container, root)
    pages = tuple(
        resolve(folder_of(root), page.get("BaseLoc") or "") for page in document.iterfind(f"{_OFD}Pages/{_OFD}Page")
    )
    signatures = (body.findtext(f"{_OFD}Signatures") or "").strip()
    attachments = (document.findtext(f"{_OFD}Attachments") or "").strip()
    info = body.find(f"{_OFD}DocInfo")
    creator = None if info is None else (info.findtext(f"{_OFD}Creator") or "").strip() or None
    return OfdDocument(
        root=root,
        pages=pages,
        signatures=resolve("", signatures) if signatures else None,
        attachments=resolve(folder_of(root), attachments) if attachments else None,
        creator=creator,
    )


def page_text(container: Container, page: str) -> Iterator[str]:
    """The words of a page, one `TextCode` after another, as they stand in its content."""
    for code in parse_member(container, page).iter(f"{_OFD}TextCode"):
        yield code.text or ""


def parse_member(container: Container, name: str) -> Element:
    """The root of an XML member. Raises UnsafeXml, and RefusedContainer where it is not there."""
    return parse(container.read(name), name)


def folder_of(member: str) -> str:
    """The folder that a member lies in, empty for the root."""
    return str(PurePosixPath(member).parent).removeprefix(".")


def resolve(folder: str, location: str) -> str:
    """The member that an `ST_Loc` names (7.1): from the root with `/`, else from the folder of who names it.

    A location that leads out of the container names nothing: RefusedContainer.
    """
    parts: list[str] = [] if location.startswith("/") else [part for part in folder.split("/") if part]
    for part in location.split("/"):
        if part == "..":
            if not parts:
                raise RefusedContainer(f"{location}: leads out of the file")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
