"""Descriptive metadata: simple Dublin Core and our own archive.xml."""
