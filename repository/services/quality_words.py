"""What checks and standings are called (质检用语), zh and en: for sheets, charts and reports."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Protocol

from repository.domain.assessment import Standing


class Seen(Protocol):
    """What one check found, in words."""

    @property
    def id(self) -> str:
        """Which check."""
        ...

    @property
    def value(self) -> str | None:
        """What it measured."""
        ...

    @property
    def unit(self) -> str:
        """In which unit."""
        ...

    @property
    def threshold(self) -> str | None:
        """The limit."""
        ...

    @property
    def reason(self) -> str:
        """A word of the check's."""
        ...


@cache
def words() -> dict[str, dict[str, str]]:
    """The table."""
    return tomllib.loads(files("repository.services").joinpath("quality_words.toml").read_text("utf-8"))


def say(key: str, language: str) -> str:
    """A word of the table; a check that the table does not name is called by its id."""
    row = words().get(key)
    return key.partition(".")[2] if row is None else row["en" if language == "en" else "zh"]


def check_words(check: str, language: str) -> str:
    """What a check is about."""
    return say(f"check.{check}", language)


def standing_words(standing: Standing, language: str) -> str:
    """How a page stands."""
    return say(f"standing.{standing.value}", language)


def reason_words(seen: Seen, language: str) -> str:
    """Why a check stopped a page, or what it noted: what was measured, and the limit."""
    value = f" {seen.value} {seen.unit}".rstrip() if seen.value is not None else ""
    limit = f" ({'limit' if language == 'en' else '限'} {seen.threshold})" if seen.threshold is not None else ""
    reason = f" {seen.reason}" if seen.reason else ""
    return f"{seen.id} {check_words(seen.id, language)}{value}{limit}{reason}"
