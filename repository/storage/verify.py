#!/usr/bin/env python3
"""Check a whole store, or single objects, with nothing but Python: see README.txt beside this file.

    python3 verify.py                  the store that this file lies in
    python3 verify.py FOLDER ...       a store, or objects in one

Read once: every stored byte, hashed with SHA-256. Checked: the declarations, every inventory and its sidecar, that each
file listed is there unchanged and that nothing else is, and that the bag in each version lists exactly its files with
the same digests. Prints what is wrong, by file; exits 0 if nothing is, else 1. Python 3.8 or newer.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

WORDS = {
    "zh": {
        "missing": "缺少文件",
        "changed": "文件内容已改变（SHA-256 不符）",
        "stray": "多余的文件或文件夹",
        "link": "链接，不是普通文件",
        "unreadable": "无法读取",
        "declaration": "声明文件缺失或内容不对",
        "inventory": "inventory.json 无法识别",
        "sidecar": "inventory.json 与其摘要文件不符",
        "head": "与最新版本的 inventory.json 不一致",
        "place": "对象所在位置与其编号不符",
        "history": "旧版本的内容与现行清单不一致",
        "bag": "包清单与实际文件不符",
        "good": "全部完好：{objects} 个对象，{files} 个文件，{bytes} 字节。",
        "bad": "发现 {wrong} 处问题：{objects} 个对象，{files} 个文件，{bytes} 字节。",
        "nothing": "这里没有存储库或对象",
    },
    "en": {
        "missing": "file is missing",
        "changed": "file has changed (SHA-256 differs)",
        "stray": "file or folder that does not belong here",
        "link": "a link, not a regular file",
        "unreadable": "cannot be read",
        "declaration": "declaration is missing or has other content",
        "inventory": "inventory.json cannot be understood",
        "sidecar": "inventory.json and its digest file disagree",
        "head": "differs from inventory.json of the newest version",
        "place": "object does not lie where its id says",
        "history": "an old version is not what the present inventory says",
        "bag": "the bag's manifest and its files disagree",
        "good": "All is well: {objects} objects, {files} files, {bytes} bytes.",
        "bad": "Wrong in {wrong} places: {objects} objects, {files} files, {bytes} bytes.",
        "nothing": "there is no store and no object here",
    },
}
OBJECT, ROOT = "0=ocfl_object_1.1", "0=ocfl_1.1"
INVENTORY, SIDECAR = "inventory.json", "inventory.json.sha256"


class UnreadableError(Exception):
    """An object cannot be judged further: what is wrong was reported."""


class Report:
    """What was seen and what is wrong, printed as it is found."""

    def __init__(self, language: str) -> None:
        self.words = WORDS[language]
        self.count = {"objects": 0, "files": 0, "bytes": 0, "wrong": 0}

    def wrong(self, path: str, code: str, more: object = "") -> None:
        """Print one thing that is wrong."""
        self.count["wrong"] += 1
        print(f"{printable(path)}: {self.words[code]} {printable(more)}".rstrip())

    def close(self) -> int:
        """Print the sum; the exit status."""
        print(self.words["bad" if self.count["wrong"] else "good"].format(**self.count))
        return 1 if self.count["wrong"] else 0


def printable(text: object) -> str:
    """Text that any terminal takes: bytes that are no UTF-8, and controls, by their escapes."""
    safe = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in safe)


def digest_of(path: str, report: Report) -> str | None:
    """SHA-256 of a file, read once; None, reported, if it cannot be read."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(1 << 20))
    try:
        with Path(path).open("rb", buffering=0) as stream:
            while True:
                length = stream.readinto(buffer)
                if not length:
                    break
                digest.update(buffer[:length])
                report.count["bytes"] += length
    except OSError as error:
        report.wrong(path, "unreadable", error.strerror)
        return None
    report.count["files"] += 1
    return digest.hexdigest()


def files_under(folder: str, report: Report) -> list[str]:
    """Every file under a folder, by its path relative to it; links and empty folders are reported."""
    found: list[str] = []
    folders = [""]
    while folders:
        inner = folders.pop()
        names = sorted(os.scandir(f"{folder}/{inner}"), key=lambda item: item.name)
        for item in names:
            path = inner + item.name
            if item.is_symlink() or not (item.is_dir() or item.is_file()):
                report.wrong(item.path, "link")
            elif item.is_dir():
                folders.append(path + "/")
            else:
                found.append(path)
        if not names and inner:
            report.wrong(f"{folder}/{inner}", "stray")
    return found


def read_text(path: str, report: Report) -> str | None:
    """A small file's text; None, reported, if there is none."""
    try:
        return Path(path).read_bytes().decode("utf-8")
    except FileNotFoundError:
        report.wrong(path, "missing")
    except (OSError, ValueError) as error:
        report.wrong(path, "unreadable", error)
    return None


def read_inventory(folder: str, report: Report) -> tuple[Any, str]:
    """An inventory that agrees with its sidecar: its value and its digest."""
    path = f"{folder}/{INVENTORY}"
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        report.wrong(path, "missing")
        raise UnreadableError from error
    except OSError as error:
        report.wrong(path, "unreadable", error.strerror)
        raise UnreadableError from error
    report.count["files"] += 1
    report.count["bytes"] += len(data)
    digest = hashlib.sha256(data).hexdigest()
    if read_text(f"{folder}/{SIDECAR}", report) != f"{digest} {INVENTORY}\n":
        report.wrong(path, "sidecar")
    try:
        inventory = json.loads(data.decode("utf-8"))
        if not is_inventory(inventory):
            report.wrong(path, "inventory")
            raise UnreadableError
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        report.wrong(path, "inventory", repr(error))
        raise UnreadableError from error
    return inventory, digest


