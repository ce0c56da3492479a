"""Golden sealed files: one of each suite, a record, and a class key's file, which every later version must open.

`python -m tests.golden_sealed` makes them where they do not exist. Their keys belong to nobody's archive.
"""

import io
from pathlib import Path

from repository.crypto import Cost, KeyStore, KeyVersion, PackageKeys, PassphraseKeeper, PublicKey, Wrapping
from repository.crypto.age import (
    Context,
    PackageIdentity,
    X25519Identity,
    encrypt,
    open_sealed,
    parse_identities,
    parse_recipient,
    write_identity,
)
from repository.domain.key_ring import KeptBy
from tests.histories import identity

FOLDER = Path(__file__).parents[1] / "fixtures" / "sealed"
WORDS, TEXT = "golden words 金匮", "欧阳地契 page one\n".encode() * 5_000
CLASS, RECOVERY = KeyVersion(identity("golden class key"), 1), KeyVersion(identity("golden recovery key"), 3)
SUITES = ("age-v1", "gm-1")


def store(folder: Path) -> KeyStore:
    """The golden class key's store."""
    keeper = PassphraseKeeper(WORDS.encode, Cost(iterations=1, lanes=1, memory=8))
    return KeyStore(folder / "keys", folder / "archive", KeptBy.PASSPHRASE, lambda _: keeper)


def records(folder: Path) -> PackageKeys:
    """The golden records, opened with the golden class key."""
    return PackageKeys(folder / "vault", store(folder).identity)


def place(suite: str) -> Context:
    """Where the golden file of a suite stands."""
    return Context(package=identity(f"golden package {suite}"), path="data/0001.tif.age")


def recovery() -> X25519Identity:
    """The golden recovery key."""
    (found,) = parse_identities((FOLDER / "recovery.txt").read_text("ascii"), "recovery.txt")
    assert isinstance(found, X25519Identity)
    return found


def opened(suite: str, key: PackageIdentity) -> bytes:
    """What the golden file of a suite holds."""
    with open_sealed(FOLDER / f"page.{suite}", key, place(suite)) as reader:
        return reader.read()


def make() -> None:
    """Make them, once."""
    if FOLDER.exists():
        return
    (FOLDER / "vault").mkdir(parents=True)
    other = X25519Identity.generate()
    (FOLDER / "recovery.txt").write_bytes(write_identity(other))
    wrapping = Wrapping(
        class_key=PublicKey(CLASS, parse_recipient(store(FOLDER).create(CLASS))),
        recovery=PublicKey(RECOVERY, other.recipient),
    )
    for suite in SUITES:
        key = records(FOLDER).create(place(suite).package, 1, wrapping, suite)
        sink = io.BytesIO()
        encrypt(io.BytesIO(TEXT), sink, [key.recipient], place(suite))
        (FOLDER / f"page.{suite}").write_bytes(sink.getvalue())


if __name__ == "__main__":
    make()
