"""Who sees what over HTTP: route x role x access status x ownership, generated from the routes that let something out.

The second record was open when it was asked for and was taken down since, so every way to it once existed. What is
expected is said here anew, from the roles alone; a route that lets out and is not judged here fails.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.endpoints import PUBLIC
from api.receiving import PARTS
from api.routes import ROOMS
from repository.archive import Served
from repository.domain.authority import VERBS
from repository.services.administration import Role
from repository.services.opening import take_down
from repository.services.task_room import OWN, TaskKind
from repository.services.task_room import VERBS as TASK_VERBS
from repository.services.tasks import Asked, Content, open_task
from tests.api.serving import api, key_for
from tests.api.test_looks import FORM, OPEN
from tests.real_archives import deliver, new_site, take

POLICIES = {place: policy.verb for room in ROOMS for place, policy in room.policies.items()}
LETTING_OUT = sorted(
    place
    for place, verb in POLICIES.items()
    if verb != PUBLIC
    and place[0] in ("GET", "HEAD")
    and ("{request_id}" in place[1] or place[1].startswith("/v1/records/{record}"))
)
EVERYTHING = tuple(sorted(VERBS))
RECORDS = {"open": "O-1", "controlled": "T-1"}
ROWS = "档号,题名,密级,文件\nO-1,公开档案,公开,a.txt\nT-1,曾公开档案,公开,b.txt\n".encode()
FILES = {"open": "a.txt", "controlled": "b.txt"}
MAKING = {"/v1/requests": "register-use", "/v1/dips": "disseminate"}
"""What somebody must be allowed in order to have a request of their own of the kind that the route shows."""

INSIDERS = {
    role.value for role in (Role.ADMINISTRATOR, Role.ARCHIVIST, Role.SECURITY_OFFICER, Role.REVIEWER, Role.DECIDER)
}
"""Whose own work it is to see into controlled records, where their role may hand out at all."""

OF_STAFF = {
    "/v1/records/{record}/access": (200, None),
    "/v1/records/{record}/quality": (200, None),
    "/v1/records/{record}/quality/sheet": (200, None),
}
"""What those who get in at all get of every record: how it stands and was judged; of records without pictures, no more.
"""

Held = dict[str, dict[str, str]]
Made = dict[tuple[str, str, str], str]


def roles_of(verb: str) -> set[str]:
    return {role.value for role in VERBS[verb]}


def kind_of(path: str) -> str | None:
    return next((kind for kind in MAKING if path.startswith(kind)), None)


def ask_for(client: TestClient, kind: str, status: str, key: dict[str, str]) -> str:
    """A request of this kind, ready where it is for a package; its id."""
    if kind == "/v1/requests":
        asked = client.post("/v1/uses", json=FORM | {"records": [RECORDS[status]]}, headers=key)
    else:
        asked = client.post("/v1/dips", json={"record": RECORDS[status], "purpose": "家史"}, headers=key)
    assert asked.is_success, asked.text
    location = asked.headers["location"]
    if kind == "/v1/dips":
        with client.stream("GET", f"{location}/events", headers=key) as followed:
            followed.read()
    return location.rsplit("/", 1)[-1]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Held, Made]]:
    place = tmp_path_factory.mktemp("matrix")
    site = new_site(place)
    with site.open() as session:
        take(session, deliver(place / "two", {"catalogue.csv": ROWS, "a.txt": OPEN, "b.txt": OPEN}))
    held = {role.value: key_for(site, role.value, role, scopes=EVERYTHING) for role in Role}
    held["nobody"] = key_for(site, "nobody", scopes=EVERYTHING)
    other = key_for(site, "别人", Role.DESK, scopes=EVERYTHING)
    with site.open() as session:
        _, keeper = site.person(session, "值守", Role.SECURITY_OFFICER)
    held["other"] = other
    with api(site) as (client, _):
        made: Made = {}
        for kind, verb in MAKING.items():
            for status in RECORDS:
                for role in sorted(roles_of(verb)):
                    made[kind, status, role] = ask_for(client, kind, status, held[role])
                made[kind, status, "other"] = ask_for(client, kind, status, other)
        with site.open(keeper) as session:
            take_down(session, RECORDS["controlled"], "涉及个人隐私")
        yield client, held, made


def expected(place: tuple[str, str], role: str, status: str, *, own: bool) -> tuple[int, str | None]:
    """The answer's status and the code of its error."""
    path = place[1]
    if role not in roles_of(POLICIES[place]):
        return 403, "not-allowed"
    if path in OF_STAFF:
        return OF_STAFF[path]
    staff, is_visible = role in roles_of("survey"), status == "open" or role in INSIDERS
    refused = (403, "access-controlled")
    match path:
        case "/v1/records/{record}" | "/v1/records/{record}/register":
            return (200, None) if is_visible or staff else (404, "record-unknown")
        case "/v1/records/{record}/files/{path:path}":
            return (200, None) if is_visible else refused if staff else (404, "record-unknown")
        case "/v1/requests/{request_id}":
            return (200, None) if own or staff else (404, "request-unknown")
        case "/v1/requests/{request_id}/files/{path:path}":
            if not (own or staff):
                return 404, "request-unknown"
            return (200, None) if is_visible else refused
        case (
            "/v1/dips/{request_id}"
            | "/v1/dips/{request_id}/events"
            | "/v1/dips/{request_id}/content"
            | "/v1/dips/{request_id}/proof"
        ):
            if not (own or role in roles_of("materialise")):
                return 404, "request-unknown"
            return (200, None) if is_visible or not path.endswith("/content") else refused
        case _:
            raise LookupError(f"nobody said who sees what at {path}")


