"""Description (著录): entries are described, revised, moved, merged, divided and closed, with or without files.

A change says with `If-Match` which version of the entry it has seen; the entry's own address tells the version.
"""

from http import HTTPStatus

import msgspec

from api.bodies import Reason
from api.endpoints import Answer, Call, Room
from api.parameters import Record
from repository.services import description
from repository.services.description import DescriptionReport, Level, PartRequest
from repository.services.session import Session

room = Room("descriptions")

_GONE = ("description-unknown", "description-gone")
_FIELDS = ("field-unknown", "field-unfit", "section-unfit", "number-unfit", "title-missing", "secrecy-ceiling")
_PLACE = ("parent-unknown", "parent-level", "parent-closed", "parent-fonds", "code-taken")
_CHANGED = ("record-unknown", "reason-missing", *_GONE)


class NewDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is described: its level, its place and 档号, and its fields by name, each in words."""

    level: Level
    words: dict[str, str]
    parent: str | None = None
    reference_code: str | None = None
    archive: str | None = None


class NewWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other words for fields, by name, and why."""

    words: dict[str, str]
    reason: str


class NewPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another parent (`-`: none), another 档号, or both, and why; null leaves as it is."""

    reason: str
    parent: str | None = None
    reference_code: str | None = None


class Merger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Into which other entry, and why."""

    into: str
    reason: str


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part that a division makes: its 档号, its title, and its pages (`1-3,7`; empty for an entry on paper)."""

    reference_code: str
    title: str
    pages: str = ""


class Division(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Into which parts, and why."""

    parts: tuple[Part, ...]
    reason: str


def _answer(call: Call, report: DescriptionReport, status: int = HTTPStatus.OK) -> Answer:
    """What became of it, with the version that the next change must have seen."""
    headers = {"etag": f'"{description.version_of(call.session, report.description)}"'}
    if status == HTTPStatus.CREATED:
        headers["location"] = f"/v1/records/{report.description}"
    return Answer(body=report, status=status, headers=headers)


def _seeing(call: Call, record: str) -> Session:
    """The session that changes this entry only as the caller saw it."""
    return call.seeing(description.entry_to_change(call.session, record))


@room.add(
    "POST",
    "/v1/records",
    verb="describe",
    answer=DescriptionReport,
    status=HTTPStatus.CREATED,
    takes=NewDescription,
    refused=("archive-unknown", "description-exists", *_FIELDS, *_PLACE),
)
def describe(call: Call) -> Answer:
    """著录。Describe a fonds, series, volume or item that is not described yet; `Location` is where it stands."""
    new = call.body(NewDescription)
    report = description.describe_record(
        call.session,
        level=new.level,
        parent=new.parent,
        reference_code=new.reference_code,
        words=new.words,
        archive=new.archive,
    )
    return _answer(call, report, HTTPStatus.CREATED)


@room.add(
    "PATCH",
    "/v1/records/{record}",
    verb="describe",
    answer=DescriptionReport,
    changes=True,
    takes=NewWords,
    refused=(*_CHANGED, *_FIELDS, *_PLACE, "description-place"),
)
def revise(call: Call, record: Record) -> Answer:
    """修改著录。Put other words into fields; what is so already changes nothing."""
    new = call.body(NewWords)
    return _answer(call, description.revise_record(_seeing(call, record), record, words=new.words, reason=new.reason))


@room.add(
    "POST",
    "/v1/records/{record}/move",
    verb="describe",
    answer=DescriptionReport,
    changes=True,
    takes=NewPlace,
    refused=(*_CHANGED, *_PLACE),
)
def move(call: Call, record: Record) -> Answer:
    """移动。Another parent, another 档号, or both; the old 档号 goes on leading to it."""
    new = call.body(NewPlace)
    report = description.move_record(
        _seeing(call, record), record, parent=new.parent, reference_code=new.reference_code, reason=new.reason
    )
    return _answer(call, report)


@room.add(
    "POST",
    "/v1/records/{record}/merge",
    verb="describe",
    answer=DescriptionReport,
    changes=True,
    takes=Merger,
    refused=(*_CHANGED, *_PLACE, "merge-unfit"),
)
def merge(call: Call, record: Record) -> Answer:
    """合并。The entry leads to another for ever, with its files and all below it."""
    merger = call.body(Merger)
    return _answer(
        call, description.merge_records(_seeing(call, record), record, into=merger.into, reason=merger.reason)
    )


@room.add(
    "POST",
    "/v1/records/{record}/division",
    verb="describe",
    answer=DescriptionReport,
    changes=True,
    takes=Division,
    refused=(*_CHANGED, *_PLACE, "divide-unfit", "pages-unfit", "title-missing", "fixity-mismatch"),
)
def divide(call: Call, record: Record) -> Answer:
    """拆分。Several entries of one; each page of its files goes to exactly one of them."""
    division = call.body(Division)
    parts = [
        PartRequest(reference_code=part.reference_code, title=part.title, pages=part.pages) for part in division.parts
    ]
    return _answer(call, description.divide_record(_seeing(call, record), record, parts=parts, reason=division.reason))


@room.add(
    "POST",
    "/v1/records/{record}/closure",
    verb="describe",
    answer=DescriptionReport,
    takes=Reason,
    refused=_CHANGED,
    changes=True,
)
def close(call: Call, record: Record) -> Answer:
    """关闭。Nothing more is placed below the entry."""
    return _answer(call, description.close_record(_seeing(call, record), record, reason=call.body(Reason).reason))
