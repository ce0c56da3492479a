"""The language of words (语言): Chinese, or English where whoever asks prefers it."""

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("zh", "en")


def preferred(accept: str | None) -> str:
    """What an `Accept-Language` header asks for, of the two that there are."""
    best, weight = "zh", 0.0
    for part in (accept or "").split(","):
        name, _, quality = part.partition(";")
        language = name.strip().lower()[:2]
        if language in LANGUAGES and (found := _weight(quality)) > weight:
            best, weight = language, found
    return best


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def text(key: str, language: str, **values: object) -> str:
    """A text of the table in this language, filled."""
    return _table()[key][language].format(**values)


@cache
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("api").joinpath("messages.toml").read_text("utf-8"))
