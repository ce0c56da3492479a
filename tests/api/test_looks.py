"""A file read over HTTP: whole and in ranges, and the log says so before the first byte leaves."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request, Response

from api.sending import send
from repository.domain.access_request import ContentViewed
from repository.services.administration import Role
from repository.services.dissemination import Parcel
from tests.api.serving import ALL, api, key_for, seen
from tests.real_archives import deliver, new_site, take, types

VERBS = (*ALL, "register-use", "read-requests", "read-sealed", "decide-request", "take-down")
INNER = b"controlled, all of it"
OPEN = b"0123456789"
ROWS = "档号,题名,密级,文件\nC-1,内部档案,内部,a.txt\nO-1,公开档案,公开,b.txt\n".encode()
FORM = {"name": "王小梅", "document": "identity-card", "number": "330000198001010024", "purpose": "family"}


@pytest.fixture
def site(tmp_path: Path) -> Any:
    made = new_site(tmp_path)
    with made.open() as session:
        take(session, deliver(tmp_path / "two", {"catalogue.csv": ROWS, "a.txt": INNER, "b.txt": OPEN}))
    return made


def test_an_open_file_is_read_whole_and_in_ranges_and_each_reading_is_a_look(site: Any) -> None:
    reader = key_for(site, "读者", Role.READER, scopes=VERBS)
    with api(site) as (client, served):
        before = served.base.log.position()
        where = "/v1/records/O-1/files/b.txt?purpose=家史"
        whole = client.get(where, headers=reader)
        assert (whole.status_code, whole.content) == (200, OPEN)
        assert whole.headers["etag"] == f'"{hashlib.sha256(OPEN).hexdigest()}"'
        assert whole.headers["content-type"].startswith("text/plain")
        look = ["AccessRequest.Requested", "AccessRequest.ContentViewed", "AccessRequest.Closed"]
        assert types(served.base, after=before) == look
        part = client.get(where, headers=reader | {"range": "bytes=2-4"})
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, OPEN[2:5], "bytes 2-4/10")
        same = client.get(where, headers=reader | {"if-none-match": whole.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        probe = client.head(where, headers=reader)
        assert (probe.status_code, probe.headers["content-length"], probe.content) == (200, "10", b"")
        beyond = client.get(where, headers=reader | {"range": "bytes=10-"})
        assert (beyond.status_code, beyond.json()["code"]) == (416, "bytes-invalid")
        assert types(served.base, after=before) == look * 5


def test_what_cannot_be_read_leaves_no_byte_and_says_why(site: Any) -> None:
    reader = key_for(site, "读者", Role.READER, scopes=VERBS)
    desk = key_for(site, "查阅台", Role.DESK, scopes=VERBS)
    with api(site) as (client, served):
        before = served.base.log.position()
        for where, status, code in (
            ("O-1/files/c.txt?purpose=x", 404, "file-unknown"),
            ("O-1/files/a.txt?purpose=x", 404, "file-unknown"),
            ("O-1/files/../a.txt?purpose=x", 404, "route-unknown"),
            ("O-1/files/%2e%2e%2fa.txt?purpose=x", 404, "file-unknown"),
            ("O-1/files/b.txt", 422, "purpose-missing"),
        ):
            refused = client.get(f"/v1/records/{where}", headers=reader)
            assert (refused.status_code, refused.json()["code"]) == (status, code), where
        assert types(served.base, after=before) == []
        hidden = client.get("/v1/records/C-1/files/a.txt?purpose=x", headers=reader)
        nothing = client.get("/v1/records/C-9/files/a.txt?purpose=x", headers=reader)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "record-unknown")
        assert (nothing.status_code, nothing.json()["code"]) == (404, "record-unknown")
        inner = client.get("/v1/records/C-1/files/a.txt?purpose=x", headers=desk)
        assert (inner.status_code, inner.json()["code"]) == (403, "access-controlled")
        assert types(served.base, after=before) == ["AccessRequest.Requested", "AccessRequest.Refused"] * 3


def test_a_controlled_file_viewed_under_a_grant_leaves_exactly_one_look_for_all_its_ranges(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = key_for(site, "查阅台", Role.DESK, scopes=VERBS)
    decider = key_for(site, "审批人", Role.DECIDER, scopes=VERBS)
    partner = key_for(site, "合作方", Role.PARTNER, scopes=VERBS)
    with api(site) as (client, served):
        committed: list[int] = []

        def watched(request: Request, parcel: Parcel) -> Response:
            viewed = [event for event in served.base.log.events() if isinstance(event.payload, ContentViewed)]
            committed.append(len(viewed))
            return send(request, parcel)

        monkeypatch.setattr("api.routes.looks.send", watched)
        before = served.base.log.position()
        request = client.post("/v1/uses", json=FORM | {"records": ["C-1"]}, headers=desk).headers["location"]
        early = client.get(f"{request}/files/a.txt", headers=desk)
        assert (early.status_code, early.json()["code"]) == (403, "access-controlled")
        version = seen(client, request, decider)
        assert client.post(f"{request}/grant", json={"copies": False}, headers=version).status_code == 204
        strange = client.get(f"{request}/files/a.txt", headers=partner)
        assert (strange.status_code, strange.json()["code"]) == (404, "request-unknown")
        got = b""
        for start in range(0, len(INNER), 5):
            wanted = {"range": f"bytes={start}-{start + 4}"}
            part = client.get(f"{request}/files/a.txt", headers=desk | wanted)
            assert part.status_code == 206
            got += part.content
        assert got == INNER
        assert committed == [1] * 5
        missing = client.get(f"{request}/files/b.txt", headers=desk)
        assert (missing.status_code, missing.json()["code"]) == (404, "file-unknown")
        told = [name for name in types(served.base, after=before) if name.startswith("AccessRequest")]
        assert told == [
            f"AccessRequest.{name}" for name in ("UseRegistered", "Requested", "Refused", "Granted", "ContentViewed")
        ]
        taken = client.post(f"{request}/dip", json={}, headers=desk)
        assert (taken.status_code, taken.json()["code"]) == (403, "access-controlled")


def test_a_damaged_file_is_not_shown(site: Any) -> None:
    reader = key_for(site, "读者", Role.READER, scopes=VERBS)
    (stored,) = (path for path in site.folder.rglob("*") if path.is_file() and path.read_bytes() == OPEN)
    stored.chmod(0o644)
    stored.write_bytes(OPEN[::-1])
    with api(site) as (client, served):
        refused = client.get("/v1/records/O-1/files/b.txt?purpose=x", headers=reader)
        assert (refused.status_code, refused.json()["code"]) == (500, "fixity-mismatch")
        assert "AccessRequest.ContentViewed" not in types(served.base)
