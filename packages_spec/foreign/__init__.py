"""Packages that other archives made (外来信息包): by which system, what in them is content, what they were called."""

from packages_spec.foreign.described import Described, described_in
from packages_spec.foreign.recognise import Foreign, Item, System, recognise

__all__ = ["Described", "Foreign", "Item", "System", "described_in", "recognise"]
