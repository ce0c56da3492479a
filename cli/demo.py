"""The demonstration (`make demo`): one day of an archive in `./demo-archive/archive`, made afresh every time.

Nothing is claimed that is not checked: each step ends with a claim that is tried against the archive itself, and one
false claim makes the whole fail (exit 1). The archive stays, with credentials, the vault's key and a damaged copy
beside it under `demo/`, for whoever wants to go on.
"""

import argparse
import csv
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cli.language import LANGUAGES, language, text
from cli.render import claim, head, progress, say, say_findings, say_table, say_verbatim, size, talk_problem
from repository.errors import ArchiveError

if TYPE_CHECKING:
    from repository.services.audit import Fault
    from repository.services.ingest import IngestReport
    from repository.services.search import RecordReport
    from repository.services.session import Session

PLACE = Path("demo-archive")
ARCHIVE, ASIDE = PLACE / "archive", PLACE / "demo"
"""What belongs to the demonstration and not to the archive; by it the next one knows that the folder is its own."""
SCANS, SHEET = ASIDE / "scans", ASIDE / "contact-sheet.html"
CREDENTIAL, DESK, DECIDER = ASIDE / "credential", ASIDE / "desk-credential", ASIDE / "decider-credential"
VAULT_KEY, LOG_KEY = ASIDE / "vault-key", ASIDE / "log-key"
INTERNAL = ASIDE / "internal-delivery"
HANDED_OUT = ASIDE / "handed-out"
DAMAGED = ASIDE / "damaged-copy"

DELIVERIES = Path("fixtures") / "deliveries"
PAGES = Path("fixtures") / "pages"
LAND_DEEDS, MIXED = DELIVERIES / "land-deeds", DELIVERIES / "mixed"
FAULTY = ("entry-without-folder", "impossible-date", "wrong-page-count")
CLASSIFIED = "above-the-ceiling"
SCANNED = "J012-3-0001"
RECORD, WRONG, RIGHT, CONTROLLED = "J012-1-0001", "J012-1-0003", "J012-1-0013", "J012-2-0001"
ADMINISTRATOR, AT_THE_DESK, DECIDES = "林一", "周敏", "陈立"
READER = {"name": "陈文秀", "number": "330824195103052127", "contact": "0579-8800000"}
"""A reader who does not exist, and whose words must stand nowhere in the archive."""
FAILED = 1

Step = Callable[["Day"], None]


class Day:
    """The day as it goes: which claims were made, and what later steps need of earlier ones."""

    def __init__(self) -> None:
        self.claims: list[bool] = []
        self.taken: list[IngestReport] = []

    def claim(self, key: str, *, holds: bool, **values: object) -> None:
        """State a claim and whether it is true."""
        self.claims.append(holds)
        words = text(f"demo.{key}.claim", **values) if values else text(f"demo.{key}.claim")
        claim(words, holds=holds)


