"""Ids (标识): random everywhere, but for the two guards of uniqueness.

A guard is a stream whose id follows from what it guards, so that two people who take the same 档号 or the same transfer
number meet at one version guard. The construction is stored for ever (version 1): UUIDv5 under `NAMESPACE` over the
parts in order, each NFC-normalised and stripped, preceded by its UTF-8 length in decimal and a colon. Case is kept.
"""

import unicodedata
from uuid import UUID, uuid5

NAMESPACE = UUID("9a768edc-18b5-4298-86eb-df672e235aac")
"""Published for ever: whoever has the parts can find the guard."""


def reference_code_guard(archive: str, reference_code: str) -> UUID:
    """Stream that guards a 档号 (reference code) within one archive."""
    return _guard(archive, reference_code)


def transfer_number_guard(archive: str, producer: UUID, number: str) -> UUID:
    """Stream that guards a producer's transfer number (移交编号) within one archive."""
    return _guard(archive, str(producer), number)


def _guard(*parts: str) -> UUID:
    normal = [unicodedata.normalize("NFC", part).strip() for part in parts]
    return uuid5(NAMESPACE, "".join(f"{len(part.encode())}:{part}" for part in normal))
