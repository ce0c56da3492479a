"""Reception (接收): a delivery is recognised, copied once into quarantine while it is hashed, and recorded."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import UUID

import msgspec

from packages_spec import safe_archive
from packages_spec.bagit import ALGORITHMS, is_bag, read_bag
from packages_spec.descriptive import read_archive_xml
from packages_spec.digests import chunks_of
from packages_spec.findings import Finding
from packages_spec.foreign import Foreign
from packages_spec.profiles import BAG_PROFILE
from packages_spec.safe_xml import UnsafeXml
from packages_spec.tables import RefusedTable, Sheet
from packages_spec.technical import Technical
from repository.crypto import PackageCipher
from repository.domain import accession
from repository.domain.accession import ACCESSION, Stage
from repository.domain.aggregate import Loaded, New
from repository.domain.values import DeliveryForm, SecrecyClass, time_of
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import catalogue_file, delivery, foreign_delivery
from repository.services.catalogue_file import CatalogueFile
from repository.services.catalogue_levels import read_levels
from repository.services.declarations import Declared, read_declarations
from repository.services.delivery import Delivered, DeliveryPlan, UnitPlan
from repository.services.delivery_papers import (
    DECLARATIONS,
    WORK_SHEET,
    Paper,
    catalogues,
    is_catalogue,
    paper_of,
    read_all,
    read_table,
)
from repository.services.foreign_delivery import foreign_package
from repository.services.in_memory import MemoryFiles
from repository.services.mapping import Profile, builtin, read_profile
from repository.services.sealing import cipher_of, class_key_for, keyed_listing, new_cipher
from repository.services.session import Progress, Session
from repository.services.work_sheet import WorkLine, read_work_sheet
from repository.settings import Settings
from repository.storage import (
    Received,
    ReceivedFile,
    discard_quarantine,
    is_sealed,
    keep_beside,
    receive,
    receive_sealed,
    sealed_name,
    survey,
)

LARGEST_TABLE = 64 << 20
KEPT_PAPERS = "papers"
"""Folder, beside an accession's deliveries in quarantine, of the papers of those that were rejected or returned."""
RETURNED = "退回目录.xlsx"
"""How the catalogue is called that was given back with its faults."""
MAPPING = "mapping.toml"
"""How the mapping profile of a delivery is called, behind the delivery's number."""

_MANIFEST = re.compile(r"(?:[^/]+/)?(?:tag)?manifest-([a-z0-9]+)\.txt")
_DECLARATION = re.compile(r"(?:[^/]+/)?bagit\.txt")


