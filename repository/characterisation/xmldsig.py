"""XML signatures (XML-DSig) over members of a zip container: their plain digests are compared.

Only references to whole members without a transform are compared; the rest (canonical XML, relationships) and the
signature itself are not. So the answer is `invalid` or `not-tested`, with the number of digests that agree.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Literal
from urllib.parse import unquote

from packages_spec.safe_xml import Element
from packages_spec.zip_container import Container, RefusedContainer

Status = Literal["invalid", "not-tested"]

_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_METHODS = {
    "http://www.w3.org/2000/09/xmldsig#sha1": "sha1",
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
MEMBERS_BYTES = 64 << 20
"""The most that is unpacked to compare digests."""


def judge_parts(container: Container, root: Element) -> tuple[Status, str]:
    """Status, and why."""
    agreeing = left = 0
    budget = [MEMBERS_BYTES]
    for reference in root.iter(f"{_DSIG}Reference"):
        uri = unquote((reference.get("URI") or "").partition("?")[0])
        method = reference.find(f"{_DSIG}DigestMethod")
        algorithm = None if method is None else _METHODS.get(method.get("Algorithm") or "")
        if not uri or uri.startswith("#") or algorithm is None or reference.find(f"{_DSIG}Transforms") is not None:
            left += 1
            continue
        name = uri.lstrip("/")
        try:
            expected = base64.b64decode((reference.findtext(f"{_DSIG}DigestValue") or "").strip(), validate=True)
            found = _digest(container, name, algorithm, budget)
        except (binascii.Error, RefusedContainer) as error:
            return "invalid", f"{name}: {error}"
        if found is None:
            left += 1
        elif not hmac.compare_digest(expected, found):
            return "invalid", f"differs: {name}"
        else:
            agreeing += 1
    return "not-tested", f"{agreeing} digests agree, {left} and the signed value not verified"


def _digest(container: Container, name: str, algorithm: str, budget: list[int]) -> bytes | None:
    """The member's digest; None when the budget is spent."""
    digest = hashlib.new(algorithm)
    for chunk in container.chunks(name):
        digest.update(chunk)
        budget[0] -= len(chunk)
        if budget[0] < 0:
            return None
    return digest.digest()
