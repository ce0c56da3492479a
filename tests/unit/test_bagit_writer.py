"""The bytes of tag files that the archive writes; they are stored for ever."""

import pytest

from packages_spec.bagit import bag_info, declaration, manifest, payload_oxum
from packages_spec.digests import Digested

FILES = [Digested("data/b", 3, "b" * 64), Digested("data/地契.tif", 5, "c" * 64), Digested("data/a%\r\n1", 0, "a" * 64)]


def test_the_declaration() -> None:
    assert declaration() == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def test_a_manifest_has_two_spaces_lower_case_hex_and_the_order_of_the_bytes() -> None:
    lines = list(manifest(FILES))
    assert lines == [
        b"a" * 64 + b"  data/a%25%0D%0A1\n",
        b"b" * 64 + b"  data/b\n",
        b"c" * 64 + "  data/地契.tif\n".encode(),
    ]
    assert list(manifest(reversed(FILES))) == lines


def test_the_order_is_that_of_utf8_beyond_the_basic_plane() -> None:
    paths = ["\U00020000", "\uffe5", "\ue000"]
    lines = list(manifest(Digested(path, 0, "0") for path in paths))
    assert lines == sorted(lines)


def test_the_oxum() -> None:
    assert payload_oxum(FILES) == "8.3"
    assert payload_oxum(iter(())) == "0.0"


def test_bag_info_keeps_order_and_repeated_fields() -> None:
    fields = [("Bag-Group-Identifier", "全宗/案卷"), ("Note", "a: b"), ("Note", "c")]
    assert bag_info(fields) == "Bag-Group-Identifier: 全宗/案卷\nNote: a: b\nNote: c\n".encode()


@pytest.mark.parametrize(
    "field",
    [
        ("", "v"),
        ("a", ""),
        ("a:b", "v"),
        (" a", "v"),
        ("a", "v\nw"),
        ("a", "v\r"),
        ("a", " v"),
        ("a", "v\t"),
        ("a\n", "v"),
    ],
)
def test_a_field_that_could_not_be_read_back_is_refused(field: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a bag-info field"):
        bag_info([field])
