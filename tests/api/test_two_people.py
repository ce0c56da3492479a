"""Two people and deputies over HTTP: nobody names another, and what is done in a name stands under both."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from api.endpoints import SECOND
from repository.archive import Served
from repository.domain.authority import VERBS
from repository.services.administration import Role, appoint_deputy
from tests.api.serving import api, key_for, seen
from tests.api.test_looks import FORM
from tests.real_archives import LAND_DEEDS, new_site, take, types

RECORD = "J012-1-0002"
WHY = {"reason": "登记有误"}
EVERYTHING = tuple(VERBS)
Opened = tuple[TestClient, Served, dict[str, dict[str, str]], dict[str, UUID]]


def second(key: dict[str, str]) -> dict[str, str]:
    """A person's key as the one who agrees."""
    return {SECOND: key["authorization"].removeprefix("Bearer ")}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    roles = {
        "管理": Role.ADMINISTRATOR,
        "档案": Role.ARCHIVIST,
        "审核": Role.REVIEWER,
        "决定": Role.DECIDER,
        "代理": Role.DECIDER,
        "台": Role.DESK,
    }
    keys = {name: key_for(site, name, role, scopes=EVERYTHING) for name, role in roles.items()}
    keys["窄"] = key_for(site, "窄", Role.DECIDER, scopes=("search",))
    with api(site) as (client, served):
        people = {one["name"]: UUID(one["id"]) for one in client.get("/v1/people").json()["people"]}
        yield client, served, keys, people


