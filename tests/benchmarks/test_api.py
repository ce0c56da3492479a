"""What serving costs, as ratios of server CPU side by side: a big file beside nginx, small JSON beside bare ASGI."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx2
import pytest

from repository.services.administration import Role
from repository.services.keys import issue_key
from tests.api.serving import server
from tests.command_line import ROOT, environment
from tests.real_archives import LAND_DEEDS, deliver, new_site, take

pytestmark = pytest.mark.bench

SIZE = 256_000_000
ROUNDS, TIMES = 5, 4
REQUESTS = 6_000
DOWNLOAD, JSON = 0.6, 0.3
TICKS = os.sysconf("SC_CLK_TCK")

NGINX = """daemon off; master_process off; pid {place}/nginx.pid; error_log {place}/error.log;
events {{}}
http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {place}; proxy_temp_path {place};
fastcgi_temp_path {place}; uwsgi_temp_path {place}; scgi_temp_path {place};
server {{ listen 127.0.0.1:{port}; location / {{ root {place}; }} }} }}
"""

BARE = """
import socket, sys, uvicorn
BODY = open(sys.argv[1], "rb").read()
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]})
    await send({"type": "http.response.body", "body": BODY})
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, http="httptools", loop="uvloop", log_config=None, access_log=False, lifespan="off")
uvicorn.Server(config).run(sockets=[listener])
"""


def spent(process: int) -> float:
    """Seconds of CPU that a process has taken so far, its threads included."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def fetch(port: int, path: str, headers: str = "") -> int:
    """Read an answer to its end, as cheaply as can be. The number of bytes that came."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n".encode())
        buffer, got = bytearray(1 << 20), 0
        while count := connection.recv_into(buffer):
            got += count
        return got


@contextmanager
def nginx(place: Path) -> Iterator[tuple[int, int]]:
    """nginx over a folder: its port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (place / "nginx.conf").write_text(NGINX.format(place=place, port=port))
    program = shutil.which("nginx") or ""
    process = subprocess.Popen(
        [program, "-e", str(place / "error.log"), "-c", str(place / "nginx.conf"), "-p", str(place)]
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                if process.poll() is not None:
                    raise
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def cost(process: int, work: Callable[[], object]) -> float:
    before = spent(process)
    work()
    return spent(process) - before


def test_a_big_download_costs_little_more_than_nginx_takes(tmp_path: Path) -> None:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed here")
    site = new_site(tmp_path)
    folder = deliver(
        tmp_path / "big", {"catalogue.csv": "档号,题名,文件\nB-1,大文件,big.bin\n".encode(), "big.bin": bytes(SIZE)}
    )
    with site.open() as session:
        take(session, folder)
        person, _ = site.person(session, "读者", Role.READER)
        key = issue_key(session, person, ("disseminate", "search"), None).key
    held = {"authorization": f"Bearer {key}"}
    static = tmp_path / "static"
    static.mkdir()
    with server(site) as served, nginx(static) as (port, process):
        with httpx2.Client(base_url=served.url, headers=held, timeout=300) as client:
            location = client.post("/v1/dips", json={"record": "B-1", "purpose": "测"}).headers["location"]
            client.get(f"{location}/events")
            name = client.get(location).json()["name"]
        (kept,) = (site.folder / "outgoing").rglob(name)
        shutil.copyfile(kept, static / "file.bin")
        held_by = f"authorization: Bearer {key}\r\n"
        ours_at = int(served.url.rpartition(":")[2])
        ratios = []
        for _ in range(ROUNDS):
            theirs = cost(process, lambda: [fetch(port, "/file.bin") for _ in range(TIMES)])
            ours = cost(served.process, lambda: [fetch(ours_at, f"{location}/content", held_by) for _ in range(TIMES)])
            ratios.append(theirs / ours)
            print(f"nginx {theirs:.2f} s, jingui {ours:.2f} s of CPU")
    print(f"download: {median(ratios):.2f} of nginx (at least {DOWNLOAD})")
    assert median(ratios) >= DOWNLOAD


def test_small_json_costs_little_more_than_bare_asgi(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
        person, _ = site.person(session, "读者", Role.READER)
        key = issue_key(session, person, ("disseminate", "search"), None).key
    held = {"authorization": f"Bearer {key}"}
    with server(site) as served:
        path = "/v1/records?reference_code=J012-1-0001"
        body = httpx2.get(served.url + path, headers=held).content
        (tmp_path / "body.json").write_bytes(body)
        bare = subprocess.Popen(
            [sys.executable, "-c", BARE, str(tmp_path / "body.json")],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        try:
            port = int(bare.stdout.readline() if bare.stdout else "")
            hammer(f"http://127.0.0.1:{port}", path, held, body)
            hammer(served.url, path, held, body)
            ratios = []
            for _ in range(ROUNDS):
                theirs = cost(bare.pid, lambda: hammer(f"http://127.0.0.1:{port}", path, held, body))
                ours = cost(served.process, lambda: hammer(served.url, path, held, body))
                ratios.append(theirs / ours)
                print(f"bare {theirs / REQUESTS * 1e6:.0f} µs, jingui {ours / REQUESTS * 1e6:.0f} µs of CPU a request")
        finally:
            bare.terminate()
            bare.communicate(timeout=30)
    print(
        f"small JSON ({len(json.loads(body)['entries'])} record): {median(ratios):.2f} of bare ASGI (at least {JSON})"
    )
    assert median(ratios) >= JSON


def hammer(url: str, path: str, headers: dict[str, str], body: bytes) -> None:
    """The same question over one connection, again and again."""
    host, _, port = url.removeprefix("http://").partition(":")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    question = f"GET {path} HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode()
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(REQUESTS):
            connection.sendall(question)
            got = b""
            while not got.endswith(body[-20:]):
                got += connection.recv(65_536)
