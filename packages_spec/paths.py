r"""Names (文件名): which are safe to keep, what becomes of the others, and which are refused.

The rule that makes a name safe is stored for ever: every package is laid out by it. A path is judged part by part
(a part stands between two `/`); for each part, in this order:

1. it is brought to Unicode form NFC;
2. `_` takes the place of each code point that is `%`, a control (U+0000-001F, U+007F-009F), one of `< > : " \ | ? *`,
   or invisible or able to turn the reading order (U+00AD, U+061C, U+180E, U+200B-200F, U+2028-202E, U+2060-206F,
   U+FEFF, U+FFF9-FFFB, U+FFFE, U+FFFF, U+E0000-E007F); an empty part becomes `_`;
3. a part over 200 bytes of UTF-8 loses code points before its extension (its last dot and what follows, when that is
   at most 32 bytes and not the whole part) until it fits;
4. `_` takes the place of each space or `~` that leads, of each dot or space that trails, and of the first code point
   of a device name of Windows (CON, PRN, AUX, NUL, CONIN$, CONOUT$, COM0-9, LPT0-9, also with superscript 1, 2, 3;
   whatever its case, alone or before a dot).

The code points are listed here, not asked of the Unicode tables, so that a newer Python cannot change the answer.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

import msgspec

from packages_spec.findings import Finding

LONGEST_PART = 200
"""Bytes of UTF-8 that one part of a path may have."""
LONGEST_PATH = 4096
"""Bytes of UTF-8 that a claimed path may have: no file system of ours takes more."""
LONGEST_EXTENSION = 32
"""Bytes of UTF-8, the dot included, up to which the end of a name counts as its extension."""

_INVISIBLE = (
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"
)
HIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f{_INVISIBLE}]")
"""What a reader of a name does not see: controls, and code points that are invisible or turn the reading order."""
_FAILING = re.compile(f'{HIDDEN.pattern[:-1]}%<>:"\\\\|?*]')
_EDGES = re.compile(r"^[ ~]+|[ .]+$")
DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
"""The name of a device of Windows at the head of a part."""
_PLAIN = re.compile(r"[0-9A-Za-z\-]{5,160}\.[0-9A-Za-z]{1,8}")
"""Names of which one look tells that they are safe as they are: nearly all that a scanner writes."""
_LETTERS = r"0-9A-Za-z_\-\u3400-\u9fff"
HARMLESS = re.compile(f"[{_LETTERS}][{_LETTERS} ]*(?:[./][{_LETTERS}]+)*")
"""Paths of which one look tells that they lead nowhere else, hold nothing encoded, and have one Unicode form."""
_DRIVE = re.compile(r"[A-Za-z]:")


class SafePaths(msgspec.Struct, frozen=True):
    """What a whole delivery's paths become: `names` from each original to its safe path, and what speaks against it."""

    names: dict[str, str]
    findings: tuple[Finding, ...]


