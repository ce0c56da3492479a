"""`jingui serve` as it is started: what it prints, what it refuses, how it speaks TLS, how it stops, what it logs."""

import json
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest

from repository.services.administration import Role
from tests.api.serving import bearer, server
from tests.command_line import jingui
from tests.real_archives import LAND_DEEDS, Site, new_site, take


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def test_it_serves_the_archive_that_it_is_told_of_and_stops_when_asked(site: Site) -> None:
    with server(site, "--archive", str(site.folder), "--credential", str(site.credential)) as served:
        assert httpx2.get(f"{served.url}/readyz").json()["status"] == "ready"
        served.popen.terminate()
        assert served.popen.wait(60) == 0
    assert '"event":"stopped"' in (site.folder.parent / "server.log").read_text().replace('": "', '":"')


def test_the_link_is_for_administrators_only(site: Site) -> None:
    with site.open() as session:
        _, archivist = site.person(session, "周文", Role.ARCHIVIST)
        _, reader = site.person(session, "读者", Role.READER)
    with server(site, "--credential", str(archivist)) as served:
        assert served.link is None
    refused = jingui("serve", "--json", "--port", "0", "--credential", reader, site=site)
    assert (refused.status, refused.json()["code"]) == (12, "not-allowed")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_cannot_be_served_is_refused_in_words(site: Site, tmp_path: Path, language: str) -> None:
    wrong: dict[str, tuple[list[object], int]] = {
        "serve-exposed": (["--host", "0.0.0.0"], 4),
        "tls-invalid": (["--tls-cert", tmp_path / "none.pem", "--tls-key", tmp_path / "none.pem"], 2),
        "serve-busy": (["--host", "203.0.113.7", "--behind-proxy"], 11),
        "no-archive": (["--archive", tmp_path / "nothing"], 10),
    }
    for code, (arguments, status) in wrong.items():
        said = jingui("serve", "--port", "0", "--lang", language, *arguments, site=site)
        assert (said.status, code in said.err) == (status, True), said
        assert ("错误" in said.err) == (language == "zh")


def test_it_speaks_tls(site: Site, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed here")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {cert} -days 1 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make.split(), *names], check=True, capture_output=True)
    with site.open() as session:
        take(session, LAND_DEEDS)
    trusted = ssl.create_default_context(cafile=str(cert))
    with server(site, "--tls-cert", str(cert), "--tls-key", str(key)) as served:
        assert served.url.startswith("https://")
        with httpx2.Client(base_url=served.url, verify=trusted, headers=bearer(site.credential)) as client:
            location = client.post("/v1/dips", json={"record": "J012-1-0001", "purpose": "编史"}).headers["location"]
            client.get(f"{location}/events")
            assert len(client.get(f"{location}/content").content) == client.get(location).json()["bytes"]


def test_its_log_is_json_and_names_nobody(site: Site) -> None:
    with site.open() as session:
        take(session, LAND_DEEDS)
    key = bearer(site.credential)
    with server(site) as served:
        httpx2.get(f"{served.url}/v1/records", params={"q": "陈德厚绝卖水田"}, headers=key)
        httpx2.get(f"{served.url}/v1/records/J012-1-0001", headers=key)
        httpx2.get(f"{served.url}/v1/records", headers={b"authorization": "Bearer 陈德厚".encode()})
        httpx2.get(f"{served.url}/no/such/陈德厚")
        httpx2.post(served.link or "")
    text = (site.folder.parent / "server.log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    asked = [line for line in lines if line["event"] == "request"]
    assert [line["route"] for line in asked][:2] == ["/v1/records", "/v1/records/{record}"]
    assert all(line["ms"] >= 0 and line["status"] for line in asked)
    assert asked[0]["agent"]
    secret = site.credential.read_text().strip().partition(".")[2]
    for word in ("陈德厚", "林一", "J012", "127.0.0.1", secret, (served.link or "").rpartition("/")[2]):
        assert word not in text, word
