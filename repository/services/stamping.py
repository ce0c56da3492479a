"""Time-stamping (时间戳) the signed head: what was signed can then not have been signed later.

`evidence/stamps/<size>` is the checkpoint as it was, `<size>.tsr` the authority's answer. Both are verified with
`openssl ts -verify -data <size> -in <size>.tsr -CAfile the-authority.pem`.
"""

import httpx2
import msgspec

from repository.crypto import stamp
from repository.domain.values import Time, time_of
from repository.errors import ArchiveError
from repository.services.checkpoints import EVIDENCE, attest, signed_head
from repository.services.session import Session
from repository.storage import write_atomic

STAMPS, SECONDS, MOST = "stamps", 30, 1_000_000


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """The checkpoint that was stamped, and when the authority says that it saw it."""

    schema: str = "jingui.stamp/1"
    size: int
    time: Time
    path: str


def stamp_checkpoint(session: Session, authority: str) -> Stamped:
    """Sign the log's state and have it stamped by the authority at this address. `stamp-refused`; those of `attest`."""
    attested = attest(session)
    head = signed_head(session)
    answer, moment = stamp(head, lambda question: _ask(authority, question), authority)
    folder = session.folder / EVIDENCE / STAMPS
    folder.mkdir(exist_ok=True)
    write_atomic(folder / str(attested.size), head)
    path = folder / f"{attested.size}.tsr"
    write_atomic(path, answer)
    return Stamped(size=attested.size, time=time_of(moment), path=str(path))


def _ask(authority: str, question: bytes) -> bytes:
    kind = {"Content-Type": "application/timestamp-query"}
    content = bytearray()
    try:
        with httpx2.stream("POST", authority, content=question, headers=kind, timeout=SECONDS) as answer:
            answer.raise_for_status()
            for part in answer.iter_bytes():
                content += part
                if len(content) > MOST:
                    raise ArchiveError("stamp-refused", authority, reason=f"> {MOST} B")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ArchiveError("stamp-refused", authority, reason=error) from error
    return bytes(content)