class Source(msgspec.Struct, frozen=True):
    """Where a delivery lies, under its real path, and what it looks like from outside."""

    path: Path
    is_bag: bool
    is_packed: bool
    per_folder: bool
    secrecy: SecrecyClass = SecrecyClass.OPEN
    """The highest class that is marked in it, or declared of it."""

    @property
    def is_gone(self) -> bool:
        """Whether it has been taken away; what was received of it lies in quarantine."""
        return not self.path.exists()

    @property
    def key(self) -> str:
        """Names the lock that keeps two processes from taking the same source at once."""
        return hashlib.sha256(str(self.path).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def title(self) -> str:
        """The folder's name, or the packed file's without its suffixes."""
        name = self.path.name
        for suffix in (".tar.gz", ".tgz", ".tar", ".zip") if self.is_packed else ():
            name = name.removesuffix(suffix)
        return name.encode("utf-8", "replace").decode()

    @property
    def form(self) -> DeliveryForm:
        """How the delivery came."""
        if self.is_packed:
            return DeliveryForm.PACKED_BAG if self.is_bag else DeliveryForm.PACKED_FOLDER
        return DeliveryForm.BAG if self.is_bag else DeliveryForm.FOLDER

    @property
    def algorithms(self) -> frozenset[str]:
        """The digests to take while copying: those that the producer's manifests have."""
        if self.is_gone:
            return frozenset()
        if self.is_packed:
            named = (_MANIFEST.fullmatch(name) for name in safe_archive.names(self.path))
            return frozenset(found[1] for found in named if found and found[1] in ALGORITHMS)
        return read_bag(self.path).algorithms if self.is_bag else frozenset()

    def listing_sha256(self, progress: Progress) -> str:
        """Digest of the listing of what lies there now; every file is read."""
        return survey(self.path, progress=lambda done, total: progress("receive", done, total)).listing_sha256


class Reception:
    """A delivery that lies in quarantine, whole; everything about it is known without reading its files again."""

    def __init__(
        self,
        folder: Path,
        source: Source,
        received: Received,
        state: accession.State,
        archive: str,
        profile: Profile | None = None,
        cipher: PackageCipher | None = None,
    ) -> None:
        self.quarantine = folder
        self.top = _top_folder(received) if source.is_packed else ""
        self.folder = folder / self.top
        self.source = source
        self.received = received
        self.archive = archive
        self.profile = profile or builtin()
        self.delivery = state.delivery
        self.stage = state.stage
        self.files = [
            Delivered(file.path.removeprefix(self.top), file.size, file.sha256, modified_at(file))
            for file in received.files
        ]
        self.technical: dict[tuple[Path, str], Technical | None] = {}
        self.cipher = cipher
        """What opens its files, where they lie sealed in quarantine."""
        self._numbers = {file.path: number for number, file in enumerate(received.files, 1)} if cipher else {}
        self._memory = MemoryFiles() if cipher else None
        self._papers = state.papers
        self._planned = state.current if state.is_planned else ()
        self._per_folder = state.received.per_folder if state.received else source.per_folder

    @property
    def is_sealed(self) -> bool:
        """Whether it lies in quarantine as ciphertext."""
        return self.cipher is not None

    def place(self, path: str) -> Path:
        """Where a file of the delivery can be read: in quarantine, or, of a sealed one, in memory alone."""
        if self._memory is None:
            return self.folder / path

        def fill(sink: BinaryIO) -> None:
            sink.writelines(self.chunks(path))

        return self._memory.path_of(path, fill)

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file of the delivery, streamed, as they came."""
        if self.cipher is None:
            yield from chunks_of(self.folder / path)
            return
        name = sealed_name(self._numbers[self.top + path])
        with self.cipher.open(name, self.quarantine / name) as reader:
            for piece in reader.batches():
                yield bytes(piece)

    @cached_property
    def catalogue(self) -> CatalogueFile:
        """What its producer says of its records: the catalogue that came with it, or a SIP's own description."""
        if self.source.is_bag:
            return self._own_description()
        named = catalogues(file.path for file in self.files)
        if not named:
            return CatalogueFile((), ())
        if (levels := self._levels(named)) is not None:
            return levels
        read = _read_catalogue(self.place(named[0]), named[0], self.profile)
        several = tuple(Finding("delivery.catalogue-several", name, named[0]) for name in named[1:])
        return msgspec.structs.replace(read, findings=(*several, *read.findings))

    def _levels(self, named: Sequence[str]) -> CatalogueFile | None:
        """The catalogue in two levels that these files are, if they are one."""
        tables, findings = read_all([(name, self.place(name)) for name in named])
        read = read_levels(tables, (file.path for file in self.files), self.profile)
        return read and msgspec.structs.replace(read, findings=(*findings, *read.findings))

    @cached_property
    def declarations(self) -> tuple[list[Declared], list[Finding]]:
        """What the producer declared of single pages, in whichever 备考表."""
        sheets, findings = self.sheets(Paper.DECLARATIONS, DECLARATIONS)
        declared: list[Declared] = []
        for name, sheet in sheets:
            folder = name.rpartition("/")[0].rpartition("/")[2] or None
            lines, wrong = read_declarations(name, sheet, self.profile, folder)
            declared += lines
            findings += wrong
        return declared, findings

    @cached_property
    def work_sheet(self) -> tuple[list[WorkLine], list[Finding]]:
        """Who digitised what, by the work sheets."""
        sheets, findings = self.sheets(Paper.WORK_SHEET, WORK_SHEET)
        lines: list[WorkLine] = []
        for name, sheet in sheets:
            read, wrong = read_work_sheet(name, sheet, self.profile)
            lines += read
            findings += wrong
        return lines, findings

    def sheets(self, paper: Paper, sheet_name: str) -> tuple[list[tuple[str, Sheet]], list[Finding]]:
        """The sheets of the files that are such a paper, and those called so in the catalogue's own workbook."""
        if self.source.is_bag or not catalogues(file.path for file in self.files):
            return [], []
        named = [file.path for file in self.files if paper_of(file.path) is paper]
        sheets, findings = read_all([(name, self.place(name)) for name in named])
        beside = self.catalogue.name
        if beside.endswith(".xlsx") and beside not in named and self.catalogue.mapped is not None:
            within, _ = read_all([(beside, self.place(beside))])
            sheets += [(name, sheet) for name, sheet in within if sheet_name in sheet.name]
        return sheets, findings

    def _own_description(self) -> CatalogueFile:
        """Of a SIP of our own profile, its `archive.xml`; of any other bag nothing that could be relied on."""
        profile = ("BagIt-Profile-Identifier", BAG_PROFILE)
        if self.submitted_id is None or profile not in read_bag(self.folder).info:
            return CatalogueFile((), ())
        path = f"data/{self.submitted_id}/metadata/descriptive/archive.xml"
        try:
            described = read_archive_xml(self.place(path).read_bytes(), path)
        except UnsafeXml as error:
            return CatalogueFile((), (error.finding,))
        except FileNotFoundError:
            return CatalogueFile((), (Finding("package.file-missing", path),))
        return CatalogueFile((catalogue_file.row_of(described),), ())

    @cached_property
    def foreign(self) -> Foreign | None:
        """What kind of package of another archive's it is, if it is one; a SIP of our own is none."""
        if self._per_folder:
            return None
        info = read_bag(self.folder).info if self.source.is_bag else None
        if info is not None and ("BagIt-Profile-Identifier", BAG_PROFILE) in info:
            return None
        return foreign_package(self.files, lambda path: self.place(path).open("rb"), info)

    def old_identifiers(self, unit: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
        """The system that a unit comes from, and what it was called there, each with its kind."""
        if self.foreign is None:
            return None, (("OBJID", self.submitted_id),) if self.submitted_id else ()
        item = next((item for item in self.foreign.items if item.path == unit), None)
        whole = item is None or len(self.foreign.items) == 1
        return self.foreign.system.value, self.foreign.identifiers if whole or item is None else item.identifiers

    def plan(self) -> DeliveryPlan:
        """Its units. `plan-differs` when a plan of other units was recorded before."""
        plan = self._planned_units()
        return self._expected(_under_neutral_paths(plan, self._papers) if self.is_sealed else plan)

    def _planned_units(self) -> DeliveryPlan:
        if self.foreign is not None and self.foreign.items:
            return foreign_delivery.plan_foreign(self.files, self.foreign, self.source.title)
        layout = delivery.layout_of(self.files, is_bag=self.source.is_bag, per_folder=self._per_folder)
        rows, title = self.catalogue.rows, self.source.title
        plan = delivery.plan_delivery(self.files, layout, rows, title, papers_path=self._papers)
        if layout is delivery.Layout.ROWS and self.catalogue.mapped is None:  # unread, it says nothing of any file
            told = tuple(one for one in plan.findings if one.code != "delivery.not-in-catalogue")
            plan = DeliveryPlan(plan.units, told)
        return plan

    def _expected(self, plan: DeliveryPlan) -> DeliveryPlan:
        if self._planned and {unit.path for unit in plan.units} != set(self._planned):
            raise ArchiveError("plan-differs", self.source.path)
        return plan

    @property
    def submitted_id(self) -> str | None:
        """The id that a delivered SIP came with."""
        for file in self.files if self.source.is_bag else ():
            parts = file.path.split("/")
            if len(parts) == 3 and parts[0] == "data" and parts[2] == "METS.xml":
                return parts[1]
        return None

    @cached_property
    def secrecy(self) -> SecrecyClass:
        """The highest class in it: what was marked when it came, or what its catalogue marks."""
        marked = (row.secrecy_class for row in self.catalogue.every_row if row.secrecy_class)
        return max((self.source.secrecy, *marked), key=lambda one: one.rank)

    def class_key_of(self, settings: Settings, unit: UnitPlan) -> str | None:
        """The class key that a unit of a sealed delivery is sealed under; null where its package lies in clear.

        Every record is decided by its own class. What holds the delivery's papers names all of them, and is sealed as
        the highest is; so is a record of which no class is said, for it came among controlled ones.
        """
        if not self.is_sealed:
            return None
        own = unit.row.secrecy_class if unit.row else None
        if own is not None and not unit.papers and not self.is_papers(unit):
            return class_key_for(settings, own)
        return class_key_for(settings, self.secrecy) or self.secrecy.value  # settings were loosened: as it was received

    def keep_papers(self, returned: bytes) -> None:
        """Keep the producer's papers and what was given back until a delivery of this accession is stored.

        Not those of a sealed delivery: what is refused of it stays with its producer.
        """
        if self.is_sealed:
            return
        folder = self.quarantine.parent / KEPT_PAPERS / str(self.delivery)
        for file in self.files:
            if paper_of(file.path) and not self.source.is_bag:
                keep_beside(folder / file.path, self.place(file.path).read_bytes())
        keep_beside(folder / RETURNED, returned)

    def is_papers(self, unit: UnitPlan) -> bool:
        """Whether a unit is the delivery's own papers and no record."""
        return self.catalogue.mapped is not None and unit.row is None

    def has_papers_in(self, unit: UnitPlan) -> bool:
        """Whether the delivery's papers are kept in this unit: one of their own, or the only record there is."""
        if self.source.is_bag or (self.foreign is not None and self.foreign.items):
            return False  # what lies beside such content is its own system's
        return self.is_papers(unit) or bool(unit.papers)

    @property
    def kept_papers(self) -> list[tuple[str, Path]]:
        """The papers of this and earlier deliveries that were kept so far, each under its delivery's number."""
        folder = self.quarantine.parent / KEPT_PAPERS
        found = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".part"))
        return sorted((path.relative_to(folder).as_posix(), path) for path in found)

    def clear(self) -> None:
        """Empty the quarantine of an accession whose packages are all stored."""
        discard_quarantine(self.quarantine.parent)


