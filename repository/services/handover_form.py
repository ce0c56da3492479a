"""The handover form (移交接收登记表) as a page to sign: PDF in Chinese, set in a font that every reader has by itself.

The same form gives the same bytes: the PDF carries no time but the one that is printed on it.
"""

import re
from io import BytesIO
from xml.sax.saxutils import escape

import msgspec
from reportlab.lib.colors import black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

FONT, LATIN = "STSong-Light", "Helvetica"
"""Letters and digits have a font of their own: a reader without the Chinese one sets those of its substitute too close.
"""
TITLE = "档案移交接收登记表"
_BLANK = "\xa0"


class HandoverForm(msgspec.Struct, frozen=True, kw_only=True):
    """What stands on the form."""

    archive: str
    accession: str
    kind: str
    producer: str
    transfer_number: str | None
    agreement: str | None
    medium: str | None
    opening_opinion: str | None
    deliveries: int
    records: int
    files: int
    bytes: int
    listing_sha256: str
    authenticity: str
    authenticity_note: str
    integrity: str
    integrity_note: str
    usability: str
    usability_note: str
    security: str
    security_note: str
    printed: str

    @property
    def gigabytes(self) -> str:
        """The size in GB (10^9 bytes), never rounded to nothing."""
        return f"{max(self.bytes, 1 if self.files else 0) / 1e9:.3f}" if self.bytes >= 1e6 else "< 0.001"


def drawn(form: HandoverForm) -> bytes:
    """The form as a PDF of one page or, for long words, more."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    stream = BytesIO()
    document = SimpleDocTemplate(
        stream, pagesize=A4, title=TITLE, author="", invariant=1, topMargin=20 * mm, bottomMargin=18 * mm
    )
    document.build(
        [
            Paragraph(TITLE, _style(16, centred=True)),
            Spacer(1, 8 * mm),
            _table([[_words(cell) for cell in row] for row in _rows(form)], (32, 138)),
            Spacer(1, 4 * mm),
            _table([[_words(cell) for cell in row] for row in _checks(form)], (32, 30, 108)),
            Spacer(1, 10 * mm),
            _table([[_words(cell) for cell in row] for row in _signatures()], (85, 85), height=32 * mm),
            Spacer(1, 4 * mm),
            _words(f"打印时间（UTC）：{form.printed}"),
        ]
    )
    return stream.getvalue()


def _rows(form: HandoverForm) -> list[tuple[str, str]]:
    return [
        ("档案馆代码", form.archive),
        ("移交单位", form.producer),
        ("接收方式", form.kind),
        ("移交编号", form.transfer_number or "无"),
        ("协议或批文", form.agreement or "无"),
        ("移交载体", form.medium or "未记"),
        ("开放意见", form.opening_opinion or "未提出"),
        ("移交次数", f"{form.deliveries} 次（含返工）"),
        ("数量", f"档案 {form.records} 件（卷），文件 {form.files} 个，{form.gigabytes} GB（{form.bytes} 字节）"),
        ("校验算法", "SHA-256，逐个文件；清单摘要如下"),
        ("清单摘要", form.listing_sha256),
        ("接收登记号", form.accession),
    ]


def _checks(form: HandoverForm) -> list[tuple[str, str, str]]:
    return [
        ("四性检测", "结论", "依据"),
        ("真实性", form.authenticity, form.authenticity_note),
        ("完整性", form.integrity, form.integrity_note),
        ("可用性", form.usability, form.usability_note),
        ("安全性", form.security, form.security_note),
    ]


def _signatures() -> list[tuple[str, str]]:
    blank = f"\n\n（签章）{_BLANK * 5}年{_BLANK * 3}月{_BLANK * 3}日"
    return [(f"移交单位经办人：{blank}", f"接收单位经办人：{blank}")]


def _words(text: str) -> Paragraph:
    marked = re.sub("([!-~]+)|([^!-~]+)", _set, text)
    return Paragraph(marked.replace("\n", "<br/>"), _style(10.5))


def _set(found: re.Match[str]) -> str:
    latin, other = found.groups()
    return f'<font name="{LATIN}">{escape(latin)}</font>' if latin else escape(other)


def _style(size: float, *, centred: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        "form", fontName=FONT, fontSize=size, leading=size * 1.5, alignment=1 if centred else 0, wordWrap="CJK"
    )


def _table(rows: list[list[Paragraph]], widths: tuple[int, ...], height: float | None = None) -> Table:
    grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, black), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    heights = [height] * len(rows) if height else None
    return Table(rows, colWidths=[width * mm for width in widths], rowHeights=heights, style=grid)
