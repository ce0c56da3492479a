"""Who may do what over HTTP: every route has its policy, and every pair of route and role is tried."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.application import application
from api.endpoints import ANYBODY, PUBLIC, SECOND, Room
from api.routes import ROOMS
from repository.archive import Served, serve_archive
from repository.domain.authority import VERBS
from repository.domain.values import time_of
from repository.errors import ArchiveError
from repository.services.administration import Role, revoke_credential
from repository.services.keys import Doorkeeper, issue_key
from tests.api.serving import ALL, api, key_for
from tests.real_archives import LAND_DEEDS, Site, new_site, take

POLICIES = {place: policy.verb for room in ROOMS for place, policy in room.policies.items()}
EVERYTHING = tuple(sorted(VERBS))
SECONDS = {place: policy.second for room in ROOMS for place, policy in room.policies.items() if policy.second}
PROTECTED = sorted(place for place, verb in POLICIES.items() if verb != PUBLIC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Served, dict[str, dict[str, str]]]]:
    site = new_site(tmp_path_factory.mktemp("policies"))
    with site.open() as session:
        take(session, LAND_DEEDS)
    held = {role.value: key_for(site, role.value, role, scopes=EVERYTHING) for role in Role}
    held["nobody"] = key_for(site, "nobody", scopes=EVERYTHING)
    for verb in EVERYTHING:
        held[f"without {verb}"] = key_for(
            site, f"without-{verb}", min(VERBS[verb]), scopes=tuple(one for one in EVERYTHING if one != verb)
        )
    others = {verb: key_for(site, f"second {verb}", min(VERBS[verb]), scopes=EVERYTHING) for verb in SECONDS.values()}
    with api(site) as (client, served):
        for verb, key in others.items():
            client.headers[f"x-second-{verb}"] = key["authorization"].removeprefix("Bearer ")
        yield client, served, held


def knock(client: TestClient, place: tuple[str, str], headers: dict[str, str]) -> Any:
    """A request that is refused at the door, or else fails for want of the thing that it names."""
    method, path = place
    known = {"record": "J012-1-0001", "token": "x", "path:path": "nothing.jpg", "position": "1"}
    path = re.sub(r"\{(.+?)\}", lambda found: known.get(found[1], str(uuid4())), path)
    more = {"upload-offset": "0", "content-type": "application/offset+octet-stream"} if method == "PATCH" else {}
    if (verb := SECONDS.get(place)) is not None and f"x-second-{verb}" in client.headers:
        more[SECOND] = client.headers[f"x-second-{verb}"]
    return client.request(method, path, headers=headers | more, content=b"{}" if method == "POST" else None)


def until_done(client: TestClient, served_by: FastAPI) -> None:
    """Let work that a request began end, so that what it leaves in the log is not taken for the next one's."""
    while served_by.state.work.waiting:
        client.get("/healthz")


def expect_silence(served: Served, key: dict[str, str], before: int) -> None:
    """Whoever holds the key left nothing in the log; work that others asked for may go on meanwhile."""
    agent = served.session_for(key["authorization"].removeprefix("Bearer ")).actor.agent
    assert [event for event in served.base.log.events(after=before) if event.envelope.actor == agent] == []


def test_every_route_of_the_application_has_a_policy_and_every_verb_exists(tmp_path: Path) -> None:
    with serve_archive(*_site(tmp_path)) as served:
        app = application(served)
        ways = {(method, route.path) for route in app.routes for method in route.methods}  # type: ignore[attr-defined] # all are routes
    assert ways == set(POLICIES)
    assert set(POLICIES.values()) <= {*VERBS, PUBLIC, ANYBODY}


def _site(place: Path) -> tuple[Path, Path]:
    site: Site = new_site(place)
    return site.folder, site.credential


def test_what_is_open_to_all_is_known_by_name() -> None:
    assert {path for (_, path), verb in POLICIES.items() if verb == PUBLIC} == {
        "/healthz",
        "/readyz",
        "/docs",
        "/v1/openapi.json",
        "/link/{token}",
    }


def backdoor() -> str:
    return "in"


def test_a_route_without_a_policy_keeps_everything_from_being_served(tmp_path: Path) -> None:
    room = Room("careless")
    room.router.add_api_route("/v1/backdoor", backdoor, methods=["GET"])
    with serve_archive(*_site(tmp_path)) as served:
        with pytest.raises(ArchiveError) as refused:
            application(served, rooms=[*ROOMS, room])
        assert (refused.value.code, refused.value.values["thing"]) == ("route-without-policy", "GET /v1/backdoor")

        mounted = Room("mounted")
        mounted.router.mount("/v1/hidden", FastAPI())
        with pytest.raises(ArchiveError) as refused:
            application(served, rooms=[*ROOMS, mounted])
        assert refused.value.code == "route-without-policy"


