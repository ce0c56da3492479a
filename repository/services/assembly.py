"""Assembly (组装): a dissemination package is made in staging, of stored bytes compared with their manifest.

One of a controlled record is made in memory: not a byte of it is ever in clear within the archive's folder.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from packages_spec.digests import Digested, chunks_of
from packages_spec.premis import Identifier
from packages_spec.premis import Source as PremisSource
from packages_spec.profiles import SEALED_SUFFIX, Built, PackageContent, PackageKind, PayloadFile, build, payload_path
from repository.crypto import seal_for
from repository.domain.access_request import ACCESS_REQUEST, DipAssembled, DipRendered, DipSource, FormChosen
from repository.domain.description import Fields
from repository.errors import ArchiveError
from repository.services import packaging, stored
from repository.services.dip_forms import Carrier, Mark, Taken, Wish, make_bag_of_copies, pages_of
from repository.services.sealing import readable_fields
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Session
from repository.services.stored import StoredVersion
from repository.services.zipped import MEDIA_TYPE, zip_of
from repository.storage import Folder, outgoing, outgoing_in_memory


@dataclass(frozen=True, slots=True)
class Assembled:
    """A package that is made and has not left: its facts for the log, and where it lies."""

    facts: DipAssembled
    source: DipSource
    wish: Wish
    carrier: Carrier | None
    container: Folder
    bag: Folder
    is_sealed: bool
    """Whether it was made of a controlled version, and must be nowhere in clear."""

    def rendered(self, carrier: Carrier) -> DipRendered:
        """What the log says of the file that goes over a wire."""
        return DipRendered(
            dip=self.facts.dip,
            form=self.wish.form,
            name=f"uuid-{self.facts.dip}{Path(carrier.file.path).suffix}",
            media_type=carrier.media_type,
            bytes=carrier.file.size,
            sha256=carrier.file.sha256,
        )

    def hand_out(self, target: Path, recipient: str | None = None) -> Path:
        """Move it to its place outside the archive: the file, or else the bag. `folder-exists`.

        With a recipient only the file leaves, encrypted to them.
        """
        out = target / f"uuid-{self.facts.dip}"
        if recipient is not None and self.carrier is not None:
            name = f"{self.carrier.file.path}{SEALED_SUFFIX}"
            chunks = chunks_of(self.container.root / self.carrier.file.path)
            self.container.write(name, seal_for(recipient, chunks))
            out = out.with_name(f"{out.name}{Path(self.carrier.file.path).suffix}{SEALED_SUFFIX}")
            self.container.hand_out(out, name)
            return out
        if self.carrier is None:
            self.bag.hand_out(out)
            return out
        out = out.with_name(f"{out.name}{Path(self.carrier.file.path).suffix}")
        self.container.hand_out(out, self.carrier.file.path)
        return out


@contextmanager
def assembled(
    session: Session,
    request: UUID,
    dip: UUID,
    chosen: FormChosen,
    *,
    over_wire: bool = False,
    part: tuple[UUID, Sequence[str]] | None = None,
) -> Iterator[Assembled]:
    """Make what a request asks for; what is not handed out or kept by the end of the block is gone.

    `part` names one package of several, and the files of it that may leave; without it, what was asked for first. Over
    a wire every form is one file. Raises `fixity-mismatch`, `file-unknown`, `pages-invalid`, `form-unfit`, and of a
    controlled record `memory-missing` and `memory-full`.
    """
    requested = session.log.load(ACCESS_REQUEST, request).state.requested
    if requested is None:
        raise ArchiveError("request-unknown", request)
    wish = Wish(form=chosen.form, pages=chosen.pages, width=chosen.width)
    package, paths = part or (requested.packages[0], requested.paths)
    version = stored.newest(session, package, as_of=chosen.as_of)
    fields = readable_fields(session, chosen.description)
    own = None if part is not None and paths else fields.files
    files = pages_of(stored.chosen(session, version, paths, own), wish.pages)
    source = DipSource(
        package=version.package,
        generation=version.event.generation,
        version=version.event.version,
        stored_event=version.id,
    )
    making = outgoing_in_memory if version.is_sealed else outgoing
    with making(session.folder, dip) as container:
        bag = container.inner(f"uuid-{dip}")
        if wish.is_copy:
            built = _copies(session, container, bag, version, files, wish, request, dip)
        else:
            built = _record(session, bag, version, str(dip), files, fields)
        payload = _content(built) if wish.is_copy else [Digested(file.path, file.size, file.sha256) for file in files]
        facts = DipAssembled(
            dip=dip,
            sources=(source,),
            files=len(payload),
            bytes=sum(file.size for file in payload),
            manifest_sha256=built.manifest_sha256,
            tagmanifest_sha256=built.tagmanifest_sha256,
        )
        carrier = _carrier(session, container, bag, built, wish, over_wire=over_wire)
        yield Assembled(facts, source, wish, carrier, container, bag, version.is_sealed)


def _content(built: Built) -> list[Digested]:
    return [file for file in built.entries if file.path.startswith("data/")]


def _carrier(
    session: Session, container: Folder, bag: Folder, built: Built, wish: Wish, *, over_wire: bool
) -> Carrier | None:
    if wish.form == "pdf":
        (pdf,) = _content(built)
        return Carrier(Digested(f"{bag.root.name}/{pdf.path}", pdf.size, pdf.sha256), "application/pdf")
    if not over_wire and wish.form != "zip":
        return None
    name = f"{bag.root.name}.zip"
    chunks = zip_of(bag.root, bag.root.name, built.entries, session.now())
    return Carrier(container.write(name, chunks), MEDIA_TYPE)


def _copies(
    session: Session,
    container: Folder,
    bag: Folder,
    version: StoredVersion,
    files: Sequence[PayloadFile],
    wish: Wish,
    request: UUID,
    dip: UUID,
) -> Built:
    """Copy the stored files, compared on the way, and make the form from these copies."""
    masters = container.inner("masters")
    taken = []
    for number, file in enumerate(files, 1):
        name = f"{number:06d}{Path(file.path).suffix}"
        stored.copy_into(session, masters, version, file, name)
        taken.append(Taken(file, masters.root / name))
    mark = Mark(
        institution=_institution(session),
        code=session.archive_code(None),
        reader=str(session.actor.agent)[:8],
        date=session.now()[:10],
        request=str(request),
    )
    sources = [
        ("Internal-Sender-Identifier", f"urn:uuid:{version.package}"),
        ("Internal-Sender-Description", f"{wish.form}; version {version.event.version}; stored by event {version.id}"),
    ]
    built = make_bag_of_copies(taken, bag, wish, mark, dip=str(dip), sources=sources)
    masters.discard()
    return built


def _institution(session: Session) -> str:
    """The archive's own name: its first producer is itself."""
    session.catch_up()
    for producer in session.catalogue.agents(producers=True, limit=1).entries:
        return producer.name or session.archive_code(None)
    return session.archive_code(None)


def _record(
    session: Session, bag: Folder, version: StoredVersion, dip: str, files: Sequence[PayloadFile], fields: Fields
) -> Built:
    """The E-ARK DIP: the stored bytes with their description and history."""
    placed = [stored.copy_into(session, bag, version, file, payload_path(dip, file.path)) for file in files]
    history = session.log.records(version.package)
    agents, events = packaging.preservation_metadata(dip, session.log.stream(version.package))
    code = [Identifier("local", f"档号: {fields.reference_code}")] if fields.reference_code else []
    content = PackageContent(
        kind=PackageKind.DIP,
        package=dip,
        created=session.now(),
        label=packaging.label_of(fields, dip),
        description=packaging.as_described(fields),
        files=files,
        placed=placed,
        extras=packaging.extras(history, [], b""),
        events=events,
        agents=agents,
        sources=(PremisSource(f"urn:uuid:{version.package}", version.event.version, str(version.id)),),
        other_identifiers=tuple(code),
        bag_group=fields.fonds_code,
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=session.archive_code(None),
    )
    return build(content, bag)
