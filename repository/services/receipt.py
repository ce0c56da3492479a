"""The receipt (移交接收回执): what was received, found and decided of a delivery, from its accession's own events."""

from collections.abc import Iterator, Sequence

from repository.domain import accession
from repository.domain.envelope import Event

NAME = "回执.txt"


def receipt(stream: str, events: Sequence[Event]) -> bytes:
    """The receipt as plain text; the same events give the same bytes. People are named by their id alone."""
    lines = ["移交接收回执", f"接收登记：{stream}", *(line for event in events for line in _lines(event))]
    return ("\n".join(lines) + "\n").encode()


def _lines(event: Event) -> Iterator[str]:
    when, who = event.envelope.recorded_at, event.envelope.actor
    match event.payload:
        case accession.Opened(transfer_number=number) as opened:
            yield f"{when} 接收登记，方式 {opened.kind}，移交编号 {number or '无'}，移交单位 {opened.producer}"
        case accession.TermsAgreed() as terms:
            yield f"{when} 协议 {terms.agreement or '无'}，载体 {terms.medium or '未记'}"
        case accession.DeliveryReceived() as received:
            amount = f"文件 {received.files} 个，{received.bytes} 字节"
            yield f"{when} 收到第 {received.delivery} 次移交：{amount}，收件人 {who}"
            yield f"清单 delivery.sha256 的摘要（SHA-256）：{received.listing_sha256}"
        case accession.DeliveryValidated() as valid:
            yield f"{when} 第 {valid.delivery} 次移交检验合格，提示 {valid.findings_total} 处"
        case accession.DeliveryRejected() as wrong:
            yield f"{when} 第 {wrong.delivery} 次移交不合格，问题 {wrong.findings_total} 处"
        case accession.UnitsAccepted() as chosen:
            yield f"{when} 验收：{'、'.join(chosen.units)}，验收人 {who}"
        case accession.Returned() as returned:
            reason = returned.reason if isinstance(returned.reason, str) else "（已封存）"
            units = "、".join(returned.units) or f"第 {returned.delivery} 次移交全部"
            yield f"{when} 退回：{units}，原因：{reason}，决定人 {who}"
        case accession.Accepted() as accepted:
            yield f"{when} 第 {accepted.delivery} 次移交接收 {accepted.packages} 个单元，依据 {accepted.policy}，{who}"
