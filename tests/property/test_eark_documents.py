"""Whatever stands in METS and PREMIS, judging them ends in findings: nothing else is raised, and nothing passes."""

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packages_spec.eark import validate_eark
from packages_spec.findings import is_valid
from packages_spec.grammar import judge_form
from packages_spec.safe_xml import UnsafeXml
from tests.packages import PACKAGE, write_package

DOCUMENTS = (
    "METS.xml",
    "representations/original/METS.xml",
    "metadata/preservation/premis.xml",
    "representations/original/metadata/preservation/premis.xml",
)
PLACE = tempfile.TemporaryDirectory(prefix="jingui-test-")
ROOT = Path(PLACE.name) / "data" / f"uuid-{PACKAGE}"
write_package(Path(PLACE.name))
WHOLE = {name: (ROOT / name).read_text("utf-8") for name in DOCUMENTS}
PIECES = st.sampled_from(
    (
        *("", "<", ">", '"', "&", "<x/>", "<mdRef/>", "<file/>", "<div/>", "<object/>", " ID=''", "²", "9" * 400),
        *(
            "../",
            "file:",
            "http://x/",
            "%00",
            "%zz",
            "\u0000",
            "\ud7ff",
            "-1",
            "1e9",
            "SHA-999",
            "urn:",
            "\\",
            "#",
            "?",
        ),
    )
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(DOCUMENTS),
    at=st.integers(0, 10**6),
    cut=st.integers(0, 40),
    piece=PIECES | st.text(max_size=12),
    value=st.booleans(),
)
def test_any_change_of_a_document_ends_in_findings(name: str, at: int, cut: int, piece: str, *, value: bool) -> None:
    """A piece put in anywhere or in the place of a value; the document that no other guards may stay true."""
    text = WHOLE[name]
    if value:  # right behind a quotation mark, where values begin
        places = [number for number, letter in enumerate(text) if letter in '">']
        at = places[at % len(places)] + 1
    at %= len(text)
    changed = text[:at] + piece + text[at + cut :]
    content = changed.encode("utf-8", "surrogatepass")
    try:
        (ROOT / name).write_bytes(content)
        findings = validate_eark(ROOT)
    finally:
        (ROOT / name).write_text(text, "utf-8")
    for finding in findings:
        assert finding.message("zh")
    if changed != text and name != "METS.xml":
        assert not is_valid(findings)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda words: f"<mets>{words}</mets>".encode()))
def test_any_bytes_are_judged_or_refused(content: bytes) -> None:
    with suppress(UnsafeXml):
        list(judge_form(content, "x.xml"))
