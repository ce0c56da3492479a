"""What readers tell: text made fit to be kept, lists kept short."""

from packages_spec.technical import Part, Property
from packages_spec.xml_text import is_writable

PARTS_LISTED = 1_000
"""Parts that are listed of one file; how many there are is always said."""
LETTERS = 300
"""Letters that are kept of any one text."""


class Unreadable(Exception):  # noqa: N818 - named after what was met, not after being an error
    """The file is not what it seems, or not whole; the text says why."""


def plain(words: object) -> str | None:
    """The words, shortened, without what XML cannot carry; None where nothing is left."""
    text = "".join(each if is_writable(each) else "_" for each in str(words)[:LETTERS]).strip()
    return text or None


def listed(parts: list[Part]) -> tuple[tuple[Part, ...], tuple[Property, ...]]:
    """The parts that are listed, and how many are not."""
    left = len(parts) - PARTS_LISTED
    return tuple(parts[:PARTS_LISTED]), (Property("parts-not-listed", str(left)),) if left > 0 else ()


def signature(kind: str, status: str, *, note: str = "", **more: object) -> Part:
    """An embedded signature or seal: `status` is valid, invalid or not-tested, and never left out."""
    said = [Property("status", status)]
    said += [Property(name.replace("_", "-"), value) for name, raw in more.items() if (value := plain(raw))]
    if note:
        said.append(Property("note", plain(note) or ""))
    return Part("signature", kind, tuple(said))
