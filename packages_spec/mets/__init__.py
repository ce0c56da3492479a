"""METS 1.12 in the E-ARK CSIP profile: written from templates, read as a stream."""

from packages_spec.mets.reader import read_mets
from packages_spec.mets.values import (
    CONTENT_CATEGORIES,
    PROFILES,
    Division,
    FileReference,
    Header,
    MetadataFile,
    MetsFile,
    Root,
    Section,
    StructMap,
)
from packages_spec.mets.writer import package_mets, representation_mets

__all__ = [
    "CONTENT_CATEGORIES",
    "PROFILES",
    "Division",
    "FileReference",
    "Header",
    "MetadataFile",
    "MetsFile",
    "Root",
    "Section",
    "StructMap",
    "package_mets",
    "read_mets",
    "representation_mets",
]
