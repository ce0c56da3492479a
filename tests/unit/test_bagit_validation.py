"""Every fault of a bag is named by its code, and nothing outside the bag is opened."""

import codecs
import os
from collections.abc import Callable, Mapping
from hashlib import blake2b, sha256
from pathlib import Path

import pytest

from packages_spec.bagit import is_bag, parts, read_bag, validate_bag
from packages_spec.bagit.tagfiles import ENCODINGS
from packages_spec.findings import is_valid
from tests.bag_maker import line, make_bag, without_tag_manifest, write

Change = Callable[[Path], object]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return make_bag(tmp_path / "bag", {"a.txt": b"alpha", "b/页.txt": b"beta"})


def codes(root: Path) -> set[str]:
    return {finding.code for finding in validate_bag(root)}


def edit(name: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / name).read_bytes()
        assert old.encode() in text
        (root / name).write_bytes(text.replace(old.encode(), new.encode()))

    return change


def append(name: str, text: str) -> Change:
    return lambda root: (root / name).write_bytes((root / name).read_bytes() + text.encode())


def put(name: str, content: bytes) -> Change:
    return lambda root: write(root, name, content)


def manifest_path(path: str) -> Change:
    return append("manifest-sha256.txt", f"{'0' * 64}  {path}\n")


def second_manifest(root: Path) -> None:
    write(root, "manifest-md5.txt", line(root, "data/a.txt", "md5").encode())


def version_097(root: Path) -> None:
    edit("bagit.txt", "1.0", "0.97")(root)


