"""`jingui status`: what the archive holds, and what in it is unfinished."""

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table, size
from repository.archive import open_archive
from repository.services.jobs import StatusReport, status


def command(
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show it."""
    with open_archive(archive, credential) as session:
        report = status(session, as_of=as_of)
    if as_json:
        emit_json(report)
        return
    held = report.holdings
    say(text("status.holdings", packages=held.stored, files=held.files, size=size(held.bytes)))
    say(text("status.log", position=report.position))
    if report.attested < report.position:
        say(text("status.unattested", count=report.position - report.attested))
    _say_stores(report)
    if damaged := report.fixity.damaged:
        say(text("status.damaged", count=len(damaged), packages=", ".join(map(str, damaged))))
    if report.fixity.overdue:
        say(text("status.overdue", count=report.fixity.overdue, size=size(report.fixity.overdue_bytes)))
    if report.lagging:
        say(text("status.lagging", count=report.lagging))
    if not report.unfinished and not report.runs and not report.lagging:
        say(text("status.nothing"))
    for run in report.runs:
        say(text("status.run", run=run.id, kind=text(f"run.{run.kind}")))
    if report.unfinished:
        say_table(
            [text(f"column.{name}") for name in ("stage", "next", "packages", "source", "accession")],
            [
                (
                    text(f"stage.{one.stage}"),
                    text(f"next.{one.next}"),
                    f"{one.packages_stored}/{one.units}",
                    one.source,
                    one.accession,
                )
                for one in report.unfinished
            ],
        )


def _say_stores(report: StatusReport) -> None:
    for one in report.stores:
        if one.problem:
            say(text("status.store-problem", path=one.path, problem=one.problem))
        if one.behind:
            say(text("status.store-behind", path=one.path, count=one.behind, seconds=one.seconds))
    for path, count in report.copies_waiting.items():
        if count:
            say(text("status.copies-waiting", path=path, count=count))
