"""What our METS documents say, as frozen values (METS 1.12, E-ARK CSIP 2.1)."""

import msgspec

PROFILES = {
    "SIP": "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml",
    "AIP": "https://earkcsip.dilcis.eu/profile/E-ARK-CSIP.xml",
    "DIP": "https://earkdip.dilcis.eu/profile/E-ARK-DIP.xml",
}
"""METS profile of each package type; an AIP follows the common specification itself."""

CONTENT_CATEGORIES = {
    "text": "Textual works \u2013 Digital",
    "image": "Photographs \u2013 Digital",
    "audio": "Audio \u2013 Media-independent (digital)",
    "video": "Video \u2013 File-based and Physical Media",
    "database": "Databases",
}
"""Record type -> E-ARK content category (CSIP2), spelled as in the vocabulary, with its en dash."""


class MetsFile(msgspec.Struct, frozen=True):
    """A file that METS lists. `path` is relative to the METS document's folder; `created` is RFC 3339 with zone."""

    path: str
    size: int
    sha256: str
    media_type: str
    created: str


class MetadataFile(msgspec.Struct, frozen=True):
    """A metadata file and its type in METS's list; `OTHER` types are named by `other_type`."""

    file: MetsFile
    type: str
    other_type: str | None = None
    version: str | None = None


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a METS document. `archive` is the archive's code or name; `software` wrote the document."""

    objid: str
    package_type: str
    content_category: str
    label: str
    created: str
    modified: str
    software: str
    software_version: str
    archive: str
    reference_code: str | None = None


class Root(msgspec.Struct, frozen=True):
    """What a METS document says about itself."""

    objid: str
    label: str
    profile: str
    package_type: str


class FileReference(msgspec.Struct, frozen=True):
    """A file as a METS document lists it. `kind` is `metadata` (mdRef) or `file`; what is absent is None.

    `path` is decoded; bytes that are not UTF-8 are replaced, so that they name no file.
    """

    path: str
    kind: str
    size: int | None
    checksum: str | None
    checksum_type: str | None
    media_type: str | None
    use: str
    created: str = ""


class Section(msgspec.Struct, frozen=True):
    """Something with an id that a structural map points to: a metadata section or a file group (`use`)."""

    id: str
    kind: str
    use: str


class StructMap(msgspec.Struct, frozen=True):
    """A structural map begins."""

    type: str
    label: str


class Division(msgspec.Struct, frozen=True):
    """A division of the structural map: the ids that it points to and the METS documents that it leads to."""

    label: str
    ids: tuple[str, ...]
    documents: tuple[str, ...]