FAULTS: Mapping[str, tuple[Change, set[str]]] = {
    "bag.algorithm-unknown": (put("manifest-crc32.txt", b""), {"bag.algorithm-unknown"}),
    "bag.algorithm-twice": (put("manifest-sha_256.txt", b""), {"bag.algorithm-unknown"}),
    "bag.byte-order-mark": (edit("bag-info.txt", "Payload", "\ufeffPayload"), {"bag.byte-order-mark"}),
    "bag.byte-order-mark-in-declaration": (edit("bagit.txt", "BagIt", "\ufeffBagIt"), {"bag.byte-order-mark"}),
    "bag.declaration-malformed": (append("bagit.txt", "More: 1\n"), {"bag.declaration-malformed"}),
    "bag.declaration-blank": (edit("bagit.txt", ": 1.0", ":  1.0"), {"bag.declaration-malformed"}),
    "bag.declaration-order": (
        put("bagit.txt", b"Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n"),
        {"bag.declaration-malformed"},
    ),
    "bag.declaration-missing": (lambda root: (root / "bagit.txt").unlink(), {"bag.declaration-missing"}),
    "bag.declaration-empty": (put("bagit.txt", b""), {"bag.version-malformed", "bag.encoding-unknown"}),
    "bag.digest-wrong": (put("data/a.txt", b"alphb"), {"bag.digest-wrong"}),
    "bag.digest-of-all-manifests": (
        lambda root: write(root, "manifest-md5.txt", f"{'0' * 32}  data/a.txt\n{'0' * 32}  data/b/页.txt\n".encode()),
        {"bag.digest-wrong"},
    ),
    "bag.encoding-unknown": (edit("bagit.txt", "UTF-8", "UTF-9"), {"bag.encoding-unknown"}),
    "bag.encoding-no-text": (edit("bagit.txt", "UTF-8", "zlib"), {"bag.encoding-unknown"}),
    "bag.encoding-wrong": (put("bag-info.txt", "题名: 契".encode("gbk")), {"bag.encoding-wrong"}),
    "bag.fetch-length": (put("fetch.txt", b"http://h/a 4 data/a.txt\n"), {"bag.fetch-length"}),
    "bag.fetch-malformed": (put("fetch.txt", b"http://h/a x data/a.txt\n"), {"bag.fetch-malformed"}),
    "bag.fetch-of-a-file": (put("fetch.txt", b"file:///etc/passwd - data/a.txt\n"), {"bag.fetch-local"}),
    "bag.fetch-outside-payload": (put("fetch.txt", b"http://h/a - bagit.txt\n"), {"bag.fetch-outside-payload"}),
    "bag.fetch-outside-bag": (put("fetch.txt", b"http://h/a - ../a\n"), {"path.dots"}),
    "bag.fetch-twice": (put("fetch.txt", b"http://h/a - data/a.txt\n" * 2), {"bag.fetch-twice"}),
    "bag.fetch-unlisted": (put("fetch.txt", b"http://h/a - data/new\n"), {"bag.fetch-unlisted"}),
    "bag.file-missing": (
        lambda root: (root / "data/a.txt").unlink(),
        {"bag.file-missing", "bag.oxum-wrong"},
    ),
    "bag.file-unlisted": (put("data/c", b""), {"bag.file-unlisted", "bag.oxum-wrong"}),
    "bag.info-malformed": (append("bag-info.txt", "no colon\n"), {"bag.info-malformed"}),
    "bag.info-without-blank": (append("bag-info.txt", "A:b\n"), {"bag.info-malformed"}),
    "bag.info-blank-before-colon": (append("bag-info.txt", "A : b\n"), {"bag.info-malformed"}),
    "bag.line-too-long": (append("bag-info.txt", "A: " + "b" * (1 << 20)), {"bag.line-too-long"}),
    "bag.link": (lambda root: (root / "data/l").symlink_to("a.txt"), {"bag.link"}),
    "bag.link-folder": (lambda root: (root / "extra").symlink_to("/"), {"bag.link"}),
    "bag.manifest-asterisk": (edit("manifest-sha256.txt", "  data/a", " *data/a"), {"bag.manifest-asterisk"}),
    "bag.manifest-incomplete": (second_manifest, {"bag.manifest-incomplete"}),
    "bag.manifest-malformed": (append("manifest-sha256.txt", "xyz\n"), {"bag.manifest-malformed"}),
    "bag.manifest-short-digest": (append("manifest-sha256.txt", "00  data/a.txt\n"), {"bag.manifest-malformed"}),
    "bag.manifest-comment": (append("manifest-sha256.txt", "# a comment\n"), {"bag.manifest-malformed"}),
    "bag.manifest-missing": (
        lambda root: (root / "manifest-sha256.txt").unlink(),
        {"bag.manifest-missing", "bag.file-unlisted"},
    ),
    "bag.manifest-outside-payload": (
        lambda root: append("manifest-sha256.txt", line(root, "bagit.txt"))(root),
        {"bag.manifest-outside-payload"},
    ),
    "bag.manifest-leaves-bag": (manifest_path("data/../../evil"), {"path.dots"}),
    "bag.manifest-neighbour": (manifest_path("../bag-evil/s.txt"), {"path.dots"}),
    "bag.manifest-absolute": (manifest_path("/etc/passwd"), {"path.absolute"}),
    "bag.manifest-home": (manifest_path("~/a"), {"path.home"}),
    "bag.manifest-drive": (manifest_path("C:/a"), {"path.drive"}),
    "bag.manifest-backslash": (manifest_path("data\\..\\a"), {"path.backslash"}),
    "bag.manifest-nul": (manifest_path("data/a\0"), {"path.nul"}),
    "bag.manifest-lists-folder": (manifest_path("data/b"), {"bag.file-missing"}),
    "bag.name-case": (edit("manifest-sha256.txt", "data/a", "data/A"), {"bag.name-case", "bag.file-unlisted"}),
    "bag.not-a-file": (lambda root: os.mkfifo(root / "data/pipe"), {"bag.not-a-file"}),
    "bag.oxum-malformed": (put("bag-info.txt", b"Payload-Oxum: many\n"), {"bag.oxum-malformed"}),
    "bag.oxum-repeated": (append("bag-info.txt", "Payload-Oxum: 9.2\n"), {"bag.oxum-repeated"}),
    "bag.oxum-wrong": (put("bag-info.txt", b"payload-oxum: 9.3\n"), {"bag.oxum-wrong"}),
    "bag.oxum-hidden-by-another": (
        append("bag-info.txt", "Payload-Oxum: 9.9\n"),
        {"bag.oxum-repeated", "bag.oxum-wrong"},
    ),
    "bag.path-twice": (
        lambda root: append("manifest-sha256.txt", line(root, "data/a.txt"))(root),
        {"bag.path-twice"},
    ),
    "bag.tag-manifest-lists": (
        lambda root: write(root, "tagmanifest-sha256.txt", all_tags(root, "data/a.txt")),
        {"bag.tag-manifest-lists"},
    ),
    "bag.tag-manifest-lacks": (
        lambda root: write(root, "tagmanifest-sha256.txt", line(root, "bagit.txt").encode()),
        {"bag.tag-manifest-lacks"},
    ),
    "bag.tag-file-missing": (
        lambda root: write(root, "tagmanifest-sha256.txt", all_tags(root) + b"0" * 64 + b"  notes.txt\n"),
        {"bag.file-missing"},
    ),
    "bag.tag-file-changed": (
        lambda root: write(root, "tagmanifest-sha256.txt", all_tags(root).replace(b"bagit.txt", b"bag-info.txt")),
        {"bag.path-twice"},
    ),
    "bag.fetch-with-fragment": (put("fetch.txt", b"http://h/a#b 5 data/a.txt\n"), {"bag.fetch-malformed"}),
    "bag.fetch-relative": (put("fetch.txt", b"a/b 5 data/a.txt\n"), {"bag.fetch-malformed"}),
    "bag.info-count": (append("bag-info.txt", "Bag-Count: 3 of 2\n"), {"bag.info-count"}),
    "bag.info-date": (append("bag-info.txt", "Bagging-Date: 2026-02-30\n"), {"bag.info-date"}),
    "bag.info-date-basic": (append("bag-info.txt", "Bagging-Date: 20260228\n"), {"bag.info-date"}),
    "bag.info-repeated": (
        append("bag-info.txt", "Bagging-Date: 2026-02-28\nbagging-date: 2026-03-01\n"),
        {"bag.info-repeated"},
    ),
    "bag.info-size": (append("bag-info.txt", "Bag-Size: rather large\n"), {"bag.info-size"}),
    "bag.line-empty": (append("bag-info.txt", "\nA: b\n"), {"bag.line-empty"}),
    "bag.line-empty-in-manifest": (append("manifest-sha256.txt", "\n"), {"bag.line-empty"}),
    "bag.tag-file-too-large": (
        put("fetch.txt", bytes((32 << 20) + 1)),
        {"bag.tag-file-too-large"},
    ),
    "bag.tag-manifests-differ": (
        lambda root: [
            write(root, "tagmanifest-sha256.txt", all_tags(root)),
            write(root, "tagmanifest-md5.txt", line(root, "manifest-sha256.txt", "md5").encode()),
        ],
        {"bag.tag-manifests-differ"},
    ),
    "bag.tag-manifest-lists-another": (
        lambda root: [
            write(root, "tagmanifest-md5.txt", line(root, "manifest-sha256.txt", "md5").encode()),
            write(root, "tagmanifest-sha256.txt", all_tags(root, "tagmanifest-md5.txt")),
        ],
        {"bag.tag-manifest-lists", "bag.tag-manifests-differ"},
    ),
    "bag.version-malformed": (edit("bagit.txt", "1.0", "one"), {"bag.version-malformed"}),
    "bag.version-unknown": (edit("bagit.txt", "1.0", "2.0"), {"bag.version-unknown"}),
}


