"""Examination (检测): what the archive finds out about a delivery and its files before custody passes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import PurePosixPath

import msgspec

from packages_spec.bagit import read_bag, validate_bag
from packages_spec.findings import Finding
from packages_spec.profiles import neutral_names
from packages_spec.technical import Technical
from repository.characterisation import Asked, Characteriser
from repository.domain.accession import DigestCheck, Stage
from repository.domain.archival_package import (
    Check,
    ForeignIdentifier,
    FormatCount,
    FormatsIdentified,
    IdentifiersRecorded,
    VirusChecked,
)
from repository.domain.values import Outcome, RecordType, SecrecyClass
from repository.errors import ArchiveError
from repository.services.catalogue_file import above_ceiling
from repository.services.declarations import unknown_codes
from repository.services.delivery import ContentFile, DeliveryPlan, UnitPlan
from repository.services.identification import UNKNOWN, FormatIdentifier, Identified
from repository.services.linking import PageCount, Uncounted, codes_known, judge_linking
from repository.services.reception import Reception
from repository.services.session import Progress, Session
from repository.services.work_sheet import unclear_work

PROGRESS_EVERY = 500
IDENTIFIERS_KEPT = 100
"""Old names of one record that an event keeps; all of them stand in its papers."""
_OF_SEVERAL_PAGES = {".pdf": "application/pdf", ".tif": "image/tiff", ".tiff": "image/tiff"}


class Examined(msgspec.Struct, frozen=True):
    """What was found out about one unit; `identified` and `technical` answer for each of its files, in order."""

    plan: UnitPlan
    identified: tuple[Identified, ...]
    technical: tuple[Technical | None, ...]
    formats: bytes
    checks: tuple[Check, ...]
    record_type: RecordType
    secrecy_class: SecrecyClass


def judge_delivery(session: Session, reception: Reception, plan: DeliveryPlan) -> list[Finding]:
    """Judge structure, catalogue, linking and the producer's digests, from what was learned while it was copied."""
    if reception.stage is not Stage.RECEIVED:
        return []
    ceiling, findings = session.settings.secrecy_ceiling, [*reception.catalogue.findings]
    findings += [
        Finding("delivery.above-ceiling", row.cell("secrecy_class"), ceiling, row.secrecy_class or "")
        for row in above_ceiling(reception.catalogue.every_row, ceiling)
    ]
    if reception.source.is_bag:
        findings += validate_bag(reception.folder, digests=_received_digests(reception))
    elif reception.catalogue.rows:
        findings += _judge_pages(session, reception, plan)
    return findings


def _judge_pages(session: Session, reception: Reception, plan: DeliveryPlan) -> list[Finding]:
    declared, findings = reception.declarations
    lines, unread = reception.work_sheet
    findings = [*findings, *unknown_codes(declared, codes_known(plan.units)), *unread, *unclear_work(lines, plan.units)]
    return findings + judge_linking(plan.units, declared, page_counts(session, reception, plan))


def page_counts(session: Session, reception: Reception, plan: DeliveryPlan) -> dict[str, PageCount]:
    """Pages of the files that can hold several: what each says of itself, read where it can harm nobody."""
    paths = [file.delivered.path for unit in plan.units if unit.row is not None for file in unit.files]
    several = [(path, kind) for path in paths if (kind := _OF_SEVERAL_PAGES.get(PurePosixPath(path).suffix.lower()))]
    if session.characteriser is None:
        return dict.fromkeys((path for path, _ in several), Uncounted.NOT_COUNTED)
    asked = (Asked(reception.place(path), kind, path) for path, kind in several)
    answers = _characterised(session.characteriser, reception, asked)
    return {path: _pages(technical) for (path, _), technical in zip(several, answers, strict=True)}


def _characterised(
    characteriser: Characteriser, reception: Reception, asked: Iterable[Asked]
) -> Iterator[Technical | None]:
    """One answer for each file; files that can hold several pages are asked for their number before, and read once."""
    for one in asked:
        key = (one.path, one.media_type)
        if key not in reception.technical:
            (answer,) = characteriser.characterise([one])
            if one.media_type not in _OF_SEVERAL_PAGES.values():
                yield answer
                continue
            reception.technical[key] = answer
        yield reception.technical[key]


