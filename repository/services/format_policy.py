"""Format policy (格式策略): which formats an archive prefers, accepts, must migrate, or does not take in at all.

A policy is a TOML file with a name, a version and rules. A rule names formats by PUID, by IANA media type (`image/*`
for all of a kind), or by name where PRONOM has no key. The first rule that names a file's PUID or name holds, else the
first that names its media type, else `otherwise`. Rules to migrate go by PUID alone, because that is what the catalogue
knows of every file ever taken in.
"""

import tomllib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from packages_spec.findings import Finding
from repository.errors import ArchiveError
from repository.services.identification import Identified

SHIPPED = "format_policy.toml"


class Verdict(StrEnum):
    """What the policy says of a format."""

    PREFERRED = "preferred"
    ACCEPTED = "accepted"
    TO_MIGRATE = "to-migrate"
    REFUSED = "refused"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: its id, its verdict, the formats it is for, and why."""

    id: str
    verdict: Verdict
    puids: frozenset[str] = frozenset()
    media_types: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    why: str = ""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A policy as its file has it."""

    schema: int
    name: str
    version: str
    otherwise: Verdict = Verdict.ACCEPTED
    rule: tuple[Rule, ...] = ()

    def of(self, kind: Identified) -> tuple[Verdict, str]:
        """The verdict on a format, and the rule that it rests on (`otherwise` for none)."""
        for rule in self.rule:
            if kind.puid in rule.puids or (kind.puid is None and kind.name in rule.names):
                return rule.verdict, rule.id
        for rule in self.rule:
            if any(_names(one, kind.media_type) for one in rule.media_types):
                return rule.verdict, rule.id
        return self.otherwise, "otherwise"

    def puids(self, verdict: Verdict) -> frozenset[str]:
        """The PUIDs with this verdict: those that an earlier rule names otherwise are not among them."""
        first: dict[str, Verdict] = {}
        for rule in self.rule:
            for puid in rule.puids:
                first.setdefault(puid, rule.verdict)
        return frozenset(puid for puid, said in first.items() if said is verdict)


def _names(pattern: str, media_type: str) -> bool:
    return media_type.startswith(pattern[:-1]) if pattern.endswith("/*") else media_type == pattern


@cache
def read_policy(place: str | None) -> Policy:
    """The policy in this file, or the one that comes with the software. `format-policy-invalid` says what is wrong."""
    try:
        text = files("repository.services").joinpath(SHIPPED).read_text("utf-8") if place is None else _text(place)
        policy = msgspec.convert(tomllib.loads(text), Policy, strict=False)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise ArchiveError("format-policy-invalid", place or SHIPPED, reason=error) from error
    if wrong := _wrong(policy):
        raise ArchiveError("format-policy-invalid", place or SHIPPED, reason=wrong)
    return policy


def _wrong(policy: Policy) -> str | None:
    if policy.schema != 1:
        return f"schema {policy.schema}"
    ids = [rule.id for rule in policy.rule]
    if len(set(ids)) != len(ids):
        return "two rules have one id"
    for rule in policy.rule:
        if rule.verdict is Verdict.TO_MIGRATE and (rule.media_types or rule.names or not rule.puids):
            return f"{rule.id}: a rule to migrate names PUIDs, and nothing else"
    return None


def _text(place: str) -> str:
    return Path(place).read_text("utf-8")


def judge(policy: Policy, formats: Mapping[str, Identified]) -> Iterator[Finding]:
    """What the policy has against a delivery: each file that it refuses, and each format that it wants migrated."""
    to_migrate: dict[Identified, list[str]] = {}
    rules: dict[Identified, tuple[Verdict, str]] = {}
    for path, kind in formats.items():
        if kind not in rules:
            rules[kind] = policy.of(kind)
        verdict, rule = rules[kind]
        if verdict is Verdict.REFUSED:
            yield Finding("format.refused", path, f"{policy.name} {policy.version}: {rule}", _named(kind))
        elif verdict is Verdict.TO_MIGRATE:
            to_migrate.setdefault(kind, []).append(path)
    for kind, paths in to_migrate.items():
        found = f"{_named(kind)} × {len(paths)}"
        yield Finding("format.to-migrate", paths[0], f"{policy.name} {policy.version}: {rules[kind][1]}", found)


def _named(kind: Identified) -> str:
    return " ".join(word for word in (kind.puid or "", kind.name, kind.version) if word) or kind.media_type
