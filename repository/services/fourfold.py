"""Four-property check (四性检测): authenticity, integrity, usability and security of an accession, item by item.

Every item of the table (`fourfold.toml`) is answered at receipt, transfer and keeping from the events themselves:
`passed` or `failed` where a machine looked, with what it looked at; `not-tested` for everything else - what a person or
another system has to check, and what could have been checked and was not. Unknown is never a pass.
"""

import tomllib
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Literal
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, Severity
from repository.domain.accession import ACCESSION, DeliveryRejected, DeliveryValidated, Stage, State
from repository.domain.aggregate import fold
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.archival_package import State as Package
from repository.domain.assessment import ABSENT, BAD, FAIL, NOT_TESTED, REVIEW, outcome_of
from repository.domain.description import DESCRIPTION
from repository.domain.description_fields import Fields
from repository.domain.envelope import Event
from repository.domain.sampling import GOOD_PERCENT
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services import fixity_age
from repository.services.search import position_of
from repository.services.session import Session

How = Literal["auto", "external", "manual"]


class Moment(StrEnum):
    """When it is checked: at receipt (归档、接收), at transfer of custody (移交), in keeping (长期保存)."""

    RECEIPT = "receipt"
    TRANSFER = "transfer"
    KEEPING = "keeping"


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item of the table: `codes` are findings that fail it, `checks` those on pages that do."""

    property: Literal["authenticity", "integrity", "usability", "security"]
    zh: str
    en: str
    how: How
    stages: tuple[Moment, ...]
    rule: str = ""
    codes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


class ItemResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an item; `zh` and `en` say what was looked at, or why nothing was."""

    id: str
    property: str
    how: How
    outcome: Outcome
    title_zh: str
    title_en: str
    zh: str
    en: str


class FourfoldReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of one accession at one moment."""

    schema: str = "jingui.fourfold/1"
    accession: UUID
    moment: Moment
    position: int
    delivery: int
    title: str | None
    passed: int
    failed: int
    not_tested: int
    items: tuple[ItemResult, ...]


class _Case(msgspec.Struct, frozen=True):
    """Everything that the rules look at."""

    session: Session
    history: Sequence[Event]
    state: State
    packages: Sequence[Package]
    position: int | None

    @property
    def verdict(self) -> DeliveryValidated | DeliveryRejected | None:
        """The verdict on the delivery in hand."""
        found = [one.payload for one in self.history]
        verdicts = [one for one in found if isinstance(one, DeliveryValidated | DeliveryRejected)]
        return next((one for one in reversed(verdicts) if one.delivery == self.state.delivery), None)


Said = tuple[Outcome, str, str]
Rule = Callable[[_Case, Item], Said]
PASSED, FAILED, UNKNOWN = Outcome.PASSED, Outcome.FAILED, Outcome.NOT_CHECKED


@cache
def table() -> dict[str, Item]:
    """The items by their ids."""
    rows = tomllib.loads(files("repository.services").joinpath("fourfold.toml").read_text("utf-8"))
    return msgspec.convert(rows, dict[str, Item])


def fourfold(session: Session, stream: UUID, moment: Moment, *, as_of: str | None = None) -> FourfoldReport:
    """The report, as it is or was. `accession-unknown`."""
    session.require("survey")
    session.catch_up()
    at = position_of(session, as_of)
    history = _upto(session, stream, at)
    state = fold(ACCESSION, history)
    if state.stage is Stage.NEW:
        raise ArchiveError("accession-unknown", stream)
    paths = [path for path in state.taken if not state.is_papers(path)]
    packages = [fold(ARCHIVAL_PACKAGE, _upto(session, state.units[path].package, at)) for path in paths]
    case = _Case(session, history, state, packages, at)
    items = tuple(_result(case, name, item) for name, item in table().items() if moment in item.stages)
    outcomes = [one.outcome for one in items]
    opened = state.opened
    return FourfoldReport(
        accession=stream,
        moment=moment,
        position=at if at is not None else session.log.position(),
        delivery=state.delivery,
        title=opened.title if opened and isinstance(opened.title, str) else None,
        passed=outcomes.count(PASSED),
        failed=outcomes.count(FAILED),
        not_tested=outcomes.count(UNKNOWN),
        items=items,
    )


def _upto(session: Session, stream: UUID, position: int | None) -> list[Event]:
    return [one for one in session.log.stream(stream) if position is None or one.envelope.position <= position]


def _result(case: _Case, name: str, item: Item) -> ItemResult:
    if item.how == "auto":
        outcome, zh, en = _RULES[item.rule](case, item)
    else:
        outcome, zh, en = UNKNOWN, *_OF_OTHERS[item.how]
    return ItemResult(
        id=name,
        property=item.property,
        how=item.how,
        outcome=outcome,
        title_zh=item.zh,
        title_en=item.en,
        zh=zh,
        en=en,
    )


_OF_OTHERS = {
    "external": ("由其他系统检测，本系统未检测", "checked by another system, not by this one"),
    "manual": ("由人检查，未记入本系统", "checked by a person, not recorded here"),
}
_NOTHING: Said = (UNKNOWN, "尚无检验结论", "there is no verdict yet")


def _findings(case: _Case, item: Item) -> Said:
    """Failed by one of its findings. With more findings than an event keeps, what is not among them is not known."""
    verdict = case.verdict
    if verdict is None:
        return _NOTHING
    found = [Finding(one.code, one.path, one.expected, one.found) for one in verdict.findings]
    wrong = [one for one in found if one.severity is Severity.ERROR and one.code.startswith(item.codes)]
    if wrong:
        return FAILED, f"检出 {len(wrong)} 处：{wrong[0].message('zh')}", f"{len(wrong)}: {wrong[0].message('en')}"
    if verdict.findings_total > len(verdict.findings):
        return UNKNOWN, "检出过多，未全部记入", "too many findings to keep them all"
    return PASSED, "接收时逐项检验，未检出", "looked for on receipt, nothing found"


def _catalogue(case: _Case, item: Item) -> Said:
    if not any(unit.reference_code for unit in case.state.plan):
        return UNKNOWN, "移交没有可核对的目录", "the delivery has no catalogue to judge by"
    return _findings(case, item)


def _digests(case: _Case, item: Item) -> Said:
    judged = _findings(case, item)
    verdict = case.verdict
    count = sum(one.files for one in verdict.producer_digests) if isinstance(verdict, DeliveryValidated) else 0
    if judged[0] is PASSED and not count:
        return UNKNOWN, "移交方没有给出摘要", "the producer gave no digests"
    return (PASSED, f"{count} 个摘要逐一相符", f"{count} digests agree") if judged[0] is PASSED else judged


def _history(case: _Case, _: Item) -> Said:
    versions = [one.envelope.version for one in case.history]
    if versions != list(range(1, len(versions) + 1)):
        return FAILED, "事件有缺", "events are missing"
    return PASSED, f"事件 {len(versions)} 个，次序连续", f"{len(versions)} events in unbroken order"


def _process(case: _Case, _: Item) -> Said:
    names = {type(one.payload).__name__ for one in case.history}
    wanted = {"Opened", "DeliveryReceived", "Planned", "DeliveryValidated"}
    if missing := sorted(wanted - names):
        return UNKNOWN, f"尚缺：{'、'.join(missing)}", f"not yet: {', '.join(missing)}"
    return PASSED, "接收各步骤都有事件", "every step of the receipt has its event"


def _units(case: _Case, _: Item) -> Said:
    if not case.state.is_planned or not isinstance(case.verdict, DeliveryValidated):
        return _NOTHING
    made = sum(one.created is not None for one in case.packages)
    told = f"{made}/{len(case.packages)}"
    return (PASSED if made == len(case.packages) > 0 else UNKNOWN), f"已建立 {told} 件", f"{told} records made"


def _bytes(case: _Case, _: Item) -> Said:
    received = case.state.received
    if received is None or any(one.created is None for one in case.packages) or not case.packages:
        return _NOTHING
    said = f"{received.files} 个文件，{received.bytes} 字节，清单 {received.listing_sha256[:12]}…"
    return PASSED, said, f"{received.files} files, {received.bytes} bytes, listing {received.listing_sha256[:12]}…"


def _fields(case: _Case, _: Item) -> Said:
    described = [one for one in (_described(case, package) for package in case.packages) if one is not None]
    if len(described) < len(case.packages) or not described:
        return UNKNOWN, "尚未全部著录", "not all are described yet"
    poor = sum(not one.title or one.retention_period is None for one in described)
    if poor:
        return FAILED, f"{poor} 件缺题名或保管期限", f"{poor} record(s) lack title or retention"
    return PASSED, f"{len(described)} 件有题名、保管期限、密级", f"{len(described)} have title, retention, secrecy"


def _described(case: _Case, package: Package) -> Fields | None:
    created = package.created
    return fold(DESCRIPTION, _upto(case.session, created.description, case.position)).fields if created else None


def _stored(case: _Case, _: Item) -> Said:
    stored = sum(bool(one.stored) for one in case.packages)
    told = f"{stored}/{len(case.packages)}"
    whole = stored == len(case.packages) > 0
    return (PASSED if whole else UNKNOWN), f"已存入 {told}，存入时检验", f"{told} stored, validated as they were built"


def _read(case: _Case, item: Item) -> Said:
    packages = [case.state.units[path].package for path in _paths(case)]
    cards = [case.session.catalogue.package(package, as_of=case.position) for package in packages]
    if any(one is not None and one.damaged for one in cards):
        return FAILED, "有信息包损坏", "a package is damaged"
    return _fixity(case, item)


def _paths(case: _Case) -> list[str]:
    return [path for path in case.state.taken if not case.state.is_papers(path)]


def _fixity(case: _Case, _: Item) -> Said:
    """Read again within the policy's age; what was stored within it was read when it was stored."""
    if not case.packages or any(not one.stored for one in case.packages):
        return UNKNOWN, "尚未全部存入", "not all are stored yet"
    seen = fixity_age.by_age(case.session, as_of=case.position)
    old = {one.package for one in fixity_age.older(case.session, seen, case.session.settings.fixity_age_days)}
    late = [path for path in _paths(case) if case.state.units[path].package in old]
    if late:
        return FAILED, f"{len(late)} 件逾期未校验", f"{len(late)} package(s) are overdue"
    return PASSED, "都在年限内校验过", "all were verified within the age"