def _under_neutral_paths(plan: DeliveryPlan, papers: str) -> DeliveryPlan:
    """The units under names that may stand in the log: their 档号, or else their number."""
    units = []
    for number, unit in enumerate(plan.units, 1):
        code = unit.row.reference_code if unit.row else None
        path = unit.path if unit.path == papers else code or f"unit-{number:04d}"
        units.append(msgspec.structs.replace(unit, path=path))
    return DeliveryPlan(tuple(units), plan.findings)


def open_source(path: Path, *, per_folder: bool, ceiling: SecrecyClass, profile: Profile | None = None) -> Source:
    """Recognise a delivery, and the highest class that is marked in it.

    `delivery-missing`, `delivery-form`; `above-ceiling` before anything of it is copied.
    """
    real = path.resolve()
    if not real.exists():
        raise ArchiveError("delivery-missing", path)
    if real.is_dir():
        source = Source(real, is_bag(real), is_packed=False, per_folder=per_folder)
        if source.is_bag:
            marked = _expect_below(
                path, _described_in(real.glob("data/uuid-*/metadata/descriptive/archive.xml")), ceiling
            )
        else:
            marked = _refuse_above(path, sorted(real.iterdir()), ceiling, profile)
        return msgspec.structs.replace(source, secrecy=marked)
    if not real.is_file() or not safe_archive.is_archive(real):
        raise ArchiveError("delivery-form", path)
    refused = safe_archive.scan(real)
    if refused:
        raise ArchiveError("delivery-unsafe", path, reason=refused[0].message("zh"), reason_en=refused[0].message("en"))
    marked = SecrecyClass.OPEN
    packed_bag = any(_DECLARATION.fullmatch(name) for name in safe_archive.names(real))
    if not packed_bag and any(_is_packed_catalogue(name) for name in safe_archive.names(real)):
        with TemporaryDirectory() as folder:
            marked = _refuse_above(path, _unpack_catalogues(real, Path(folder)), ceiling, profile)
    return Source(real, packed_bag, is_packed=True, per_folder=per_folder, secrecy=marked)


