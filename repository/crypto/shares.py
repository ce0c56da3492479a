"""Shares (密钥份额) of the recovery key, after SLIP-39: words that people keep, of which some together are the key.

The 32 bytes that the words give are the secret of an age identity: with `shamir-mnemonic` and `age` alone they open
every record, should this program be forgotten.
"""

import secrets
from collections.abc import Sequence
from pathlib import Path

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics

from repository.crypto.age import X25519Identity
from repository.crypto.durable import create_durably
from repository.errors import ArchiveError

_MOST = 16
"""Shares at most, by SLIP-39."""


def split_new_key(threshold: int, files: Sequence[Path]) -> str:
    """Make a recovery key, write a share of it into each file (mode 0600), and forget the key; its recipient.

    `share-exists` before anything is written, `shares-invalid` for numbers that cannot be.
    """
    if not 1 < threshold <= len(files) <= _MOST:
        raise ArchiveError("shares-invalid", f"{threshold}/{len(files)}")
    for path in files:
        if path.exists():
            raise ArchiveError("share-exists", path)
    identity = X25519Identity(secrets.token_bytes(32))
    (words,) = generate_mnemonics(1, [(threshold, len(files))], identity.secret)
    for path, share in zip(files, words, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            create_durably(path, f"{share}\n".encode("ascii"))
        except FileExistsError as error:
            raise ArchiveError("share-exists", path) from error
    return str(identity.recipient)


def combine_shares(files: Sequence[Path]) -> X25519Identity:
    """The recovery key from enough of its shares. `shares-invalid` for too few, or for one that is none."""
    try:
        words = [path.read_text("ascii").strip() for path in files]
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError("share-missing", getattr(error, "filename", None) or "-") from None
    try:
        return X25519Identity(combine_mnemonics(words))
    except (MnemonicError, ValueError):
        raise ArchiveError("shares-invalid", len(files)) from None  # the cause might repeat words of a share
