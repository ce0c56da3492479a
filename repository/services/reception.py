"""Reception (接收): a delivery is recognised, copied once into quarantine while it is hashed, and recorded."""

import hashlib
import re
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec

from packages_spec import safe_archive
from packages_spec.bagit import ALGORITHMS, is_bag, read_bag
from packages_spec.descriptive import read_archive_xml
from packages_spec.findings import Finding
from packages_spec.profiles import BAG_PROFILE
from packages_spec.safe_xml import UnsafeXml
from repository.domain import accession
from repository.domain.accession import ACCESSION, Stage
from repository.domain.aggregate import Loaded, New
from repository.domain.values import DeliveryForm, SecrecyClass, time_of
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import catalogue_file, delivery
from repository.services.catalogue_file import CatalogueFile
from repository.services.delivery import Delivered, DeliveryPlan
from repository.services.session import Progress, Session
from repository.storage import Received, ReceivedFile, discard_quarantine, receive, survey

_MANIFEST = re.compile(r"(?:[^/]+/)?(?:tag)?manifest-([a-z0-9]+)\.txt")
_DECLARATION = re.compile(r"(?:[^/]+/)?bagit\.txt")
_CATALOGUE = re.compile(r"(?:[^/]+/)?" + re.escape(catalogue_file.NAME))


class Source(msgspec.Struct, frozen=True):
    """Where a delivery lies, under its real path, and what it looks like from outside."""

    path: Path
    is_bag: bool
    is_packed: bool
    per_folder: bool

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
        if self.is_packed:
            named = (_MANIFEST.fullmatch(name) for name in safe_archive.names(self.path))
            return frozenset(found[1] for found in named if found and found[1] in ALGORITHMS)
        return read_bag(self.path).algorithms if self.is_bag else frozenset()

    def listing_sha256(self, progress: Progress) -> str:
        """Digest of the listing of what lies there now; every file is read."""
        return survey(self.path, progress=lambda done, total: progress("receive", done, total)).listing_sha256


class Reception:
    """A delivery that lies in quarantine, whole; everything about it is known without reading its files again."""

    def __init__(self, folder: Path, source: Source, received: Received, state: accession.State, archive: str) -> None:
        self.quarantine = folder
        self.top = _top_folder(received) if source.is_packed else ""
        self.folder = folder / self.top
        self.source = source
        self.received = received
        self.archive = archive
        self.delivery = state.delivery
        self.stage = state.stage
        self.files = [
            Delivered(file.path.removeprefix(self.top), file.size, file.sha256, modified_at(file))
            for file in received.files
        ]
        self._planned = state.current if state.is_planned else ()
        self._per_folder = state.received.per_folder if state.received else source.per_folder

    def place(self, path: str) -> Path:
        """Where a file of the delivery lies in quarantine."""
        return self.folder / path

    @cached_property
    def catalogue(self) -> CatalogueFile:
        """What its producer says of its records: the catalogue that came with it, or a SIP's own description."""
        if self.source.is_bag:
            return self._own_description()
        if not any(file.path == catalogue_file.NAME for file in self.files):
            return CatalogueFile((), ())
        return catalogue_file.read_catalogue(self.place(catalogue_file.NAME).read_bytes())

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

    def plan(self) -> DeliveryPlan:
        """Its units. `plan-differs` when a plan of other units was recorded before."""
        layout = delivery.layout_of(self.files, is_bag=self.source.is_bag, per_folder=self._per_folder)
        plan = delivery.plan_delivery(self.files, layout, self.catalogue.rows, self.source.title)
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

    def clear(self) -> None:
        """Empty the quarantine of an accession whose packages are all stored."""
        discard_quarantine(self.quarantine.parent)


def open_source(path: Path, *, per_folder: bool, ceiling: SecrecyClass) -> Source:
    """Recognise a delivery. `delivery-missing`, `delivery-form`; `above-ceiling` before anything of it is copied."""
    real = path.resolve()
    if not real.exists():
        raise ArchiveError("delivery-missing", path)
    if real.is_dir():
        source = Source(real, is_bag(real), is_packed=False, per_folder=per_folder)
        catalogue = real / catalogue_file.NAME
        if catalogue.is_file() and not source.is_bag:
            _refuse_above(path, catalogue_file.read_catalogue(catalogue.read_bytes()), ceiling)
        return source
    if not real.is_file() or not safe_archive.is_archive(real):
        raise ArchiveError("delivery-form", path)
    refused = safe_archive.scan(real)
    if refused:
        raise ArchiveError("delivery-unsafe", path, reason=refused[0].message("zh"), reason_en=refused[0].message("en"))
    packed_bag = any(_DECLARATION.fullmatch(name) for name in safe_archive.names(real))
    if not packed_bag and any(_CATALOGUE.fullmatch(name) for name in safe_archive.names(real)):
        _refuse_above(path, catalogue_file.read_catalogue(_packed_catalogue(real)), ceiling)
    return Source(real, packed_bag, is_packed=True, per_folder=per_folder)


def _packed_catalogue(path: Path) -> bytes:
    """The catalogue inside a packed delivery; empty where it cannot be unpacked, which receiving will say."""
    try:
        for member in safe_archive.members(path):
            if _CATALOGUE.fullmatch(member.path):
                return b"".join(member.chunks)
    except safe_archive.RefusedArchive:
        pass
    return b""


def _refuse_above(path: Path, catalogue: CatalogueFile, ceiling: SecrecyClass) -> None:
    for row in catalogue_file.above_ceiling(catalogue.rows, ceiling):
        place = f"{catalogue_file.NAME}:{row.number}"
        raise ArchiveError("above-ceiling", path, row=place, found=row.secrecy_class, ceiling=ceiling)


def receive_delivery(
    session: Session, opened: Loaded[accession.State], source: Source, progress: Progress
) -> Reception:
    """Copy the delivery into quarantine and record it; what was received already is taken from its journal."""
    state, stream = opened.state, opened.stream
    archive = session.log.stream(stream)[0].envelope.archive or ""
    is_next = state.stage in (Stage.OPEN, Stage.REJECTED)
    number = state.delivery + 1 if is_next else state.delivery
    folder = session.quarantine / str(stream) / str(number)
    folder.parent.mkdir(exist_ok=True)
    received = receive(
        source.path,
        folder,
        algorithms=source.algorithms,
        progress=lambda done, total: progress("receive", done, total),
        sync=session.settings.sync,
    )
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
    return Reception(folder, source, received, session.log.load(ACCESSION, stream).state, archive)


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
