"""The life of keys: made, rotated, kept in copies, tried, destroyed by two persons, and all that goes wrong."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from repository.archive import examine_archive, open_archive
from repository.crypto import KeyVersion, PackageKeys, combine_shares
from repository.crypto.age import Context, X25519Identity, encrypt, open_sealed
from repository.domain.key_ring import CopyOf, KeyPurpose
from repository.domain.run import Rekeyed
from repository.errors import ArchiveError
from repository.services.administration import depart
from repository.services.key_destruction import (
    approve_destruction,
    finish_destructions,
    request_destruction,
    shredded_packages,
    withdraw_destruction,
)
from repository.services.key_keeping import back_up, change_keeper, recover_drill, remove_backup
from repository.services.key_ring import Shares, create_key, list_keys, retire_key, ring, rotate_key, wrapping_for
from repository.services.opening import place_hold
from repository.services.rekeying import rekey
from repository.services.session import Session
from tests.command_line import Said, jingui
from tests.honest import expect_no_alarm
from tests.key_rings import CLASS, OTHER, WORDS, Ring, class_secret, new_records, new_ring
from tests.real_archives import LAND_DEEDS, silent, take


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Ring:
    return new_ring(tmp_path_factory.mktemp("ring"))


@pytest.fixture
def keys(made: Ring, tmp_path: Path) -> Ring:
    """A copy of the ring, at the same paths inside a folder of its own."""
    place = tmp_path / "copy"
    shutil.copytree(made.site.folder.parent, place)
    settings = place / "archive" / "jingui.toml"
    settings.write_text(settings.read_text("utf-8").replace(str(made.site.folder.parent), str(place)), "utf-8")
    site = msgspec.structs.replace(made.site, folder=place / "archive", credential=place / "first.credential")
    return Ring(site, made.people, place / "shares", place / "words", place / "keys")


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as error:
        call()
    return error.value.code


def shut(session: Session, package: UUID, key: X25519Identity) -> bool:
    """Whether a key does not open a package's record."""
    return refused(lambda: session.package_keys.identity_by(package, 1, key)) == "sealed-no-match"


def rotate(session: Session, name: str = CLASS) -> None:
    rotate_key(session, name, reason="每年轮换", holders=None, shares=None)


def rotate_recovery(ring: Ring, session: Session, version: int) -> None:
    shares = Shares(threshold=2, folder=ring.shares)
    made = rotate_key(session, "recovery", reason="一位保管人离任", holders=ring.holders, shares=shares)
    assert made.version == version


def test_a_key_is_made_listed_and_seals(keys: Ring) -> None:
    with keys.open("officer") as session:
        packages = new_records(session, 3)
        listed = {line.name: line for line in list_keys(session).keys}
        assert {name: (line.state, line.version, line.records) for name, line in listed.items()} == {
            "recovery": ("in-use", 1, 3),
            CLASS: ("in-use", 1, 3),
            OTHER: ("in-use", 1, 0),
        }
    with keys.open("officer") as session:
        for package, identity in packages.items():
            again = session.package_keys.identity(package, 1)
            assert again.secret == identity.secret
            assert session.package_keys.create(package, 1, wrapping_for(session, CLASS)).secret == identity.secret
    assert keys.words.read_text("utf-8").strip() == WORDS
    assert [path.stat().st_mode & 0o777 for path in keys.keys.iterdir()] == [0o600, 0o600]


def test_after_a_rotation_the_old_key_opens_none_and_no_payload_was_touched(keys: Ring) -> None:
    with keys.open("officer") as session:
        packages = new_records(session, 40)
        old = class_secret(session)
        rotate(session)
        assert {line.name: line.records_stale for line in list_keys(session).keys}[CLASS] == 40
        assert "ring.stale" in {line.code for line in examine_archive(keys.site.folder, keys.site.credential).lines}
        assert rekey(session, dry_run=True, progress=silent).packages == 40
        report = rekey(session, dry_run=False, progress=silent)
        assert (report.packages, report.dry_run) == (40, False)
        for package, identity in packages.items():
            assert shut(session, package, old)
            assert session.package_keys.identity(package, 1).secret == identity.secret
        named = [event.payload for event in session.log.events(types=["Run.Rekeyed"])]
        assert {one for payload in named if isinstance(payload, Rekeyed) for one in payload.packages} == set(packages)
        assert rekey(session, dry_run=False, progress=silent).packages == 0


