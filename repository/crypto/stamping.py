"""Time-stamps (时间戳) of RFC 3161: a stranger's word that some bytes were there at a time.

Checked here is that an answer is of our bytes, and of our question. Whether its signer may be trusted is for whoever
has that authority's certificate: `openssl ts -verify` says so.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha512

from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

from repository.errors import ArchiveError

GRANTED = (0, 1)
"""Statuses of an answer that bears a token."""


def stamp(data: bytes, ask: Callable[[bytes], bytes], authority: str) -> tuple[bytes, datetime]:
    """Have bytes stamped: `ask` sends a question to the authority and answers with what came. The answer and its time.

    `stamp-refused` for an answer that bears no stamp of these bytes, or answers another question.
    """
    question = TimestampRequestBuilder().data(data).build()
    answer = ask(question.as_bytes())
    try:
        response = decode_timestamp_response(answer)
        status = response.status
        if status not in GRANTED:
            raise ArchiveError("stamp-refused", authority, reason=f"status {status}")
        said = response.tst_info
    except ValueError as error:
        raise ArchiveError("stamp-refused", authority, reason=error) from error
    if said.message_imprint.message != sha512(data).digest() or said.nonce != question.nonce:
        raise ArchiveError("stamp-refused", authority, reason="another question's answer")
    return answer, said.gen_time
