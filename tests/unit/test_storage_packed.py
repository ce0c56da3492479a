"""Packed deliveries: unpacked into quarantine as if they had come as a folder, or refused whole."""

import io
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packages_spec.safe_archive import Member, members
from repository.errors import ArchiveError
from repository.storage import packed
from repository.storage.receive import Received, _Copier, receive
from repository.storage.sources import Chunk, Entry
from repository.storage.survey import survey
from tests.small_store import SMALL, contents, make_delivery


def make_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in SMALL.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is one of a few texts
        for name, data in SMALL.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "d.zip": make_zip,
    "d.tar": make_tar,
    "d.tar.gz": lambda path: make_tar(path, "w:gz"),
}


def take(source: Path, target: Path) -> Received:
    return receive(source, target, algorithms={"md5"}, progress=lambda *_: None)


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_packed_is_received_as_from_a_folder(tmp_path: Path, name: str) -> None:
    source = MAKERS[name](tmp_path / name)
    delivery = take(source, tmp_path / "target")
    folder = take(make_delivery(tmp_path / "folder"), tmp_path / "other")
    assert contents(tmp_path / "target") == SMALL
    assert delivery.listing_sha256 == folder.listing_sha256 == survey(source).listing_sha256
    assert [(file.path, file.digests) for file in delivery.files] == [
        (file.path, file.digests) for file in folder.files
    ]
    assert {file.mtime_ns for file in delivery.files} == {source.stat().st_mtime_ns}
    source.unlink()
    assert take(source, tmp_path / "target") == delivery


@pytest.mark.parametrize("name", MAKERS)
def test_unpacking_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    source, target = MAKERS[name](tmp_path / name), tmp_path / "target"
    monkeypatch.setattr(sys.modules[receive.__module__], "GROUP_FILES", 1)
    real, written = _Copier.copy, list[str]()

    def copy(self: _Copier, entry: Entry, chunks: Iterator[Chunk]) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(entry.path)
        real(self, entry, chunks)

    monkeypatch.setattr(_Copier, "copy", copy)
    with pytest.raises(KeyboardInterrupt):
        take(source, target)
    written.clear()
    written_before = set(contents(target))
    take(source, target)
    assert set(written) == SMALL.keys() - written_before
    assert contents(target) == SMALL


def test_one_fault_anywhere_refuses_the_whole_and_writes_nothing(tmp_path: Path) -> None:
    source, target = make_zip(tmp_path / "d.zip"), tmp_path / "target"
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("../outside.txt", b"x")
        archive.writestr("/absolute.txt", b"x")
    delivery = take(source, target)
    assert {finding.code for finding in delivery.findings} == {"path.dots", "path.absolute"}
    assert delivery.files == ()
    assert contents(target) == {}
    assert not (tmp_path / "outside.txt").exists()


def test_a_wrong_checksum_is_found_before_anything_is_written(tmp_path: Path) -> None:
    source = tmp_path / "d.zip"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("a.txt", b"first page")
        archive.writestr("b.txt", b"second page")
    source.write_bytes(source.read_bytes().replace(b"second page", b"second PAGE"))
    delivery = take(source, tmp_path / "target")
    assert len(delivery.findings) == 1
    assert delivery.files == ()
    assert contents(tmp_path / "target") == {}


def test_an_archive_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_zip(tmp_path / "d.zip")
    calls = list[int]()

    def changing(path: Path) -> Iterator[Member]:
        calls.append(1)
        for member in members(path):
            yield member
            if len(calls) == 2:
                os.utime(path, (1, 1))

    monkeypatch.setattr(packed, "members", changing)
    with pytest.raises(ArchiveError) as caught:
        take(source, tmp_path / "target")
    assert caught.value.code == "delivery-changed"


def test_an_empty_archive_file_and_what_is_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.mkdir("folder")
    delivery = take(tmp_path / "empty.zip", tmp_path / "target")
    assert [finding.code for finding in delivery.findings] == ["delivery.empty"]
    (tmp_path / "text.txt").write_text("no archive file")
    with pytest.raises(ArchiveError) as caught:
        take(tmp_path / "text.txt", tmp_path / "other")
    assert caught.value.code == "delivery-form"
