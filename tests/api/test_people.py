"""Administration over HTTP: keys told once, changes that must have seen what they change, and the one-time link."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.application import application
from api.link import MINUTES, Link
from api.server import Serving, expect_private, is_loopback
from repository.archive import Served, serve_archive
from repository.errors import ArchiveError
from repository.services.administration import Role
from tests.api.serving import api, seen
from tests.real_archives import new_site, types


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[TestClient, Served, str]]:
    site = new_site(tmp_path)
    with site.open() as session:
        person, _ = site.person(session, "周文", Role.READER)
    with api(site) as (client, served):
        yield client, served, str(person)


def test_a_change_must_have_seen_what_it_changes(opened: tuple[TestClient, Served, str]) -> None:
    client, served, person = opened
    place = f"/v1/people/{person}"
    seen = client.get(place)
    assert seen.headers["etag"] == f'"{seen.json()["version"]}"'
    blind = client.patch(f"{place}/roles", json={"grant": ["auditor"]})
    assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
    done = client.patch(f"{place}/roles", json={"grant": ["auditor"]}, headers={"if-match": seen.headers["etag"]})
    assert (done.status_code, done.json()["person"]["roles"]) == (200, ["auditor", "reader"])
    before = served.base.log.position()
    late = client.patch(f"{place}/roles", json={"revoke": ["reader"]}, headers={"if-match": seen.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (412, "version-differs")
    assert served.base.log.position() == before
    again = client.patch(f"{place}/roles", json={"revoke": ["reader"]}, headers={"if-match": done.headers["etag"]})
    assert again.json()["person"]["roles"] == ["auditor"]


def test_a_key_is_told_once(opened: tuple[TestClient, Served, str]) -> None:
    client, served, person = opened
    key, wish = {"idempotency-key": "for-the-partner"}, {"scopes": ["search"]}
    before = served.base.log.position()
    first = client.post(f"/v1/people/{person}/keys", json=wish, headers=key)
    assert first.status_code == 201
    again = client.post(f"/v1/people/{person}/keys", json=wish, headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "told-once")
    assert types(served.base, after=before) == ["Agent.CredentialIssued", "Agent.ScopesGranted"]
    assert first.json()["key"] not in "".join(str(record.payload) for record in served.base.log.raw(after=before))
    held = {"authorization": f"Bearer {first.json()['key']}"}
    assert client.get("/v1/records", headers=held).status_code == 200
    assert client.get("/v1/people", headers=held).json()["code"] == "scope-missing"


def test_the_link_opens_once_and_not_for_long(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with serve_archive(site.folder, site.credential) as served:
        now = served.base.clock()
        link = Link(lambda: now)
        with TestClient(application(served, link=link)) as client:
            page = client.get(f"/link/{link.token}", headers={"accept-language": "en"})
            assert "<form" in page.text
            assert "http" not in page.text.replace("http-equiv", "")
            assert client.post("/link/another").json()["code"] == "link-invalid"
            opened = client.post(f"/link/{link.token}")
            held = {"authorization": f"Bearer {opened.json()['key']}"}
            assert client.get("/v1/people", headers=held).status_code == 200
            assert client.post(f"/link/{link.token}").json()["code"] == "link-invalid"
        ended = Link(lambda: now)
        now += timedelta(minutes=MINUTES)
        with pytest.raises(ArchiveError) as refused:
            ended.use(ended.token)
        assert refused.value.code == "link-invalid"
        with TestClient(application(served)) as client:
            assert client.post("/link/x").json()["code"] == "link-invalid"


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("archive.example", False),
    ],
)
def test_records_are_sent_in_the_clear_only_where_nobody_else_listens(host: str, alone: bool) -> None:
    assert is_loopback(host) == alone
    serving = Serving(archive=None, credential=None, host=host)
    if alone:
        expect_private(serving)
    else:
        with pytest.raises(ArchiveError) as refused:
            expect_private(serving)
        assert refused.value.code == "serve-exposed"
    expect_private(Serving(archive=None, credential=None, host=host, behind_proxy=True))


@pytest.mark.parametrize(("cert", "key"), [("c", None), (None, "k"), ("nowhere.pem", "nowhere.pem")])
def test_half_a_certificate_and_a_false_one_are_refused(tmp_path: Path, cert: str | None, key: str | None) -> None:
    serving = Serving(
        archive=None,
        credential=None,
        host="0.0.0.0",
        tls_cert=tmp_path / cert if cert else None,
        tls_key=tmp_path / key if key else None,
    )
    with pytest.raises(ArchiveError) as refused:
        expect_private(serving)
    assert refused.value.code == "tls-invalid"


def test_a_deputy_is_appointed_until_a_day_and_dismissed(opened: tuple[TestClient, Served, str]) -> None:
    client, served, person = opened
    deputy = next(one["id"] for one in client.get("/v1/people").json()["people"] if one["id"] != person)
    place = f"/v1/people/{person}/deputies"
    before = served.base.log.position()
    blind = client.post(place, json={"deputy": deputy, "until": "2999-12-31"})
    assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
    version = seen(client, f"/v1/people/{person}", {})
    over = client.post(place, json={"deputy": deputy, "until": "2000-01-01"}, headers=version)
    assert (over.status_code, over.json()["code"]) == (422, "day-over")
    own = client.post(place, json={"deputy": person, "until": "2999-12-31"}, headers=version)
    assert (own.status_code, own.json()["code"]) == (403, "second-person-needed")
    assert served.base.log.position() == before
    made = client.post(place, json={"deputy": deputy, "until": "2999-12-31"}, headers=version)
    assert made.status_code == 204
    late = client.post(f"{place}/{deputy}/dismissal", json={"reason": "销假"}, headers=version)
    assert (late.status_code, late.json()["code"]) == (412, "version-differs")
    version = {"if-match": made.headers["etag"]}
    assert client.post(f"{place}/{deputy}/dismissal", json={"reason": "销假"}, headers=version).status_code == 204
    assert types(served.base, after=before) == ["Agent.DeputyAppointed", "Agent.DeputyEnded"]
