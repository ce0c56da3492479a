"""The fixtures of the OCFL community: every good object accepted, every bad one refused for its reason."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from packages_spec.findings import Finding
from packages_spec.ocfl import validate_object
from repository.services.validation import validate
from tests.shared_data import shared_data

NAMED_DIFFERENTLY = {
    "E066_E092_old_manifest_digest_incorrect": {"E092"},  # the states are equal; an old inventory lies about a file
}


def cases() -> dict[str, dict[str, Any]]:
    try:
        table = json.loads((shared_data("ocfl") / "expected.json").read_bytes())["cases"]
    except pytest.skip.Exception:
        return {}
    return {str(path): case for path, case in table.items()}


def codes(findings: list[Finding]) -> set[str]:
    return {code for finding in findings for code in re.findall(r"[EW]\d{3}", finding.rule.clause)}


@pytest.mark.parametrize("path", cases() or ["absent"])
def test_every_fixture_gets_its_verdict(path: str) -> None:
    root = shared_data("ocfl")
    case = cases()[path]
    expected: set[str] = NAMED_DIFFERENTLY.get(Path(path).name, set(case["codes"]))
    findings = validate_object(root / path)
    assert validate(root / path).verdict == case["verdict"], findings
    assert expected <= codes(findings)
    if case["verdict"] == "valid":
        assert findings == []
