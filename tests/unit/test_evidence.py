"""The tree, its tiles, checkpoints and proofs: against a plain reference and somebody else's tree, bit by bit."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from repository.crypto import COSIGNATURE, SigningKey, create_signing_key, read_public_key, read_signing_key
from repository.errors import ArchiveError
from repository.evidence import (
    EMPTY,
    Checkpoint,
    Frontier,
    Incomplete,
    Proof,
    Recount,
    Tiles,
    consistency_path,
    cosign,
    cosigned_at,
    extend_tiles,
    inclusion_path,
    leaf_hash,
    read_checkpoint,
    read_proof,
    sign_checkpoint,
    signed_by,
    tile_path,
    verify_consistency,
    verify_inclusion,
    write_proof,
)

LEAVES = [leaf_hash(b"%d" % number) for number in range(1_200)]
SIZES = st.integers(1, len(LEAVES))
KEY = SigningKey("jingui/test", 1, bytes(range(32)))
OTHER = SigningKey("jingui/test", 1, bytes(range(1, 33)))
WITNESS = SigningKey("witness", COSIGNATURE, bytes(range(2, 34)))


def naive(leaves: Sequence[bytes]) -> bytes:
    """The definition of RFC 9162 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Tiles:
    folder = tmp_path_factory.mktemp("tiles")
    assert extend_tiles(folder, 0, LEAVES) == len(LEAVES)
    return Tiles.of_folder(folder, len(LEAVES))


