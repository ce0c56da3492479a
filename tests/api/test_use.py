"""A use over HTTP: registered at the desk, decided by somebody else, handed out only as far as it was granted."""

from pathlib import Path

from repository.services.administration import Role
from tests.api.serving import api, key_for, seen
from tests.real_archives import deliver, new_site, take, types

VERBS = ("search", "disseminate", "register-use", "read-requests", "read-sealed", "decide-request", "survey")
FORM = {"name": "王小梅", "document": "identity-card", "number": "330000198001010024", "purpose": "family"}


def test_a_controlled_record_leaves_when_somebody_else_granted_it_and_not_before(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    rows = "档号,题名,密级,文件\nC-1,内部档案,内部,a.txt\n".encode()
    with site.open() as session:
        take(session, deliver(tmp_path / "inner", {"catalogue.csv": rows, "a.txt": b"controlled"}))
    desk = key_for(site, "查阅台", Role.DESK, scopes=VERBS)
    decider = key_for(site, "审批人", Role.DECIDER, scopes=VERBS)
    reader = key_for(site, "读者", Role.READER, scopes=VERBS)
    with api(site) as (client, served):
        stranger = client.post("/v1/dips", json={"record": "C-1", "purpose": "家史"}, headers=reader)
        missing = client.post("/v1/dips", json={"record": "C-9", "purpose": "家史"}, headers=reader)
        assert (stranger.status_code, stranger.json()["code"]) == (404, "record-unknown")
        assert (missing.status_code, missing.json()["code"]) == (404, "record-unknown")
        before = served.base.log.position()
        use = client.post("/v1/uses", json=FORM | {"records": ["C-1"]}, headers=desk)
        assert use.status_code == 201, use.text
        request = use.headers["location"]
        early = client.post(f"{request}/dip", json={}, headers=desk)
        assert (early.status_code, early.json()["code"]) == (403, "access-controlled")
        own = client.post(f"{request}/grant", json={}, headers=desk)
        assert own.status_code == 403
        blind = client.post(f"{request}/grant", json={}, headers=decider)
        assert (blind.status_code, blind.json()["code"]) == (428, "version-missing")
        granted = client.post(f"{request}/grant", json={}, headers=seen(client, request, decider))
        assert granted.status_code == 204, granted.text
        made = client.post(f"{request}/dip", json={"form": "zip"}, headers=desk)
        assert made.status_code == 202, made.text
        place = made.headers["location"]
        with client.stream("GET", f"{place}/events", headers=desk) as followed:
            followed.read()
        assert client.get(place, headers=desk).json()["state"] == "ready"
        assert client.get(place, headers=reader).status_code == 404
        assert b"controlled" in client.get(f"{place}/content", headers=desk).content
        assert client.post(f"{request}/rating", json={"score": 5}, headers=desk).status_code == 204
        left = [name for name in types(served.base, after=before) if name.startswith("AccessRequest")]
        assert left[:2] == ["AccessRequest.UseRegistered", "AccessRequest.Requested"]
        order = [
            left.index(f"AccessRequest.{name}") for name in ("Granted", "FormChosen", "DipRendered", "DipDelivered")
        ]
        assert order == sorted(order)
        assert "王小梅".encode() not in b"".join(one.payload or b"" for one in served.base.log.raw())
