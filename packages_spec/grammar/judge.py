"""Judging the form of a document as a stream (结构检查): which elements, in which order, with which values.

Nothing of the document stays in memory but the names of the children of the elements that are open, a short digest of
each identifier, and the references that point to none so far.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO

from packages_spec.findings import Finding
from packages_spec.grammar.model import Attribute, Element, Grammar, grammars
from packages_spec.grammar.types import TYPES, is_name
from packages_spec.paths import shown
from packages_spec.safe_xml import Element as XmlElement
from packages_spec.safe_xml import UnsafeXml, stream

MOST = 200
"""Findings on one document; a document with more is as wrong as it can be."""

MOST_NAMES = 2_000_000
"""Identifiers in one document, and ten times the references that wait for theirs."""

_LONGEST = 200
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_PREFIXES = {
    "{http://www.w3.org/1999/xlink}": "xlink:",
    "{http://www.w3.org/XML/1998/namespace}": "xml:",
    "{https://DILCIS.eu/XML/METS/CSIPExtensionMETS}": "csip:",
    "{https://DILCIS.eu/XML/METS/SIPExtensionMETS}": "sip:",
}
_BLANKS = " \t\r\n"


class _Open:
    """An element that has begun: what it must be (None: anything), and the names of its children so far.

    Children come as runs of one name, [name, how many]: a million files in a group are one run.
    """

    __slots__ = ("children", "grammar", "model")

    def __init__(self, model: Element | None, grammar: Grammar | None) -> None:
        self.model = model
        self.grammar = grammar
        self.children: list[tuple[str, int]] = []

    def child(self, name: str) -> None:
        """One more child."""
        if self.children and self.children[-1][0] == name:
            self.children[-1] = (name, self.children[-1][1] + 1)
        else:
            self.children.append((name, 1))


class FormJudge:
    """Judges a document element by element, as they begin and end."""

    def __init__(self, path: str) -> None:
        self.path = shown(path)
        self._open: list[_Open] = []
        self._identifiers: set[int] = set()
        self._awaited: dict[int, tuple[str, str]] = {}

    def start(self, element: XmlElement) -> Iterator[Finding]:
        """An element begins: its name and its attributes."""
        space, _, name = element.tag.rpartition("}")
        grammar = grammars().get(space[1:])
        above = self._open[-1] if self._open else None
        if above is not None:
            above.child(name if grammar is not None and grammar is above.grammar else element.tag)
            yield from self._text_before(element, above)
        opened = _Open(None, grammar)
        self._open.append(opened)
        if grammar is None or (above is not None and above.model is not None and not self._belongs(above, grammar)):
            return
        if above is None and not any(root.partition("/")[0] == name for root in grammar.roots):
            yield self._find("grammar.root", element, " | ".join(sorted(grammar.roots)), name)
        kind = element.get(f"{_XSI}type", "").strip().rpartition(":")[2]
        opened.model = grammar.element(name, kind)
        if opened.model is None:
            if grammar.depends(name):
                yield self._find("grammar.type", element, "xsi:type", kind)
            return
        yield from self._attributes(element, opened.model, grammar)

    def end(self, element: XmlElement) -> Iterator[Finding]:
        """An element ends: its children and its text."""
        opened = self._open.pop()
        model = opened.model
        if model is None:
            return
        last = element[-1].tail if len(element) else element.text
        if model.text:
            yield from self._text(element, model)
        elif (last or "").strip(_BLANKS):
            yield self._find("grammar.text", element, model.name, (last or "").strip())
        # No model counts further than to two, so a longer run says no more than one of two.
        names = "".join(f"{name} " if count == 1 else f"{name} {name} " for name, count in opened.children)
        if not model.pattern.fullmatch(names):
            yield self._find("grammar.children", element, model.children or "-", _summary(opened.children))

    def finish(self) -> Iterator[Finding]:
        """The document ends: references that point to nothing in it."""
        for place, value in self._awaited.values():
            yield Finding("grammar.reference", self.path, place, value[:_LONGEST])

    def _belongs(self, above: _Open, grammar: Grammar) -> bool:
        """Whether a child of a known vocabulary is judged: as a part of its own, or as content that is welcome."""
        return grammar is above.grammar or above.model is None or above.model.takes_any

    def _text_before(self, element: XmlElement, above: _Open) -> Iterator[Finding]:
        """Text between the children of an element that has children only."""
        if above.model is None:
            return
        before, parent = element.getprevious(), element.getparent()
        words = before.tail if before is not None else None if parent is None else parent.text
        if words and words.strip(_BLANKS) and not above.model.text:
            yield self._find("grammar.text", element, above.model.name, words.strip())

    def _text(self, element: XmlElement, model: Element) -> Iterator[Finding]:
        words = element.text or ""
        if not TYPES[model.text](words if model.text == "string" else words.strip(_BLANKS)):
            yield self._find("grammar.value", element, model.text, words)

    def _attributes(self, element: XmlElement, model: Element, grammar: Grammar) -> Iterator[Finding]:
        given: set[str] = set()
        for key, value in element.attrib.items():
            space, _, local = str(key).rpartition("}")
            name = (_PREFIXES.get(f"{space}}}", f"{space}}}") if space else "") + local
            if f"{space}}}" == _XSI:
                continue
            given.add(name)
            rule = model.attributes.get(name)
            if rule is None and space and model.other and space[1:] != grammar.namespace:
                rule = grammar.foreign.get(name)
            elif rule is None:
                yield self._find("grammar.attribute", element, model.name, name)
            if rule is not None:
                yield from self._value(element, name, rule, str(value))
        for name, rule in model.attributes.items():
            if rule.must and name not in given:
                yield self._find("grammar.attribute-missing", element, name)

    def _value(self, element: XmlElement, name: str, rule: Attribute, value: str) -> Iterator[Finding]:
        plain = value if rule.type == "string" or rule.type[0] in "(=" else value.strip(_BLANKS)
        if not rule.holds(plain):
            yield self._find("grammar.value", element, f"{name}: {rule.type}", value)
        elif rule.type == "id":
            key = _key(plain)
            if key in self._identifiers:
                yield self._find("grammar.id-twice", element, name, value)
            self._identifiers.add(key)
            self._awaited.pop(key, None)
            self._bound(len(self._identifiers))
        elif rule.type in {"idref", "idrefs"}:
            for word in filter(is_name, plain.split()):
                if _key(word) not in self._identifiers:
                    self._awaited.setdefault(_key(word), (f"{_place(element)} {name}", word))
                    self._bound(10 * len(self._awaited))

    def _bound(self, names: int) -> None:
        if names > MOST_NAMES:
            raise UnsafeXml(Finding("xml.too-large", self.path, f"<= {MOST_NAMES} identifiers", str(names)))

    def _find(self, code: str, element: XmlElement, expected: str = "", found: str = "") -> Finding:
        where = f"{_place(element)}: {shown(found)[:_LONGEST]}" if found else _place(element)
        return Finding(code, self.path, expected[:_LONGEST], where)


def judge_form(source: BinaryIO | bytes, path: str) -> Iterator[Finding]:
    """Everything that the grammars do not allow in a document. Raises UnsafeXml for one that must not be read."""
    judge, told = FormJudge(path), 0
    for event, element in stream(source, ["{*}*", "*"], path):
        for finding in judge.start(element) if event == "start" else judge.end(element):
            told += 1
            if told > MOST:
                yield Finding("grammar.more", shown(path), str(MOST))
                return
            yield finding
    yield from judge.finish()


def _key(value: str) -> int:
    return int.from_bytes(blake2b(value.encode(), digest_size=8).digest())


def _place(element: XmlElement) -> str:
    name = element.tag.rpartition("}")[2]
    return f"{name}, line {element.sourceline}"


def _summary(children: list[tuple[str, int]]) -> str:
    """The children's names as a person reads them."""
    names = ((name.rpartition("}")[2], count) for name, count in children[:20])
    return " ".join(name if count == 1 else f"{name} x {count}" for name, count in names) or "-"
