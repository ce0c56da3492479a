"""PREMIS against a package's files: fixity of all content, names of things, and links that lead somewhere."""

import re
from collections.abc import Iterator

from packages_spec.findings import Finding
from packages_spec.package_files import Mark
from packages_spec.premis import (
    Agent,
    Event,
    FileObject,
    Identifier,
    PackageEntity,
    Representation,
    Rights,
    Statement,
    read_premis,
)
from packages_spec.profiles.content import package_id, representation_id
from packages_spec.profiles.on_disk import PackageOnDisk
from packages_spec.safe_xml import UnsafeXml

_CONTENT = re.compile(r"representations/([^/]+)/data/.+", re.DOTALL)

Named = tuple[str, Statement | Finding]
"""A statement with the name of its document, or the finding that ended the document."""


def check_premis(package: PackageOnDisk) -> list[Finding]:
    """Findings on the package's PREMIS and on that of each of its representations."""
    findings = [*_check_package(package)]
    names = {match[1] for path in package.files if (match := _CONTENT.fullmatch(path))}
    for name in sorted(names):
        findings += _check_representation(package, name)
    return findings


def _statements(package: PackageOnDisk, folder: str) -> Iterator[Named]:
    for path, name in package.documents(folder):
        try:
            with package.open(path).open("rb") as source:
                for statement in read_premis(source, name):
                    yield name, statement
        except UnsafeXml as error:
            yield name, error.finding


def _check_package(package: PackageOnDisk) -> Iterator[Finding]:
    known: set[Identifier] = set()
    links: list[tuple[str, Identifier]] = []
    for name, statement in _statements(package, ""):
        match statement:
            case Finding():
                yield statement
            case PackageEntity(identifier=identifier):
                known.add(identifier)
                yield from _expect_identifier(name, package_id(package.package), identifier)
            case Representation(identifier=identifier):
                known.add(identifier)
                yield from _expect_identifier(name, package_id(package.package), statement.package)
            case Agent(identifier=identifier):
                known.add(identifier)
            case Event(agents=agents, objects=objects):
                links += [(name, identifier) for identifier in (*(link.agent for link in agents), *objects)]
            case Rights(objects=objects):
                links += [(name, identifier) for identifier in objects]
    for name, identifier in links:
        if identifier not in known:
            yield Finding("premis.link", name, found=f"{identifier.type} {identifier.value}")


def _check_representation(package: PackageOnDisk, representation: str) -> Iterator[Finding]:
    """Each file of content must have one object that tells its size and digest, and no object may be without file."""
    expected = representation_id(package.package, representation)
    for name, statement in _statements(package, f"representations/{representation}/"):
        match statement:
            case Finding():
                yield statement
            case Representation(identifier=identifier):
                yield from _expect_identifier(name, expected, identifier)
                yield from _expect_identifier(name, package_id(package.package), statement.package)
            case FileObject(identifier=identifier, location=location):
                path = f"representations/{representation}/{location}"
                if path in package.files and package.files.mark(path, Mark.DESCRIBED):
                    yield Finding("premis.object-twice", package.name(path), found=name)
                yield from _expect_identifier(name, Identifier("local", f"{expected.value}/{location}"), identifier)
                yield from _check_file(package, name, path, statement)
    for path in sorted(package.files.without(Mark.DESCRIBED)):
        match = _CONTENT.fullmatch(path)
        if match and match[1] == representation:
            yield Finding("premis.object-missing", package.name(path))


def _check_file(package: PackageOnDisk, document: str, path: str, said: FileObject) -> Iterator[Finding]:
    files = package.files
    if path not in files:
        yield Finding("premis.file-missing", package.name(path), document)
        return
    if said.size != files.size(path):
        yield Finding("premis.size", package.name(path), f"{document}: {said.size}", str(files.size(path)))
    if said.sha256 != files.digest(path):
        yield Finding("premis.digest", package.name(path), f"{document}: {said.sha256}", files.digest(path))


def _expect_identifier(document: str, expected: Identifier, found: Identifier) -> Iterator[Finding]:
    if found != expected:
        yield Finding("premis.identifier", document, f"{expected.type} {expected.value}", f"{found.type} {found.value}")
