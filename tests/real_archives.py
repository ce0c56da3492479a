"""Whole archives for the tests: made by the composition root, opened as a person with a credential."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from repository.archive import create_archive, open_archive
from repository.domain.envelope import Event
from repository.domain.values import SecrecyClass
from repository.services import administration
from repository.services.administration import Role
from repository.services.ingest import AccessionKind, IngestReport, IngestRequest, ingest
from repository.services.session import Session

CODE, OTHER_CODE = "437001", "437002"
FIXTURES = Path(__file__).parents[1] / "fixtures"
DELIVERIES = FIXTURES / "deliveries"
LAND_DEEDS, MIXED = DELIVERIES / "land-deeds", DELIVERIES / "mixed"


class Site(msgspec.Struct, frozen=True):
    """An archive on disk and its first administrator's credential."""

    folder: Path
    credential: Path

    @contextmanager
    def open(self, credential: Path | None = None) -> Iterator[Session]:
        """Open it as the administrator, or as whoever holds the credential."""
        with open_archive(self.folder, credential or self.credential) as session:
            yield session

    def person(self, session: Session, name: str, *roles: Role) -> tuple[UUID, Path]:
        """Add a person; their id, and the file with their credential."""
        person, issued = administration.add_person(session, name=name, roles=list(roles))
        path = self.folder.parent / f"{name}.credential"
        administration.write_credential(path, issued)
        return person, path


def new_site(
    place: Path, *, ceiling: SecrecyClass = SecrecyClass.INTERNAL, sync: bool = False, quality: bool = False
) -> Site:
    """A new archive below a folder that is there. Without `sync` it is as true and not as durable, for speed.

    Pages are judged with `quality` alone, where that is what a test is about: here, and nowhere else, it is off.
    """
    folder, credential = place / "archive", place / "first.credential"
    create_archive(
        folder,
        codes=(CODE, OTHER_CODE),
        administrator="林一",
        name="临溪县档案馆",
        ceiling=ceiling,
        credential=credential,
    )
    with (folder / "jingui.toml").open("a") as settings:
        settings.write(("" if sync else "sync = false\n") + ("" if quality else "quality = false\n"))
    return Site(folder, credential)


def silent(_step: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


def take(
    session: Session,
    source: Path,
    *,
    archive: str | None = None,
    producer: str | None = None,
    number: str | None = None,
    kind: AccessionKind = AccessionKind.TRANSFER,
    per_folder: bool = False,
    new: bool = False,
    progress: Callable[[str, int, int], None] = silent,
) -> IngestReport:
    """Ingest a delivery."""
    request = IngestRequest(
        source=source,
        archive=archive,
        producer=producer,
        transfer_number=number,
        kind=kind,
        per_folder=per_folder,
        new=new,
    )
    return ingest(session, request, progress)


def deliver(folder: Path, files: dict[str, bytes]) -> Path:
    """A delivery with these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def types(session: Session, *, after: int = 0, upto: int | None = None) -> list[str]:
    """The types of the log's events, in order."""
    return [event.envelope.type for event in session.log.events(after=after, upto=upto)]


def names(events: list[Event]) -> list[str]:
    """The events' names without their aggregates'."""
    return [event.envelope.type.partition(".")[2] for event in events]


def payload_files(site: Site, package: UUID) -> dict[str, bytes]:
    """The files of a stored package's record by the names that they were delivered under."""
    from repository.services import stored

    with site.open() as session:
        version = stored.newest(session, package)
        return {
            file.original_name or file.path: stored.place_of(
                session, version, f"data/uuid-{package}/representations/original/data/{file.path}"
            ).read_bytes()
            for file in stored.content(session, version)
        }
