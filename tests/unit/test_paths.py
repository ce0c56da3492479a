"""The path rules: what becomes of names, and which paths are refused. The safe forms are stored for ever."""

from unicodedata import normalize

import pytest

from packages_spec.findings import Finding
from packages_spec.paths import HARMLESS, decode_name, judge_path, safe_path, safe_paths, same_name, shown

SAFE_FORMS = {
    "0001.tif": "0001.tif",
    "J001-WS-2020-D30-0001/0001.tif": "J001-WS-2020-D30-0001/0001.tif",
    "地契 民国二十三年.tif": "地契 民国二十三年.tif",
    "cafe\u0301.txt": "caf\u00e9.txt",  # NFC
    "100%.txt": "100_.txt",
    "a\r\nb.txt": "a__b.txt",
    "a\x00b\x1fc\x7fd\x85e": "a_b_c_d_e",
    '<>:"\\|?*': "________",
    "报告\u202etxt.exe": "报告_txt.exe",  # turns the reading order
    "a\u200bb\ufeffc\u2066d\u00ade": "a_b_c_d_e",
    "tag\U000e0041": "tag_",
    " two spaces": "_two spaces",
    "trailing. .": "trailing___",
    "~$报告.docx": "_$报告.docx",
    "a/~b": "a/_b",
    "a~b": "a~b",
    "..": "__",
    "a//b": "a/_/b",
    "CON": "_ON",
    "con.txt": "_on.txt",
    "Com1.tar.gz": "_om1.tar.gz",
    "LPT\u00b2": "_PT\u00b2",
    "nul .txt": "_ul .txt",
    "console.txt": "console.txt",
    "CONIN$": "_ONIN$",
    "-rf": "-rf",
    "\u3000全角空格": "\u3000全角空格",
}


@pytest.mark.parametrize(("path", "safe"), SAFE_FORMS.items(), ids=map(ascii, SAFE_FORMS))
def test_a_name_becomes_its_safe_form(path: str, safe: str) -> None:
    assert safe_path(path) == safe


@pytest.mark.parametrize(
    ("part", "safe"),
    [
        ("x" * 300, "x" * 200),
        ("x" * 300 + ".tif", "x" * 196 + ".tif"),
        ("档" * 100 + ".tif", "档" * 65 + ".tif"),  # 65 * 3 + 4 = 199: no code point is cut in two
        ("x" * 300 + "." + "e" * 31, "x" * 168 + "." + "e" * 31),
        ("x" * 300 + "." + "e" * 32, "x" * 200),  # no extension: more than 32 bytes
        ("." + "x" * 300, "." + "x" * 199),  # no extension: the whole part
        ("x" * 199 + " " + "y" * 9, "x" * 199 + "_"),  # the cut made a trailing space
        ("CON" + " " * 300 + "x.txt", "_ON" + " " * 193 + ".txt"),  # the cut made a device name
    ],
)
def test_a_long_part_is_cut_before_its_extension(part: str, safe: str) -> None:
    assert safe_path(part) == safe
    assert safe_path(f"folder/{part}/{part}") == f"folder/{safe}/{safe}"


def test_a_name_that_is_no_unicode_is_never_made_safe() -> None:
    with pytest.raises(UnicodeEncodeError):
        safe_path("\udcb5\udcd8.txt")


def test_names_are_strict_utf8_or_nothing() -> None:
    assert decode_name("地契".encode()) == "地契"
    assert decode_name("地契".encode("gbk")) is None
    assert decode_name(b"\xed\xa0\x80") is None  # a surrogate
    assert shown("a\udcb5") == "a\\udcb5"


def test_a_replacement_that_meets_another_name_is_numbered() -> None:
    paths = ["a?.txt", "a*.txt", "a_.txt", "A<.txt", "a__2.txt", "b/a?.txt"]
    result = safe_paths(paths)
    assert result.findings == ()
    assert result.names == {
        "a_.txt": "a_.txt",
        "a__2.txt": "a__2.txt",
        "A<.txt": "A__3.txt",
        "a*.txt": "a__4.txt",
        "a?.txt": "a__5.txt",
        "b/a?.txt": "b/a_.txt",
    }


