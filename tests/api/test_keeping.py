"""What an archivist does over HTTP: describes, decides on deliveries, counts."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from repository.services import accessions
from repository.services.administration import Role
from repository.settings import FILE
from tests.api.serving import api, key_for, seen
from tests.real_archives import LAND_DEEDS, new_site, take, types
from tests.story.test_decisions import CODES, batch

VERBS = ("accept", "return", "describe", "inspect", "search", "survey", "disseminate", "ingest")
ONE, OTHER = CODES[:2]
WHY = {"reason": "著录有误"}


@pytest.fixture
def site(tmp_path: Path) -> Any:
    return new_site(tmp_path)


def waiting(site: Any, place: Path) -> UUID:
    """A delivery of two volumes that waits for somebody's decision."""
    with (site.folder / FILE).open("a") as settings:
        settings.write('acceptance = "person"\n')
    with site.open() as session:
        return take(session, batch(place, CODES[:2])).accession


def settled(client: Any, where: str) -> dict[str, Any]:
    """The accession when its work is done."""
    while True:
        found: dict[str, Any] = client.get(where).json()
        if found["stage"] not in ("waiting", "accepted"):
            return found


def test_an_entry_is_described_revised_moved_divided_merged_and_closed(site: Any, tmp_path: Path) -> None:
    archivist = key_for(site, "编目", Role.ARCHIVIST, scopes=VERBS)
    with api(site) as (client, served):
        before = served.base.log.position()
        fonds = {"level": "fonds", "reference_code": "Q1", "words": {"题名": "县政府"}}
        made = client.post("/v1/records", json=fonds, headers=archivist)
        assert made.status_code == 201, made.text
        assert client.get(made.headers["location"], headers=archivist).json()["description"]["title"] == "县政府"
        for code in ("Q1-1", "Q1-2", "Q1-3"):
            item = {"level": "item", "reference_code": code, "parent": "Q1", "words": {"题名": f"文件{code}"}}
            assert client.post("/v1/records", json=item, headers=archivist).status_code == 201
        again = client.post("/v1/records", json=fonds, headers=archivist)
        assert (again.status_code, again.json()["code"]) == (409, "code-taken")

        place = "/v1/records/Q1-1"
        seen = archivist | {"if-match": client.get(place, headers=archivist).headers["etag"]}
        blind = client.patch(place, json={"words": {"题名": "盲改"}} | WHY, headers=archivist)
        assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
        revised = client.patch(place, json={"words": {"题名": "新题名"}} | WHY, headers=seen)
        assert (revised.status_code, revised.json()["changed"]) == (200, True), revised.text
        late = client.patch(place, json={"words": {"题名": "旧人"}} | WHY, headers=seen)
        assert (late.status_code, late.json()["code"]) == (412, "version-differs")
        seen = archivist | {"if-match": revised.headers["etag"]}
        moved = client.post(f"{place}/move", json={"reference_code": "Q1-9"} | WHY, headers=seen)
        assert (moved.status_code, moved.json()["reference_code"]) == (200, "Q1-9"), moved.text
        assert client.get(place, headers=archivist).json()["formerly"]

        def change(record: str, what: str, body: dict[str, Any]) -> Any:
            version = client.get(f"/v1/records/{record}", headers=archivist).headers["etag"]
            return client.post(f"/v1/records/{record}/{what}", json=body, headers=archivist | {"if-match": version})

        merged = change("Q1-2", "merge", {"into": "Q1-3"} | WHY)
        assert merged.status_code == 200, merged.text
        parts = [{"reference_code": f"Q1-3{one}", "title": one} for one in "甲乙"]
        divided = change("Q1-3", "division", {"parts": parts} | WHY)
        assert (divided.status_code, len(divided.json()["others"])) == (200, 2), divided.text
        closed = change("Q1", "closure", WHY)
        assert closed.status_code == 200, closed.text
        shut = {"level": "item", "reference_code": "Q1-4", "parent": "Q1", "words": {"题名": "迟来"}}
        assert client.post("/v1/records", json=shut, headers=archivist).json()["code"] == "parent-closed"
        told = [name for name in types(served.base, after=before) if name.startswith("Description.")]
        assert told == [
            f"Description.{name}"
            for name in (
                *["Described"] * 4,
                "Revised",
                "Moved",
                "Merged",
                "Divided",
                "Described",
                "Described",
                "Closed",
            )
        ]


