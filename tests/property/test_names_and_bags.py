"""What holds for any names and any bytes: safe names, bags that come back whole, changes that are found."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import bagit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packages_spec.bagit import bag_info, read_bag, validate_bag
from packages_spec.findings import is_valid
from packages_spec.paths import HIDDEN, judge_path, safe_path, safe_paths, same_name
from tests.bag_maker import make_bag

HOSTILE = '%\r\n\t \x00\x1f\x7f\x85<>:"\\|?*~.\u200b\u202e\ufeff\u0301\u0338é地卷AaCONcom1²_\U00020000\U000e0041/'
paths = st.text(st.sampled_from(HOSTILE) | st.characters(codec="utf-8"), max_size=12) | st.text(
    st.sampled_from("a地 .?/"), min_size=60, max_size=260
)
parts = st.text(st.sampled_from(HOSTILE.replace("/", "").replace("\x00", "")), min_size=1, max_size=9)
deliveries = st.lists(paths.filter(lambda path: not judge_path(path)), max_size=12)
storable = st.lists(parts, min_size=1, max_size=3).map("/".join).filter(lambda path: not judge_path(path))


@given(paths)
def test_a_safe_path_is_safe_and_stays_as_it_is(path: str) -> None:
    safe = safe_path(path)
    assert safe_path(safe) == safe
    assert unicodedata.is_normalized("NFC", safe)
    assert {finding.code for finding in judge_path(safe)} <= {"path.too-long"}
    assert not HIDDEN.search(safe)
    assert not set('%<>:"\\|?*') & set(safe)
    for part in safe.split("/"):
        assert 0 < len(part.encode()) <= 200
        assert part == part.strip(" ").rstrip(".")
        assert not part.startswith("~")
        assert part.split(".")[0].rstrip(" ").upper() not in {"CON", "COM1", "COM²", "NUL"}
    assert safe.count("/") == path.count("/")


@given(paths)
def test_a_path_without_fault_is_only_normalised(path: str) -> None:
    safe = safe_path(path)
    if "_" not in safe and len(path.encode()) <= 200:
        assert safe == unicodedata.normalize("NFC", path)


@given(deliveries)
def test_a_delivery_keeps_every_file_apart_whatever_its_order(delivery: list[str]) -> None:
    result = safe_paths(delivery)
    assert result == safe_paths(sorted(delivery, key=lambda path: path[::-1]))
    assert result.names.keys() == set(delivery)
    if not result.findings:
        assert len({same_name(path) for path in result.names.values()}) == len(result.names)
        folders = {path.rpartition("/")[0] for path in result.names.values()} - {""}
        assert not folders & set(result.names.values())
    for path in result.names.values():
        assert safe_path(path) == path


@given(deliveries)
def test_originals_that_are_one_name_are_never_let_through(delivery: list[str]) -> None:
    if len({same_name(path) for path in delivery}) < len(set(delivery)):
        assert safe_paths(delivery).findings


fields = st.tuples(
    st.text(st.characters(codec="utf-8", exclude_characters=":\r\n"), min_size=1, max_size=9),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=20),
).filter(lambda field: all(text and text == text.strip() for text in field))


@given(st.lists(fields, max_size=6))
@settings(deadline=None)
def test_the_fields_of_a_bag_come_back(written: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        bag = make_bag(Path(folder) / "bag", {})
        (bag / "bag-info.txt").write_bytes(bag_info(written))
        assert list(read_bag(bag).info) == written


@given(st.dictionaries(storable, st.binary(max_size=40), max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_bag_of_hostile_names_comes_back_whole(payload: dict[str, bytes]) -> None:
    folders = {path[:at] for path in payload for at, letter in enumerate(path) if letter == "/"}
    payload = {path: content for path, content in payload.items() if path not in folders}
    with TemporaryDirectory() as folder:
        bag = make_bag(Path(folder) / "bag", payload)
        assert is_valid(validate_bag(bag))
        listed = read_bag(bag).manifests["sha256"]
        assert listed.keys() == {f"data/{path}" for path in payload}
        if not _beyond_the_reference(payload):
            assert bagit.Bag(str(bag)).is_valid()


def _beyond_the_reference(payload: dict[str, bytes]) -> bool:
    """Names that the reference implementation is known to lose: `%`, blanks at the ends, other line ends, two forms."""
    lost = {"%", "\r", "\n", "\x85", "\x1f", "\x1e", "\x1d", "\x1c", "\x0b", "\x0c", "\u2028", "\u2029"}
    forms = {unicodedata.normalize("NFC", path) for path in payload}
    return (
        len(forms) < len(payload)
        or any(lost & set(path) or path != path.strip() or "*" in path or "~" in path for path in payload)
        or any(path != os.path.normpath(path) for path in payload)
    )


def _every_change(content: bytes) -> Iterator[tuple[int, bytes]]:
    for place in range(len(content)):
        for flip in (1, 1 << 5, 1 << 7):
            yield place, content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :]


@pytest.mark.parametrize("name", ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "data/a.txt", "data/b/页.txt"])
def test_any_changed_byte_is_found_and_its_file_named(tmp_path: Path, name: str) -> None:
    bag = make_bag(tmp_path / "bag", {"a.txt": b"alpha", "b/页.txt": b"beta"})
    for _, changed in _every_change((bag / name).read_bytes()):
        (bag / name).write_bytes(changed)
        findings = validate_bag(bag)
        assert not is_valid(findings)
        assert name in {finding.path for finding in findings}


def test_any_changed_byte_of_a_tag_manifest_is_found_or_says_the_same(tmp_path: Path) -> None:
    """Nothing in the bag vouches for the tag manifest: a change is either an error or one that RFC 8493 lets be."""
    bag = make_bag(tmp_path / "bag", {"a.txt": b"alpha"})
    place, said = bag / "tagmanifest-sha256.txt", read_bag(bag).tag_manifests
    for at, changed in _every_change(original := place.read_bytes()):
        place.write_bytes(changed)
        if is_valid(validate_bag(bag)):
            assert read_bag(bag).tag_manifests == said
            assert changed.lower() == original.lower() or original[at : at + 1] in b" \n"


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_file_cut_short_or_lengthened_is_found(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        bag = make_bag(Path(folder) / "bag", {"a": b"12345", "b": bytes(300)})
        place = bag / data.draw(
            st.sampled_from(["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "data/a", "data/b"])
        )
        content = place.read_bytes()
        more = data.draw(st.binary(min_size=1, max_size=9))
        place.write_bytes(data.draw(st.sampled_from([content + more, content[: -len(more)], more + content])))
        assert not is_valid(validate_bag(bag))


@given(
    st.dictionaries(
        st.sampled_from(["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "fetch.txt", "manifest-md5.txt"]),
        st.binary(max_size=90),
    )
)
@settings(deadline=None)
def test_no_bytes_make_the_judge_raise(tags: dict[str, bytes]) -> None:
    with TemporaryDirectory() as folder:
        bag = make_bag(Path(folder) / "bag", {"a": b"1"})
        for name, content in tags.items():
            (bag / name).write_bytes(content)
        for finding in validate_bag(bag):
            assert finding.message("zh").encode()
            assert finding.message("en").encode()
