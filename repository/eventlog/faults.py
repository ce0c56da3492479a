"""Faults of a log: what can be false in it, in words. A fault is a normal result of verifying, not an exception."""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec


class FaultRow(msgspec.Struct, frozen=True):
    """Words of one kind of fault. {position}, {expected} and {found} are the fault's own."""

    zh: str
    en: str


class LogFault(msgspec.Struct, frozen=True):
    """One thing that is false. `position` 0 stands for the log as a whole; `code` names a row of `faults.toml`."""

    position: int
    code: str
    expected: str = ""
    found: str = ""

    def message(self, language: str) -> str:
        """What is false, in `zh` or `en`."""
        row = fault_table()[self.code]
        words = row.zh if language == "zh" else row.en
        return words.format(position=self.position, expected=self.expected, found=self.found)


@cache
def fault_table() -> dict[str, FaultRow]:
    """Every fault by its code."""
    rows = tomllib.loads(files("repository.eventlog").joinpath("faults.toml").read_text("utf-8"))
    return msgspec.convert(rows, dict[str, FaultRow])
