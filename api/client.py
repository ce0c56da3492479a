"""A client (客户端) for partners: deposits and downloads that go on where they broke off, and are true at the end.

It needs nothing of the archive but its address and a key, so this one module can be used alone. What can be tried again
is tried again: broken connections, and answers that say "not now" (429, 502, 503, 504). Every POST has an
`Idempotency-Key`, so that this does nothing twice. Every byte that was fetched is compared with the SHA-256 that the
archive's log holds.
"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
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


class Told(msgspec.Struct, frozen=True):
    """Something that happened to a piece of work: an event of the log (`id` is its position), or progress (no id)."""

    kind: str
    id: int | None
    data: dict[str, Any]


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
        seen, attempt = after, 0
        while True:
            headers = {"last-event-id": str(seen)} if seen else {}
            try:
                with self._open("GET", f"/v1/dips/{request}/events", headers=headers) as answer:
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
        target = folder / Path(dip.name).name
        part = target.with_name(f"{target.name}.part")
        part.touch()
        attempt = 0
        while (begun := part.stat().st_size) < dip.bytes:
            try:
                self._fetch(dip, part, begun)
            except httpx2.TransportError:
                attempt = self._wait(0 if part.stat().st_size > begun else attempt, None)
        if part.stat().st_size != dip.bytes or _sha256(part) != dip.sha256:
            part.unlink()
            raise UntrueError(f"{target.name}: not the {dip.bytes} bytes with SHA-256 {dip.sha256}")
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
        attempt = 0
        while deposit.state == "receiving" and (begun := self._offset(deposit.id)) < path.stat().st_size:
            try:
                self._send(deposit.id, path, begun)
            except httpx2.TransportError:
                attempt = self._wait(0 if self._offset(deposit.id) > begun else attempt, None)
            except RefusedError as problem:
                if problem.status not in NOT_NOW and problem.code not in PASSING:
                    raise
                attempt = self._wait(attempt, None)
        return self._json("POST", f"/v1/deposits/{deposit.id}/complete", Deposit, headers=_once(None))

    def deposited(self, identifier: str) -> Deposit:
        """How a deposit stands."""
        return self._json("GET", f"/v1/deposits/{identifier}", Deposit)

    def _fetch(self, dip: Dip, part: Path, begun: int) -> None:
        headers = {"range": f"bytes={begun}-", "if-range": f'"{dip.sha256}"'} if begun else {}
        with self._open("GET", f"/v1/dips/{dip.request}/content", headers=headers) as answer:
            mode = "ab" if answer.status_code == httpx2.codes.PARTIAL_CONTENT else "wb"
            with part.open(mode) as file:
                for chunk in answer.iter_raw(CHUNK):
                    file.write(chunk)

    def _offset(self, identifier: str) -> int:
        with self._open("HEAD", f"/v1/deposits/{identifier}") as answer:
            return int(answer.headers["upload-offset"])

    def _send(self, identifier: str, path: Path, begun: int) -> None:
        def rest() -> Iterator[bytes]:
            with path.open("rb") as file:
                file.seek(begun)
                while chunk := file.read(CHUNK):
                    yield chunk

        headers = {"upload-offset": str(begun), "content-type": PARTS}
        answer = self._http.patch(f"/v1/deposits/{identifier}", content=rest(), headers=self._always | headers)
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
