"""A working day over HTTP, with a real server process: receiving, finding, putting right, auditing.

Each story is told by somebody who has nothing but a key, and ends with the exact sequence of events that it left.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import openpyxl
import pytest

from api.endpoints import SECOND
from api.receiving import PARTS
from fixtures.delivery import catalogue
from repository.domain.authority import VERBS
from repository.services.administration import Role
from repository.services.audit import fsck
from repository.settings import FILE
from tests.api.serving import bearer, key_for, server
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

CODES = ("J012-5-0001", "J012-5-0002", "J012-5-0003")
DEED, OTHER = "J012-1-0001", "J012-1-0002"
UNIT = ["ArchivalPackage.Created", "ArchivalPackage.FormatsIdentified", "ArchivalPackage.VirusChecked"]


class Person(msgspec.Struct, frozen=True):
    """Somebody who speaks to the server with their own key."""

    http: httpx2.Client
    key: dict[str, str]

    def ask(self, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> httpx2.Response:
        """An answer of this status."""
        more = self.key | {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.request(method, path, json=body, headers=more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    def seeing(self, place: str, path: str, body: Any, *, status: int = 204, **headers: str) -> httpx2.Response:
        """A change of what is at this place, as it was seen there."""
        version = self.ask("GET", place).headers["etag"]
        return self.ask("POST", path, body, status=status, if_match=version, **headers)

    def send(self, location: str, content: bytes) -> None:
        """All of an upload at once, and that it is complete."""
        headers = self.key | {"upload-offset": "0", "content-type": PARTS}
        assert self.http.patch(location, content=content, headers=headers).status_code == 204
        self.ask("POST", f"{location}/complete", status=202)

    def task(self, path: str, body: Any = None, content: bytes | None = None, name: str = "") -> dict[str, Any]:
        """A task, done."""
        if content is not None:
            body = {**(body or {}), "content": declared(name, content)}
        asked = self.ask("POST", path, body, status=202 if content is None else 201)
        location = asked.headers["location"]
        if content is not None:
            self.send(location, content)
        self.http.get(f"{location}/events", headers=self.key)
        task: dict[str, Any] = self.ask("GET", location).json()
        assert task["state"] == "done", task
        return task

    def delivered(self, content: bytes, **wish: Any) -> dict[str, Any]:
        """A deposit as its job left it."""
        asked = self.ask("POST", "/v1/deposits", declared("delivery.zip", content) | wish, status=201)
        location = asked.headers["location"]
        self.send(location, content)
        while (deposit := self.ask("GET", location).json())["state"] == "complete":
            pass
        found: dict[str, Any] = deposit
        return found


def declared(name: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(f"delivery/{path}", content)
    return buffer.getvalue()


def batch(codes: tuple[str, ...] = CODES, page: str = "第一页", more: dict[str, bytes] | None = None) -> bytes:
    rows = [(code, f"{code}卷", "临溪县政府", "1951", "公开", "永久", "1", code) for code in codes]
    pages = {f"{code}/{code}-001.txt": f"{code} {page}".encode() for code in codes}
    return packed(pages | {"catalogue.csv": catalogue(*rows)} | (more or {}))


@contextmanager
def people(site: Site, **roles: Role) -> Iterator[dict[str, Person]]:
    """A server, and people who each have a key to it; the first administrator among them."""
    keys = {name: key_for(site, name, role, scopes=tuple(VERBS)) for name, role in roles.items()}
    keys["first"] = bearer(site.credential)
    with server(site) as served, httpx2.Client(base_url=served.url, timeout=60) as http:
        yield {name: Person(http, key) for name, key in keys.items()}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def test_receiving(site: Site) -> None:
    """Rejected with the faults beside the rows, delivered anew, one volume returned and scanned again, signed."""
    with (site.folder / FILE).open("a") as settings:
        settings.write('acceptance = "person"\n')
    with people(site, receiver=Role.RECEIVER, acceptor=Role.ACCEPTOR) as all_of_them:
        receiver, acceptor = all_of_them["receiver"], all_of_them["acceptor"]
        with site.open() as session:
            before = session.log.position()
        terms = {"transfer_number": "2026-7", "agreement": "协[2026]1号", "medium": "在线"}

        # the first delivery has a file that the catalogue does not know
        faulty = batch(more={"stray.txt": b"stray"})
        looked_at = receiver.ask("POST", "/v1/deposits", declared("delivery.zip", faulty) | terms, status=201).headers[
            "location"
        ]
        headers = receiver.key | {"upload-offset": "0", "content-type": PARTS}
        assert receiver.http.patch(looked_at, content=faulty, headers=headers).status_code == 204
        preview = receiver.task(f"{looked_at}/preview")
        assert [one["path"] for one in preview["result"]["findings"] if one["severity"] == "error"] == ["stray.txt"]
        assert preview["file"]["name"] == "faults.xlsx"
        rejected = receiver.delivered(faulty, **terms)
        assert (rejected["state"], [one["path"] for one in rejected["findings"]]) == ("rejected", ["stray.txt"])
        where = f"/v1/accessions/{rejected['accession']}"
        book = openpyxl.load_workbook(io.BytesIO(receiver.ask("GET", f"{where}/returned").content))
        assert [cell.value for cell in book["其他问题"]["A"]][1:] == ["stray.txt"]

        # the second is right; a person gives one volume back and accepts the others
        waiting = receiver.delivered(batch(), **terms)
        assert (waiting["state"], waiting["accession"]) == ("waiting", rejected["accession"])
        acceptor.seeing(where, f"{where}/acceptance", {"volumes": [CODES[0], CODES[2]]}, status=202)
        acceptor.seeing(where, f"{where}/return", {"volumes": [CODES[1]], "reason": "第一页倾斜"}, status=202)
        while acceptor.ask("GET", where).json()["stage"] in ("waiting", "accepted"):
            pass
        book = openpyxl.load_workbook(io.BytesIO(acceptor.ask("GET", f"{where}/returned").content))
        assert "退回返工：第一页倾斜" in str([row[-1].value for row in book.worksheets[0].iter_rows(min_row=2)])

        # the volume comes again, of the same accession
        again = receiver.delivered(batch((CODES[1],), "重扫"), rework=rejected["accession"])
        assert again["state"] == "waiting", again
        acceptor.seeing(where, f"{where}/acceptance", {}, status=202)
        while acceptor.ask("GET", where).json()["stage"] != "completed":
            pass

        # the form is printed, signed, and kept
        form = acceptor.ask("POST", f"{where}/handover")
        assert form.content.startswith(b"%PDF")
        signed = acceptor.task(f"{where}/handover/signature", None, b"%PDF-1.4\n% two signatures\n", "signed.pdf")
        assert signed["result"]["outcome"] == "signed"
        assert acceptor.ask("GET", where).json()["handover"] == "signed"
    with site.open() as session:
        described = "Description.Described"
        assert types(session, after=before) == [
            *("Accession.Opened", "TransferNumber.Reserved", "Accession.TermsAgreed", "Accession.DeliveryReceived"),
            "Accession.DeliveryRejected",
            *("Accession.DeliveryReceived", "Accession.Planned", *["ReferenceCode.Reserved"] * 3),
            *("Accession.DeliveryValidated", *UNIT * 4, "Accession.ReviewRequired"),
            *("Accession.UnitsAccepted", "Accession.Returned", "Accession.Accepted"),
            *(*[described] * 3, *["ArchivalPackage.Stored"] * 3, "Accession.PartCompleted"),
            *("Accession.DeliveryReceived", "Accession.Planned", "Accession.DeliveryValidated"),
            *("ArchivalPackage.Redelivered", *UNIT[1:], "Accession.ReviewRequired", "Accession.Accepted"),
            *(described, "ArchivalPackage.Stored", "Accession.Completed"),
            *("Accession.HandoverPrinted", "Accession.HandoverSigned", *UNIT, described, "ArchivalPackage.Stored"),
            "Door.SignedIn",
        ]
        assert fsck(session, silent).sound
        assert not any((site.folder / "quarantine").rglob("*.txt"))


def test_finding(site: Site) -> None:
    """A reader sees what is open and no more, and what is found is the same on every page of the list."""
    with site.open() as session:
        take(session, LAND_DEEDS)
    with people(site, reader=Role.READER, archivist=Role.ARCHIVIST, reviewer=Role.REVIEWER) as all_of_them:
        reader, archivist, reviewer = (all_of_them[name] for name in ("reader", "archivist", "reviewer"))
        found = reader.ask("GET", "/v1/records?q=地契").json()
        assert DEED in [one["reference_code"] for one in found["entries"]]
        one_by_one, after = [], ""
        while True:
            page = reader.ask("GET", f"/v1/records?prefix=J012&limit=1{after}").json()
            one_by_one += [one["reference_code"] for one in page["entries"]]
            if page["after"] is None:
                break
            after = f"&after={page['after']}"
        assert one_by_one == sorted(one_by_one)
        assert {DEED, OTHER} <= set(one_by_one)
        with site.open() as session:
            before = session.log.position()
        shown = reader.ask("GET", f"/v1/records/{DEED}").json()
        page_name = shown["files"][0]["path"]
        read = reader.ask("GET", f"/v1/records/{DEED}/files/{page_name}?purpose=家史")
        assert hashlib.sha256(read.content).hexdigest() == shown["files"][0]["sha256"]
        reviewer.ask("POST", f"/v1/records/{DEED}/takedown", {"reason": "涉及个人隐私"}, status=204)
        assert reader.ask("GET", f"/v1/records/{DEED}", status=404).json()["code"] == "record-unknown"
        hidden = reader.ask("GET", f"/v1/records/{DEED}/files/{page_name}?purpose=家史", status=404).json()
        nothing = reader.ask("GET", f"/v1/records/J012-9-9999/files/{page_name}?purpose=家史", status=404).json()
        assert hidden["code"] == nothing["code"] == "record-unknown"
        assert DEED not in [one["reference_code"] for one in reader.ask("GET", "/v1/records?q=地契").json()["entries"]]
        assert archivist.ask("GET", f"/v1/records/{DEED}").json()["package"]["access"] == "controlled"
    with site.open() as session:
        asked = "AccessRequest.Requested"
        assert types(session, after=before) == [
            *(asked, "AccessRequest.ContentViewed", "AccessRequest.Closed"),
            "ArchivalPackage.AccessStatusChanged",
            *(asked, "AccessRequest.Refused"),
            *(asked, "AccessRequest.Refused"),
            "Door.SignedIn",
        ]


def test_putting_right(site: Site) -> None:
    """A wrong 档号, a page scanned again, a catalogue corrected by sheet, a grant taken back, an event annulled."""
    with site.open() as session:
        take(session, LAND_DEEDS)
    form = {"name": "王小梅", "document": "identity-card", "number": "330000198001010024", "purpose": "family"}
    roles = {"archivist": Role.ARCHIVIST, "desk": Role.DESK, "decider": Role.DECIDER, "second": Role.ADMINISTRATOR}
    with people(site, **roles) as all_of_them:
        archivist, desk, decider = (all_of_them[name] for name in ("archivist", "desk", "decider"))
        with site.open() as session:
            before = session.log.position()
        why = {"reason": "著录有误"}
        place = f"/v1/records/{DEED}"
        archivist.seeing(place, f"{place}/move", {"reference_code": "J012-1-0009"} | why, status=200)
        assert archivist.ask("GET", place).json()["formerly"] is True

        pages = sorted((LAND_DEEDS / OTHER).iterdir())
        replaced = packed_flat({pages[0].name: pages[1].read_bytes()})
        done = archivist.task("/v1/rescans", {"record": OTHER, "reason": "原页模糊"}, replaced, "pages.zip")
        assert (done["result"]["outcome"], done["result"]["version"]) == ("stored", 2)

        book = openpyxl.load_workbook(
            io.BytesIO(archivist.ask("GET", "/v1/catalogue/sheet?prefix=J012-1-0009").content)
        )
        header = [cell.value for cell in book.worksheets[0][1]]
        book.worksheets[0].cell(2, header.index("题名") + 1, "陈姓绝卖水田契")
        sheet = io.BytesIO()
        book.save(sheet)
        corrected = archivist.task("/v1/catalogue/corrections", why, sheet.getvalue(), "sheet.xlsx")
        assert corrected["result"]["applied"] == 1
        assert archivist.ask("GET", place).json()["description"]["title"] == "陈姓绝卖水田契"
        repacked = archivist.task("/v1/repack", {"budget": 10})
        assert repacked["result"]["stored"] == 1

        use = desk.ask("POST", "/v1/uses", form | {"records": [OTHER]}, status=201).headers["location"]
        decider.seeing(use, f"{use}/grant", {})
        decider.seeing(use, f"{use}/revocation", {"reason": "批错了人"})
        with site.open() as session:
            position = next(one.envelope.position for one in session.log.events(types=["AccessRequest.UseRegistered"]))
        other = all_of_them["second"].key["authorization"].removeprefix("Bearer ")
        all_of_them["first"].ask(
            "POST", f"/v1/events/{position}/annulment", {"reason": "登记错了人"}, status=204, **{SECOND: other}
        )
    with site.open() as session:
        assert types(session, after=before) == [
            *("ReferenceCode.Reserved", "Description.Moved"),
            *("ArchivalPackage.ContentRevised", *UNIT[1:], "ArchivalPackage.Stored"),
            "Description.Revised",
            *("ArchivalPackage.MetadataRevised", "ArchivalPackage.Stored"),
            *("Reader.Introduced", "AccessRequest.UseRegistered", "AccessRequest.Requested"),
            *("AccessRequest.Granted", "AccessRequest.GrantRevoked", "AccessRequest.Annulled"),
            "Door.SignedIn",
        ]
        assert fsck(session, silent).sound


def packed_flat(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def test_auditing(site: Site) -> None:
    """The past as it was, two moments compared, all that happened to a record, the chain, the feed - and no event."""
    with site.open() as session:
        take(session, LAND_DEEDS, producer="县国土局", number="2026-001")
        then = session.log.position()
    with people(site, auditor=Role.AUDITOR, archivist=Role.ARCHIVIST) as all_of_them:
        auditor, archivist = all_of_them["auditor"], all_of_them["archivist"]
        place = f"/v1/records/{DEED}"
        new = {"words": {"题名": "改过的题名"}, "reason": "著录有误"}
        version = archivist.ask("GET", place).headers["etag"]
        archivist.ask("PATCH", place, new, if_match=version)
        dip = archivist.ask("POST", "/v1/dips", {"record": DEED, "purpose": "编史"}, status=202).headers["location"]
        archivist.http.get(f"{dip}/events", headers=archivist.key)
        archivist.ask("GET", f"{dip}/content")
        with site.open() as session:
            end = session.log.position()
            seen = types(session)

        now = auditor.ask("GET", place).json()["description"]["title"]
        before = auditor.ask("GET", f"{place}?as_of={then}").json()["description"]["title"]
        assert (now, before == now) == ("改过的题名", False)
        for path in ("/v1/records", "/v1/packages", "/v1/accessions", "/v1/status", "/v1/runs", "/v1/people"):
            auditor.ask("GET", f"{path}?as_of={then}")
        compared = auditor.ask("GET", f"/v1/diff?moments={then}..{end}").json()
        assert compared["schema"].startswith("jingui.diff/")
        told = auditor.ask("GET", f"/v1/timeline/{DEED}").json()
        assert "Description.Revised" in json.dumps(told)
        chain = auditor.ask("GET", f"/v1/trace/{dip.rsplit('/', 1)[-1]}").json()
        steps = [one["type"] for one in chain["steps"]]
        assert (steps[0], steps[-1]) == ("Accession.Opened", "AccessRequest.DipDelivered")
        replayed = auditor.ask("GET", f"/v1/replay?as_of={then}").json()
        assert (replayed["same"], replayed["position"]) == (True, then)
        feed = [json.loads(line) for line in auditor.ask("GET", "/v1/events").text.splitlines()]
        assert [one["envelope"]["type"] for one in feed] == seen
        assert [one["position"] for one in feed] == list(range(1, end + 1))
        assert auditor.task("/v1/fsck")["result"]["sound"] is True
        assert auditor.ask("PATCH", place, new, status=403, if_match=version).json()["code"] == "not-allowed"
    with site.open() as session:
        assert types(session, after=end) == ["Door.SignedIn", "Door.Denied"]
        assert types(session, after=then, upto=end)[-6:] == [
            *("Description.Revised", "AccessRequest.Requested", "AccessRequest.FormChosen"),
            *("AccessRequest.DipAssembled", "AccessRequest.DipRendered", "AccessRequest.DipDelivered"),
        ]
