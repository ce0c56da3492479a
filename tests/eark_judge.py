"""Our packages before E-ARK's own validator, run as a judge in its own environment.

`JINGUI_EARK_VALIDATOR` names its executable (eark-validator 1.1.3). It downloads four vocabularies when it is imported;
here they are served from the shared test data, so the judge runs offline and unchanged.

Allowed, in writing:
* CSIP105 (warning): its rule looks for the representations' divisions inside the division "Representations"; the
  profile's own XPath (`structMap/div/div`) puts them beside it, and so do we.
* SIP14 (error, SIP only): it wants NOTETYPE "IDENTIFICATIONCODE" on the note in which CSIP16 wants
  "SOFTWARE VERSION", without the namespace that the attribute has; no SIP can pass both.
* CSIP12, 13, 15 and 16 (errors, SIP only): they speak of "the mandatory agent", the software, and the validator asks
  them of every agent with the role CREATOR. The SIP profile gives that role to the submitting agent too, an
  organization (SIP15-SIP20, its second agent example and the document in its appendix); no SIP that names its submitter
  as the profile shows it can pass. That the software itself meets them, the AIP shows: its agent is the same.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from packages_spec.profiles import PackageKind
from tests.shared_data import shared_data

OFFLINE = """
import sys, pathlib, urllib.request
folder = pathlib.Path(sys.argv.pop(1))
urllib.request.urlopen = lambda uri: (folder / uri.rpartition("/")[2]).open("rb")
from eark_validator.cli.app import main
main()
"""
EXPECTED = {
    PackageKind.SIP: (
        "INVALID",
        {("CSIP105", "Warn"), ("SIP14", "Error"), *((f"CSIP{number}", "Error") for number in (12, 13, 15, 16))},
    ),
    PackageKind.AIP: ("VALID", {("CSIP105", "Warn")}),
    PackageKind.DIP: ("VALID", {("CSIP105", "Warn")}),
}


def judge(package: Path) -> tuple[str, set[tuple[str, str]]]:
    """The verdict on a package's folder, and every rule that is not merely noted; skips without the validator."""
    executable = os.environ.get("JINGUI_EARK_VALIDATOR")
    if not executable:
        pytest.skip("eark-validator not run: JINGUI_EARK_VALIDATOR does not name its executable")
    python = Path(executable).with_name("python")
    assert python.exists(), f"no environment of its own: {python}"
    command = [str(python), "-c", OFFLINE, str(shared_data("schemas") / "eark-vocabularies"), str(package)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    report = json.loads(said.splitlines()[1])
    schematron = report["metadata"]["schematron_results"]
    assert report["structure"]["status"] == "WellFormed"
    assert report["metadata"]["schema_results"]["status"] == "VALID"
    weighty = {(row["rule_id"], row["severity"]) for row in schematron["messages"] if row["severity"] != "Info"}
    return schematron["status"], weighty