def main(arguments: Sequence[str]) -> int:
    """Run the day. 0 when every claim is true."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m cli.demo", description=text("demo.title"))
    parser.add_argument("--lang", choices=LANGUAGES, help=text("option.lang"))
    parser.parse_args(arguments)
    head(text("demo.title"))
    say(text("demo.intro", folder=PLACE))
    sys.stdout.flush()
    if PLACE.exists():
        if not ASIDE.is_dir():
            talk_problem("demo", FAILED, text("demo.foreign", folder=PLACE), text("hint.demo"), as_json=False)
            return FAILED
        shutil.rmtree(PLACE)
    ASIDE.mkdir(parents=True)
    day = Day()
    try:
        for number, (name, step) in enumerate(STEPS.items(), 1):
            head(text("demo.step", number=number, title=text(f"demo.{name}")))
            step(day)
            sys.stdout.flush()
    except ArchiveError as error:
        talk_problem(error.code, error.row.exit, error.message(language()), error.hint(language()), as_json=False)
        return FAILED
    return _end(day, time.monotonic() - began)


def _init(day: Day) -> None:
    from repository.archive import create_archive
    from repository.services.administration import list_people
    from repository.settings import FILE

    create_archive(ARCHIVE, codes=("437001",), administrator=ADMINISTRATOR, name="临溪县档案馆", credential=CREDENTIAL)
    with (ARCHIVE / FILE).open("a", encoding="utf-8") as settings:
        settings.write(f'vault_key = "{VAULT_KEY.resolve()}"\nlog_key = "{LOG_KEY.resolve()}"\n')
    with _opened() as session:
        people = [person.name for person in list_people(session)]
    day.claim("init", holds=people == [ADMINISTRATOR], name=ADMINISTRATOR)


def _ingest(day: Day) -> None:
    from repository.services.search import show_record

    with _opened() as session:
        for source, per_folder in ((LAND_DEEDS, False), (MIXED, True)):
            day.taken.append(_settled(session, _take(session, source, per_folder=per_folder)))
        records = [
            show_record(session, str(one.package), as_of=None) for report in day.taken for one in report.packages
        ]
    say_table([text(f"column.{name}") for name in ("code", "title", "pages", "files", "formats")], map(_row, records))
    delivered = Counter(_digest(path) for source in (LAND_DEEDS, MIXED) for path in _files(source))
    stored = Counter(file.sha256 for record in records for file in record.files)
    done = all(report.outcome == "completed" for report in day.taken)
    day.claim("ingest", holds=done and delivered == stored, packages=len(records), files=stored.total())


def _row(record: "RecordReport") -> tuple[object, ...]:
    described, formats = record.description, Counter(file.puid or "-" for file in record.files)
    kinds = ", ".join(f"{puid} × {count}" for puid, count in formats.items())
    return described.reference_code, described.title, described.page_count, len(record.files), kinds


def _refuse(day: Day) -> None:
    from repository.services.jobs import status

    with _opened() as session:
        before = status(session)
        reports = [_refused(session, DELIVERIES / name) for name in FAULTY]
        say(text("demo.refuse.source", name=CLASSIFIED))
        code = _refused_outright(session, DELIVERIES / CLASSIFIED)
        after = status(session)
    kept = after.holdings.stored == before.holdings.stored
    rejected = [one.stage for one in after.unfinished] == ["rejected"] * len(FAULTY)
    explained = all(report.outcome == "rejected" and report.findings for report in reports)
    day.claim("refuse", holds=kept and rejected and explained and code == "above-ceiling", count=len(FAULTY) + 1)


def _refused(session: "Session", source: Path) -> "IngestReport":
    report = _take(session, source)
    say(text("demo.refuse.source", name=source.name))
    say_findings(report.findings)
    return report


def _refused_outright(session: "Session", source: Path) -> str:
    try:
        _take(session, source)
    except ArchiveError as error:
        say(f"  [{text('severity.error')}] {error.message(language())} ({error.code})")
        return error.code
    return ""


def _settled(session: "Session", report: "IngestReport") -> "IngestReport":
    """What machines left to a person is accepted by one."""
    from repository.services.review import Decision, decide, list_queue
    from repository.services.sampling import finish_review

    if report.outcome != "waiting":
        return report
    waiting = sum(one.waiting for one in list_queue(session, accession=report.accession).records)
    decide(session, str(report.accession), Decision.ACCEPT, reason=text("demo.ingest.reason"))
    say(text("demo.ingest.reviewed", pages=waiting))
    with progress(as_json=False) as watch:
        return finish_review(session, report.accession, watch)


def _quality(day: Day) -> None:
    """A delivery with a fault of every kind is judged page by page; what was planted is what was found."""
    from repository.services.contact_sheet import write_sheet
    from repository.services.review import show_quality

    planted: dict[str, list[str]] = msgspec.json.decode((PAGES / "expected.json").read_bytes())["planted"]
    with _opened() as session:
        report = _take(session, _scans())
        pages = show_quality(session, SCANNED, every=True).pages
        write_sheet(session, SCANNED, SHEET, language=language())
    told: dict[str, set[str]] = {}
    unseen: dict[str, set[str]] = {}
    for page in pages:
        name = page.path or ""
        told.setdefault(name, set()).update(
            check.id for check in page.checks if check.outcome in ("fail", "review", "noted")
        )
        unseen.setdefault(name, set()).update(check.id for check in page.checks if check.outcome == "not-tested")
    untested = [name for name, checks in planted.items() if set(checks) & unseen.get(name, set())]
    planted = {name: checks for name, checks in planted.items() if name not in untested}
    found = [name for name, checks in planted.items() if set(checks) <= told.get(name, set())]
    stopped = {page.path for page in pages if page.standing in ("failed", "waiting")}
    say(text("demo.quality.sheet", pages=len(pages), stopped=len(stopped), path=SHEET))
    if untested:
        say(text("demo.quality.untested", names=", ".join(untested)))
    silent = [name for name in planted if name not in found]
    if silent:
        say(f"  {', '.join(silent)}")
    sound = stopped <= set(planted)
    day.claim(
        "quality",
        holds=report.outcome == "waiting" and not silent and sound,
        found=len(found),
        planted=len(planted),
    )


def _scans() -> Path:
    """A delivery of one record, whose pages are those of the fixtures."""
    shutil.copytree(PAGES, SCANS / SCANNED, ignore=shutil.ignore_patterns("*.json"))
    with (SCANS / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        header = ("档号", "题名", "日期", "密级", "保管期限", "文件")
        csv.writer(file).writerows((header, (SCANNED, text("demo.quality.title"), "19530301", "公开", "永久", SCANNED)))
    return SCANS


def _search(day: Day) -> None:
    from repository.services.search import search_records

    with (LAND_DEEDS / "catalogue.csv").open(encoding="utf-8-sig") as file:
        titles = {row["档号"]: row["题名"] for row in csv.DictReader(file)}
    for words in ("地契", "民国"):
        with _opened() as session:
            page = search_records(session, words, as_of=None, limit=20, after=None)
        say(text("demo.search.words", words=words))
        say_table(
            [text(f"column.{name}") for name in ("code", "title", "date")],
            [(one.reference_code, one.title, one.date) for one in page.entries],
        )
        wanted = {code for code, title in titles.items() if words in title}
        found = {one.reference_code for one in page.entries}
        day.claim("search", holds=bool(wanted) and found == wanted, count=len(wanted))


def _show(day: Day) -> None:
    from cli.commands.show import say_record
    from repository.services.search import show_record

    with _opened() as session:
        report = show_record(session, RECORD, as_of=None)
    say_record(report)
    names = [entry.name for entry in report.history]
    whole = names[0] == "Opened" and names[-1] == "Completed" and "Stored" in names
    signed = all(entry.actor_name == ADMINISTRATOR for entry in report.history)
    day.claim("show", holds=whole and signed, count=len(names))


def _disseminate(day: Day) -> None:
    from repository.services.access import disseminate
    from repository.services.search import show_record
    from repository.services.validation import validate

    HANDED_OUT.mkdir()
    with _opened() as session:
        report = disseminate(session, RECORD, paths=(), purpose=text("demo.disseminate.purpose"), target=HANDED_OUT)
        wanted = {file.sha256 for file in show_record(session, RECORD, as_of=None).files}
        delivered = [event.envelope.type for event in session.log.stream(report.request)]
    say(text("disseminate.done", path=report.path, files=report.files, size=size(report.bytes)))
    say(text("disseminate.source", package=report.package, version=report.version, event=report.stored_event))
    whole = wanted <= {_digest(path) for path in _files(Path(report.path))}
    valid = validate(Path(report.path)).verdict == "valid"
    day.claim("disseminate", holds=whole and valid and "AccessRequest.DipDelivered" in delivered)


def _use(day: Day) -> None:
    """An heir asks for an internal record: registered at the desk, decided by somebody else, handed out, rated."""
    from repository.services.administration import Role, add_person, write_credential
    from repository.services.requests import deliver, grant, rate
    from repository.services.use import read_form, register_use

    with _opened() as session:
        for name, role, place in ((AT_THE_DESK, Role.DESK, DESK), (DECIDES, Role.DECIDER, DECIDER)):
            write_credential(place, add_person(session, name=name, roles=[role])[1])
        day.taken.append(_take(session, _internal()))
        before = session.log.position()
    form = {"document": "identity-card", "capacity": "heir", "proofs": ["proof-of-kinship"], "purpose": "proof"}
    with _opened(credential=DESK) as session:
        use = register_use(session, read_form(msgspec.json.encode(READER | form | {"records": [CONTROLLED]})))
        say(text("demo.use.registered", request=use.request))
        refused = _refusal(lambda: grant(session, use.request))
        early = _refusal(lambda: deliver(session, use.request, HANDED_OUT))
    with _opened(credential=DECIDER) as session:
        grant(session, use.request, until="2099-12-31")
    with _opened(credential=DESK) as session:
        given = deliver(session, use.request, HANDED_OUT)
        rate(session, use.request, 5)
    with _opened() as session:
        told = [event.envelope.type.partition(".")[2] for event in session.log.events(after=before)]
    say(text("demo.use.told", events=" → ".join(told)))
    sealed = not any(words.encode() in path.read_bytes() for path in _files(ARCHIVE) for words in READER.values())
    in_order = told.index("Granted") < told.index("DipDelivered") < told.index("Rated")
    kept_apart = (refused, early) == ("not-allowed", "access-controlled") and len(given.packages) == 1
    day.claim("use", holds=sealed and in_order and kept_apart)


def _internal() -> Path:
    """A delivery of one internal record, made of a page that is there already."""
    (INTERNAL / CONTROLLED).mkdir(parents=True)
    shutil.copy(LAND_DEEDS / RECORD / f"{RECORD}-001.jpg", INTERNAL / CONTROLLED / f"{CONTROLLED}-001.jpg")
    with (INTERNAL / "catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        header = ("档号", "题名", "日期", "密级", "保管期限", "页数", "文件")
        row = (CONTROLLED, text("demo.use.title"), "19530301", "内部", "永久", "1", CONTROLLED)
        csv.writer(file).writerows((header, row))
    return INTERNAL


def _refusal(action: Callable[[], object]) -> str:
    """The code of the error that an action ends with."""
    try:
        action()
    except ArchiveError as error:
        say(f"  [{text('severity.error')}] {error.message(language())} ({error.code})")
        return error.code
    return ""


def _correct(day: Day) -> None:
    """A wrong 档号 is corrected; the old one still leads to the record, and the past stays as it was."""
    from repository.services.description import move_record
    from repository.services.history import diff
    from repository.services.search import show_record

    with _opened() as session:
        before = session.log.position()
        title = show_record(session, WRONG, as_of=None).description.title
        move_record(session, WRONG, parent=None, reference_code=RIGHT, reason=text("demo.correct.reason"))
        formerly = show_record(session, WRONG, as_of=None)
        then = show_record(session, WRONG, as_of=str(before))
        changes = diff(session, f"{before}..").changes
    say_table(
        [text(f"column.{name}") for name in ("position", "code", "title")],
        [(before, then.description.reference_code, then.description.title), ("…", RIGHT, formerly.description.title)],
    )
    leads = formerly.formerly and formerly.description.reference_code == RIGHT and formerly.description.title == title
    past = then.description.reference_code == WRONG and not then.formerly
    day.claim("correct", holds=leads and past and len(changes) == 1, wrong=WRONG, right=RIGHT)


def _trace(day: Day) -> None:
    """From the copy that was handed out back to the delivery that the record came with."""
    from repository.services.tracing import trace

    with _opened() as session:
        page = session.catalogue.requests(state="closed", limit=1)
        report = trace(session, str(page.entries[0].dip), as_of=None)
    names = [step.type.partition(".")[2] for step in report.steps]
    say("  " + " → ".join(names))
    chain = ("Opened", "DeliveryValidated", "Stored", "Requested", "DipAssembled", "DipDelivered")
    places = [names.index(name) for name in chain if name in names]
    day.claim("trace", holds=len(places) == len(chain) and places == sorted(places), count=len(names))


def _fsck(day: Day) -> None:
    from repository.services.audit import fsck

    with _opened() as session, progress(as_json=False) as watch:
        report = fsck(session, watch)
    say(
        text(
            "fsck.sound" if report.sound else "fsck.faults",
            events=report.events,
            packages=report.packages,
            files=report.files,
            count=len(report.faults),
        )
    )
    day.claim("fsck", holds=report.sound and report.packages == sum(len(one.packages) for one in day.taken))


def _replay(day: Day) -> None:
    from repository.services.audit import replay

    with _opened() as session, progress(as_json=False) as watch:
        report = replay(session, None, watch)
    say(text("demo.replay.live", digest=report.live_sha256))
    say(text("demo.replay.replayed", digest=report.replayed_sha256))
    day.claim("replay", holds=report.live_sha256 == report.replayed_sha256 and report.position > 0)


def _flip(day: Day) -> None:
    from repository.services.audit import fsck

    shutil.copytree(ARCHIVE, DAMAGED)
    page = min((DAMAGED / "store").rglob(f"{RECORD}-*.jpg"))
    place = page.stat().st_size // 2
    with page.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    say(text("demo.flip.where", path=page.name, place=place + 1))
    with _opened(DAMAGED) as session, progress(as_json=False) as watch:
        report = fsck(session, watch)
    for path, codes in _by_path(report.faults).items():
        say(f"  {path}")
        say(f"    {', '.join(codes)}")
    named = all(fault.path.endswith(page.name) for fault in report.faults)
    day.claim("flip", holds=bool(report.faults) and named and not report.sound)


def _by_path(faults: Sequence["Fault"]) -> dict[str, list[str]]:
    """What was found, by the name of the file that it was found in: packages and stores write its path differently."""
    found: dict[str, list[str]] = {}
    for fault in faults:
        found.setdefault(fault.path.rpartition("/")[2], []).append(fault.code)
    return found


def _end(day: Day, seconds: float) -> int:
    wrong = day.claims.count(False)
    if wrong:
        head(text("demo.failed", count=len(day.claims), wrong=wrong))
        return FAILED
    head(text("demo.done", count=len(day.claims), seconds=f"{seconds:.1f}"))
    head(text("demo.next"))
    say(text("demo.next.setup"))
    home = Path(os.path.relpath(Path(sys.executable).parent))
    say_verbatim(f"  export PATH=$PWD/{home}:$PATH" if not home.is_absolute() else f"  export PATH={home}:$PATH")
    say_verbatim(f"  export JINGUI_ARCHIVE={ARCHIVE} JINGUI_CREDENTIAL={CREDENTIAL} JINGUI_LANG={language()}")
    say(text("demo.next.then"))
    for command in TRY:
        say_verbatim(f"  {command}")
    return 0


def _take(session: "Session", source: Path, *, per_folder: bool = False) -> "IngestReport":
    from repository.services.ingest import IngestRequest, ingest

    with progress(as_json=False) as watch:
        return ingest(session, IngestRequest(source=source, per_folder=per_folder), watch)


def _opened(archive: Path = ARCHIVE, credential: Path = CREDENTIAL) -> AbstractContextManager["Session"]:
    from repository.archive import open_archive

    return open_archive(archive, credential)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


STEPS: dict[str, Step] = {
    "init": _init,
    "ingest": _ingest,
    "refuse": _refuse,
    "quality": _quality,
    "search": _search,
    "show": _show,
    "disseminate": _disseminate,
    "use": _use,
    "correct": _correct,
    "trace": _trace,
    "fsck": _fsck,
    "replay": _replay,
    "flip": _flip,
}
TRY = (
    "jingui status",
    "jingui list",
    "jingui review list",
    "jingui search 土地 --from-year 1950",
    f"jingui show {RECORD} --json",
    f"jingui events --record {RECORD}",
    f"jingui timeline {RIGHT}",
    "jingui report holdings",
    "jingui doctor",
    f"jingui disseminate {RECORD} --purpose 编史修志 --to {HANDED_OUT}",
    f"jingui fsck --archive {DAMAGED}",
    "jingui --help",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
