"""Answers that are ready: the same as they would be made, and gone as soon as anything happened."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from repository.archive import Served
from repository.catalogue import Catalogue
from repository.services.administration import Role, change_roles, revoke_credential
from tests.api.serving import api, key_for
from tests.real_archives import LAND_DEEDS, deliver, new_site, take

WHERE = "/v1/records?q=地契"


class Asked:
    """How often the catalogue was searched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.times = 0
        searching = Catalogue.search

        def counted(*arguments: object, **more: object) -> object:
            self.times += 1
            return searching(*arguments, **more)  # type: ignore[arg-type] # passed on as they came

        monkeypatch.setattr(Catalogue, "search", counted)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[TestClient, Served]]:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    with api(site) as both:
        yield both


def test_a_question_that_was_just_answered_is_not_asked_of_the_catalogue_again(
    opened: tuple[TestClient, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = opened
    asked = Asked(monkeypatch)
    first = client.get(WHERE)
    again = client.get(WHERE)
    assert (again.content, again.headers) == (first.content, first.headers)
    assert asked.times == 1


def test_what_happened_meanwhile_is_seen_at_once(opened: tuple[TestClient, Served], tmp_path: Path) -> None:
    client, served = opened
    assert client.get(WHERE).json()["total"] == 2
    take(
        served.base,
        deliver(tmp_path / "more", {"catalogue.csv": "档号,题名,文件\nX-1,新地契,a.txt\n".encode(), "a.txt": b"a"}),
    )
    assert client.get(WHERE).json()["total"] == 3


def test_an_answer_is_given_to_the_key_that_asked_and_as_long_as_it_may_ask(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    reader = key_for(site, "读者", Role.READER, scopes=("search",))
    blind = key_for(site, "程序", Role.READER, scopes=("disseminate",))
    with api(site) as (client, served):
        assert client.get(WHERE, headers=reader).status_code == 200
        assert client.get(WHERE, headers=blind).status_code == 403
        assert client.get(WHERE, headers={"authorization": "Bearer x"}).status_code == 401
        agent = next(one for one in client.get("/v1/people").json()["people"] if one["name"] == "读者")
        change_roles(served.base, UUID(agent["id"]), grant=[], revoke=[Role.READER], reason="离馆")
        assert client.get(WHERE, headers=reader).json()["code"] == "not-allowed"
        change_roles(served.base, UUID(agent["id"]), grant=[Role.READER], revoke=[], reason="")
        assert client.get(WHERE, headers=reader).status_code == 200
        for credential in agent["credentials"]:
            revoke_credential(served.base, UUID(agent["id"]), UUID(credential), "丢失")
        assert client.get(WHERE, headers=reader).status_code == 401


def test_refusals_and_other_methods_are_never_ready(
    opened: tuple[TestClient, Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = opened
    asked = Asked(monkeypatch)
    for _ in range(2):
        assert client.get("/v1/records?after=nonsense").status_code == 400
        assert client.put("/v1/records").status_code == 405
        assert client.post("/v1/records").status_code == 422  # describes a record, and none was sent
    assert asked.times == 2
