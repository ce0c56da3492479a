"""A grammar as data becomes something to judge by: the elements of a vocabulary, their children and attributes."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from packages_spec.grammar.types import TYPES, Test

GRAMMARS = ("mets.toml", "premis.toml", "dublin_core.toml")
ANY = "any"

_ATTRIBUTE = re.compile(
    r"@(?P<group>\w+)|(?P<other>\*)|"
    r"(?P<name>(?:(?:xlink|xml|csip|sip):)?\w+)(?P<must>!)?(?::(?P<type>\([^)]*\)|=\S+|\w+))?"
)
_MODEL_NAME = re.compile(r"\w+")


class Attribute(msgspec.Struct, frozen=True):
    """An attribute: whether it must be there, its type's name or its choices, and the test of its value."""

    must: bool
    type: str
    holds: Test


class Element(msgspec.Struct, frozen=True):
    """An element: the pattern of its children's names, its attributes, and the type of its text.

    `children` is the model in words; the pattern reads the children's names, each followed by a blank. An element has
    either children or text. `other` allows attributes of other vocabularies.
    """

    name: str
    children: str
    pattern: re.Pattern[str]
    attributes: Mapping[str, Attribute]
    other: bool = False
    text: str = ""

    @property
    def takes_any(self) -> bool:
        """Whether it holds content of other vocabularies."""
        return ANY in self.children.replace("+", "").replace("*", "").split()


class Grammar(msgspec.Struct, frozen=True):
    """The elements of one namespace by name (or name/type), the roots of its documents, foreign attributes."""

    namespace: str
    roots: frozenset[str]
    elements: Mapping[str, Element]
    foreign: Mapping[str, Attribute]

    def element(self, name: str, kind: str = "") -> Element | None:
        """The element of that name, or of that name and xsi:type."""
        return self.elements.get(f"{name}/{kind}") or self.elements.get(name)

    def depends(self, name: str) -> bool:
        """Whether the element's model depends on its xsi:type."""
        return name not in self.elements and any(key.startswith(f"{name}/") for key in self.elements)


@cache
def grammars() -> Mapping[str, Grammar]:
    """Every grammar by its namespace."""
    loaded = (_load(tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))) for name in GRAMMARS)
    return {grammar.namespace: grammar for grammar in loaded}


def _load(data: Mapping[str, Any]) -> Grammar:
    groups: Mapping[str, str] = data["groups"]
    elements = {name: _element(name, row, groups) for name, row in data["elements"].items()}
    for form, names in data.get("alike", {}).items():
        row = _alike(form)
        elements |= {name: _element(name, row, groups) for name in names.split()}
    foreign = {name: _attribute(kind) for name, kind in data.get("foreign", {}).items()}
    return Grammar(data["namespace"], frozenset(data["roots"].split()), elements, foreign)


def _alike(form: str) -> Mapping[str, str]:
    """A row for elements that are alike: `text:TYPE attributes`, or a model of children."""
    if not form.startswith("text:"):
        return {"children": form}
    kind, _, attributes = form.removeprefix("text:").partition(" ")
    return {"text": kind, "attributes": attributes}


def _element(name: str, row: Mapping[str, str], groups: Mapping[str, str]) -> Element:
    attributes, other = dict[str, Attribute](), False
    for match in _attributes(row.get("attributes", ""), groups):
        if match["other"]:
            other = True
        else:
            attributes[match["name"]] = _attribute(match["type"] or "string", must=bool(match["must"]))
    children = row.get("children", "")
    return Element(name, children, _pattern(children), attributes, other, row.get("text", ""))


def _attributes(words: str, groups: Mapping[str, str]) -> Iterator[re.Match[str]]:
    for match in _ATTRIBUTE.finditer(words):
        if match["group"]:
            yield from _attributes(groups[match["group"]], groups)
        else:
            yield match


def _attribute(kind: str, *, must: bool = False) -> Attribute:
    if kind.startswith("("):
        return Attribute(must, kind, frozenset(kind[1:-1].split("|")).__contains__)
    if kind.startswith("="):
        return Attribute(must, kind, kind[1:].__eq__)
    return Attribute(must, kind, TYPES[kind])


def _pattern(model: str) -> re.Pattern[str]:
    """The model as a pattern of names, each with a blank behind it."""
    spaced = _MODEL_NAME.sub(lambda name: r"(?:\S+ )" if name[0] == ANY else f"(?:{re.escape(name[0])} )", model)
    return re.compile(re.sub(r"(?<=[)?*+]) +(?=\()", "", spaced))
