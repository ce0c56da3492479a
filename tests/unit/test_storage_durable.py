"""Durable writes and locks: what they promise, and what they say when they cannot keep it."""

import ctypes
import errno
import fcntl
import os
import threading
from pathlib import Path

import pytest

from repository.errors import ArchiveError
from repository.storage import durable
from repository.storage.durable import FileSystem, probe, storage_errors, sync_folder, syncfs, write_atomic
from repository.storage.locks import take


def test_a_replaced_file_is_all_old_or_all_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")

    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="input/output"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    monkeypatch.undo()
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_syncfs_is_the_real_call(tmp_path: Path) -> None:
    with FileSystem(tmp_path) as disk:
        disk.sync()
    assert syncfs(-1) == -1
    assert ctypes.get_errno() == errno.EBADF


def test_a_failed_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(descriptor: int) -> int:
        ctypes.set_errno(errno.EIO)
        return -1

    monkeypatch.setattr(durable, "syncfs", failing)
    with FileSystem(tmp_path) as disk, pytest.raises(ArchiveError) as caught:
        disk.sync()
    assert caught.value.code == "storage-failed"
    with FileSystem(tmp_path, sync=False) as disk:
        disk.sync()
    with pytest.raises(ArchiveError) as caught:
        probe(tmp_path)
    assert caught.value.code == "store-unsafe"


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:3]))
    write_atomic(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "storage-exhausted"), (errno.EDQUOT, "storage-exhausted"), (errno.EIO, "storage-failed")],
)
def test_what_the_system_refuses_has_a_name(number: int, code: str) -> None:
    with pytest.raises(ArchiveError) as caught, storage_errors("thing"):
        raise OSError(number, os.strerror(number))
    assert caught.value.code == code
    assert "thing" in caught.value.message("zh")


@pytest.mark.parametrize("name", ["rename", "mkdir", "unlink"])
def test_an_unfit_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def failing(*_: object, **__: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    probe(tmp_path)
    monkeypatch.setattr(os, name, failing)
    with pytest.raises(ArchiveError) as caught:
        probe(tmp_path)
    assert caught.value.code == "store-unsafe"


def test_a_file_system_whose_locks_do_not_exclude_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda descriptor, flags: None)
    with pytest.raises(ArchiveError) as caught:
        probe(tmp_path)
    assert caught.value.code == "store-unsafe"
    assert list(tmp_path.iterdir()) == []


def test_a_lock_has_one_holder_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "thing.lock"
    lock = take(path)
    with pytest.raises(ArchiveError) as caught:
        take(path)
    assert caught.value.code == "locked"
    assert caught.value.values["thing"] == "thing"
    lock.release()
    lock.release()
    assert not path.exists()
    take(path).release()


def test_a_lock_is_never_held_by_two_while_its_file_comes_and_goes(tmp_path: Path) -> None:
    path, inside, worst, taken = tmp_path / "x.lock", 0, 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, worst, taken
        for _ in range(300):
            try:
                lock = take(path)
            except ArchiveError:
                continue
            with guard:
                inside, taken = inside + 1, taken + 1
                worst = max(worst, inside)
            with guard:
                inside -= 1
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst == 1
    assert taken > 0


def test_a_lock_whose_file_was_removed_is_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, real, calls = tmp_path / "x.lock", fcntl.flock, list[int]()

    def slow(descriptor: int, flags: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            path.unlink()  # its holder let go between our opening of the file and our locking it
        real(descriptor, flags)

    monkeypatch.setattr(fcntl, "flock", slow)
    lock = take(path)
    assert len(calls) == 2
    assert path.exists()
    with pytest.raises(ArchiveError):
        take(path)
    lock.release()


def test_folders_can_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "absent")