def decode_name(raw: bytes) -> str | None:
    """The name as text if it is strict UTF-8, else None: such a name is never guessed at."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def shown(path: str) -> str:
    r"""The path as it may be printed and stored: bytes that were no UTF-8 stand there as `\udcXX`."""
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def safe_path(path: str) -> str:
    """The safe form of a relative path, by the rule at the head of this module; a safe path stays as it is.

    Raises `UnicodeEncodeError` for a path that is not valid Unicode: such a delivery is refused before.
    """
    return "/".join(map(_safe_part, path.split("/")))


def safe_paths(paths: Iterable[str]) -> SafePaths:
    """The safe path of every file of one delivery, the same whatever the order they come in.

    Within a folder a name that needs no replacement keeps it; one whose replacement meets another name (compared
    without case) gets `_2`, `_3`, ... before its extension, in the order of the bytes. Originals that are one name
    after NFC or without case, and a name that is both file and folder, are findings: nobody can say which is meant.
    The paths come from a file system or were accepted by `judge_path`; raises `UnicodeEncodeError` as `safe_path` does.
    """
    files = set(paths)
    folders = _folders(files)
    safe, names, findings = {"": ""}, {}, []
    for folder in sorted(folders):
        prefix, safe_prefix = (folder + "/", safe[folder] + "/") if folder else ("", "")
        chosen, collisions = _siblings(folders[folder])
        findings += [_collision(prefix + one, prefix + other) for one, other in collisions]
        for name, safe_name in chosen.items():
            path = prefix + name
            if path in folders:
                safe[path] = safe_prefix + safe_name
            if path in files:
                names[path] = safe_prefix + safe_name
    findings += [_collision(path, path + "/") for path in sorted(files & folders.keys())]
    return SafePaths(names, tuple(findings))


def judge_path(path: str) -> list[Finding]:
    """What speaks against a path that a manifest or an archive claims: all of it could lead outside, none is mended."""
    if 3 * len(path) < LONGEST_PATH and HARMLESS.fullmatch(path):
        return []
    return [Finding(code, shown(path)) for code in _offences(path)]


def same_name(name: str) -> str:
    """The key under which names count as one: without case and in one Unicode form."""
    if name.isascii() or HARMLESS.fullmatch(name):
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _offences(path: str) -> Iterator[str]:
    parts = path.split("/")
    if path.startswith("/"):
        yield "path.absolute"
    elif "" in parts:
        yield "path.empty-part"
    if "." in parts or ".." in parts:
        yield "path.dots"
    if "\\" in path:
        yield "path.backslash"
    if _DRIVE.match(path):
        yield "path.drive"
    if path.startswith("~"):
        yield "path.home"
    if len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        yield "path.too-long"
    if "\0" in path:
        yield "path.nul"
    if not path.isascii() and shown(path) != path:
        yield "path.not-utf8"


def _safe_part(part: str) -> str:
    if _PLAIN.fullmatch(part):
        return part
    part = _FAILING.sub("_", unicodedata.normalize("NFC", part)) or "_"
    part = _EDGES.sub(lambda run: "_" * len(run[0]), _cut(part, LONGEST_PART))
    return "_" + part[1:] if DEVICE.match(part) else part


def _cut(part: str, longest: int, suffix: str = "") -> str:
    """The part with the suffix before its extension, the stem cut so that all fits into so many bytes."""
    stem, extension = _split(part)
    room = longest - len((suffix + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + suffix + extension if room >= 0 else part


def _split(part: str) -> tuple[str, str]:
    stem, dot, extension = part.rpartition(".")
    if stem and len((dot + extension).encode()) <= LONGEST_EXTENSION:
        return stem, dot + extension
    return part, ""


def _folders(files: Iterable[str]) -> dict[str, set[str]]:
    """Each folder by its path (the top is the empty path) with the names in it."""
    folders: dict[str, set[str]] = {"": set()}
    for path in files:
        folder, _, name = path.rpartition("/")
        while folder not in folders:
            folders[folder] = {name}
            folder, _, name = folder.rpartition("/")
        folders[folder].add(name)
    return folders


def _siblings(names: set[str]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The safe name of each name in one folder, and the pairs of originals that are one name."""
    safe = {name: _safe_part(name) for name in sorted(names)}
    first: dict[str, str] = {}
    collisions = [(first[key], name) for name in safe if first.setdefault(key := same_name(name), name) != name]
    replaced = [name for name in safe if safe[name] != unicodedata.normalize("NFC", name)]
    taken = {same_name(safe[name]) for name in safe.keys() - set(replaced)}
    following: dict[str, int] = {}
    for name in replaced:
        safe[name] = _free(safe[name], taken, following)
    return safe, collisions


def _free(name: str, taken: set[str], following: dict[str, int]) -> str:
    """The name, or the name with the next number that is still free; `following` keeps this linear."""
    key, free = same_name(name), name
    while same_name(free) in taken:
        number = following[key] = following.get(key, 1) + 1
        free = _cut(name, LONGEST_PART, f"_{number}")
    taken.add(same_name(free))
    return free


def _collision(one: str, other: str) -> Finding:
    return Finding("path.collision", shown(other), expected="", found=shown(one))
