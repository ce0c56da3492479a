"""The verdict on one decoded page (页面质检): every check that the profile names, in the order of their numbers."""

from collections.abc import Callable

from repository.domain.quality import Check, PageVerdict, outcome_of
from repository.qc import blank, edges, header, likeness, sharpness, tone
from repository.qc.orientation import judge_orientation
from repository.qc.page import Page
from repository.qc.profile import Profile, Rule
from repository.qc.skew import judge_skew

Judge = Callable[[Page, Rule], Check]

JUDGES: dict[str, Judge] = {
    "F03": header.judge_format,
    "F04": header.judge_resolution,
    "F05": header.judge_colour,
    "F06": header.judge_frames,
    "Q01": judge_skew,
    "Q02": judge_orientation,
    "Q03": blank.judge_blank,
    "Q04": blank.judge_bleed,
    "Q05": sharpness.judge_blur,
    "Q06": tone.judge_exposure,
    "Q07": tone.judge_contrast,
    "Q08": sharpness.judge_noise,
    "Q09": edges.judge_border,
    "Q10": edges.judge_cut,
    "Q12": edges.judge_stains,
}
"""By the id under which a profile asks for it."""


def judge_page(
    page: Page,
    profile: Profile,
    *,
    path: str = "",
    frame: int = 1,
    kind: str = "page",
    before: tuple[Check, ...] = (),
    sha256: str = "",
) -> PageVerdict:
    """All checks of the profile on the page. A page that came here decoded whole, which is F01.

    The same page, profile and `ALGORITHM` give the same verdict; nothing else is looked at.
    """
    checks = [Check("F01", "pass"), *before]
    found = {check.id for check in checks}
    asked = ((judge, profile.rule(id_)) for id_, judge in JUDGES.items() if id_ not in found)
    checks += [judge(page, rule) for judge, rule in asked if rule is not None]
    level = next((check.value or 0 for check in checks if check.id == "Q01"), 0) / 1000
    return PageVerdict(
        path=path,
        frame=frame,
        kind=kind,
        outcome=outcome_of(checks),
        checks=tuple(checks),
        width=page.header.width,
        height=page.header.height,
        fingerprint=likeness.fingerprint(page, level) if profile.rule("Q11") is not None else "",
        sha256=sha256,
        profile=profile.digest,
    )
