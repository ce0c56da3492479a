"""The composition root: the only place that picks adapters and wires services."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from repository.catalogue import Catalogue
from repository.characterisation import Characteriser
from repository.crypto import Cost, Keeper, KeyStore, PackageKeys, PassphraseKeeper, Vault, read_passphrase
from repository.domain.envelope import Actor, Authentication
from repository.domain.key_ring import KeptBy
from repository.domain.values import SecrecyClass as SecrecyClass
from repository.errors import ArchiveError
from repository.eventlog import EventLog
from repository.services.administration import authenticate, credential_file, found_archive, write_credential
from repository.services.audit import AuditReport, audit_log, fsck
from repository.services.audit_verify import AuditVerdict, Comparison
from repository.services.checkpoints import attest_after, attesting
from repository.services.doctor import DoctorReport, examine
from repository.services.identification import Siegfried
from repository.services.keys import Doorkeeper
from repository.services.preserving import preserving
from repository.services.quality_pools import Assessors
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Progress, Session
from repository.services.trail_keeping import write_trail, writing_trail
from repository.services.virus import ClamAv
from repository.settings import Settings, find_archive, key_folder, read_settings, vault_key_file, write_settings
from repository.storage import Store

LOG = Path("log") / "events.sqlite"
KEY_PROMPT = "类密钥的口令 Passphrase of the class keys: "
_OF_A_FALSE_LOG = frozenset(
    {"log-fault", "log-gap", "log-unreadable", "event-unknown", "stream-kind", "credential-unknown", "not-allowed"}
)
"""Errors that a log which was tampered with can cause, and a sound one too."""


def clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def create_archive(
    folder: Path,
    *,
    codes: tuple[str, ...],
    administrator: str,
    name: str,
    ceiling: SecrecyClass = SecrecyClass.INTERNAL,
    credential: Path | None = None,
) -> Path:
    """Make an archive in a folder that is empty or not there yet; answers with the first administrator's credential.

    Refused with `archive-exists`, `name-missing`, and `store-unsafe` where the file system cannot rename and sync.
    """
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise ArchiveError("archive-exists", folder)
    if not codes or not all(code.strip() for code in codes):
        raise ArchiveError("name-missing")
    settings = Settings(id=uuid4(), archives=codes, secrecy_ceiling=ceiling)
    keep = credential or credential_file(settings)
    if keep.exists():
        raise ArchiveError("credential-exists", keep)
    was_there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _found(folder, settings, keep, administrator, name)
    except BaseException:
        # Half an archive, which nobody can open, would only be in the way of the next try.
        shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise
    return keep


def _found(folder: Path, settings: Settings, keep: Path, administrator: str, name: str) -> None:
    """Lay everything that an archive has; the settings, which make the folder one, come last and durable."""
    actor = Actor(agent=uuid4(), authenticated_by=Authentication(method="initialisation", session=None, workplace=None))
    with Store.create(folder) as store:
        for room in ("log", "catalogue", "vault"):
            (folder / room).mkdir()
        with (
            closing(EventLog.create(folder / LOG, clock=clock, software=f"{SOFTWARE}/{SOFTWARE_VERSION}")) as log,
            closing(Catalogue.open(folder / "catalogue")) as catalogue,
        ):
            session = _session(folder, settings, log, store, catalogue, actor, None, None, None)
            credential = found_archive(session, administrator=administrator, archive_name=name)
        write_settings(folder, settings)
        store.sync()
        write_credential(keep, credential)


@contextmanager
def open_archive(
    folder: Path | None = None,
    credential: Path | None = None,
    *,
    on_behalf_of: UUID | None = None,
    to_rebuild: bool = False,
    with_scanner: bool = True,
    with_trail: bool = True,
) -> Iterator[Session]:
    """Open an archive as the person who holds the credential, in their own name or as somebody's deputy (代理).

    `folder` None looks for it from here upwards (`no-archive`); `credential` None takes the person's own file. A
    damaged catalogue (`catalogue-damaged`) opens only `to_rebuild` it, a scanner that is gone only without it. What is
    refused is written to the log when it is closed; only an audit, whose log may be false, adds nothing to it.
    """
    place = (find_archive(Path.cwd()) if folder is None else folder).resolve()
    settings = read_settings(place)
    with (
        closing(EventLog.open(place / LOG, clock=clock, software=f"{SOFTWARE}/{SOFTWARE_VERSION}")) as log,
        closing(Catalogue(place / "catalogue") if to_rebuild else Catalogue.open(place / "catalogue")) as catalogue,
    ):
        actor = msgspec.structs.replace(identify_actor(log, settings, credential), on_behalf_of=on_behalf_of)
        with (
            Store.open(place, sync=settings.sync) as store,
            closing(Siegfried()) as siegfried,
            closing(Characteriser()) as characteriser,
            closing(Assessors(settings.quality_profile)) as assessors,
        ):
            session = _session(place, settings, log, store, catalogue, actor, siegfried, characteriser, assessors)
            if with_scanner and settings.virus_scanner:
                session = replace(session, scanner=ClamAv(settings.virus_scanner))
            reached = log.position()
            with preserving(session):
                try:
                    yield session
                finally:
                    if with_trail:
                        write_trail(session)
                attest_after(session, reached)


class Served:
    """An archive that one process serves to many people: opened once, with a session for each request."""

    def __init__(self, base: Session) -> None:
        self.base = base
        """Of whoever started the process: it does in their name what no request asks for."""
        self._doorkeeper = Doorkeeper(base.log, base.clock, base.settings.workplace)

    def session_for(self, key: str, place: str | None = None) -> Session:
        """A session of the holder of this key. `key-invalid`, `credential-unknown`. May be called by any thread.

        `place` is where the key came from, as far as the machine knows: both outcomes leave a trace.
        """
        now = self.base.clock()
        try:
            admitted = self._doorkeeper.admit(key)
        except ArchiveError as error:
            self.base.trail.failed(error.code, place, self._doorkeeper.meant(key), now)
            raise
        self.base.trail.came_in(admitted.actor.agent, admitted.credential, place, now)
        return replace(self.base, actor=admitted.actor, scopes=admitted.scopes)


@contextmanager
def serve_archive(folder: Path | None = None, credential: Path | None = None) -> Iterator[Served]:
    """Open an archive to serve it, as the person who starts the process. Raises what `open_archive` does."""
    with open_archive(folder, credential) as session, attesting(session), writing_trail(session):
        yield Served(session)


def audit_archive(folder: Path | None, credential: Path | None, progress: Progress) -> AuditReport:
    """`fsck`, also of an archive whose catalogue is damaged, or whose log is too false to be opened."""
    try:
        with _open_to_audit(folder, credential) as session:
            return fsck(session, progress)
    except ArchiveError as error:
        if error.code not in _OF_A_FALSE_LOG:
            raise
        report = audit_log((find_archive(Path.cwd()) if folder is None else folder) / LOG)
        if report.sound:
            raise
        return report


def verify_archive(
    folder: Path | None,
    credential: Path | None,
    progress: Progress,
    *,
    held: tuple[Path, ...] = (),
    log_key: str | None = None,
) -> AuditVerdict:
    """`fsck`, and the log against checkpoints that are held elsewhere: in files, and in the memories of witnesses."""
    place = (find_archive(Path.cwd()) if folder is None else folder).resolve()
    comparison = Comparison(place, held, log_key)
    try:
        with _open_to_audit(place, credential) as session:
            return comparison.conclude(fsck(session, progress, comparison.observe))
    except ArchiveError as error:
        if error.code not in _OF_A_FALSE_LOG:
            raise
        comparison = Comparison(place, held, log_key)
        verdict = comparison.conclude(audit_log(place / LOG, comparison.observe))
        if verdict.verdict != "false":
            raise
        return verdict


@contextmanager
def _open_to_audit(folder: Path | None, credential: Path | None) -> Iterator[Session]:
    """A damaged catalogue, or a scanner that is gone, keeps nobody from judging the rest."""
    with ExitStack() as opened:
        try:
            session = opened.enter_context(open_archive(folder, credential, with_scanner=False, with_trail=False))
        except ArchiveError as error:
            if error.code != "catalogue-damaged":
                raise
            session = opened.enter_context(
                open_archive(folder, credential, to_rebuild=True, with_scanner=False, with_trail=False)
            )
        yield session


def examine_archive(folder: Path | None, credential: Path | None) -> DoctorReport:
    """The doctor's round, also of an archive whose catalogue is damaged."""
    with _open_to_audit(folder, credential) as session:
        return examine(session)


