"""Restoring (恢复档案库): an archive comes back from one store alone - log, catalogue, packages, wrapped keys.

What comes back is judged as it comes: every event by its digests, all of them by the signed head that lies in the
store, every file of every package by the digests in its `Stored`. What is not there, or not true, is named; a history
that is false is not restored at all. Positions and root stay what they were.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.ocfl import object_path
from repository.catalogue import Catalogue
from repository.crypto import KeyVersion, PackageKeys, combine_shares, read_public_key
from repository.crypto.age import X25519Identity
from repository.crypto.durable import create_durably
from repository.crypto.mirror import MASTER, WRAPPED_TO, open_master
from repository.domain.archival_package import Encrypted, Expunged, Stored
from repository.domain.run import Shredded
from repository.domain.values import Sha256
from repository.errors import ArchiveError
from repository.eventlog import CommandRow, EventLog, EventRow, restore_log, verify_log
from repository.evidence import Checkpoint, Recount, extend_tiles
from repository.services.checkpoints import CHECKPOINT, EVIDENCE, PUBLIC_KEY, checked_checkpoint
from repository.services.policy import FILE as RIGHTS
from repository.services.preserving import VAULT
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Progress
from repository.settings import FILE as SETTINGS
from repository.settings import Settings, key_folder, read_settings, vault_key_file, write_settings
from repository.storage import SecondStore, Store, Tails, object_id

_Held = dict[tuple[UUID, int, int], Stored]


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that did not come back.

    `what` is `events`, `version`, `package-key`, `reader-key`, `master-key` or `checkpoint`; `why` is
    `missing`, `damaged`, `unproven` or `not checked`; `thing` names it, `path` the file where one is to blame.
    """

    what: str
    why: str
    thing: str
    path: str = ""


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. `proven` events are under the signed head; `lacking` is everything that did not come back.

    `opened` package keys were opened by the shares, null where none were given.
    """

    schema: str = "jingui.restore/1"
    path: str
    store: UUID
    events: int
    proven: int
    root: Sha256
    versions: int
    files: int
    bytes: int
    opened: int | None
    lacking: tuple[Missing, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is lacking but a signature on the newest events."""
        return all(one.why == "unproven" for one in self.lacking)


class _PayloadLine(msgspec.Struct, frozen=True):
    position: int
    salt: str | None
    payload: str | None


def restore_archive(
    root: Path,
    folder: Path,
    *,
    shares: Sequence[Path] = (),
    log_key: str | None = None,
    clock: Callable[[], datetime],
    progress: Progress,
) -> Restored:
    """Make an archive of what one store holds.

    `archive-exists`; `tails-missing` for a store without the log's first events; `restore-false` where the events are
    not those that were signed: a failure leaves nothing behind.
    """
    folder, tails = folder.resolve(), Tails(root.resolve())
    if folder.exists() and any(folder.iterdir()):
        raise ArchiveError("archive-exists", folder)
    mark = tails.mark()
    if mark is None or not tails.covering():
        raise ArchiveError("tails-missing", root)
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Store.create(folder) as store:
            for room in ("log", "catalogue", "vault"):
                (folder / room).mkdir()

            # 1 the log, and the head that it was signed with
            log_path = folder / "log" / "events.sqlite"
            events, proven, digest, lacking = _restore_log(tails, log_path, log_key)
            progress("restore", 0, 1)

            # 2 the packages that it speaks of
            with _opened(log_path, clock) as log:
                versions = _versions(log)
                lacking += _restore_packages(tails.root, folder, versions, progress)

                # 3 wrapped keys, and the master key where the shares open it
                _copy_vault(tails.root / "extensions" / VAULT, folder / "vault")
                settings = _settings(tails, folder, mark.archive, log)
                opened, faults = _restore_keys(tails.root, folder, settings, log, shares)
                lacking += faults

                # 4 the signed head with its tiles, and the catalogue, from the log
                _place_evidence(tails, folder, log, proven)
                with closing(Catalogue.open(folder / "catalogue")) as catalogue:
                    catalogue.catch_up(log)

            # 5 what makes the folder an archive comes last, and durable
            _place_settings(tails, folder, settings)
            store.sync()
    except BaseException:
        shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise
    bad = {one.thing for one in lacking if one.what == "version"}
    held = [said for (package, _, version), said in versions.items() if f"{package} v{version}" not in bad]
    return Restored(
        path=str(folder),
        store=mark.store,
        events=events,
        proven=proven,
        root=digest,
        versions=len(held),
        files=sum(one.files for one in held),
        bytes=sum(one.bytes for one in held),
        opened=opened,
        lacking=tuple(lacking),
    )


