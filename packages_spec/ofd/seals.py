"""Signatures and seals of an OFD (GB/T 33190-2016, 18): the digests that they protect are compared, all of them.

A digest that differs, or a protected member that is gone, makes the signature invalid. That all agree does not make it
valid: the signed value itself (SM2 under a certificate chain) is not verified here, so it is `not-tested`, and says
how many digests agree.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator
from typing import Literal

import msgspec

from packages_spec.ofd.reader import NAMESPACE, OfdDocument, folder_of, parse_member, resolve
from packages_spec.safe_xml import Element
from packages_spec.zip_container import Container, RefusedContainer

_OFD = f"{{{NAMESPACE}}}"
_METHODS = {
    "md5": "md5",
    "1.2.840.113549.2.5": "md5",
    "sha1": "sha1",
    "sha-1": "sha1",
    "1.3.14.3.2.26": "sha1",
    "sha256": "sha256",
    "sha-256": "sha256",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "sm3": "sm3",
    "1.2.156.10197.1.401": "sm3",
}
"""CheckMethod as the standard (MD5, SHA1) and as today's writers (object identifiers, SM3) spell it."""

Status = Literal["invalid", "not-tested"]


class Seal(msgspec.Struct, frozen=True):
    """One signature: `Seal` (签章) or `Sign` (签名), where its stamps stand, and what became of its digests."""

    identifier: str
    kind: str
    status: Status
    method: str
    protected: int
    agreeing: int
    stamps: int
    note: str


def judge_seals(container: Container, document: OfdDocument, budget: int) -> Iterator[Seal]:
    """Every signature of a document. Members are digested as long as their sizes stay within `budget` bytes."""
    if document.signatures is None:
        return
    base = folder_of(document.signatures)
    for entry in parse_member(container, document.signatures).iterfind(f"{_OFD}Signature"):
        identifier, kind = entry.get("ID") or "", entry.get("Type") or "Seal"
        try:
            path = resolve(base, entry.get("BaseLoc") or "")
            yield _judge(container, identifier, kind, parse_member(container, path), folder_of(path), budget)
        except RefusedContainer as error:
            yield Seal(identifier, kind, "invalid", "", 0, 0, 0, str(error))


def _judge(container: Container, identifier: str, kind: str, root: Element, base: str, budget: int) -> Seal:
    references = next(root.iter(f"{_OFD}References"), None)
    method = "" if references is None else references.get("CheckMethod") or "MD5"
    entries = [] if references is None else references.findall(f"{_OFD}Reference")
    stamps = sum(1 for _ in root.iter(f"{_OFD}StampAnnot"))
    algorithm = _METHODS.get(method.lower())
    size = sum(container.size(name) for name in container.names)
    if not entries or algorithm is None or algorithm not in hashlib.algorithms_available or size > budget:
        note = "nothing protected" if not entries else "too large" if size > budget else f"digest method {method}"
        return Seal(identifier, kind, "not-tested", method, len(entries), 0, stamps, note)
    wrong = [name for entry in entries if (name := _differs(container, entry, base, algorithm)) is not None]
    status: Status = "invalid" if wrong else "not-tested"
    note = f"differs: {', '.join(wrong[:5])}" if wrong else "digests agree, signed value not verified"
    return Seal(identifier, kind, status, method, len(entries), len(entries) - len(wrong), stamps, note)


def _differs(container: Container, entry: Element, base: str, algorithm: str) -> str | None:
    """The member's name, where it is not what the signature protects."""
    location = entry.get("FileRef") or ""
    try:
        expected = base64.b64decode((entry.findtext(f"{_OFD}CheckValue") or "").strip(), validate=True)
        found = _digest(container, resolve(base, location), algorithm)
    except (binascii.Error, RefusedContainer):
        return location
    return None if hmac.compare_digest(expected, found) else location


def _digest(container: Container, name: str, algorithm: str) -> bytes:
    digest = hashlib.new(algorithm)
    for chunk in container.chunks(name):
        digest.update(chunk)
    return digest.digest()
