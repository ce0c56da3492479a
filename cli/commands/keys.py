"""`jingui keys`: the keys that records are sealed to - made, rotated, kept in copies, and destroyed by two persons."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang, needed
from cli.render import emit_json, progress, say, say_table, talk
from repository.archive import open_archive
from repository.services import key_destruction, key_keeping, key_ring
from repository.services.key_destruction import DestructionReport
from repository.services.key_keeping import CopyOf, KeeperReport
from repository.services.key_ring import KeyMade, KeyPurpose, Shares
from repository.services.rekeying import RekeyReport, rekey, would_rotate
from repository.services.search import uuid_of
from repository.services.session import Progress, Session


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    CREATE = "create"
    ROTATE = "rotate"
    REKEY = "rekey"
    RETIRE = "retire"
    REINSTATE = "reinstate"
    REQUEST_DESTRUCTION = "request-destruction"
    WITHDRAW_DESTRUCTION = "withdraw-destruction"
    APPROVE_DESTRUCTION = "approve-destruction"
    FINISH = "finish"
    SHREDDED = "shredded"
    BACKUP = "backup"
    REMOVE_BACKUP = "remove-backup"
    RECOVER_DRILL = "recover-drill"
    CHANGE_KEEPER = "change-keeper"


def command(
    action: Annotated[Action, typer.Argument(help=text("keys.action"))] = Action.LIST,
    name: Annotated[str | None, typer.Argument(help=text("keys.name"), show_default=False)] = None,
    purpose: Annotated[KeyPurpose, typer.Option("--purpose", help=text("keys.purpose"))] = KeyPurpose.CLASS,
    holder: Annotated[list[UUID] | None, typer.Option("--holder", help=text("keys.holder"))] = None,
    threshold: Annotated[int, typer.Option("--threshold", help=text("keys.threshold"))] = 2,
    shares_out: Annotated[Path | None, typer.Option("--shares-out", help=text("keys.shares-out"))] = None,
    version: Annotated[int | None, typer.Option("--version", min=1, help=text("keys.version"))] = None,
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))] = "",
    legal_basis: Annotated[str, typer.Option("--legal-basis", help=text("keys.legal-basis"))] = "",
    copy_of: Annotated[CopyOf, typer.Option("--copy-of", help=text("keys.copy-of"))] = CopyOf.RECORDS,
    to: Annotated[Path | None, typer.Option("--to", help=text("keys.to"))] = None,
    declared: Annotated[bool, typer.Option("--declared", help=text("keys.declared"))] = False,
    share: Annotated[list[Path] | None, typer.Option("--share", help=text("keys.share"))] = None,
    new_passphrase: Annotated[str | None, typer.Option("--new-passphrase", help=text("keys.new-passphrase"))] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help=text("keys.sample"))] = 20,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=text("keys.dry-run"))] = False,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show the ring, or take a step."""
    shares = None if shares_out is None else Shares(threshold=threshold, folder=shares_out)
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        match action:
            case Action.LIST:
                _say_list(session, as_json=as_json)
            case Action.CREATE:
                wanted = name or ("" if purpose is KeyPurpose.CLASS else purpose.value)
                if purpose is KeyPurpose.RECOVERY:
                    needed(shares_out, "--shares-out")
                made = key_ring.create_key(session, needed(wanted or None, "NAME"), purpose, holder or [], shares)
                _say_made(made, as_json=as_json)
            case Action.ROTATE:
                _rotate(session, needed(name, "NAME"), reason, holder, shares, show, dry_run=dry_run, as_json=as_json)
            case Action.REKEY:
                _say_rekeyed(rekey(session, dry_run=dry_run, progress=show), as_json=as_json)
            case Action.RETIRE | Action.REINSTATE:
                key_ring.retire_key(session, needed(name, "NAME"), reason, again=action is Action.REINSTATE)
                _say_list(session, as_json=as_json)
            case Action.REQUEST_DESTRUCTION | Action.WITHDRAW_DESTRUCTION | Action.APPROVE_DESTRUCTION | Action.FINISH:
                _destroy(session, action, name, version, reason, legal_basis, show, as_json=as_json)
            case Action.SHREDDED:
                _say_shredded(key_destruction.shredded_packages(session), as_json=as_json)
            case Action.CHANGE_KEEPER:
                _say_keeper(key_keeping.change_keeper(session, new_passphrase, reason), as_json=as_json)
            case _:
                _keep(session, action, name, copy_of, to, reason, share, sample, declared=declared, as_json=as_json)


