from repository.domain.quality import Check
from repository.qc.page import Page
from repository.qc.profile import Rule


def judge_skew(page: Page, rule: Rule) -> Check:
    return Check("Q01", "abstain", unit="deg")
