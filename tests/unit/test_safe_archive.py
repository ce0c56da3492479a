"""Archive files from strangers: what is dangerous is refused by its code, the rest comes out as it went in."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packages_spec.findings import Finding
from packages_spec.safe_archive import Bounds, RefusedArchive, is_archive, media_type, members, scan

FILES = {"bag/a.txt": b"alpha" * 1000, "bag/empty": b"", "bag/档案/第一页.tif": bytes(range(256)) * 9000}
Name = str | tarfile.TarInfo | zipfile.ZipInfo


def make_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return path


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=form, errors="surrogateescape") as archive:  # type: ignore[call-overload] # mode is no literal
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


class Pipe(io.RawIOBase):
    """A stream that cannot seek: what writes a zip to it has to put each member's sizes behind its bytes."""

    def __init__(self, path: Path) -> None:
        self.out = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        return self.out.write(content)

    def close(self) -> None:
        self.out.close()
        super().close()


def make_streamed_zip(path: Path, files: dict[str, bytes]) -> Path:
    with Pipe(path) as pipe:
        make_zip(pipe, files)  # type: ignore[arg-type] # zipfile takes both
    return path


def make_zip_64(path: Path, files: dict[str, bytes]) -> Path:
    """With the larger sizes in each local header, and a comment behind the end."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = "临溪县档案馆".encode()
        for name, content in files.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(content)
    return path


MAKERS: dict[str, Callable[[Path, dict[str, bytes]], Path]] = {
    "zip": make_zip,
    "zip streamed": make_streamed_zip,
    "zip64": make_zip_64,
    "zip stored": lambda path, files: make_zip(path, files, zipfile.ZIP_STORED),
    "tar": make_tar,
    "tar gnu": lambda path, files: make_tar(path, files, form=tarfile.GNU_FORMAT),
    "tar ustar": lambda path, files: make_tar(path, files, form=tarfile.USTAR_FORMAT),
    "tar.gz": lambda path, files: make_tar(path, files, "w:gz"),
}


def codes(path: Path, bounds: Bounds = Bounds()) -> set[str]:  # noqa: B008 - frozen
    """What scan says; members must refuse exactly what scan refuses."""
    found = {finding.code for finding in scan(path, bounds)}
    if found:
        with pytest.raises(RefusedArchive):
            taken(path, bounds)
    return found


def taken(path: Path, bounds: Bounds = Bounds()) -> dict[str, bytes]:  # noqa: B008 - frozen
    return {member.path: b"".join(member.chunks) for member in members(path, bounds)}


@pytest.mark.parametrize("maker", MAKERS)
def test_what_went_in_comes_out(tmp_path: Path, maker: str) -> None:
    path = MAKERS[maker](tmp_path / "any-name", FILES)
    assert is_archive(path)
    assert codes(path) == set()
    assert taken(path) == FILES
    assert [(member.path, member.size) for member in members(path)] == [(n, len(c)) for n, c in FILES.items()]


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"text", b"\x1f\x8b", b"\x1f\x8b\x08" + b"\0" * 600, gzip.compress(b"no tar", mtime=0)]
)
def test_other_files_are_no_archives(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert not is_archive(path)
    assert codes(path) == {"archive-file.broken"}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/etc/passwd", "path.absolute"),
        ("../a", "path.dots"),
        ("a/../../b", "path.dots"),
        ("a//b", "path.empty-part"),
        ("a\\b", "path.backslash"),
        ("C:/a", "path.drive"),
        ("~/a", "path.home"),
        ("a\nb", "archive-file.name-hidden"),
        ("报告\u202etxt.exe", "archive-file.name-hidden"),
    ],
)
def test_a_dangerous_name_is_refused(tmp_path: Path, maker: str, name: str, code: str) -> None:
    path = MAKERS[maker](tmp_path / "x", {"good": b"", name: b"x"})
    assert codes(path) == {code}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("a", "A"), "path.collision"),
        (("caf\u00e9", "cafe\u0301"), "path.collision"),
        (("A/x", "a/y"), "path.collision"),
        (("a", "a/b"), "archive-file.member-twice"),
        (("a/b", "a"), "archive-file.member-twice"),
        (("a/b/c", "a"), "archive-file.member-twice"),
    ],
)
def test_names_that_meet_are_refused(tmp_path: Path, maker: str, names: tuple[str, str], code: str) -> None:
    assert codes(MAKERS[maker](tmp_path / "x", dict.fromkeys(names, b""))) == {code}


def test_a_member_given_twice_is_refused(tmp_path: Path) -> None:
    raw = make_zip(tmp_path / "x", {"a": b"1", "b": b"2"}).read_bytes()
    (tmp_path / "x").write_bytes(raw.replace(b"b", b"a"))
    assert codes(tmp_path / "x") == {"archive-file.member-twice"}


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    name = "档案.txt".encode("gbk")
    tar = make_tar(tmp_path / "tar", {name.decode("utf-8", "surrogateescape"): b""}, form=tarfile.GNU_FORMAT)
    assert codes(tar) == {"path.not-utf8"}
    for flag in (b"\0\0", b"\0\x08"):
        path = make_zip(tmp_path / "zip", {"x" * len(name): b""})
        raw = path.read_bytes().replace(b"x" * len(name), name)
        path.write_bytes(raw.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0" + flag))
        assert codes(path) == {"path.not-utf8"}


def test_utf8_names_are_read_without_the_flag_too(tmp_path: Path) -> None:
    name = "档案.txt".encode()
    path = make_zip(tmp_path / "zip", {"x" * len(name): b"1"})
    path.write_bytes(path.read_bytes().replace(b"x" * len(name), name))
    assert taken(path) == {"档案.txt": b"1"}


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (tarfile.SYMTYPE, "archive-file.link"),
        (tarfile.LNKTYPE, "archive-file.link"),
        (tarfile.CHRTYPE, "archive-file.special"),
        (tarfile.FIFOTYPE, "archive-file.special"),
        (tarfile.GNUTYPE_SPARSE, "archive-file.special"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes, code: str) -> None:
    with tarfile.open(tmp_path / "x", "w") as archive:
        info = tarfile.TarInfo("l")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert codes(tmp_path / "x") == {code}


@pytest.mark.parametrize(
    ("mode", "code"), [(stat.S_IFLNK, "archive-file.link"), (stat.S_IFIFO, "archive-file.special")]
)
def test_links_and_devices_in_a_zip_are_refused(tmp_path: Path, mode: int, code: str) -> None:
    info = zipfile.ZipInfo("l")
    info.external_attr = (mode | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert codes(tmp_path / "x") == {code}


def test_folders_are_taken_in_either_format(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/f").write_bytes(b"1")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.write(tmp_path / "t", "t/")
        archive.write(tmp_path / "t/f", "t/f")
    with tarfile.open(tmp_path / "tar", "w") as tar:
        tar.add(tmp_path, ".", filter=lambda info: info if info.name in {".", "./t", "./t/f"} else None)
    assert taken(tmp_path / "zip") == taken(tmp_path / "tar") == {"t/f": b"1"}


def test_what_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    assert codes(make_zip(tmp_path / "x", {"a": b"x"}, zipfile.ZIP_LZMA)) == {"archive-file.method"}
    raw = bytearray(make_zip(tmp_path / "x", {"a": b"x"}).read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    raw[6] |= 1
    (tmp_path / "x").write_bytes(raw)
    assert codes(tmp_path / "x") == {"archive-file.encrypted"}


def test_members_that_share_bytes_are_refused(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "x", {"a": b"1" * 99, "b": b"1" * 99}).read_bytes())
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)
    raw[second + 42 : second + 46] = struct.pack("<L", 0)
    (tmp_path / "x").write_bytes(raw)
    assert codes(tmp_path / "x") == {"archive-file.overlap"}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        (Bounds(members=2), "archive-file.too-many"),
        (Bounds(total=2_000_000), "archive-file.too-large"),
        (Bounds(ratio=0, ratio_from=1_000_000), "archive-file.ratio"),
    ],
)
def test_too_much_is_refused_before_it_is_read(tmp_path: Path, maker: str, bounds: Bounds, code: str) -> None:
    path = MAKERS[maker](tmp_path / "x", FILES)
    assert codes(path, bounds) == {code}
    assert codes(path, Bounds(members=3, total=2_309_000, ratio=0, ratio_from=2_309_000)) == set()


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "x", {"a": bytes(100 << 20)})
    assert codes(path) == {"archive-file.ratio"}


@pytest.mark.parametrize("maker", ["zip", "zip stored", "tar.gz"])
def test_a_changed_byte_of_content_is_found(tmp_path: Path, maker: str) -> None:
    path = MAKERS[maker](tmp_path / "x", {"a": bytes(range(256)) * 20})
    raw = bytearray(path.read_bytes())
    raw[200] ^= 1
    path.write_bytes(raw)
    with pytest.raises(RefusedArchive) as refused:
        taken(path)
    assert refused.value.finding.code == "archive-file.broken"
    with pytest.raises(RefusedArchive):
        list(members(path))  # also when nobody takes the bytes


def test_a_size_that_is_not_kept_is_found(tmp_path: Path) -> None:
    raw = bytearray(make_zip(tmp_path / "x", {"a": b"1" * 99}).read_bytes())
    entry = raw.index(b"PK\x01\x02")
    raw[entry + 24 : entry + 28] = raw[22:26] = struct.pack("<L", 100)
    (tmp_path / "x").write_bytes(raw)
    with pytest.raises(RefusedArchive) as refused:
        taken(tmp_path / "x")
    assert refused.value.finding == Finding("archive-file.size-wrong", "a", "100", "99")


@pytest.mark.parametrize("place", [0, 512 * 3, 512 * 6])
def test_a_broken_header_is_not_the_end(tmp_path: Path, place: int) -> None:
    raw = bytearray(make_tar(tmp_path / "x", {str(n): b"1" for n in range(9)}, form=tarfile.GNU_FORMAT).read_bytes())
    raw[place - place % 1024 + 148] ^= 1  # each file has a header and one block
    (tmp_path / "x").write_bytes(raw)
    assert codes(tmp_path / "x") == {"archive-file.broken"}


@pytest.mark.parametrize("length", [512 * 2, 512 * 2 + 100, 512 * 3, 512 * 3 + 512])
def test_a_tar_without_its_end_is_refused(tmp_path: Path, length: int) -> None:
    path = make_tar(tmp_path / "x", {"a": b"1", "b": b"2" * 513}, form=tarfile.GNU_FORMAT)
    path.write_bytes(path.read_bytes()[:length])
    assert codes(path) == {"archive-file.broken"}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_nothing_may_hide_behind_the_end(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    raw = make_tar(tmp_path / "x", {"a": b"1"}).read_bytes()
    (tmp_path / "x").write_bytes(pack(raw + raw))
    assert codes(tmp_path / "x") == {"archive-file.trailing"}
    (tmp_path / "x").write_bytes(pack(raw + bytes(2 << 20)))
    assert codes(tmp_path / "x") == {"archive-file.trailing"}


def test_a_header_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 40
    (tmp_path / "x").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert codes(tmp_path / "x") == {"archive-file.broken"}


@pytest.mark.parametrize(
    ("maker", "kind"),
    [
        ("zip", "application/zip"),
        ("zip64", "application/zip"),
        ("tar", "application/x-tar"),
        ("tar gnu", "application/x-tar"),
        ("tar.gz", "application/gzip"),
    ],
)
def test_the_kind_of_an_archive_file_is_told_by_its_bytes(tmp_path: Path, maker: str, kind: str) -> None:
    assert media_type(MAKERS[maker](tmp_path / "x.bin", FILES)) == kind
    (tmp_path / "y.zip").write_bytes(b"no archive")
    assert media_type(tmp_path / "y.zip") is None


def test_faults_of_the_disk_are_not_taken_for_a_broken_archive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "absent")
