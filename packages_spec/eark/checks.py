"""Rules on single attributes, as data: requirement, where it stands, and what its value must be."""

import re
from collections.abc import Callable, Iterator

import msgspec

from packages_spec.eark import vocabularies
from packages_spec.eark.context import Context
from packages_spec.eark.document import Node
from packages_spec.eark.media_types import LONGEST, Standing, standing
from packages_spec.findings import Finding
from packages_spec.grammar import is_date_time

_SIZE = re.compile(r"\d{1,18}", re.ASCII)
"""Sizes as METS bounds them (a signed number of 64 bits)."""
_HEX = re.compile("[0-9A-Fa-f]+")


class Check(msgspec.Struct, frozen=True):
    """What a value must be, in words, and how to tell."""

    expected: str
    holds: Callable[[str], bool]


def one_of(values: frozenset[str]) -> Check:
    """Exactly one of a list."""
    return Check(" | ".join(sorted(values)[:8]) + (" | ..." if len(values) > 8 else ""), values.__contains__)


def exactly(value: str) -> Check:
    """Nothing but this."""
    return Check(value, value.__eq__)


def is_content_type(value: str) -> bool:
    """A content information type of the list, or one that is named like the later ones."""
    return value in vocabularies.CONTENT_TYPES or value.startswith(vocabularies.CONTENT_SPECIFICATION)


def is_content_category(value: str) -> bool:
    """A content category, hyphens being as good as dashes."""
    plain = {each.replace("\u2013", "-") for each in vocabularies.CONTENT_CATEGORIES}
    return value.replace("\u2013", "-") in plain or value == "OTHER"


PRESENT = Check("a value", bool)
DATE_TIME = Check("YYYY-MM-DDThh:mm:ss", is_date_time)
SIZE = Check("bytes", lambda value: _SIZE.fullmatch(value) is not None)
HEX = Check("hex digits", lambda value: _HEX.fullmatch(value) is not None)
URL, SIMPLE = exactly("URL"), exactly("simple")
MEDIA_TYPE = Check("type/subtype", lambda value: standing(value) is not Standing.IMPOSSIBLE)
KNOWN_MEDIA_TYPE = Check("a type registered with IANA", lambda value: standing(value) is not Standing.UNKNOWN)
PUBLIC_MEDIA_TYPE = Check("a type registered with IANA", lambda value: standing(value) is not Standing.PRIVATE)
SHORT = Check(f"<= {LONGEST} characters", lambda value: len(value) <= LONGEST)
CONTENT_TYPE = Check("a content information type", is_content_type)
CONTENT_CATEGORY = Check("a content category", is_content_category)


class Attribute(msgspec.Struct, frozen=True):
    """A rule on an attribute. A rule of which `absent` is false says nothing where the attribute is absent."""

    requirement: str
    context: str
    name: str
    check: Check = PRESENT
    absent: bool = True


def judge_attributes(rules: tuple[Attribute, ...], context: Context) -> Iterator[Finding]:
    """The rules whose elements stand in the tree."""
    for rule in rules:
        for node in context.root.below(rule.context):
            yield from judge_attribute(rule, node, context)


def judge_attribute(rule: Attribute, node: Node, context: Context) -> Iterator[Finding]:
    """One rule on one element."""
    if rule.name not in node.attributes and not rule.absent:
        return
    value = node.get(rule.name)
    if not rule.check.holds(value):
        yield context.breach(rule.requirement, rule.check.expected, value)
