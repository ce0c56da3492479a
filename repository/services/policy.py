"""Policy of rights (权限策略): what a site decides about statuses, roles and terms, read from its `rights.toml`."""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from repository.domain.agent import Never
from repository.domain.values import RecordType, Role, SecrecyClass
from repository.errors import ArchiveError

FILE = "rights.toml"


class OpenByDefault(StrEnum):
    """The classes that can be open without a decision; a secret never is."""

    NONE = "none"
    OPEN = "公开"
    INTERNAL = "内部"


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which class a record is open as long as nobody decided, or `none`."""

    open_by_default: OpenByDefault

    @property
    def open_upto(self) -> int:
        """Rank of that class; -1 for none."""
        return list(OpenByDefault).index(self.open_by_default) - 1


class Separation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which preset says what may never be combined."""

    preset: str


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person of a preset: a title, and the roles that go together."""

    title: str
    roles: tuple[Role, ...]


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an archive of some size shares its work."""

    never: tuple[tuple[Role, Role], ...]
    people: tuple[Person, ...] = ()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Records that are due for opening review (开放审核): so many full years old, of this kind."""

    code: str
    years: int
    secrecy_max: SecrecyClass = SecrecyClass.INTERNAL
    fonds: str | None = None
    record_type: RecordType | None = None


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules by which records become due."""

    rules: tuple[Rule, ...] = ()


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that `rights.toml` says."""

    status: Status
    separation: Separation
    presets: dict[str, Preset]
    opening: Opening

    @property
    def never(self) -> Never:
        """Pairs of roles that one person may never combine."""
        return frozenset(frozenset(pair) for pair in self.presets[self.separation.preset].never)

    def rule(self, code: str) -> Rule:
        """The rule of that code. `rule-unknown` for another."""
        for rule in self.opening.rules:
            if rule.code == code:
                return rule
        raise ArchiveError("rule-unknown", code, known=", ".join(rule.code for rule in self.opening.rules))


def read_policy(archive: Path) -> Policy:
    """The policy of an archive: its own tables, else ours. `settings-invalid` for one that says nothing sensible."""
    path = archive / FILE
    try:
        own = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        policy = msgspec.convert(_shipped() | own, Policy)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ArchiveError("settings-invalid", path, reason=error) from error
    if policy.separation.preset not in policy.presets:
        raise ArchiveError("settings-invalid", path, reason=f"preset {policy.separation.preset}")
    return policy


@cache
def _shipped() -> dict[str, Any]:
    return tomllib.loads(files("repository").joinpath(FILE).read_text("utf-8"))
