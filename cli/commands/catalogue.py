"""`jingui catalogue`: the catalogue as sheets - exported, taken back corrected, printed -, and what is digitised."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.language import language, text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, findings_json, progress, say, say_findings, say_table
from repository.archive import open_archive
from repository.errors import ArchiveError
from repository.services.catalogue_export import export_catalogue
from repository.services.correction import CorrectionReport, apply_corrections, preview_corrections
from repository.services.description_fields import FIELDS
from repository.services.register import Register, digitisation, register_of
from repository.services.session import Session
from repository.services.tables import FORMATS, Table

INVALID = 22
SHOWN = 20
"""Corrections that a person is shown; a program gets all."""


class Action(StrEnum):
    """What is done with the catalogue."""

    EXPORT = "export"
    IMPORT = "import"
    REGISTER = "register"
    DIGITISED = "digitised"


class By(StrEnum):
    """What pages are summed by."""

    FONDS = "fonds"
    SERIES = "series"
    YEAR = "year"


def command(
    action: Annotated[Action, typer.Argument(help=text("catalogue.action"))],
    file: Annotated[Path | None, typer.Argument(help=text("catalogue.file"))] = None,
    below: Annotated[str | None, typer.Option("--of", help=text("catalogue.of"))] = None,
    words: Annotated[str | None, typer.Option("--words", help=text("search.words"))] = None,
    fonds: Annotated[str | None, typer.Option("--fonds", help=text("search.fonds"))] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help=text("search.prefix"))] = None,
    by: Annotated[By, typer.Option("--by", help=text("catalogue.by"))] = By.FONDS,
    reason: Annotated[str | None, typer.Option("--reason", help=text("catalogue.reason"))] = None,
    rest: Annotated[bool, typer.Option("--rest", help=text("catalogue.rest"))] = False,
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Do it."""
    if action is Action.DIGITISED:
        with open_archive(archive, credential) as session:
            _say_digitised(session, by, fonds, as_of, as_json=as_json)
        return
    if file is None:
        raise typer.BadParameter(text("catalogue.file.missing"), param_hint="FILE")
    with open_archive(archive, credential) as session:
        if action is Action.EXPORT:
            report = export_catalogue(
                session, file, words=words, below=below, as_of=as_of, fonds=fonds, reference_code_prefix=prefix
            )
            _say(report, text("catalogue.exported", path=report.path, entries=report.entries), as_json=as_json)
        elif action is Action.IMPORT:
            _import(session, file, reason, rest=rest, as_json=as_json)
        else:
            if below is None:
                raise typer.BadParameter(text("catalogue.of.missing"), param_hint="--of")
            register = register_of(session, below, as_of=as_of)
            _write_register(register, file)
            _say(register, text("catalogue.registered", path=file, entries=len(register.rows)), as_json=as_json)


def _say(report: object, words: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
    else:
        say(words)


def _import(session: Session, file: Path, reason: str | None, *, rest: bool, as_json: bool) -> None:
    """Preview, or - with a reason - apply. Exit 22 where something is wrong with the sheet."""
    if reason is None:
        report = preview_corrections(session, file)
    else:
        with progress(as_json=as_json) as show:
            report = apply_corrections(session, file, reason=reason, rest=rest, progress=show)
    if as_json:
        emit_json({**_plain(report), "findings": findings_json(report.findings)})
    else:
        _say_corrections(report, applied=reason is not None)
    if any(finding.severity.value == "error" for finding in report.findings):
        raise typer.Exit(INVALID)


def _plain(report: CorrectionReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__struct_fields__}


def _say_corrections(report: CorrectionReport, *, applied: bool) -> None:
    rows = [
        (one.row, one.reference_code, _name(change.field), change.before, change.after)
        for one in report.corrections[:SHOWN]
        for change in one.changes
    ]
    if rows and not applied:
        say_table([text(f"column.{name}") for name in ("row", "code", "field", "before", "after")], rows)
    new = [
        (one.row, one.reference_code, text(f"level.{one.level}"), one.title, one.parent)
        for one in report.creations[:SHOWN]
    ]
    if new and not applied:
        say_table([text(f"column.{name}") for name in ("row", "code", "level", "title", "parent")], new)
    say_findings(report.findings)
    say(
        text(
            "catalogue.corrections",
            rows=report.rows,
            new=len(report.creations),
            changed=len(report.corrections),
            unchanged=report.unchanged,
            faults=len(report.findings),
        )
    )
    say(
        text("catalogue.applied", applied=report.applied, created=report.created)
        if applied
        else text("catalogue.previewed")
    )


def _say_digitised(session: Session, by: By, fonds: str | None, as_of: str | None, *, as_json: bool) -> None:
    report = digitisation(session, by=by.value, fonds=fonds, as_of=as_of)
    if as_json:
        emit_json(report)
        return
    rows = [
        (one.key or "-", one.entries, one.unknown, one.pages, one.scanned, _rate(one.per_mille))
        for one in report.groups
    ]
    say_table([text(f"column.{name}") for name in (by.value, "entries", "unknown", "pages", "scanned", "rate")], rows)


def _rate(per_mille: int | None) -> str:
    return "-" if per_mille is None else f"{per_mille // 10}.{per_mille % 10}%"


def _write_register(register: Register, file: Path) -> None:
    """As xlsx, csv or html, by the file's suffix."""
    form = FORMATS.get(file.suffix.removeprefix(".").lower())
    if form is None:
        raise typer.BadParameter(text("catalogue.suffix", known=", ".join(FORMATS)), param_hint="FILE")
    name = " ".join(filter(None, (register.reference_code, register.title)))
    table = Table(
        language=language(),
        title=text("catalogue.register.title", name=name, kind=text(f"register.{register.kind}")),
        notes=(text("catalogue.register.note", entries=len(register.rows), position=register.position),),
        header=tuple(_name(key) for key in register.columns),
        rows=register.rows,
    )
    try:
        with file.open("xb") as stream:
            stream.write(form(table))
    except FileExistsError as error:
        raise ArchiveError("file-exists", file) from error


def _name(key: str) -> str:
    if key not in FIELDS:
        return text("column.code") if key in ("reference_code", "档号") else text("column.number")
    return FIELDS[key].zh if language() == "zh" else FIELDS[key].en
