"""What keeps class keys: a passphrase, and a token - a real one in software -, each behind the same port."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from repository.crypto import Cost, Keeper, KeyStore, KeyVersion, PassphraseKeeper, read_passphrase
from repository.crypto.tokens import TokenKeeper
from repository.domain.key_ring import KeptBy
from repository.errors import ArchiveError

MODULES = (Path("/usr/lib/softhsm/libsofthsm2.so"), *Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"))
CHEAP = Cost(iterations=1, lanes=1, memory=8)
SECRET, PIN, LABEL = bytes(range(32)), b"471100", "key.1.age1"


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as error:
        call()
    return error.value.code


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A token in software, empty; the module that speaks for it."""
    module = next((path for path in MODULES if path.exists()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed (softhsm2): no token to test with")
    place = tmp_path_factory.mktemp("token")
    (place / "tokens").mkdir()
    (place / "softhsm2.conf").write_text(f"directories.tokendir = {place / 'tokens'}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(place / "softhsm2.conf"))
        made = [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            "ring",
            "--so-pin",
            "99887766",
            "--pin",
            PIN.decode(),
        ]
        subprocess.run(made, check=True, capture_output=True)
        yield module


@pytest.fixture(params=["passphrase", "token"])
def keeper(request: pytest.FixtureRequest) -> Callable[..., Keeper]:
    """Makes the keeper, with the right words or with others."""
    if request.param == "passphrase":
        return lambda words=PIN: PassphraseKeeper(lambda: words, CHEAP)
    module = request.getfixturevalue("token")
    return lambda words=PIN: TokenKeeper(module, "ring", lambda: words)


def test_what_is_wrapped_is_unwrapped_for_its_label_only(keeper: Callable[..., Keeper]) -> None:
    one, other = keeper().wrap(SECRET, LABEL), keeper().wrap(bytes(32), "other")
    assert (keeper().unwrap(one, LABEL), keeper().unwrap(other, "other")) == (SECRET, bytes(32))
    assert refused(lambda: keeper().unwrap(one, "other")) in {"key-passphrase-wrong", "key-token"}
    assert SECRET not in msgspec.json.encode(one)
    assert refused(lambda: keeper(b"111111").unwrap(one, LABEL)) == "key-passphrase-wrong"


def test_what_was_changed_is_refused(keeper: Callable[..., Keeper]) -> None:
    one = keeper().wrap(SECRET, LABEL)
    replace = msgspec.structs.replace
    for changed in (
        replace(one, wrapped=("B" if one.wrapped[0] != "B" else "C") + one.wrapped[1:]),
        replace(one, wrapped=one.wrapped[:-8]),
        replace(one, wrapped="***"),
        replace(one, how={**one.how, "nonce": "AAAAAAAAAAAAAAAA"}),
        replace(one, how={}),
    ):
        code = refused(lambda changed=changed: keeper().unwrap(changed, LABEL))  # type: ignore[misc]  # mypy knows no bound defaults
        assert code in {"key-record-damaged", "key-passphrase-wrong", "key-token"}


def test_a_cost_above_the_limit_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    one = PassphraseKeeper(lambda: PIN, CHEAP).wrap(SECRET, LABEL)
    monkeypatch.setattr(PassphraseKeeper, "_stretched", lambda *_: pytest.fail("computed"))
    for name, cost in (("memory", 1 << 40), ("iterations", 10**6), ("lanes", 10**4), ("memory", 0)):
        changed = msgspec.structs.replace(one, how={**one.how, name: cost})
        assert refused(partial(PassphraseKeeper(lambda: PIN, CHEAP).unwrap, changed, LABEL)) == "key-record-damaged"


def test_a_tokens_key_cannot_be_taken_out_and_dies_with_its_version(token: Path, tmp_path: Path) -> None:
    import pkcs11

    keeper = TokenKeeper(token, "ring", lambda: PIN)
    store = KeyStore(tmp_path / "keys", tmp_path / "archive", KeptBy.TOKEN, lambda _: keeper)
    of = KeyVersion(uuid4(), 1)
    public = store.create(of)
    assert str(store.identity(of).recipient) == public
    assert store.create(of) == public
    with pkcs11.lib(str(token)).get_token(token_label="ring").open(user_pin=PIN.decode()) as session:
        (key,) = session.get_objects({pkcs11.Attribute.LABEL: f"{of.key}.1.{public}"})
        assert (key[pkcs11.Attribute.EXTRACTABLE], key[pkcs11.Attribute.SENSITIVE]) == (False, True)
        with pytest.raises(pkcs11.exceptions.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]
    (path,) = (tmp_path / "keys").iterdir()
    copy = path.read_bytes()
    store.destroy(of)
    assert refused(lambda: store.identity(of)) == "class-key-missing"
    path.write_bytes(copy)
    assert refused(lambda: store.identity(of)) == "key-token"


def test_a_token_that_goes_away_in_the_middle_is_told_and_leaves_nothing(token: Path, tmp_path: Path) -> None:
    import pkcs11

    keeper = TokenKeeper(token, "ring", lambda: PIN)
    store = KeyStore(tmp_path / "keys", tmp_path / "archive", KeptBy.TOKEN, lambda _: keeper)
    store.create(KeyVersion(uuid4(), 1))
    before = {path: path.read_bytes() for path in (tmp_path / "keys").iterdir()}

    def gone(*_: object, **__: object) -> object:
        raise pkcs11.exceptions.DeviceRemoved

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pkcs11.GCMParams", gone)  # the last thing that is asked for before the token wraps
        assert refused(lambda: store.create(KeyVersion(uuid4(), 1))) == "key-token"
    assert {path: path.read_bytes() for path in (tmp_path / "keys").iterdir()} == before
    absent = TokenKeeper(token, "another", lambda: PIN)
    assert refused(lambda: absent.wrap(SECRET, LABEL)) == "key-token"
    assert refused(lambda: TokenKeeper(tmp_path / "none.so", "ring", lambda: PIN).wrap(SECRET, LABEL)) == "key-token"


def test_passphrases_come_from_a_file_or_a_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "words"
    words.write_bytes("石室金匮\r\n".encode())
    words.chmod(0o600)
    assert read_passphrase(str(words), "?") == "石室金匮".encode()
    reading, writing = os.pipe()
    os.write(writing, b"words\n")
    os.close(writing)
    assert read_passphrase(f"fd:{reading}", "?") == b"words"
    words.chmod(0o640)
    assert refused(lambda: read_passphrase(str(words), "?")) == "vault-key-open"
    words.chmod(0o600)
    words.write_bytes(b"\n")
    for source in (str(words), str(tmp_path / "none"), "fd:x", "fd:987"):
        assert refused(lambda source=source: read_passphrase(source, "?")) == "key-passphrase-missing"  # type: ignore[misc]  # mypy knows no bound defaults
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115, PTH123 - a standard input that is no terminal
    assert refused(lambda: read_passphrase(None, "?")) == "key-passphrase-missing"
    os.sys.stdin.close()  # type: ignore[attr-defined]  # sys, by way of os
