"""The doctor (体检): is the house in order? Each line is ok, wants attention, has failed or was not checked.

Every check stands by itself: one that cannot be made because something else is broken says so, and the others go on.
Nothing is put right here; each line says what to do.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import msgspec

from repository.errors import ArchiveError, storage_error
from repository.services.doctor_checks import CHECKS, Check, State
from repository.services.session import Session


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What was found by one check. `exit` is how the program ends for it, 0 unless it failed."""

    check: str
    state: State
    code: str
    zh: str
    en: str
    hint_zh: str = ""
    hint_en: str = ""
    exit: int = 0


class DoctorReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was looked at. `exit` is that of the first line that failed."""

    schema: str = "jingui.doctor/1"
    exit: int
    lines: tuple[Line, ...]


def examine(session: Session) -> DoctorReport:
    """Look at everything. Of a catalogue that cannot be read, and what rests on it, it says so."""
    session.require("inspect")
    lines = tuple(line for name, check in CHECKS.items() for line in _made(session, name, check))
    return DoctorReport(exit=next((line.exit for line in lines if line.exit), 0), lines=lines)


def _made(session: Session, name: str, check: Check) -> Iterator[Line]:
    try:
        for state, code, values in check(session):
            yield _line(name, state, f"{name}.{code}", values)
    except (ArchiveError, OSError) as error:
        problem = error if isinstance(error, ArchiveError) else storage_error(error, error.filename or name)
        if problem.code == "catalogue-damaged" and name != "catalogue":
            yield _line(name, "not checked", "catalogue.unread", {})
            return
        yield Line(
            check=name,
            state="failed",
            code=problem.code,
            zh=problem.message("zh"),
            en=problem.message("en"),
            hint_zh=problem.hint("zh"),
            hint_en=problem.hint("en"),
            exit=problem.row.exit,
        )


def _line(check: str, state: State, code: str, values: dict[str, object]) -> Line:
    row = words()[code]
    return Line(
        check=check,
        state=state,
        code=code,
        zh=row.zh.format(**values),
        en=row.en.format(**values),
        hint_zh=row.hint_zh,
        hint_en=row.hint_en,
        exit=row.exit if state == "failed" else 0,
    )


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be said of one thing, and what to do about it."""

    zh: str
    en: str
    hint_zh: str = ""
    hint_en: str = ""
    exit: int = 0


@cache
def words() -> dict[str, Words]:
    """Everything that can be said, by its code."""
    rows = tomllib.loads(files("repository.services").joinpath("doctor.toml").read_text("utf-8"))
    return msgspec.convert(rows, dict[str, Words])