@pytest.mark.parametrize("ownership", ["own", "other's"])
@pytest.mark.parametrize("status", RECORDS)
@pytest.mark.parametrize("role", [*(role.value for role in Role), "nobody"])
@pytest.mark.parametrize("place", LETTING_OUT, ids=" ".join)
def test_nobody_sees_more_than_their_role_the_status_and_the_request_allow(
    house: tuple[TestClient, Held, Made], place: tuple[str, str], role: str, status: str, ownership: str
) -> None:
    client, held, made = house
    method, path = place
    kind, own = kind_of(path), ownership == "own"
    if kind is None and own:
        return  # a record is nobody's own
    if kind is not None:
        whose = role if own else "other"
        if (kind, status, whose) not in made:
            return  # who may not ask has no request of their own; another's is tried
        path = path.replace("{request_id}", made[kind, status, whose])
    path = path.replace("{record}", RECORDS[status]).replace("{path:path}", FILES[status])
    purpose = {"purpose": "家史"} if "{record}/files" in place[1] else {}
    answer: Any = client.request(method, path, params=purpose, headers=held[role])
    code = None if answer.is_success or method == "HEAD" else answer.json()["code"]
    wanted, wanted_code = expected(place, role, status, own=own)
    assert (answer.status_code, code) == (wanted, None if method == "HEAD" else wanted_code), answer.text
    if wanted != 200:
        assert OPEN not in answer.content


def test_the_matrix_is_not_empty_and_knows_every_way_out() -> None:
    assert {path for _, path in LETTING_OUT} >= {
        "/v1/records/{record}/files/{path:path}",
        "/v1/dips/{request_id}/content",
    }
    for place in LETTING_OUT:
        for status in RECORDS:
            expected(place, Role.ADMINISTRATOR.value, status, own=False)


CHANGING = sorted(
    place
    for place in POLICIES
    if place[0] not in ("GET", "HEAD") and (place[1].startswith("/v1/dips") or place[1].endswith("/dip"))
)
"""Every way in which a copy is asked for or let go."""

ROLES = [*(role.value for role in Role), "nobody"]


def let(role: str, place: tuple[str, str]) -> bool:
    return role in roles_of(POLICIES[place])


@pytest.mark.parametrize("status", RECORDS)
@pytest.mark.parametrize("role", ROLES)
def test_a_copy_is_asked_for_by_whom_the_role_and_the_status_allow(
    house: tuple[TestClient, Held, Made], role: str, status: str
) -> None:
    client, held, _ = house
    place = ("POST", "/v1/dips")
    answer = client.post(place[1], json={"record": RECORDS[status], "purpose": "家史"}, headers=held[role])
    is_visible = status == "open" or role in INSIDERS
    code = None if answer.is_success else answer.json()["code"]
    if not let(role, place):
        assert (answer.status_code, code) == (403, "not-allowed")
    elif is_visible:
        assert answer.status_code == 202, answer.text
    elif role in roles_of("survey"):
        assert (answer.status_code, code) == (403, "access-controlled")
    else:
        assert (answer.status_code, code) == (404, "record-unknown")


