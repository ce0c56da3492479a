"""`jingui qc` as a person and a program meet it: no archive, a folder, a bag or a file."""

import hashlib
import shutil
from pathlib import Path

from fixtures.pages import PLANTED, SOUND
from tests.command_line import ROOT, jingui

PAGES = ROOT / "fixtures" / "pages"
LAND_DEEDS = ROOT / "fixtures" / "deliveries" / "land-deeds"


def test_every_page_is_a_line_with_its_checks() -> None:
    said = jingui("qc", str(PAGES), "--json")
    assert said.status == 21
    lines = said.lines()
    assert {line["path"] for line in lines} == {*PLANTED, *SOUND}
    assert {line["schema"] for line in lines} == {"jingui.qc/1"}
    for line in lines:
        assert all({"id", "outcome", "value", "unit", "threshold"} <= check.keys() for check in line["checks"])
    tilted = next(line for line in lines if line["path"] == "tilted-2.jpg")
    skew = next(check for check in tilted["checks"] if check["id"] == "Q01")
    assert (skew["outcome"], skew["unit"], skew["threshold"]) == ("review", "deg", 1)
    assert abs(skew["value"] - 2.0) < 0.15


def test_a_sound_delivery_passes_and_what_is_no_page_is_said(tmp_path: Path) -> None:
    said = jingui("qc", str(LAND_DEEDS), "--lang", "en")
    assert said.status == 0
    assert "12 pages: 12 passed, 0 for review, 0 failed, 0 not tested." in said.out
    assert "1 other files are no pages, sound or film, and were not judged." in said.err


def test_a_person_reads_what_is_wrong_in_both_languages() -> None:
    chinese, english = (jingui("qc", str(PAGES / "tilted-5.jpg"), "--lang", language) for language in ("zh", "en"))
    assert (chinese.status, english.status) == (21, 21)
    assert "Q01 倾斜：-4.9" in chinese.out
    assert "Q01 skew: -4.9" in english.out
    assert "不合格" in chinese.out
    assert "failed" in english.out


def test_a_bag_is_judged_against_its_manifest(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name in SOUND[:2]:
        shutil.copy(PAGES / name, tmp_path / "data" / name)
    right = hashlib.sha256((PAGES / SOUND[0]).read_bytes()).hexdigest()
    (tmp_path / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    (tmp_path / "manifest-sha256.txt").write_text(f"{right}  data/{SOUND[0]}\n{right}  data/{SOUND[1]}\n")
    said = jingui("qc", str(tmp_path), "--json")
    found = {line["path"]: {check["id"]: check["outcome"] for check in line["checks"]}["F02"] for line in said.lines()}
    assert said.status == 21
    assert found == {f"data/{SOUND[0]}": "pass", f"data/{SOUND[1]}": "fail"}


def test_a_profile_of_ones_own_decides(tmp_path: Path) -> None:
    mild = (
        (ROOT / "repository/qc/profiles/documents.toml")
        .read_text("utf-8")
        .replace("fail_above = 3.0", "fail_above = 9.0")
    )
    (tmp_path / "mild.toml").write_text(mild, "utf-8")
    assert jingui("qc", str(PAGES / "tilted-5.jpg"), "--profile", str(tmp_path / "mild.toml")).status == 0


def test_what_cannot_be_judged_says_what_to_do(tmp_path: Path) -> None:
    assert jingui("qc", str(tmp_path / "nothing")).status == 3
    unknown = jingui("qc", str(PAGES), "--profile", "nothing", "--json")
    assert (unknown.status, unknown.json()["code"]) == (3, "quality-profile-unknown")
    (tmp_path / "wrong.toml").write_text("name = 1\n")
    assert jingui("qc", str(PAGES), "--profile", str(tmp_path / "wrong.toml")).status == 2
    empty = tmp_path / "empty"
    empty.mkdir()
    said = jingui("qc", str(empty), "--lang", "en")
    assert (said.status, said.out.strip()) == (0, "0 pages: 0 passed, 0 for review, 0 failed, 0 not tested.")