def _destroy(
    session: Session,
    action: Action,
    named: str | None,
    version: int | None,
    reason: str,
    legal_basis: str,
    show: Progress,
    *,
    as_json: bool,
) -> None:
    """A step of a destruction."""
    if action is Action.FINISH:
        _say_destruction(key_destruction.finish_destructions(session, show), as_json=as_json)
        return
    name = needed(named, "NAME")
    if action is Action.APPROVE_DESTRUCTION:
        _say_destruction([key_destruction.approve_destruction(session, name, version, show)], as_json=as_json)
        return
    if action is Action.REQUEST_DESTRUCTION:
        key_destruction.request_destruction(session, name, version, reason=reason, legal_basis=legal_basis)
    else:
        key_destruction.withdraw_destruction(session, name, version, reason)
    _say_list(session, as_json=as_json)


def _rotate(
    session: Session,
    name: str,
    reason: str,
    holders: list[UUID] | None,
    shares: Shares | None,
    show: Progress,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    if dry_run:
        _say_rekeyed(would_rotate(session, name), as_json=as_json)
        return
    made = key_ring.rotate_key(session, name, reason=reason, holders=holders, shares=shares)
    if not as_json:
        _say_made(made, as_json=False)  # told at once: should what follows be interrupted, this is done
    report = rekey(session, dry_run=False, progress=show)
    if as_json:
        emit_json({"schema": "jingui.key-rotated/1", "made": made, "rekeyed": report})
    else:
        _say_rekeyed(report, as_json=False)


def _keep(
    session: Session,
    action: Action,
    name: str | None,
    copy_of: CopyOf,
    to: Path | None,
    reason: str,
    shares: list[Path] | None,
    sample: int,
    *,
    declared: bool,
    as_json: bool,
) -> None:
    """Copies, and the drill."""
    if action is Action.RECOVER_DRILL:
        drill = key_keeping.recover_drill(session, needed(shares, "--share"), sample)
        if as_json:
            emit_json(drill)
        else:
            say(text("keys.proven", shares=drill.shares, records=drill.records, version=drill.version))
        return
    if action is Action.BACKUP:
        report = key_keeping.back_up(session, needed(to, "--to"), copy_of)
    else:
        backup = uuid_of(needed(name, "NAME"))
        report = key_keeping.remove_backup(session, needed(backup, "NAME"), reason, declared=declared)
    if as_json:
        emit_json(report)
    elif report.deleted is None:
        say(text("keys.backed-up", backup=report.backup, files=report.files, place=report.place))
    else:
        say(text("keys.copy-deleted" if report.deleted else "keys.copy-declared", backup=report.backup))


def _say_list(session: Session, *, as_json: bool) -> None:
    keys = key_ring.list_keys(session)
    if as_json:
        emit_json(keys)
        return
    say_table(
        [text(f"column.{name}") for name in ("name", "used-for", "state", "version", "records", "id")],
        [
            (one.name, text(f"keys.for.{one.purpose}"), text(f"keys.{one.state}"), one.version, one.records, one.id)
            for one in keys.keys
        ],
    )
    for one in keys.keys:
        if one.records_stale:
            talk(text("keys.stale", name=one.name, count=one.records_stale))
        if one.departed:
            talk(text("keys.departed", name=one.name, count=len(one.departed)))
        if one.copies_left:
            talk(text("keys.copies-left", name=one.name, copies=", ".join(map(str, one.copies_left))))


def _say_made(made: KeyMade, *, as_json: bool) -> None:
    if as_json:
        emit_json(made)
        return
    say(text("keys.made", name=made.name, version=made.version, key=made.key))
    for path in made.shares:
        say(text("keys.share-written", path=path))


def _say_rekeyed(report: RekeyReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    key = "keys.would-rekey" if report.dry_run else "keys.rekeyed"
    say(text(key, packages=report.packages, readers=report.readers))


def _say_destruction(reports: Sequence[DestructionReport], *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": "jingui.key-destructions/1", "destructions": reports})
        return
    for one in reports:
        if one.ended and one.version is not None:
            say(text("keys.version-destroyed", name=one.name, version=one.version))
        elif one.ended:
            say(text("keys.destroyed-now", name=one.name, packages=one.packages))
        else:
            say(text("keys.not-ended", name=one.name, count=len(one.copies_left)))
            for copy, place in zip(one.copies_left, one.places, strict=True):
                say(text("keys.copy", copy=copy, place=place))
    if not reports:
        say(text("keys.nothing-open"))


def _say_keeper(report: KeeperReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
    else:
        say(text("keys.keeper-changed", count=report.keys, keeper=text(f"keys.by.{report.kept_by}")))


def _say_shredded(packages: tuple[UUID, ...], *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": "jingui.shredded/1", "packages": packages})
        return
    for one in packages:
        say(str(one))
    talk(text("keys.shredded", count=len(packages)))
