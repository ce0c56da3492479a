"""What the command-line library says, in the words of our own table: its help and its complaints about usage.

A sentence that is not known here is passed on as it is; a test makes every command say all that it can.
"""

import re
from functools import partial
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.language import text

COMPLAINTS = {
    "command-missing": r"Missing command\.",
    "command-unknown": r"No such command '(?P<thing>.*?)'\..*",
    "option-unknown": r"No such option: (?P<thing>\S+).*",
    "argument-missing": r"Missing argument '(?P<thing>.*?)'\.",
    "option-missing": r"Missing option '(?P<thing>.*?)'\.",
    "value-missing": r"Option '(?P<thing>.*?)' requires an argument\.",
    "value-unwanted": r"Option '(?P<thing>.*?)' does not take a value\.",
    "arguments-many": r"Got unexpected extra argument(?:s|\(s\))? \((?P<thing>.*)\)",
    "value-choice": r"Invalid value for '?(?P<thing>.*?)'?: .*'(?P<value>[^']*)' is not one of (?P<known>.*)\.",
    "value-least": r"Invalid value for '?(?P<thing>.*?)'?: Input should be greater than or equal to (?P<known>.*)",
    "value-most": r"Invalid value for '?(?P<thing>.*?)'?: Input should be less than or equal to (?P<known>.*)",
    "value-form": r"Invalid value for '?(?P<thing>.*?)'?: (?:Value .* is not|Input should be) a valid .*",
    "value-wrong": r"Invalid value for '?(?P<thing>.*?)'?: (?P<value>.*)",
}
"""Key of our words, and the sentence that they stand for."""

HELP = {
    "usage": r"(?m)^Usage: (?P<thing>[a-z ]*)\[OPTIONS\]",
    "arguments": r"(?m)^Arguments:$",
    "options": r"(?m)^Options:$",
    "commands": r"(?m)^Commands:$",
    "required": r"\[required\]",
    "default-range": r"\[default: (?P<value>[^\]]*?); (?P<thing>[^\]]*)\]",
    "default": r"\[default: (?P<thing>[^\]]*)\]",
    "range": r"\[(?P<thing>[0-9<=]*x[0-9<>=]+)\]",
    "help": r"Show this message and exit\.",
    "install-completion": r"Install completion for the current shell\.",
    "show-completion": r"Show completion for the current shell, to copy it or\s+customize the installation\.",
}
"""Key of our words, and what they replace in the text of a help page."""


def complaint(error: typer.TyperException) -> str:
    """What is wrong with how the program was called."""
    said = error.format_message()
    for key, pattern in COMPLAINTS.items():
        if found := re.fullmatch(pattern, said, re.DOTALL):
            return text(f"usage.{key}", **found.groupdict())
    return said


def help_words(said: str) -> str:
    """A help page in our words."""
    for key, pattern in HELP.items():
        said = re.sub(pattern, partial(_ours, key), said)
    return said


def _ours(key: str, found: re.Match[str]) -> str:
    return text(f"help.{key}", **found.groupdict())


class Command(TyperCommand):
    """A command that explains itself in our words."""

    def get_help(self, ctx: Any) -> str:  # the library has two names for the type of the context
        """Its help page."""
        return help_words(super().get_help(ctx))


class Group(TyperGroup):
    """The program itself, which explains itself in our words."""

    def get_help(self, ctx: Any) -> str:
        """Its help page."""
        return help_words(super().get_help(ctx))
