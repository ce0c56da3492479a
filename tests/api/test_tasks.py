"""Tasks over HTTP: asked for, followed to their end, read and fetched; with bytes in parts; by whoever may."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import bagit
import openpyxl
import pytest
from fastapi.testclient import TestClient

from api.receiving import PARTS
from repository.archive import Served
from repository.domain.authority import VERBS
from repository.errors import ArchiveError
from repository.services import task_kinds
from repository.services.administration import Role
from repository.services.audit import fsck
from repository.services.task_room import TaskKind, clear_tasks
from repository.services.tasks import do_task, unfinished_tasks
from tests.api.serving import api, key_for
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

RECORD = "J012-1-0001"
EVERYTHING = tuple(VERBS)
Opened = tuple[TestClient, Served, dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    site: Site = new_site(tmp_path_factory.mktemp("tasks"))
    with site.open() as session:
        take(session, LAND_DEEDS)
    roles = {"档案": Role.ARCHIVIST, "读者": Role.READER, "保管": Role.KEEPER, "审计": Role.AUDITOR}
    keys = {name: key_for(site, name, role, scopes=EVERYTHING) for name, role in roles.items()}
    keys["窄"] = key_for(site, "窄", Role.ARCHIVIST, scopes=("search",))
    with api(site) as (client, served):
        yield client, served, keys


def ended(client: TestClient, location: str, key: dict[str, str]) -> dict[str, Any]:
    """The task when it is over, as those see it who follow it."""
    with client.stream("GET", f"{location}/events", headers=key) as followed:
        text = followed.read().decode()
    task: dict[str, Any] = client.get(location, headers=key).json()
    assert f"event: {task['state']}\n" in text, text
    return task


def done(client: TestClient, path: str, key: dict[str, str], **body: Any) -> dict[str, Any]:
    asked = client.post(path, json=body or None, headers=key)
    assert asked.status_code == 202, asked.text
    task = ended(client, asked.headers["location"], key)
    assert task["state"] == "done", task
    return task


def declared(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def sent(client: TestClient, path: str, key: dict[str, str], name: str, content: bytes, **wish: Any) -> dict[str, Any]:
    """A task that comes with bytes, in two parts."""
    asked = client.post(path, json={"content": declared(name, content), **wish}, headers=key)
    assert asked.status_code == 201, asked.text
    location, half = asked.headers["location"], len(content) // 2
    for start, part in ((0, content[:half]), (half, content[half:])):
        headers = key | {"upload-offset": str(start), "content-type": PARTS}
        assert client.patch(location, content=part, headers=headers).status_code == 204
        assert client.head(location, headers=key).headers["upload-offset"] == str(start + len(part))
    complete = client.post(f"{location}/complete", headers=key)
    assert complete.status_code == 202, complete.text
    return ended(client, location, key)


def test_the_archive_is_read_again_and_put_right_from_afar(opened: Opened) -> None:
    client, served, keys = opened
    before = served.base.log.position()
    one = done(client, "/v1/fixity", keys["保管"], record=RECORD)
    assert (one["result"]["schema"], one["result"]["outcome"], one["result"]["packages"]) == (
        "jingui.fixity/1",
        "passed",
        1,
    )
    assert types(served.base, after=before) == ["Run.Started", "Run.Verified", "Run.Progressed", "Run.Finished"]
    assert done(client, "/v1/fixity", keys["保管"], budget=1)["result"]["packages"] == 1
    assert done(client, "/v1/work", keys["保管"])["result"]["schema"] == "jingui.work/1"
    assert done(client, "/v1/repack", keys["保管"], budget=5)["result"]["stored"] == 0
    assert done(client, "/v1/rebuild", keys["保管"])["result"]["position"] == served.base.log.position()
    assert client.get(f"/v1/records/{RECORD}", headers=keys["档案"]).status_code == 200
    sound = done(client, "/v1/fsck", keys["审计"])["result"]
    assert (sound["schema"], sound["sound"], sound["packages"]) == ("jingui.fsck/1", True, 4)
    doctor = client.get("/v1/doctor", headers=keys["保管"]).json()
    assert next(line for line in doctor["lines"] if line["check"] == "quarantine")["state"] == "ok"


def test_packages_and_exports_come_as_one_file_and_every_byte_is_true(opened: Opened, tmp_path: Path) -> None:
    client, _, keys = opened
    task = done(client, "/v1/materialisations", keys["保管"], record=RECORD)
    location = f"/v1/tasks/{task['id']}"
    file = client.get(f"{location}/content", headers=keys["保管"])
    assert file.headers["etag"] == f'"{task["file"]["sha256"]}"'
    assert hashlib.sha256(file.content).hexdigest() == task["file"]["sha256"]
    part = client.get(f"{location}/content", headers=keys["保管"] | {"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, file.content[10:20])
    with zipfile.ZipFile(io.BytesIO(file.content)) as packed:
        packed.extractall(tmp_path)
    bagit.Bag(str(tmp_path / f"uuid-{task['result']['package']}")).validate()
    assert "/" not in task["result"]["path"]
    finding_aid = done(client, "/v1/exports", keys["保管"], records=[RECORD], form="ead3")
    with zipfile.ZipFile(
        io.BytesIO(client.get(f"/v1/tasks/{finding_aid['id']}/content", headers=keys["保管"]).content)
    ) as packed:
        assert any(name.endswith(".xml") for name in packed.namelist())
    assert client.delete(location, headers=keys["档案"]).json()["code"] == "task-unknown"
    assert client.delete(location, headers=keys["保管"]).status_code == 204
    gone = client.get(f"{location}/content", headers=keys["保管"])
    assert (gone.status_code, gone.json()["code"]) == (404, "task-unknown")


def test_what_is_not_allowed_is_not_there(opened: Opened) -> None:
    client, served, keys = opened
    task = done(client, "/v1/materialisations", keys["保管"], record=RECORD)
    place = f"/v1/tasks/{task['id']}"
    for name, status in (("档案", 200), ("保管", 200), ("读者", 404), ("审计", 404), ("窄", 404)):
        assert client.get(place, headers=keys[name]).status_code == status, name
        assert client.get(f"{place}/content", headers=keys[name]).status_code == status, name
        listed = {one["id"] for one in client.get("/v1/tasks", headers=keys[name]).json()["tasks"]}
        assert (task["id"] in listed) == (status == 200), name
    with pytest.raises(ArchiveError):
        do_task(served.base, uuid4(), silent)
    own = sent(client, "/v1/validations", keys["读者"], "a.xml", b"<no/>")
    assert own["result"]["verdict"] == "invalid"
    assert own["result"]["findings"][0]["zh"]
    assert client.get(f"/v1/tasks/{own['id']}", headers=keys["档案"]).json()["code"] == "task-unknown"


def test_a_task_that_is_refused_says_why_and_one_asked_for_twice_is_done_once(opened: Opened) -> None:
    client, served, keys = opened
    once = keys["档案"] | {"idempotency-key": f"export-{uuid4()}"}
    wish = {"records": ["J012-1-9999"], "form": "dc"}
    first = client.post("/v1/exports", json=wish, headers=once)
    failed = ended(client, first.headers["location"], keys["档案"])
    assert (failed["state"], failed["problem"], failed["file"]) == ("failed", "record-unknown", None)
    again = client.post("/v1/exports", json=wish, headers=once)
    assert again.headers["location"] == first.headers["location"]
    other = client.post("/v1/exports", json=wish | {"form": "ead3"}, headers=once)
    assert (other.status_code, other.json()["code"]) == (409, "command-reused")
    nothing = client.get(f"{first.headers['location']}/content", headers=keys["档案"])
    assert (nothing.status_code, nothing.json()["code"]) == (404, "task-file-missing")
    assert not list(unfinished_tasks(served.base))


def test_bytes_that_are_not_what_was_declared_begin_nothing(opened: Opened) -> None:
    client, served, keys = opened
    wish = {"content": declared("pages.zip", b"true"), "record": RECORD, "reason": "重扫"}
    location = client.post("/v1/rescans", json=wish, headers=keys["档案"]).headers["location"]
    before = served.base.log.position()
    early = client.post(f"{location}/complete", headers=keys["档案"])
    assert (early.status_code, early.json()["code"]) == (409, "upload-incomplete")
    headers = keys["档案"] | {"upload-offset": "0", "content-type": PARTS}
    assert client.patch(location, content=b"false", headers=headers).json()["code"] == "upload-too-long"
    offset = client.head(location, headers=keys["档案"]).headers["upload-offset"]
    headers |= {"upload-offset": offset}
    assert client.patch(location, content=b"fals"[int(offset) :], headers=headers).status_code == 204
    false = client.post(f"{location}/complete", headers=keys["档案"])
    assert (false.status_code, false.json()["code"]) == (422, "upload-mismatch")
    assert client.head(location, headers=keys["档案"]).headers["upload-offset"] == "0"
    assert served.base.log.position() == before
    for name in ("../a.zip", ".task.json", "", "a" * 61):
        refused = client.post(
            "/v1/rescans", json=wish | {"content": declared("x", b"x") | {"name": name}}, headers=keys["档案"]
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "request-invalid"), name


def test_pages_are_scanned_again_from_afar(opened: Opened) -> None:
    client, served, keys = opened
    pages = {code: min((LAND_DEEDS / code).iterdir()) for code in ("J012-1-0001", "J012-1-0002")}
    name, page = pages["J012-1-0002"].name, pages["J012-1-0001"].read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(name, page)
    before = served.base.log.position()
    task = sent(
        client, "/v1/rescans", keys["档案"], "pages.zip", buffer.getvalue(), record="J012-1-0002", reason="原页模糊"
    )
    assert (task["state"], task["result"]["outcome"], task["result"]["version"]) == ("done", "stored", 2), task
    assert types(served.base, after=before)[-1] == "ArchivalPackage.Stored"
    assert "ArchivalPackage.ContentRevised" in types(served.base, after=before)
    read = client.get(f"/v1/records/J012-1-0002/files/{name}?purpose=查对", headers=keys["档案"])
    assert read.content == page
    assert fsck(served.base, silent).sound


def test_a_catalogue_goes_out_as_a_sheet_and_comes_back_corrected(opened: Opened, tmp_path: Path) -> None:
    client, served, keys = opened
    sheet = client.get("/v1/catalogue/sheet?fonds=J012", headers=keys["档案"])
    assert sheet.status_code == 200, sheet.text
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(sheet.content)
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    header = [cell.value for cell in page[1]]
    assert page.max_row >= 4
    page.cell(2, header.index("题名") + 1, "改正的题名")
    book.save(path)
    before = served.base.log.position()
    seen = sent(client, "/v1/catalogue/corrections", keys["档案"], "sheet.xlsx", path.read_bytes())
    (correction,) = seen["result"]["corrections"]
    assert correction["changes"][0]["after"] == "改正的题名"
    assert (seen["result"]["applied"], served.base.log.position()) == (0, before)
    applied = sent(
        client, "/v1/catalogue/corrections", keys["档案"], "sheet.xlsx", path.read_bytes(), reason="据原件更正"
    )
    assert applied["result"]["applied"] == 1
    assert types(served.base, after=before) == ["Description.Revised"]
    register = client.get("/v1/records/J012/register", headers=keys["档案"])
    if register.status_code == 200:
        assert register.json()["rows"]
    rate = client.get("/v1/digitisation?by=fonds", headers=keys["档案"]).json()
    assert rate["schema"] == "jingui.digitisation/1"
    for form, mark in (("csv", b"\xef\xbb\xbf"), ("html", b"<!DOCTYPE"), ("xlsx", b"PK")):
        report = client.get(f"/v1/reports/holdings?form={form}", headers=keys["档案"])
        assert report.content.startswith(mark), form


def test_a_task_is_tried_again_while_somebody_else_is_at_it_and_kept_no_longer_than_its_day(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, served, keys = opened
    met: list[int] = []
    real = task_kinds.DONE_BY[TaskKind.FIXITY]

    def busy(*given: Any) -> Any:
        met.append(1)
        if len(met) < 3:
            raise ArchiveError("locked", "fixity")
        return real(*given)

    monkeypatch.setitem(task_kinds.DONE_BY, TaskKind.FIXITY, busy)
    monkeypatch.setattr(client.app.state.work, "_pauses", (0.0,) * 5)  # type: ignore[attr-defined] # the application's
    assert done(client, "/v1/fixity", keys["保管"], record=RECORD)["result"]["outcome"] == "passed"
    assert len(met) == 3
    met.clear()
    monkeypatch.setattr(client.app.state.work, "_pauses", (0.0,))  # type: ignore[attr-defined] # the application's
    asked = client.post("/v1/fixity", json={}, headers=keys["保管"])
    failed = ended(client, asked.headers["location"], keys["保管"])
    assert (failed["state"], failed["problem"], len(met)) == ("failed", "locked", 2)
    assert clear_tasks(served.base) == 0
    now = served.base.clock()
    later = replace(served.base, clock=lambda: now + timedelta(days=served.base.settings.outgoing_days, seconds=1))
    assert clear_tasks(later) > 0
    assert client.get("/v1/tasks", headers=keys["保管"]).json()["tasks"] == []
