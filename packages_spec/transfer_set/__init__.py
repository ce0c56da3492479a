"""A transfer set by items (按件组织的移交信息包) in the style of DA/T 93-2022; its exact form is per profile."""

from packages_spec.transfer_set.writer import PROFILE, Item, ItemFile, TransferSet, item_folder, schema, write_set

__all__ = ["PROFILE", "Item", "ItemFile", "TransferSet", "item_folder", "schema", "write_set"]
