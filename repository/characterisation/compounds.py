"""Compound files (MS-CFB): MSG, the older Office, and OOXML that is encrypted inside one."""

from collections.abc import Iterator

import olefile

from packages_spec.technical import Part, Property, Technical
from repository.characterisation import messages
from repository.characterisation.bounded import Source
from repository.characterisation.report import Unreadable, plain, signature

_KINDS = {
    "WordDocument": "Word 97-2003",
    "Workbook": "Excel 97-2003",
    "Book": "Excel 5/95",
    "PowerPoint Document": "PowerPoint 97-2003",
    "VisioDocument": "Visio",
}
_MACROS = ("Macros", "_VBA_PROJECT_CUR", "_VBA_PROJECT", "VBA")
_SIGNED = ("_signatures", "_xmlsignatures")


def read(source: Source) -> Technical | None:
    """None for a compound file that is neither a message nor an office file."""
    try:
        with olefile.OleFileIO(source.stream) as compound:
            if compound.exists("__properties_version1.0"):
                return messages.read_msg(compound)
            return _office(compound)
    except (OSError, olefile.OleFileError) as error:
        raise Unreadable(str(error)) from error


def _office(compound: "olefile.OleFileIO") -> Technical | None:
    tops = {path[0] for path in compound.listdir(streams=True, storages=True)}
    encrypted = "EncryptedPackage" in tops
    kind = "OOXML" if encrypted else next((word for name, word in _KINDS.items() if name in tops), None)
    if kind is None:
        return None
    every = {name for path in compound.listdir(streams=False, storages=True) for name in path}
    said = (
        Property("document", kind),
        Property("macros", "not known" if encrypted else "yes" if every & set(_MACROS) else "no"),
        Property("encryption", "password needed" if encrypted else "none"),
    )
    return Technical("office", f"olefile {olefile.__version__}", said, tuple(_signatures(tops)), None, _made(compound))


def _signatures(tops: set[str]) -> Iterator[Part]:
    for name in _SIGNED:
        if name in tops:
            yield signature("Office", "not-tested", note="certificates are not judged here")


def _made(compound: "olefile.OleFileIO") -> str | None:
    said = compound.get_metadata().creating_application
    return plain(said.decode("gb18030", "replace")) if isinstance(said, bytes) else None
