"""Writing a package (组包): everything round its content, in one pass, each file hashed while it is written.

The content itself is in its place already. Same content, same bytes: nothing here looks at a clock or a folder.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import PurePosixPath

import msgspec

from packages_spec import bagit, mets, premis, technical
from packages_spec.descriptive import (
    VERSIONS,
    Description,
    dublin_core,
    schema,
    version_of,
    write_archive_xml,
    write_dc,
)
from packages_spec.descriptive.dublin_core import Statements
from packages_spec.digests import Digested
from packages_spec.mets import Header, MetadataFile, MetsFile
from packages_spec.premis import Enclosed, FileObject, Format, Identifier, PackageEntity, Representation
from packages_spec.profiles.content import (
    BAG_PROFILE,
    NAMES,
    PLAIN_DIGESTS,
    REPRESENTATION,
    SEALED_MEDIA_TYPE,
    SEALED_METS,
    SEALED_SUFFIX,
    Built,
    PackageContent,
    PayloadFile,
    Sealing,
    Sink,
    package_folder,
    package_id,
    representation_id,
)

_REPRESENTATION = f"representations/{REPRESENTATION}"
_XML = "application/xml"
_MEDIA_TYPES = {".xml": _XML, ".txt": "text/plain", ".csv": "text/csv", ".json": "application/json"}


@cache
def readme() -> bytes:
    """documentation/README.txt: how to read a package without us."""
    return files(__package__).joinpath("README.txt").read_bytes()


@cache
def sealed_readme() -> bytes:
    """documentation/SEALED.txt: how to open a controlled package with the public program `age`."""
    return files(__package__).joinpath("SEALED.txt").read_bytes()


def build(content: PackageContent, sink: Sink) -> Built:
    """Write every file of the bag but the content and the delivery's own files, which stand there already.

    Cost is linear in the number of files and memory holds one entry for each. Raises ValueError for text that XML
    cannot carry; what the sink raises passes through.
    """
    package = _Package(content, sink)
    # 1. What explains the package.
    documentation = [package.write("documentation/README.txt", [readme()], "text/plain")]
    if content.sealing is not None:
        documentation.append(package.write("documentation/SEALED.txt", [sealed_readme()], "text/plain"))
    version = version_of(content.description)
    newest = max(version, *(version_of(part) for _, part in content.parts)) if content.parts else version
    schemas = [package.write(f"schemas/{name}", [schema(name)], _XML) for name in VERSIONS[newest]]
    if any(file.technical for file in content.files):
        schemas.append(package.write("schemas/technical.xsd", [technical.schema()], _XML))
    # 2. What the record is.
    description = msgspec.structs.replace(content.description, package=content.package)
    dc = package.write("metadata/descriptive/dc.xml", [write_dc(_shown(content, description))], _XML)
    archive = package.sealed("metadata/descriptive/archive.xml", [write_archive_xml(description)], _XML)
    described = [MetadataFile(dc, "DC"), MetadataFile(archive, "OTHER", "JINGUI-ARCHIVE", version), *_parts(package)]
    # 3. What happened to it, and what came with it.
    provenance = [*_package_premis(package), *_extras(package), *_delivery(package), *_sealed_lists(package)]
    # 4. Its content, file by file.
    representation = _representation(package)
    # 5. What binds all of this together.
    document = mets.package_mets(
        _header(content, f"uuid-{content.package}"),
        descriptive=described,
        provenance=provenance,
        documentation=documentation,
        schemas=schemas,
        representations=[(REPRESENTATION, representation)],
    )
    package.write("METS.xml", document, _XML)
    # 6. The bag round it.
    return _bag(package)


class _Package:
    """A package while it is being written: its sink, and what stands in the bag so far."""

    def __init__(self, content: PackageContent, sink: Sink) -> None:
        self.content = content
        self.sink = sink
        self.folder = package_folder(content.package)
        self.written = content.modified or content.created
        self.entries = [*content.delivery, *content.placed]
        self.plain: list[_Hashed] = []

    def write(self, path: str, chunks: Iterable[bytes], media_type: str) -> MetsFile:
        """Write a file of the package folder and remember it."""
        entry = self.sink.write(f"{self.folder}/{path}", chunks)
        self.entries.append(entry)
        return MetsFile(path, entry.size, entry.sha256, media_type, self.written)

    def sealed(self, path: str, chunks: Iterable[bytes], media_type: str) -> MetsFile:
        """Write a file that says something of a controlled record: encrypted, and its own digest beside the others."""
        sealing = self.content.sealing
        if sealing is None:
            return self.write(path, chunks, media_type)
        self.plain.append(plain := _Hashed(path, chunks))
        name = path + SEALED_SUFFIX
        return self.write(name, sealing.seal(f"{self.folder}/{name}", plain), SEALED_MEDIA_TYPE)


class _Hashed:
    """Chunks that are hashed while they pass."""

    def __init__(self, path: str, chunks: Iterable[bytes]) -> None:
        self.path = path
        self._chunks = chunks
        self._digest = sha256()

    def __iter__(self) -> Iterator[bytes]:
        """Pass them on."""
        for chunk in self._chunks:
            self._digest.update(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """Of what has passed."""
        return self._digest.hexdigest()


def _shown(content: PackageContent, description: Description) -> Statements:
    """The Dublin Core that everybody may read: of a controlled record, its id."""
    if content.sealing is None:
        return dublin_core(description)
    return (("identifier", f"urn:uuid:{content.package}"),)


def _parts(package: _Package) -> Iterator[MetadataFile]:
    """The records that the package was divided into, each in a file of its own."""
    for identity, part in package.content.parts:
        description = msgspec.structs.replace(part, package=package.content.package)
        path = f"metadata/descriptive/archive-{identity}.xml"
        file = package.sealed(path, [write_archive_xml(description)], _XML)
        yield MetadataFile(file, "OTHER", "JINGUI-ARCHIVE", version_of(description))


def _package_premis(package: _Package) -> Iterator[MetadataFile]:
    content = package.content
    others = content.other_identifiers
    if content.sealing is not None:
        entity = PackageEntity(package_id(content.package), others, content.sources)
        ((_, whole),) = premis.premis_documents([entity])
        yield MetadataFile(package.sealed("metadata/preservation/identifiers.xml", whole, _XML), "OTHER", "IDENTIFIERS")
        others = ()
    entity = PackageEntity(package_id(content.package), others, content.sources)
    representation = Representation(representation_id(content.package), package_id(content.package))
    documents = premis.premis_documents([entity, representation], content.events, content.agents, content.rights)
    for name, chunks in documents:
        yield _premis_file(package.write(f"metadata/preservation/{name}", chunks, _XML))


def _premis_file(file: MetsFile) -> MetadataFile:
    return MetadataFile(file, "PREMIS", version="3.0")


def _extras(package: _Package) -> Iterator[MetadataFile]:
    for extra in package.content.extras:
        write = package.write if extra.shown else package.sealed
        file = write(extra.path, extra.chunks, extra.media_type)
        yield MetadataFile(file, "OTHER", PurePosixPath(extra.path).stem.upper())


def _delivery(package: _Package) -> Iterator[MetadataFile]:
    for entry in package.content.delivery:
        path = entry.path.removeprefix(f"{package.folder}/")
        media_type = _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")
        file = MetsFile(path, entry.size, entry.sha256, media_type, package.content.created)
        yield MetadataFile(file, "OTHER", "DELIVERY")


def _sealed_lists(package: _Package) -> Iterator[MetadataFile]:
    """Of a controlled package: every file under its own name, and the digests of what is encrypted."""
    content = package.content
    if content.sealing is None:
        return
    within = len(f"{package.folder}/")
    places = [file.path[within:].removesuffix(SEALED_SUFFIX) for file in (*content.placed, *content.delivery)]
    came_as = [*(file.path for file in content.files), *(file.path for file in content.papers)]
    names = (f"{place}\t{path}\n".encode() for place, path in zip(places, came_as, strict=True))
    yield MetadataFile(package.sealed(NAMES, names, "text/plain"), "OTHER", "NAMES")
    digests = [*(file.sha256 for file in content.files), *(file.sha256 for file in content.papers)]
    lines = [f"{digest}  {place}\n" for digest, place in zip(digests, places, strict=True)]
    lines += [f"{file.sha256}  {file.path}\n" for file in package.plain]
    written = package.sealed(PLAIN_DIGESTS, [line.encode() for line in sorted(lines, key=_path)], "text/plain")
    yield MetadataFile(written, "OTHER", "PLAINTEXT-SHA256")


def _path(line: str) -> str:
    return line.partition("  ")[2]


def _representation(package: _Package) -> MetsFile:
    """Write the representation's PREMIS and METS; the METS document is what the package lists."""
    content = package.content
    representation = Representation(representation_id(content.package), package_id(content.package))
    shards: list[MetadataFile] = []
    listed: Iterable[MetsFile] = map(_listed, content.files)
    objects: Iterable[Representation | FileObject] = _objects(representation, content.files)
    if content.sealing is not None:
        for name, chunks in premis.premis_documents(objects):
            file = package.sealed(f"{_REPRESENTATION}/metadata/preservation/{name}", chunks, _XML)
            shards.append(MetadataFile(_inside_representation(file), "OTHER", "SEALED-PREMIS"))
        whole = mets.representation_mets(
            _header(content, REPRESENTATION), name=REPRESENTATION, provenance=[], files=map(_listed, content.files)
        )
        file = package.sealed(f"{_REPRESENTATION}/{SEALED_METS}", whole, _XML)
        shards.append(MetadataFile(_inside_representation(file), "OTHER", "SEALED-METS"))
        listed, objects = _sealed_files(package), _sealed_objects(package, representation, content.sealing)
    for name, chunks in premis.premis_documents(objects):
        file = package.write(f"{_REPRESENTATION}/metadata/preservation/{name}", chunks, _XML)
        shards.append(_premis_file(_inside_representation(file)))
    document = mets.representation_mets(
        _header(content, REPRESENTATION), name=REPRESENTATION, provenance=shards, files=listed
    )
    return package.write(f"{_REPRESENTATION}/METS.xml", document, _XML)


