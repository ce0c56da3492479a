"""Receiving a delivery: one copy, hashed, that goes on where it stopped and refuses what changes under its hands."""

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packages_spec.digests import Digested
from packages_spec.findings import is_valid
from repository.errors import ArchiveError
from repository.storage.journal import journal_path
from repository.storage.receive import Received, listing_lines, receive
from repository.storage.sources import Entry, Folder
from tests.small_store import SMALL, contents, make_delivery


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_delivery(tmp_path / "source")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def take(source: Path, target: Path, *algorithms: str) -> Received:
    return receive(source, target, algorithms=algorithms, progress=lambda _bytes, _files: None)


def code_of(source: Path, target: Path) -> str:
    with pytest.raises(ArchiveError) as caught:
        take(source, target)
    assert caught.value.message("zh")
    assert caught.value.hint("en")
    return caught.value.code


def test_a_delivery_is_copied_and_hashed(source: Path, target: Path) -> None:
    told: list[tuple[int, int]] = []
    delivery = receive(source, target, algorithms={"md5", "sha256"}, progress=lambda *done: told.append(done))
    assert contents(target) == SMALL == contents(source)
    assert [file.path for file in delivery.files] == sorted(SMALL, key=str.encode)
    for file in delivery.files:
        assert file.sha256 == hashlib.sha256(SMALL[file.path]).hexdigest()
        assert file.digests == {"md5": hashlib.md5(SMALL[file.path]).hexdigest()}
        assert file.mtime_ns == (source / file.path).stat().st_mtime_ns
        assert (target / file.path).stat().st_nlink == 1
    assert delivery.bytes == sum(map(len, SMALL.values()))
    assert delivery.findings == ()
    assert told[-1] == (delivery.bytes, delivery.bytes)
    assert told == sorted(told)


def test_the_listing_is_one_that_sha256sum_checks(tmp_path: Path, target: Path) -> None:
    hostile = {"a b": b"1", "new\nline": b"2", "back\\slash": b"3", "carriage\rreturn": b"4", "%41": b"5", "é": b"6"}
    delivery = take(make_delivery(tmp_path / "hostile", hostile), target)
    listing = b"".join(listing_lines(delivery.files))
    assert hashlib.sha256(listing).hexdigest() == delivery.listing_sha256
    (tmp_path / "listing").write_bytes(listing)
    done = subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "../listing"], cwd=target, check=False)
    assert done.returncode == 0


def test_the_listing_is_in_the_order_of_bytes() -> None:
    files = [Digested(path, 0, "0" * 64) for path in ("\U0001f600", "b", "Z", "\uff01", "a")]
    paths = [line.split(b"  ")[1].strip() for line in listing_lines(files)]
    assert paths == sorted(paths)


def test_a_received_delivery_is_answered_from_its_journal(source: Path, target: Path) -> None:
    first = take(source, target, "md5")
    shutil.rmtree(source)
    shutil.rmtree(target)
    assert take(source, target, "md5") == first


def test_receiving_goes_on_where_it_stopped(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[receive.__module__], "GROUP_FILES", 2)
    copied: list[str] = []
    real = Folder._watched

    def watched(self: Folder, entry: Entry, descriptor: int) -> Iterator[memoryview]:
        if len(copied) == 3:
            raise KeyboardInterrupt
        copied.append(entry.path)
        return real(self, entry, descriptor)

    monkeypatch.setattr(Folder, "_watched", watched)
    with pytest.raises(KeyboardInterrupt):
        take(source, target)
    assert len(copied) == 3
    copied[:] = []
    delivery = take(source, target)
    assert copied == [file.path for file in delivery.files][2:]  # two were vouched for, the third is copied again
    assert contents(target) == SMALL


def test_a_journal_whose_last_line_was_torn_is_mended(source: Path, target: Path) -> None:
    first = take(source, target)
    journal = journal_path(target)
    whole = journal.read_bytes()
    for length in range(0, len(whole), 17):
        journal.write_bytes(whole[:length])
        assert take(source, target) == first
    assert contents(target) == SMALL


def test_what_the_producer_changed_between_two_tries_is_taken_anew(source: Path, target: Path) -> None:
    take(source, target)
    journal = journal_path(target)
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    (source / "a.txt").write_bytes(b"another page")
    (source / "sub/b.txt").unlink()
    delivery = take(source, target)
    assert {file.path: file.size for file in delivery.files} == {"a.txt": 12, "sub/same.txt": 10, "空.txt": 0}
    assert take(source, target) == delivery
    assert (target / "a.txt").read_bytes() == b"another page"


