"""Foreign packages as deliveries (外来信息包的接收): their records become ours, their metadata stay theirs.

Content is what their system kept as content. Everything else - METS, PREMIS, logs, tag files - is kept unchanged as
papers of the delivery and is never restated as ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from packages_spec.findings import Finding
from packages_spec.foreign import Described, Foreign, Item, recognise
from packages_spec.paths import safe_paths
from repository.services.catalogue_file import Row
from repository.services.delivery import (
    LISTING,
    WHOLE,
    ContentFile,
    Delivered,
    DeliveryPlan,
    UnitPlan,
    writable,
)
from repository.services.delivery_papers import catalogues


def foreign_package(
    files: Sequence[Delivered], read: Callable[[str], BinaryIO], bag_info: Sequence[tuple[str, str]] | None
) -> Foreign | None:
    """What kind of foreign package the delivery is; None for a folder that has a catalogue of our own form."""
    names = [file.path for file in files]
    return None if bag_info is None and catalogues(names) else recognise(names, read, bag_info)


def plan_foreign(files: Sequence[Delivered], foreign: Foreign, title: str) -> DeliveryPlan:
    """The units of a foreign package: one for each of its records. Names are made safe as everywhere."""
    named = safe_paths(file.path for file in files)
    by_path = {file.path: file for file in files}
    units = [_unit(item, by_path, named.names, title) for item in foreign.items]
    findings: list[Finding] = list(named.findings)
    return DeliveryPlan(tuple(units), tuple(findings))


def _unit(item: Item, files: Mapping[str, Delivered], safe: Mapping[str, str], title: str) -> UnitPlan:
    called = item.described.title or (title if item.path == WHOLE else item.path)
    content = tuple(_content(files[name], safe[name], item.prefix) for name in sorted(item.content))
    papers = tuple(_paper(files[name], safe[name]) for name in sorted(item.papers))
    return UnitPlan(item.path, writable(called), _row(item.described, called), content, papers)


def _content(file: Delivered, safe: str, prefix: str) -> ContentFile:
    inner = "/".join(safe.split("/")[prefix.count("/") :])
    name = file.path.removeprefix(prefix)
    return ContentFile(file, inner, name if name != inner else None)


def _paper(file: Delivered, safe: str) -> ContentFile:
    """A paper under its own name, but for the one name that the archive's own listing has there."""
    if safe == LISTING:
        return ContentFile(file, "delivery_2.sha256", file.path)
    return ContentFile(file, safe, file.path if file.path != safe else None)


def _row(described: Described, title: str) -> Row | None:
    """What their description amounts to, as a row; their identifiers are no 档号 and are kept apart."""
    if described == Described():
        return None
    return Row(
        number=1,
        place=WHOLE,
        reference_code=None,
        title=writable(title),
        responsible_party=described.creator and writable(described.creator),
        date=described.date,
        secrecy_class=None,
        retention_period=None,
        page_count=None,
        files=(),
    )
