"""Opening, takedown, hold, assignment and certificate over HTTP: two persons where two are needed."""

from pathlib import Path

from repository.domain.authority import VERBS
from repository.services.administration import Role
from tests.api.serving import api, key_for, seen
from tests.api.test_looks import FORM
from tests.real_archives import LAND_DEEDS, new_site, take, types

RECORD = "J012-1-0002"
WHY = {"reason": "涉及个人隐私"}


def test_a_record_is_taken_down_by_one_and_restored_by_another_and_a_review_needs_four(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    roles = {"甲": Role.REVIEWER, "乙": Role.REVIEWER, "决定": Role.DECIDER, "台": Role.DESK}
    keys = {name: key_for(site, name, role, scopes=tuple(VERBS)) for name, role in roles.items()}
    place = f"/v1/records/{RECORD}"
    with api(site) as (client, served):
        before = served.base.log.position()
        assert client.post(f"{place}/takedown", json=WHY, headers=keys["甲"]).status_code == 204
        waits = client.get("/v1/openings", headers=keys["甲"]).json()["taken_down"]
        assert len(waits) == 1
        restore = {"confirm": False} | WHY
        blind = client.post(f"{place}/takedown/settlement", json=restore, headers=keys["决定"])
        assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")

        def by(name: str, what: str) -> dict[str, str]:
            return seen(client, what, keys[name])

        access = f"{place}/access"
        assert client.get(access, headers=keys["甲"]).json()["taken_down"] is True
        own = client.post(f"{place}/takedown/settlement", json=restore, headers=by("甲", access))
        assert (own.status_code, own.json()["code"]) == (403, "second-person-needed")
        done = client.post(f"{place}/takedown/settlement", json=restore, headers=by("决定", access))
        assert done.status_code == 204
        twice = client.post(
            f"{place}/takedown/settlement", json=restore, headers=keys["决定"] | {"if-match": done.headers["etag"]}
        )
        assert (twice.status_code, twice.json()["code"]) == (409, "no-takedown")

        made = client.post("/v1/openings", json={"records": [RECORD]}, headers=keys["甲"])
        assert made.status_code == 201, made.text
        review = made.headers["location"]
        early = client.post(f"{review}/decision", json={}, headers=by("决定", review))
        assert (early.status_code, early.json()["code"]) == (409, "review-order")
        nameless = client.post(f"{review}/opinion", json={"control": [RECORD]}, headers=by("甲", review))
        assert (nameless.status_code, nameless.json()["code"]) == (422, "reason-missing")
        for name in "甲乙":
            assert client.post(f"{review}/opinion", json={}, headers=by(name, review)).status_code == 204
        assert client.post(f"{review}/unit", json={"answer": "silent"}, headers=by("甲", review)).status_code == 204
        decided = client.post(f"{review}/decision", json={}, headers=by("决定", review))
        assert (decided.status_code, len(decided.json()["opened"])) == (200, 1), decided.text
        ended = client.post(f"{review}/withdrawal", json=WHY, headers=by("甲", review))
        assert (ended.status_code, ended.json()["code"]) == (409, "review-order")
        told = [name for name in types(served.base, after=before) if name.startswith("OpeningReview.")]
        assert told == [
            f"OpeningReview.{name}" for name in ("Proposed", "OpinionGiven", "OpinionGiven", "UnitAnswered", "Decided")
        ]


def test_a_request_is_assigned_its_grant_taken_back_and_the_request_closed(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
        person, _ = site.person(session, "审批", Role.DECIDER)
    desk, decider = (
        key_for(site, name, role, scopes=tuple(VERBS)) for name, role in (("台", Role.DESK), ("丙", Role.DECIDER))
    )
    with api(site) as (client, served):
        request = client.post("/v1/uses", json=FORM | {"records": [RECORD]}, headers=desk).headers["location"]
        before = served.base.log.position()
        steps: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
            ("assignment", {"to": str(person)}, desk),
            ("grant", {}, decider),
            ("revocation", WHY, decider),
            ("closure", {"reason": "withdrawn"}, desk),
        )
        for step, body, key in steps:
            answer = client.post(f"{request}/{step}", json=body, headers=seen(client, request, key))
            assert answer.status_code == 204, (step, answer.text)
        late = client.post(f"{request}/assignment", json={"to": str(person)}, headers=seen(client, request, desk))
        assert (late.status_code, late.json()["code"]) == (409, "request-order")
        told = [name for name in types(served.base, after=before) if name.startswith("AccessRequest.")]
        assert told == [f"AccessRequest.{name}" for name in ("Assigned", "Granted", "GrantRevoked", "Closed")]
