"""What a reader takes home can be proven: beside the package, never inside, offline and without our code."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from repository.errors import ArchiveError
from repository.evidence.verify import is_included, open_note, read_key
from repository.services.access import DisseminationReport, disseminate
from repository.services.checkpoints import EVIDENCE, attest, attested_size
from repository.services.dip_forms import Wish
from repository.services.session import Session
from repository.settings import log_key_file
from tests.api.serving import api
from tests.real_archives import LAND_DEEDS, MIXED, Site, new_site, take

DEED = "J012-1-0002"
BESIDE = (".checkpoint", ".log.vkey", ".stored.json", ".tlog-proof")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    return site


def proven(envelope: bytes, proof: bytes, key: str) -> int:
    """The reader's own check, of RFC 9162 and a signed note; the position that is proven."""
    head, _, signed = proof.partition(b"\n\n")
    mark, index, *path = head.decode().split("\n")
    assert mark == "c2sp.org/tlog-proof@v1"
    _, size, root, *_ = open_note(signed, read_key(key)).split("\n")
    leaf, number = hashlib.sha256(b"\x00" + envelope).digest(), int(index.removeprefix("index "))
    way = [base64.b64decode(one) for one in path]
    assert is_included(number, int(size), leaf, way, base64.b64decode(root)), "not in the tree"
    return number + 1


def beside(report: DisseminationReport, suffix: str) -> Path:
    return Path(report.path).parent / f"uuid-{report.dip}{suffix}"


def hand(session: Session, target: Path, form: str) -> DisseminationReport:
    return disseminate(session, DEED, paths=(), purpose="编史", target=target, wish=Wish(form=form))


@pytest.mark.parametrize(("form", "own"), [("bag", ""), ("zip", ".zip"), ("pdf", ".pdf")])
def test_every_form_has_its_proof_beside_it_and_nothing_of_it_inside(
    site: Site, tmp_path: Path, form: str, own: str
) -> None:
    with site.open() as session:
        report = hand(session, tmp_path / "out", form)
        stored = session.log.identified(report.stored_event)
        records = list(session.log.records(report.package))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted(f"uuid-{report.dip}{suffix}" for suffix in (own, *BESIDE))
    envelope = beside(report, ".stored.json").read_bytes()
    proof, key = beside(report, ".tlog-proof").read_bytes(), beside(report, ".log.vkey").read_text("utf-8")
    assert report.proof == str(beside(report, ".tlog-proof"))
    assert proven(envelope, proof, key) == stored
    assert proof.endswith(beside(report, ".checkpoint").read_bytes())
    with pytest.raises(AssertionError, match="not in the tree"):
        proven(envelope.replace(b'"type":"', b'"type":" ', 1), proof, key)
    if form == "bag":
        inside = Path(report.path) / "data" / f"uuid-{report.dip}" / "metadata" / "preservation" / "events.ndjson"
        assert envelope in inside.read_bytes().splitlines()
        assert not list(Path(report.path).rglob("*.tlog-proof"))
    assert envelope in [record.envelope for record in records]


def test_an_event_after_the_last_checkpoint_is_attested_first(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        covered = attest(session).size
        take(session, MIXED)
        assert session.log.position() > attested_size(session) == covered
        newest = next(one for one in session.log.raw(after=covered) if one.type == "ArchivalPackage.Stored")
        package = json.loads(newest.envelope)["stream"]
        report = disseminate(session, package, paths=(), purpose="编史", target=tmp_path / "out")
    assert report.proof is not None
    assert proven(
        beside(report, ".stored.json").read_bytes(),
        Path(report.proof).read_bytes(),
        beside(report, ".log.vkey").read_text("utf-8"),
    )


def test_where_nobody_can_sign_the_origin_is_called_unproven(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        (session.folder / EVIDENCE / "checkpoint").unlink()
        log_key_file(session.settings).unlink()
        report = hand(session, tmp_path / "out", "bag")
    assert report.proof is None
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == ["", ".json"]


def test_nothing_leaves_of_a_history_that_was_changed(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        attest(session)
        for tile in (session.folder / EVIDENCE / "tile" / "0").rglob("*"):
            if tile.is_file():
                tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
        with pytest.raises(ArchiveError) as refused:
            hand(session, tmp_path / "out", "bag")
    assert refused.value.code == "checkpoint-contradicts"
    assert not (tmp_path / "out").exists()


def test_over_a_wire_the_proof_is_fetched_beside_the_package(site: Site) -> None:
    with api(site) as (client, _):
        location = client.post("/v1/dips", json={"record": DEED, "purpose": "编史"}).headers["location"]
        client.get(f"{location}/events")
        answer = client.get(f"{location}/proof").json()
        assert answer["state"] == "proven"
        held = answer["envelope"].encode(), answer["proof"].encode(), answer["key"]
        assert proven(*held) == answer["position"]
        assert json.loads(answer["envelope"])["type"] == "ArchivalPackage.Stored"
        client.delete(location)
        assert client.get(f"{location}/proof").json()["envelope"] == answer["envelope"]
        assert client.get("/v1/dips/00000000-0000-4000-8000-000000000000/proof").status_code == 404
