"""A delivery with a virus stays in quarantine: judged by the real ClamAV, with a signature made for the test."""

import hashlib
import shutil
from pathlib import Path

import pytest

from repository.domain.archival_package import ARCHIVAL_PACKAGE, VirusChecked
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services.virus import ClamAv
from tests.real_archives import Site, new_site, take

PLANTED = b"nothing harmful, but known by its digest\n"


@pytest.fixture
def scanner(tmp_path: Path) -> Path:
    """`clamscan` with one signature of our own, so that no download is needed."""
    program = shutil.which("clamscan")
    if program is None:
        pytest.skip("clamscan is not installed")
    signatures = tmp_path / "signatures"
    signatures.mkdir()
    digest = hashlib.md5(PLANTED, usedforsecurity=False).hexdigest()
    (signatures / "planted.hdb").write_text(f"{digest}:{len(PLANTED)}:Planted.Test\n")
    script = tmp_path / "scan"
    script.write_text(f'#!/bin/sh\nexec {program} --database={signatures} "$@"\n')
    script.chmod(0o755)
    return script


def scanning_site(place: Path, scanner: Path) -> Site:
    site = new_site(place)
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write(f'virus_scanner = "{scanner}"\n')
    return site


def test_clean_files_pass_and_an_infected_one_is_named(scanner: Path, tmp_path: Path) -> None:
    (tmp_path / "clean.txt").write_bytes(b"clean\n")
    (tmp_path / "带病 文件.txt").write_bytes(PLANTED)
    clamav = ClamAv(str(scanner))
    assert clamav.tool.startswith("ClamAV")
    assert clamav.scan([tmp_path / "clean.txt"]).infected == {}
    found = clamav.scan([tmp_path / "clean.txt", tmp_path / "带病 文件.txt"]).infected
    assert list(found) == [tmp_path / "带病 文件.txt"]
    assert "Planted.Test" in found[tmp_path / "带病 文件.txt"]


def test_a_scanner_that_cannot_say_is_an_error_and_never_a_pass(scanner: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as failed:
        ClamAv(str(scanner)).scan([tmp_path / "absent.txt"])
    assert failed.value.code == "virus-scan-failed"
    with pytest.raises(ArchiveError) as missing:
        ClamAv(str(tmp_path / "no-such-program"))
    assert missing.value.code == "virus-scan-failed"


def test_a_clean_delivery_is_recorded_as_checked(scanner: Path, tmp_path: Path) -> None:
    source = tmp_path / "clean"
    source.mkdir()
    (source / "page.txt").write_bytes(b"clean\n")
    with scanning_site(tmp_path, scanner).open() as session:
        (package,) = take(session, source).packages
        viruses = session.log.load(ARCHIVAL_PACKAGE, package.package).state.viruses
    assert viruses is not None
    assert (viruses.outcome, viruses.files) == (Outcome.PASSED, 1)
    assert str(viruses.tool).startswith("ClamAV")


def test_an_infected_delivery_is_not_accepted_and_nothing_of_it_is_stored(scanner: Path, tmp_path: Path) -> None:
    source = tmp_path / "infected"
    source.mkdir()
    (source / "page.txt").write_bytes(PLANTED)
    with scanning_site(tmp_path, scanner).open() as session:
        for _ in range(2):  # the second time as the first
            with pytest.raises(ArchiveError) as refused:
                take(session, source)
            assert (refused.value.code, refused.value.row.exit) == ("virus-found", 22)
        assert list(session.store.objects()) == []
        events = [event.payload for event in session.log.events(types=["ArchivalPackage.VirusChecked"])]
        accepted = list(session.log.events(types=["Accession.Accepted"]))
    assert [(one.outcome, one.infected) for one in events if isinstance(one, VirusChecked)] == [
        (Outcome.FAILED, ("page.txt",))
    ]
    assert accepted == []
