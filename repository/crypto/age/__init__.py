"""Sealed files (加密文件): the age format, read and written on `cryptography`, with the place of each bound into it.

A file that we write is a complete `.age` file that the public program `age` opens. Ours refuses, beyond what that
program refuses, a file that stands where it was not made for.
"""

from repository.crypto.age.armor import is_armored, read_armor
from repository.crypto.age.context import Context
from repository.crypto.age.reading import SealedReader, open_sealed
from repository.crypto.age.recipients import (
    Identity,
    PackageIdentity,
    Passphrase,
    Recipient,
    Sm4Key,
    X25519Identity,
    X25519Recipient,
    generate_identity,
    parse_identities,
    parse_recipient,
    write_identity,
)
from repository.crypto.age.suites import SUITES, Suite, suite_named
from repository.crypto.age.writing import SealedFile, SealingWriter, encrypt

__all__ = [
    "SUITES",
    "Context",
    "Identity",
    "PackageIdentity",
    "Passphrase",
    "Recipient",
    "SealedFile",
    "SealedReader",
    "SealingWriter",
    "Sm4Key",
    "Suite",
    "X25519Identity",
    "X25519Recipient",
    "encrypt",
    "generate_identity",
    "is_armored",
    "open_sealed",
    "parse_identities",
    "parse_recipient",
    "read_armor",
    "suite_named",
    "write_identity",
]
