"""API clients, as in the stories: through `jingui serve` as a process of its own, killed at the worst moments."""

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import bagit
import httpx2
import pytest

from api.client import Client, Dip, RefusedError, UntrueError
from packages_spec.digests import digest_file
from repository.services.administration import Role
from repository.services.audit import fsck
from repository.services.keys import issue_key
from tests.api.serving import ALL, Server, server
from tests.real_archives import LAND_DEEDS, Site, deliver, new_site, silent, take, types

DEED = "J012-1-0002"
BIG = "B-1"
SIZE = 48_000_000
SEED = 20260301


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "land-deeds.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(LAND_DEEDS.rglob("*")):
            archive.write(file, Path(LAND_DEEDS.name) / file.relative_to(LAND_DEEDS))
    return path


def key_of(site: Site, *roles: Role, name: str = "合作系统", scopes: tuple[str, ...] = ALL) -> str:
    with site.open() as session:
        person, _ = site.person(session, name, *roles)
        return issue_key(session, person, scopes, None).key


def partner(served: Server, key: str) -> Client:
    return Client(served.url, key, language="en", pause=lambda _: None)


def ready(client: Client, record: str, **wish: object) -> Dip:
    return client.wait(client.request(record, "编史", **wish).request)  # type: ignore[arg-type] # of a test's wish


def test_a_partner_deposits_finds_asks_follows_fetches_and_checks(site: Site, packed: Path, tmp_path: Path) -> None:
    """The whole story, and the exact sequence of events that it leaves."""
    key = key_of(site, Role.ARCHIVIST)
    with site.open() as session:
        before = session.log.position()
    with server(site) as served, partner(served, key) as client:
        deposit = client.deposit(packed, producer="临溪县国土资源局", transfer_number="2026-001")
        while deposit.state == "complete":
            deposit = client.deposited(deposit.id)
        assert (deposit.state, deposit.packages) == ("completed", 4)
        assert [one["reference_code"] for one in client.search("地契", limit=1)] == ["J012-1-0001", DEED]
        assert len(client.show(DEED)["files"]) == 5
        asked = client.request(DEED, "编史", key="chapter-3")
        kinds = [told.kind for told in client.follow(asked.request) if told.id is not None]
        assert kinds == [f"AccessRequest.{name}" for name in ("Requested", "FormChosen", "DipAssembled", "DipRendered")]
        dip = client.dip(asked.request)
        path = client.download(dip, tmp_path)
        client.close_request(dip.request)
        with pytest.raises(RefusedError) as refused:
            client.show("J012-1-9999")
        assert (refused.value.status, refused.value.code) == (404, "record-unknown")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    bag = tmp_path / path.stem
    bagit.Bag(str(bag)).validate()
    assert digest_file(bag / "manifest-sha256.txt")[1] == dip.manifest_sha256
    with site.open() as session:
        unit = ["ArchivalPackage.Created", "ArchivalPackage.FormatsIdentified", "ArchivalPackage.VirusChecked"]
        assert types(session, after=before) == [
            "Producer.Registered",
            "Accession.Opened",
            "TransferNumber.Reserved",
            "Accession.DeliveryReceived",
            "Accession.Planned",
            *["ReferenceCode.Reserved"] * 3,
            "Accession.DeliveryValidated",
            *unit * 4,
            "Accession.Accepted",
            *["Description.Described"] * 4,
            *["ArchivalPackage.Stored"] * 4,
            "Accession.Completed",
            "AccessRequest.Requested",
            "AccessRequest.FormChosen",
            "AccessRequest.DipAssembled",
            "AccessRequest.DipRendered",
            "AccessRequest.DipDelivered",
            "AccessRequest.Closed",
            "Door.SignedIn",
        ]
        done = [event.envelope for event in session.log.events(after=before)]
        actors = {one.actor for one in done if not one.type.startswith("Door.")}  # the server keeps the door
        assert len(actors) == 1
        assert session.actor.agent not in actors
        assert fsck(session, silent).sound


def test_a_partner_has_a_package_judged_and_fetches_what_a_task_made(site: Site, packed: Path, tmp_path: Path) -> None:
    key = key_of(site, Role.ARCHIVIST, scopes=(*ALL, "survey", "accept", "return"))
    with server(site) as served, partner(served, key) as client:
        judged = client.task("/v1/validations", content=packed)
        assert (judged.state, judged.result and judged.result["verdict"]) == ("done", "invalid")
        deposit = client.deposit(packed, transfer_number="2026-001")
        while deposit.state == "complete":
            deposit = client.deposited(deposit.id)
        accession = client.accession(str(deposit.accession))
        assert accession.stage == "completed"
        with pytest.raises(RefusedError) as refused:
            client.give_back(accession, "晚了")
        assert refused.value.code == "accession-order"
        made = client.task("/v1/materialisations", record=DEED)
        path = client.fetch_result(made, tmp_path)
        assert made.file is not None
        assert digest_file(path) == (made.file["bytes"], made.file["sha256"])