@given(st.lists(st.integers(0, 600), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_tree_that_grew_in_any_steps_is_the_tree_by_definition(steps: list[int]) -> None:
    with TemporaryDirectory() as place:
        size = 0
        for step in steps:
            size = extend_tiles(Path(place), size, LEAVES[size : size + step])
            if size:
                assert Tiles.of_folder(Path(place), size).root() == naive(LEAVES[:size])
        parts = sorted(str(one.relative_to(place)) for one in Path(place).rglob("*.p/*"))
        assert all(int(part.rpartition("/")[2]) < 256 for part in parts)


@given(SIZES)
@settings(max_examples=60, deadline=None)
def test_every_way_to_a_root_gives_the_same(size: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    recount = Recount([size], None)
    for leaf in LEAVES:
        recount.add(leaf)
    assert frontier.root() == recount.roots[size] == naive(LEAVES[:size])


def test_somebody_elses_tree_has_the_same_root(tiles: Tiles) -> None:
    other = InmemoryTree(algorithm="sha256")
    for number in range(len(LEAVES)):
        other.append_entry(b"%d" % number)
        if number % 97 == 0:
            assert other.get_root(number + 1) == tiles.root(number + 1)
    assert other.get_root() == tiles.root()


@given(SIZES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_leaf_is_proven_in_every_tree_that_has_it_and_no_other_leaf_is(
    tiles: Tiles, size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(index, size, tiles.hash), tiles.root(size)
    assert verify_inclusion(index, size, LEAVES[index], root, path)
    assert not verify_inclusion(index, size, leaf_hash(b"another"), root, path)
    assert not verify_inclusion(index, size, LEAVES[index], leaf_hash(b"another"), path)
    assert not verify_inclusion(index, size, LEAVES[index], root, [*path, root])
    assert not path or not verify_inclusion(index, size, LEAVES[index], root, path[:-1])
    assert size == 1 or not verify_inclusion((index + 1) % size, size, LEAVES[index], root, path)


@given(SIZES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_tree_continues_those_that_it_grew_from_and_none_else(tiles: Tiles, new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    path, was, now = consistency_path(old, new, tiles.hash), tiles.root(old), tiles.root(new)
    assert verify_consistency(old, new, was, now, path)
    assert not verify_consistency(old, new, leaf_hash(b"x"), now, path)
    assert not verify_consistency(old, new, was, leaf_hash(b"x"), path)
    assert not verify_consistency(new + 1, old, was, now, path)
    assert not verify_consistency(old, new, was, now, [*path, now])
    for place in range(len(path)):
        false = [*path[:place], leaf_hash(b"x"), *path[place + 1 :]]
        assert not verify_consistency(old, new, was, now, false)


def test_every_tree_continues_the_empty_one(tiles: Tiles) -> None:
    assert verify_consistency(0, 5, EMPTY, tiles.root(5), [])
    assert not verify_consistency(0, 5, tiles.root(1), tiles.root(5), [])


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (1, 999, 17, "tile/1/999.p/17"),
        (2, 1_000, 1, "tile/2/x001/000.p/1"),
    ],
)
def test_tiles_lie_where_the_layout_says(level: int, number: int, width: int, path: str) -> None:
    assert tile_path(level, number, width) == path


def test_a_part_of_a_tile_is_read_from_the_full_one_when_it_is_gone(tmp_path: Path) -> None:
    size = extend_tiles(tmp_path, 0, LEAVES[:200])
    extend_tiles(tmp_path, size, LEAVES[200:300])
    assert not (tmp_path / "tile/0/000.p").exists()
    assert Tiles.of_folder(tmp_path, 200).root() == naive(LEAVES[:200])


@pytest.mark.parametrize("content", [None, b"", b"\x00" * 8191])
def test_a_tile_that_is_missing_or_short_is_named(tmp_path: Path, content: bytes | None) -> None:
    extend_tiles(tmp_path, 0, LEAVES[:600])
    tile = tmp_path / "tile/0/001"
    if content is None:
        tile.unlink()
    else:
        tile.write_bytes(content)
    with pytest.raises(Incomplete, match="tile/0/001"):
        Tiles.of_folder(tmp_path, 600).hash(0, 300)


@pytest.mark.parametrize("false", [0, 255, 256, 700, 1_199])
def test_a_recount_names_the_first_leaf_that_its_tile_does_not_have(tiles: Tiles, false: int) -> None:
    recount = Recount([], tiles)
    for number, leaf in enumerate(LEAVES):
        recount.add(leaf_hash(b"false") if number >= false else leaf)
    recount.finish()
    assert (recount.differing, recount.missing) == (false, None)


def test_a_recount_is_content_with_a_tree_that_ends_before_or_after_it(tiles: Tiles) -> None:
    for taken in (300, 1_199, 1_200):
        recount = Recount([taken], tiles)
        for leaf in LEAVES[:taken]:
            recount.add(leaf)
        recount.finish()
        assert (recount.differing, recount.roots[taken]) == (None, tiles.root(taken))


CHECKPOINT = Checkpoint(origin="jingui/test", size=1_200, root=naive(LEAVES))
NOTE = cosign(sign_checkpoint(CHECKPOINT, KEY), WITNESS, 1_700_000_000)


def test_a_checkpoint_is_read_back_and_says_who_signed_it() -> None:
    read, note = read_checkpoint(NOTE.encode())
    assert (read, note) == (CHECKPOINT, NOTE)
    assert signed_by(note, KEY.public)
    assert not signed_by(note, OTHER.public)
    assert cosigned_at(note, WITNESS.public) == 1_700_000_000
    assert cosigned_at(note, KEY.public) is None


def test_a_witness_that_signs_again_is_there_once() -> None:
    again = cosign(NOTE, WITNESS, 1_700_000_060)
    assert (len(again.signatures), cosigned_at(again, WITNESS.public)) == (2, 1_700_000_060)


@pytest.mark.parametrize("place", range(len(NOTE.encode())))
def test_no_changed_byte_of_a_checkpoint_passes(place: int) -> None:
    data = bytearray(NOTE.encode())
    data[place] ^= 1
    try:
        checkpoint, note = read_checkpoint(bytes(data))
    except ValueError:
        return
    assert not (signed_by(note, KEY.public) and signed_by(note, WITNESS.public) and checkpoint == CHECKPOINT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        CHECKPOINT.text.encode(),
        f"{CHECKPOINT.text}\n".encode(),
        NOTE.encode().replace(b"1200", b"01200"),
        NOTE.encode().replace(b"1200", b"-1"),
        NOTE.encode() + b"\n",
        NOTE.encode()[:-1],
        b"jingui/test\n1\nAA==\n\n" + NOTE.encode().partition(b"\n\n")[2],
        b"\xff" + NOTE.encode(),
        b"x" * 2_000_000,
    ],
)
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_checkpoint(data)


def test_a_proof_is_read_back_and_holds_for_its_leaf_alone(tiles: Tiles) -> None:
    path = tuple(inclusion_path(77, 1_200, tiles.hash))
    proof = Proof(index=77, path=path, checkpoint=CHECKPOINT, note=NOTE)
    data = write_proof(proof)
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 77\n" + b64encode(path[0]))
    assert read_proof(data) == proof
    assert (proof.holds_for(LEAVES[77]), proof.holds_for(LEAVES[78])) == (True, False)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"@v1", b"@v2"), (b"index 0", b"index 00"), (b"index 0", b"index -1"), (b"index 0\n", b""), (b"\n\n", b"\n")],
)
def test_what_is_no_proof_is_refused(old: bytes, new: bytes) -> None:
    one = Checkpoint(origin="jingui/test", size=1, root=LEAVES[0])
    data = write_proof(Proof(index=0, path=(), checkpoint=one, note=sign_checkpoint(one, KEY)))
    assert read_proof(data).holds_for(LEAVES[0])
    with pytest.raises(ValueError, match=r"."):
        read_proof(data.replace(old, new, 1))


def test_a_signing_key_is_kept_for_its_holder_alone_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "log-key"
    key = create_signing_key(path, "jingui/test")
    assert path.stat().st_mode & 0o777 == 0o600
    again = read_signing_key(path)
    assert again.public == key.public == read_public_key(key.public.text)
    assert key.public.verify(b"words", again.sign(b"words"))
    assert not key.public.verify(b"others", again.sign(b"words"))
    with pytest.raises(ArchiveError) as refused:
        create_signing_key(path, "jingui/test")
    assert refused.value.code == "log-key-exists"


@pytest.mark.parametrize(
    ("content", "mode", "code"),
    [
        (None, 0o600, "log-key-missing"),
        (b"PRIVATE+KEY+a+00000000+AAAA\n", 0o600, "log-key-invalid"),
        (b"\xff\xfe", 0o600, "log-key-invalid"),
        (b"", 0o644, "log-key-open"),
    ],
)
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes | None, mode: int, code: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ArchiveError) as refused:
        read_signing_key(path)
    assert refused.value.code == code
    assert "AAAA" not in str(refused.value)


def test_a_public_key_with_another_name_is_none() -> None:
    with pytest.raises(ArchiveError):
        read_public_key(KEY.public.text.replace("test", "tent"))
