"""The committed fixtures are what their generator makes, and each is what its name says."""

import csv
import os
import stat
import subprocess
import sys
import tomllib
import unicodedata
import wave
from pathlib import Path
from random import Random

import bagit
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures import bags, bulk, make, sound
from fixtures.delivery import HEADER
from fixtures.hostile import deliveries as hostile
from fixtures.sheet import LARGEST_SCAN

HERE = make.HERE
DEEDS = HERE / "deliveries" / "land-deeds"
MIXED = HERE / "deliveries" / "mixed"

OTHERWISE = {
    "encoded-name-clean": "the reference does not decode %25",
    "incomplete-second-manifest": "the reference asks only that some manifest names each file",
    "malformed-manifest-line": "the reference skips lines that it cannot read",
}
"""Bags on which the reference implementation departs from RFC 8493."""


def below(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def committed() -> dict[str, bytes]:
    return {f"{top}/{path}": content for top in make.FOLDERS for path, content in below(HERE / top).items()}


def rows_of(catalogue: Path) -> list[dict[str, str]]:
    with catalogue.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_what_is_committed_is_what_the_generator_writes() -> None:
    made, found = make.written(), committed()
    assert {path: found.get(path) for path in made} == made
    drawn = {path for path in found if path.startswith(("deliveries/land-deeds/", "deliveries/mixed/", "pages/"))}
    assert found.keys() - made.keys() == drawn


def test_the_committed_fixtures_are_small() -> None:
    assert sum(map(len, committed().values())) <= 2_800_000


def test_drawing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    if missing := make.missing():
        pytest.skip(f"cannot draw without Debian's {', '.join(missing)}")
    command = [sys.executable, "-m", "fixtures.make", "--into", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "PYTHONHASHSEED": "7"}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    once, again = below(tmp_path), make.drawn() | make.written()
    assert [path for path in once.keys() | again.keys() if once.get(path) != again.get(path)] == []
    assert once.keys() == committed().keys()


def test_the_generator_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(make, "missing", lambda: ["fonts-arphic-ukai"])
    assert make.main(["--into", str(tmp_path)]) == 2
    assert "fonts-arphic-ukai" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_land_deeds_are_three_records_of_twelve_pages() -> None:
    rows = rows_of(DEEDS / "catalogue.csv")
    assert tuple(rows[0]) == HEADER
    assert [row["页数"] for row in rows] == ["4", "5", "3"]
    assert any("地契" in row["题名"] for row in rows)
    assert any("民国" in row["题名"] for row in rows)
    for row in rows:
        names = sorted(path.stem for path in (DEEDS / row["文件"]).iterdir())
        assert names == [f"{row['档号']}-{number:03}" for number in range(1, int(row["页数"]) + 1)]


@pytest.mark.parametrize("path", sorted(DEEDS.glob("*/*")), ids=lambda path: path.stem)
def test_a_page_is_a_scan_of_three_hundred_dpi(path: Path) -> None:
    assert path.stat().st_size <= LARGEST_SCAN
    with Image.open(path) as page:
        page.load()
        assert tuple(map(round, page.info["dpi"])) == (300, 300)
        if path.suffix == ".tif":
            assert (page.mode, page.info["compression"]) == ("1", "group4")
        else:
            assert (page.mode, page.format) == ("RGB", "JPEG")


def test_exactly_one_page_is_bitonal() -> None:
    assert [path.name for path in DEEDS.glob("*/*.tif")] == ["J012-1-0002-005.tif"]


def test_the_photographs_say_when_they_were_taken() -> None:
    photographs = sorted(MIXED.rglob("*.jpg"))
    assert len(photographs) == 2
    for path in photographs:
        with Image.open(path) as photograph:
            assert photograph.getexif().get_ifd(0x8769)[0x9003].startswith("195")


def test_the_sound_is_of_archival_quality() -> None:
    with wave.open(str(MIXED / "石桥村铜钟录音" / "铜钟.wav")) as bell:
        assert (bell.getframerate(), bell.getsampwidth(), bell.getnchannels()) == (44_100, 3, 1)
        samples = bell.readframes(bell.getnframes())
    loudest = max(abs(int.from_bytes(samples[at : at + 3], "little", signed=True)) for at in range(0, len(samples), 3))
    assert 2**20 < loudest < 2**23 - 1


def test_the_sound_is_what_its_arithmetic_gives() -> None:
    assert (MIXED / "石桥村铜钟录音" / "铜钟.wav").read_bytes() == sound.bell()


def test_the_film_is_small_and_an_mp4() -> None:
    film = (MIXED / "白沙渠修渠工程" / "水车.mp4").read_bytes()
    assert film[4:8] == b"ftyp"
    assert len(film) <= 80_000


@pytest.mark.parametrize("name", sorted(bags.CASES))
def test_the_reference_implementation_agrees_on_the_bag(name: str) -> None:
    try:
        bagit.Bag(str(HERE / "bags" / name)).validate()
        valid = True
    except bagit.BagError:
        valid = False
    assert valid is ((not bags.CASES[name].codes) ^ (name in OTHERWISE))


def test_the_table_of_bags_names_each_folder() -> None:
    table = tomllib.loads((HERE / "bags" / "expected.toml").read_text(encoding="utf-8"))
    assert table.keys() == {path.name for path in (HERE / "bags").iterdir() if path.is_dir()}
    for name, row in table.items():
        assert row["verdict"] == ("valid" if name.endswith("clean") else "invalid")
        assert bool(row["codes"]) is (row["verdict"] == "invalid")


def test_only_one_record_is_above_the_ceiling() -> None:
    rows = rows_of(HERE / "deliveries" / "above-the-ceiling" / "catalogue.csv")
    assert [row["密级"] for row in rows] == ["公开", "秘密"]


def names_in(delivery: Path) -> list[str]:
    return sorted(path.relative_to(delivery).as_posix() for path in delivery.rglob("*"))


@pytest.mark.parametrize("build", hostile.REFUSED + hostile.ACCEPTED, ids=lambda build: build.__name__)
def test_a_hostile_delivery_stands_under_its_name(build: hostile.Builder, tmp_path: Path) -> None:
    delivery = build(tmp_path / "new")
    assert delivery == tmp_path / "new" / build.__name__.replace("_", "-")
    assert delivery.is_dir()
    assert build.__doc__


@pytest.mark.parametrize("build", hostile.ACCEPTED, ids=lambda build: build.__name__)
def test_an_acceptable_delivery_has_files_and_no_two_names_that_collide(build: hostile.Builder, tmp_path: Path) -> None:
    names = names_in(build(tmp_path))
    assert names
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(names)
    assert all(os.fsencode(name).decode() for name in names)


@pytest.mark.parametrize("build", [hostile.gbk_name, hostile.gbk_folder_name], ids=lambda build: build.__name__)
def test_a_gbk_name_is_not_utf8(build: hostile.Builder, tmp_path: Path) -> None:
    bad = [name for name in map(os.fsencode, names_in(build(tmp_path))) if b"\xb5\xd8" in name or b"\xc3\xf1" in name]
    assert bad
    with pytest.raises(UnicodeDecodeError):
        bad[0].decode()


def test_composed_and_decomposed_names_are_one_after_normalisation(tmp_path: Path) -> None:
    names = names_in(hostile.composed_and_decomposed(tmp_path))
    assert len(names) == 2
    assert len({unicodedata.normalize("NFC", name) for name in names}) == 1


@pytest.mark.parametrize(
    "build", [hostile.case_collision, hostile.case_collision_of_folders], ids=lambda build: build.__name__
)
def test_colliding_names_are_one_after_case_folding(build: hostile.Builder, tmp_path: Path) -> None:
    top = sorted(path.name for path in build(tmp_path).iterdir())
    assert len(top) == 2
    assert len({name.casefold() for name in top}) == 1


@pytest.mark.parametrize(
    "build", [hostile.empty_delivery, hostile.only_empty_folders], ids=lambda build: build.__name__
)
def test_an_empty_delivery_has_no_file(build: hostile.Builder, tmp_path: Path) -> None:
    assert not any(path.is_file() for path in build(tmp_path).rglob("*"))


def test_links_lead_out_and_round(tmp_path: Path) -> None:
    out = hostile.symlink_out(tmp_path) / "002.txt"
    assert out.is_symlink()
    assert not out.resolve().is_relative_to(out.parent.resolve())
    loop = hostile.symlink_loop(tmp_path)
    assert (loop / "again").resolve() == loop.resolve()


def test_a_fifo_is_a_fifo_and_an_unreadable_file_has_no_permission(tmp_path: Path) -> None:
    assert stat.S_ISFIFO((hostile.fifo(tmp_path) / "002.txt").stat().st_mode)
    assert stat.S_IMODE((hostile.unreadable_file(tmp_path) / "002.txt").stat().st_mode) == 0


def test_long_names_take_two_hundred_and_fifty_bytes(tmp_path: Path) -> None:
    assert {len(name.encode()) for name in names_in(hostile.long_names(tmp_path))} == {250}


@given(size=st.integers(bulk.SMALLEST_PAGE, 200_000), seed=st.integers())
def test_a_page_has_the_size_asked_for_and_opens(
    size: int, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bulk.page(Random(seed), size)
    path = tmp_path_factory.getbasetemp() / "page.jpg"
    path.write_bytes(content)
    assert len(content) == size
    with Image.open(path) as page:
        page.load()
        assert page.size == (1, 1)


def test_a_page_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        bulk.page(Random(0), bulk.SMALLEST_PAGE - 1)


def test_many_records_are_catalogued_distinct_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first, second, other = (
        below(bulk.many_records(tmp_path / name, records=40, pages=3, page_bytes=1_000, seed=seed))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first == second != other
    assert len(first) == 121
    assert len(set(first.values())) == 121
    for row in rows_of(tmp_path / "a" / "catalogue.csv"):
        assert len(list((tmp_path / "a" / row["文件"]).iterdir())) == int(row["页数"]) == 3
        assert row["题名"].startswith("民国")


@pytest.mark.parametrize(
    ("number", "text"), [(1, "元"), (9, "九"), (10, "十"), (11, "十一"), (20, "二十"), (37, "三十七")]
)
def test_years_are_written_in_chinese(number: int, text: str) -> None:
    assert bulk._numeral(number) == text


@pytest.mark.parametrize("size", [0, 5, 64])
def test_many_files_have_the_number_and_size_asked_for(size: int, tmp_path: Path) -> None:
    files = below(bulk.many_files(tmp_path / "many", 1_001, size))
    assert len(files) == 1_001
    assert {len(content) for content in files.values()} == {size}
    assert "0001/0001000.bin" in files
    assert size < 8 or len(set(files.values())) == 1_001


def test_a_big_file_is_of_its_size_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    size = (1 << 20) + 17
    first, second = (bulk.big_file(tmp_path / name, size).read_bytes() for name in "ab")
    assert len(first) == size
    assert first == second
    with pytest.raises(FileExistsError):
        bulk.big_file(tmp_path / "a", 1)
