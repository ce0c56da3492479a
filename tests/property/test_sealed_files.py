"""Sealed files: what goes in comes out, whatever its size, its recipients and the way it is read; nothing else does."""

import io
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.crypto.age import (
    Context,
    Identity,
    Passphrase,
    Recipient,
    Sm4Key,
    X25519Identity,
    encrypt,
    open_sealed,
    parse_identities,
    parse_recipient,
    suite_named,
    write_identity,
)
from repository.crypto.age.writing import CHUNK, SEALED_CHUNK, SealingWriter
from repository.errors import ArchiveError

PLACE = Context(package=UUID(int=7), path="data/0001.tif.age")
OLD, NEW = X25519Identity(bytes(range(32))), X25519Identity(bytes(range(1, 33)))
GM = Sm4Key(bytes(range(2, 34)))
WORD = Passphrase("金匮石室", work=2)
KINDS: dict[str, tuple[Sequence[Recipient], Identity, Context | None]] = {
    "x25519": ([OLD.recipient], OLD, PLACE),
    "two": ([OLD.recipient, NEW.recipient], NEW, PLACE),
    "no place": ([OLD.recipient], OLD, None),
    "passphrase": ([WORD], WORD, None),
    "gm-1": ([GM], GM, PLACE),
}
SIZES = st.one_of(
    st.integers(0, 300),
    st.integers(-3, 3).flatmap(lambda off: st.integers(1, 34).map(lambda chunks: chunks * CHUNK + off)),
    st.integers(0, 3_000_000),
)


