"""Access rules (利用规则): the one function that says whether somebody may know of a record, or see what is in it.

It is asked by search, by showing, by handing out and by every look at a file. What it is given is all that it knows:
nothing here reads a clock or a table. The search asks the same question of many rows at once; a test compares the two.
"""

from collections.abc import Collection
from enum import StrEnum

import msgspec

from repository.domain.values import AccessStatus, Role, SecrecyClass

MOST_OPEN = SecrecyClass.INTERNAL
"""The highest class (密级) that can be open to everybody, or granted to a reader. What is above is for staff alone."""

KNOWN_TO: dict[Role, SecrecyClass] = {
    Role.ADMINISTRATOR: SecrecyClass.JUEMI,
    Role.ARCHIVIST: SecrecyClass.JUEMI,
    Role.AUDITOR: SecrecyClass.JUEMI,
    Role.SECURITY_OFFICER: SecrecyClass.JUEMI,
    Role.KEEPER: SecrecyClass.JUEMI,
    Role.RECEIVER: SecrecyClass.INTERNAL,
    Role.ACCEPTOR: SecrecyClass.INTERNAL,
    Role.REVIEWER: SecrecyClass.INTERNAL,
    Role.DECIDER: SecrecyClass.INTERNAL,
    Role.DESK: SecrecyClass.INTERNAL,
}
"""Up to which class a role knows of controlled records: that they exist, and how they are described."""

CONTENT_TO: dict[Role, SecrecyClass] = {
    Role.ADMINISTRATOR: SecrecyClass.JUEMI,
    Role.ARCHIVIST: SecrecyClass.JUEMI,
    Role.SECURITY_OFFICER: SecrecyClass.JUEMI,
    Role.REVIEWER: SecrecyClass.INTERNAL,
    Role.DECIDER: SecrecyClass.INTERNAL,
}
"""Up to which class a role sees into controlled records for its work. The desk sees them through a grant only."""


class Act(StrEnum):
    """What somebody wants of a record."""

    KNOW = "know"
    CONTENT = "content"


class Why(StrEnum):
    """What a verdict rests on."""

    OPEN = "open"
    ROLE = "role"
    GRANT = "grant"
    CLASSIFIED = "classified"
    NOT_YET_OPEN = "not-yet-open"
    CONTROLLED = "controlled"


class Verdict(msgspec.Struct, frozen=True):
    """Whether it is allowed, and why."""

    allowed: bool
    why: Why


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a record stands. `status` is null where nothing was decided: then the default for its class holds.

    `secrecy` is the higher of what its description and its package say.
    """

    status: AccessStatus | None
    secrecy: SecrecyClass
    opening_date: str | None = None


def higher(one: SecrecyClass, other: SecrecyClass) -> SecrecyClass:
    """The more secret of two classes."""
    return max(one, other, key=lambda secrecy: secrecy.rank)


def reach(roles: Collection[Role], act: Act) -> int:
    """Rank of the highest class up to which these roles reach controlled records; -1 for a stranger's."""
    table = KNOWN_TO if act is Act.KNOW else CONTENT_TO
    return max((table[role].rank for role in roles if role in table), default=-1)


def decide(
    act: Act, standing: Standing, *, roles: Collection[Role], granted: bool, today: str, open_by_default: int
) -> Verdict:
    """Whether one with these roles, and with a grant or without, may do it today.

    `open_by_default` is the rank up to which a record is open as long as nothing was decided; -1 for none.

    1 what is open is open to everybody; 2 staff reach as far as their roles; 3 a grant opens one controlled record to
    one reader, never a secret; 4 everything else is refused, and says why.
    """
    refused = _refused(standing, today, open_by_default)
    if refused is None:
        return Verdict(allowed=True, why=Why.OPEN)
    if standing.secrecy.rank <= reach(roles, act):
        return Verdict(allowed=True, why=Why.ROLE)
    if granted and refused is not Why.CLASSIFIED:
        return Verdict(allowed=True, why=Why.GRANT)
    return Verdict(allowed=False, why=refused)


def _refused(standing: Standing, today: str, open_by_default: int) -> Why | None:
    """Why the record is not open to everybody today; null where it is."""
    if standing.secrecy.rank > MOST_OPEN.rank:
        return Why.CLASSIFIED
    if standing.status is None:
        return None if standing.secrecy.rank <= open_by_default else Why.CONTROLLED
    if standing.status is AccessStatus.CONTROLLED:
        return Why.CONTROLLED
    if standing.opening_date is not None and standing.opening_date > today:
        return Why.NOT_YET_OPEN
    return None