def test_the_old_version_goes_once_no_record_needs_it(keys: Ring) -> None:
    def ask(session: Session) -> None:
        request_destruction(session, CLASS, 1, reason="已轮换", legal_basis="本馆密钥管理规定")

    with keys.open("officer") as session:
        new_records(session, 3)
        assert refused(lambda: ask(session)) == "key-in-use"
        rotate(session)
        assert refused(lambda: ask(session)) == "key-in-use"
        rekey(session, dry_run=False, progress=silent)
        ask(session)
        assert refused(lambda: ask(session)) == "destruction-open"
        assert refused(lambda: approve_destruction(session, CLASS, 1, silent)) == "second-person-needed"
    with keys.open("second-officer") as session:
        report = approve_destruction(session, CLASS, 1, silent)
        assert (report.ended, report.packages) == (True, 0)
        assert refused(lambda: class_secret(session, 1)) == "class-key-missing"
        assert all(session.package_keys.identity(head.package, 1) for head in session.package_keys.heads())


def test_an_old_version_in_a_backup_keeps_its_destruction_open(keys: Ring, tmp_path: Path) -> None:
    with keys.open("officer") as session:
        copy = back_up(session, tmp_path / "wrapped", CopyOf.KEYS)
        rotate(session)
        request_destruction(session, CLASS, 1, reason="已轮换", legal_basis="本馆规定")
    with keys.open("decider") as session:
        assert approve_destruction(session, CLASS, 1, silent).copies_left == (copy.backup,)
    with keys.open("officer") as session:
        remove_backup(session, copy.backup, "重做", declared=False)
        assert [one.ended for one in finish_destructions(session, silent)] == [True]


def test_another_passphrase_keeps_the_same_keys(keys: Ring, tmp_path: Path) -> None:
    new = tmp_path / "new-words"
    new.write_text("another one 新口令", "utf-8")
    new.chmod(0o600)
    with keys.open("officer") as session:
        (package,) = new_records(session, 1)
        before = {path.name: path.read_bytes() for path in keys.keys.iterdir()}
        assert refused(lambda: change_keeper(session, str(tmp_path / "none"), "换人")) == "key-passphrase-missing"
        assert refused(lambda: change_keeper(session, str(new), " ")) == "reason-missing"
        assert {path.name: path.read_bytes() for path in keys.keys.iterdir()} == before
        assert change_keeper(session, str(new), "一位保管人离任").keys == 2
    with keys.open("officer") as session:
        assert refused(lambda: session.package_keys.identity(package, 1)) == "key-passphrase-wrong"
        assert refused(lambda: change_keeper(session, str(new), "再换")) == "key-passphrase-wrong"
    keys.words.write_bytes(new.read_bytes())
    with keys.open("officer") as session:
        assert session.package_keys.identity(package, 1).secret
        rotate(session)
        assert rekey(session, dry_run=False, progress=silent).packages == 1


