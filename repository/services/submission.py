"""Submission (提交): a producer makes a SIP of a folder, without any archive at hand."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from packages_spec.descriptive import Description
from packages_spec.findings import Finding, is_valid
from packages_spec.profiles import PackageContent, PackageKind, build, payload_path
from repository.domain.values import RecordType, SecrecyClass, time_of
from repository.services.delivery import Delivered, Layout, plan_delivery
from repository.services.identification import Siegfried
from repository.services.packaging import payload_file
from repository.services.reception import modified_at
from repository.services.session import SOFTWARE, SOFTWARE_VERSION
from repository.storage import Folder, survey


class SubmissionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The SIP that was made, or the findings that kept it from being made (`path` None)."""

    schema: str = "jingui.pack/1"
    package: UUID
    path: str | None
    files: int
    bytes: int
    findings: tuple[Finding, ...] = ()


def pack(
    source: Path, target: Path, *, title: str | None, reference_code: str | None, producer: str
) -> SubmissionReport:
    """Make the bag `target/uuid-<u>` of a folder's files; the folder itself is only read.

    Names are made safe as in the archive, their originals kept in PREMIS. `delivery-missing`, `folder-exists`,
    `delivery-unreadable`, `delivery-changed`.
    """
    package = uuid4()
    surveyed = survey(source)
    files = [Delivered(file.path, file.size, file.sha256, modified_at(file)) for file in surveyed.files]
    plan = plan_delivery(files, Layout.WHOLE, (), title or source.resolve().name)
    findings = (*surveyed.findings, *plan.findings)
    size = sum(file.size for file in files)
    if not is_valid(findings):
        return SubmissionReport(package=package, path=None, files=len(files), bytes=size, findings=findings)
    out = target / f"uuid-{package}"
    folder = Folder(out)
    unit = plan.units[0]
    payload, placed = [], []
    with closing(Siegfried()) as siegfried:
        kinds = list(siegfried.identify(source / file.delivered.path for file in unit.files))
    for file, kind in zip(unit.files, kinds, strict=True):
        path = payload_path(str(package), file.path)
        placed.append(folder.copy(source / file.delivered.path, path, file.delivered.sha256))
        payload.append(payload_file(file, kind))
    description = Description(
        package=str(package),
        level="item",
        reference_code=reference_code,
        fonds_code=None,
        title=unit.title,
        responsible_party=None,
        date=None,
        year=None,
        retention_period=None,
        secrecy_class=SecrecyClass.OPEN.value,
        access_status=None,
        record_type=RecordType.TEXT.value,
        carrier="digital",
        page_count=None,
    )
    content = PackageContent(
        kind=PackageKind.SIP,
        package=str(package),
        created=time_of(datetime.now(UTC)),
        label=unit.title,
        description=description,
        files=payload,
        placed=placed,
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=producer,
    )
    build(content, folder)
    return SubmissionReport(package=package, path=str(out), files=len(files), bytes=size, findings=findings)
