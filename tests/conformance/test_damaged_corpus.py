"""Files that others damaged on purpose, and what our readers say of them: every file of the table, none left out.

A file counts as reported if it could not be read (`format.not-characterised`) or its `structure` is named damaged
(`format.structure`). How a file was damaged is not judged: nearly all PDFs made by hand have a cross-reference table
that lies elsewhere than they say, besides the defect that they are named after, and that is what is found first.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from packages_spec.technical import Technical
from repository.characterisation import Asked, Characteriser
from tests.shared_data import shared_data

MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".tif": "image/tiff",
    ".jp2": "image/jp2",
    ".jpf": "image/jpx",
    ".j2c": "image/x-jp2-codestream",
}
FILES = 58
DISAGREED = {
    "pdf-handbuilt-test-corpus/minimal_test.pdf": (
        "called intact, but holds a header and an end mark in 15 bytes: no trailer, no catalogue, no page (ISO 32000 "
        "7.5.5, 7.7.2). Whoever opens it sees nothing, so it is no document, and reported."
    ),
}
"""Where we do not say what the table says, and why."""
RISKS = {
    "encryption_nocopy.pdf": ("encryption", "128 bit; not allowed: copying"),
    "encryption_noprinting.pdf": ("encryption", "128 bit; not allowed: printing"),
    "encryption_notextaccess.pdf": ("encryption", "128 bit; not allowed: copying, accessibility"),
    "javascript.pdf": ("javascript", "yes"),
    "pdf-17-header18.pdf": ("structure", "header: no such version, 1.8"),
    "text_only_pdfa1b.pdf": ("claims", "PDF/A-1b"),
}
"""What is said of a file with a risk."""
RISKS_NOT_SAID = {
    "externalLink.pdf": "links are not looked for",
    "fileAttachment_fileAttachmentAnnotation.pdf": "files are looked for in the document's names, not on its pages",
    "test_fontArialNotEmbedded.pdf": "fonts are not looked at",
    "text_only_fontsEmbeddedAll.pdf": "fonts are not looked at, and these are embedded",
    "text_only_fontsNotEmbedded.pdf": "fonts are not looked at",
}
"""Risks that no reader of ours names; nobody may take the silence for a judgement."""


@pytest.fixture(scope="module")
def told() -> dict[str, tuple[str, Technical]]:
    """The state of each file by the table, and what our reader says of it."""
    corpus = shared_data("damaged")
    states = {path: row["state"] for path, row in json.loads((corpus / "truth.json").read_bytes())["files"].items()}
    readers = Characteriser()
    try:
        answers = list(readers.characterise(_asked(corpus / path) for path in states))
    finally:
        readers.close()
    return {
        path: (state, answer)
        for (path, state), answer in zip(states.items(), answers, strict=True)
        if answer is not None
    }


def _asked(path: Path) -> Asked:
    return Asked(path, MEDIA_TYPES[path.suffix], path.name)


def reported(technical: Technical) -> bool:
    return technical.failure is not None or technical.value("structure") is not None


def test_every_file_of_the_table_is_answered_for(told: dict[str, tuple[str, Technical]]) -> None:
    assert len(told) == FILES
    assert {state for state, _ in told.values()} == {"damaged", "odd", "risk", "intact"}
    assert Counter(state for state, _ in told.values())["damaged"] == 38


def test_the_damaged_and_the_odd_are_reported_and_the_intact_are_not(told: dict[str, tuple[str, Technical]]) -> None:
    expected = {path: state in ("damaged", "odd") for path, (state, _) in told.items() if state != "risk"}
    wrong = {path for path, damaged in expected.items() if reported(told[path][1]) != damaged}
    assert wrong == set(DISAGREED)


def test_a_damaged_file_never_brings_its_reader_down(told: dict[str, tuple[str, Technical]]) -> None:
    assert [path for path, (_, answer) in told.items() if (answer.failure or "").startswith("the reader ")] == []


def test_risks_are_said_but_for_those_that_nobody_looks_for(told: dict[str, tuple[str, Technical]]) -> None:
    risky = {Path(path).name: answer for path, (state, answer) in told.items() if state == "risk"}
    assert set(risky) == {*RISKS, *RISKS_NOT_SAID}
    assert {name: (what, risky[name].value(what)) for name, (what, _) in RISKS.items()} == RISKS
    assert [name for name in RISKS_NOT_SAID if reported(risky[name]) or risky[name].parts] == []