def test_a_destroyed_class_opens_nowhere_and_its_packages_are_listed(keys: Ring, tmp_path: Path) -> None:
    sealed = io.BytesIO()
    with keys.open("officer") as session:
        packages, others = new_records(session, 5), new_records(session, 2, OTHER)
        first = next(iter(packages))
        encrypt(io.BytesIO(b"page"), sealed, [packages[first].recipient], Context(package=first, path="a"))
        records = back_up(session, tmp_path / "records", CopyOf.RECORDS)
        wrapped = back_up(session, tmp_path / "wrapped", CopyOf.KEYS)
        request_destruction(session, CLASS, None, reason="鉴定销毁", legal_basis="档案法")
        assert refused(lambda: wrapping_for(session, CLASS)) == "destruction-open"
        assert refused(lambda: rotate(session)) == "destruction-open"
    with keys.open("decider") as session:
        report = approve_destruction(session, CLASS, None, silent)
        assert (report.ended, report.packages) == (False, 5)
        assert set(report.copies_left) == {records.backup, wrapped.backup}
        assert refused(lambda: session.package_keys.identity(first, 1)) == "key-record-missing"
    assert "ring.open" in {line.code for line in examine_archive(keys.site.folder, keys.site.credential).lines}
    with keys.open("officer") as session:
        # (1) what makes the copies dangerous: the shares open the copy of the records
        copy = PackageKeys(tmp_path / "records", session.key_store.identity)
        assert copy.identity_by(first, 1, combine_shares(keys.share_files()[:2])).secret == packages[first].secret
        # (2) one after the other they go; where a copy cannot be reached, somebody has to say so
        shutil.move(tmp_path / "wrapped", tmp_path / "elsewhere")
        assert refused(lambda: remove_backup(session, wrapped.backup, "已销毁", declared=False)) == "backup-unreached"
        assert remove_backup(session, wrapped.backup, "光盘已粉碎", declared=True).deleted is False
        (report,) = finish_destructions(session, silent)
        assert report.copies_left == (records.backup,)
        assert remove_backup(session, records.backup, "销毁", declared=False).deleted is True
        assert list((tmp_path / "records").iterdir()) == []
        (report,) = finish_destructions(session, silent)
        assert report.ended
        # (3) nothing is left that opens; the other class is whole
        assert refused(lambda: class_secret_of(session, CLASS)) == "class-key-missing"
        remaining = [combine_shares(keys.share_files()[:2]), class_secret(session, name=OTHER)]
        assert refused(lambda: open_sealed(io.BytesIO(sealed.getvalue()), remaining, None)) == "sealed-no-match"
        assert {session.package_keys.identity(package, 1).secret for package in others} == {
            one.secret for one in others.values()
        }
        assert set(shredded_packages(session)) == set(packages)
        line = next(line for line in list_keys(session).keys if line.name == CLASS)
        assert (line.state, line.records) == ("destroyed", 0)
        assert refused(lambda: retire_key(session, CLASS, "x")) == "key-destroyed"
        # (4) the name may be given again
        create_key(session, CLASS, KeyPurpose.CLASS, [], None)
        assert ring(session).named(CLASS).id != line.id
    # (5) and nobody who audits the history is alarmed
    expect_no_alarm(keys.site.folder, keys.site.credential)


def class_secret_of(session: Session, name: str) -> X25519Identity:
    key = next(key for key in ring(session).keys.values() if key.name == name)
    return session.key_store.identity(KeyVersion(key.id, 1))


