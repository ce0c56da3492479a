"""The public programs: `age` and `pyrage` open what we seal, and we open what they seal - whatever its size."""

import io
import shutil
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from repository.crypto.age import (
    Context,
    X25519Identity,
    encrypt,
    is_armored,
    open_sealed,
    read_armor,
    write_identity,
)
from repository.crypto.age.writing import CHUNK

pyrage = pytest.importorskip("pyrage", reason="pyrage is not installed")

PLACE = Context(package=UUID(int=3), path="data/0001.tif.age")
SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 1_500_000)
OWN = X25519Identity(bytes(range(7, 39)))


def content(size: int) -> bytes:
    return bytes(range(251)) * (size // 251 + 1)


def sealed(plain: bytes) -> bytes:
    sink = io.BytesIO()
    other = X25519Identity.generate()
    encrypt(io.BytesIO(plain), sink, [other.recipient, OWN.recipient], PLACE)
    return sink.getvalue()


def opened(file: bytes) -> bytes:
    source = io.BytesIO(file)
    with open_sealed(read_armor(source, "-") if is_armored(source) else source, OWN, None) as reader:
        return reader.read()


@pytest.fixture(scope="module")
def age() -> str:
    program = shutil.which("age")
    if program is None:
        pytest.skip("the program `age` is not installed")
    return program


@pytest.mark.parametrize("size", SIZES)
def test_the_age_program_opens_what_we_seal_and_we_what_it_seals(age: str, tmp_path: Path, size: int) -> None:
    plain = content(size)[:size]
    keys = tmp_path / "keys"
    keys.write_bytes(write_identity(OWN))
    ours = subprocess.run([age, "-d", "-i", str(keys)], input=sealed(plain), capture_output=True, check=True)
    assert ours.stdout == plain
    for options in ([], ["--armor"]):
        theirs = subprocess.run([age, "-r", str(OWN.recipient), *options], input=plain, capture_output=True, check=True)
        assert opened(theirs.stdout) == plain


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_what_we_seal_and_we_what_it_seals(size: int) -> None:
    plain = content(size)[:size]
    identity = pyrage.x25519.Identity.from_str(OWN.secret_text())
    assert str(identity.to_public()) == str(OWN.recipient)
    assert pyrage.decrypt(sealed(plain), [identity]) == plain
    assert opened(pyrage.encrypt(plain, [identity.to_public()])) == plain


def test_a_passphrase_of_ours_opens_with_pyrage() -> None:
    """The other way is held by the published vectors: pyrage spends seconds on a passphrase of its own."""
    from repository.crypto.age import Passphrase

    sink = io.BytesIO()
    encrypt(io.BytesIO(b"page"), sink, [Passphrase("金匮", work=10)])
    assert pyrage.passphrase.decrypt(sink.getvalue(), "金匮") == b"page"


def test_a_record_of_the_vault_is_an_age_file_of_an_identity(age: str, tmp_path: Path) -> None:
    from repository.crypto import KeyVersion, PackageKeys, PublicKey, Wrapping

    recovery = X25519Identity.generate()
    wrapping = Wrapping(
        class_key=PublicKey(KeyVersion(UUID(int=1), 1), OWN.recipient),
        recovery=PublicKey(KeyVersion(UUID(int=2), 1), recovery.recipient),
    )
    (tmp_path / "vault").mkdir()
    made = PackageKeys(tmp_path / "vault", lambda _: OWN)
    identity = made.create(PLACE.package, 1, wrapping)
    page = io.BytesIO()
    encrypt(io.BytesIO(b"page"), page, [identity.recipient], PLACE)
    (path,) = made.files()
    assert path.stat().st_size < 800
    for key in (OWN, recovery):
        (tmp_path / "key").write_bytes(write_identity(key))
        found = subprocess.run([age, "-d", "-i", str(tmp_path / "key"), str(path)], capture_output=True, check=True)
        (tmp_path / "identity").write_bytes(found.stdout)
        said = subprocess.run(
            [age, "-d", "-i", str(tmp_path / "identity")], input=page.getvalue(), capture_output=True, check=True
        )
        assert said.stdout == b"page"
