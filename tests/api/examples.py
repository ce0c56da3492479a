"""True examples for the OpenAPI document: one walk through the API, taken down as it happened.

`python -m tests.api.examples` writes them to `api/examples.json`; a test walks again and compares. What differs from
one archive to the next - ids, times, digests of them, sizes of what holds them - is replaced by one value of its kind.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from fastapi.testclient import TestClient

from api.receiving import PARTS
from repository.domain.authority import VERBS
from repository.services.administration import Role
from repository.settings import FILE as SETTINGS
from tests.api.serving import api, key_for, request_of
from tests.api.test_deposits import judged
from tests.command_line import ROOT
from tests.real_archives import FIXTURES, Site, deliver, new_site, take
from tests.story.test_decisions import CODES, batch
from tests.story.test_review import HEADER, table

FILE = ROOT / "api" / "examples.json"
DEED = "J012-1-0002"
SCANS = {"J012-7-0001": "low-resolution.jpg", "J012-7-0002": "no-resolution.jpg"}
"""Records of one page each that a machine leaves to a person."""
Ask = Callable[..., Any]
Keys = dict[str, dict[str, str]]

_PLAIN = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[0-9a-f]{64}"), "<id>.<secret>"),
    (
        re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        "3f1b6a52-0c7e-4d7b-9c39-5b8f0a4d2e61",
    ),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "2026-11-24T08:00:00.000000Z"),
    (re.compile(r"(?:/[^/\s\"]+)+/archive/"), "/srv/archive/"),
    (re.compile(r"(?:/[^/\s\"]+)+/waiting"), "/srv/waiting"),
    (re.compile(r"statistics/\d{4}"), "statistics/2026"),
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+1b2c3d4e+<public key>"),
)
_OF_THE_ARCHIVE = frozenset(
    {
        *("inventory_sha256", "manifest_sha256", "tagmanifest_sha256", "live_sha256", "replayed_sha256"),
        *("listing_sha256", "formats_sha256", "root", "leaf"),
    }
)
"""Digests of what has ids and times in it."""
_WITH_HASHES = ("proof", "envelope", "checkpoint")
_HASHES = re.compile(r"[0-9a-f]{64}|[A-Za-z0-9+/]{43,}={0,2}")
"""Hashes and signatures within the text of a proof, and of the envelope that it is about."""
_COPIED = frozenset({"jingui.materialise/1", "jingui.export/1"})
"""Reports on files with ids in them."""


def plain(value: Any, name: str = "") -> Any:
    """The value with one thing of its kind in the place of everything that differs between archives."""
    match value:
        case str() if name in _OF_THE_ARCHIVE:
            return "0" * 64
        case str() if name == "seed":
            return "0" * 32
        case str():
            for pattern, instead in _PLAIN:
                value = pattern.sub(instead, value)
            return _HASHES.sub(lambda found: "0" * len(found[0]), value) if name in _WITH_HASHES else value
        case dict():
            return _plain_report({key: plain(part, key) for key, part in value.items()})
        case list():
            return [plain(part, name) for part in value]
        case _:
            return value


def _plain_report(made: dict[str, Any]) -> dict[str, Any]:
    """Sizes and digests of files that hold ids, and what is of this machine, in the same way."""
    if made.get("schema") == "jingui.dip/1" and made.get("bytes"):
        made |= {"bytes": 1, "sha256": "0" * 64}  # of a file with ids in it
    if (made.get("dip") and "requester" in made) or made.get("schema") in _COPIED:
        made["bytes"] = 1  # of the same
    if made.get("schema") == "jingui.task/1" and made["file"]:
        made["file"] |= {"bytes": 1, "sha256": "0" * 64}
    if made.get("schema") == "jingui.doctor/1":  # of what it says, most is of the machine
        made["lines"] = [line for line in made["lines"] if line["check"] == "quarantine"]
    if made.get("schema") == "jingui.review.record/1":  # which checks ran depends on the models that are installed
        for page in made["pages"]:
            page["checks"] = [check for check in page["checks"] if check["outcome"] in ("review", "fail")]
    if made.get("schema") == "jingui.quality.figures/1":
        for group in made["groups"]:
            (judged_today,) = group["days"].values()  # it was judged at one moment of the walk
            group["days"] = {"2026-11-24": judged_today}
    return made


def describe(ask: Ask) -> None:
    """An archivist's work on descriptions."""
    why = {"reason": "著录有误"}
    ask("describe", "POST", "/v1/records", {"level": "fonds", "reference_code": "Q1", "words": {"题名": "县政府"}})
    for number in (1, 2, 3):
        words = {"题名": f"文件之{number}"}
        last = {"level": "item", "reference_code": f"Q1-{number}", "parent": "Q1", "words": words}
        seen = ask("describe", "POST", "/v1/records", last).headers["etag"]

    def change(name: str, method: str, path: str, body: dict[str, Any], version: str) -> str:
        etag: str = ask(name, method, path, body | why, headers={"if-match": version}).headers["etag"]
        return etag

    seen = change("revise", "PATCH", "/v1/records/Q1-3", {"words": {"题名": "文件之末"}}, seen)
    seen = change("move", "POST", "/v1/records/Q1-3/move", {"reference_code": "Q1-4"}, seen)
    change("merge", "POST", "/v1/records/Q1-4/merge", {"into": "Q1-1"}, seen)
    parts = [{"reference_code": f"Q1-2{one}", "title": f"文件之二{one}"} for one in "甲乙"]
    change("divide", "POST", "/v1/records/Q1-2/division", {"parts": parts}, '"1"')
    change("close", "POST", "/v1/records/Q1/closure", {}, '"1"')


