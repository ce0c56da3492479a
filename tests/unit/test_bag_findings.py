"""Every code that the judges of names, bags and archive files give out is a rule, and every such rule is given out."""

import re
from pathlib import Path

import pytest

import packages_spec
from packages_spec.findings import rules


@pytest.mark.parametrize("room", ["path", "bag", "archive-file"])
def test_the_codes_in_the_code_are_the_rules_in_the_table(room: str) -> None:
    sources = "".join(path.read_text("utf-8") for path in Path(*packages_spec.__path__).rglob("*.py"))
    given_out = set(re.findall(rf'"({room}\.[a-z0-9-]+)"', sources))
    assert given_out == {code for code in rules() if code.startswith(f"{room}.")}
    assert len(given_out) >= 10
