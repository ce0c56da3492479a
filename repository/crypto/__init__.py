"""Crypto (加密): sealed files, wrapped keys, sealed fields, signatures. The only importer of `cryptography`.

Who attacks: somebody with a copy of the disk, the store, a backup or the log, who may also change them; somebody inside
who acts alone; and time, after which only public programs are left.

Promised, each with the test that proves it:

1. What is sealed is read by whoever holds its identity, its class key or enough shares of the recovery key, and by
   nobody else. (`test_sealed_files`: other keys open nothing; `test_keys`: planted secrets are found nowhere)
2. Every change of a sealed file - a bit, a cut, a chunk moved, doubled or taken from elsewhere - is refused, and
   nothing of a chunk that fails is given out. (`test_sealed_files`)
3. A sealed file that stands at another path or in another package is refused, although its key fits.
   (`test_sealed_files`: a file in another place)
4. The public programs open every file of suite `age-v1` and every record, with the right key, without us.
   (`test_age_interop`; `test_golden_sealed` keeps it so)
5. A key is rotated without a byte of a package being read, dying anywhere; afterwards the old one opens no record here.
   (`faults/test_keys`)
6. No one actor destroys a key, a deputy and the principal counting as one; nothing that a hold lies on goes.
   (`test_two_persons`, `test_keys`)
7. What was destroyed opens with no remaining key and no backup that the ring knows - or the destruction is not at its
   end, and says why. That the records existed, and what they were, stays provable. (`test_keys`)
8. A sealed field is read with its subject's key only, at its own place in its own event; the key destroyed, its words
   are gone and the history is whole. (`test_crypto`)
9. No secret stands in an event, the log, an error, an output or a command line; a process that opened a key leaves no
   core dump. (`test_keys`: secrets are planted)
10. A file, a record or a passphrase that would cost more than a limit to open is refused, not computed.
    (`test_age_vectors`, `test_keepers`)

Not promised:

- Anything against a running server that may decrypt, or against root beside it: keys stand in its memory, which is not
  wiped, and is in swap where the site did not forbid it.
- That a passphrase is a good one, or that holders of shares do not meet in secret.
- That a record was made by us: whoever knows a recipient, which is public, can seal to it. What belongs to the
  archive is said by the log's digests.
- That one person is one agent: an administrator who makes up a second one is two. The log says who registered whom.
- Anything about copies that nobody told the ring of, or about blocks that a disk or a file system kept aside.
- That lengths are hidden: a sealed file shows its size to the byte.
- That `gm-1` opens without us; no public program knows it. It holds SM4 and SM3 but no SM2, which comes in through
  PKCS#11 or an external program only.
"""

from repository.crypto.age import SealedReader
from repository.crypto.backup import copy_files, delete_copy
from repository.crypto.keepers import Cost, Keeper, PassphraseKeeper
from repository.crypto.key_store import KeyStore
from repository.crypto.package_cipher import PackageCipher, expect_recipient, seal_for
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
from repository.crypto.stamping import stamp
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
    "expect_recipient",
    "keyed_digest",
    "read_passphrase",
    "read_public_key",
    "read_signing_key",
    "seal",
    "seal_for",
    "split_new_key",
    "stamp",
    "unseal",
]