def reception_of(session: Session, stream: UUID) -> Reception | None:
    """The delivery in hand of an accession as it lies in quarantine; null where nothing of it lies there any more."""
    state = session.log.load(ACCESSION, stream).state
    source = _source_recorded(state)
    folder = session.quarantine / str(stream) / str(state.delivery)
    if source is None or not folder.is_dir():
        return None
    cipher = cipher_of(session, stream, state.delivery) if is_sealed(folder) else None
    received = _receive(session, source, folder, cipher, lambda _done, _total: None)
    archive = session.log.stream(stream)[0].envelope.archive or ""
    kept = folder.with_name(f"{state.delivery}.{MAPPING}")
    profile = read_profile(kept.read_bytes(), kept) if kept.exists() else None
    return Reception(folder, source, received, state, archive, profile, cipher)


def _receive(
    session: Session, source: Source, folder: Path, cipher: PackageCipher | None, progress: Callable[[int, int], None]
) -> Received:
    """Copy it into quarantine, sealed or as it is; what was received already is read there."""
    algorithms, sync = source.algorithms, session.settings.sync
    if cipher is None:
        return receive(source.path, folder, algorithms=algorithms, progress=progress, sync=sync)
    return receive_sealed(source.path, folder, cipher, algorithms=algorithms, progress=progress, sync=sync)


