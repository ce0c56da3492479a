"""PREMIS in a package that others made: fixity of what it places, links that lead somewhere, and AIP4-AIP19.

What the AIP specification only says one "could" do (AIP5-AIP11, AIP14) cannot be broken. A package has several PREMIS
documents that know each other: links are held against all of them together.
"""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from packages_spec.eark.context import brief
from packages_spec.findings import Finding
from packages_spec.package_files import ALGORITHMS, PackageFiles, algorithm_of
from packages_spec.paths import shown
from packages_spec.safe_xml import Element, UnsafeXml, stream

_PREMIS = "{http://www.loc.gov/premis/v3}"
_EARLIER = ("{info:lc/xmlns/premis-v2}", "{http://www.loc.gov/standards/premis/v1}")
_ENTITIES = ("object", "event", "agent", "rights")
_TO_EVENTS = (f"{_PREMIS}linkingEventIdentifier", f"{_PREMIS}relatedEventIdentifier")
_RELATED = f"{_PREMIS}relatedObjectIdentifierValue"
_INCLUDED = {"is included in", "is part of"}

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_MOST_LINKS = 200_000

Link = tuple[str, str, str]


class PremisJudge:
    """Judges the PREMIS documents of a package one after another, and at the end what they say of each other."""

    def __init__(self, files: PackageFiles, *, is_aip: bool) -> None:
        self.files = files
        self.is_aip = is_aip
        self._known: dict[str, set[int]] = {"agent": set(), "rights": set()}
        self._links: dict[tuple[str, int], Link] = {}
        self._events = self._related = self._relationships = 0
        self._wholes: set[int] = set()
        self._documents: list[str] = []

    def document(self, path: str) -> Iterator[Finding]:
        """Findings on one document; what is no PREMIS 3 is said to be so and not judged."""
        local: set[int] = set()
        tags = [space + name for space in (_PREMIS, *_EARLIER) for name in (*_ENTITIES, "premis")]
        try:
            with (self.files.root / path).open("rb") as source:
                for event, element in stream(source, tags, shown(path)):
                    space, _, name = element.tag.rpartition("}")
                    if space + "}" != _PREMIS:
                        if event == "start" and name == "premis":
                            yield Finding(
                                "reference.premis-version", shown(path), "3.0", element.get("version", space[1:])
                            )
                        continue
                    if event == "start" and name == "premis":
                        self._documents.append(path)
                    elif event == "end" and name in _ENTITIES:
                        yield from self._entity(path, name, element, local)
        except UnsafeXml as error:
            yield error.finding

    def links(self) -> Iterator[Finding]:
        """Links that lead nowhere in the package, and what an AIP's history should tell."""
        for (kind, key), (path, requirement, value) in self._links.items():
            if key not in self._known[kind]:
                yield Finding(f"eark.{requirement}", shown(path), found=brief(value))
        if self.is_aip and self._documents:
            place = shown(self._documents[0])
            if not self._relationships:
                yield Finding("eark.AIP12", place)
            if self._events and not self._related:
                yield Finding("eark.AIP17", place)

    def is_part_of(self, package: str) -> bool:
        """Whether some object is told to be a part of the package of that identifier."""
        return not self._wholes.isdisjoint({_key(package), _key(package.rpartition(":")[2])})

    def _entity(self, path: str, name: str, element: Element, local: set[int]) -> Iterator[Finding]:
        if name == "object":
            yield from self._object(path, element, local)
        elif name == "event":
            self._events += 1
            if self.is_aip and element.find(f"{_PREMIS}linkingAgentIdentifier") is None:
                yield Finding("eark.AIP16", shown(path), found=brief(_identifier(element, "event")))
        elif name == "agent":
            self._know("agent", _identifiers(element, "agentIdentifier"))
        else:
            self._know("rights", _identifiers(element, "rightsStatement/" + _PREMIS + "rightsStatementIdentifier"))
        self._related += next(element.iter(*_TO_EVENTS), None) is not None
        self._related += name == "event" and element.find(f"{_PREMIS}linkingObjectIdentifier") is not None
        if self.is_aip:
            self._link(path, element)
            if len(self._links) > _MOST_LINKS:
                raise UnsafeXml(Finding("xml.too-large", shown(path), f"<= {_MOST_LINKS} links", str(len(self._links))))

    def _link(self, path: str, element: Element) -> None:
        for node, kind, requirement in (
            ("linkingAgentIdentifier", "agent", "AIP18"),
            ("linkingRightsStatementIdentifier", "rights", "AIP19"),
        ):
            for each in element.iter(_PREMIS + node):
                value = "\0".join(child.text or "" for child in list(each)[:2]).strip()
                self._links.setdefault((kind, _key(value)), (path, requirement, value.replace("\0", " ")))

    def _know(self, kind: str, values: Iterator[str]) -> None:
        self._known[kind].update(map(_key, values))

    def _object(self, path: str, element: Element, local: set[int]) -> Iterator[Finding]:
        for relationship in element.iterfind(f"{_PREMIS}relationship"):
            self._relationships += 1
            kind = relationship.findtext(f"{_PREMIS}relationshipSubType") or ""
            if kind.strip().lower() in _INCLUDED:
                self._wholes.update(_key(each.text or "") for each in relationship.iter(_RELATED))
        for value in _identifiers(element, "objectIdentifier"):
            kind, _, name = value.partition("\0")
            if self.is_aip and kind.strip().lower() == "local":
                if _key(name) in local:
                    yield Finding("eark.AIP4", shown(path), found=brief(name))
                local.add(_key(name))
        for place in self._places(path, element):
            yield from self._fixity(path, place, element)
            break

    def _places(self, path: str, element: Element) -> Iterator[str]:
        """The file of the package that an object's location names, seen from the folders that it may be meant from."""
        location = element.findtext(f".//{_PREMIS}contentLocationValue")
        if not location:
            return
        relative = unquote(location.strip().removeprefix("file:").lstrip("/"))
        folder = posixpath.dirname(posixpath.dirname(posixpath.dirname(path)))
        for base in (folder, posixpath.dirname(path), ""):
            place = posixpath.normpath(posixpath.join(base, relative))
            if place in self.files:
                yield place

    def _fixity(self, path: str, place: str, element: Element) -> Iterator[Finding]:
        """The outermost characteristics are those of the file as it lies there (the highest composition level)."""
        layers = element.findall(f"{_PREMIS}objectCharacteristics")
        if not layers:
            return
        layer = max(layers, key=_level)
        size = (layer.findtext(f"{_PREMIS}size") or "").strip()
        if _NUMBER.fullmatch(size) and int(size) != self.files.size(place):
            yield Finding("premis.size", shown(place), f"{shown(path)}: {size}", str(self.files.size(place)))
        for fixity in layer.iterfind(f"{_PREMIS}fixity"):
            named = (fixity.findtext(f"{_PREMIS}messageDigestAlgorithm") or "").strip()
            said = (fixity.findtext(f"{_PREMIS}messageDigest") or "").strip().lower()
            algorithm = algorithm_of(named)
            if algorithm is None:
                yield Finding("reference.algorithm-unknown", shown(place), ", ".join(sorted(ALGORITHMS)), brief(named))
            elif (actual := self.files.digest(place, algorithm)) != said:
                yield Finding("premis.digest", shown(place), f"{shown(path)}: {said}", actual)


def _level(layer: Element) -> int:
    text = (layer.findtext(f"{_PREMIS}compositionLevel") or "").strip()
    return int(text) if _NUMBER.fullmatch(text) else 0


def _identifiers(element: Element, path: str) -> Iterator[str]:
    """Type and value of each identifier at a path."""
    for node in element.iterfind(_PREMIS + path):
        yield "\0".join(child.text or "" for child in list(node)[:2]).strip()


def _identifier(element: Element, of: str) -> str:
    return next(_identifiers(element, f"{of}Identifier"), "").replace("\0", " ")


def _key(value: str) -> int:
    return hash(value.strip())