def test_what_is_sealed_while_a_class_is_destroyed_goes_with_it(keys: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ingest that asked for the key before makes one more record, just when the key's file goes."""
    with keys.open("officer") as session:
        packages = new_records(session, 2)
        wrapping = wrapping_for(session, CLASS)
        request_destruction(session, CLASS, None, reason="鉴定销毁", legal_basis="档案法")
    late = uuid4()
    with keys.open("decider") as session:
        destroy = session.key_store.destroy

        def destroyed_late(of: KeyVersion) -> None:
            session.package_keys.create(late, 1, wrapping)
            destroy(of)

        monkeypatch.setattr(session.key_store, "destroy", destroyed_late)
        report = approve_destruction(session, CLASS, None, silent)
        assert (report.ended, report.packages) == (True, 3)
        assert list(session.package_keys.files()) == []
    with keys.open("officer") as session:
        assert set(shredded_packages(session)) == {*packages, late}


def test_replacing_and_destroying_the_recovery_key_ends_what_copies_kept_open(keys: Ring, tmp_path: Path) -> None:
    with keys.open("officer") as session:
        new_records(session, 2)
        kept = new_records(session, 2, OTHER)
        back_up(session, tmp_path / "far-away", CopyOf.RECORDS)
        request_destruction(session, CLASS, None, reason="鉴定销毁", legal_basis="档案法")
    with keys.open("decider") as session:
        assert not approve_destruction(session, CLASS, None, silent).ended
    with keys.open("officer") as session:
        rotate_recovery(keys, session, 2)
        rekey(session, dry_run=False, progress=silent)
        request_destruction(session, "recovery", 1, reason="份额已收回", legal_basis="本馆规定")
        assert not finish_destructions(session, silent)[0].ended
    with keys.open("decider") as session:
        assert approve_destruction(session, "recovery", 1, silent).ended
    with keys.open("officer") as session:
        assert [one.ended for one in finish_destructions(session, silent)] == [True]
        new = combine_shares(keys.share_files(2)[1:])
        for package, identity in kept.items():
            assert session.package_keys.identity_by(package, 1, new).secret == identity.secret
            old = combine_shares(keys.share_files(1)[1:])
            assert shut(session, package, old)


def test_a_hold_keeps_the_key(keys: Ring) -> None:
    with keys.site.open() as session:
        take(session, LAND_DEEDS)
        stored = [event.envelope.stream for event in session.log.events(types=["ArchivalPackage.Stored"])]
        package = stored[0]
        session.package_keys.create(package, 1, wrapping_for(session, CLASS))
    with keys.open("officer") as session:
        place_hold(session, str(package), "诉讼")
        assert (
            refused(lambda: request_destruction(session, CLASS, None, reason="销毁", legal_basis="档案法"))
            == "package-held"
        )


def test_a_request_is_taken_back_until_it_is_approved(keys: Ring) -> None:
    with keys.open("officer") as session:
        assert refused(lambda: withdraw_destruction(session, CLASS, None, "x")) == "destruction-unknown"
        for reason, basis, code in (("", "档案法", "reason-missing"), ("销毁", " ", "legal-basis-missing")):
            ask = partial(request_destruction, session, CLASS, None, reason=reason, legal_basis=basis)
            assert refused(ask) == code
        request_destruction(session, CLASS, None, reason="销毁", legal_basis="档案法")
        withdraw_destruction(session, CLASS, None, "申请有误")
        assert wrapping_for(session, CLASS).class_key.of.version == 1
    with keys.open("decider") as session:
        assert refused(lambda: approve_destruction(session, CLASS, None, silent)) == "destruction-unknown"
        assert refused(lambda: rotate(session)) == "not-allowed"
    with keys.open("archivist") as session:
        assert [line.name for line in list_keys(session).keys] == ["recovery", CLASS, OTHER]
        assert refused(lambda: rotate(session)) == "not-allowed"
        assert refused(lambda: rekey(session, dry_run=True, progress=silent)) == "not-allowed"


def test_the_drill_opens_a_sample_and_refuses_other_shares(keys: Ring, tmp_path: Path) -> None:
    shares = keys.share_files()
    with keys.open("officer") as session:
        assert refused(lambda: recover_drill(session, shares[:2], 5)) == "nothing-to-prove"
        new_records(session, 12)
        assert "ring.untried" in {line.code for line in examine_archive(keys.site.folder, keys.site.credential).lines}
        report = recover_drill(session, shares[1:], 5)
        assert (report.records, report.shares, report.version) == (5, 2, 1)
        assert "ring.ok" in {line.code for line in examine_archive(keys.site.folder, keys.site.credential).lines}
        assert refused(lambda: recover_drill(session, shares[:1], 5)) == "shares-invalid"
        broken = tmp_path / "broken"
        words = shares[0].read_text().split()
        broken.write_text(" ".join([*words[:-1], words[0]]), "ascii")
        assert refused(lambda: recover_drill(session, [broken, shares[1]], 5)) == "shares-invalid"
        assert refused(lambda: recover_drill(session, [tmp_path / "none", shares[1]], 5)) == "share-missing"
        rotate_recovery(keys, session, 2)
        assert refused(lambda: recover_drill(session, shares[:2], 5)) == "shares-wrong"
        rekey(session, dry_run=False, progress=silent)
        assert recover_drill(session, keys.share_files(2)[:2], 5).version == 2


def test_a_holder_who_leaves_makes_rotation_due(keys: Ring) -> None:
    with keys.site.open() as session:
        depart(session, keys.people["second-officer"], successor=None, reason="调离")
    report = {line.code: line for line in examine_archive(keys.site.folder, keys.site.credential).lines}
    assert report["ring.departed"].state == "attention"
    with keys.open("officer") as session:
        line = next(line for line in list_keys(session).keys if line.name == "recovery")
        assert line.departed == (keys.people["second-officer"],)
        people = [keys.people[name] for name in ("officer", "decider", "administrator")]
        rotate_key(session, "recovery", reason="换人", holders=people, shares=Shares(threshold=2, folder=keys.shares))
        assert all(line.departed == () for line in list_keys(session).keys)


def test_keys_that_cannot_be_are_refused(keys: Ring, tmp_path: Path) -> None:
    shares = Shares(threshold=2, folder=tmp_path / "s")
    with keys.open("officer") as session:
        holders = keys.holders
        for code, call in {
            "ring-key-exists": lambda: create_key(session, CLASS, KeyPurpose.CLASS, [], None),
            "name-missing": lambda: create_key(session, " ", KeyPurpose.CLASS, [], None),
            "agent-unknown": lambda: create_key(session, "新", KeyPurpose.CLASS, [uuid4()], None),
            "ring-key-unknown": lambda: rotate(session, "无"),
            "reason-missing": lambda: rotate_key(session, CLASS, reason=" ", holders=None, shares=None),
            "shares-invalid": lambda: rotate_key(session, "recovery", reason="x", holders=None, shares=None),
            "key-in-use": lambda: retire_key(session, "recovery", "x"),
            "backup-unknown": lambda: remove_backup(session, uuid4(), "x", declared=True),
            "vault-key-inside": lambda: back_up(session, session.folder / "vault" / "copy", CopyOf.RECORDS),
        }.items():
            assert refused(call) == code
        many = Shares(threshold=4, folder=tmp_path / "s")
        assert refused(lambda: rotate_key(session, "recovery", reason="x", holders=holders, shares=many)) == (
            "shares-invalid"
        )
        assert not (tmp_path / "s").exists()
        rotate_key(session, "recovery", reason="x", holders=holders, shares=shares)
        retire_key(session, CLASS, "不再收入")
        assert refused(lambda: wrapping_for(session, CLASS)) == "key-retired"
        retire_key(session, CLASS, "停用有误", again=True)
        assert wrapping_for(session, CLASS).class_key.of.version == 1


def test_what_is_wrong_with_the_keeper_is_said_and_nothing_is_half_written(keys: Ring) -> None:
    with keys.open("officer") as session:
        (package,) = new_records(session, 1)
        before = {path: path.read_bytes() for path in sorted((keys.site.folder / "vault").rglob("*.age"))}

    def opened() -> None:
        with keys.open("officer") as session:
            session.package_keys.identity(package, 1)

    def rotated() -> None:
        with keys.open("officer") as session:
            rekey(session, dry_run=False, progress=silent)

    keys.words.write_text("another\n", "utf-8")
    assert refused(opened) == "key-passphrase-wrong"
    with keys.open("officer") as session:
        rotate(session)
    assert refused(rotated) == "key-passphrase-wrong"
    keys.words.chmod(0o644)
    assert refused(opened) == "vault-key-open"
    keys.words.unlink()
    assert refused(opened) == "key-passphrase-missing"
    keys.words.write_text(WORDS, "utf-8")
    keys.words.chmod(0o600)
    (first,) = [path for path in keys.keys.glob("*.1.key") if str(wrapping_key(keys)) in path.name]
    whole = first.read_bytes()
    for damaged in (
        whole[:40],
        whole.replace(b'"wrapped":"', b'"wrapped":"AAAA'),
        whole.replace(b"argon2id", b"scrypt-2"),
    ):
        first.write_bytes(damaged)
        assert refused(opened) in {"key-record-damaged", "key-passphrase-wrong"}
    first.unlink()
    assert refused(opened) == "class-key-missing"
    first.write_bytes(whole)
    assert {path: path.read_bytes() for path in before} == before
    opened()


def wrapping_key(keys: Ring) -> UUID:
    with keys.open("officer") as session:
        return wrapping_for(session, CLASS).class_key.of.key


def test_damaged_records_are_told_apart_from_missing_ones(keys: Ring) -> None:
    with keys.open("officer") as session:
        one, other = new_records(session, 2)
        paths = {path.name[:36]: path for path in session.package_keys.files()}
        mine, theirs = paths[str(one)], paths[str(other)]
        whole = mine.read_bytes()
        for changed in (
            b"",
            whole[:100],
            whole.replace(b"jingui/record 1", b"jingui/record 2"),
            theirs.read_bytes(),
            whole + b"x",
        ):
            mine.write_bytes(changed)
            assert refused(lambda: session.package_keys.identity(one, 1)) == "key-record-damaged"
        mine.write_bytes(whole.replace(f"{one} 1".encode(), f"{one} 2".encode()))
        assert refused(lambda: session.package_keys.identity(one, 1)) == "key-record-damaged"
        mine.unlink()
        assert refused(lambda: session.package_keys.identity(one, 1)) == "key-record-missing"


def test_the_readers_master_key_comes_under_the_ring(keys: Ring, tmp_path: Path) -> None:
    paper = ("identity-card", "430102193001011234")
    with keys.open("officer") as session:
        reader = session.vault.found_or_make(*paper)
        before = session.vault.key(reader)
        create_key(session, "readers", KeyPurpose.READERS, [], None)
        old = (keys.site.folder.parent / "master").read_bytes()
        rotate(session, "readers")
        assert rekey(session, dry_run=True, progress=silent).readers == 2
        assert rekey(session, dry_run=False, progress=silent).readers == 2
        assert session.vault.find(*paper) == reader
        request_destruction(session, "readers", 1, reason="已轮换", legal_basis="本馆规定")
    with keys.open("decider") as session:
        assert approve_destruction(session, "readers", 1, silent).ended
    with keys.open("officer") as session:
        assert session.vault.found_or_make(*paper) == reader
        assert session.vault.key(reader) == before
    new = (keys.site.folder.parent / "master").read_bytes()
    assert new != old
    assert [path.name for path in keys.site.folder.parent.glob("master*")] == ["master"]
    (keys.site.folder.parent / "master").write_bytes(old)
    with keys.open("officer") as session:
        assert refused(lambda: session.vault.key(reader)) == "vault-key-wrong"


def test_both_languages_and_programs_are_answered(keys: Ring) -> None:
    variables = {"JINGUI_CREDENTIAL": str(keys.credential("officer"))}

    def run(*words: object) -> Said:
        return jingui("keys", *words, site=keys.site, variables=variables)

    zh, en = run("list", "--lang", "zh"), run("list", "--lang", "en")
    assert ("使用中" in zh.out, "in use" in en.out) == (True, True)
    assert run("rotate", CLASS, "--dry-run", "--json").json()["dry_run"] is True
    rotated = run("rotate", CLASS, "--reason", "每年", "--json")
    assert rotated.json()["made"]["version"] == 2
    bad = run("request-destruction", "无此", "--reason", "x", "--legal-basis", "y", "--lang", "zh")
    assert (bad.status, "没有这把密钥" in bad.err) == (3, True)
    assert run("rotate").status == 2


def test_secrets_are_planted_and_found_nowhere(keys: Ring, tmp_path: Path) -> None:
    """Passphrase, class secret, package identities and shares: in no file of the archive and in no output."""
    with keys.open("officer") as session:
        packages = new_records(session, 3)
        secrets = [class_secret(session).secret, *(one.secret for one in packages.values())]
        texts = [class_secret(session).secret_text(), *(one.secret_text() for one in packages.values())]
    shares = [path.read_text("ascii").strip() for path in keys.share_files()]
    recovery = combine_shares(keys.share_files()[:2])
    planted = [WORDS.encode(), *(one.encode() for one in [*texts, *shares]), recovery.secret, *secrets]
    planted += [one.hex().encode() for one in secrets]
    variables = {"JINGUI_CREDENTIAL": str(keys.credential("officer"))}
    said = [
        jingui("keys", *words, site=keys.site, variables=variables)
        for words in (
            ["rotate", CLASS, "--reason", "轮换"],
            ["recover-drill", "--share", keys.share_files()[0], "--share", keys.share_files()[1]],
            ["recover-drill", "--share", keys.share_files()[0]],
            ["backup", "--to", tmp_path / "b"],
            ["list", "--json"],
        )
    ]
    assert [one.status for one in said] == [0, 0, 2, 0, 0]
    keys.words.write_text("wrong\n")
    said.append(jingui("keys", "rotate", CLASS, "--reason", "x", site=keys.site, variables=variables))
    assert said[-1].status == 12
    heard = "".join(one.out + one.err for one in said).encode()
    files = [
        path for root in (keys.site.folder, keys.keys, tmp_path / "b") for path in root.rglob("*") if path.is_file()
    ]
    found = [(path, secret) for path in files for secret in planted if secret in path.read_bytes()]
    assert (found, [secret for secret in planted if secret in heard]) == ([], [])
    assert len(files) > 10


def test_no_secret_stands_on_a_command_line(keys: Ring) -> None:
    """While a command waits for its passphrase on a descriptor, what everybody can read of it has no secret in it."""
    reading, writing = os.pipe()
    variables = {"JINGUI_CREDENTIAL": str(keys.credential("officer")), "JINGUI_KEY_PASSPHRASE": f"fd:{reading}"}
    arguments = ["keys", "create", "新类", "--archive", str(keys.site.folder), "--json"]
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("jingui")), *arguments],
        env=os.environ | variables,
        pass_fds=[reading],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(reading)
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
        os.write(writing, WORDS.encode())
        os.close(writing)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert WORDS.encode() not in shown + out + err
    with open_archive(keys.site.folder, keys.credential("officer")) as session:
        assert class_secret(session, name="新类").secret
