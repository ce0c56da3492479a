"""CSIP17-CSIP57: descriptive and administrative metadata, and that the metadata folders are described in full."""

from collections.abc import Iterator

from packages_spec.eark import vocabularies
from packages_spec.eark.checks import DATE_TIME, Attribute, judge_attributes, one_of
from packages_spec.eark.context import Context
from packages_spec.eark.document import Node
from packages_spec.eark.references import SECTIONS, UNNUMBERED, judge_reference
from packages_spec.findings import Finding
from packages_spec.paths import shown

_STATUS = one_of(vocabularies.STATUSES)
ATTRIBUTES = (
    Attribute("CSIP18", "dmdSec", "ID"),
    Attribute("CSIP19", "dmdSec", "CREATED", DATE_TIME),
    Attribute("CSIP20", "dmdSec", "STATUS"),
    Attribute("CSIP20.value", "dmdSec", "STATUS", _STATUS, absent=False),
    Attribute("CSIP33", "amdSec/digiprovMD", "ID"),
    Attribute("CSIP34", "amdSec/digiprovMD", "STATUS"),
    Attribute("CSIP34.value", "amdSec/digiprovMD", "STATUS", _STATUS, absent=False),
    Attribute("CSIP46", "amdSec/rightsMD", "ID"),
    Attribute("CSIP47", "amdSec/rightsMD", "STATUS"),
    Attribute("CSIP47.value", "amdSec/rightsMD", "STATUS", _STATUS, absent=False),
)
_SECTION_KINDS = ("dmdSec", "amdSec/techMD", "amdSec/rightsMD", "amdSec/sourceMD", "amdSec/digiprovMD")
_DESCRIPTIVE, _PRESERVATION = "metadata/descriptive", "metadata/preservation"


def judge_sections(context: Context) -> Iterator[Finding]:
    """Findings on the metadata sections and on what they refer to."""
    yield from judge_attributes(ATTRIBUTES, context)
    for kind in _SECTION_KINDS:
        for section in context.root.below(kind):
            numbers = SECTIONS.get(section.name, UNNUMBERED)
            for reference in section.each("mdRef"):
                yield from judge_reference(numbers, reference, context)
    yield from _descriptive(context)
    if context.is_root:
        yield from _administrative(context)
    for section in context.root.below("amdSec/digiprovMD"):
        if not _refers(section):
            yield context.breach("CSIP35", found=section.get("ID"))
    for section in context.root.below("amdSec/rightsMD"):
        if not _refers(section):
            yield context.breach("CSIP48", found=section.get("ID"))
    if len(list(context.root.each("amdSec"))) > 1:
        yield context.breach("CSIP31.single", "1", str(len(list(context.root.each("amdSec")))))


def _descriptive(context: Context) -> Iterator[Finding]:
    """Descriptive metadata that is there must be described and referred to."""
    if not context.has_files(_DESCRIPTIVE):
        return
    sections = list(context.root.each("dmdSec"))
    if not sections:
        yield context.breach("CSIP17", found=_first(context, _DESCRIPTIVE))
    for section in sections:
        if not _refers(section):
            yield context.breach("CSIP21", found=section.get("ID"))


def _administrative(context: Context) -> Iterator[Finding]:
    """Preservation metadata that is there must be described, file by file; what is described should be there."""
    has_files = context.has_files(_PRESERVATION)
    sections = list(context.root.each("amdSec"))
    provenance = list(context.root.below("amdSec/digiprovMD"))
    if not sections:
        yield context.breach("CSIP31.undescribed" if has_files else "CSIP31", found=_first(context, _PRESERVATION))
    elif not has_files and not any(map(_refers, _administrative_sections(context.root))):
        yield context.breach("CSIP31.empty", _PRESERVATION)
    if not provenance:
        yield context.breach("CSIP32.undescribed" if has_files else "CSIP32", found=_first(context, _PRESERVATION))
    elif not has_files:
        yield context.breach("CSIP32.empty", _PRESERVATION)
    else:
        referred = {
            context.place(reference.get("xlink:href"))
            for section in _administrative_sections(context.root)
            for reference in section.each("mdRef")
        }
        for path in context.files_in(_PRESERVATION):
            if shown(path) not in referred and path not in referred:
                yield context.breach("CSIP32.undescribed", found=path)


def _administrative_sections(root: Node) -> Iterator[Node]:
    return (section for part in root.each("amdSec") for section in part.children)


def _refers(section: Node) -> bool:
    return any(section.each("mdRef")) or any(section.each("mdWrap"))


def _first(context: Context, folder: str) -> str:
    return next(context.files_in(folder), "")
