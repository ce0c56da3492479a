"""A METS document as the rules see it: a small tree without its files, which are handed over one by one.

A package may list a million files, and a rule on a file needs nothing but that file: so the tree keeps what a package
says of itself (its head, its metadata sections, its file groups, the top of its structural maps), and every `file`
is judged while it passes and forgotten. Content wrapped in the document and deeper divisions are passed over.
"""

from collections.abc import Iterator
from pathlib import Path

from packages_spec.findings import Finding
from packages_spec.safe_xml import Element, UnsafeXml, stream

METS = "http://www.loc.gov/METS/"
PREFIXES = {
    "http://www.w3.org/1999/xlink": "xlink:",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi:",
    "http://www.w3.org/XML/1998/namespace": "xml:",
    "https://DILCIS.eu/XML/METS/CSIPExtensionMETS": "csip:",
    "https://DILCIS.eu/XML/METS/SIPExtensionMETS": "sip:",
}
"""Namespaces of attributes and the prefixes that rules call them by."""

MOST_NODES = 200_000
"""Elements that the tree of a document may keep; one with more is not judged, which is a finding."""

_WRAPPED = {"xmlData", "binData"}
_DEEPEST_DIVISION = 4


class Node:
    """An element: its name, its attributes by the names that rules use, its text, and the children that are kept."""

    __slots__ = ("attributes", "children", "files", "name", "parent", "text")

    def __init__(self, name: str, attributes: dict[str, str], parent: "Node | None") -> None:
        self.name = name
        self.attributes = attributes
        self.parent = parent
        self.children: list[Node] = []
        self.text = ""
        self.files = 0

    def get(self, name: str) -> str:
        """The value of an attribute, stripped; empty if it is absent."""
        return self.attributes.get(name, "").strip()

    def each(self, name: str) -> Iterator["Node"]:
        """The children of that name."""
        return (child for child in self.children if child.name == name)

    def below(self, path: str) -> Iterator["Node"]:
        """The elements at a path such as `dmdSec/mdRef`; the empty path is the element itself."""
        head, _, rest = path.partition("/")
        if not head:
            yield self
        for child in self.each(head):
            yield from child.below(rest)

    def everywhere(self, name: str) -> Iterator["Node"]:
        """The elements of that name at any depth."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.everywhere(name)


def read_document(path: Path, name: str) -> Iterator[Node]:
    """The root of the document, whose tree grows while one reads on, and then every `file`. Raises UnsafeXml.

    A `file` has its group as its parent, which counts it, and its locations as children. What is no METS yields a root
    of another name. The tree is whole when there is nothing more to read.
    """
    with path.open("rb") as source:
        kept: list[Node | None] = []
        divisions = nodes = 0
        for event, element in stream(source, ["{*}*"], name):
            tag = element.tag
            if event == "start":
                divisions += tag.endswith("}div")
                parent = kept[-1] if kept else None
                kept.append(_node(element, parent) if _is_kept(kept, divisions) else None)
                nodes += kept[-1] is not None
                if nodes > MOST_NODES:
                    raise UnsafeXml(Finding("xml.too-large", name, f"<= {MOST_NODES} elements", str(nodes)))
                if parent is None and kept[0] is not None and len(kept) == 1:
                    yield kept[0]
                continue
            divisions -= tag.endswith("}div")
            node = kept.pop()
            if node is None:
                continue
            node.text = (element.text or "").strip()
            if node.name == "file" and node.parent is not None:
                node.parent.files += 1
                nodes -= 1 + len(node.children)
                yield node
            elif node.parent is not None:
                node.parent.children.append(node)


def _is_kept(above: list[Node | None], divisions: int) -> bool:
    if not above:
        return True
    parent = above[-1]
    return parent is not None and parent.name not in _WRAPPED and divisions <= _DEEPEST_DIVISION


def _node(element: Element, parent: Node | None) -> Node:
    return Node(local_name(element.tag), named(element), parent)


def local_name(tag: str) -> str:
    """The name by which rules know an element: METS elements by their own name, others with their namespace or `{}`."""
    space, _, name = tag.rpartition("}")
    return name if space == f"{{{METS}" else f"{space or '{'}}}{name}"


def named(element: Element) -> dict[str, str]:
    """The attributes of an element by the names that rules use."""
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        space, _, name = str(key).rpartition("}")
        attributes[PREFIXES.get(space[1:], space + "}") + name if space else name] = str(value)
    return attributes