def test_a_damaged_copy_is_noticed_by_its_size(source: Path, target: Path) -> None:
    take(source, target)
    journal = journal_path(target)
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    (target / "a.txt").unlink()
    (target / "a.txt").write_bytes(b"cut")
    take(source, target)
    assert contents(target) == SMALL


def test_no_room_is_said_before_the_first_byte(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs(source.parent)
    full = os.statvfs_result((*real[:4], 3, *real[5:]))
    monkeypatch.setattr(os, "statvfs", lambda path: full)
    assert code_of(source, target) == "storage-full"
    assert contents(target) == {}


def test_a_source_that_is_nowhere(tmp_path: Path, target: Path) -> None:
    assert code_of(tmp_path / "absent", target) == "delivery-missing"
    assert not target.exists()


def quietly(path: Path, data: bytes) -> None:
    """Change a file and put its time of change back."""
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[Path], object]] = {
    "grows": lambda source: (source / "sub/b.txt").write_bytes(b"second page, longer"),
    "shrinks": lambda source: (source / "sub/b.txt").write_bytes(b""),
    "same size": lambda source: (source / "sub/b.txt").write_bytes(b"SECOND PAGE"),
    "same size and time": lambda source: quietly(source / "sub/b.txt", b"SECOND PAGE"),
    "removed": lambda source: (source / "sub/b.txt").unlink(),
    "added": lambda source: (source / "zz.txt").write_bytes(b"late"),
    "earlier file": lambda source: (source / "a.txt").write_bytes(b"FIRST PAGE"),
    "link": lambda source: (source / "sub/link").symlink_to("b.txt"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_source_that_changes_while_it_is_read(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    real = Folder._watched

    def watched(self: Folder, entry: Entry, descriptor: int) -> Iterator[memoryview]:
        for number, chunk in enumerate(real(self, entry, descriptor)):
            if entry.path == "sub/b.txt" and number == 0:
                CHANGES[change](source)
            yield chunk

    monkeypatch.setattr(Folder, "_watched", watched)
    assert code_of(source, target) == "delivery-changed"
    monkeypatch.undo()
    take(source, target)
    assert contents(target).items() >= {p: d for p, d in contents(source).items() if p != "sub/link"}.items()


def test_a_file_that_cannot_be_read(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refusing(path: str, *arguments: int) -> int:
        if str(path).startswith(str(source)) and str(path).endswith("b.txt"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", refusing)
    assert code_of(source, target) == "delivery-unreadable"


def test_a_disk_that_fails_while_reading(source: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(descriptor: int, buffers: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "readv", failing)
    assert code_of(source, target) == "delivery-unreadable"


def test_what_is_no_file_with_a_readable_name_is_found_not_followed(source: Path, target: Path) -> None:
    (source / "link").symlink_to("/etc/passwd")
    (source / "folder link").symlink_to("/etc")
    os.mkfifo(source / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(source / "socket"))
        Path(os.fsdecode(os.fsencode(source) + b"/\xb5\xd8\xc6\xf5.txt")).write_bytes(b"gbk")
        (source / "empty/inner").mkdir(parents=True)
        delivery = take(source, target)
    assert {(finding.code, finding.path) for finding in delivery.findings} == {
        ("delivery.link", "link"),
        ("delivery.link", "folder link"),
        ("delivery.not-a-file", "pipe"),
        ("delivery.not-a-file", "socket"),
        ("path.not-utf8", "\\udcb5\\udcd8\\udcc6\\udcf5.txt"),
        ("delivery.empty-folder", "empty/inner"),
    }
    assert contents(target) == SMALL
    assert take(source, target) == delivery


def test_a_folder_whose_name_is_not_utf8_is_not_entered(source: Path, target: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(source) + b"/\xb5\xd8"))
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"a")
    delivery = take(source, target)
    assert [finding.code for finding in delivery.findings] == ["path.not-utf8"]


def test_an_empty_delivery_is_a_finding(tmp_path: Path, target: Path) -> None:
    (tmp_path / "empty/inner").mkdir(parents=True)
    delivery = take(tmp_path / "empty", target)
    assert [finding.code for finding in delivery.findings] == ["delivery.empty", "delivery.empty-folder"]
    assert not is_valid(delivery.findings)
    assert delivery.files == ()


def test_the_copy_is_the_archives_own(source: Path, target: Path) -> None:
    take(source, target)
    (source / "a.txt").write_bytes(b"changed by the deliverer")
    assert (target / "a.txt").read_bytes() == SMALL["a.txt"]