@pytest.mark.parametrize("role", [*(role.value for role in Role), "nobody"])
@pytest.mark.parametrize("place", PROTECTED, ids=" ".join)
def test_a_role_gets_through_the_doors_of_its_verbs_and_no_other(
    keys: tuple[TestClient, Served, dict[str, dict[str, str]]], place: tuple[str, str], role: str
) -> None:
    client, served, held = keys
    before = served.base.log.position()
    answer = knock(client, place, held[role])
    allowed = POLICIES[place] == ANYBODY or role in {one.value for one in VERBS[POLICIES[place]]}
    if allowed:
        assert answer.status_code not in (401, 403), answer.text
        assert answer.status_code < 500
        until_done(client, cast("FastAPI", client.app))
    else:
        assert answer.status_code == 403
        if place[0] != "HEAD":
            assert answer.json()["code"] == "not-allowed"
        expect_silence(served, held[role], before)


@pytest.mark.parametrize("place", PROTECTED, ids=" ".join)
def test_a_key_opens_nothing_beyond_its_scopes_whatever_the_roles(
    keys: tuple[TestClient, Served, dict[str, dict[str, str]]], place: tuple[str, str]
) -> None:
    client, served, held = keys
    if POLICIES[place] == ANYBODY:
        return
    before = served.base.log.position()
    answer = knock(client, place, held[f"without {POLICIES[place]}"])
    assert answer.status_code == 403
    if place[0] != "HEAD":
        assert answer.json()["code"] == "scope-missing"
    expect_silence(served, held[f"without {POLICIES[place]}"], before)


FALSE_KEYS = {
    "none": ({}, "key-missing"),
    "basic": ({"authorization": "Basic eDp5"}, "key-invalid"),
    "garbage": ({"authorization": "Bearer garbage"}, "key-invalid"),
    "short": ({"authorization": f"Bearer {uuid4()}.00"}, "key-invalid"),
    "nobody's": ({"authorization": f"Bearer {uuid4()}.{'0' * 64}"}, "credential-unknown"),
}


@pytest.mark.parametrize("kind", FALSE_KEYS)
@pytest.mark.parametrize("place", PROTECTED, ids=" ".join)
def test_without_a_key_in_force_nothing_opens(
    keys: tuple[TestClient, Served, dict[str, dict[str, str]]], place: tuple[str, str], kind: str
) -> None:
    client, served, _ = keys
    headers, code = FALSE_KEYS[kind]
    client.headers.pop("authorization", None)
    before = served.base.log.position()
    answer = knock(client, place, dict(headers))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    if place[0] != "HEAD":
        assert answer.json()["code"] == code
    assert served.base.log.position() == before


def test_a_key_ends_with_its_time_and_with_its_credential(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        person, _ = site.person(session, "程序", Role.READER)
        soon = issue_key(session, person, ("search",), time_of(session.clock() + timedelta(hours=1)))
        lasting = issue_key(session, person, ("search",), None)
        now = session.clock()
        later = Doorkeeper(session.log, lambda: now + timedelta(hours=1), None)
        door = Doorkeeper(session.log, lambda: now, None)
        assert door.admit(soon.key).scopes == frozenset({"search"})
        with pytest.raises(ArchiveError) as ended:
            later.admit(soon.key)
        assert ended.value.code == "credential-unknown"
        assert door.admit(lasting.key).actor.agent == person
        revoke_credential(session, person, lasting.credential, "丢失")
        with pytest.raises(ArchiveError) as revoked:
            door.admit(lasting.key)
        assert revoked.value.code == "credential-unknown"
        with pytest.raises(ArchiveError) as unknown:
            issue_key(session, person, ("everything",), None)
        assert unknown.value.code == "scope-unknown"
        with pytest.raises(ArchiveError) as none:
            issue_key(session, person, (), None)
        assert none.value.code == "scope-unknown"


def test_a_request_is_its_readers_own(tmp_path: Path) -> None:
    """To another reader there is no such request; to those who manage the archive there is."""
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    one, other = (key_for(site, name, Role.READER, scopes=ALL) for name in ("甲", "乙"))
    archivist = key_for(site, "丙", Role.ARCHIVIST, scopes=ALL)
    with api(site) as (client, served):
        location = client.post("/v1/dips", json={"record": "J012-1-0001", "purpose": "家史"}, headers=one).headers[
            "location"
        ]
        with client.stream("GET", f"{location}/events", headers=one) as followed:
            followed.read()
        before = served.base.log.position()
        for method, path in (
            ("GET", ""),
            ("GET", "/events"),
            ("GET", "/content"),
            ("HEAD", "/content"),
            ("DELETE", ""),
        ):
            refused = client.request(method, location + path, headers=other)
            assert refused.status_code == 404, (method, path)
        assert served.base.log.position() == before
        assert client.get(location, headers=archivist).json()["state"] == "ready"
        assert client.get(f"{location}/content", headers=one).status_code == 200