@pytest.mark.parametrize("ownership", ["own", "other's"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", [one for one in CHANGING if "{request_id}" in one[1]], ids=" ".join)
def test_nobody_answers_or_lets_go_what_is_anothers(
    house: tuple[TestClient, Held, Made], place: tuple[str, str], role: str, ownership: str
) -> None:
    client, held, _ = house
    method, path = place
    kind = "/v1/requests" if path.startswith("/v1/requests") else "/v1/dips"
    if ownership == "own" and role not in roles_of(MAKING[kind]):
        return  # who may not ask has no request of their own; another's is tried
    whose = held[role] if ownership == "own" else held["other"]
    path = path.replace("{request_id}", ask_for(client, kind, "open", whose))
    answer = client.request(method, path, json={} if method == "POST" else None, headers=held[role])
    code = None if answer.is_success else answer.json()["code"]
    everybodys = roles_of("survey" if kind == "/v1/requests" else "materialise")
    if not let(role, place):
        assert (answer.status_code, code) == (403, "not-allowed")
    elif ownership == "own" or role in everybodys:
        assert answer.status_code == (202 if method == "POST" else 204), answer.text
    else:
        assert (answer.status_code, code) == (404, "request-unknown")
        assert client.get(path.removesuffix("/dip"), headers=held["other"]).status_code == 200


@pytest.mark.parametrize("kind", TaskKind)
def test_a_task_is_seen_by_whom_it_might_have_been_and_sent_and_let_go_by_its_own(
    house: tuple[TestClient, Held, Made], kind: TaskKind
) -> None:
    client, held, _ = house
    able = roles_of(TASK_VERBS[kind])
    owner = min(able)
    served: Served = client.app.state.served  # type: ignore[attr-defined] # the application's
    session = served.session_for(held[owner]["authorization"].removeprefix("Bearer "))
    content = Content(name="a.zip", bytes=1, sha256="0" * 64)
    place = f"/v1/tasks/{open_task(session, Asked(kind=kind, subject=session.new_id()), content).id}"
    for role in ROLES:
        is_seen = role in able and (role == owner or kind not in OWN)
        for method, path in (("GET", place), ("GET", f"{place}/events"), ("HEAD", place)):
            if path.endswith("/events") and is_seen:
                continue  # it would be followed until it ends
            answer = client.request(method, path, headers=held[role])
            assert answer.status_code == (200 if is_seen else 404), (role, method, path)
        listed = client.get("/v1/tasks", headers=held[role]).json()["tasks"]
        assert (place.rsplit("/", 1)[-1] in {one["id"] for one in listed}) == is_seen, role
        file = client.get(f"{place}/content", headers=held[role])
        assert (file.status_code, file.json()["code"]) == (404, "task-file-missing" if is_seen else "task-unknown")
        if role != owner:
            for method, path in (("DELETE", place), ("POST", f"{place}/complete"), ("PATCH", place)):
                more = {"upload-offset": "0", "content-type": PARTS} if method == "PATCH" else {}
                refused = client.request(method, path, headers=held[role] | more)
                assert (refused.status_code, refused.json()["code"]) == (404, "task-unknown"), (role, method)
    assert client.delete(place, headers=held[owner]).status_code == 204


ASKING = {
    "/v1/fixity": (TaskKind.FIXITY, "work"),
    "/v1/work": (TaskKind.WORK, "work"),
    "/v1/repack": (TaskKind.REPACK, "work"),
    "/v1/rebuild": (TaskKind.REBUILD, "work"),
    "/v1/fsck": (TaskKind.FSCK, "audit"),
    "/v1/materialisations": (TaskKind.MATERIALISE, "materialise"),
    "/v1/exports": (TaskKind.EXPORT, "materialise"),
    "/v1/rescans": (TaskKind.RESCAN, "ingest"),
    "/v1/validations": (TaskKind.VALIDATE, "search"),
    "/v1/catalogue/corrections": (TaskKind.CORRECT, "describe"),
    "/v1/deposits/{deposit_id}/preview": (TaskKind.PREVIEW, "ingest"),
    "/v1/accessions/{accession_id}/handover/signature": (TaskKind.SIGN, "accept"),
    "/v1/quality/reruns": (TaskKind.RERUN, "work"),
    "/v1/records/{record}/reclassification": (TaskKind.RECLASSIFY, "work"),
    "/v1/verifications": (TaskKind.VERIFY, "audit"),
    "/v1/evidence": (TaskKind.EVIDENCE, "audit"),
    "/v1/removals/{removal_id}/approval": (TaskKind.APPROVE_REMOVAL, "approve-removal"),
    "/v1/removals/{removal_id}/resumption": (TaskKind.RESUME_REMOVAL, "approve-removal"),
}
"""Where each kind of task is asked for, and what it needs, said here anew."""


def test_what_came_of_a_task_is_for_those_who_may_ask_for_it() -> None:
    assert {kind for kind, _ in ASKING.values()} == set(TaskKind)
    for path, (kind, verb) in ASKING.items():
        assert (POLICIES["POST", path], TASK_VERBS[kind]) == (verb, verb), path
    assert {TaskKind.VALIDATE, TaskKind.PREVIEW} == OWN


def test_every_way_of_changing_is_tried() -> None:
    assert {path for _, path in CHANGING} == {"/v1/dips", "/v1/dips/{request_id}", "/v1/requests/{request_id}/dip"}
    assert set(TASK_VERBS) == set(TaskKind)
