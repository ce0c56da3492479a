"""A stored file is hashed once for all of its parts, and again as soon as anything about it differs."""

import hashlib
import os
from pathlib import Path

import pytest

from repository.errors import ArchiveError
from repository.services import true_files
from repository.services.true_files import SETTLED, TrueFiles

CONTENT = b"page" * 1_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read whole, in order."""
    real, seen = true_files._sha256, []

    def counted(place: Path) -> str:
        seen.append(place)
        return real(place)

    monkeypatch.setattr(true_files, "_sha256", counted)
    return seen


def later(place: Path) -> int:
    """A moment at which nobody's last write can be mistaken for another."""
    return place.stat().st_ctime_ns + 10 * SETTLED


def made(folder: Path, name: str = "page.tif") -> Path:
    place = folder / name
    place.write_bytes(CONTENT)
    return place


def test_it_is_read_once_and_once_more_after_it_changed(tmp_path: Path, reads: list[Path]) -> None:
    place = made(tmp_path)
    known = TrueFiles(clock=lambda: later(place))
    for _ in range(5):
        known.expect(place, SHA256, "page.tif")
    assert reads == [place]
    os.utime(place, ns=(0, 0))  # as if somebody had written to it
    known.expect(place, SHA256, "page.tif")
    assert reads == [place] * 2
    with place.open("r+b") as file:
        file.write(b"!")
    os.utime(place, ns=(0, 0))  # and had hidden when
    with pytest.raises(ArchiveError) as false:
        known.expect(place, SHA256, "page.tif")
    assert (false.value.code, len(reads)) == ("fixity-mismatch", 3)
    with pytest.raises(ArchiveError):
        known.expect(place, SHA256, "page.tif")
    assert len(reads) == 4


def test_another_file_of_the_same_name_and_size_is_read(tmp_path: Path, reads: list[Path]) -> None:
    place = made(tmp_path)
    known = TrueFiles(clock=lambda: later(place))
    known.expect(place, SHA256, "page.tif")
    other = made(tmp_path, "other.tif")
    other.rename(place)
    known.expect(place, SHA256, "page.tif")
    assert len(reads) == 2
    place.unlink()
    with pytest.raises(ArchiveError) as gone:
        known.expect(place, SHA256, "page.tif")
    assert gone.value.values["found"] == "-"


def test_a_file_that_was_just_written_is_not_trusted_to_its_times(tmp_path: Path, reads: list[Path]) -> None:
    place = made(tmp_path)
    known = TrueFiles(clock=lambda: place.stat().st_ctime_ns + SETTLED // 2)
    known.expect(place, SHA256, "page.tif")
    known.expect(place, SHA256, "page.tif")
    assert len(reads) == 2


def test_no_more_are_remembered_than_allowed(tmp_path: Path, reads: list[Path]) -> None:
    places = [made(tmp_path, f"{number}.tif") for number in range(3)]
    known = TrueFiles(kept=2, clock=lambda: later(places[-1]))
    for place in (*places, places[2], places[0]):
        known.expect(place, SHA256, place.name)
    assert reads == [*places, places[0]]
