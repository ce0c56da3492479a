"""Descriptive metadata: simple Dublin Core and our own archive.xml."""

from packages_spec.descriptive.archive_xml import VERSIONS, read_archive_xml, schema, version_of, write_archive_xml
from packages_spec.descriptive.description import Description
from packages_spec.descriptive.dublin_core import dublin_core, read_dc, write_dc
from packages_spec.descriptive.ead3 import Component, FindingAid, write_ead3

__all__ = [
    "VERSIONS",
    "Component",
    "Description",
    "FindingAid",
    "dublin_core",
    "read_archive_xml",
    "read_dc",
    "schema",
    "version_of",
    "write_archive_xml",
    "write_dc",
    "write_ead3",
]