def decide(ask: Ask, waiting: UUID) -> None:
    """An archivist's decisions on a delivery."""
    where = f"/v1/accessions/{waiting}"
    seen = {"if-match": ask("accession", "GET", where).headers["etag"]}
    returned = {"reason": "第一页倾斜，请重扫", "volumes": [CODES[1]]}
    given_back = ask("give_back", "POST", f"{where}/return", returned, headers=seen)
    ask(
        "accept",
        "POST",
        f"{where}/acceptance",
        {"volumes": [CODES[0]]},
        headers={"if-match": given_back.headers["etag"]},
    )
    while ask("accession", "GET", where).json()["stage"] in ("waiting", "accepted"):
        pass


def judge(ask: Ask, use: str, dip: str, keys: Keys) -> None:
    """What is open, what is held, and what is certified, each by who may."""
    ask("openings", "GET", "/v1/openings", headers=keys["甲"])
    ask("openings_due", "GET", "/v1/openings/due", headers=keys["甲"])
    proposed = ask("propose_opening", "POST", "/v1/openings", {"records": [DEED]}, headers=keys["甲"])
    review = proposed.headers["location"]
    ask("reviews", "GET", "/v1/openings/reviews", headers=keys["甲"])

    def seeing(name: str, place: str, what: str) -> dict[str, str]:
        """The key of somebody who has just read what they change."""
        return {**keys[name], "if-match": ask(what, "GET", place, headers=keys[name]).headers["etag"]}

    opinion = {"control": [DEED], "ground": "personal", "until": "2050-12-31"}
    for one in "甲乙":
        ask("give_opinion", "POST", f"{review}/opinion", opinion, headers=seeing(one, review, "show_review"))
    ask("hear_unit", "POST", f"{review}/unit", {"answer": "agrees"}, headers=seeing("甲", review, "show_review"))
    ask("decide_opening", "POST", f"{review}/decision", {}, headers=seeing("决定", review, "show_review"))
    place = f"/v1/records/{DEED}"
    hold = ask("place_hold", "POST", f"{place}/holds", {"reason": "诉讼"}, headers=keys["档案员"]).json()["hold"]
    lifted = seeing("档案员", f"{place}/access", "access")
    ask("release_hold", "POST", f"{place}/holds/{hold}/release", {"reason": "结案"}, headers=lifted)
    certificate = ask(
        "certify", "POST", f"{use}/certificates", {"dip": dip, "number": "证[2026]1号"}, headers=keys["查阅台"]
    )
    annulment = f"{use}/certificates/{certificate.json()['certificate']}/annulment"
    ask("annul_certificate", "POST", annulment, {"reason": "编号有误"}, headers=seeing("查阅台", use, "show_request"))