def _opened(path: Path, clock: Callable[[], datetime]) -> EventLog:
    return EventLog.open(path, clock=clock, software=f"{SOFTWARE}/{SOFTWARE_VERSION}")


def _restore_log(tails: Tails, path: Path, log_key: str | None) -> tuple[int, int, str, list[Missing]]:
    """How many events came back, how many are proven, their root, and what is missing of them."""
    signed = _signed(tails, log_key)
    try:
        last = restore_log(path, _rows(tails), map(msgspec.json.Decoder(CommandRow).decode, tails.commands()))
    except (ArchiveError, ValueError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise ArchiveError("restore-false", tails.root, reason=error) from error
    recount = Recount([last, *([signed.size] if signed else [])], None)
    for fault in verify_log(path, observe=lambda _, leaf: recount.add(leaf)):
        raise ArchiveError("restore-false", tails.root, reason=f"{fault.position}: {fault.message('en')}")
    lacking = [
        Missing(what="events", why="missing", thing=f"{first}-{until}") for first, until in _gaps(tails, last, signed)
    ]
    proven = 0
    if signed is None:
        lacking.append(Missing(what="checkpoint", why="missing", thing=CHECKPOINT))
    elif signed.size > last:
        lacking.append(Missing(what="checkpoint", why="not checked", thing=str(signed.size)))
    elif recount.roots.get(signed.size) != signed.root:
        raise ArchiveError("restore-false", tails.root, reason=f"root of {signed.size}")
    else:
        proven = signed.size
    if 0 < proven < last:
        lacking.append(Missing(what="events", why="unproven", thing=f"{proven + 1}-{last}"))
    return last, proven, recount.roots[last].hex(), lacking


def _signed(tails: Tails, log_key: str | None) -> Checkpoint | None:
    """The head in the store, signed by the key that was handed over by somebody trusted, or by the one beside it."""
    head, beside = tails.folder / CHECKPOINT, tails.folder / PUBLIC_KEY
    if not head.exists() or not (log_key or beside.exists()):
        return None
    key = read_public_key(log_key or beside.read_text("utf-8"))
    return checked_checkpoint(head.read_bytes(), key, str(head))[0]


def _gaps(tails: Tails, last: int, signed: Checkpoint | None) -> Iterator[tuple[int, int]]:
    """Positions that must have been, and are not in the tails."""
    reached = last
    for span in tails.spans():
        if span.first > reached + 1:
            yield reached + 1, span.first - 1
        reached = max(reached, span.last)
    if signed is not None and signed.size > reached:
        yield reached + 1, signed.size


def _rows(tails: Tails) -> Iterator[EventRow]:
    decode = msgspec.json.Decoder(_PayloadLine).decode
    for position, envelope, line in tails.events():
        said = decode(line)
        if said.position != position:
            raise ValueError(f"payload of {said.position} at {position}")
        yield envelope, said.salt, None if said.payload is None else said.payload.encode()


def _versions(log: EventLog) -> _Held:
    """Every version that the log says is stored and not removed."""
    held: _Held = {}
    for event in log.events(types=["ArchivalPackage.Stored", "ArchivalPackage.Expunged"]):
        package, said = event.envelope.stream, event.payload
        if isinstance(said, Stored):
            held[package, said.generation, said.version] = said
        elif isinstance(said, Expunged):
            for version in range(1, said.version + 1):
                held.pop((package, said.generation, version), None)
    return held


def _restore_packages(root: Path, folder: Path, versions: _Held, progress: Progress) -> list[Missing]:
    """Copy every version, each file hashed on the way; which are not there or not true."""
    lacking = []
    target = SecondStore(folder / "store", sync=False)  # the whole is made durable at once, before anything is said
    for number, ((package, generation, version), said) in enumerate(versions.items(), 1):
        place = object_path(object_id(package, generation))
        try:
            target.copy(root / place, place, version, said.inventory_sha256)
        except ArchiveError as error:
            if error.code != "fixity-mismatch":
                raise
            why = "missing" if not (root / place / f"v{version}").is_dir() else "damaged"
            path = error.values["thing"].removeprefix(f"{root}/")
            lacking.append(Missing(what="version", why=why, thing=f"{package} v{version}", path=path))
        progress("restore", number, len(versions))
    shutil.rmtree(target.tails.folder, ignore_errors=True)
    return lacking


def _copy_vault(source: Path, vault: Path) -> None:
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.is_file() and not path.name.startswith(".") and path.name not in {MASTER, WRAPPED_TO}:
            target = vault / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_durably(target, path.read_bytes())


def _settings(tails: Tails, folder: Path, identity: UUID, log: EventLog) -> Settings:
    """The settings that lie in the store; of one that has none, what the log knows of them."""
    if not (tails.folder / SETTINGS).exists():
        codes = sorted({one.envelope.archive for one in log.events() if one.envelope.archive is not None})
        return Settings(id=identity, archives=tuple(codes) or ("0",))
    settings = read_settings(tails.folder)
    if settings.id != identity:
        raise ArchiveError("restore-false", folder, reason=SETTINGS)
    return settings


def _restore_keys(
    root: Path, folder: Path, settings: Settings, log: EventLog, shares: Sequence[Path]
) -> tuple[int | None, list[Missing]]:
    """Which keys that the log speaks of are not there; with shares, the master key put in its place."""
    lacking = [
        Missing(what=what, why="missing", thing=str(one))
        for what, wanted in (("package-key", _sealed(log)), ("reader-key", _readers(log)))
        for one, path in wanted
        if not (folder / "vault" / path).exists()
    ]
    place = vault_key_file(settings)
    opened = None
    if shares:
        recovery = combine_shares(shares)
        keys = PackageKeys(folder / "vault", lambda _: recovery)
        heads = list(keys.heads())
        for head in heads:
            keys.identity_by(head.package, head.generation, recovery)
        opened = len(heads)
        master = open_master(root / "extensions" / VAULT, recovery)
        if master is not None and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_durably(place, master)
    if (folder / "vault" / "vault.json").exists() and not place.exists():
        lacking.append(Missing(what="master-key", why="missing", thing=str(place)))
    lacking += [Missing(what="class-key", why="missing", thing=str(path)) for path in _class_keys(folder, settings)]
    return opened, lacking


def _class_keys(folder: Path, settings: Settings) -> Iterator[Path]:
    """Files of class keys that packages' keys are wrapped under. They lie in no store: a copy has to be put there."""
    heads = PackageKeys(folder / "vault", _closed).heads()
    for key in sorted({head.class_key for head in heads}):
        if not (path := key_folder(settings) / f"{key.key}.{key.version}.key").exists():
            yield path


def _closed(key: KeyVersion) -> X25519Identity:
    """Nothing is opened: what a record says of itself is enough to know which key it wants."""
    raise ArchiveError("class-key-missing", key.key)


def _sealed(log: EventLog) -> Iterator[tuple[UUID, Path]]:
    """Packages that are ciphertext, and where the record lies that opens them; those shredded on purpose left out."""
    sealed: dict[UUID, int] = {}
    types = ["ArchivalPackage.Encrypted", "ArchivalPackage.Decrypted", "Run.Shredded"]
    for event in log.events(types=types):
        said = event.payload
        if isinstance(said, Encrypted):
            sealed[event.envelope.stream] = said.generation
        elif isinstance(said, Shredded):
            for one in said.packages:
                sealed.pop(one, None)
        else:
            sealed.pop(event.envelope.stream, None)
    for package, generation in sealed.items():
        yield package, Path("packages") / str(package)[:3] / f"{package}.g{generation}.age"


def _readers(log: EventLog) -> Iterator[tuple[UUID, Path]]:
    alive: dict[UUID, None] = {}
    for event in log.events(types=["Reader.Introduced", "Reader.SubjectKeyDestroyed"]):
        if event.envelope.type == "Reader.Introduced":
            alive[event.envelope.stream] = None
        else:
            alive.pop(event.envelope.stream, None)
    for reader in alive:
        yield reader, Path("subjects") / f"{reader}.key"


def _place_evidence(tails: Tails, folder: Path, log: EventLog, proven: int) -> None:
    """The signed head goes on being what the log must continue; its tiles are made again from the leaves."""
    (folder / EVIDENCE).mkdir()
    extend_tiles(folder / EVIDENCE, 0, log.leaves(upto=proven))
    for name in (CHECKPOINT, PUBLIC_KEY):
        if (tails.folder / name).exists():
            shutil.copyfile(tails.folder / name, folder / EVIDENCE / name)


def _place_settings(tails: Tails, folder: Path, settings: Settings) -> None:
    if (tails.folder / RIGHTS).exists():
        shutil.copyfile(tails.folder / RIGHTS, folder / RIGHTS)
    if (tails.folder / SETTINGS).exists():
        shutil.copyfile(tails.folder / SETTINGS, folder / SETTINGS)
    else:
        write_settings(folder, settings)
