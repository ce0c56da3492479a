"""Kinds of tasks (任务种类): how each is done.

Every kind is one use case of the archive, as the command line calls it. What comes back is that use case's own report;
where it lays something out for the command line, here it is one file to be fetched.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from packages_spec.digests import Digested, digest_file, sha256_of
from packages_spec.findings import Finding
from repository.services import audit, deposit, fixity, jobs, removal, revision
from repository.services.audit_verify import Comparison
from repository.services.correction import apply_corrections, preview_corrections
from repository.services.evidence_pack import Scope, export_evidence
from repository.services.exports import Form, export
from repository.services.handover import sign_handover
from repository.services.preservation import materialise
from repository.services.quality_rerun import rerun
from repository.services.reclassification import reclassify
from repository.services.rescan import rescan
from repository.services.session import Progress, Session
from repository.services.task_room import Asked, TaskKind
from repository.services.validation import validate
from repository.services.zipped import MEDIA_TYPE, zip_of
from repository.storage import Folder

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PACKAGES_AT_ONCE = 100
FINDINGS_TOLD = 1_000
"""Findings that an answer lists, in each place that has some."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: the report, and the file that was laid ready, by its name there."""

    report: dict[str, Any]
    file: Digested | None = None
    media_type: str = MEDIA_TYPE


Doing = Callable[[Session, Asked, Path, Path, Progress], Done]
"""The session, what is asked, where the bytes lie that came with it, where to lay files ready, and whom to tell."""


def told(report: object) -> dict[str, Any]:
    """A report as it is answered: its findings with their weight and their words, in both languages."""
    plain: dict[str, Any] = _told(report)
    return plain


def _told(value: object) -> Any:
    match value:
        case Finding():
            words = {"zh": value.message("zh"), "en": value.message("en")}
            return {**msgspec.to_builtins(value), "severity": value.severity.value, **words}
        case msgspec.Struct():
            return {name: _told(getattr(value, name)) for name in value.__struct_fields__}
        case list() | tuple():
            return [_told(one) for one in value[:FINDINGS_TOLD]] if _are_findings(value) else list(map(_told, value))
        case Mapping():
            return {str(name): _told(one) for name, one in value.items()}
        case _:
            return msgspec.to_builtins(value)


def _are_findings(values: list[Any] | tuple[Any, ...]) -> bool:
    return bool(values) and isinstance(values[0], Finding)