def have_done(ask: Ask, client: TestClient, keys: Keys, deposit: str, packed: bytes) -> None:
    """Every kind of task, one after another; those that come with bytes are declared, sent and completed."""
    keeper, archivist, auditor = keys["管理"], keys["档案员"], keys["审计"]

    def done(name: str, path: str, body: Any, key: dict[str, str]) -> str:
        location: str = ask(name, "POST", path, body, headers=key).headers["location"]
        client.get(f"{location}/events", headers=key)
        return location

    def sent(name: str, path: str, body: Any, content: bytes, key: dict[str, str]) -> None:
        given = {"name": f"{name}.bin", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        location = ask(name, "POST", path, {"content": given, **body}, headers=key).headers["location"]
        client.patch(location, content=content, headers=key | {"upload-offset": "0", "content-type": PARTS})
        ask("complete_task", "POST", f"{location}/complete", headers=key)
        client.get(f"{location}/events", headers=key)

    location = done("verify_fixity", "/v1/fixity", {"record": DEED, "budget": None}, keeper)
    ask("list_tasks", "GET", "/v1/tasks", headers=keeper)
    ask("show_task", "GET", location, headers=keeper)
    done("work", "/v1/work", None, keeper)
    done("repack", "/v1/repack", {"budget": 10}, keeper)
    done("rebuild", "/v1/rebuild", None, keeper)
    done("fsck", "/v1/fsck", None, auditor)
    done("reclassify", f"/v1/records/{DEED}/reclassification", None, keeper)
    done("verify_evidence", "/v1/verifications", {"log_key": None}, auditor)
    done("export_evidence", "/v1/evidence", {"record": DEED}, auditor)
    done("rerun_quality", "/v1/quality/reruns", {"profile": "text-300"}, keeper)
    done("materialise", "/v1/materialisations", {"record": DEED, "as_of": None}, keeper)
    done("export", "/v1/exports", {"records": [DEED], "form": "ead3"}, keeper)
    sent("validate", "/v1/validations", {}, b"<mets/>", archivist)
    sheet = client.get("/v1/catalogue/sheet?prefix=Q1", headers=archivist).content
    sent("correct_catalogue", "/v1/catalogue/corrections", {"reason": None, "rest": False}, sheet[:1] * 9, archivist)
    sent("rescan", "/v1/rescans", {"record": DEED, "reason": "原页模糊"}, b"no zip", archivist)
    given = {"name": "more.zip", "bytes": len(packed), "sha256": hashlib.sha256(packed).hexdigest()}
    more = client.post("/v1/deposits", json=given, headers=archivist).headers["location"]
    client.patch(more, content=packed, headers=archivist | {"upload-offset": "0", "content-type": PARTS})
    done("preview_deposit", f"{more}/preview", None, archivist)
    signed = client.get(deposit).json()["accession"]
    where = f"/v1/accessions/{signed}"
    ask("work_sheet", "GET", f"{where}/work", headers=archivist)
    ask("four_properties", "GET", f"{where}/quality", headers=archivist)
    sent("sign_handover", f"{where}/handover/signature", {}, b"%PDF-1.4 signed", keys["档案员"])


def survey(ask: Ask, keys: Keys) -> None:
    """What can be read of the whole."""
    archivist = keys["档案员"]
    ask("print_register", "GET", "/v1/records/Q1/register", headers=archivist)
    ask("digitised", "GET", "/v1/digitisation?by=fonds", headers=archivist)
    ask("statement", "GET", "/v1/statement?contractor=速录公司", headers=archivist)
    for name, path in (
        ("lagging", "/v1/packages/lagging"),
        ("to_migrate", "/v1/packages/to-migrate"),
        ("runs", "/v1/runs?limit=1"),
        ("doctor", "/v1/doctor"),
        ("attempts", "/v1/accessions/attempts?limit=1"),
        ("quality_figures", "/v1/quality/pareto"),
    ):
        ask(name, "GET", path, headers=archivist)
    paper = {"document": "identity-card", "number": "330000198001010024"}
    ask("find_known_reader", "POST", "/v1/readers/search", paper, headers=keys["查阅台"])


def remove(ask: Ask, client: TestClient, keys: Keys) -> None:
    """A removal that is given up, and one that another person agrees to."""
    asking, agreeing = keys["档案员"], keys["保密"]
    wish = {"legal_basis": "个人信息保护法第四十七条", "reason": "当事人申请", "words": ["文件之末"]}
    place = ask("propose_removal", "POST", "/v1/removals", wish, headers=asking).headers["location"]
    version = ask("show_removal", "GET", place, headers=asking).headers["etag"]
    ask(
        "withdraw_removal",
        "POST",
        f"{place}/withdrawal",
        {"reason": "另案处理"},
        headers=asking | {"if-match": version},
    )
    page = {"record": DEED, "files": ["J012-1-0002-001.jpg"]}
    spilled = {"legal_basis": "保密法第二十八条", "reason": "误收", **page}
    place = ask("propose_spill", "POST", "/v1/spills", spilled, headers=asking).headers["location"]
    ask("removals", "GET", "/v1/removals", headers=asking)
    for name, step in (("approve_removal", "approval"), ("resume_removal", "resumption")):
        location = ask(name, "POST", f"{place}/{step}", headers=agreeing).headers["location"]
        client.get(f"{location}/events", headers=agreeing)


def review(ask: Ask, waiting: UUID, keys: Keys) -> None:
    """Pages that a machine left to a person: one is decided on, then all that are left of the delivery."""
    reviewer, (first, *_) = keys["甲"], SCANS
    ask("review_queue", "GET", "/v1/reviews", headers=reviewer)
    place = f"/v1/records/{first}/quality"
    seen = {"if-match": ask("show_quality", "GET", place, headers=reviewer).headers["etag"]}
    accept = {"decision": "accept", "check": "F04", "reason": "小幅照片，足够清楚"}
    ask("decide_quality", "POST", f"{place}/decision", accept, headers=reviewer | seen)
    give_back = {"decision": "return", "reason": "请注明分辨率后重扫"}
    ask("decide_all_quality", "POST", f"/v1/accessions/{waiting}/quality/decision", give_back, headers=reviewer)


def attest(ask: Ask, client: TestClient, auditor: dict[str, str]) -> None:
    """The log is signed, an event is proven under it, and rules are asked of all that happened."""
    assert client.post("/v1/checkpoints").is_success
    ask("checkpoint", "POST", "/v1/checkpoints")  # which stands there already, whatever the process signs beside it
    ask("proof", "GET", "/v1/proofs/1", headers=auditor)
    ask("rules", "GET", "/v1/rules", headers=auditor)


def sample(ask: Ask, waiting: UUID, keys: Keys) -> None:
    """A sample of a delivery is drawn and judged, and the review comes to its end."""
    where, reviewer = f"/v1/accessions/{waiting}", keys["档案员"]

    def seen() -> dict[str, str]:
        return reviewer | {"if-match": ask("accession", "GET", where, headers=reviewer).headers["etag"]}

    ask("draw_sample", "POST", f"{where}/sample", {"by": "item", "percent": 100}, headers=seen())
    units = ask("show_sample", "GET", f"{where}/sample", headers=reviewer).json()["waiting"]
    for unit in units:
        ask("judge_sample", "POST", f"{where}/sample/judgements", {"unit": unit, "linked": True}, headers=seen())
    ask("finish_review", "POST", f"{where}/review/end", headers=reviewer)
    while ask("accession", "GET", where).json()["stage"] in ("waiting", "accepted"):
        pass


def walk(
    client: TestClient, person: str, packed: bytes, keys: Keys, waiting: tuple[UUID, UUID, UUID]
) -> dict[str, dict[str, Any]]:
    """Every operation that takes or answers JSON, once, each in the state that the one before it left."""
    seen: dict[str, dict[str, Any]] = {}
    desk = keys["查阅台"]

    def ask(name: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = client.request(method, path, json=body, **more)
        assert answer.is_success, f"{name}: {answer.status_code} {answer.text}"
        seen[name] = {} if body is None else {"request": plain(body)}
        if answer.headers.get("content-type") == "application/json":
            seen[name]["answer"] = plain(answer.json())
        return answer

    ask("alive", "GET", "/healthz")
    ask("ready", "GET", "/readyz")
    wish = {
        "name": "land-deeds.zip",
        "bytes": len(packed),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "producer": "临溪县国土资源局",
        "transfer_number": "2026-001",
    }
    deposit = ask("open_deposit", "POST", "/v1/deposits", wish).headers["location"]
    client.patch(deposit, content=packed, headers={"upload-offset": "0", "content-type": PARTS})
    ask("complete_deposit", "POST", f"{deposit}/complete")
    judged(client, deposit)
    ask("show_deposit", "GET", deposit)
    ask("search", "GET", "/v1/records?q=地契&limit=1")
    ask("show", "GET", f"/v1/records/{DEED}")
    ask("packages", "GET", "/v1/packages?limit=1")
    ask("accessions", "GET", "/v1/accessions")
    ask("status", "GET", "/v1/status")
    ask("jobs", "GET", "/v1/schedule")
    asked = {"record": DEED, "purpose": "编史修志", "form": "pdf", "pages": [1, 2]}
    dip = ask("request_dip", "POST", "/v1/dips", asked).headers["location"]
    client.get(f"{dip}/events")
    ask("show_dip", "GET", dip)
    form = {"name": "王小梅", "document": "identity-card", "number": "330000198001010024", "purpose": "family"}
    use = ask("register", "POST", "/v1/uses", form | {"records": [DEED]}, headers=desk).headers["location"]
    ask("list_requests", "GET", "/v1/requests?limit=1", headers=desk)
    ask("show_request", "GET", use, headers=desk)
    place = ask("answer_request", "POST", f"{use}/dip", {"form": "zip"}, headers=desk).headers["location"]
    client.get(f"{place}/events", headers=desk)
    client.get(f"{place}/content", headers=desk)
    judge(ask, use, client.get(place, headers=desk).json()["dip"], keys)
    decide(ask, waiting[0])
    describe(ask)
    have_done(ask, client, keys, deposit, packed)
    survey(ask, keys)
    review(ask, waiting[2], keys)
    sample(ask, waiting[1], keys)
    ask("report", "GET", "/v1/reports/ratings")
    ask("figure", "GET", "/v1/figures/holdings-items")
    ask("list_people", "GET", "/v1/people")
    new = {"name": "赵新", "roles": ["desk"]}
    place = ask("add_person", "POST", "/v1/people", new).headers["location"]
    leaving = {"if-match": client.get(place).headers["etag"]}
    ask("depart", "POST", f"{place}/departure", {"reason": "调离", "successor": None}, headers=leaving)
    version = ask("show_person", "GET", f"/v1/people/{person}").headers["etag"]
    change = {"grant": ["auditor"], "revoke": [], "reason": "轮岗"}
    ask("change_roles", "PATCH", f"/v1/people/{person}/roles", change, headers={"if-match": version})
    ask("issue", "POST", f"/v1/people/{person}/keys", {"scopes": ["search", "disseminate"], "expires": None})
    ask("replay", "GET", "/v1/replay")
    ask("diff", "GET", "/v1/diff?moments=1..6")
    ask("timeline", "GET", f"/v1/timeline/{request_of(dip)}")
    ask("trace", "GET", f"/v1/trace/{request_of(dip)}")
    attest(ask, client, keys["审计"])
    ask("prove_dip", "GET", f"{dip}/proof")
    remove(ask, client, keys)
    return seen


def scans(place: Path) -> Path:
    """A delivery of scanned records."""
    rows = [(code, f"{code} 照片", "19510420", "公开", "永久", 1, code) for code in SCANS]
    pages = {f"{code}/{code}-001.jpg": (FIXTURES / "pages" / name).read_bytes() for code, name in SCANS.items()}
    return deliver(place, pages | {"catalogue.csv": table([HEADER, *rows])})


def with_settings(site: Site, settings: str, *deliveries: Path) -> list[UUID]:
    """Take deliveries in under other settings; their accessions, which wait for a person."""
    path = site.folder / SETTINGS
    before = path.read_text("utf-8")
    path.write_text(settings, "utf-8")
    with site.open() as session:
        taken = [take(session, one).accession for one in deliveries]
    path.write_text(before, "utf-8")
    return taken


def taken_down(place: Path, packed: bytes) -> dict[str, dict[str, Any]]:
    """The walk in a new archive."""
    site = new_site(place)
    with site.open() as session:
        person, _ = site.person(session, "周文", Role.READER)
    settings = (site.folder / SETTINGS).read_text("utf-8")
    others = (batch(place / "waiting", CODES[:2]), batch(place / "waiting-too", ("J012-6-0001", "J012-6-0002")))
    first, second = with_settings(site, f'{settings}acceptance = "person"\n', *others)
    (third,) = with_settings(
        site, settings.replace("quality = false", "quality = true"), scans(place / "waiting-scans")
    )
    waiting = first, second, third
    holders = {
        "查阅台": Role.DESK,
        "甲": Role.REVIEWER,
        "乙": Role.REVIEWER,
        "决定": Role.DECIDER,
        "档案员": Role.ARCHIVIST,
        "管理": Role.KEEPER,
        "审计": Role.AUDITOR,
        "保密": Role.SECURITY_OFFICER,
    }
    keys = {name: key_for(site, name, role, scopes=tuple(sorted(VERBS))) for name, role in holders.items()}
    with api(site) as (client, _):
        return walk(client, str(person), packed, keys, waiting)


def main() -> None:
    """Write the examples."""
    from tests.api.test_examples import packed_deeds

    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = place  # keys that have no place named lie beside the archive, and go with it
        examples = taken_down(Path(place), packed_deeds())
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(examples), indent=1) + b"\n")


if __name__ == "__main__":
    main()
