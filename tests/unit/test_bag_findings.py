"""Every code that the judges of names, bags, archive files and XML give out is a rule, and every rule is given out."""

import re
from pathlib import Path

import pytest

import packages_spec
from packages_spec.findings import rules
from repository.services import validation


@pytest.mark.parametrize("room", ["path", "bag", "profile", "archive-file", "xml"])
def test_the_codes_in_the_code_are_the_rules_in_the_table(room: str) -> None:
    places = [*Path(*packages_spec.__path__).rglob("*.py"), Path(str(validation.__file__))]
    sources = "".join(path.read_text("utf-8") for path in places)
    given_out = set(re.findall(rf'"({room}\.[a-z0-9-]+)"', sources))
    assert given_out == {code for code in rules() if code.startswith(f"{room}.")}
    assert len(given_out) >= 4
