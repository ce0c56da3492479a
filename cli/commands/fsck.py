"""`jingui fsck`: is everything that the archive says still true?"""

from cli.language import language, text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import audit_archive

FIXITY, TAMPERED = 20, 23


def command(
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Check everything; 23 when the log is false, 20 when something else is."""
    with progress(as_json=as_json) as show:
        report = audit_archive(archive, credential, show)
    if as_json:
        emit_json(report)
    else:
        for fault in report.faults:
            words = fault.zh if language() == "zh" else fault.en
            say(f"  [{text(f'where.{fault.where}')} {fault.thing}] {words} ({fault.code})")
        key = "fsck.sound" if report.sound else "fsck.faults"
        say(text(key, events=report.events, packages=report.packages, files=report.files, count=len(report.faults)))
    if any(fault.where == "log" for fault in report.faults):
        return TAMPERED
    return 0 if report.sound else FIXITY
