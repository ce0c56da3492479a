"""Reviewing (质检复核) over HTTP, with a real server process: from scans with planted faults to what is payable.

Told like the other stories of a working day, by people who have nothing but a key, up to the exact sequence of events.
"""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from repository.domain.access_request import ContentViewed
from repository.domain.assessment import QualityAssessed
from repository.domain.assessment import QualityReviewed as Reviewed
from repository.services.administration import Role
from repository.services.audit import fsck
from tests.api.test_day import Person, packed, people
from tests.real_archives import FIXTURES, Site, new_site, silent, types
from tests.story.test_review import CONTRACTOR, HEADER, page, table

EARLIER = "S013-1-0001"
GOOD, LOW, TILTED, CUT = (f"S012-1-000{number}" for number in (1, 2, 3, 4))
BATCH = (GOOD, LOW, TILTED, CUT)
TILTED_PAGE = (FIXTURES / "pages" / "tilted-2.jpg").read_bytes()
LOOKED_INTO = ["ArchivalPackage.FormatsIdentified", "ArchivalPackage.VirusChecked"]
SCANNED = [*LOOKED_INTO, "ArchivalPackage.Digitised"]


def scans(records: dict[str, list[bytes]]) -> bytes:
    """A delivery of scanned records, with the sheet that says who scanned them."""
    rows = [(code, f"{code} 地契", "19510420", "公开", "永久", len(pages), code) for code, pages in records.items()]
    work = [(code, f"1-{len(pages)}", CONTRACTOR, "张三", "A3-01", "早班") for code, pages in records.items()]
    files = {
        f"{code}/{code}-{number:03}.jpg": content
        for code, pages in records.items()
        for number, content in enumerate(pages, 1)
    }
    titles = ("档号", "页号", "加工单位", "操作员", "设备", "班次")
    return packed(files | {"catalogue.csv": table([HEADER, *rows]), "工作单.csv": table([titles, *work])})


def batch(*, reworked: bool) -> bytes:
    """One good record, one with a page at 150 dpi, and - before the rework - a tilted page and one that is cut off."""
    return scans(
        {
            GOOD: [page(1), page(2)],
            LOW: [page(5, dpi=150), page(6)],
            TILTED: [page(7), page(8) if reworked else TILTED_PAGE],
            CUT: [page(3), page(4, cut=not reworked)],
        }
    )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path, quality=True)


def decided(who: Person, record: str, wish: dict[str, Any], *, status: int = 200) -> dict[str, Any]:
    """What became of a decision on a record, made on its verdict as it was seen."""
    place = f"/v1/records/{record}/quality"
    answer: dict[str, Any] = who.seeing(place, f"{place}/decision", wish, status=status).json()
    return answer


def ended(who: Person, where: str) -> str:
    """The stage of an accession after its review came to its end and its job did its work."""
    who.ask("POST", f"{where}/review/end", status=202)
    while (stage := who.ask("GET", where).json()["stage"]) in ("waiting", "accepted"):
        pass
    return str(stage)


