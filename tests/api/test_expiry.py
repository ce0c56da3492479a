"""Copies that wait to be fetched are kept for so many days; then they go, and how to ask again is said."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.application import application
from repository.archive import Served, serve_archive
from repository.domain.authority import VERBS
from repository.services.administration import Role
from repository.services.dissemination import clear_outgoing
from tests.api.serving import bearer, key_for
from tests.api.test_looks import FORM
from tests.real_archives import LAND_DEEDS, Site, new_site, take, types

DEED = "J012-1-0002"


class Calendar:
    """A clock that the test moves on by days."""

    def __init__(self, served: Served) -> None:
        self._clock, self.days = served.base.clock, 0
        served.base = replace(served.base, clock=self.now)

    def now(self) -> Any:
        return self._clock() + timedelta(days=self.days)


Opened = tuple[TestClient, Served, Calendar, dict[str, str]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    site: Site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    desk = key_for(site, "查阅台", Role.DESK, scopes=tuple(VERBS))
    with serve_archive(site.folder, site.credential) as served:
        calendar = Calendar(served)
        with TestClient(application(served), headers=bearer(site.credential)) as client:
            yield client, served, calendar, desk


def ready(client: TestClient, location: str, key: dict[str, str] | None = None) -> dict[str, Any]:
    with client.stream("GET", f"{location}/events", headers=key) as followed:
        followed.read()
    report: dict[str, Any] = client.get(location, headers=key).json()
    assert report["state"] == "ready", report
    return report


def test_a_copy_is_fetched_in_parts_to_its_last_day_and_not_after(opened: Opened) -> None:
    client, served, calendar, _ = opened
    before = served.base.log.position()
    location = client.post("/v1/dips", json={"record": DEED, "purpose": "编史"}).headers["location"]
    report = ready(client, location)
    whole = client.get(f"{location}/content").content
    calendar.days = served.base.settings.outgoing_days - 1
    assert clear_outgoing(served.base) == 0
    rest = client.get(f"{location}/content", headers={"range": "bytes=100-", "if-range": f'"{report["sha256"]}"'})
    assert (rest.status_code, rest.content) == (206, whole[100:])
    calendar.days += 2
    late = client.get(f"{location}/content")
    assert (late.status_code, late.json()["code"]) == (410, "dip-expired")
    assert report["until"] in late.json()["detail"]
    assert "POST /v1/dips" in late.json()["hint"]
    assert clear_outgoing(served.base) == 1
    assert not any((served.base.folder / "outgoing").rglob("*.zip"))
    assert clear_outgoing(served.base) == 0
    assert client.get(f"{location}/content").json()["code"] == "dip-expired"
    assert client.get(location).json()["state"] == "closed"
    told = ("Requested", "FormChosen", "DipAssembled", "DipRendered", "DipDelivered", "Closed")
    assert types(served.base, after=before) == [f"AccessRequest.{name}" for name in told]
    assert client.post("/v1/dips", json={"record": DEED, "purpose": "编史"}).status_code == 202


def test_what_a_registered_request_was_granted_is_made_anew_and_delivered_anew(opened: Opened) -> None:
    client, served, calendar, desk = opened
    use = client.post("/v1/uses", json=FORM | {"records": [DEED]}, headers=desk).headers["location"]
    before = served.base.log.position()
    location = client.post(f"{use}/dip", json={"form": "zip"}, headers=desk).headers["location"]
    first = ready(client, location, desk)
    early = client.post(f"{use}/dip", json={"form": "zip"}, headers=desk)
    assert (early.status_code, early.json()["code"]) == (409, "request-order")
    assert client.get(f"{location}/content", headers=desk).status_code == 200
    calendar.days = served.base.settings.outgoing_days + 1
    assert client.get(f"{location}/content", headers=desk).json()["code"] == "dip-expired"
    assert clear_outgoing(served.base) == 1
    assert client.post(f"{use}/dip", json={"form": "zip"}, headers=desk).status_code == 202
    second = ready(client, location, desk)
    assert second["dip"] != first["dip"]
    assert len(client.get(f"{location}/content", headers=desk).content) == second["bytes"]
    made = ("FormChosen", "DipAssembled", "DipRendered", "DipDelivered")
    assert types(served.base, after=before) == [f"AccessRequest.{name}" for name in made * 2]
