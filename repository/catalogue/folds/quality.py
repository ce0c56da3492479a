"""Quality: what machines found of a package's pages (质量检测), and what people decided on them (质检复核)."""

from collections.abc import Mapping
from typing import Literal

from repository.catalogue.cards import OddPage, Package, changed
from repository.domain import assessment
from repository.domain.assessment import BAD, PageKey, Standing
from repository.domain.envelope import Envelope


def assessed(card: Package | None, event: assessment.QualityAssessed, envelope: Envelope) -> Package | None:
    """A part of the verdict: pages judged again are undecided again, another profile begins anew."""
    if card is None:
        return None
    used = (f"{one.name}/{one.version} {one.sha256}" for one in event.profiles)
    by = ", ".join((*used, f"algorithm {event.algorithm}"))
    goes_on = card.judged_by == by
    judged = dict(card.judged if goes_on else ()) | {event.part: len(event.pages)}
    parts = event.part if event.last else card.judged_parts if goes_on else 0
    odd = {one.key: one.standing for one in card.odd_pages} if goes_on else {}
    odd |= {page.key: assessment.by_machine(page) for page in event.pages}
    return changed(
        card,
        envelope,
        judged=tuple(sorted(judged.items())),
        judged_parts=parts,
        judged_by=by,
        odd_pages=_odd(odd),
        quality=_quality(odd, whole=0 < parts <= len(judged)),
    )


def reviewed(card: Package | None, event: assessment.QualityReviewed, envelope: Envelope) -> Package | None:
    """A person decided on some pages."""
    if card is None:
        return None
    odd = {one.key: one.standing for one in card.odd_pages}
    odd |= dict.fromkeys(event.pages, assessment.by_person(event.decision))
    whole = 0 < card.judged_parts <= len(card.judged)
    return changed(card, envelope, odd_pages=_odd(odd), quality=_quality(odd, whole=whole))


def _odd(standings: Mapping[PageKey, Standing]) -> tuple[OddPage, ...]:
    return tuple(OddPage(key, one) for key, one in sorted(standings.items()) if one is not Standing.PASSED)


def _quality(
    standings: Mapping[PageKey, Standing], *, whole: bool
) -> Literal["not-tested", "passed", "waiting", "failed"]:
    """How the package stands; as long as parts are missing nothing is said of it."""
    found = set(standings.values())
    if not whole:
        return "not-tested"
    if found & BAD:
        return "failed"
    if Standing.WAITING in found:
        return "waiting"
    return "not-tested" if Standing.NOT_TESTED in found else "passed"