def test_an_event_is_annulled_by_two_administrators_each_with_their_own_key(opened: Opened) -> None:
    client, served, keys, people = opened
    request = client.post("/v1/uses", json=FORM | {"records": [RECORD]}, headers=keys["台"]).headers["location"]
    before = served.base.log.position()
    where = f"/v1/events/{before - 1}/annulment"  # the use that was registered
    for headers, status, code in (
        ({}, 401, "second-key-missing"),
        ({SECOND: "garbage"}, 401, "second-key-invalid"),
        ({SECOND: f"{uuid4()}.{'0' * 64}"}, 401, "second-key-invalid"),
        ({SECOND: str(people["管理"])}, 401, "second-key-invalid"),
        (second({"authorization": client.headers["authorization"]}), 403, "second-person-needed"),
        (second(keys["档案"]), 403, "not-allowed"),
    ):
        refused = client.post(where, json=WHY, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    silent = client.post(where, json={"reason": " "}, headers=second(keys["管理"]))
    assert (silent.status_code, silent.json()["code"]) == (422, "reason-missing")
    fixed = client.post(f"/v1/events/{before}/annulment", json=WHY, headers=second(keys["管理"]))
    assert (fixed.status_code, fixed.json()["code"]) == (409, "not-annullable")
    assert served.base.log.position() == before
    done = client.post(where, json=WHY, headers=second(keys["管理"]))
    assert done.status_code == 204, done.text
    last = list(served.base.log.events())[-1]
    assert last.envelope.type == "AccessRequest.Annulled"
    assert (last.envelope.actor, last.payload.approver) == (served.base.actor.agent, people["管理"])  # type: ignore[attr-defined] # an annulment
    assert str(last.envelope.stream) in request
    never = client.post(f"/v1/events/{before + 100}/annulment", json=WHY, headers=second(keys["管理"]))
    assert (never.status_code, never.json()["code"]) == (404, "position-unknown")


def test_a_status_is_put_right_by_two_and_a_key_agrees_to_no_more_than_it_opens(opened: Opened) -> None:
    client, served, keys, people = opened
    place, access = f"/v1/records/{RECORD}/status", f"/v1/records/{RECORD}/access"
    wish = WHY | {"status": "controlled", "ground": "personal"}
    version = seen(client, access, keys["审核"])
    before = served.base.log.position()
    for headers, status, code in (
        (keys["审核"] | second(keys["决定"]), 428, "version-missing"),
        (version, 401, "second-key-missing"),
        (version | second(keys["窄"]), 403, "scope-missing"),
        (version | second(keys["台"]), 403, "not-allowed"),
    ):
        refused = client.post(place, json=wish, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    own = client.post(place, json=wish, headers=seen(client, access, keys["决定"]) | second(keys["决定"]))
    assert (own.status_code, own.json()["code"]) == (403, "second-person-needed")
    assert served.base.log.position() == before
    done = client.post(place, json=wish, headers=version | second(keys["决定"]))
    assert done.status_code == 204, done.text
    (changed,) = served.base.log.events(after=before)
    assert changed.envelope.type == "ArchivalPackage.AccessStatusChanged"
    both = {people["审核"], people["决定"]}
    assert set(changed.payload.decided_by) == both  # type: ignore[attr-defined] # a status
    assert client.get(access, headers=keys["审核"]).json()["status"] == "controlled"
    late = client.post(place, json=wish, headers=version | second(keys["决定"]))
    assert (late.status_code, late.json()["code"]) == (412, "version-differs")


def test_a_deputy_decides_in_the_name_of_whom_they_stand_in_for(opened: Opened) -> None:
    client, served, keys, people = opened
    request = client.post("/v1/uses", json=FORM | {"records": [RECORD]}, headers=keys["台"]).headers["location"]
    named = {"on-behalf-of": str(people["决定"])}
    version = seen(client, request, keys["代理"])
    before = served.base.log.position()
    stranger = client.post(f"{request}/grant", json={}, headers=version | named)
    assert (stranger.status_code, stranger.json()["code"]) == (403, "not-deputy")
    nobody = client.post(f"{request}/grant", json={}, headers=version | {"on-behalf-of": "somebody"})
    assert (nobody.status_code, nobody.json()["code"]) == (422, "request-invalid")
    assert served.base.log.position() == before
    appoint_deputy(served.base, people["决定"], people["代理"], "2999-12-31")
    before = served.base.log.position()
    done = client.post(f"{request}/grant", json={}, headers=version | named)
    assert done.status_code == 204, done.text
    (granted,) = served.base.log.events(after=before)
    assert (granted.envelope.actor, granted.envelope.on_behalf_of) == (people["代理"], people["决定"])
    assert set(granted.payload.decided_by) == {people["代理"], people["决定"]}  # type: ignore[attr-defined] # a grant
    elsewhere = client.get("/v1/people", headers=named)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (422, "own-name-only")
    assert types(served.base, after=before) == ["AccessRequest.Granted"]


def test_an_answer_in_ones_own_name_is_not_the_answer_in_anothers(opened: Opened) -> None:
    """What was kept ready for one question is not given to the same question in another's name."""
    client, _, keys, people = opened
    own = client.get("/v1/requests?mine=true", headers=keys["代理"])
    other = client.get("/v1/requests?mine=true", headers=keys["代理"] | {"on-behalf-of": str(people["决定"])})
    assert (own.status_code, other.status_code, other.json()["code"]) == (200, 403, "not-deputy")


def test_people_come_lose_a_key_and_go(opened: Opened) -> None:
    client, served, keys, people = opened
    before = served.base.log.position()
    once = {"idempotency-key": "new-colleague"}
    new: dict[str, Any] = {"name": "新人", "roles": ["decider"]}
    added = client.post("/v1/people", json=new, headers=once)
    assert added.status_code == 201, added.text
    again = client.post("/v1/people", json=new, headers=once)
    assert (again.status_code, again.json()["code"]) == (409, "told-once")
    held = {"authorization": f"Bearer {added.json()['credential']}"}
    assert client.get("/v1/requests", headers=held).status_code == 200
    place = added.headers["location"]
    request = client.post("/v1/uses", json=FORM | {"records": [RECORD]}, headers=keys["台"]).headers["location"]
    given = client.post(
        f"{request}/assignment", json={"to": added.json()["person"]}, headers=seen(client, request, keys["台"])
    )
    assert given.status_code == 204, given.text
    blind = client.post(f"{place}/departure", json=WHY)
    assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
    alone = client.post(f"{place}/departure", json=WHY, headers=seen(client, place, {}))
    assert (alone.status_code, alone.json()["code"]) == (409, "successor-needed"), alone.text
    credential = added.json()["credential"].partition(".")[0]
    revoked = client.post(f"{place}/credentials/{credential}/revocation", json=WHY, headers=seen(client, place, {}))
    assert revoked.status_code == 204, revoked.text
    assert client.get("/v1/requests", headers=held).json()["code"] == "credential-unknown"
    left = client.post(
        f"{place}/departure",
        json=WHY | {"successor": str(people["决定"])},
        headers={"if-match": revoked.headers["etag"]},
    )
    assert left.status_code == 200, left.text
    assert left.json()["reassigned"] == [request.rsplit("/", 1)[-1]]
    agents = [name for name in types(served.base, after=before) if name.startswith(("Agent.", "AccessRequest."))]
    assert agents == [
        "Agent.Registered",
        "Agent.RoleGranted",
        "Agent.CredentialIssued",
        "AccessRequest.UseRegistered",
        "AccessRequest.Requested",
        "AccessRequest.Assigned",
        "Agent.CredentialRevoked",
        "Agent.RoleRevoked",
        "AccessRequest.Assigned",
    ]


def test_a_returning_reader_is_found_by_their_paper_and_no_address_holds_its_number(opened: Opened) -> None:
    client, _, keys, _ = opened
    assert client.post("/v1/uses", json=FORM, headers=keys["台"]).status_code == 201
    paper = {"document": FORM["document"], "number": FORM["number"]}
    found = client.post("/v1/readers/search", json=paper, headers=keys["台"])
    assert (found.status_code, found.json()["name"]) == (200, FORM["name"]), found.text
    nobody = client.post("/v1/readers/search", json=paper | {"number": "11010519491231002X"}, headers=keys["台"])
    assert (nobody.status_code, nobody.json()["code"]) == (404, "reader-unknown")