def test_reviewing(site: Site) -> None:
    """Judged by machine, one page accepted, one returned, one overruled; a sample fails, and the batch comes anew."""
    roles = {"archivist": Role.ARCHIVIST, "reviewer": Role.REVIEWER, "other": Role.REVIEWER, "acceptor": Role.ACCEPTOR}
    with people(site, **roles) as all_of_them:
        archivist, reviewer, other, acceptor = (all_of_them[name] for name in roles)
        with site.open() as session:
            before = session.log.position()

        # the contractor's first batch has no fault: nobody has to look at it
        assert archivist.delivered(scans({EARLIER: [page(9), page(10)]}), producer="县国土局")["state"] == "completed"

        # the second has three; the machine refuses one page and leaves two to a person
        waiting = archivist.delivered(batch(reworked=False), producer="县国土局")
        assert waiting["state"] == "waiting", waiting
        where = f"/v1/accessions/{waiting['accession']}"
        queue = reviewer.ask("GET", "/v1/reviews").json()
        assert [(one["reference_code"], one["pages"], one["waiting"], one["failed"]) for one in queue["records"]] == [
            (LOW, 2, 1, 0),
            (TILTED, 2, 1, 0),
            (CUT, 2, 0, 1),
        ]
        measured = {}
        for code in BATCH:
            for seen in reviewer.ask("GET", f"/v1/records/{code}/quality").json()["pages"]:
                for check in seen["checks"]:
                    if check["outcome"] in ("review", "fail"):
                        told = (seen["file"], check["outcome"], check["value"], check["unit"], check["threshold"])
                        measured[code, check["id"]] = told
        assert measured == {
            (LOW, "F04"): (1, "review", "150", "dpi", "200"),
            (TILTED, "Q01"): (2, "review", "2.001", "deg", "1"),
            (CUT, "F01"): (2, "fail", None, "", None),
        }
        sheet = reviewer.ask("GET", f"/v1/records/{TILTED}/quality/sheet").text  # in quarantine: it is no look
        assert (sheet.count("<figure"), sheet.count("<img")) == (2, 2)

        # one accepted, one returned, one overruled - and never by whoever had it judged
        assert acceptor.ask("POST", f"{where}/review/end", status=409).json()["code"] == "quality-open"
        small = {"decision": "accept", "check": "F04", "reason": "小幅照片，足够清楚"}
        assert decided(reviewer, LOW, small)["pages"] == 1
        unexplained = decided(reviewer, TILTED, {"decision": "return", "files": [2]}, status=422)
        assert unexplained["code"] == "reason-missing"
        returned = decided(reviewer, TILTED, {"decision": "return", "files": [2], "reason": "倾斜，请重扫"})
        assert (returned["pages"], returned["waiting"]) == (1, 0)
        overrule = {"decision": "overrule", "files": [2], "reason": "只缺白边"}
        assert decided(archivist, CUT, overrule, status=403)["code"] == "own-work"
        assert decided(other, CUT, overrule)["failed"] == 1  # the one that was returned

        # a sample is drawn and judged: an entry does not belong to its pages, so the whole batch goes back
        drawn = acceptor.seeing(where, f"{where}/sample", {"percent": 100}, status=201).json()
        assert sorted(drawn["units"]) == sorted(drawn["waiting"])
        assert len(drawn["units"]) == drawn["population"] == 4
        found: dict[str, Any] = {}
        for unit in drawn["units"]:
            wish = {"unit": unit, "linked": not unit.endswith(GOOD)}
            found = reviewer.seeing(where, f"{where}/sample/judgements", wish, status=200).json()
        assert (found["outcome"], found["unlinked"], found["waiting"]) == ("failed", 1, [])
        assert ended(acceptor, where) == "returned"

        # the rework is judged anew: what was faulty is whole now, and custody passes
        again = archivist.delivered(batch(reworked=True), rework=waiting["accession"])
        assert (again["state"], again["accession"]) == ("waiting", waiting["accession"]), again
        (left,) = reviewer.ask("GET", "/v1/reviews").json()["records"]
        assert (left["reference_code"], left["waiting"], left["failed"]) == (LOW, 1, 0)
        assert decided(reviewer, LOW, small)["waiting"] == 0
        assert ended(acceptor, where) == "completed"
        shown = reviewer.ask("GET", f"/v1/records/{CUT}/quality").json()
        assert (shown["outcome"], shown["delivery"], shown["pages"]) == ("passed", 2, [])
        kept = {one["sha256"] for one in reviewer.ask("GET", f"/v1/records/{CUT}").json()["files"]}
        assert kept == {hashlib.sha256(page(number)).hexdigest() for number in (3, 4)}

        # a sheet shows pages of the archive from now on, so it is a look
        assert reviewer.ask("GET", f"/v1/records/{TILTED}/quality/sheet?form=pdf").content.startswith(b"%PDF")

        # each page is payable once. Of a record that went back for its pages, the others passed at once
        account = acceptor.ask("GET", f"/v1/statement?contractor={CONTRACTOR}").json()
        counted = ("delivered", "returned", "passed_first_time", "payable")
        assert [account[name] for name in counted] == [10, 7, 3, 10]
        assert [[line[name] for name in counted] for line in account["lines"]] == [[2, 0, 2, 2], [8, 7, 1, 8]]
    with site.open() as session:
        assert types(session, after=before) == [
            "Producer.Registered",
            *("Accession.Opened", "Accession.DeliveryReceived", "Accession.Planned", "ReferenceCode.Reserved"),
            *("Accession.WorkSheetRecorded", "Accession.DeliveryValidated", "ArchivalPackage.Created", *SCANNED),
            *("ArchivalPackage.QualityAssessed", "Accession.Accepted"),
            *("Description.Described", "ArchivalPackage.Stored", "Accession.Completed"),
            *("Accession.Opened", "Accession.DeliveryReceived", "Accession.Planned", *["ReferenceCode.Reserved"] * 4),
            *("Accession.WorkSheetRecorded", "Accession.DeliveryValidated"),
            *(*["ArchivalPackage.Created", *SCANNED] * 4, "ArchivalPackage.Created", *LOOKED_INTO),
            *(*["ArchivalPackage.QualityAssessed"] * 4, "Accession.ReviewRequired"),
            *["ArchivalPackage.QualityReviewed"] * 3,
            *("Accession.SampleDrawn", *["Accession.SampleJudged"] * 4, "Accession.SampleConcluded"),
            *("Accession.Returned", "Accession.DeliveryReceived", "Accession.Planned"),
            *("Accession.WorkSheetRecorded", "Accession.DeliveryValidated"),
            *(*["ArchivalPackage.Redelivered", *SCANNED] * 4, "ArchivalPackage.Redelivered", *LOOKED_INTO),
            *(*["ArchivalPackage.QualityAssessed"] * 4, "Accession.ReviewRequired", "ArchivalPackage.QualityReviewed"),
            *("Accession.Accepted", *["Description.Described"] * 5, *["ArchivalPackage.Stored"] * 5),
            "Accession.Completed",
            *("AccessRequest.Requested", "AccessRequest.ContentViewed", "AccessRequest.Closed"),
            "Door.SignedIn",
        ]
        events = list(session.log.events(after=before))
        reviews = [(one.payload.decision, one.envelope.actor) for one in events if isinstance(one.payload, Reviewed)]
        (_, accepting), (_, returning), (_, overruling), (_, accepting_again) = reviews
        assert [str(decision) for decision, _ in reviews] == ["accept", "return", "overrule", "accept"]
        assert accepting == returning == accepting_again != overruling
        judging = {one.envelope.actor for one in events if isinstance(one.payload, QualityAssessed)}
        assert len(judging) == 1
        assert not judging & {accepting, overruling}
        ((looking, look),) = (
            (one.envelope.actor, one.payload) for one in events if isinstance(one.payload, ContentViewed)
        )
        assert (looking, look.way, len(look.paths)) == (accepting, "sheet", 2)
        assert fsck(session, silent).sound