def test_folders_that_become_one_stay_apart() -> None:
    assert safe_paths(["a?/x", "a*/y", "a*/z"]).names == {"a*/y": "a_/y", "a*/z": "a_/z", "a?/x": "a__2/x"}
    assert safe_paths(["a?", "a*/x"]).names == {"a*/x": "a_/x", "a?": "a__2"}


def test_numbers_fit_into_the_longest_name() -> None:
    long = "档" * 100
    names = safe_paths([f"{long}1.tif", f"{long}2.tif"]).names
    assert list(names.values()) == ["档" * 65 + ".tif", "档" * 64 + "_2.tif"]


def test_the_order_of_the_paths_changes_nothing() -> None:
    paths = ["a?", "a*", "a_", "b/\t", "b/\n", "b/_", "档" * 99, "档" * 98]
    assert safe_paths(paths) == safe_paths(reversed(paths)) == safe_paths(paths + paths)


@pytest.mark.parametrize(
    ("paths", "finding"),
    [
        (["caf\u00e9", "cafe\u0301"], Finding("path.collision", "caf\u00e9", found="cafe\u0301")),
        (["Page.tif", "page.tif"], Finding("path.collision", "page.tif", found="Page.tif")),
        (["straße", "STRASSE"], Finding("path.collision", "straße", found="STRASSE")),
        (["A/x", "a/y"], Finding("path.collision", "a", found="A")),
        (["q/A?", "q/a?"], Finding("path.collision", "q/a?", found="q/A?")),
        (["a", "a/b"], Finding("path.collision", "a/", found="a")),
    ],
)
def test_originals_that_are_one_name_are_a_finding(paths: list[str], finding: Finding) -> None:
    assert safe_paths(paths).findings == (finding,)


@pytest.mark.parametrize(
    ("path", "codes"),
    [
        ("data/0001.tif", set()),
        ("data/a:b?*.txt", set()),
        ("data/.hidden/..a/b..", set()),
        ("", {"path.empty-part"}),
        ("data//a", {"path.empty-part"}),
        ("data/", {"path.empty-part"}),
        ("/etc/passwd", {"path.absolute"}),
        ("../a", {"path.dots"}),
        ("data/../../a", {"path.dots"}),
        ("data/./a", {"path.dots"}),
        ("data\\a", {"path.backslash"}),
        ("\\\\server\\share", {"path.backslash"}),
        ("C:/a", {"path.drive"}),
        ("c:a", {"path.drive"}),
        ("~/a", {"path.home"}),
        ("~root/a", {"path.home"}),
        ("data/~a", set()),
        ("data/a\0b", {"path.nul"}),
        ("data/\udcb5", {"path.not-utf8"}),
        ("data/" + "a" * 4091, set()),
        ("data/" + "a" * 4092, {"path.too-long"}),
        ("/..\\", {"path.absolute", "path.backslash"}),
    ],
)
def test_a_path_that_could_lead_outside_is_refused(path: str, codes: set[str]) -> None:
    assert {finding.code for finding in judge_path(path)} == codes


def test_the_rule_takes_any_findings_text() -> None:
    for language in ("zh", "en"):
        for finding in judge_path("/\udcb5/..") + list(safe_paths(["A", "a"]).findings):
            assert finding.message(language).encode()


def test_what_is_harmless_at_one_look_has_one_form_but_for_its_case() -> None:
    letters = [chr(code) for code in range(0xA000) if HARMLESS.fullmatch(chr(code))]
    assert len(letters) > 27_000
    for letter in letters:
        assert normalize("NFC", normalize("NFD", letter).casefold()) == letter.lower() == same_name(letter)
        assert judge_path(letter) == []
