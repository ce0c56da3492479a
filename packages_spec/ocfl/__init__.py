"""OCFL 1.1: the layout of the store, its inventories and their validation."""

from packages_spec.ocfl.inventory import (
    Inventory,
    User,
    Version,
    first_inventory,
    inventory_chunks,
    next_inventory,
    read_inventory,
    sidecar,
)
from packages_spec.ocfl.layout import object_path, root_files
from packages_spec.ocfl.root import object_folders, validate_root
from packages_spec.ocfl.validate import validate_object

__all__ = [
    "Inventory",
    "User",
    "Version",
    "first_inventory",
    "inventory_chunks",
    "next_inventory",
    "object_folders",
    "object_path",
    "read_inventory",
    "root_files",
    "sidecar",
    "validate_object",
    "validate_root",
]
