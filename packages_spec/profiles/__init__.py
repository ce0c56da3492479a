"""Packages put together: what a SIP, an AIP and a DIP hold, and in which places."""

from packages_spec.profiles.build import build
from packages_spec.profiles.content import (
    BAG_PROFILE,
    NAMES,
    PLAIN_DIGESTS,
    SEALED_METS,
    SEALED_SUFFIX,
    Built,
    ExtraFile,
    PackageContent,
    PackageKind,
    PayloadFile,
    Sealing,
    Sink,
    delivery_path,
    neutral_names,
    package_folder,
    package_id,
    payload_path,
    representation_id,
    sealed_path,
)
from packages_spec.profiles.validate import validate_package

__all__ = [
    "BAG_PROFILE",
    "NAMES",
    "PLAIN_DIGESTS",
    "SEALED_METS",
    "SEALED_SUFFIX",
    "Built",
    "ExtraFile",
    "PackageContent",
    "PackageKind",
    "PayloadFile",
    "Sealing",
    "Sink",
    "build",
    "delivery_path",
    "neutral_names",
    "package_folder",
    "package_id",
    "payload_path",
    "representation_id",
    "sealed_path",
    "validate_package",
]
