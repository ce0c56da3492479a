"""Errors (错误): work cannot go on. Each says what happened, to which thing, and what to do next.

Codes, exit statuses, HTTP statuses and words stand in one table, `errors.toml`, used by the command line, by the API
and by the documentation.
"""

import errno
import tomllib
from functools import cache
from importlib.resources import files

import msgspec

_FULL = {errno.ENOSPC, errno.EDQUOT}


PASSING = frozenset({"locked", "conflict", "catalogue-busy"})
"""Codes of errors that pass by themselves: somebody else is at the same thing, and will be done with it."""


class ErrorRow(msgspec.Struct, frozen=True):
    """One row of the table: how the error ends a program or a request, and its words (`hint_*`: what to do next)."""

    exit: int
    http: int
    zh: str
    en: str
    hint_zh: str
    hint_en: str


class ArchiveError(Exception):
    """Work cannot go on. `code` names the row; `values` fill its words, `thing` first among them."""

    def __init__(self, code: str, thing: object = "", **values: object) -> None:
        self.code = code
        self.values = {"thing": str(thing), **{name: str(value) for name, value in values.items()}}
        super().__init__(self.message("en"))

    @property
    def row(self) -> ErrorRow:
        """The row of the table that the code names."""
        return table()[self.code]

    def message(self, language: str) -> str:
        """What happened, to which thing, in `zh` or `en`."""
        return (self.row.zh if language == "zh" else self.row.en).format(**self.values)

    def hint(self, language: str) -> str:
        """What to do next, in `zh` or `en`."""
        return (self.row.hint_zh if language == "zh" else self.row.hint_en).format(**self.values)


def storage_error(error: OSError, thing: object) -> ArchiveError:
    """What the operating system refused, in the archive's words: `storage-exhausted` or `storage-failed`."""
    if error.errno in _FULL:
        return ArchiveError("storage-exhausted", thing)
    return ArchiveError("storage-failed", thing, reason=error)


@cache
def table() -> dict[str, ErrorRow]:
    """Every error by its code."""
    rows = tomllib.loads(files("repository").joinpath("errors.toml").read_text("utf-8"))
    return msgspec.convert(rows, dict[str, ErrorRow])
