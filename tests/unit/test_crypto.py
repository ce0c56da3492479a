"""Sealed fields and the vault: what opens, what is refused, and that nothing secret is said while refusing."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.crypto import Place, SubjectKey, Vault, seal, unseal
from repository.crypto import vault as vault_module
from repository.crypto.sealing import bound, decoded, encoded
from repository.domain.values import Sealed, SealedValue
from repository.errors import ArchiveError
from tests import golden_vault
from tests.golden_vault import PAPER, PLACE, WORDS
from tests.histories import identity

KEY = SubjectKey(subject=identity("subject"), key=identity("key"), material=bytes(range(32)))
WIDE = 0xFEE0
"""From a digit to the same digit as wide as a Chinese character."""

DOOR = 12
"""Exit of everything that is wrong with a key."""


def refused(deed: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as error:
        deed()
    assert error.value.row.exit == DOOR
    for language in ("zh", "en"):
        said = error.value.message(language) + error.value.hint(language)
        assert not {WORDS, PAPER[1], "欧阳"} & {part for part in (WORDS, PAPER[1], "欧阳") if part in said}
    return error.value.code


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    (tmp_path / "archive" / "vault").mkdir(parents=True)
    return Vault(tmp_path / "archive", tmp_path / "keys" / "master", uuid4)


places = st.builds(
    Place, stream=st.uuids(), version=st.integers(1, 9), field=st.sampled_from(("name", "number", "contact"))
)


@given(words=st.text(max_size=300), place=places)
def test_what_was_sealed_opens_where_it_stands(words: str, place: Place) -> None:
    field = seal(words, KEY, place)
    assert unseal(field, KEY, place) == words
    assert words.encode() not in msgspec.json.encode(field) or len(words.encode()) < 4


@given(place=places, other=places)
def test_a_field_opens_nowhere_else(place: Place, other: Place) -> None:
    field = seal(WORDS, KEY, place)
    if place != other:
        assert refused(lambda: unseal(field, KEY, other)) == "sealed-damaged"


@given(data=st.data())
@settings(max_examples=60)
def test_every_flipped_bit_is_refused(data: st.DataObject) -> None:
    sealed = seal(WORDS, KEY, PLACE).sealed
    part = data.draw(st.sampled_from(("nonce", "ct")))
    raw = bytearray(decoded(getattr(sealed, part)))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    changed = Sealed(sealed=msgspec.structs.replace(sealed, **{part: encoded(bytes(raw))}))
    assert refused(lambda: unseal(changed, KEY, PLACE)) == "sealed-damaged"


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": ""},
        {"nonce": "AA"},
        {"ct": ""},
        {"ct": "="},
        {"ct": "地"},
        {"key": identity("x")},
        {"subject": identity("x")},
    ],
)
def test_what_is_no_sealed_field_is_refused(change: dict[str, object]) -> None:
    sealed: SealedValue = msgspec.structs.replace(seal(WORDS, KEY, PLACE).sealed, **change)
    assert refused(lambda: unseal(Sealed(sealed=sealed), KEY, PLACE)) == "sealed-damaged"


@given(st.binary(max_size=40))
def test_base64url_has_one_spelling(data: bytes) -> None:
    assert decoded(encoded(data)) == data
    with pytest.raises(ValueError):
        decoded(encoded(data) + "=")


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_no_two_lists_of_parts_are_bound_alike(one: list[str], other: list[str]) -> None:
    assert (bound(*one) == bound(*other)) == (one == other)


def test_the_same_words_never_look_the_same_twice() -> None:
    assert len({seal(WORDS, KEY, PLACE).sealed.ct for _ in range(50)}) == 50


def test_a_reader_is_found_again_by_the_paper_however_it_is_written(vault: Vault) -> None:
    assert vault.find(*PAPER) is None
    reader = vault.found_or_make(*PAPER)
    wide = "".join(chr(ord(digit) + WIDE) for digit in PAPER[1])
    for number in (PAPER[1], f" {PAPER[1][:6]} {PAPER[1][6:]} ", wide):
        assert vault.found_or_make(PAPER[0], number) == vault.find(PAPER[0], number) == reader
    assert vault.find("passport", PAPER[1]) is None
    assert vault.found_or_make("identity-card", "43010219300101123X") == vault.found_or_make(
        "identity-card", "43010219300101123x"
    )
    assert vault.key(reader) == vault.key(reader)


def test_what_lies_in_the_vault_says_nothing(vault: Vault) -> None:
    reader = vault.found_or_make(*PAPER)
    key = vault.key(reader)
    files = [path for path in vault.folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        said = path.read_bytes() + path.name.encode()
        assert PAPER[1].encode() not in said
        assert key.material not in said
        assert key.material.hex().encode() not in said
    assert key.material.hex() not in repr(key)
    assert not list(vault.folder.rglob(".*"))


def test_the_master_key_lies_outside_and_is_its_holders_alone(vault: Vault, tmp_path: Path) -> None:
    vault.found_or_make(*PAPER)
    master = tmp_path / "keys" / "master"
    assert master.stat().st_mode & 0o777 == 0o600
    inside = Vault(tmp_path / "archive", tmp_path / "archive" / "vault" / "master", uuid4)
    assert refused(lambda: inside.found_or_make(*PAPER)) == "vault-key-inside"
    (tmp_path / "linked").symlink_to(tmp_path / "archive")
    linked = Vault(tmp_path / "archive", tmp_path / "linked" / "master", uuid4)
    assert refused(lambda: linked.found_or_make(*PAPER)) == "vault-key-inside"


def test_another_process_reads_what_one_made(vault: Vault, tmp_path: Path) -> None:
    reader = vault.found_or_make(*PAPER)
    again = Vault(tmp_path / "archive", tmp_path / "keys" / "master", uuid4)
    assert (again.find(*PAPER), again.key(reader)) == (reader, vault.key(reader))


def _break(name: str, place: Path) -> None:
    master, folder = place / "master.vault-key", place / "archive" / "vault"
    (record,) = (folder / "subjects").iterdir()
    (reference,) = (folder / "readers").iterdir()
    table: dict[str, Callable[[], object]] = {
        "vault-key-missing": master.unlink,
        "vault-key-open": lambda: master.chmod(0o640),
        "vault-key-invalid": lambda: master.write_text("jingui-vault-1.x.y"),
        "vault-key-wrong": lambda: master.write_text(f"jingui-vault-1.{uuid4()}.{os.urandom(32).hex()}"),
        "key-record-missing": record.unlink,
        "key-record-damaged": lambda: record.write_bytes(record.read_bytes()[:-20]),
        "reference": lambda: reference.write_bytes(b"{}"),
        "index-missing": (folder / "reader-index.key").unlink,
        "mark-missing": (folder / "vault.json").unlink,
    }
    table[name]()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("vault-key-missing", None),
        ("vault-key-open", None),
        ("vault-key-invalid", None),
        ("vault-key-wrong", None),
        ("key-record-missing", None),
        ("key-record-damaged", None),
        ("reference", "key-record-damaged"),
        ("index-missing", "key-record-missing"),
    ],
)
def test_a_vault_that_is_not_whole_opens_nothing_and_makes_nothing_new(
    tmp_path: Path, name: str, code: str | None
) -> None:
    vault = golden_vault.opened(tmp_path)
    _break(name, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert refused(lambda: vault.found_or_make(*PAPER)) == (code or name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_master_key_with_the_right_name_and_other_bytes_opens_nothing(tmp_path: Path) -> None:
    vault = golden_vault.opened(tmp_path)
    master = tmp_path / "master.vault-key"
    mark, name, _ = master.read_text().strip().split(".")
    master.write_text(f"{mark}.{name}.{os.urandom(32).hex()}")
    assert refused(lambda: vault.key(golden_vault.read().subject)) == "key-record-damaged"


@pytest.mark.parametrize("field", ["id", "key", "master", "nonce", "wrapped", "use", "schema"])
def test_no_word_of_a_record_can_be_another(tmp_path: Path, field: str) -> None:
    vault = golden_vault.opened(tmp_path)
    (record,) = (vault.folder / "subjects").iterdir()
    table = json.loads(record.read_text())
    other = {"use": "reader-index", "schema": 2, "nonce": encoded(bytes(12)), "wrapped": encoded(bytes(48))}
    table[field] = other.get(field, str(uuid4()))
    record.write_text(json.dumps(table))
    code = refused(lambda: vault.key(golden_vault.read().subject))
    assert code == ("vault-key-wrong" if field == "master" else "key-record-damaged")


def test_one_readers_record_is_not_anothers(vault: Vault) -> None:
    one, other = vault.found_or_make(*PAPER), vault.found_or_make("passport", "E1")
    subjects = vault.folder / "subjects"
    (subjects / f"{one}.key").write_bytes((subjects / f"{other}.key").read_bytes())
    assert refused(lambda: vault.key(one)) == "key-record-damaged"


def test_two_desks_that_meet_a_reader_at_once_know_one_reader(tmp_path: Path) -> None:
    (tmp_path / "archive" / "vault").mkdir(parents=True)
    first = Vault(tmp_path / "archive", tmp_path / "master", uuid4)
    first.found_or_make("passport", "E0")
    start, found = threading.Barrier(4), []

    def desk() -> None:
        vault = Vault(tmp_path / "archive", tmp_path / "master", uuid4)
        start.wait()
        found.append(vault.found_or_make(*PAPER))

    desks = [threading.Thread(target=desk) for _ in range(4)]
    for one in desks:
        one.start()
    for one in desks:
        one.join()
    assert len(set(found)) == 1
    assert len(list((tmp_path / "archive" / "vault" / "subjects").iterdir())) == 2


def test_a_key_is_durable_before_anybody_hears_of_it(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, link = os.fsync, os.link

    def watched_sync(descriptor: int) -> None:
        steps.append("sync")
        sync(descriptor)

    def watched_link(source: Path, target: Path) -> None:
        steps.append(target.parent.name)
        link(source, target)

    monkeypatch.setattr(os, "fsync", watched_sync)
    monkeypatch.setattr(os, "link", watched_link)
    vault.found_or_make("passport", "E0")
    steps.clear()
    vault.found_or_make(*PAPER)
    assert steps == ["sync", "subjects", "sync", "sync", "readers", "sync"]


def test_the_golden_vault_opens_and_its_field_is_read(tmp_path: Path) -> None:
    vault, golden = golden_vault.opened(tmp_path), golden_vault.read()
    assert vault.find(*PAPER) == golden.subject
    assert unseal(golden.field, vault.key(golden.subject), PLACE) == WORDS
    assert msgspec.json.encode(golden) + b"\n" == (golden_vault.FOLDER / "sealed.json").read_bytes()


def test_the_index_is_no_readers(tmp_path: Path) -> None:
    vault = golden_vault.opened(tmp_path)
    assert vault_module.INDEX.int == 0
    assert refused(lambda: vault.key(vault_module.INDEX)) == "key-record-missing"
