"""What holds for any archive file: it comes out as it went in or is refused; no exception, no bad path."""

import io
import tarfile
import warnings
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from packages_spec.paths import HIDDEN, judge_path
from packages_spec.safe_archive import RefusedArchive, is_archive, members, scan

names = st.text(st.sampled_from("ab/.\\:~A é地%\n\u202e"), min_size=1, max_size=8)
contents = st.lists(st.tuples(names, st.binary(max_size=2000)), max_size=6)


def packed(files: list[tuple[str, bytes]], form: str) -> bytes:
    buffer = io.BytesIO()
    if form == "zip":
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files:
                archive.writestr(name, content)
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz" if form == "tar.gz" else "w") as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


forms = st.sampled_from(["zip", "tar", "tar.gz"])


@given(contents, forms)
def test_members_come_out_whole_or_not_at_all(files: list[tuple[str, bytes]], form: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(packed(files, form))
        given_out, refused = [], False
        try:
            for member in members(path):
                assert not judge_path(member.path)
                assert not HIDDEN.search(member.path)
                given_out.append((member.path, b"".join(member.chunks)))
        except RefusedArchive:
            refused = True
        assert refused == bool(scan(path))
        plain = [(name.removeprefix("./") if form != "zip" else name, content) for name, content in files]
        if not refused:
            assert given_out == [(name, content) for name, content in plain if not name.endswith("/")]
            assert is_archive(path) or (not files and form != "zip")


@given(contents, forms, st.data())
@settings(max_examples=300)
def test_no_bytes_make_the_judge_raise(files: list[tuple[str, bytes]], form: str, data: st.DataObject) -> None:
    raw = bytearray(packed(files, form))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
        is_archive(path)
        refused = bool(scan(path))
        try:
            for member in members(path):
                assert sum(map(len, member.chunks)) == member.size
        except RefusedArchive:
            refused = False  # as it must be; wrong checksums are found only here
        assert not refused