def _pages(technical: Technical | None) -> PageCount:
    said = technical and (technical.value("pages") or technical.value("frames"))
    return int(said) if said and said.isdecimal() else Uncounted.UNREADABLE


def _received_digests(reception: Reception) -> Callable[[str, frozenset[str]], Mapping[str, str]]:
    known = {file.path.removeprefix(reception.top): file for file in reception.received.files}

    def digests(path: str, algorithms: frozenset[str]) -> Mapping[str, str]:
        file = known[path]
        every = {**file.digests, "sha256": file.sha256}
        return {algorithm: every[algorithm] for algorithm in algorithms}

    return digests


def producer_digests(reception: Reception) -> tuple[DigestCheck, ...]:
    """How many files the producer's own digests covered, by algorithm."""
    if not reception.source.is_bag:
        return ()
    bag = read_bag(reception.folder)
    return tuple(
        DigestCheck(algorithm=algorithm, files=len(entries)) for algorithm, entries in sorted(bag.manifests.items())
    )


Formats = dict[str, Identified]
"""What the files of a delivery are, by their paths in it. A delivery has few formats, so this stays small."""


def formats_to_judge(
    session: Session, reception: Reception, units: Sequence[UnitPlan], progress: Progress
) -> Formats | None:
    """The formats of the whole delivery before its verdict; None once there is one, for files may be stored by then."""
    if reception.stage is not Stage.RECEIVED or session.identifier is None:
        return None
    files = [file.delivered.path for unit in units for file in unit.files]
    found: Formats = {}
    for path, kind in zip(files, _kinds(session.identifier, reception, files), strict=True):
        found[path] = kind
        if len(found) % PROGRESS_EVERY == 0 or len(found) == len(files):
            progress("identify", len(found), len(files))
    return found


def examine(
    session: Session, reception: Reception, units: Sequence[UnitPlan], formats: Formats | None
) -> dict[str, Examined]:
    """Read the technical metadata of the units' files and look for viruses in them; the answer is by the unit's path.

    A file that cannot be read has that in its metadata: it stops nothing. Formats that are not known yet are
    identified too.
    """
    known = _identified(session, reception, units) if formats is None else formats
    infected = _infected(session, reception, units)
    clean = [unit for unit in units if not any(file.delivered.path in infected for file in unit.files)]
    asked = (_asked(reception, file, known) for unit in clean for file in unit.files)
    answers = _characterised(session.characteriser, reception, asked) if session.characteriser else repeat(None)
    technical = {unit.path: tuple(next(answers) for _ in unit.files) for unit in clean}
    return {unit.path: _examined(session, reception, unit, known, technical.get(unit.path), infected) for unit in units}


def _kinds(identifier: FormatIdentifier, reception: Reception, files: Sequence[str]) -> Iterator[Identified]:
    """What each file is; those of a sealed delivery one at a time, for few of them are held in memory at once."""
    if not reception.is_sealed:
        return identifier.identify(map(reception.place, files))
    return (kind for path in files for kind in identifier.identify([reception.place(path)]))


def _infected(session: Session, reception: Reception, units: Sequence[UnitPlan]) -> frozenset[str]:
    """The files, by their paths in the delivery, in which a virus was found."""
    if session.scanner is None:
        return frozenset()
    paths = [file.delivered.path for unit in units for file in unit.files]
    if reception.is_sealed:
        return frozenset(path for path in paths if session.scanner.scan([reception.place(path)]).infected)
    places = {reception.place(path): path for path in paths}
    return frozenset(places[place] for place in session.scanner.scan(list(places)).infected)


def _identified(session: Session, reception: Reception, units: Sequence[UnitPlan]) -> Formats:
    files = [file.delivered.path for unit in units for file in unit.files]
    answers = _kinds(session.identifier, reception, files) if session.identifier else repeat(UNKNOWN)
    return dict(zip(files, answers, strict=False))


def _asked(reception: Reception, file: ContentFile, formats: Formats) -> Asked:
    media_type = formats.get(file.delivered.path, UNKNOWN).media_type
    return Asked(reception.place(file.delivered.path), media_type, file.path)