def _cipher_for(session: Session, source: Source, stream: UUID, number: int, folder: Path) -> PackageCipher | None:
    """The cipher of a delivery that is sealed, or is to be. `sealed-form` for one that comes in a form that cannot be.

    A delivery in which one record is to be sealed lies in quarantine sealed as a whole, for its catalogue names them
    all; which of its packages are sealed is decided for each (`Reception.class_key_of`).
    """
    if is_sealed(folder):
        return cipher_of(session, stream, number)
    class_key = class_key_for(session.settings, source.secrecy)
    if class_key is None:
        return None
    if source.is_bag or source.is_packed:
        raise ArchiveError("sealed-form", source.path, secrecy=source.secrecy)
    return new_cipher(session, stream, number, class_key)


def source_received(state: accession.State) -> Source | None:
    """Of an accession whose delivery lies in quarantine, where it came from, whatever is there now."""
    gone = state.stage in (*accession.TAKES_A_DELIVERY, Stage.COMPLETED)
    return None if gone else _source_recorded(state)


def _source_recorded(state: accession.State) -> Source | None:
    received = state.received
    if received is None:
        return None
    form = received.form
    return Source(
        Path(received.source),
        is_bag=form in (DeliveryForm.BAG, DeliveryForm.PACKED_BAG),
        is_packed=form in (DeliveryForm.PACKED_BAG, DeliveryForm.PACKED_FOLDER),
        per_folder=received.per_folder,
    )


def _is_packed_catalogue(name: str) -> bool:
    return is_catalogue(name) or is_catalogue(name.partition("/")[2])


def _unpack_catalogues(path: Path, folder: Path) -> list[Path]:
    """The catalogues inside a packed delivery; none where it cannot be unpacked, which receiving will say."""
    places: list[Path] = []
    try:
        for member in safe_archive.members(path):
            if _is_packed_catalogue(member.path) and member.size <= LARGEST_TABLE:
                place = folder / member.path.rpartition("/")[2]
                place.write_bytes(b"".join(member.chunks))
                places.append(place)
    except safe_archive.RefusedArchive:
        pass
    return places


