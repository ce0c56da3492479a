"""What a format policy says of formats, and what is wrong with policies."""

from pathlib import Path

import pytest

from packages_spec.findings import Severity
from repository.errors import ArchiveError
from repository.services.format_policy import SHIPPED, Verdict, judge, read_policy
from repository.services.identification import UNKNOWN, Identified

DOC = Identified("fmt/40", "Microsoft Word Document", "97-2003", "application/msword", "")
EXE = Identified("fmt/899", "Windows Portable Executable", "32 bit", "application/x", "")
OFD = Identified(None, "OFD", "1.1", "application/zip", "")
TIFF = Identified("fmt/353", "Tagged Image File Format", "", "image/tiff", "")
HEAD = 'schema = 1\nname = "本馆"\nversion = "3"\n'


def policy_of(place: Path, text: str) -> str:
    path = place / "policy.toml"
    path.write_text(HEAD + text, "utf-8")
    return str(path)


def test_the_policy_that_comes_with_the_software() -> None:
    policy = read_policy(None)
    verdicts = {kind.name: policy.of(kind)[0] for kind in (DOC, EXE, OFD, TIFF)}
    assert verdicts == {
        DOC.name: Verdict.TO_MIGRATE,
        EXE.name: Verdict.REFUSED,
        OFD.name: Verdict.PREFERRED,
        TIFF.name: Verdict.PREFERRED,
    }
    assert policy.of(UNKNOWN) == (Verdict.ACCEPTED, "otherwise")
    assert "fmt/40" in policy.puids(Verdict.TO_MIGRATE)


def test_findings_name_file_rule_and_policy() -> None:
    formats = {"a/旧.doc": DOC, "a/新.doc": DOC, "b/tool.exe": EXE, "c.tif": TIFF, "d": UNKNOWN}
    refused, migrate = sorted(judge(read_policy(None), formats), key=lambda finding: finding.severity)
    assert (refused.code, refused.path, refused.severity) == ("format.refused", "b/tool.exe", Severity.ERROR)
    assert refused.expected == "jingui 1: executable"
    assert "fmt/899" in refused.found
    assert (migrate.code, migrate.path, migrate.severity) == ("format.to-migrate", "a/旧.doc", Severity.INFO)
    assert migrate.found.endswith("× 2")


def test_the_first_rule_by_puid_holds_and_media_types_come_after(tmp_path: Path) -> None:
    rules = """
otherwise = "refused"
[[rule]]
id = "words"
verdict = "accepted"
media_types = ["application/msword", "image/*"]
[[rule]]
id = "old"
verdict = "to-migrate"
puids = ["fmt/40"]
[[rule]]
id = "late"
verdict = "refused"
puids = ["fmt/40", "fmt/41"]
"""
    policy = read_policy(policy_of(tmp_path, rules))
    assert policy.of(DOC) == (Verdict.TO_MIGRATE, "old")
    assert policy.of(TIFF) == (Verdict.ACCEPTED, "words")
    assert policy.of(UNKNOWN) == (Verdict.REFUSED, "otherwise")
    assert policy.puids(Verdict.REFUSED) == {"fmt/41"}


@pytest.mark.parametrize(
    "text",
    [
        "schema = 2",
        "[[rule]]\nid = 1",
        '[[rule]]\nid = "a"\nverdict = "kept"',
        '[[rule]]\nid = "a"\nverdict = "refused"\n[[rule]]\nid = "a"\nverdict = "refused"',
        '[[rule]]\nid = "a"\nverdict = "to-migrate"\nmedia_types = ["image/*"]',
        '[[rule]]\nid = "a"\nverdict = "refused"\npuid = ["fmt/1"]',
        "= x",
    ],
)
def test_a_policy_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArchiveError) as error:
        read_policy(policy_of(tmp_path, text))
    assert error.value.code == "format-policy-invalid"


def test_a_policy_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as error:
        read_policy(str(tmp_path / "absent.toml"))
    assert error.value.code == "format-policy-invalid"
    assert SHIPPED not in str(error.value)
