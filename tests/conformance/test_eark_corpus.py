"""The corpus of E-ARK's own board: every row judged by its own requirement, disagreements listed with their reasons.

A row names a requirement and a package that keeps or breaks it; whatever else is wrong with the package does not
count, and no package of the corpus that has a METS document is true to its own checksums.
"""

import json
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from packages_spec.eark import is_eark, validate_eark
from packages_spec.findings import Severity
from repository.services.validation import validate
from tests.shared_data import shared_data

LEAST = 0.95
DISAGREED = {
    # What the package breaks is ADMID of the division "Metadata" (CSIP91); ADMID of its file group is right.
    ("CSIP61", "CSIP/CSIP61/invalid/fileGrp_ADMID_incorrect_ref2"),
    # The folder stands beside the representation, not in it: "within the ... root folder and/or the representation".
    ("CSIPSTR16", "CSIP/CSIPSTR16/valid/subfolder_documentation_in_representation_folder"),
}
"""Rows on which we hold another opinion than the corpus: requirement and package."""
LIGHTER = {
    ("CSIP26", "3")  # `application/wrongmimetype` may be registered tomorrow: unknown here, so a warning
}
"""Rules that we give another weight than the corpus does."""
WEIGHTS = {"ERROR": Severity.ERROR, "WARNING": Severity.WARNING, "INFO": Severity.INFO}


def rows() -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = json.loads((shared_data("eark") / "expected.json").read_bytes())["rows"]
    return table


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("eark")
    with tarfile.open(shared_data("eark") / "packages.tar.xz") as packed:
        packed.extractall(root, filter="data")
    return root


def package(folder: Path) -> Path:
    """The package in a row's folder; some stand in a folder of their own there."""
    inside = [each for each in folder.iterdir() if each.is_dir()]
    return inside[0] if not is_eark(folder) and len(inside) == 1 else folder


@cache
def judged(folder: Path) -> dict[str, set[Severity]]:
    """Requirements that speak against a package, with the weights that they were given."""
    found: dict[str, set[Severity]] = {}
    for finding in validate_eark(package(folder)):
        assert finding.message("zh")
        assert finding.message("en")
        if finding.code.startswith("eark."):
            found.setdefault(finding.rule.clause, set()).add(finding.severity)
    return found


def disagreements(corpus: Path) -> Iterator[tuple[str, str]]:
    for row in rows():
        if (row["requirement"] in judged(corpus / row["path"])) is row["isValid"]:
            yield row["requirement"], row["path"]


def test_every_row_is_judged_as_the_corpus_says_or_the_disagreement_is_listed(corpus: Path) -> None:
    found = list(disagreements(corpus))
    assert set(found) == DISAGREED
    right = 1 - len(found) / len(rows())
    print(f"\nE-ARK corpus: {right:.1%} of {len(rows())} rows")
    assert right >= LEAST


def test_every_broken_requirement_has_the_weight_that_the_corpus_gives_it(corpus: Path) -> None:
    other = set()
    for row in rows():
        weights = judged(corpus / row["path"]).get(row["requirement"], set())
        if not row["isValid"] and weights and WEIGHTS[row["ruleLevel"]] not in weights:
            other.add((row["requirement"], row["rule"]))
    assert other == LIGHTER


def test_no_package_with_a_document_is_accepted_whose_files_are_not_what_it_says(corpus: Path) -> None:
    """The board's own packages: a file lacking, renamed, or with its line ends changed. None of them passes."""
    for path in sorted({row["path"] for row in rows()}):
        folder = package(corpus / path)
        if (folder / "METS.xml").is_file() and (folder / "METS.xml").stat().st_size:
            assert validate(folder).verdict == "invalid", path


def test_a_package_is_judged_alike_in_a_folder_and_packed(corpus: Path, tmp_path: Path) -> None:
    path = next(row["path"] for row in rows() if row["requirement"] == "CSIP1" and row["isValid"])
    packed = tmp_path / "package.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(corpus / path, Path(path).name)
    loose, inside = validate(corpus / path), validate(packed)
    assert (loose.kind, inside.kind) == ("eark", "packed-eark")
    assert loose.findings == inside.findings
