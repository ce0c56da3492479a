"""The signed head stamped by an authority that `openssl ts` is, and its answer verified by `openssl ts -verify`."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from repository.archive import open_archive
from repository.errors import ArchiveError
from repository.services.stamping import Stamped, stamp_checkpoint
from tests.command_line import jingui
from tests.faults.small_archive import Scene, make_scene
from tests.real_archives import Site

SETTINGS = """[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
[stamping]
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
default_policy = 1.2.3.4
digests = sha256, sha512
signer_digest = sha256
"""


def openssl(place: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *arguments], cwd=place, capture_output=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `openssl ts` is a time-stamping authority."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    place = tmp_path_factory.mktemp("authority")
    (place / "settings").write_text(SETTINGS, "utf-8")
    (place / "serial").write_text("01\n", "utf-8")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "settings")
    own = ("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-extensions", "authority")
    assert openssl(place, *own).returncode == 0
    assert openssl(place, "req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa").returncode == 0
    signed = ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    extended = ("-extfile", "settings", "-extensions", "stamping", "-out", "tsa.pem")
    assert openssl(place, *signed, *extended).returncode == 0
    return place


class Answering(BaseHTTPRequestHandler):
    """Answers every question; `/other` with the answer to another one, `/nonsense` with none."""

    place: Path

    def do_POST(self) -> None:
        question = self.rfile.read(int(self.headers["Content-Length"]))
        (self.place / "question").write_bytes(question)
        if self.path == "/other":
            openssl(self.place, "ts", "-query", "-data", "settings", "-sha512", "-out", "question")
        reply = ("ts", "-reply", "-config", "settings", "-section", "here", "-queryfile", "question")
        openssl(self.place, *reply, "-out", "answer")
        answer = b"nonsense" if self.path == "/nonsense" else (self.place / "answer").read_bytes()
        self.send_response(503 if self.path == "/closed" else 200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(authority: Path) -> Iterator[str]:
    handler = type("Here", (Answering,), {"place": authority})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("stamped"))


def stamped(scene: Scene, address: str) -> Stamped:
    with open_archive(scene.archive, scene.credential) as session:
        return stamp_checkpoint(session, address)


def verified(authority: Path, data: Path, answer: Path) -> bool:
    arguments = ("-data", str(data), "-in", str(answer), "-CAfile", "ca.pem", "-untrusted", "tsa.pem")
    return b"Verification: OK" in openssl(authority, "ts", "-verify", *arguments).stdout


def test_openssl_verifies_the_stamp_of_the_signed_head(authority: Path, address: str, scene: Scene) -> None:
    made = stamped(scene, address)
    answer = Path(made.path)
    data = answer.with_suffix("")
    assert data.read_bytes() == (scene.archive / "evidence" / "checkpoint").read_bytes()
    assert verified(authority, data, answer)
    (authority / "changed").write_bytes(data.read_bytes() + b"\n")
    assert not verified(authority, authority / "changed", answer)


@pytest.mark.parametrize("path", ["/other", "/nonsense", "/closed"])
def test_an_answer_that_is_no_stamp_of_ours_is_refused(address: str, scene: Scene, path: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        stamped(scene, address + path)
    assert refused.value.code == "stamp-refused"


def test_on_the_command_line(address: str, scene: Scene) -> None:
    site = Site(scene.archive, scene.credential)
    said = jingui("audit", "checkpoint", "--authority", address, "--lang", "en", site=site)
    assert (said.status, "Stamped at" in said.out) == (0, True), said
    assert jingui("audit", "checkpoint", "--authority", "no address", site=site).status == 30