def is_inventory(inventory: Any) -> bool:
    """Whether its form is that of this store's inventories; what is not even near may raise."""
    blocks = [inventory["manifest"], *(version["state"] for version in inventory["versions"].values())]
    numbers = [f"v{number}" for number in range(1, len(blocks))]
    return (
        all(isinstance(path, str) for block in blocks for path in paths_by(block))
        and list(inventory["versions"]) == numbers
        and inventory["head"] == numbers[-1]
        and inventory["digestAlgorithm"] == "sha256"
        and isinstance(inventory["id"], str)
    )


def paths_by(block: dict[str, list[str]]) -> dict[str, str]:
    """Digest by path, of a manifest or a state."""
    return {path: digest for digest, paths in block.items() for path in paths}


def place_of(object_id: str) -> str:
    """Where an object lies in its store."""
    kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    name = "".join(chr(byte) if chr(byte) in kept else f"%{byte:02x}" for byte in object_id.encode("utf-8"))
    digest = hashlib.sha256(object_id.encode("utf-8")).hexdigest()
    if len(name) > 100:
        name = name[:100] + "-" + digest
    return digest[:3] + "/" + name


def check_object(folder: str, report: Report) -> str | None:
    """One object: returns its id, or None if not even that could be read."""
    report.count["objects"] += 1
    try:
        return _check_object(folder, report)
    except UnreadableError:
        return None


def _check_object(folder: str, report: Report) -> str:
    if read_text(f"{folder}/{OBJECT}", report) != "ocfl_object_1.1\n":
        report.wrong(f"{folder}/{OBJECT}", "declaration")
    inventory, digest = read_inventory(folder, report)
    expected = paths_by(inventory["manifest"])
    own = {OBJECT, INVENTORY, SIDECAR}
    for version in inventory["versions"]:
        own |= {version + "/" + INVENTORY, version + "/" + SIDECAR}
        check_version(folder, version, inventory, digest, report)
    found = set(files_under(folder, report))
    for path in sorted(found - own - set(expected)):
        report.wrong(f"{folder}/{path}", "stray")
    for path in sorted(expected):
        if path not in found:
            report.wrong(f"{folder}/{path}", "missing")
        else:
            actual = digest_of(f"{folder}/{path}", report)
            if actual is not None and actual != expected[path]:
                report.wrong(f"{folder}/{path}", "changed")
    for version, block in inventory["versions"].items():
        check_bag(folder, version, paths_by(block["state"]), expected, report)
    return str(inventory["id"])


def check_version(folder: str, version: str, inventory: Any, digest: str, report: Report) -> None:
    """A version's own inventory tells the same past as the object's."""
    place = f"{folder}/{version}"
    old, old_digest = read_inventory(place, report)
    if version == inventory["head"]:
        if old_digest != digest:
            report.wrong(f"{folder}/{INVENTORY}", "head")
        return
    same = old["id"] == inventory["id"] and old["head"] == version
    for name, block in old["versions"].items():
        now = inventory["versions"].get(name, {}).get("state", {})
        same = same and paths_by(block["state"]) == paths_by(now)
    if not same:
        report.wrong(f"{place}/{INVENTORY}", "history")


def check_bag(folder: str, version: str, state: dict[str, str], expected: dict[str, str], report: Report) -> None:
    """The bag that a version is: its manifests give each of its files, and nothing else, the inventory's digest."""
    content = {digest: path for path, digest in expected.items()}
    listed: dict[str, str] = {}
    for name in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        if state.get(name) not in content:
            report.wrong(f"{folder}/{version}/{name}", "missing")
            return
        listed.update(manifest_lines(read_text(f"{folder}/{content[state[name]]}", report) or ""))
    for path in sorted({*state, *listed} - {"tagmanifest-sha256.txt"}):
        if state.get(path) != listed.get(path):
            report.wrong(f"{folder}/{version}/{path}", "bag")


def manifest_lines(text: str) -> dict[str, str]:
    """Digest by path, of a bag's manifest (RFC 8493, section 2.1.3)."""
    lines = (line.partition("  ") for line in text.split("\n") if line)
    return {path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"): digest for digest, _, path in lines}


def check_store(root: str, report: Report) -> None:
    """Every object of a store, and that nothing else is there."""
    if read_text(f"{root}/{ROOT}", report) != "ocfl_1.1\n":
        report.wrong(f"{root}/{ROOT}", "declaration")
    for item in sorted(os.scandir(root), key=lambda item: item.name):
        if item.is_symlink():
            report.wrong(item.path, "link")
        elif item.is_dir() and item.name != "extensions":
            check_tuple(item, report)


def check_tuple(folder: os.DirEntry[str], report: Report) -> None:
    """One of the folders between the root and the objects."""
    objects = sorted(os.scandir(folder.path), key=lambda item: item.name)
    if not objects:
        report.wrong(folder.path, "stray")
    for item in objects:
        if item.is_symlink() or not item.is_dir():
            report.wrong(item.path, "stray")
            continue
        object_id = check_object(item.path, report)
        if object_id is not None and place_of(object_id) != folder.name + "/" + item.name:
            report.wrong(item.path, "place", object_id)


def language() -> str:
    """`zh` or `en`, as the terminal is set."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if os.environ.get(name):
            return "zh" if os.environ[name].startswith("zh") else "en"
    return "en"


def main(arguments: list[str]) -> int:
    """Check what is named, or the store around this file."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]  # a real stdout
    report = Report(language())
    for folder in arguments or [str(Path(__file__).resolve().parent)]:
        inside = {path.name for path in Path(folder).iterdir()} if Path(folder).is_dir() else set()
        if inside & {ROOT, "ocfl_layout.json"}:
            check_store(folder, report)
        elif inside:
            check_object(folder, report)
        else:
            report.wrong(folder, "nothing")
    return report.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
