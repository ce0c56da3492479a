"""`jingui show`: one record - its description, its package, its files and its history."""

from typing import Annotated

import msgspec
import typer

from cli.essentials import essentials
from cli.language import language, text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table, size, when
from packages_spec.profiles import PayloadFile
from repository.archive import open_archive
from repository.services.description_fields import FIELDS, read
from repository.services.search import RecordReport, show_record


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show it."""
    with open_archive(archive, credential) as session:
        report = show_record(session, record, as_of=as_of)
    if as_json:
        emit_json(report)
    else:
        say_record(report)


def say_record(report: RecordReport) -> None:
    """A record for a person: description, package, files, history."""
    described = msgspec.to_builtins(report.description)
    for name in _FIELDS:
        if described[name] is not None:
            value = text(f"term.{name}.{described[name]}") if name in _TERMS else described[name]
            say(text("show.field", name=text(f"field.{name}"), value=value))
    _say_further(report)
    package = report.package
    if package is None:
        say(text("show.no-package"))
        return
    if package.system:
        say(text("show.field", name=text("show.origin"), value=text(f"system.{package.system}")))
    for old in package.identifiers:
        say(text("show.field", name=text("show.old-identifier", kind=old.kind), value=old.value))
    virus = package.virus.value if package.virus else "not-checked"
    say(text("show.field", name=text("field.package"), value=f"{package.id} ({text(f'stage.{package.stage}')})"))
    say(text("show.field", name=text("show.virus"), value=text(f"outcome.{virus}")))
    say(text("show.field", name=text("show.quality"), value=text(f"outcome.{package.quality}")))
    for annulled in package.annulled:
        say(text("show.annulled", position=annulled))
    if report.files:
        say()
        say_table(
            [text(f"column.{name}") for name in ("file", "size", "format", "characteristics", "sha256")],
            [_file(file) for file in report.files],
        )
    say()
    say_table(
        [text(f"column.{name}") for name in ("position", "time", "event", "actor")],
        [(entry.position, when(entry.time), text(f"event.{entry.name}"), entry.actor_name) for entry in report.history],
    )


def _say_further(report: RecordReport) -> None:
    """What not every record has: further fields, its section, and what became of the entry."""
    card = report.description
    plain = card.level.value == "item"
    for key, field in FIELDS.items():
        words = read(card, key)
        if words and key not in (*_FIELDS, "fonds_code", "year") and not (plain and key == "level"):
            say(text("show.field", name=field.zh if language() == "zh" else field.en, value=words))
    if report.formerly:
        say(text("show.formerly"))
    if card.closed:
        say(text("show.closed"))
    if card.parts:
        say(text("show.divided", parts=", ".join(part.reference_code or str(part.description) for part in card.parts)))
    for one in report.merged:
        say(text("show.merged", record=one.reference_code or one.id))
    for annulled in card.annulled:
        say(text("show.annulled", position=annulled))


def _file(file: PayloadFile) -> tuple[str, ...]:
    known_as = file.puid or file.format_name or "-"
    return file.path, size(file.size), known_as, essentials(file.technical), file.sha256


_FIELDS = (
    "reference_code",
    "title",
    "responsible_party",
    "date",
    "retention_period",
    "secrecy_class",
    "page_count",
    "record_type",
    "carrier",
)
_TERMS = ("record_type", "carrier")
