"""Deposit over HTTP: declared, sent in parts, broken off and resumed, compared with its digest, ingested."""

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.receiving import PARTS
from repository.archive import Served
from repository.services.administration import Role
from repository.services.deposit import take_in, unfinished_deposits
from tests.api.serving import api, key_for, request_of
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, types


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[TestClient, Served]]:
    with api(new_site(tmp_path)) as both:
        yield both


@pytest.fixture(scope="module")
def packed() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(LAND_DEEDS.rglob("*")):
            archive.write(path, Path(LAND_DEEDS.name) / path.relative_to(LAND_DEEDS))
    return buffer.getvalue()


def declared(content: bytes, **more: object) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": "land-deeds.zip", "bytes": len(content), "sha256": digest, "transfer_number": "2026-009"} | more


def send(client: TestClient, location: str, content: bytes, offset: int) -> Any:
    return client.patch(location, content=content, headers={"upload-offset": str(offset), "content-type": PARTS})


def judged(client: TestClient, location: str) -> dict[str, Any]:
    """How a deposit stands once its job is done."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        deposit: dict[str, Any] = client.get(location).json()
        if deposit["state"] != "complete":
            return deposit
    raise AssertionError("the job did not end")


def test_a_delivery_comes_in_parts_and_is_taken_in(opened: tuple[TestClient, Served], packed: bytes) -> None:
    client, served = opened
    answer = client.post("/v1/deposits", json=declared(packed, producer="临溪县国土资源局"))
    assert answer.status_code == 201
    location, half = answer.headers["location"], len(packed) // 2
    assert send(client, location, packed[:half], 0).headers["upload-offset"] == str(half)
    for wrong in (0, half - 1, half + 1):
        refused = send(client, location, b"x", wrong)
        assert (refused.status_code, refused.json()["code"]) == (409, "upload-offset")
    early = client.post(f"{location}/complete")
    assert (early.status_code, early.json()["code"]) == (409, "upload-incomplete")
    head = client.head(location)
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == (str(half), str(len(packed)))
    assert send(client, location, packed[half:], half).status_code == 204
    assert client.post(f"{location}/complete").status_code == 202
    deposit = judged(client, location)
    assert (deposit["state"], deposit["packages"], deposit["problem"]) == ("completed", 4, None)
    assert client.get("/v1/records", params={"q": "地契"}).json()["total"] == 2
    assert client.post(f"{location}/complete").json()["state"] == "completed"
    late = send(client, location, b"x", len(packed))
    assert (late.status_code, late.json()["code"]) == (409, "upload-closed")
    assert types(served.base).count("Accession.Completed") == 1
    assert not any((served.base.folder / "quarantine" / "uploads").rglob("*.zip"))

    again = client.post("/v1/deposits", json=declared(packed, producer="临溪县国土资源局")).headers["location"]
    send(client, again, packed, 0)
    client.post(f"{again}/complete")
    assert judged(client, again)["state"] == "already-recorded"


def test_what_is_not_what_was_declared_is_uploaded_anew(opened: tuple[TestClient, Served], packed: bytes) -> None:
    client, served = opened
    before = served.base.log.position()
    location = client.post("/v1/deposits", json=declared(packed)).headers["location"]
    false = bytearray(packed)
    false[1000] ^= 1
    send(client, location, bytes(false), 0)
    refused = client.post(f"{location}/complete")
    assert (refused.status_code, refused.json()["code"]) == (422, "upload-mismatch")
    assert client.head(location).headers["upload-offset"] == "0"
    assert served.base.log.position() == before
    send(client, location, packed, 0)
    assert client.post(f"{location}/complete").status_code == 202
    assert judged(client, location)["state"] == "completed"


def test_a_delivery_that_is_rejected_says_why_in_both_languages(opened: tuple[TestClient, Served]) -> None:
    client, _ = opened
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("catalogue.csv", "档号,题名,日期,文件\nA-1,甲,19420631,a.txt\n")
        archive.writestr("a.txt", "a")
    content = buffer.getvalue()
    location = client.post("/v1/deposits", json=declared(content)).headers["location"]
    send(client, location, content, 0)
    client.post(f"{location}/complete")
    deposit = judged(client, location)
    assert deposit["state"] == "rejected"
    assert [one["code"] for one in deposit["findings"]] == ["delivery.catalogue-date"]
    assert "19420631" in deposit["findings"][0]["zh"]
    assert "19420631" in deposit["findings"][0]["en"]


def test_no_more_is_taken_than_was_declared(opened: tuple[TestClient, Served]) -> None:
    client, served = opened
    location = client.post("/v1/deposits", json=declared(b"12345")).headers["location"]
    refused = send(client, location, b"123456", 0)
    assert (refused.status_code, refused.json()["code"]) == (413, "upload-too-long")
    other = client.patch(location, content=b"1", headers={"upload-offset": "0", "content-type": "text/plain"})
    assert (other.status_code, other.json()["code"]) == (415, "media-type-unknown")
    assert sum(path.stat().st_size for path in served.base.folder.rglob("land-deeds.zip")) <= 5


def test_beginning_again_under_the_same_key_is_the_same_deposit(opened: tuple[TestClient, Served]) -> None:
    client, _ = opened
    key = {"idempotency-key": "delivery-9"}
    first = client.post("/v1/deposits", json=declared(b"12345"), headers=key)
    send(client, first.headers["location"], b"123", 0)
    again = client.post("/v1/deposits", json=declared(b"12345"), headers=key)
    assert (again.headers["location"], again.headers["upload-offset"]) == (first.headers["location"], "3")
    other = client.post("/v1/deposits", json=declared(b"54321"), headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "command-reused")


@pytest.mark.parametrize("name", ["deed.pdf", "../x.zip", "a/b.zip", ".zip", "x\n.zip", "x" * 300 + ".zip"])
def test_a_name_that_could_lead_elsewhere_is_refused(opened: tuple[TestClient, Served], name: str) -> None:
    client, _ = opened
    answer = client.post("/v1/deposits", json=declared(b"1", name=name))
    assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")


def test_a_deposit_is_its_producers_alone(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    other = key_for(site, "另一人", Role.ARCHIVIST)
    reader = key_for(site, "读者", Role.READER)
    with api(site) as (client, _):
        location = client.post("/v1/deposits", json=declared(b"1")).headers["location"]
        assert client.get(location, headers=other).status_code == 200
        assert client.get(location, headers=reader).json()["code"] == "not-allowed"


def test_a_deposit_that_was_complete_when_the_server_died_is_taken_in_by_the_next(
    tmp_path: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    site: Site = new_site(tmp_path)
    with api(site) as (client, served):
        monkeypatch.setattr(client.app.state.work, "put", lambda *_: None)  # type: ignore[attr-defined] # it dies here
        location = client.post("/v1/deposits", json=declared(packed)).headers["location"]
        send(client, location, packed, 0)
        assert client.post(f"{location}/complete").json()["state"] == "complete"
        assert list(unfinished_deposits(served.base)) == [request_of(location)]
    with api(site) as (client, served):
        assert judged(client, location)["state"] == "completed"
        assert list(unfinished_deposits(served.base)) == []
        take_in(served.base, request_of(location), silent)
        assert types(served.base).count("Accession.Completed") == 1
