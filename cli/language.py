"""The words of the command line in Chinese and English, from one table, and the choice between them.

The choice is made once, before the first word is needed: `--lang`, else `JINGUI_LANG`, else the locale; Chinese where
the locale is Chinese or says nothing.
"""

import os
import sys
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

LANGUAGES = ("zh", "en")


def choose(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """`zh` or `en`. A language that is not known falls back to the locale; the option itself refuses it later."""
    for place, argument in enumerate(arguments):
        value = argument.removeprefix("--lang=") if argument.startswith("--lang=") else None
        if argument == "--lang" and place + 1 < len(arguments):
            value = arguments[place + 1]
        if value in LANGUAGES:
            return value
    if (named := environment.get("JINGUI_LANG")) in LANGUAGES:
        return str(named)
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "en" if locale and not locale.startswith(("zh", "C", "POSIX")) else "zh"


@cache
def language() -> str:
    """The language of this process."""
    return choose(sys.argv[1:], os.environ)


@cache
def table() -> dict[str, dict[str, str]]:
    """Every text of the command line: `zh` and `en` by its key."""
    return tomllib.loads(files("cli").joinpath("messages.toml").read_text("utf-8"))


def text(key: str, /, **values: object) -> str:
    """The words that the key names, filled with values."""
    words = table()[key][language()]
    return words.format(**values) if values else words
