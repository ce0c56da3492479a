"""CMS signatures (RFC 5652), as far as a digest goes: does `messageDigest` agree with the bytes that were signed?

A digest that differs makes the signature invalid. One that agrees leaves it not tested: the signature over it, and the
certificates, are judged by whoever has the trust anchors. DER is walked within bounds and nothing else is understood.
"""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from typing import Literal

Status = Literal["invalid", "not-tested"]

DEPTH = 16
ELEMENTS = 20_000

_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_ALGORITHMS = {
    bytes.fromhex("2b0e03021a"): "sha1",
    bytes.fromhex("608648016503040201"): "sha256",
    bytes.fromhex("608648016503040202"): "sha384",
    bytes.fromhex("608648016503040203"): "sha512",
    bytes.fromhex("2a811ccf55018311"): "sm3",
}
_OCTETS, _OID, _CONSTRUCTED = 0x04, 0x06, 0x20
_LENGTHS = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64, "sm3": 32}


def judge_detached(cms: bytes, signed: Iterable[bytes]) -> tuple[Status, str]:
    """Status and why. `signed` is read only where the structure names one digest and its algorithm."""
    try:
        algorithms, digests = _said(cms)
    except ValueError as error:
        return "not-tested", f"structure not understood: {error}"
    if not digests:
        return "not-tested", "no message digest"
    said = digests[0]  # the signer's own: those of countersignatures and time stamps stand behind it
    fitting = [name for name in algorithms if _LENGTHS[name] == len(said)]
    if not fitting:
        return "not-tested", "digest algorithm not known"
    hashes = [hashlib.new(name) for name in fitting if name in hashlib.algorithms_available]
    for chunk in signed:
        for each in hashes:
            each.update(chunk)
    if any(hmac.compare_digest(each.digest(), said) for each in hashes):
        return "not-tested", "digest agrees, signed value not verified"
    return "invalid", "the digest differs from what was signed"


def _said(cms: bytes) -> tuple[list[str], list[bytes]]:
    """Digest algorithms that are named, and the values of `messageDigest` attributes, in order."""
    algorithms: dict[str, None] = {}
    digests: list[bytes] = []
    waits = False
    for tag, content in _walk(cms, 0, [0]):
        if tag == _OID:
            waits = content == _MESSAGE_DIGEST
            if content in _ALGORITHMS:
                algorithms[_ALGORITHMS[content]] = None
        elif tag == _OCTETS and waits:
            digests.append(content)
            waits = False
    return list(algorithms), digests


def _walk(data: bytes, depth: int, count: list[int]) -> Iterator[tuple[int, bytes]]:
    """Every primitive element. ValueError for what is no DER, too deep or too much."""
    if depth > DEPTH:
        raise ValueError("too deep")
    at = 0
    while at < len(data):
        count[0] += 1
        if count[0] > ELEMENTS:
            raise ValueError("too many elements")
        tag = data[at]
        if depth == 0 and tag == 0:  # the padding behind a PDF's Contents
            return
        start, length = _length(data, at + 1)
        if start + length > len(data):
            raise ValueError("cut short")
        content = data[start : start + length]
        if tag & _CONSTRUCTED:
            yield from _walk(content, depth + 1, count)
        else:
            yield tag, content
        at = start + length


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Where the content begins, and how long it is."""
    if at >= len(data):
        raise ValueError("cut short")
    first = data[at]
    if first < 0x80:
        return at + 1, first
    size = first & 0x7F
    if not 0 < size <= 4 or at + 1 + size > len(data):
        raise ValueError("length")
    return at + 1 + size, int.from_bytes(data[at + 1 : at + 1 + size], "big")