def unreadable(examined: Mapping[str, Examined]) -> Iterator[Finding]:
    """The files whose technical metadata could not be read, and those whose structure is damaged."""
    for unit in examined.values():
        for file, technical in zip(unit.plan.files, unit.technical, strict=True):
            if technical is None:
                continue
            if technical.failure is not None:
                yield Finding("format.not-characterised", file.delivered.path, found=technical.failure)
            elif damage := technical.value("structure"):
                yield Finding("format.structure", file.delivered.path, found=damage)


def _examined(
    session: Session,
    reception: Reception,
    unit: UnitPlan,
    known: Formats,
    technical: tuple[Technical | None, ...] | None,
    infected: frozenset[str],
) -> Examined:
    found = tuple(known.get(file.delivered.path, UNKNOWN) for file in unit.files)
    formats = (
        b"".join(
            _format_line(path, kind) for path, kind in zip(_shown_names(session, reception, unit), found, strict=True)
        )
        if session.identifier
        else b""
    )
    return Examined(
        unit,
        found,
        (None,) * len(found) if technical is None else technical,
        formats,
        tuple(_checks(session, reception, unit, found, formats, infected)),
        _record_type(unit, found),
        _class_of(reception, unit),
    )


def _shown_names(session: Session, reception: Reception, unit: UnitPlan) -> list[str]:
    """The names of its files as events and the table of formats may tell them."""
    paths = [file.path for file in unit.files]
    return paths if reception.class_key_of(session.settings, unit) is None else neutral_names(paths)


def _class_of(reception: Reception, unit: UnitPlan) -> SecrecyClass:
    """Its own class; of what has none in a sealed delivery - its papers -, the delivery's."""
    own = unit.row.secrecy_class if unit.row else None
    return own or (reception.secrecy if reception.is_sealed else SecrecyClass.OPEN)


def _checks(
    session: Session,
    reception: Reception,
    unit: UnitPlan,
    found: Sequence[Identified],
    formats: bytes,
    infected: frozenset[str],
) -> Iterator[Check]:
    if session.identifier:
        counts = Counter(kind.puid for kind in found)
        yield FormatsIdentified(
            tool=session.identifier.about.tool,
            signatures=session.identifier.about.signatures,
            files=len(found),
            formats=tuple(FormatCount(puid=puid, files=count) for puid, count in sorted(counts.items(), key=str)),
            formats_sha256=hashlib.sha256(formats).hexdigest(),
        )
    system, identifiers = reception.old_identifiers(unit.path)
    if identifiers and not reception.is_sealed:
        named = tuple(ForeignIdentifier(kind=kind, value=value) for kind, value in identifiers[:IDENTIFIERS_KEPT])
        yield IdentifiersRecorded(system=system, identifiers=named)
    names = zip(unit.files, _shown_names(session, reception, unit), strict=True)
    bad = tuple(name for file, name in names if file.delivered.path in infected)
    outcome = Outcome.NOT_CHECKED if session.scanner is None else Outcome.FAILED if bad else Outcome.PASSED
    yield VirusChecked(
        outcome=outcome,
        tool=session.scanner.tool if session.scanner else None,
        signatures=session.scanner.signatures if session.scanner else None,
        files=len(unit.files) if session.scanner else 0,
        infected=bad,
    )


def _format_line(path: str, kind: Identified) -> bytes:
    return msgspec.json.encode({"path": path, "puid": kind.puid, "basis": kind.basis}) + b"\n"


def _record_type(unit: UnitPlan, found: Sequence[Identified]) -> RecordType:
    """The type of record by what most of its files are: pages with a catalogue row are text, other pictures images."""
    kinds = Counter(kind.media_type.partition("/")[0] for kind in found)
    most = kinds.most_common(1)[0][0] if kinds else ""
    if most == "image":
        return RecordType.TEXT if unit.row else RecordType.IMAGE
    return {"audio": RecordType.AUDIO, "video": RecordType.VIDEO}.get(most, RecordType.TEXT)


def refuse_infected(examined: Mapping[str, Examined]) -> None:
    """Stop before custody passes when a virus was found; the files stay in quarantine."""
    for unit, result in examined.items():
        for check in result.checks:
            if isinstance(check, VirusChecked) and check.infected:
                raise ArchiveError("virus-found", unit, files=", ".join(check.infected))
