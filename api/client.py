"""A client (客户端) for partners: deposits and downloads that go on where they broke off, and are true at the end.

It needs nothing of the archive but its address and a key, so this one module can be used alone. What can be tried again
is tried again: broken connections, and answers that say "not now" (429, 502, 503, 504). Every POST has an
`Idempotency-Key`, so that this does nothing twice. Every byte that was fetched is compared with the SHA-256 that the
archive's log holds.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx2
import msgspec

TRIES = 8
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
CHUNK = 1 << 20
NOT_NOW = frozenset({429, 502, 503, 504})
PASSING = frozenset({"locked", "upload-offset"})
"""Refusals of a part while the archive still holds on to the one before it, whose connection broke."""

PARTS = "application/offset+octet-stream"

Kind = TypeVar("Kind")


class RefusedError(Exception):
    """The archive refused. `code` is the row of its error table, `hint` what to do next."""

    def __init__(self, status: int, code: str, detail: str, hint: str) -> None:
        super().__init__(f"{detail} ({code})")
        self.status, self.code, self.detail, self.hint = status, code, detail, hint


class UntrueError(Exception):
    """What was fetched is not what the archive's log says was sent."""


class Dip(msgspec.Struct, frozen=True, kw_only=True):
    """A dissemination as it stands. `sha256`, `bytes` and `name` are of the file, once it is ready."""

    request: str
    state: str
    form: str
    name: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    manifest_sha256: str | None = None
    problem: str | None = None


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit as it stands; `findings` say what is wrong with a delivery that was rejected."""

    id: str
    state: str
    offset: int
    accession: str | None = None
    packages: int = 0
    findings: tuple[dict[str, Any], ...] = ()
    problem: str | None = None


class Accession(msgspec.Struct, frozen=True, kw_only=True):
    """An accession as it stands, unit by unit; `version` is what a decision must have seen."""

    accession: str
    stage: str
    handover: str
    units: tuple[dict[str, Any], ...]
    reasons: tuple[str, ...]
    version: str = ""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Long work as it stands: `receiving`, `waiting`, `done` or `failed`; its report, and the file that it made."""

    id: str
    state: str
    offset: int = 0
    result: dict[str, Any] | None = None
    file: dict[str, Any] | None = None
    problem: str | None = None


class Told(msgspec.Struct, frozen=True):
    """Something that happened to a piece of work: an event of the log (`id` is its position), or progress (no id)."""

    kind: str
    id: int | None
    data: dict[str, Any]


class _File(msgspec.Struct, frozen=True):
    """A file to be fetched, as the archive's log or the task says of it."""

    name: str
    bytes: int
    sha256: str


