"""Formats that are zip files inside: which of them a file is, and what it says. A plain ZIP has nothing to tell."""

from packages_spec import ofd, siard
from packages_spec.safe_xml import UnsafeXml
from packages_spec.technical import Part, Property, Technical
from packages_spec.zip_container import Container, RefusedContainer
from repository.characterisation import office
from repository.characterisation.bounded import WHOLE_BYTES, Source
from repository.characterisation.report import Unreadable, listed, plain, signature

OFD_TOOL = "jingui OFD reader 1"
SIARD_TOOL = "jingui SIARD reader 1"
TEXT_PAGES = 50
"""Pages of an OFD whose letters are counted."""


def read(source: Source) -> Technical | None:
    """None for a ZIP that is nothing but a ZIP."""
    try:
        with Container(source.stream) as container:
            if ofd.ENTRY in container:
                return read_ofd(container)
            if siard.is_siard(container):
                return read_siard(container)
            if office.is_ooxml(container):
                return office.read_ooxml(container)
            if office.is_odf(container):
                return office.read_odf(container)
            return None
    except (RefusedContainer, UnsafeXml) as error:
        raise Unreadable(str(error)) from error


def read_ofd(container: Container) -> Technical:
    """Documents, pages, letters and seals."""
    version, documents = ofd.read_ofd(container)
    pages = [page for document in documents for page in document.pages]
    missing = [page for page in pages if page not in container]
    if missing:
        raise Unreadable(f"page {missing[0]} is not in the file")
    letters = sum(len(words) for page in pages[:TEXT_PAGES] for words in ofd.page_text(container, page))
    about = "" if len(pages) <= TEXT_PAGES else f" on {TEXT_PAGES} pages"
    seals = [
        signature(
            f"OFD {seal.kind}",
            seal.status,
            note=seal.note,
            method=seal.method,
            digests=f"{seal.agreeing}/{seal.protected}",
            stamps=seal.stamps,
        )
        for document in documents
        for seal in ofd.judge_seals(container, document, WHOLE_BYTES)
    ]
    parts, more = listed(seals)
    said = (
        Property("version", plain(version) or "unknown"),
        Property("documents", str(len(documents))),
        Property("pages", str(len(pages))),
        Property("letters", f"{letters}{about}"),
        Property("attachments", "yes" if any(document.attachments for document in documents) else "no"),
    )
    creator = next((document.creator for document in documents if document.creator), None)
    return Technical("ofd", OFD_TOOL, (*said, *more), parts, None, creator and plain(creator))


def read_siard(container: Container) -> Technical:
    """Schemas and tables, as the archive lists them; a table whose content is not there is named so."""
    archive = siard.read_siard(container)
    tables = [
        Part(
            "table",
            plain(f"{table.schema}.{table.name}") or "?",
            (
                Property("columns", str(table.columns)),
                *((Property("rows", str(table.rows)),) if table.rows is not None else ()),
                *(() if table.is_there or not table.rows else (Property("content", "missing"),)),
            ),
        )
        for table in archive.tables
    ]
    parts, more = listed(tables)
    said = (
        Property("version", plain(archive.version) or "unknown"),
        *((Property("database-product", plain(archive.product) or "?"),) if archive.product else ()),
        Property("schemas", str(archive.schemas)),
        Property("tables", str(len(archive.tables))),
        Property("columns", str(sum(table.columns for table in archive.tables))),
        Property("rows", str(sum(table.rows or 0 for table in archive.tables))),
        Property("views", str(archive.views)),
        Property("users", str(archive.users)),
    )
    made = archive.producer_application and plain(archive.producer_application)
    return Technical("database", SIARD_TOOL, (*said, *more), parts, None, made)
