"""Real sealed records: rotated, tried, and shredded with their key - and what is proven of them stays proven."""

import subprocess
import sys
from pathlib import Path

import pytest

from repository.archive import examine_archive
from repository.domain.values import SecrecyClass
from repository.errors import ArchiveError
from repository.services.audit import fsck, replay
from repository.services.key_destruction import approve_destruction, request_destruction, shredded_packages
from repository.services.key_keeping import recover_drill
from repository.services.key_ring import KeyPurpose, create_key, rotate_key
from repository.services.preservation import materialise
from repository.services.rekeying import rekey
from repository.services.search import show_record
from tests.key_rings import Ring, new_ring
from tests.real_archives import deliver, silent, take

SECRET = SecrecyClass.MIMI.value
CATALOGUE = f"档号,题名,责任者,日期,密级,保管期限,页数,文件\nM-1,密电,县政府,19520301,{SECRET},永久,1,M-1\n"


def proven(ring: Ring) -> None:
    """The log, the store and the catalogue are what they say, by our own audit and by the store's own script."""
    with ring.open("administrator") as session:
        assert fsck(session, silent).faults == ()
        assert replay(session, None, silent).same
    verify = [sys.executable, str(ring.site.folder / "store" / "verify.py")]
    assert subprocess.run(verify, capture_output=True, text=True, check=False).returncode == 0


def test_sealed_records_are_rotated_tried_and_shredded_and_stay_proven(tmp_path: Path) -> None:
    ring = new_ring(tmp_path, settings=f'seal_from = "{SECRET}"\n')
    settings = ring.site.folder / "jingui.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace('secrecy_ceiling = "内部"', f'secrecy_ceiling = "{SECRET}"'), "utf-8")
    source = deliver(tmp_path / "delivery", {"M-1/M-1-001.txt": b"planted page", "catalogue.csv": CATALOGUE.encode()})
    with ring.open("officer") as session:
        create_key(session, SECRET, KeyPurpose.CLASS, [], None)
    with ring.open("archivist") as session:
        report = take(session, source)
        assert report.outcome == "completed"
        assert show_record(session, "M-1", as_of=None).description.title == "密电"
    packages = [one.package for one in report.packages]
    with ring.open("officer") as session:
        rotate_key(session, SECRET, reason="每年", holders=None, shares=None)
        assert rekey(session, dry_run=False, progress=silent).packages == len(packages)
        assert recover_drill(session, ring.share_files()[:2], 3).records == len(packages)
        request_destruction(session, SECRET, None, reason="鉴定销毁", legal_basis="档案法")
    proven(ring)
    with ring.open("decider") as session:
        assert approve_destruction(session, SECRET, None, silent).ended
    with ring.open("archivist") as session:
        assert set(packages) == set(shredded_packages(session))
        with pytest.raises(ArchiveError) as refused:
            session.package_keys.identity(packages[0], 1)
        assert refused.value.code == "key-record-missing"
        shown = show_record(session, "M-1", as_of=None).description
        assert shown.title != "密电"
        assert "title" in shown.sealed
        assert not any(session.vault.key_id(package) for package in packages)
        materialise(session, "M-1", tmp_path / "out")  # ciphertext, as it stands in the store
    proven(ring)
    assert "ring.ok" in {line.code for line in examine_archive(ring.site.folder, ring.site.credential).lines}
