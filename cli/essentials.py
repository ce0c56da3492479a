"""A file's technical metadata in a few words, for the one column that a table has for it."""

from collections.abc import Iterator

from cli.language import text
from packages_spec.technical import Part, Technical


def essentials(technical: Technical | None) -> str:
    """What a person wants to know first; `-` where no reader knows the format."""
    if technical is None:
        return "-"
    if technical.failure is not None:
        return text("essentials.not-read")
    words = [*_BY_KIND.get(technical.kind, _nothing)(technical), *_warnings(technical)]
    return " · ".join(words) or "-"


def _nothing(_: Technical) -> Iterator[str]:
    yield from ()


def _image(technical: Technical) -> Iterator[str]:
    yield f"{technical.value('width')}×{technical.value('height')}"
    if across := technical.value("resolution-x"):
        yield f"{across} dpi"
    yield f"{technical.value('colour')} {technical.value('bit-depth')} bit"
    yield technical.value("compression") or "-"
    if (frames := technical.value("frames")) not in (None, "1"):
        yield text("essentials.frames", count=frames)


def _document(technical: Technical) -> Iterator[str]:
    yield f"{technical.kind.upper()} {technical.value('version')}"
    if pages := technical.value("pages"):
        yield text("essentials.pages", count=pages)
    if letters := technical.value("letters"):
        yield text("essentials.letters", count=letters)
    yield from (each.value for each in technical.properties if each.name == "claims")


def _office(technical: Technical) -> Iterator[str]:
    yield technical.value("document") or "-"
    if pages := technical.value("pages"):
        yield text("essentials.pages", count=pages)


def _recording(technical: Technical) -> Iterator[str]:
    if seconds := technical.value("duration"):
        yield f"{seconds} s"
    for part in technical.parts:
        said = {each.name: each.value for each in part.properties}
        if part.kind == "video":
            yield f"{said['codec']} {said['width']}×{said['height']}"
            if rate := said.get("frame-rate"):
                yield f"{rate} fps"
        elif part.kind == "audio":
            depth = f" {said['bit-depth']} bit" if "bit-depth" in said else ""
            yield f"{said['codec']} {said['sample-rate']} Hz{depth} ×{said['channels']}"


def _message(technical: Technical) -> Iterator[str]:
    yield text("essentials.attachments", count=technical.value("attachments"))


def _database(technical: Technical) -> Iterator[str]:
    yield f"SIARD {technical.value('version')}"
    yield text("essentials.tables", count=technical.value("tables"))
    yield text("essentials.columns", count=technical.value("columns"))
    yield text("essentials.rows", count=technical.value("rows"))


def _warnings(technical: Technical) -> Iterator[str]:
    if (technical.value("encryption") or "none") != "none":
        yield text("essentials.encrypted")
    if technical.value("macros") == "yes":
        yield text("essentials.macros")
    if technical.value("javascript") == "yes":
        yield text("essentials.script")
    if technical.value("structure"):
        yield text("essentials.damaged")
    for status in dict.fromkeys(map(_status, technical.parts_of("signature"))):
        yield text(f"essentials.signature.{status}")


def _status(signature: Part) -> str:
    return next((each.value for each in signature.properties if each.name == "status"), "not-tested")


_BY_KIND = {
    "image": _image,
    "pdf": _document,
    "ofd": _document,
    "office": _office,
    "recording": _recording,
    "message": _message,
    "database": _database,
}