def all_tags(root: Path, *more: str) -> bytes:
    names = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt", *more)
    return "".join(line(root, name) for name in names).encode()


def test_what_the_writer_makes_is_a_valid_bag(bag: Path) -> None:
    assert is_bag(bag)
    assert validate_bag(bag) == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named(bag: Path, name: str) -> None:
    change, expected = FAULTS[name]
    change(without_tag_manifest(bag))
    assert codes(bag) == expected


@pytest.mark.parametrize("name", FAULTS)
def test_a_large_bag_is_judged_in_parts_as_if_it_were_whole(
    bag: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, expected = FAULTS[name]
    change(without_tag_manifest(bag))
    whole = validate_bag(bag)
    monkeypatch.setattr(parts, "WHOLE", 0)
    monkeypatch.setattr(parts, "_PART", 40)
    assert validate_bag(bag) == whole
    assert {finding.code for finding in whole} == expected


def test_names_that_meet_are_in_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WHOLE", 0)
    monkeypatch.setattr(parts, "_PART", 10)
    bag = make_bag(
        tmp_path / "bag", {f"{n}/{name}": b"" for n in range(9) for name in ("Ä\u0301x", "ä\u0301X", "a\nb")}
    )
    found = [finding.code for finding in validate_bag(bag)]
    assert sorted(found) == ["bag.name-hidden"] * 9 + ["bag.names-alike"] * 9


NAMES = {
    "a\tb": "bag.name-hidden",
    "deed\u202etxt.exe": "bag.name-hidden",
    "a?b": "bag.name-characters",
    "a:b": "bag.name-characters",
    "back\\slash": "bag.name-characters",
    "end.": "bag.name-ending",
    "end ": "bag.name-ending",
    "end./b": "bag.name-ending",
    "CON": "bag.name-device",
    "com1.txt": "bag.name-device",
    "lpt9.d/x": "bag.name-device",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_other_systems_cannot_hold_is_pointed_out(tmp_path: Path, name: str) -> None:
    bag = without_tag_manifest(make_bag(tmp_path / "bag", {name: b"1", "console": b"", "a": b""}))
    if "\\" in name:
        assert codes(bag) == {"path.backslash", "bag.file-unlisted", NAMES[name]}
    else:
        findings = validate_bag(bag)
        assert [finding.code for finding in findings] == [NAMES[name]]
        assert is_valid(findings)


def test_findings_have_an_end_and_the_verdict_stays(bag: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packages_spec.findings.MOST_FINDINGS", 3)
    append("manifest-sha256.txt", "no digest\n" * 9)(without_tag_manifest(bag))
    assert [finding.code for finding in validate_bag(bag)] == ["bag.manifest-malformed"] * 3 + ["findings.too-many"]


def test_a_payload_folder_that_is_missing(tmp_path: Path) -> None:
    bag = without_tag_manifest(make_bag(tmp_path / "bag", {}))
    assert codes(bag) == set()  # an empty payload is a payload
    (bag / "data").rmdir()
    assert codes(bag) == {"bag.payload-folder-missing"}


def test_a_bag_that_must_be_fetched_is_incomplete_and_nothing_is_fetched(bag: Path) -> None:
    put("fetch.txt", b"http://127.0.0.1:1/a 5 data/a.txt\n")(without_tag_manifest(bag))
    assert codes(bag) == set()
    (bag / "data/a.txt").unlink()
    assert codes(bag) == {"bag.fetch-needed", "bag.oxum-wrong"}


@pytest.mark.parametrize(("form", "stored"), [("caf\u00e9", "cafe\u0301"), ("cafe\u0301", "caf\u00e9")])
def test_a_name_in_another_unicode_form_is_judged_by_its_content(tmp_path: Path, form: str, stored: str) -> None:
    bag = make_bag(tmp_path / "bag", {form: b"x"})
    (bag / "data" / form).rename(bag / "data" / stored)
    (finding,) = validate_bag(bag)
    assert finding.code == "bag.name-form"
    assert finding.expected != finding.found
    (bag / "data" / stored).write_bytes(b"y")
    assert codes(bag) == {"bag.name-form", "bag.digest-wrong"}


def test_names_of_which_some_systems_hold_only_one_are_pointed_out(tmp_path: Path) -> None:
    findings = validate_bag(make_bag(tmp_path / "bag", {"A": b"", "a": b"", "caf\u00e9": b"", "cafe\u0301": b""}))
    assert [finding.code for finding in findings] == ["bag.names-alike"] * 2
    assert is_valid(findings)


def test_a_file_name_that_is_not_utf8_is_refused(bag: Path) -> None:
    (Path(os.fsdecode(os.fsencode(bag) + b"/data/" + "契".encode("gbk")))).write_bytes(b"")
    assert "path.not-utf8" in codes(bag)


def test_the_labels_of_the_declaration_may_be_written_as_in_the_examples_of_the_rfc(bag: Path) -> None:
    edit("bagit.txt", "BagIt-Version", "BagIt-version")(without_tag_manifest(bag))
    assert codes(bag) == set()


def test_the_drafts_ask_less(bag: Path) -> None:
    version_097(without_tag_manifest(bag))
    (bag / "manifest-sha256.txt").write_text(line(bag, "data/b/页.txt", separator="\t "))
    (bag / "manifest-md5.txt").write_text(line(bag, "data/a.txt", "md5", separator=" ") * 2 + "\n")
    append("bag-info.txt", "A :b\n  more\n")(bag)
    append("bagit.txt", "More: 1\n")(bag)
    (bag / "bag-info.txt").write_text("\ufeff" + (bag / "bag-info.txt").read_text())
    assert codes(bag) == {"bag.path-repeated", "bag.byte-order-mark-in-draft"}
    assert read_bag(bag).info[1:] == (("A", "b more"),)


def test_a_listed_path_may_begin_with_dot_slash(bag: Path) -> None:
    edit("manifest-sha256.txt", "  data/a", "  ./data/a")(without_tag_manifest(bag))
    assert codes(bag) == {"bag.path-dot-slash"}
    version_097(bag)
    assert codes(bag) == set()
    edit("manifest-sha256.txt", "  ./data/a", "  ././data/a")(bag)
    assert "path.dots" in codes(bag)


def test_only_the_first_drafts_have_package_info(bag: Path) -> None:
    write(without_tag_manifest(bag), "package-info.txt", b"Payload-Oxum: 1.1\nno field\n")
    assert codes(bag) == set()
    edit("bagit.txt", "1.0", "0.95")(bag)
    assert codes(bag) == {"bag.info-malformed", "bag.oxum-repeated", "bag.oxum-wrong"}


def test_a_manifest_whose_algorithm_is_not_written_as_it_should_be_is_checked(bag: Path) -> None:
    (without_tag_manifest(bag) / "manifest-sha256.txt").rename(bag / "manifest-SHA-256.txt")
    assert codes(bag) == {"bag.manifest-name"}
    (bag / "data/a.txt").write_bytes(b"alphb")
    assert codes(bag) == {"bag.manifest-name", "bag.digest-wrong"}
    version_097(bag)
    assert codes(bag) == {"bag.digest-wrong"}


def test_only_cr_lf_and_percent_are_decoded_and_percent_only_in_1_0(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {"%7E\r\n%0A%25": b""})
    assert codes(bag) == {"bag.name-hidden"}
    edit("manifest-sha256.txt", "%257E", "%7E")(without_tag_manifest(bag))
    assert codes(bag) == {
        "bag.percent-plain",
        "bag.name-hidden",
    }  # many forget it; it can mean nothing else
    edit("manifest-sha256.txt", "%7E", "~")(bag)
    assert codes(bag) == {"bag.file-missing", "bag.file-unlisted", "bag.name-hidden"}
    version_097(bag)
    (bag / "manifest-sha256.txt").write_text(f"{sha256().hexdigest()}  data/%7E%0d%0A%0A%25\n")
    assert codes(bag) == {"bag.file-missing", "bag.file-unlisted", "bag.name-hidden"}


@pytest.mark.parametrize(
    "algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"]
)
def test_every_algorithm_is_checked(bag: Path, algorithm: str) -> None:
    without_tag_manifest(bag)
    (bag / "manifest-sha256.txt").unlink()
    lines = line(bag, "data/a.txt", algorithm).upper().replace("DATA/A.TXT", "data/a.txt")
    (bag / f"manifest-{algorithm.replace('_', '')}.txt").write_text(lines + line(bag, "data/b/页.txt", algorithm))
    assert read_bag(bag).algorithms == {algorithm.replace("_", "")}
    assert codes(bag) == set()
    write(bag, "data/a.txt", b"alphb")
    assert codes(bag) == {"bag.digest-wrong"}


def test_the_shorter_digest_of_blake2b_is_named_by_its_size(bag: Path) -> None:
    without_tag_manifest(bag)
    digests = {
        path: blake2b((bag / path).read_bytes(), digest_size=32).hexdigest() for path in ("data/a.txt", "data/b/页.txt")
    }
    (bag / "manifest-blake2b256.txt").write_text("".join(f"{digest}  {path}\n" for path, digest in digests.items()))
    assert codes(bag) == set()
    (bag / "data/a.txt").write_bytes(b"alphb")
    assert {f.expected.partition(":")[0] for f in validate_bag(bag)} == {"sha256", "blake2b256"}


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16", "GB18030", "utf8"])
def test_tag_files_are_read_in_their_declared_encoding(bag: Path, encoding: str) -> None:
    edit("bagit.txt", "UTF-8", encoding)(without_tag_manifest(bag))
    (bag / "data/b/页.txt").rename(bag / "data/b/é.txt")
    edit("manifest-sha256.txt", "页", "é")(bag)
    for name in ("bag-info.txt", "manifest-sha256.txt"):
        (bag / name).write_bytes((bag / name).read_text("utf-8").encode(encoding))
    assert codes(bag) == set()


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_every_line_end_is_a_line_end_and_the_last_may_be_absent(bag: Path, end: str) -> None:
    without_tag_manifest(bag)
    for name in ("bagit.txt", "bag-info.txt", "manifest-sha256.txt"):
        (bag / name).write_bytes(end.join((bag / name).read_text("utf-8").splitlines()).encode())
    assert codes(bag) == set()


def test_what_a_tag_file_links_to_is_not_read(bag: Path, tmp_path: Path) -> None:
    (bag / "bag-info.txt").rename(tmp_path / "secret.txt")
    (bag / "bag-info.txt").symlink_to(tmp_path / "secret.txt")
    assert read_bag(bag).info == ()
    assert codes(bag) >= {"bag.link", "bag.unreadable"}


def test_a_tag_file_that_is_a_pipe_or_a_folder_keeps_nobody_waiting(bag: Path) -> None:
    (bag / "bag-info.txt").unlink()
    os.mkfifo(bag / "bag-info.txt")
    (bag / "fetch.txt").mkdir()
    assert codes(bag) >= {"bag.not-a-file", "bag.unreadable"}


def test_a_folder_that_is_no_bag(tmp_path: Path) -> None:
    assert not is_bag(tmp_path)
    assert codes(tmp_path) == {"bag.declaration-missing", "bag.manifest-missing", "bag.payload-folder-missing"}
    assert codes(tmp_path / "absent") >= {"bag.unreadable", "bag.declaration-missing"}


def test_a_bag_that_lost_its_declaration_is_still_judged_as_one(bag: Path) -> None:
    (bag / "bagit.txt").unlink()
    assert is_bag(bag)


def test_an_unreadable_file_is_a_finding(bag: Path) -> None:
    def broken(path: str, algorithms: frozenset[str]) -> Mapping[str, str]:
        raise OSError(5, "Input/output error")

    findings = validate_bag(bag, digests=broken)
    assert {finding.code for finding in findings} == {"bag.unreadable"}
    assert {finding.path for finding in findings} >= {"data/a.txt", "bagit.txt"}


def test_digests_may_come_from_the_copy(bag: Path) -> None:
    asked: dict[str, frozenset[str]] = {}

    def known(path: str, algorithms: frozenset[str]) -> Mapping[str, str]:
        asked[path] = algorithms
        return {"sha256": sha256((bag / path).read_bytes()).hexdigest()}

    assert validate_bag(bag, digests=known) == []
    tags = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt"}
    assert asked == dict.fromkeys(tags | {"data/a.txt", "data/b/页.txt"}, frozenset({"sha256"}))


def test_a_digest_that_was_not_computed_is_no_pass(bag: Path) -> None:
    findings = validate_bag(bag, digests=lambda path, algorithms: {})
    assert {finding.code for finding in findings} == {"bag.digest-wrong"}


def test_large_files_are_read_in_chunks_and_by_several_workers(tmp_path: Path) -> None:
    payload = {f"{number:04}": bytes([number % 251]) * number for number in range(0, 3_000_000, 300_001)}
    bag = make_bag(tmp_path / "bag", payload | {f"small{number}": b"" for number in range(1100)})
    assert validate_bag(bag) == validate_bag(bag, workers=3) == []
    (bag / "data/small1099").write_bytes(b"x")
    with (bag / "data/2700009").open("r+b") as stream:
        stream.seek(2_000_000)
        stream.write(b"\xff")
    assert codes(bag) == {"bag.digest-wrong", "bag.oxum-wrong"}
    assert validate_bag(bag) == validate_bag(bag, workers=3)


def test_encodings_are_named_as_python_names_them() -> None:
    assert {codecs.lookup(name).name for name in ENCODINGS} == ENCODINGS
