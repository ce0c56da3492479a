"""The API for the tests: in this process over an archive, or as the server process that people start."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec
from fastapi.testclient import TestClient

from api.application import application
from repository.archive import Served, serve_archive
from repository.services.administration import Role
from repository.services.keys import issue_key
from tests.command_line import PROGRAM, ROOT, environment
from tests.real_archives import Site

ALL = ("administer", "audit", "disseminate", "ingest", "materialise", "search", "work")


def bearer(path: Path) -> dict[str, str]:
    """The header with the credential that lies in a file."""
    return {"authorization": f"Bearer {path.read_text('ascii').strip()}"}


@contextmanager
def api(site: Site) -> Iterator[tuple[TestClient, Served]]:
    """A client that holds the administrator's credential, and the archive that it speaks to."""
    with serve_archive(site.folder, site.credential) as served:
        app = application(served)
        with TestClient(app, headers=bearer(site.credential), raise_server_exceptions=False) as client:
            yield client, served


def key_for(site: Site, name: str, *roles: Role, scopes: tuple[str, ...] = ALL) -> dict[str, str]:
    """The header with a new key of a new person in these roles."""
    with site.open() as session:
        person, _ = site.person(session, name, *roles)
        return {"authorization": f"Bearer {issue_key(session, person, scopes, None).key}"}


def seen(client: TestClient, place: str, key: dict[str, str]) -> dict[str, str]:
    """The key, and the version of what is at this address as its holder sees it now."""
    answer = client.get(place, headers=key)
    assert answer.is_success, answer.text
    return {**key, "if-match": answer.headers["etag"]}


class Server(msgspec.Struct, frozen=True):
    """A server process that can be reached."""

    url: str
    process: int
    link: str | None
    popen: subprocess.Popen[str]

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self.process, signal.SIGKILL)
        self.popen.wait(30)


@contextmanager
def server(site: Site, *arguments: str) -> Iterator[Server]:
    """`jingui serve` as a process of its own, on a port that the system chose; stopped at the end if it still runs."""
    command = [*PROGRAM, "serve", "--json", "--port", "0", *arguments]
    with (site.folder.parent / "server.log").open("ab") as log:
        popen = subprocess.Popen(
            command, cwd=ROOT, env=environment(site), stdout=subprocess.PIPE, stderr=log, encoding="utf-8"
        )
    try:
        line = popen.stdout.readline() if popen.stdout else ""
        said = json.loads(line)
        yield Server(said["url"], said["process"], said.get("link"), popen)
    finally:
        popen.terminate()
        popen.communicate(timeout=60)


def request_of(location: str) -> UUID:
    """The id at the end of an address."""
    return UUID(location.rsplit("/", 1)[-1])