def _inside_representation(file: MetsFile) -> MetsFile:
    return MetsFile(
        file.path.removeprefix(f"{_REPRESENTATION}/"), file.size, file.sha256, file.media_type, file.created
    )


def _objects(representation: Representation, files: Sequence[PayloadFile]) -> Iterator[Representation | FileObject]:
    yield representation
    for file in files:
        location = f"data/{file.path}"
        yield FileObject(
            identifier=Identifier("local", f"{representation.identifier.value}/{location}"),
            location=location,
            size=file.size,
            sha256=file.sha256,
            format=Format(file.format_name, file.format_version, file.puid, file.format_basis),
            original_name=file.original_name,
            technical=file.technical,
        )


def _sealed_files(package: _Package) -> Iterator[MetsFile]:
    """The encrypted files as METS lists them."""
    content = package.content
    within = len(f"{package.folder}/{_REPRESENTATION}/")
    for file, placed in zip(content.files, content.placed, strict=True):
        yield MetsFile(placed.path[within:], placed.size, placed.sha256, SEALED_MEDIA_TYPE, file.created)


def _sealed_objects(
    package: _Package, representation: Representation, sealing: Sealing
) -> Iterator[Representation | FileObject]:
    """The encrypted files as PREMIS tells of them: ciphertext outside, the format inside, and what opens it."""
    yield representation
    for file, listed in zip(package.content.files, _sealed_files(package), strict=True):
        inside = Format(file.format_name, file.format_version, file.puid, file.format_basis)
        yield FileObject(
            identifier=Identifier("local", f"{representation.identifier.value}/{listed.path}"),
            location=listed.path,
            size=listed.size,
            sha256=listed.sha256,
            format=Format("age encryption", sealing.suite.partition("-")[2] or sealing.suite),
            enclosed=Enclosed(inside, sealing.suite, sealing.recipient),
        )