class Client:
    """One archive, one key. `pause` and `jitter` are how to wait and by how much to vary it."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        http: httpx2.Client | None = None,
        language: str = "zh",
        tries: int = TRIES,
        pause: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._http = http or httpx2.Client(base_url=url, timeout=httpx2.Timeout(60, connect=10))
        self._always = {"authorization": f"Bearer {key}", "accept-language": language}
        self._tries, self._pause, self._jitter = tries, pause, jitter

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def search(self, words: str = "", **filters: str | int) -> Iterator[dict[str, Any]]:
        """Every record found, page after page of one unchanging list."""
        asked: dict[str, str | int] = {"q": words, **filters}
        while True:
            page = self._json("GET", "/v1/records", dict[str, Any], params=asked)
            yield from page["entries"]
            if page["after"] is None:
                return
            asked["after"] = page["after"]

    def show(self, record: str) -> dict[str, Any]:
        """A record: its description, package, files and history."""
        return self._json("GET", f"/v1/records/{_quoted(record)}", dict[str, Any])

    def request(self, record: str, purpose: str, *, form: str = "zip", key: str | None = None, **wish: object) -> Dip:
        """Ask for a record in a form. The same `key` again is the same request, also after this program died."""
        body = {"record": record, "purpose": purpose, "form": form, **wish}
        return self._json("POST", "/v1/dips", Dip, json=body, headers=_once(key))

    def dip(self, request: str) -> Dip:
        """How a dissemination stands."""
        return self._json("GET", f"/v1/dips/{request}", Dip)

    def follow(self, request: str, after: int = 0) -> Iterator[Told]:
        """What happens to a request until it is ready, each event once, whatever happens to the connection."""
        return self._follow(f"/v1/dips/{request}/events", after)

    def _follow(self, path: str, after: int) -> Iterator[Told]:
        seen, attempt = after, 0
        while True:
            headers = {"last-event-id": str(seen)} if seen else {}
            try:
                with self._open("GET", path, headers=headers) as answer:
                    for told in _told(answer.iter_lines()):
                        seen, attempt = told.id or seen, 0
                        yield told
                    return
            except httpx2.TransportError:
                attempt = self._wait(attempt, None)

    def wait(self, request: str) -> Dip:
        """Follow a request until there is nothing to wait for."""
        for _ in self.follow(request):
            pass
        return self.dip(request)

    def download(self, dip: Dip, folder: Path) -> Path:
        """Fetch the file of a dissemination; one that was begun goes on. `UntrueError` for a false byte.

        Until it is whole and true it is named `.part`.
        """
        if dip.name is None or dip.sha256 is None or dip.bytes is None:
            raise ValueError(f"request {dip.request} is {dip.state}")
        file = _File(name=dip.name, bytes=dip.bytes, sha256=dip.sha256)
        return self._download(f"/v1/dips/{dip.request}/content", file, folder)

    def _download(self, path: str, file: "_File", folder: Path) -> Path:
        target = folder / Path(file.name).name
        part = target.with_name(f"{target.name}.part")
        part.touch()
        attempt = 0
        while (begun := part.stat().st_size) < file.bytes:
            try:
                self._fetch(path, file.sha256, part, begun)
            except httpx2.TransportError:
                attempt = self._wait(0 if part.stat().st_size > begun else attempt, None)
        if part.stat().st_size != file.bytes or _sha256(part) != file.sha256:
            part.unlink()
            raise UntrueError(f"{target.name}: not the {file.bytes} bytes with SHA-256 {file.sha256}")
        part.rename(target)
        return target

    def close_request(self, request: str) -> None:
        """Say that the file arrived: the archive keeps its copy no longer."""
        with self._open("DELETE", f"/v1/dips/{request}"):
            pass

    def deposit(self, path: Path, *, key: str | None = None, **wish: object) -> Deposit:
        """Send a packed delivery and have it taken in; one that was begun under this `key` goes on."""
        declared = {"name": path.name, "bytes": path.stat().st_size, "sha256": _sha256(path), **wish}
        deposit = self._json("POST", "/v1/deposits", Deposit, json=declared, headers=_once(key))
        if deposit.state == "receiving":
            self._send_all(f"/v1/deposits/{deposit.id}", path)
        return self._json("POST", f"/v1/deposits/{deposit.id}/complete", Deposit, headers=_once(None))

    def deposited(self, identifier: str) -> Deposit:
        """How a deposit stands."""
        return self._json("GET", f"/v1/deposits/{identifier}", Deposit)

    def accession(self, identifier: str) -> Accession:
        """How an accession stands, and the version that a decision on it must have seen."""
        with self._open("GET", f"/v1/accessions/{identifier}") as answer:
            found = msgspec.json.decode(answer.read(), type=Accession)
            return msgspec.structs.replace(found, version=answer.headers["etag"])

    def accept(self, seen: Accession, volumes: Sequence[str] = (), *, key: str | None = None) -> Accession:
        """Accept a delivery as it was seen, or volumes of it; `RefusedError` (412) where it changed meanwhile."""
        return self._decide(seen, "acceptance", {"volumes": list(volumes)}, key)

    def give_back(
        self, seen: Accession, reason: str, volumes: Sequence[str] = (), *, key: str | None = None
    ) -> Accession:
        """Give a delivery back as it was seen, or volumes of it, with the reason."""
        return self._decide(seen, "return", {"reason": reason, "volumes": list(volumes)}, key)

    def _decide(self, seen: Accession, step: str, body: Mapping[str, Any], key: str | None) -> Accession:
        headers = {**_once(key), "if-match": seen.version}
        self._json("POST", f"/v1/accessions/{seen.accession}/{step}", Accession, json=body, headers=headers)
        return self.accession(seen.accession)

    def returned_catalogue(self, identifier: str, target: Path) -> Path:
        """Fetch the catalogue that was given back, the faults beside its rows."""
        with self._open("GET", f"/v1/accessions/{identifier}/returned") as answer, target.open("xb") as file:
            for chunk in answer.iter_raw(CHUNK):
                file.write(chunk)
        return target

    def task(self, path: str, *, content: Path | None = None, key: str | None = None, **wish: object) -> Task:
        """Ask for long work at its address, send the file that belongs to it, and wait for the end of it.

        `client.task("/v1/validations", content=Path("a.zip"))`, `client.task("/v1/fixity", record="J012-1-0001")`.
        """
        body = dict(wish)
        if content is not None:
            body["content"] = {"name": content.name, "bytes": content.stat().st_size, "sha256": _sha256(content)}
        task = self._json("POST", path, Task, json=body or None, headers=_once(key))
        if content is not None:
            self._send_all(f"/v1/tasks/{task.id}", content)
            self._json("POST", f"/v1/tasks/{task.id}/complete", Task, headers=_once(None))
        for _ in self._follow(f"/v1/tasks/{task.id}/events", 0):
            pass
        return self._json("GET", f"/v1/tasks/{task.id}", Task)

    def fetch_result(self, task: Task, folder: Path) -> Path:
        """Fetch the file that a task made; one that was begun goes on. `UntrueError` for a false byte."""
        if task.file is None:
            raise ValueError(f"task {task.id} is {task.state} and has no file")
        return self._download(f"/v1/tasks/{task.id}/content", msgspec.convert(task.file, _File), folder)

    def _fetch(self, path: str, sha256: str, part: Path, begun: int) -> None:
        headers = {"range": f"bytes={begun}-", "if-range": f'"{sha256}"'} if begun else {}
        with self._open("GET", path, headers=headers) as answer:
            mode = "ab" if answer.status_code == httpx2.codes.PARTIAL_CONTENT else "wb"
            with part.open(mode) as file:
                for chunk in answer.iter_raw(CHUNK):
                    file.write(chunk)

    def _send_all(self, place: str, path: Path) -> None:
        """Send a file to an upload's address from where it stands to its end, whatever happens to the connection."""
        attempt = 0
        while (begun := self._offset(place)) < path.stat().st_size:
            try:
                self._send(place, path, begun)
            except httpx2.TransportError:
                attempt = self._wait(0 if self._offset(place) > begun else attempt, None)
            except RefusedError as problem:
                if problem.status not in NOT_NOW and problem.code not in PASSING:
                    raise
                attempt = self._wait(attempt, None)

    def _offset(self, place: str) -> int:
        with self._open("HEAD", place) as answer:
            return int(answer.headers["upload-offset"])

    def _send(self, place: str, path: Path, begun: int) -> None:
        def rest() -> Iterator[bytes]:
            with path.open("rb") as file:
                file.seek(begun)
                while chunk := file.read(CHUNK):
                    yield chunk

        headers = {"upload-offset": str(begun), "content-type": PARTS}
        answer = self._http.patch(place, content=rest(), headers=self._always | headers)
        _expect(answer)

    def _json(
        self, method: str, path: str, kind: type[Kind], *, headers: Mapping[str, str] | None = None, **asked: Any
    ) -> Kind:
        with self._open(method, path, headers=headers or {}, **asked) as answer:
            return msgspec.json.decode(answer.read(), type=kind)

    @contextmanager
    def _open(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **asked: Any
    ) -> Iterator[httpx2.Response]:
        """An answer that is no refusal; tried again while there is hope. Its body is still to be read."""
        attempt = 0
        while True:
            sent = self._http.build_request(method, path, headers=self._always | dict(headers or {}), **asked)
            try:
                answer = self._http.send(sent, stream=True)
            except httpx2.TransportError:
                attempt = self._wait(attempt, None)
                continue
            try:
                if answer.status_code in NOT_NOW and attempt + 1 < self._tries:
                    attempt = self._wait(attempt, answer.headers.get("retry-after"))
                    continue
                if answer.is_error:
                    answer.read()
                _expect(answer)
                yield answer
            finally:
                answer.close()
            return

    def _wait(self, attempt: int, wished: str | None) -> int:
        """Wait before trying again, longer each time; or, inside an `except`, raise what happened the last time."""
        if attempt + 1 >= self._tries:
            raise  # noqa: PLE0704 - only called where an exception is being handled, or a try is left
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * (0.5 + self._jitter() / 2)
        self._pause(float(wished) if wished and wished.isdigit() else pause)
        return attempt + 1


def _expect(answer: httpx2.Response) -> None:
    if not answer.is_error:
        return
    try:
        said = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError:
        said = {}
    raise RefusedError(
        answer.status_code, said.get("code", "unknown"), said.get("detail", answer.reason_phrase), said.get("hint", "")
    )


def _once(key: str | None) -> dict[str, str]:
    return {"idempotency-key": key or str(uuid4())}


def _quoted(record: str) -> str:
    from urllib.parse import quote

    return quote(record, safe="")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _told(lines: Iterator[str]) -> Iterator[Told]:
    """Server-sent events (HTML 9.2.6), as far as the archive sends them: an event ends with an empty line."""
    kind, data, identifier = "message", "", None
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                kind = value
            case "data":
                data += value
            case "id":
                identifier = int(value)
            case "" if not line:
                if data:
                    yield Told(kind, identifier, msgspec.json.decode(data))
                kind, data, identifier = "message", "", None