def _fixity(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    done = fixity.verify_fixity(session, record=asked.record, budget=asked.budget, progress=progress)
    return Done(report=told(done))


def _work(session: Session, _asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report=told(jobs.work(session, progress)))


def _repack(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    done = revision.repack(session, budget=asked.budget or PACKAGES_AT_ONCE, progress=progress)
    return Done(report=told(done))


def _rebuild(session: Session, _asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report={"schema": "jingui.rebuild/1", "position": audit.rebuild(session, progress)})


def _fsck(session: Session, _asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report=told(audit.fsck(session, progress)))


def _materialise(session: Session, asked: Asked, _content: Path, out: Path, _progress: Progress) -> Done:
    report = materialise(session, asked.record or "", out, as_of=asked.as_of)
    return _packed(session, told(report), Path(report.path))


def _export(session: Session, asked: Asked, _content: Path, out: Path, _progress: Progress) -> Done:
    report = export(session, asked.records, asked.form or Form.DC, out)
    return _packed(session, told(report), Path(report.path))


def _packed(session: Session, report: dict[str, Any], folder: Path) -> Done:
    """The folder that was laid out, as one file in its place; where it lies here is nobody's business."""
    files = [
        Digested(path.relative_to(folder).as_posix(), *digest_file(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    name = f"{folder.name}.zip"
    with (folder.parent / name).open("xb") as target:
        chunks = zip_of(folder, folder.name, files, session.now())
        size, sha256 = sha256_of(_written(target.write, chunks))
    shutil.rmtree(folder)
    return Done(report=report | {"path": name}, file=Digested(name, size, sha256))


def _written(write: Callable[[bytes], int], chunks: Any) -> Any:
    for chunk in chunks:
        write(chunk)
        yield chunk


def _rescan(session: Session, asked: Asked, content: Path, _out: Path, progress: Progress) -> Done:
    """Without bytes, pages are only taken out."""
    report = rescan(
        session,
        asked.record or "",
        content if content.stat().st_size else None,
        reason=asked.reason or "",
        progress=progress,
        add=asked.add,
        remove=asked.remove,
    )
    return Done(report=told(report))


def _validate(_session: Session, _asked: Asked, content: Path, _out: Path, _progress: Progress) -> Done:
    report = validate(content)
    return Done(report=told(report) | {"path": content.name})


def _correct(session: Session, asked: Asked, content: Path, _out: Path, progress: Progress) -> Done:
    """Preview, or - with a reason - apply."""
    if asked.reason is None:
        return Done(report=told(preview_corrections(session, content)))
    report = apply_corrections(session, content, reason=asked.reason, rest=asked.rest, progress=progress)
    return Done(report=told(report))


def _preview(session: Session, asked: Asked, _content: Path, out: Path, progress: Progress) -> Done:
    report, workbook = deposit.judge(session, _subject(asked), progress)
    size, sha256 = sha256_of([workbook])
    Folder(out).write("faults.xlsx", [workbook])
    return Done(report=told(report), file=Digested("faults.xlsx", size, sha256), media_type=XLSX)


def _sign(session: Session, asked: Asked, content: Path, _out: Path, _progress: Progress) -> Done:
    return Done(report=told(sign_handover(session, _subject(asked), content)))


def _rerun(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report=told(rerun(session, asked.profile or "", progress)))


def _verify(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    """Against the log's own checkpoints; what others hold of it, they compare by themselves."""
    comparison = Comparison(session.folder, (), asked.log_key)
    return Done(report=told(comparison.conclude(audit.fsck(session, progress, comparison.observe))))


def _evidence(session: Session, asked: Asked, _content: Path, out: Path, _progress: Progress) -> Done:
    scope = Scope(record=asked.record, reader=asked.reader, since=asked.since, until=asked.until)
    out.mkdir(parents=True)
    pack = export_evidence(session, out / "evidence", scope, names=lambda kind: (kind, kind))
    return _packed(session, told(pack), out / "evidence")


def _reclassify(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report=told(reclassify(session, asked.record or "", progress)))


def _approve(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report=told(removal.approve(session, _subject(asked), progress)))


def _resume(session: Session, asked: Asked, _content: Path, _out: Path, progress: Progress) -> Done:
    return Done(report=told(removal.carry_out(session, _subject(asked), progress)))


def _subject(asked: Asked) -> UUID:
    if asked.subject is None:
        raise LookupError(f"{asked.kind} is of something")
    return asked.subject


DONE_BY: dict[TaskKind, Doing] = {
    TaskKind.FIXITY: _fixity,
    TaskKind.WORK: _work,
    TaskKind.REPACK: _repack,
    TaskKind.REBUILD: _rebuild,
    TaskKind.FSCK: _fsck,
    TaskKind.MATERIALISE: _materialise,
    TaskKind.EXPORT: _export,
    TaskKind.RESCAN: _rescan,
    TaskKind.VALIDATE: _validate,
    TaskKind.CORRECT: _correct,
    TaskKind.PREVIEW: _preview,
    TaskKind.SIGN: _sign,
    TaskKind.RERUN: _rerun,
    TaskKind.VERIFY: _verify,
    TaskKind.EVIDENCE: _evidence,
    TaskKind.RECLASSIFY: _reclassify,
    TaskKind.APPROVE_REMOVAL: _approve,
    TaskKind.RESUME_REMOVAL: _resume,
}
"""How each is done."""