def _metadata(case: _Case, _: Item) -> Said:
    if not case.packages or any(not one.stored for one in case.packages):
        return UNKNOWN, "尚未全部存入", "not all are stored yet"
    lagging = {card.id for card in case.session.catalogue.lagging(as_of=case.position, limit=1_000).entries}
    late = sum(case.state.units[path].package in lagging for path in _paths(case))
    if late:
        return FAILED, f"{late} 个信息包尚未更新为现在的著录", f"{late} package(s) tell less than the database"
    return PASSED, "信息包所载即目录库所载", "packages tell what the database tells"


def _catalogued(case: _Case, _: Item) -> Said:
    there = [_described(case, one) is not None for one in case.packages]
    told = f"{sum(there)}/{len(there)}"
    return (PASSED if there and all(there) else UNKNOWN), f"已著录 {told}", f"{told} described"


def _formats(case: _Case, item: Item) -> Said:
    judged = _findings(case, item)
    if judged[0] is FAILED:
        return judged
    known = [one.formats for one in case.packages]
    if not known or any(one is None for one in known):
        return UNKNOWN, "未识别格式", "formats were not identified"
    strange = sum(row.files for one in known if one for row in one.formats if row.puid is None)
    if strange:
        return UNKNOWN, f"{strange} 个文件格式不明", f"{strange} file(s) of no known format"
    return PASSED, "全部识别，符合格式策略", "all identified and held against the format policy"