def _listed(file: PayloadFile) -> MetsFile:
    return MetsFile(f"data/{file.path}", file.size, file.sha256, file.media_type, file.created)


def _header(content: PackageContent, objid: str) -> Header:
    return Header(
        objid=objid,
        package_type=content.kind,
        content_category=mets.CONTENT_CATEGORIES[content.description.record_type],
        label=content.package if content.sealing else content.label,
        created=content.created,
        modified=content.modified or content.created,
        software=content.software,
        software_version=content.software_version,
        archive=content.archive,
        reference_code=None if content.sealing else content.description.reference_code,
    )


def _bag(package: _Package) -> Built:
    payload = sorted(package.entries)
    tags = [
        package.sink.write("bagit.txt", [bagit.declaration()]),
        package.sink.write("bag-info.txt", [bagit.bag_info(_bag_info(package.content, payload))]),
        package.sink.write("manifest-sha256.txt", bagit.manifest(payload)),
    ]
    tagmanifest = package.sink.write("tagmanifest-sha256.txt", bagit.manifest(sorted(tags)))
    return Built((*payload, *tags, tagmanifest), tags[-1].sha256, tagmanifest.sha256)


def _bag_info(content: PackageContent, payload: Sequence[Digested]) -> list[tuple[str, str]]:
    group = [] if content.bag_group is None or content.sealing else [("Bag-Group-Identifier", content.bag_group)]
    return [
        ("External-Identifier", f"urn:uuid:{content.package}"),
        ("Bagging-Date", (content.modified or content.created)[:10]),
        ("Payload-Oxum", bagit.payload_oxum(payload)),
        *group,
        ("Bag-Software-Agent", f"{content.software}/{content.software_version}"),
        ("BagIt-Profile-Identifier", BAG_PROFILE),
    ]
