"""Descriptive metadata: simple Dublin Core and our own archive.xml."""

from packages_spec.descriptive.description import Description

__all__ = ["Description"]