def content(size: int, seed: int = 0) -> bytes:
    """Bytes that differ from chunk to chunk."""
    block = sha256(str(seed).encode()).digest() * 2053
    return (block * (size // len(block) + 1))[:size]


def sealed(plain: bytes, kind: str = "x25519") -> bytes:
    """A sealed file."""
    recipients, _, context = KINDS[kind]
    sink = io.BytesIO()
    encrypt(io.BytesIO(plain), sink, recipients, context)
    return sink.getvalue()


def opened(file: bytes, kind: str = "x25519") -> bytes:
    """What it holds, given out before a refusal too."""
    _, identity, context = KINDS[kind]
    plain = io.BytesIO()
    with open_sealed(io.BytesIO(file), identity, context) as reader:
        reader.copy_to(plain)
    return plain.getvalue()


def refusal(file: bytes, kind: str = "x25519") -> str:
    """The code with which a file is refused."""
    with pytest.raises(ArchiveError) as refused:
        opened(file, kind)
    return refused.value.code


@settings(max_examples=60, deadline=None)
@given(SIZES, st.sampled_from(sorted(KINDS)), st.data())
def test_what_was_sealed_is_opened_whole_and_in_every_range(size: int, kind: str, data: st.DataObject) -> None:
    plain = content(size, size)
    recipients, identity, context = KINDS[kind]
    sink = io.BytesIO()
    writer = SealingWriter(sink, recipients, context)
    step = data.draw(st.sampled_from([1_000_000, CHUNK, 70_001, max(size, 1)]))
    for place in range(0, size, step):
        writer.write(plain[place : place + step])
    made = writer.finish()
    file = sink.getvalue()
    assert (made.plain_size, made.plain_sha256) == (size, sha256(plain).hexdigest())
    assert (made.sealed_size, made.sealed_sha256) == (len(file), sha256(file).hexdigest())
    assert (made.plain_sm3 is not None) == (kind == "gm-1")
    with open_sealed(io.BytesIO(file), identity, context) as reader:
        assert reader.size == size
        assert b"".join(bytes(piece) for piece in reader.batches()) == plain
        for _ in range(3):
            start, length = data.draw(st.integers(0, size + 5)), data.draw(st.integers(0, 200_000))
            assert reader.read_at(start, length) == plain[start : start + length]
        reader.seek(size // 2)
        assert reader.read() == plain[size // 2 :]


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_is_refused(kind: str) -> None:
    file = sealed(b"seventeen letters", kind)
    given_out = []
    for place in range(len(file)):
        for bit in range(8):
            changed = bytearray(file)
            changed[place] ^= 1 << bit
            try:
                given_out.append((place, bit, opened(bytes(changed), kind)))
            except ArchiveError:
                continue
    assert given_out == []


@pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_every_cut_is_refused(size: int) -> None:
    file = sealed(content(size))
    head = len(file) - size - 16 * max(-(-size // CHUNK), 1)
    cuts = {*range(head + 1), *range(head, len(file), 997), *range(head, len(file), SEALED_CHUNK), len(file) - 1}
    assert [cut for cut in sorted(cuts) if cut < len(file) and _opens(file[:cut])] == []
    assert not _opens(file + b"\0")
    assert not _opens(file + file[-SEALED_CHUNK:])


def test_a_file_cut_between_chunks_is_refused_before_anything_is_read() -> None:
    file = sealed(content(3 * CHUNK))
    for left in (1, 2):
        with pytest.raises(ArchiveError) as refused:
            open_sealed(io.BytesIO(file[: -left * SEALED_CHUNK]), OLD, PLACE)
        assert refused.value.code == "sealed-payload"


def _opens(file: bytes) -> bool:
    try:
        opened(file)
    except ArchiveError:
        return False
    return True


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_chunks_in_any_other_order_are_refused(order: list[int]) -> None:
    file = sealed(content(4 * CHUNK))
    head, body = file[: -4 * SEALED_CHUNK], file[-4 * SEALED_CHUNK :]
    chunks = [body[place : place + SEALED_CHUNK] for place in range(0, len(body), SEALED_CHUNK)]
    spliced = head + b"".join(chunks[number] for number in order)
    assert _opens(spliced) == (order == [0, 1, 2, 3])


def test_chunks_of_another_file_are_refused() -> None:
    one, other = sealed(content(3 * CHUNK, 1)), sealed(content(3 * CHUNK, 2))
    spliced = one[: -2 * SEALED_CHUNK] + other[-2 * SEALED_CHUNK : -SEALED_CHUNK] + one[-SEALED_CHUNK:]
    assert refusal(spliced) == "sealed-payload"
    assert refusal(one[: -3 * SEALED_CHUNK] + other[-3 * SEALED_CHUNK :]) == "sealed-payload"


def test_nothing_of_a_chunk_that_fails_is_given_out() -> None:
    file = bytearray(sealed(content(20 * CHUNK)))
    file[-2 * SEALED_CHUNK] ^= 1
    plain = io.BytesIO()
    with open_sealed(io.BytesIO(bytes(file)), OLD, PLACE) as reader:
        with pytest.raises(ArchiveError) as refused:
            reader.copy_to(plain)
        assert refused.value.code == "sealed-payload"
        with pytest.raises(ArchiveError):
            reader.read_at(18 * CHUNK - 1, 2)
        assert reader.read_at(17 * CHUNK, CHUNK) == content(20 * CHUNK)[17 * CHUNK : 18 * CHUNK]
    assert plain.getvalue() == content(20 * CHUNK)[: 16 * CHUNK]


@pytest.mark.parametrize("kind", ["x25519", "gm-1"])
def test_a_file_in_another_place_is_refused(kind: str) -> None:
    recipients, identity, _ = KINDS[kind]
    file = sealed(b"page", kind)
    for context in (
        Context(package=UUID(int=8), path=PLACE.path),
        Context(package=PLACE.package, path="data/0002.tif.age"),
        Context(package=PLACE.package, path=""),
    ):
        with pytest.raises(ArchiveError) as refused:
            open_sealed(io.BytesIO(file), identity, context)
        assert refused.value.code == "sealed-context"
    without = io.BytesIO()
    encrypt(io.BytesIO(b"page"), without, recipients)
    assert refusal(without.getvalue(), kind) == "sealed-context"


def test_other_keys_open_nothing() -> None:
    for kind, other in (("x25519", NEW), ("gm-1", Sm4Key.generate()), ("passphrase", Passphrase("石室", work=2))):
        with pytest.raises(ArchiveError) as refused:
            open_sealed(io.BytesIO(sealed(b"page", kind)), other, None)
        assert refused.value.code == "sealed-no-match"
    with pytest.raises(ArchiveError) as refused:
        open_sealed(io.BytesIO(sealed(b"page", "gm-1")), OLD, None)
    assert refused.value.code == "sealed-no-match"


def test_suites_that_are_not_known_are_refused_by_name() -> None:
    later = b"age-encryption.org/v2\n" + sealed(b"page").split(b"\n", 1)[1]
    with pytest.raises(ArchiveError) as refused:
        open_sealed(io.BytesIO(later), OLD, None)
    assert (refused.value.code, refused.value.values["thing"]) == ("suite-unknown", "age-encryption.org/v2")
    with pytest.raises(ArchiveError) as refused:
        suite_named("gm-9")
    assert (refused.value.code, refused.value.values["thing"]) == ("suite-unknown", "gm-9")


@pytest.mark.parametrize("recipients", [[], [WORD, OLD.recipient], [OLD.recipient, GM]])
def test_recipients_that_do_not_go_together_are_refused(recipients: list[Recipient]) -> None:
    sink = io.BytesIO()
    with pytest.raises(ArchiveError) as refused:
        encrypt(io.BytesIO(b"page"), sink, recipients)
    assert (refused.value.code, sink.getvalue()) == ("sealed-recipients", b"")


@given(st.binary(min_size=32, max_size=32))
def test_keys_are_read_as_they_are_written(secret: bytes) -> None:
    for identity in (X25519Identity(secret), Sm4Key(secret)):
        (found,) = parse_identities(write_identity(identity).decode(), "-")
        assert (type(found), found.secret) == (type(identity), secret)
    assert parse_recipient(str(X25519Identity(secret).recipient)).public == X25519Identity(secret).recipient.public


@settings(max_examples=200)
@given(st.integers(0, 61), st.characters(min_codepoint=33, max_codepoint=126))
def test_a_key_with_another_letter_is_refused_and_not_repeated(place: int, letter: str) -> None:
    text = OLD.secret_text()
    changed = text[:place] + letter + text[place + 1 :]
    if changed != text:
        with pytest.raises(ArchiveError) as refused:
            parse_identities(changed, "file")
        assert refused.value.code == "identity-invalid"
        assert changed[20:40] not in str(refused.value)
    recipient = str(OLD.recipient)
    changed = recipient[:place] + letter + recipient[place + 1 :]
    if changed != recipient:
        with pytest.raises(ArchiveError) as refused:
            parse_recipient(changed)
        assert refused.value.code == "recipient-unknown"
