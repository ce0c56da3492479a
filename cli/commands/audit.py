"""`jingui audit`: sign the log's state, prove an event, and verify everything against what others hold."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.language import language, text
from cli.options import Archive, Credential, Json, Lang, needed
from cli.render import emit_json, progress, say, say_verbatim
from repository.archive import open_archive, verify_archive
from repository.errors import ArchiveError
from repository.services.audit_verify import AuditVerdict
from repository.services.checkpoints import attest
from repository.services.proving import prove

FIXITY, TAMPERED = 20, 23


class Action(StrEnum):
    """What the auditor asks for."""

    VERIFY = "verify"
    CHECKPOINT = "checkpoint"
    PROVE = "prove"


def command(
    action: Annotated[Action, typer.Argument(help=text("audit.action"))],
    event: Annotated[str | None, typer.Argument(help=text("audit.event"), show_default=False)] = None,
    held: Annotated[list[Path] | None, typer.Option("--held", help=text("audit.held"), show_default=False)] = None,
    log_key: Annotated[str | None, typer.Option("--log-key", help=text("audit.log-key"), show_default=False)] = None,
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
            _checkpoint(archive, credential, as_json=as_json)
        case Action.PROVE:
            wanted = needed(event, "EVENT")
            with open_archive(archive, credential) as session:
                proven = prove(session, wanted, held=places[0] if places else None)
            if out is not None:
                _write(out, proven.proof)
            if as_json:
                emit_json(proven)
            elif out is not None:
                say(text("audit.proven", position=proven.position, size=proven.size, path=out))
            else:
                for line in proven.proof.splitlines():
                    say_verbatim(line)
    return 0


def _checkpoint(archive: Path | None, credential: Path | None, *, as_json: bool) -> None:
    with open_archive(archive, credential) as session:
        attested = attest(session)
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
