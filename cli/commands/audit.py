"""`jingui audit`: sign the log's state, prove an event, and verify everything against what others hold."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import language, table, text
from cli.options import Archive, Credential, Json, Lang, needed
from cli.render import emit_json, progress, say, say_table, say_verbatim, when
from repository.archive import clock, open_archive, verify_archive
from repository.errors import ArchiveError
from repository.services.audit_verify import AuditVerdict
from repository.services.checkpoints import attest
from repository.services.evidence_import import import_evidence
from repository.services.evidence_pack import Pack, Scope, export_evidence
from repository.services.history_rules import RulesReport, ask_rules
from repository.services.proving import Proven, prove
from repository.services.stamping import stamp_checkpoint

FIXITY, TAMPERED = 20, 23


class Action(StrEnum):
    """What the auditor asks for."""

    VERIFY = "verify"
    CHECKPOINT = "checkpoint"
    PROVE = "prove"
    EXPORT = "export"
    IMPORT = "import"
    RULES = "rules"


def command(
    action: Annotated[Action, typer.Argument(help=text("audit.action"))],
    event: Annotated[str | None, typer.Argument(help=text("audit.event"), show_default=False)] = None,
    held: Annotated[list[Path] | None, typer.Option("--held", help=text("audit.held"), show_default=False)] = None,
    log_key: Annotated[str | None, typer.Option("--log-key", help=text("audit.log-key"), show_default=False)] = None,
    record: Annotated[str | None, typer.Option("--record", help=text("audit.record"), show_default=False)] = None,
    reader: Annotated[UUID | None, typer.Option("--reader", help=text("audit.reader"), show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", help=text("audit.from"), show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", help=text("audit.to"), show_default=False)] = None,
    days: Annotated[int, typer.Option("--days", min=1, help=text("audit.days"))] = 90,
    authority: Annotated[
        str | None, typer.Option("--authority", help=text("audit.authority"), show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help=text("audit.out"), show_default=False)] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Do it; verification ends with 23 where the log is false, 20 where something else is."""
    places = tuple(held or ())
    match action:
        case Action.VERIFY:
            with progress(as_json=as_json) as show:
                verdict = verify_archive(archive, credential, show, held=places, log_key=log_key)
            return _told(verdict, as_json=as_json)
        case Action.CHECKPOINT:
            _checkpoint(archive, credential, authority, as_json=as_json)
        case Action.PROVE:
            with open_archive(archive, credential) as session:
                proven = prove(session, needed(event, "EVENT"), held=places[0] if places else None)
            _proven(proven, out, as_json=as_json)
        case Action.EXPORT:
            scope = Scope(record=record, reader=reader, since=since, until=until)
            with open_archive(archive, credential) as session:
                pack = export_evidence(session, needed(out, "--out"), scope, names=_names, held=places)
            _exported(pack, as_json=as_json)
        case Action.IMPORT:
            made = import_evidence(Path(needed(event, "PACK")), needed(out, "--out"), log_key=log_key, clock=clock)
            _say(made, text("audit.imported", events=made.events, path=made.path, root=made.root), as_json=as_json)
        case Action.RULES:
            with open_archive(archive, credential) as session:
                _hits(ask_rules(session, days=days), as_json=as_json)
    return 0


def _hits(report: RulesReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    rows = [
        (text(f"rule.{one.rule}"), one.position or "", when(one.time) if one.time else "", one.actor, one.about)
        for one in report.hits
    ]
    if rows:
        say_table([text(f"column.{name}") for name in ("rule", "position", "time", "actor", "thing")], rows)
    say(text("audit.rules", rules=len(report.rules), position=report.position, count=len(rows)))


def _say(report: object, words: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
    else:
        say(words)


def _proven(proven: Proven, out: Path | None, *, as_json: bool) -> None:
    if out is not None:
        _write(out, proven.proof)
    if as_json:
        emit_json(proven)
    elif out is not None:
        say(text("audit.proven", position=proven.position, size=proven.size, path=out))
    else:
        for line in proven.proof.splitlines():
            say_verbatim(line)


def _exported(pack: Pack, *, as_json: bool) -> None:
    _say(pack, text("audit.exported", events=pack.events, path=pack.path), as_json=as_json)
    if not as_json:
        say(text("audit.exported.verify", path=pack.path, key=pack.key))


def _names(kind: str) -> tuple[str, str]:
    row = table()[f"event.{kind.partition('.')[2]}"]
    return row["zh"], row["en"]


def _checkpoint(archive: Path | None, credential: Path | None, authority: str | None, *, as_json: bool) -> None:
    with open_archive(archive, credential) as session:
        attested = attest(session)
        stamped = stamp_checkpoint(session, authority) if authority else None
    if stamped is not None:
        _say(stamped, text("audit.stamped", time=when(stamped.time), path=stamped.path), as_json=as_json)
        return
    if as_json:
        emit_json(attested)
        return
    say(text("audit.checkpoint", size=attested.size, path=attested.path))
    say(text("audit.checkpoint.key", key=attested.key))


def _write(path: Path, proof: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(proof)
    except FileExistsError as error:
        raise ArchiveError("file-exists", path) from error


def _told(verdict: AuditVerdict, *, as_json: bool) -> int:
    if as_json:
        emit_json(verdict)
    else:
        for fault in verdict.faults:
            words = fault.zh if language() == "zh" else fault.en
            say(f"  [{text(f'where.{fault.where}')} {fault.thing}] {words} ({fault.code})")
        if verdict.first_false is not None:
            say(text("audit.first-false", position=verdict.first_false))
        if verdict.between is not None:
            say(text("audit.between", first=verdict.between[0], last=verdict.between[1]))
        say(text(f"audit.verdict.{verdict.verdict}", events=verdict.events, faults=len(verdict.faults)))
        say(text("audit.covered", proven=verdict.proven, unproven=verdict.unproven))
    if any(fault.where == "log" for fault in verdict.faults):
        return TAMPERED
    return FIXITY if verdict.faults else 0
