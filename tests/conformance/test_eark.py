"""Our packages before E-ARK's own validator, run as a judge in its own environment.

`JINGUI_EARK_VALIDATOR` names its executable (eark-validator 1.1.3). It downloads four vocabularies when it is imported;
here they are served from the shared test data, so the judge runs offline and unchanged.

Allowed, in writing:
* CSIP105 (warning): its rule looks for the representations' divisions inside the division "Representations"; the
  profile's own XPath (`structMap/div/div`) puts them beside it, and so do we.
* SIP14 (error, SIP only): it wants NOTETYPE "IDENTIFICATIONCODE" on the note in which CSIP16 wants
  "SOFTWARE VERSION", without the namespace that the attribute has; no SIP can pass both.
"""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from packages_spec.mets import Root, read_mets
from packages_spec.profiles import PackageKind
from packages_spec.safe_xml import UnsafeXml
from tests.packages import PACKAGE, write_package
from tests.shared_data import shared_data

OFFLINE = """
import sys, pathlib, urllib.request
folder = pathlib.Path(sys.argv.pop(1))
urllib.request.urlopen = lambda uri: (folder / uri.rpartition("/")[2]).open("rb")
from eark_validator.cli.app import main
main()
"""
EXPECTED = {
    PackageKind.SIP: ("INVALID", {("CSIP105", "Warn"), ("SIP14", "Error")}),
    PackageKind.AIP: ("VALID", {("CSIP105", "Warn")}),
    PackageKind.DIP: ("VALID", {("CSIP105", "Warn")}),
}


@pytest.fixture(scope="module")
def judge() -> list[str]:
    executable = os.environ.get("JINGUI_EARK_VALIDATOR")
    if not executable:
        pytest.skip("eark-validator not run: JINGUI_EARK_VALIDATOR does not name its executable")
    python = Path(executable).with_name("python")
    assert python.exists(), f"no environment of its own: {python}"
    return [str(python), "-c", OFFLINE, str(shared_data("schemas") / "eark-vocabularies")]


@pytest.mark.parametrize("kind", PackageKind)
def test_the_validator_says_what_we_expect(tmp_path: Path, judge: list[str], kind: PackageKind) -> None:
    write_package(tmp_path, kind=kind)
    package = tmp_path / "data" / f"uuid-{PACKAGE}"
    said = subprocess.run([*judge, str(package)], capture_output=True, text=True, check=True, timeout=120).stdout
    report = json.loads(said.splitlines()[1])
    schematron = report["metadata"]["schematron_results"]
    weighty = {(row["rule_id"], row["severity"]) for row in schematron["messages"] if row["severity"] != "Info"}
    assert report["structure"]["status"] == "WellFormed"
    assert report["metadata"]["schema_results"]["status"] == "VALID"
    assert (schematron["status"], weighty) == EXPECTED[kind]


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