def test_a_delivery_is_accepted_by_one_unit_and_given_back_by_another(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = waiting(site, tmp_path / "two")
    acceptor = key_for(site, "验收", Role.ARCHIVIST, scopes=VERBS)
    where = f"/v1/accessions/{stream}"
    with api(site) as (client, served):
        before = served.base.log.position()
        assert client.get(where).json()["stage"] == "waiting"
        blind = client.post(f"{where}/acceptance", json={}, headers=acceptor)
        assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
        version = seen(client, where, acceptor)
        unknown = client.post(f"{where}/acceptance", json={"volumes": ["B-7"]}, headers=version)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "unit-unknown")
        silent = client.post(f"{where}/return", json={"reason": " ", "volumes": [OTHER]}, headers=version)
        assert (silent.status_code, silent.json()["code"]) == (422, "reason-missing")
        assert served.base.log.position() == before
        first = client.post(f"{where}/acceptance", json={"volumes": [ONE]}, headers=version)
        assert first.status_code == 202, first.text
        assert {one["unit"]: one["standing"] for one in first.json()["units"]} == {
            ONE: "accepted",
            OTHER: "waiting",
            ".": "waiting",
        }
        passed = client.post(f"{where}/return", json={"reason": "页面倾斜", "volumes": [OTHER]}, headers=version)
        assert (passed.status_code, passed.json()["code"]) == (412, "version-differs")
        version = acceptor | {"if-match": first.headers["etag"]}
        second = client.post(f"{where}/return", json={"reason": "页面倾斜", "volumes": [OTHER]}, headers=version)
        assert second.status_code == 202, second.text
        done = settled(client, where)
        assert (done["reasons"], {one["unit"]: one["standing"] for one in done["units"]}) == (
            ["页面倾斜"],
            {ONE: "kept", OTHER: "returned", ".": "kept"},
        )
        seen_now = seen(client, where, acceptor)
        # The job may be clearing the quarantine at this moment: who comes too late is told without looking there.
        monkeypatch.setattr(accessions, "reception_of", lambda *_: pytest.fail("the quarantine was read"))
        late = client.post(f"{where}/return", json={"reason": "晚了", "volumes": [ONE]}, headers=seen_now)
        assert (late.status_code, late.json()["code"]) in ((409, "accession-order"), (404, "unit-unknown"))
        assert client.get(f"/v1/records/{ONE}", headers=acceptor).status_code == 200
        assert client.get(f"/v1/records/{OTHER}", headers=acceptor).status_code == 404


def test_a_report_is_of_any_day_and_says_what_it_counts(site: Any) -> None:
    reader = key_for(site, "统计", Role.ARCHIVIST, scopes=VERBS)
    with site.open() as session:
        take(session, LAND_DEEDS)
        position = session.log.position()
    with api(site) as (client, _):
        report = client.get("/v1/reports/holdings", headers=reader)
        assert report.status_code == 200, report.text
        value = {one["id"]: one["value"] for one in report.json()["items"]}
        explained = client.get("/v1/figures/holdings-items", headers=reader).json()
        assert value["holdings-items"] == explained["item"]["value"] == str(len(explained["things"])) == "4"
        early = client.get(f"/v1/reports/holdings?as_of={position - 1}&from=2020-01-01&to=2099-12-31", headers=reader)
        assert (early.status_code, early.json()["period"]["known"]) == (200, position - 1)
        for where, code in (
            ("reports/nothing", "report-unknown"),
            ("figures/nothing", "report-unknown"),
            ("reports/uses?from=2026-02-02&to=2026-01-01", "range-invalid"),
            ("reports/uses?from=yesterday", "time-invalid"),
            ("reports/uses?since=2026-01-01", "request-invalid"),
        ):
            assert client.get(f"/v1/{where}", headers=reader).json()["code"] == code, where
