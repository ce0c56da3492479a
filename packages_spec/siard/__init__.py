"""SIARD (eCH-0165, 关系数据库归档格式): the schemas and tables that a database archive says it holds."""

from packages_spec.siard.reader import METADATA, SiardArchive, Table, is_siard, read_siard

__all__ = ["METADATA", "SiardArchive", "Table", "is_siard", "read_siard"]
