"""Crypto (加密): sealed fields, the vault that holds their keys, signatures. The only importer of `cryptography`.

Promised: the words of a sealed field can be read by whoever holds the vault's master key and the subject's record, and
by nobody else; a field that was moved to another event, version or name, or changed by one bit, is refused; a subject's
record that is destroyed takes all of that subject's words with it. Not promised: that a machine which holds both the
archive and the master key keeps a secret from its own administrator.
"""

from repository.crypto.age import SealedReader
from repository.crypto.backup import copy_files, delete_copy
from repository.crypto.keepers import Cost, Keeper, PassphraseKeeper
from repository.crypto.key_store import KeyStore
from repository.crypto.package_cipher import PackageCipher
from repository.crypto.package_keys import KeyVersion, PackageKeys, PublicKey, RecordHead, Wrapping
from repository.crypto.passphrase import read_passphrase
from repository.crypto.sealing import Place, SubjectKey, keyed_digest, seal, unseal
from repository.crypto.shares import combine_shares, split_new_key
from repository.crypto.signing import (
    COSIGNATURE,
    SigningKey,
    VerifyingKey,
    create_signing_key,
    read_public_key,
    read_signing_key,
)
from repository.crypto.vault import Vault

__all__ = [
    "COSIGNATURE",
    "Cost",
    "Keeper",
    "KeyStore",
    "KeyVersion",
    "PackageCipher",
    "PackageKeys",
    "PassphraseKeeper",
    "Place",
    "PublicKey",
    "RecordHead",
    "SealedReader",
    "SigningKey",
    "SubjectKey",
    "Vault",
    "VerifyingKey",
    "Wrapping",
    "combine_shares",
    "copy_files",
    "create_signing_key",
    "delete_copy",
    "keyed_digest",
    "read_passphrase",
    "read_public_key",
    "read_signing_key",
    "seal",
    "split_new_key",
    "unseal",
]
