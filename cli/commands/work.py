"""`jingui work`: take up what is unfinished."""

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import open_archive
from repository.services.jobs import work

OUTCOMES = ("completed", "already-recorded", "rejected")


def command(
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Take it up, once through."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = work(session, show)
    if as_json:
        emit_json(report)
        return
    say(text("work.done", recovered=report.recovered, accessions=len(report.accessions)))
    for accession, outcome in report.accessions.items():
        words = text(f"work.{outcome}") if outcome in OUTCOMES else text("work.error", code=outcome)
        say(f"  {accession}: {words}")
