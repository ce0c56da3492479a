"""The names in a bag (RFC 8493 6): not Unicode, one name elsewhere, or such as other systems cannot hold.

Nearly all names are harmless, and the text of them all tells so in a few looks; only then is each looked at by itself.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from packages_spec.bagit.tree import Tree
from packages_spec.findings import Finding
from packages_spec.paths import DEVICE, HIDDEN, same_name, shown

_FORBIDDEN = re.compile(r'[<>:"\\|?*]')
_SUSPICIOUS = re.compile(f'{HIDDEN.pattern[:-1]}<>:"\\\\|?*]'.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_ENDINGS: Final = (" \n", ".\n", " /", "./")
_DEVICES: Final = ("con", "prn", "aux", "nul", "com", "lpt")


def judge_names(tree: Tree) -> Iterator[Finding]:
    """What speaks against the names of files and folders as they stand in the file system."""
    names = [*tree.payload, *tree.tags, *tree.folders]
    if len(set(map(same_name, names))) < len(names):
        yield from _alike(names)
    text = "\n".join(names) + "\n"
    folded = text.lower()
    if (
        _SUSPICIOUS.search(text)
        or any(ending in text for ending in _ENDINGS)
        or any(f"\n{device}" in folded or f"/{device}" in folded for device in _DEVICES)
        or text.count("\n") != len(names)
        or not _is_unicode(text)
    ):
        yield from chain.from_iterable(map(_judge_name, names))


def _is_unicode(text: str) -> bool:
    return text.isascii() or shown(text) == text


def _alike(names: Iterable[str]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for path in sorted(names):
        if first.setdefault(same_name(path), path) != path:
            yield Finding("bag.names-alike", shown(path), found=shown(first[same_name(path)]))


def _judge_name(path: str) -> Iterator[Finding]:
    name = path.rpartition("/")[2]
    if not _is_unicode(path):
        yield Finding("path.not-utf8", shown(path))
        return
    if HIDDEN.search(name):
        yield Finding("bag.name-hidden", path, found=ascii(name))
    if _FORBIDDEN.search(name):
        yield Finding("bag.name-characters", path)
    if name.endswith((" ", ".")):
        yield Finding("bag.name-ending", path)
    if DEVICE.match(name):
        yield Finding("bag.name-device", path)