def identify_actor(log: EventLog, settings: Settings, credential: Path | None) -> Actor:
    """Who holds the credential; another person's agreement is established in the same way."""
    keep = credential or credential_file(settings)
    return authenticate(log, keep, session=uuid4(), workplace=settings.workplace)


def _session(
    folder: Path,
    settings: Settings,
    log: EventLog,
    store: Store,
    catalogue: Catalogue,
    actor: Actor,
    siegfried: Siegfried | None,
    characteriser: Characteriser | None,
    assessors: Assessors | None,
) -> Session:
    key_store = KeyStore(key_folder(settings), folder, settings.key_kept_by, _keepers(settings))
    return Session(
        folder=folder,
        settings=settings,
        log=log,
        store=store,
        catalogue=catalogue,
        actor=actor,
        clock=clock,
        new_id=new_id,
        identifier=siegfried if settings.identify_formats else None,
        scanner=None,
        characteriser=characteriser if settings.characterise else None,
        assessors=assessors if settings.quality else None,
        vault=Vault(folder, vault_key_file(settings), new_id),
        key_store=key_store,
        package_keys=PackageKeys(folder / "vault", key_store.identity),
    )


def _keepers(settings: Settings) -> Callable[[KeptBy], Keeper]:
    """What keeps class keys, made when first needed, and once: whoever is asked for a passphrase is asked once."""

    @cache
    def keeper(kept_by: KeptBy) -> Keeper:
        def ask() -> bytes:
            return read_passphrase(settings.key_passphrase, KEY_PROMPT)

        if kept_by is KeptBy.TOKEN:
            if settings.token_module is None:
                raise ArchiveError("key-token", settings.token_label, reason="token_module")
            from repository.crypto.tokens import TokenKeeper  # loads the library of tokens, which few need

            return TokenKeeper(Path(settings.token_module), settings.token_label, ask)
        return PassphraseKeeper(ask, Cost())

    return keeper


def new_id() -> UUID:
    """A random UUID."""
    return uuid4()
