"""Dissemination over HTTP: asked for, followed, fetched in parts, closed; all in the log before it leaves."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import pikepdf
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api import sending
from packages_spec.digests import digest_file
from repository.archive import Served
from tests.api.serving import api, request_of
from tests.real_archives import LAND_DEEDS, new_site, take, types

DEED = "J012-1-0002"
PAGES = sorted(path.name for path in (LAND_DEEDS / DEED).iterdir())
WISH: dict[str, Any] = {"record": DEED, "purpose": "编史修志"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Served]]:
    site = new_site(tmp_path_factory.mktemp("dips"))
    with site.open() as session:
        take(session, LAND_DEEDS)
    with api(site) as (client, served):
        yield client, served


def made(client: TestClient, **wish: object) -> tuple[str, dict[str, Any]]:
    """Where a package of this wish is, and how it stands once there is nothing to wait for."""
    answer = client.post("/v1/dips", json=WISH | wish)
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    with client.stream("GET", f"{location}/events") as followed:
        followed.read()
    return location, client.get(location).json()


def test_a_package_is_asked_for_followed_fetched_and_closed(opened: tuple[TestClient, Served], tmp_path: Path) -> None:
    client, served = opened
    before = served.base.log.position()
    location, report = made(client)
    assert report["state"] == "ready"
    content = client.get(f"{location}/content")
    assert content.headers["etag"] == f'"{report["sha256"]}"'
    assert (content.headers["content-type"], len(content.content)) == ("application/zip", report["bytes"])
    assert hashlib.sha256(content.content).hexdigest() == report["sha256"]
    assert client.get(location).json()["state"] == "delivered"
    assert client.delete(location).status_code == 204
    assert client.delete(location).status_code == 204
    assert types(served.base, after=before) == [
        f"AccessRequest.{name}"
        for name in ("Requested", "FormChosen", "DipAssembled", "DipRendered", "DipDelivered", "Closed")
    ]
    gone = client.get(f"{location}/content")
    assert (gone.status_code, gone.json()["code"]) == (410, "dip-gone")
    assert not any((served.base.folder / "outgoing").rglob("*.zip"))

    with zipfile.ZipFile(io.BytesIO(content.content)) as packed:
        packed.extractall(tmp_path)
    bag = tmp_path / f"uuid-{report['dip']}"
    bagit.Bag(str(bag)).validate()
    assert digest_file(bag / "manifest-sha256.txt")[1] == report["manifest_sha256"]
    assert digest_file(bag / "tagmanifest-sha256.txt")[1] == report["tagmanifest_sha256"]
    pages = {path.name: path.read_bytes() for path in bag.glob("data/uuid-*/representations/original/data/*")}
    assert pages == {name: (LAND_DEEDS / DEED / name).read_bytes() for name in PAGES}


def test_the_log_is_told_once_however_often_it_is_followed(opened: tuple[TestClient, Served]) -> None:
    client, _ = opened
    location, _ = made(client)
    whole = client.get(f"{location}/events").text
    ids = [line.removeprefix("id: ") for line in whole.splitlines() if line.startswith("id: ")]
    assert len(ids) == 4
    rest = client.get(f"{location}/events", headers={"last-event-id": ids[1]}).text
    assert [line.removeprefix("id: ") for line in rest.splitlines() if line.startswith("id: ")] == ids[2:]
    refused = client.get(f"{location}/events", headers={"last-event-id": "yesterday"})
    assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid")


def test_the_file_is_not_even_opened_before_its_delivery_is_committed(
    opened: tuple[TestClient, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, served = opened
    location, _ = made(client)
    seen: list[str] = []
    opening = sending.open_file

    def watched(path: Path) -> int:
        seen.append(served.base.log.stream(request_of(location))[-1].envelope.type)
        return opening(path)

    monkeypatch.setattr(sending, "open_file", watched)
    for headers in ({}, {"range": "bytes=7-"}):
        assert client.get(f"{location}/content", headers=headers).is_success
    assert seen == ["AccessRequest.DipDelivered"] * 2
    assert types(served.base).count("AccessRequest.DipDelivered") >= 1


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=5-9", 5, 10),
        ("bytes=100-", 100, None),
        ("bytes=-7", -7, None),
        ("bytes=3-99999999", 3, None),
    ],
)
def test_a_part_is_those_bytes_and_no_others(
    opened: tuple[TestClient, Served], asked: str, start: int, end: int | None
) -> None:
    client, _ = opened
    location, report = made(client)
    whole = client.get(f"{location}/content").content
    part = client.get(f"{location}/content", headers={"range": asked})
    assert part.status_code == 206
    assert part.content == whole[start:end]
    first = start if start >= 0 else len(whole) + start
    assert part.headers["content-range"] == f"bytes {first}-{first + len(part.content) - 1}/{report['bytes']}"
    other = client.get(f"{location}/content", headers={"range": asked, "if-range": '"another"'})
    assert (other.status_code, other.content) == (200, whole)
    same = client.get(f"{location}/content", headers={"range": asked, "if-range": part.headers["etag"]})
    assert (same.status_code, same.content) == (206, part.content)


def test_what_is_known_is_not_sent_and_what_is_not_there_is_refused(opened: tuple[TestClient, Served]) -> None:
    client, _ = opened
    location, report = made(client)
    head = client.head(f"{location}/content")
    assert (head.status_code, head.headers["content-length"]) == (200, str(report["bytes"]))
    assert head.content == b""
    for names in (head.headers["etag"], f'"x", W/{head.headers["etag"]}', "*"):
        known = client.get(f"{location}/content", headers={"if-none-match": names})
        assert (known.status_code, known.content) == (304, b"")
    beyond = client.get(f"{location}/content", headers={"range": f"bytes={report['bytes']}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{report['bytes']}")
    for ignored in ("bytes=9-5", "bytes=1-2,5-6", "lines=1-2", "bytes=-"):
        assert client.get(f"{location}/content", headers={"range": ignored}).status_code == 200


def test_pages_become_a_pdf_of_the_same_pictures_with_a_mark_on_each(opened: tuple[TestClient, Served]) -> None:
    client, served = opened
    location, report = made(client, form="pdf", pages=[3, 1])
    assert (report["state"], report["media_type"]) == ("ready", "application/pdf")
    content = client.get(f"{location}/content").content
    wanted = [(LAND_DEEDS / DEED / PAGES[number - 1]).read_bytes() for number in (3, 1)]
    with pikepdf.open(io.BytesIO(content)) as document:
        assert len(document.pages) == 2
        for page, original in zip(document.pages, wanted, strict=True):
            pictures = [picture.read_raw_bytes() for picture in page.get_images().values()]
            assert pictures == [original]
            (mark,) = page.form_xobjects.values()
            assert b"Tj" in mark.read_bytes()
            assert "/STSong-Light" in [str(font.BaseFont) for font in mark.Resources.Font.values()]
        assert str(served.base.actor.agent)[:8] in str(document.docinfo["/Title"])
        assert str(request_of(location)) in str(document.docinfo["/Title"])


def test_pages_become_pictures_of_the_width_that_was_asked_for(
    opened: tuple[TestClient, Served], tmp_path: Path
) -> None:
    client, _ = opened
    location, report = made(client, form="images", width=200, pages=[2])
    with zipfile.ZipFile(io.BytesIO(client.get(f"{location}/content").content)) as packed:
        packed.extractall(tmp_path)
    bag = tmp_path / f"uuid-{report['dip']}"
    bagit.Bag(str(bag)).validate()
    (page,) = bag.glob("data/*.jpg")
    with Image.open(page) as picture, Image.open(LAND_DEEDS / DEED / PAGES[1]) as original:
        assert picture.width == 200
        plain = round(original.height * 200 / original.width)
        strip = picture.convert("L").crop((0, plain, 200, picture.height))
        assert plain < picture.height < plain + 30
        shades = set(strip.tobytes())
        assert min(shades) < 100 < max(shades)


def test_a_form_that_cannot_be_made_ends_the_request_and_says_so(opened: tuple[TestClient, Served]) -> None:
    client, served = opened
    before = served.base.log.position()
    location, report = made(client, form="playback")
    assert (report["state"], report["problem"]) == ("failed", "form-unfit")
    assert types(served.base, after=before)[-1] == "AccessRequest.Closed"
    assert client.get(f"{location}/content").status_code == 410


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"record": "J012-1-9999"}, 404, "record-unknown"),
        ({"paths": ["no-such.jpg"]}, 404, "file-unknown"),
        ({"purpose": "  "}, 422, "purpose-missing"),
        ({"form": "microfilm"}, 422, "form-unknown"),
        ({"form": "pdf", "pages": [9]}, 422, "pages-invalid"),
        ({"form": "pdf", "pages": [0]}, 422, "pages-invalid"),
        ({"form": "images", "width": 1}, 422, "width-invalid"),
        ({"form": "pdf", "width": 800}, 422, "width-invalid"),
        ({"unheard": 1}, 422, "request-invalid"),
        ({"pages": "1"}, 422, "request-invalid"),
    ],
)
def test_a_wish_that_cannot_be_met_changes_nothing(
    opened: tuple[TestClient, Served], wish: dict[str, object], status: int, code: str
) -> None:
    client, served = opened
    before = served.base.log.position()
    answer = client.post("/v1/dips", json=WISH | wish)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert served.base.log.position() == before


def test_the_same_request_again_is_done_once_and_another_under_its_key_is_refused(
    opened: tuple[TestClient, Served],
) -> None:
    client, served = opened
    key = {"idempotency-key": "deed-for-the-county-history"}
    first = client.post("/v1/dips", json=WISH, headers=key)
    with client.stream("GET", f"{first.headers['location']}/events") as followed:
        followed.read()
    before = served.base.log.position()
    again = client.post("/v1/dips", json=WISH, headers=key)
    assert (again.status_code, again.headers["location"]) == (202, first.headers["location"])
    other = client.post("/v1/dips", json=WISH | {"purpose": "他用"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "command-reused")
    assert served.base.log.position() == before
