"""The four-property report (四性检测报告) as a table, for paper and for spreadsheets, zh and en."""

from repository.services.fourfold import FourfoldReport
from repository.services.tables import Table, rows_of


def as_table(report: FourfoldReport, language: str) -> Table:
    """The report for paper and for spreadsheets."""
    english = language == "en"
    words = _WORDS["en" if english else "zh"]
    rows = [
        (
            one.id,
            words[one.property],
            one.title_en if english else one.title_zh,
            words[one.how],
            words[one.outcome],
            one.en if english else one.zh,
        )
        for one in report.items
    ]
    counts = words["counts"].format(passed=report.passed, failed=report.failed, unknown=report.not_tested)
    notes = (f"{report.title or ''} ({report.accession})", counts, words["basis"])
    title = f"{words['title']}: {words[report.moment]}" if english else f"{words['title']}：{words[report.moment]}"
    return Table(
        language=language, title=title, notes=notes, header=tuple(words["header"].split("|")), rows=rows_of(rows)
    )


_WORDS = {
    "zh": {
        "title": "四性检测报告",
        "header": "编号|性质|检测项目|方式|结果|依据",
        "counts": "合格 {passed} 项，不合格 {failed} 项，未检测 {unknown} 项",
        "basis": "项目依检测方案（参照 DA/T 70-2018）；未检测的不计为合格。",
        "receipt": "接收",
        "transfer": "移交入库",
        "keeping": "长期保存",
        "authenticity": "真实性",
        "integrity": "完整性",
        "usability": "可用性",
        "security": "安全性",
        "auto": "自动",
        "external": "外部",
        "manual": "人工",
        "passed": "合格",
        "failed": "不合格",
        "not-checked": "未检测",
    },
    "en": {
        "title": "Four-property check",
        "header": "Item|Property|What is checked|How|Result|On what",
        "counts": "{passed} passed, {failed} failed, {unknown} not tested",
        "basis": "Items per profile (after DA/T 70-2018). What was not tested does not count as passed.",
        "receipt": "receipt",
        "transfer": "transfer",
        "keeping": "keeping",
        "authenticity": "authenticity",
        "integrity": "integrity",
        "usability": "usability",
        "security": "security",
        "auto": "automatic",
        "external": "external",
        "manual": "manual",
        "passed": "passed",
        "failed": "failed",
        "not-checked": "not tested",
    },
}
