"""Preview (预检): what would come of a delivery, and how its catalogue was understood. Nothing is changed anywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from packages_spec.findings import Finding
from repository.domain import accession
from repository.domain.accession import Stage
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import Level
from repository.services import examination, format_policy
from repository.services.accession_opening import IngestRequest, profile_of
from repository.services.delivery import DeliveryPlan
from repository.services.mapping import Column, Profile, builtin
from repository.services.reception import Reception, Source, open_source
from repository.services.returning import returned_workbook
from repository.services.session import Progress, Session
from repository.services.volumes import taken_entries
from repository.storage import receive, survey


class PreviewedUnit(msgspec.Struct, frozen=True):
    """A package that would be made."""

    unit: str
    reference_code: str | None
    title: str
    files: int
    bytes: int
    volume: str | None = None


class UnderstoodSheet(msgspec.Struct, frozen=True):
    """One sheet of a catalogue in two levels: whether its rows are volumes or items, and what each column means."""

    file: str
    sheet: str
    level: Level
    header_row: int
    columns: tuple[Column, ...]
    rows: int


class Understood(msgspec.Struct, frozen=True):
    """The catalogue as it was understood: by which profile, where it lies, and what each column means.

    Of a catalogue in two levels `sheets` are all that it consists of, and `volumes` and `items` how many entries it has
    beside the packages.
    """

    profile: str
    file: str
    sheet: str
    header_row: int
    columns: tuple[Column, ...]
    rows: int
    declared: int
    volumes: int = 0
    items: int = 0
    sheets: tuple[UnderstoodSheet, ...] = ()


class PreviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """What would come of it. `catalogue` is null where the delivery has none."""

    schema: str = "jingui.ingest-preview/1"
    form: str
    files: int
    bytes: int
    catalogue: Understood | None
    units: tuple[PreviewedUnit, ...]
    findings: tuple[Finding, ...]


def preview(session: Session, request: IngestRequest, progress: Progress) -> tuple[PreviewReport, bytes]:
    """Judge a delivery where it lies, and the workbook to give back. Raises what receiving it would raise at once."""
    session.require("ingest")
    code = session.archive_code(request.archive)
    profile = profile_of(request) or builtin()
    source = open_source(
        request.source, per_folder=request.per_folder, ceiling=session.settings.secrecy_ceiling, profile=profile
    )
    with _looked_at(source, code, profile, progress) as reception:
        plan = reception.plan()
        findings = [*reception.received.findings, *plan.findings, *_taken(session, code, plan)]
        findings += taken_entries(session, reception)
        findings += examination.judge_delivery(session, reception, plan)
        formats = examination.formats_to_judge(session, reception, plan.units, progress)
        findings += format_policy.judge(format_policy.read_policy(session.settings.format_policy), formats or {})
        report = PreviewReport(
            form=source.form,
            files=len(reception.files),
            bytes=sum(file.size for file in reception.files),
            catalogue=_understood(reception),
            units=tuple(
                PreviewedUnit(
                    unit.path,
                    unit.row.reference_code if unit.row else None,
                    unit.title,
                    len(unit.files),
                    unit.size,
                    unit.row.volume if unit.row else None,
                )
                for unit in plan.units
            ),
            findings=tuple(findings),
        )
        return report, returned_workbook(reception, plan, findings)


@contextmanager
def _looked_at(source: Source, archive: str, profile: Profile, progress: Progress) -> Iterator[Reception]:
    """The delivery as if it had been received: where it lies if that is a folder, else unpacked for this moment."""
    state = msgspec.structs.replace(accession.ACCESSION.initial, stage=Stage.RECEIVED)

    def show(done: int, total: int) -> None:
        progress("receive", done, total)

    if source.is_packed or source.is_bag:
        with TemporaryDirectory(prefix="jingui-preview-") as folder:
            target = Path(folder) / "delivery"
            received = receive(source.path, target, algorithms=source.algorithms, progress=show, sync=False)
            yield Reception(target, source, received, state, archive, profile)
    else:
        yield Reception(source.path, source, survey(source.path, progress=show), state, archive, profile)


def _taken(session: Session, archive: str, plan: DeliveryPlan) -> Iterator[Finding]:
    for unit in plan.units:
        code = unit.row.reference_code if unit.row else None
        if code and session.log.load(REFERENCE_CODE, reference_code_guard(archive, code)).state.holder is not None:
            yield Finding("delivery.code-taken", unit.path, found=code)


def _understood(reception: Reception) -> Understood | None:
    catalogue = reception.catalogue
    if catalogue.mapped is None:
        return None
    declared, _ = reception.declarations
    return Understood(
        catalogue.profile.name,
        catalogue.name,
        catalogue.sheet,
        catalogue.mapped.header_row,
        catalogue.mapped.columns,
        len(catalogue.rows),
        len(declared),
        len(catalogue.volumes),
        len(catalogue.items),
        tuple(
            UnderstoodSheet(one.name, one.sheet, one.level, one.mapped.header_row, one.mapped.columns, one.rows)
            for one in catalogue.sheets
        ),
    )
