"""`jingui schedule`: what has to be done again and again, and when it is due next."""

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say, say_table, when
from repository.archive import open_archive
from repository.services.schedule import Job, schedule


def command(
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show every job with its last run, its state and what to do."""
    with open_archive(archive, credential) as session:
        report = schedule(session)
    if as_json:
        emit_json(report)
        return
    header = [text(f"column.{name}") for name in ("job", "last", "outcome", "failures", "due", "state")]
    say_table(header, map(_row, report.jobs))
    for job in report.jobs:
        if job.state in ("due", "failed"):
            say(text(f"schedule.hint.{job.state}", job=text(f"schedule.{job.name}"), scope=job.scope))


def _row(job: Job) -> tuple[object, ...]:
    return (
        text(f"schedule.{job.name}"),
        when(job.last) if job.last else "-",
        text(f"outcome.{job.outcome.value}") if job.outcome else "-",
        job.failures,
        when(job.next) if job.next else "-",
        text(f"schedule.state.{job.state}"),
    )
