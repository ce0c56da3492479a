"""Packages put together: what a SIP, an AIP and a DIP hold, and in which places."""

from packages_spec.profiles.build import build
from packages_spec.profiles.content import (
    BAG_PROFILE,
    Built,
    ExtraFile,
    PackageContent,
    PackageKind,
    PayloadFile,
    Sink,
    delivery_path,
    package_folder,
    package_id,
    payload_path,
    representation_id,
)
from packages_spec.profiles.validate import validate_package

__all__ = [
    "BAG_PROFILE",
    "Built",
    "ExtraFile",
    "PackageContent",
    "PackageKind",
    "PayloadFile",
    "Sink",
    "build",
    "delivery_path",
    "package_folder",
    "package_id",
    "payload_path",
    "representation_id",
    "validate_package",
]
