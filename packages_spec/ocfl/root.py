"""Validating a storage root (OCFL 1.1, section 4): its declaration, its layout, and that it holds objects only."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packages_spec.findings import Finding
from packages_spec.ocfl.inventory import FILE
from packages_spec.ocfl.layout import LAYOUT, ROOT_DECLARATION, object_path, root_files

_NAMASTE = re.compile(r"\d=")
_DECLARATIONS = ("0=ocfl_1.1", "0=ocfl_1.0")
_REGISTERED = re.compile(r"\d{4}-[a-z0-9-]+")


def object_folders(root: Path) -> Iterator[Path]:
    """Every object under a storage root, in the order of their paths."""
    folders = [item for item in _folders(root) if item.name != "extensions"]
    while folders:
        folder = folders.pop(0)
        if _is_object(folder):
            yield folder
        else:
            folders[:0] = _folders(folder)


def validate_root(root: Path) -> list[Finding]:
    """Everything that is wrong with a storage root beside its objects, which `validate_object` judges one by one."""
    findings = [*_declared(root), *_layout(root), *_extensions(root), *_objects(root)]
    for item in sorted(root.iterdir()):
        if item.is_symlink():
            findings.append(Finding("ocfl.link", item.name))
        elif item.is_dir() and item.name != "extensions":
            findings += _hierarchy(root, item)
    return findings


def _declared(root: Path) -> Iterator[Finding]:
    names = sorted(path.name for path in root.iterdir() if _NAMASTE.match(path.name))
    if len(names) != 1 or names[0] not in _DECLARATIONS:
        yield Finding("ocfl.root-declaration", ROOT_DECLARATION, ROOT_DECLARATION, ", ".join(names))
    elif (root / names[0]).read_bytes() != names[0].removeprefix("0=").encode() + b"\n":
        yield Finding("ocfl.root-declaration", names[0], names[0].removeprefix("0="))


def _objects(root: Path) -> Iterator[Finding]:
    """Objects of no later version than the root's, and all at one depth (section 4.3)."""
    version = next((name.rpartition("_")[2] for name in _DECLARATIONS if (root / name).is_file()), "")
    depth = None
    for folder in object_folders(root):
        path = folder.relative_to(root).as_posix()
        for declaration in sorted(folder.glob("0=ocfl_object_*")):
            declared = declaration.name.rpartition("_")[2]
            if version and declared in {"1.0", "1.1"} and declared > version:
                yield Finding("ocfl.root-object-newer", path, version, declared)
        parts = len(folder.relative_to(root).parts)
        depth = depth or parts
        if parts != depth:
            yield Finding("ocfl.root-layouts-mixed", path, str(depth), str(parts))
            return


def _layout(root: Path) -> Iterator[Finding]:
    """The layout, if there is one, names an extension (section 4.1)."""
    path = root / "ocfl_layout.json"
    if path.exists():
        layout = _json(path)
        if not isinstance(layout, dict) or not {"extension", "description"} <= layout.keys():
            yield Finding("ocfl.root-layout", path.name, "extension, description")
        elif not isinstance(layout["extension"], str) or not _REGISTERED.fullmatch(layout["extension"]):
            yield Finding("ocfl.root-layout", path.name, LAYOUT, str(layout["extension"]))


def _extensions(root: Path) -> Iterator[Finding]:
    if (root / "extensions").is_dir():
        for item in sorted((root / "extensions").iterdir()):
            path = f"extensions/{item.name}"
            if not item.is_dir():
                yield Finding("ocfl.root-extension-stray", path)
            elif not _REGISTERED.fullmatch(item.name):
                yield Finding("ocfl.root-extension-name", path)


def _hierarchy(root: Path, folder: Path) -> Iterator[Finding]:
    """A folder on the way to objects: only folders in it, and not none (section 4.3)."""
    path = folder.relative_to(root).as_posix()
    if _is_object(folder):
        yield from _place(root, folder, path)
        return
    items = sorted(folder.iterdir())
    if not items:
        yield Finding("ocfl.root-empty-folder", path)
    for item in items:
        if item.is_symlink() or not item.is_dir():
            yield Finding("ocfl.root-stray", f"{path}/{item.name}")
        else:
            yield from _hierarchy(root, item)


def _place(root: Path, folder: Path, path: str) -> Iterator[Finding]:
    """An object lies where its id says, in a root of our own layout."""
    inventory, config = _json(folder / FILE), _json(root / "extensions" / LAYOUT / "config.json")
    ours = config == json.loads(root_files()[f"extensions/{LAYOUT}/config.json"])
    if ours and isinstance(inventory, dict) and isinstance(inventory.get("id"), str):
        expected = object_path(inventory["id"].encode("utf-8", "backslashreplace").decode())
        if path != expected:
            yield Finding("ocfl.root-place", path, expected)


def _is_object(folder: Path) -> bool:
    names = [path.name for path in folder.iterdir()]
    return FILE in names or any(name.startswith("0=ocfl_object_") for name in names)


def _folders(folder: Path) -> list[Path]:
    return sorted(item for item in folder.iterdir() if item.is_dir() and not item.is_symlink())


def _json(path: Path) -> Any:
    """The JSON in a file; None where there is none."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