def _refuse_above(path: Path, places: list[Path], ceiling: SecrecyClass, profile: Profile | None) -> SecrecyClass:
    """The highest class that the catalogues mark; `above-ceiling` for one that may not come in."""
    named = [(place.name, place) for place in places if is_catalogue(place.name) and place.is_file()]
    levels = read_levels(read_all(named)[0], (), profile or builtin())
    read = [levels] if levels else [_read_catalogue(place, name, profile or builtin()) for name, place in named]
    marked = SecrecyClass.OPEN
    for catalogue in read:
        for row in catalogue_file.above_ceiling(catalogue.every_row, ceiling):
            raise ArchiveError("above-ceiling", path, row=row.place, found=row.secrecy_class, ceiling=ceiling)
        classes = (row.secrecy_class for row in catalogue.every_row if row.secrecy_class)
        marked = max((marked, *classes), key=lambda one: one.rank)
    return marked


def _described_in(places: Iterable[Path]) -> Iterator[tuple[Path, SecrecyClass]]:
    """What descriptions of a package say of its class; one that cannot be read is judged when it was received."""
    for place in places:
        with suppress(UnsafeXml, OSError):
            yield place, SecrecyClass(read_archive_xml(place.read_bytes(), place.name).secrecy_class)


def _expect_below(path: Path, described: Iterable[tuple[Path, SecrecyClass]], ceiling: SecrecyClass) -> SecrecyClass:
    marked = SecrecyClass.OPEN
    for place, found in described:
        if found.rank > ceiling.rank:
            raise ArchiveError("above-ceiling", path, row=place.name, found=found, ceiling=ceiling)
        marked = max(marked, found, key=lambda one: one.rank)
    return marked


def _read_catalogue(place: Path, name: str, profile: Profile) -> CatalogueFile:
    try:
        return catalogue_file.read_sheets(read_table(place, name), name, profile)
    except RefusedTable as refused:
        return CatalogueFile((), (refused.finding,), name, profile=profile)


def receive_delivery(
    session: Session, opened: Loaded[accession.State], source: Source, progress: Progress, mapping: Path | None = None
) -> Reception:
    """Copy the delivery into quarantine and record it; what was received already is taken from its journal.

    `mapping` is the mapping profile to read its catalogue by: a copy is kept beside it, for whoever goes on.
    """
    state, stream = opened.state, opened.stream
    archive = session.log.stream(stream)[0].envelope.archive or ""
    is_next = state.stage in accession.TAKES_A_DELIVERY
    number = state.delivery + 1 if is_next else state.delivery
    folder = session.quarantine / str(stream) / str(number)
    folder.parent.mkdir(exist_ok=True)
    kept = folder.with_name(f"{number}.{MAPPING}")
    if mapping is not None and is_next:
        keep_beside(kept, mapping.read_bytes())
    cipher = _cipher_for(session, source, stream, number, folder)
    received = _receive(session, source, folder, cipher, lambda done, total: progress("receive", done, total))
    if cipher is not None:
        keyed = keyed_listing(session, stream, received.listing_sha256)
        received = msgspec.structs.replace(received, listing_sha256=keyed)
    arrival = accession.DeliveryReceived(
        delivery=number,
        form=source.form,
        source=str(source.path),
        per_folder=source.per_folder,
        files=len(received.files),
        bytes=received.bytes,
        listing_sha256=received.listing_sha256,
    )

    def decide(streams: Streams) -> list[New]:
        now = streams.load(ACCESSION, stream).state
        return [New(stream, payload) for payload in accession.receive(now, arrival)]

    if is_next:
        session.perform("receive-delivery", decide, correlation=stream, archive=archive)
    by = read_profile(kept.read_bytes(), kept) if kept.exists() else None
    return Reception(folder, source, received, session.log.load(ACCESSION, stream).state, archive, by, cipher)


def _top_folder(received: Received) -> str:
    """The one folder that a packed delivery holds, `/` behind it; empty where it holds more than that."""
    tops = {file.path.partition("/")[:2] for file in received.files}
    top, slash = next(iter(tops)) if len(tops) == 1 else ("", "")
    return top + slash if slash else ""


def modified_at(file: ReceivedFile) -> str:
    """When the file was last changed at the producer's, to the second."""
    return _second(file.mtime_ns // 1_000_000_000)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    """One string for all files of a second: a scanner writes many."""
    return time_of(datetime.fromtimestamp(seconds, UTC))
