"""Our packages before E-ARK's own validator, and the METS documents of its corpus before our reader."""

import tarfile
from pathlib import Path

import pytest

from packages_spec.mets import Root, read_mets
from packages_spec.profiles import PackageKind
from packages_spec.safe_xml import UnsafeXml
from tests.eark_judge import EXPECTED, judge
from tests.packages import PACKAGE, write_package
from tests.shared_data import shared_data


@pytest.mark.parametrize("kind", PackageKind)
def test_the_validator_says_what_we_expect(tmp_path: Path, kind: PackageKind) -> None:
    write_package(tmp_path, kind=kind)
    assert judge(tmp_path / "data" / f"uuid-{PACKAGE}") == EXPECTED[kind]


def test_the_mets_documents_of_the_corpus_are_read(tmp_path: Path) -> None:
    """Other people's METS, right and wrong: read to the end, or refused as not well-formed; nothing else happens."""
    with tarfile.open(shared_data("eark") / "packages.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    read, refused = 0, set[str]()
    for path in tmp_path.rglob("METS.xml"):
        try:
            with path.open("rb") as source:
                read += any(isinstance(item, Root) for item in read_mets(source))
        except UnsafeXml as error:
            refused.add(error.finding.code)
    assert read >= 100
    assert refused <= {"xml.malformed"}