def _viruses(case: _Case, _: Item) -> Said:
    outcomes = {one.viruses.outcome if one.viruses else UNKNOWN for one in case.packages}
    if FAILED in outcomes:
        return FAILED, "检出病毒", "viruses were found"
    if outcomes == {PASSED}:
        return PASSED, "全部扫描，未检出", "all scanned, nothing found"
    return UNKNOWN, "未配置杀毒软件，未检测", "no scanner is configured, nothing was scanned"


def _scanner(case: _Case, _: Item) -> Said:
    tools = {one.viruses.tool for one in case.packages if one.viruses and one.viruses.tool}
    if not tools:
        return UNKNOWN, "未配置杀毒软件", "no scanner is configured"
    return PASSED, "、".join(sorted(tools)), ", ".join(sorted(tools))


def _check(case: _Case, item: Item) -> Said:
    """What these checks found on every page; pages on which people decided otherwise count as they decided."""
    seen = bad = unseen = 0
    for package in case.packages:
        verdict = package.quality
        for event in verdict.assessed.values():
            places = [number for number, column in enumerate(event.columns) if column.id in item.checks]
            for page in event.pages:
                letters = {page.checks[place] for place in places} - {ABSENT}
                settled = verdict.decided.get(page.key) is not None and verdict.standing(page) not in BAD
                seen += bool(letters - {NOT_TESTED})
                unseen += not letters or NOT_TESTED in letters
                bad += bool(letters & {FAIL, REVIEW}) and not settled
    if bad:
        return FAILED, f"{bad} 页不合格或待定（已检 {seen} 页）", f"{bad} of {seen} page(s) fail or wait"
    if not seen or unseen or not all(one.quality.is_whole for one in case.packages):
        return UNKNOWN, f"未检测，或未全部检测（已检 {seen} 页）", f"not tested, or not all of it ({seen} page(s) were)"
    return PASSED, f"逐页检测 {seen} 页", f"{seen} page(s), each judged"


def _quality(case: _Case, _: Item) -> Said:
    pages = sum(len(one.quality.pages) for one in case.packages)
    outcome = outcome_of(one.quality for one in case.packages)
    if outcome is UNKNOWN:
        return UNKNOWN, f"未全部检测，或尚待复核（已检 {pages} 页）", f"not all judged, or waiting ({pages} page(s))"
    words = ("合格", "pass") if outcome is PASSED else ("有不合格页", "some fail")
    return outcome, f"{pages} 页，{words[0]}", f"{pages} page(s), {words[1]}"


def _linked(case: _Case, _: Item) -> Said:
    ended = case.state.sample.concluded
    if ended is None:
        return UNKNOWN, "没有抽检结论", "no sample was concluded"
    told = f"{ended.units - ended.unlinked}/{ended.units}"
    return (FAILED if ended.unlinked else PASSED), f"抽检相符 {told}", f"{told} of the sample agree"


def _good(case: _Case, _: Item) -> Said:
    ended = case.state.sample.concluded
    if ended is None:
        return UNKNOWN, "没有抽检结论", "no sample was concluded"
    good = ended.good * 100 >= ended.pages * GOOD_PERCENT
    return (
        (PASSED if good else FAILED),
        f"合格页 {ended.good}/{ended.pages}",
        f"{ended.good} of {ended.pages} pages good",
    )


_RULES: dict[str, Rule] = {
    "any": _findings,
    "catalogue": _catalogue,
    "digests": _digests,
    "history": _history,
    "process": _process,
    "count-units": _units,
    "count-bytes": _bytes,
    "fields-present": _fields,
    "packages-stored": _stored,
    "packages-read": _read,
    "metadata-agrees": _metadata,
    "catalogued": _catalogued,
    "formats": _formats,
    "viruses": _viruses,
    "scanner": _scanner,
    "check": _check,
    "quality": _quality,
    "sample-linked": _linked,
    "sample-good": _good,
    "fixity": _fixity,
}