@pytest.fixture
def big(site: Site, tmp_path: Path) -> tuple[Site, str]:
    content = random.Random(SEED).randbytes(SIZE)
    folder = deliver(
        tmp_path / "big", {"catalogue.csv": f"档号,题名,文件\n{BIG},大文件,big.bin\n".encode(), "big.bin": content}
    )
    with site.open() as session:
        take(session, folder)
    return site, key_of(site, Role.READER, name="读者")


def received(url: str, key: str, request: str, wanted: int) -> Iterator[bytes]:
    """The content's bytes until there are so many, the connection still open behind them."""
    headers = {"authorization": f"Bearer {key}"}
    with httpx2.stream("GET", f"{url}/v1/dips/{request}/content", headers=headers, timeout=30) as answer:
        got = 0
        for chunk in answer.iter_raw(65_536):
            got += len(chunk)
            yield chunk
            if got >= wanted:
                return


@pytest.mark.parametrize("wanted", [1, 300_000, 9_000_000, 30_000_000])
def test_killed_in_the_middle_of_a_download_the_log_knew_of_it_first(
    big: tuple[Site, str], tmp_path: Path, wanted: int
) -> None:
    """Neither side outlives the connection; what was fetched is a true beginning, and is not fetched again."""
    site, key = big
    with server(site) as served:
        with partner(served, key) as client:
            dip = ready(client, BIG)
        assert "AccessRequest.DipDelivered" not in delivered(site, dip)
        flow = received(served.url, key, dip.request, wanted)
        begun = b"".join([next(flow)])
        for chunk in flow:
            begun += chunk
            if len(begun) >= wanted:
                served.kill()
                break
        else:
            served.kill()
    assert delivered(site, dip).count("AccessRequest.DipDelivered") == 1
    (tmp_path / f"{dip.name}.part").write_bytes(begun)
    with server(site) as served, partner(served, key) as client:
        path = client.download(dip, tmp_path)
        assert digest_file(path) == (dip.bytes, dip.sha256)
        assert path.read_bytes()[: len(begun)] == begun
    assert delivered(site, dip).count("AccessRequest.DipDelivered") == 1


def delivered(site: Site, dip: Dip) -> list[str]:
    with site.open() as session:
        return [event.envelope.type for event in session.log.stream(UUID(dip.request))]


def test_a_client_that_goes_away_has_been_delivered_to(big: tuple[Site, str]) -> None:
    site, key = big
    with server(site) as served:
        with partner(served, key) as client:
            dip = ready(client, BIG)
        flow = received(served.url, key, dip.request, SIZE)
        assert next(flow)
        flow.close()  # type: ignore[attr-defined] # a generator
        assert delivered(site, dip)[-1] == "AccessRequest.DipDelivered"
        assert httpx2.get(f"{served.url}/healthz").status_code == 200


def test_a_server_killed_while_it_makes_a_package_makes_it_when_it_comes_back(
    big: tuple[Site, str], tmp_path: Path
) -> None:
    site, key = big
    with server(site) as served:
        with partner(served, key) as client:
            asked = client.request(BIG, "编史")
        served.kill()
    assert "AccessRequest.DipRendered" not in delivered(site, asked)
    with server(site) as served, partner(served, key) as client:
        dip = client.wait(asked.request)
        assert dip.state == "ready"
        assert digest_file(client.download(dip, tmp_path)) == (dip.bytes, dip.sha256)
    assert not any((site.folder / "staging" / "outgoing").iterdir())
    with site.open() as session:
        assert fsck(session, silent).sound


def test_an_upload_goes_on_after_the_server_died(site: Site, packed: Path) -> None:
    key = key_of(site, Role.ARCHIVIST)
    content = packed.read_bytes()
    half = len(content) // 2

    def slowly() -> Iterator[bytes]:
        yield content[:half]
        served.kill()
        yield content[half:]

    with server(site) as served, partner(served, key) as client:
        headers = {"authorization": f"Bearer {key}", "idempotency-key": "delivery"}
        declared = {"name": packed.name, "bytes": len(content), "sha256": digest_file(packed)[1]}
        location = httpx2.post(f"{served.url}/v1/deposits", json=declared, headers=headers).headers["location"]
        with pytest.raises(httpx2.TransportError):
            httpx2.patch(
                served.url + location,
                content=slowly(),
                headers={**headers, "upload-offset": "0", "content-type": "application/offset+octet-stream"},
            )
    with server(site) as served, partner(served, key) as client:
        deposit = client.deposit(packed, key="delivery")
        assert location.endswith(deposit.id)
        while deposit.state == "complete":
            deposit = client.deposited(deposit.id)
        assert (deposit.state, deposit.packages) == ("completed", 4)
    with site.open() as session:
        assert types(session).count("Accession.Completed") == 1


def test_a_false_byte_on_the_way_is_noticed(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        take(session, LAND_DEEDS)
    key = key_of(site, Role.READER)
    with server(site) as served, partner(served, key) as client:
        dip = ready(client, DEED)
        (tmp_path / f"{dip.name}.part").write_bytes(b"not the beginning of it")
        with pytest.raises(UntrueError):
            client.download(dip, tmp_path)
        assert not list(tmp_path.glob("uuid-*"))
        buffer = io.BytesIO(client.download(dip, tmp_path).read_bytes())
        assert zipfile.ZipFile(buffer).testzip() is None
