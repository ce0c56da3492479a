"""Real transfers made by others, every one of them: what becomes packages, and what is refused and why.

The table follows from the path rules (`packages_spec/paths.py`) and from the verdicts that came with the data: a bag
that is valid, or a folder that is no bag and has no name that refuses a delivery, becomes a package. Names that are
valid UTF-8 and unsafe are replaced and kept; inside a packed file nothing is mended, so there they refuse.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import bagit
import msgspec
import pytest
from lxml import etree

from packages_spec import safe_archive
from packages_spec.profiles import PackageKind, PayloadFile
from repository.errors import ArchiveError
from repository.services import stored
from repository.services.ingest import IngestReport
from repository.services.session import Session
from tests.eark_judge import EXPECTED, judge
from tests.real_archives import Site, new_site, take
from tests.shared_data import shared_data

INVALID = 22
FOLDERS = (
    "SampleTransfers/CSVmetadata",
    "SampleTransfers/DemoTransferCSV",
    "SampleTransfers/Images",
    "SampleTransfers/Multimedia",
    "SampleTransfers/OCRImage",
    "SampleTransfers/OfficeDocs",
    "TestTransfers/Maildir",
    "TestTransfers/Unicode",
    "TestTransfers/badNames",
    "TestTransfers/bagitTests",  # a folder of bags is a folder
    "TestTransfers/zippedWithBadNames",
)
REFUSED = {
    "SampleTransfers/SampleTransfersSources.txt": "delivery-form",
    "TestTransfers/bagitTests/bag fail manifest": "bag.digest-wrong",
    "TestTransfers/bagitTests/bag fail payload oxum": "bag.oxum-wrong",
    "TestTransfers/bagitTests/bag fail tag manifest": "bag.digest-wrong",
    "TestTransfers/Unicode/objects/unicode to be unzipped.zip": "delivery-unsafe",  # tabs in names
    "TestTransfers/Unicode/objects/\u0448\u0430\u0431\u0440\u043e\u04322.zip": "delivery-unsafe",  # the same
    "TestTransfers/zippedWithBadNames/objects/~.zip": "delivery-unsafe",  # a path that begins with ~
}
UNSAFE = set('%<>:"\\|?*')
SPELLED = {  # rule 2 by rule 2: unsafe code points, edges, collisions of what they become
    "objects/%percent.txt": "objects/_percent.txt",
    "objects/backward\\slash/@at.txt": "objects/backward_slash/@at.txt",
    "objects/ends with a space /@at.txt": "objects/ends with a space_/@at.txt",
    "objects/ starts with a space/control.txt": "objects/_starts with a space/control.txt",
    "objects/period./@at.txt": "objects/period_/@at.txt",
    'objects/quote "quote" quote.txt': "objects/quote _quote_ quote.txt",
    "objects/%.txt": "objects/_.txt",
    "objects/_/@at.txt": "objects/_/@at.txt",
}
"""Of `badNames`: some names before and after."""


class Taken(msgspec.Struct, frozen=True):
    """What came of every item, in one archive."""

    site: Site
    outcomes: dict[str, IngestReport | ArchiveError]

    def package(self, item: str) -> tuple[str, Path]:
        report = self.outcomes[item]
        assert isinstance(report, IngestReport)
        (package,) = report.packages
        with self.site.open() as session:
            return str(package.package), session.store.object_folder(package.package) / "v1" / "content"


def transfers() -> Path:
    return shared_data("transfers")


def bags() -> dict[str, str]:
    cases: dict[str, Any] = json.loads((transfers() / "expected.json").read_text("utf-8"))["cases"]
    return {name: case["verdict"] for name, case in cases.items()}


def packed() -> list[str]:
    return sorted(str(path.relative_to(transfers())) for path in transfers().rglob("*.zip"))


def items() -> list[str]:
    contents: dict[str, Any] = json.loads((transfers() / "contents.json").read_text("utf-8"))["items"]
    return sorted({*contents, *bags(), *packed()})


def accepted() -> list[str]:
    return [item for item in items() if item not in REFUSED]


def outcome(session: Session, item: str) -> IngestReport | ArchiveError:
    try:
        return take(session, transfers() / item)
    except ArchiveError as error:
        return error


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    site = new_site(tmp_path_factory.mktemp("transfers"))
    with site.open() as session:
        return Taken(site, {item: outcome(session, item) for item in items()})


def delivered(item: str) -> Iterator[tuple[str, str, bytes]]:
    """Path as it was delivered, path where it is content (empty for a bag's tag file), and bytes of every file."""
    source = transfers() / item
    if source.is_dir():
        files = {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    else:
        files = {member.path: b"".join(member.chunks) for member in safe_archive.members(source)}
        tops = {path.partition("/")[0] for path in files}
        if len(tops) == 1 and all("/" in path for path in files):
            files = {path.partition("/")[2]: content for path, content in files.items()}
    is_bag = "bagit.txt" in files
    for path, content in files.items():
        inner = path.removeprefix("data/") if is_bag else path
        yield path, "" if is_bag and inner == path else inner, content


def original(taken: Taken, item: str) -> list[PayloadFile]:
    """The files of the record that came of an item, as its package describes them."""
    package, _ = taken.package(item)
    with taken.site.open() as session:
        return list(stored.content(session, stored.newest(session, UUID(package))))


def test_the_table_speaks_of_every_item() -> None:
    known = {*FOLDERS, *bags(), *packed(), "SampleTransfers/SampleTransfersSources.txt"}
    assert set(items()) == known
    assert {name for name, verdict in bags().items() if verdict == "invalid"} < REFUSED.keys() < known


def test_every_item_is_taken_or_refused_as_the_table_says(taken: Taken) -> None:
    told = {}
    for item, came in taken.outcomes.items():
        if isinstance(came, ArchiveError):
            told[item] = came.code
        elif came.outcome == "rejected":
            told[item] = next(iter({finding.code for finding in came.findings} & {REFUSED.get(item, "")}), "?")
    assert told == REFUSED


def test_what_is_refused_leaves_no_package_and_ends_with_22(taken: Taken) -> None:
    for item in REFUSED:
        came = taken.outcomes[item]
        if isinstance(came, ArchiveError):
            assert came.row.exit == INVALID
        else:
            assert (came.outcome, came.packages) == ("rejected", ())
    with taken.site.open() as session:
        assert len(list(session.store.objects())) == len(accepted())


def test_every_byte_that_was_delivered_is_in_the_package_under_its_name(taken: Taken) -> None:
    for item in accepted():
        package, root = taken.package(item)
        inside = root / "data" / f"uuid-{package}"
        files = {file.original_name or file.path: file for file in original(taken, item)}
        expected: dict[str, bytes] = {}
        papers: dict[str, bytes] = {}
        for path, inner, content in delivered(item):
            (expected if inner else papers)[inner or path] = content
        assert files.keys() == expected.keys(), item
        for name, content in expected.items():
            place = inside / "representations" / "original" / "data" / files[name].path
            assert place.read_bytes() == content, (item, name)
        kept = inside / "metadata" / "other" / "delivery"
        for path, content in papers.items():
            assert (kept / path).read_bytes() == content, (item, path)
        listing = (kept / "delivery.sha256").read_bytes()
        assert len(listing.splitlines()) == len(expected) + len(papers)


def is_unsafe(path: str) -> bool:
    """The rule in the words of the layout's description, as far as these transfers need it."""
    parts = path.split("/")
    return bool(UNSAFE & set(path)) or any(part[0] in " ~" or part[-1] in " ." for part in parts)


def test_exactly_the_unsafe_names_are_replaced(taken: Taken) -> None:
    replaced, total = {}, 0
    for item in accepted():
        kept = {file.original_name for file in original(taken, item) if file.original_name is not None}
        assert kept == {inner for _, inner, _ in delivered(item) if inner and is_unsafe(inner)}, item
        assert not any(is_unsafe(file.path) for file in original(taken, item)), item
        replaced[item] = len(kept)
        total += len(kept)
    assert replaced["TestTransfers/badNames"] > 40
    assert total > 70


def test_unsafe_names_become_what_the_rule_says(taken: Taken) -> None:
    files = original(taken, "TestTransfers/badNames")
    spelled = {file.original_name or file.path: file.path for file in files}
    assert {name: spelled[name] for name in SPELLED} == SPELLED


def test_the_reference_implementation_of_bagit_finds_every_package_valid(taken: Taken) -> None:
    for item in accepted():
        _, root = taken.package(item)
        bagit.Bag(str(root)).validate()


def test_sha256sum_checks_every_package(taken: Taken) -> None:
    for item in accepted():
        _, root = taken.package(item)
        for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
            said = subprocess.run(
                ["sha256sum", "--check", "--strict", "--quiet", manifest], cwd=root, capture_output=True, check=False
            )
            assert (said.returncode, said.stderr) == (0, b""), item


def test_mets_and_premis_of_every_package_follow_their_schemas(taken: Taken) -> None:
    parser = etree.XMLParser(no_network=True)
    schemas = {
        name: etree.XMLSchema(etree.parse(shared_data("schemas") / schema, parser))
        for name, schema in {"METS.xml": "driver-eark.xsd", "premis.xml": "premis/premis.xsd"}.items()
    }
    for item in accepted():
        package, root = taken.package(item)
        inside = root / "data" / f"uuid-{package}"
        representation = inside / "representations" / "original"
        documents = [folder / "METS.xml" for folder in (inside, representation)]
        documents += [folder / "metadata" / "preservation" / "premis.xml" for folder in (inside, representation)]
        for document in documents:
            schemas[document.name].assertValid(etree.fromstring(document.read_bytes()))


def ocfl_validate(*places: Path) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("ocfl-validate.py")
    command = [sys.executable, str(script), "--quiet", *map(str, places)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_reference_validator_of_ocfl_accepts_the_store(taken: Taken) -> None:
    """Its root is named beside its objects: of a root alone the validator's exit says nothing about the objects."""
    store = taken.site.folder / "store"
    objects = sorted(path.parent for path in store.rglob("0=ocfl_object_1.1"))
    assert len(objects) == len(accepted())
    said = ocfl_validate(store, *objects)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count("is VALID") == len(objects)


@pytest.mark.parametrize(("locale", "word"), [("zh_CN.UTF-8", "全部完好"), ("en_GB.UTF-8", "object")])
def test_the_store_checks_itself_without_us(taken: Taken, locale: str, word: str) -> None:
    verify = taken.site.folder / "store" / "verify.py"
    environment = {"PATH": os.environ["PATH"], "LANG": locale, "LC_ALL": locale}
    said = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", str(verify)], env=environment, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")
    assert word in said.stdout
    assert str(len(accepted())) in said.stdout


def test_a_changed_byte_is_found_by_the_store_itself(taken: Taken, tmp_path: Path) -> None:
    """The judges above can say no: without this a judge that is never asked would pass."""
    _, root = taken.package("SampleTransfers/OCRImage")
    (page,) = root.rglob("*.jpg")
    copy = tmp_path / "store"
    subprocess.run(["cp", "-r", str(taken.site.folder / "store"), str(copy)], check=True)
    victim = copy / page.relative_to(taken.site.folder / "store")
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.chmod(0o644)
    victim.write_bytes(content)
    said = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", str(copy / "verify.py")], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert page.name in said.stdout
    assert ocfl_validate(victim.parents[7]).returncode == 1


EARK_SAMPLE = (
    "SampleTransfers/MetadataXMLValidation/small_initial_ingest",
    "SampleTransfers/ZippedBag.zip",
    "TestTransfers/badNames",
    "TestTransfers/Maildir",
)
"""Few, since the validator starts anew for each: a bag with metadata, a packed bag, unsafe names, odd formats."""


@pytest.mark.parametrize("item", EARK_SAMPLE)
def test_packages_pass_the_validator_of_eark(taken: Taken, item: str) -> None:
    package, root = taken.package(item)
    assert judge(root / "data" / f"uuid-{package}") == EXPECTED[PackageKind.AIP]
