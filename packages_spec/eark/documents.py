"""The form of a METS, PREMIS or Dublin Core document, and such a document by itself, without the package round it."""

from collections.abc import Iterator
from pathlib import Path

from packages_spec.eark.document import METS, local_name
from packages_spec.findings import Finding
from packages_spec.grammar import judge_by_schemas, judge_form
from packages_spec.safe_xml import UnsafeXml, stream

_KINDS = {f"{{{METS}}}mets": "mets", "{http://www.loc.gov/premis/v3}premis": "premis"}


def kind_of_document(path: Path) -> str | None:
    """`mets` or `premis`, by the root element; None for what is neither or must not be read."""
    try:
        with path.open("rb") as source:
            _, root = next(iter(stream(source, ["{*}*"], path.name)), ("", None))
    except UnsafeXml:
        return None
    return None if root is None else _KINDS.get(root.tag, _KINDS.get(local_name(root.tag)))


def validate_document(path: Path, *, schemas: Path | None = None) -> list[Finding]:
    """What the document's form does not allow. Whether what it says of files is so cannot be judged without them."""
    return [Finding("reference.files-not-judged", path.name), *judge_document(path, path.name, schemas)]


def judge_document(path: Path, name: str, schemas: Path | None) -> Iterator[Finding]:
    """What our grammar, and the official schemas where there is a folder of them, do not allow in a document."""
    try:
        with path.open("rb") as source:
            yield from judge_form(source, name)
        if schemas is not None:
            yield from judge_by_schemas(path, name, schemas)
    except UnsafeXml as error:
        yield error.finding
    except OSError as error:
        yield Finding("reference.unreadable", name, found=error.strerror or "")
