"""`jingui work`: take up what is unfinished."""

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import open_archive
from repository.services.jobs import work

MISMATCH = 20
OUTCOMES = ("completed", "already-recorded", "rejected")


def command(
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Take it up, once through; 20 when a fixity run found damage."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = work(session, show)
    if as_json:
        emit_json(report)
        return _status(report.jobs)
    say(text("work.done", recovered=report.recovered, accessions=len(report.accessions)))
    for accession, outcome in report.accessions.items():
        words = text(f"work.{outcome}") if outcome in OUTCOMES else text("work.error", code=outcome)
        say(f"  {accession}: {words}")
    if report.copies.copied:
        say(text("work.copied", count=report.copies.copied))
    for path, problem in report.copies.problems.items():
        say(text("status.store-problem", path=path, problem=problem))
    for name, outcome in report.jobs.items():
        say(f"  {text(f'schedule.{name}')}: {text(f'outcome.{outcome}')}")
    return _status(report.jobs)


def _status(jobs: dict[str, str]) -> int:
    return MISMATCH if jobs.get("fixity") == "failed" else 0
