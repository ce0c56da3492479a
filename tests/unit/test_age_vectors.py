"""The published test vectors of the age format: each file ends in the class that the suite gives it."""

import io
import json
import zlib
from hashlib import sha256

import pytest

from repository.crypto.age import Passphrase, is_armored, open_sealed, parse_identities, read_armor
from repository.crypto.age.recipients import Identity
from repository.errors import ArchiveError
from tests.shared_data import shared_data

CLASSES = {
    "sealed-header": "header failure",
    "sealed-work-factor": "header failure",
    "suite-unknown": "header failure",
    "sealed-armor": "armor failure",
    "sealed-no-match": "no match",
    "sealed-mac": "HMAC failure",
    "sealed-payload": "payload failure",
}


def opened(name: str) -> tuple[str, str | None, bytes]:
    """The class of a vector, the digest that its plaintext should have, and what came out."""
    head, _, body = (shared_data("age") / name).read_bytes().partition(b"\n\n")
    fields = [line.split(": ", 1) for line in head.decode().splitlines()]
    single = dict(fields)
    body = zlib.decompress(body) if single.get("compressed") == "zlib" else body
    identities: list[Identity] = [Passphrase(value) for key, value in fields if key == "passphrase"]
    for key, value in fields:
        if key == "identity":
            identities += parse_identities(value, name)
    plain = io.BytesIO()
    try:
        source = io.BytesIO(body)
        file = read_armor(source, name) if is_armored(source) or "armored" in single else source
        with open_sealed(file, identities, None, name=name) as reader:
            reader.copy_to(plain)
    except ArchiveError as error:
        return CLASSES[error.code], single.get("payload"), plain.getvalue()
    return "success", single.get("payload"), plain.getvalue()


def test_every_vector_ends_as_it_should() -> None:
    expected = json.loads((shared_data("age") / "expected.json").read_text("utf-8"))["vectors"]
    assert len(expected) == 61
    wrong = {}
    for name, row in expected.items():
        found, digest, plain = opened(name)
        if found != row["expect"] or (found == "success" and sha256(plain).hexdigest() != digest):
            wrong[name] = (row["expect"], found)
    assert wrong == {}


def test_a_work_factor_above_the_limit_is_refused_and_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Passphrase, "_stretched", lambda *_: pytest.fail("computed"))
    head = b"age-encryption.org/v1\n-> scrypt " + b"A" * 21 + b"A 30\n" + b"A" * 43 + b"\n--- " + b"A" * 43 + b"\n"
    with pytest.raises(ArchiveError) as refused:
        open_sealed(io.BytesIO(head), Passphrase("word"), None)
    assert refused.value.code == "sealed-work-factor"
