"""OCFL 1.1: the layout of the store, its inventories and their validation."""
