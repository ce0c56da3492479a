"""Records of packages' keys: one small file each, durable before it is used, and gone for good when it is destroyed."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from repository.crypto import KeyVersion, PackageKeys, PublicKey, Wrapping
from repository.crypto.age import Sm4Key, X25519Identity
from repository.errors import ArchiveError

CLASS, RECOVERY = X25519Identity(bytes(range(32))), X25519Identity(bytes(range(1, 33)))
KEYS = (KeyVersion(uuid4(), 1), KeyVersion(uuid4(), 1))
WRAPPING = Wrapping(class_key=PublicKey(KEYS[0], CLASS.recipient), recovery=PublicKey(KEYS[1], RECOVERY.recipient))


@pytest.fixture
def keys(tmp_path: Path) -> PackageKeys:
    (tmp_path / "vault").mkdir()
    return PackageKeys(tmp_path / "vault", lambda _: CLASS)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as error:
        call()
    return error.value.code


def test_a_record_is_small_and_the_same_when_it_is_asked_for_again(keys: PackageKeys) -> None:
    package = uuid4()
    first = keys.create(package, 1, WRAPPING)
    assert keys.create(package, 1, WRAPPING).secret == first.secret
    assert keys.create(package, 2, WRAPPING).secret != first.secret
    assert isinstance(keys.create(uuid4(), 1, WRAPPING, "gm-1"), Sm4Key)
    assert max(path.stat().st_size for path in keys.files()) < 700
    assert refused(lambda: keys.create(uuid4(), 1, WRAPPING, "gm-2")) == "suite-unknown"
    assert len(list(keys.files())) == 3


def test_a_record_is_durable_before_anybody_hears_of_it(keys: PackageKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, link = os.fsync, os.link

    def watched_sync(descriptor: int) -> None:
        steps.append("sync")
        sync(descriptor)

    def watched_link(source: Path, target: Path) -> None:
        steps.append("name")
        link(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "link", watched_link)
    keys.create(uuid4(), 1, WRAPPING)
    assert steps[-3:] == ["sync", "name", "sync"]


def test_what_a_dead_writer_left_beside_a_record_is_destroyed_with_it(keys: PackageKeys) -> None:
    package = uuid4()
    keys.create(package, 1, WRAPPING)
    (path,) = keys.files()
    left = path.with_name(f".{path.name}.0a1b2c3d")
    left.write_bytes(path.read_bytes())
    keys.destroy([keys.head(package, 1)])
    assert list(path.parent.iterdir()) == []
    assert refused(lambda: keys.identity(package, 1)) == "key-record-missing"


def test_a_record_that_was_destroyed_meanwhile_does_not_come_back(keys: PackageKeys) -> None:
    package, other = uuid4(), uuid4()
    for one in (package, other):
        keys.create(one, 1, WRAPPING)
    listed = list(keys.heads())
    keys.destroy([keys.head(package, 1)])
    keys.rewrap(listed, lambda _: WRAPPING)
    assert [head.package for head in keys.heads()] == [other]


def test_a_forged_class_in_a_record_is_refused(keys: PackageKeys) -> None:
    package = uuid4()
    keys.create(package, 1, WRAPPING)
    (path,) = keys.files()
    path.write_bytes(path.read_bytes().replace(str(KEYS[0].key).encode(), str(uuid4()).encode()))
    assert refused(lambda: keys.identity(package, 1)) == "key-record-damaged"
    assert refused(lambda: keys.rewrap(list(keys.heads()), lambda _: WRAPPING)) == "key-record-damaged"
