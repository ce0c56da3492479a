"""SIP1-SIP35, DIP1-DIP4, AIPM1-AIPM6 and AIP3: what each type of package asks of its METS document beyond CSIP.

A SIP's MAY is noted when it is not used, as information: whoever receives SIPs wants to see at a glance what was left
out. Of the agents only ROLE and TYPE tell which is which, so a rule that cannot tell the archival creator from the
submitting agent speaks of both.
"""

import re
from collections.abc import Iterator

import msgspec

from packages_spec.eark.checks import Check
from packages_spec.eark.context import AIP_PROFILE, CSIP_PROFILE, DIP_PROFILE, SIP_PROFILE, Context
from packages_spec.eark.document import Node
from packages_spec.eark.file_rules import FileJudge
from packages_spec.eark.vocabularies import RECORD_STATUSES
from packages_spec.findings import Finding

_PEOPLE = {"ORGANIZATION", "INDIVIDUAL"}
_CODE = "IDENTIFICATIONCODE"
_REFERENCES = (
    ("SIP5", "SUBMISSIONAGREEMENT", True),
    ("SIP6", "PREVIOUSSUBMISSIONAGREEMENT", False),
    ("SIP7", "REFERENCECODE", True),
    ("SIP8", "PREVIOUSREFERENCECODE", False),
)
"""altRecordID by TYPE, and whether it may stand only once."""
_FORMATS = (
    ("SIP32", ("sip:FILEFORMATNAME",)),
    ("SIP33", ("sip:FILEFORMATVERSION",)),
    ("SIP34", ("sip:FILEFORMATREGISTRY", "sip:FORMATREGISTRY")),
    ("SIP35", ("sip:FILEFORMATKEY", "sip:FORMATREGISTRYKEY")),
)
"""Attributes of `file`; the specification and its schema spell two of them differently."""


def _profile(host: str, name: str) -> Check:
    address = re.compile(rf"https?://{host}\.dilcis\.eu/profile/{name}(-v\d+-\d+-\d+)?\.xml")
    return Check(f"https://{host}.dilcis.eu/profile/{name}.xml", lambda value: address.fullmatch(value) is not None)


_SIP, _DIP, _AIP = (
    _profile("earksip", SIP_PROFILE),
    _profile("earkdip", DIP_PROFILE),
    _profile("earka?(?:i|d)p", AIP_PROFILE),
)


def judge_type(context: Context, files: FileJudge) -> Iterator[Finding]:
    """The rules of the type that the document says it is of; who claims CSIP alone is held to CSIP alone."""
    if not context.is_root:
        return
    profile, kind = context.profile, context.package_type
    only_common = profile.startswith(CSIP_PROFILE)
    if profile.startswith(SIP_PROFILE) or (kind == "SIP" and not only_common):
        yield from _sip(context, files)
    if profile.startswith(DIP_PROFILE) or (kind == "DIP" and not only_common):
        yield from _dip(context)
    if profile.startswith(AIP_PROFILE):
        yield from _aip_profile(context)
    if kind == "AIP" or profile.startswith(AIP_PROFILE):
        yield from _divided(context, files)


def _sip(context: Context, files: FileJudge) -> Iterator[Finding]:
    root = context.root
    if not root.get("LABEL"):
        yield context.breach("SIP1")
    if not _SIP.holds(root.get("PROFILE")):
        yield context.breach("SIP2", _SIP.expected, root.get("PROFILE"))
    if context.package_type != "SIP":
        yield context.breach("SIP4", "SIP", context.package_type)
    for header in root.each("metsHdr"):
        if header.get("RECORDSTATUS") not in RECORD_STATUSES:
            yield context.breach("SIP3", " | ".join(sorted(RECORD_STATUSES)), header.get("RECORDSTATUS"))
        yield from _record_ids(header, context)
        yield from _agents(header, context)
    for requirement, names in _FORMATS:
        if not files.attributes.intersection(names):
            yield context.breach(requirement, names[0])
        if files.empty.intersection(names):
            yield context.breach(f"{requirement}.value", names[0])


def _record_ids(header: Node, context: Context) -> Iterator[Finding]:
    for requirement, kind, once in _REFERENCES:
        found = [each for each in header.each("altRecordID") if each.get("TYPE") == kind]
        if not found or not all(each.text for each in found) or (once and len(found) > 1):
            yield context.breach(requirement, kind, str(len(found)))


class _Agents(msgspec.Struct, frozen=True):
    """The agents of a header by what they do; the software that made the package is none of them.

    Who submits is an organization where there is one, else a person; a person may be the contact too.
    """

    all: list[Node]
    creators: list[Node]
    owners: list[Node]
    keepers: list[Node]
    contacts: list[Node]
    submitters: list[Node]


def _sorted(header: Node) -> _Agents:
    agents = [each for each in header.each("agent") if each.get("OTHERTYPE") != "SOFTWARE"]
    creators = [each for each in agents if each.get("ROLE") == "CREATOR"]
    contacts = [each for each in creators if each.get("TYPE") == "INDIVIDUAL"]
    return _Agents(
        all=agents,
        creators=creators,
        owners=[each for each in agents if each.get("ROLE") == "ARCHIVIST"],
        keepers=[each for each in agents if each.get("ROLE") == "PRESERVATION"],
        contacts=contacts,
        submitters=[each for each in creators if each.get("TYPE") == "ORGANIZATION"] or contacts,
    )


def _agents(header: Node, context: Context) -> Iterator[Finding]:
    agents = _sorted(header)
    for agent in header.each("agent"):
        if not agent.get("ROLE"):
            yield from (context.breach(requirement, found=_name(agent)) for requirement in ("SIP10", "SIP16"))
    if not agents.owners and len(agents.submitters) <= 1:
        yield context.breach("SIP9", "ARCHIVIST | CREATOR")
    if not agents.submitters:
        yield context.breach("SIP15", "CREATOR ORGANIZATION | INDIVIDUAL")
    for agent in (*agents.owners, *agents.creators):
        if agent.get("TYPE") not in _PEOPLE:
            for requirement in ("SIP11",) if agent in agents.owners else ("SIP11", "SIP17", "SIP23"):
                yield context.breach(requirement, "ORGANIZATION | INDIVIDUAL", agent.get("TYPE"))
    yield from _named(agents.owners or agents.submitters, "SIP12", "SIP13", "SIP14", context)
    yield from _named(agents.submitters, "SIP18", "SIP19", "SIP20", context)
    yield from _contacts(agents.contacts, agents.all, context)
    yield from _keepers(agents, context)


def _keepers(agents: _Agents, context: Context) -> Iterator[Finding]:
    if not agents.keepers:
        yield context.breach("SIP26", "PRESERVATION ORGANIZATION")
        if any(each.get("ROLE") == "OTHER" and each.get("OTHERROLE") == "PRESERVATION" for each in agents.all):
            yield context.breach("SIP27", "PRESERVATION", "OTHER")
    for agent in agents.keepers:
        if agent.get("TYPE") != "ORGANIZATION":
            yield context.breach("SIP28", "ORGANIZATION", agent.get("TYPE"))
    yield from _named(agents.keepers, "SIP29", "SIP30", "SIP31", context)


def _contacts(contacts: list[Node], agents: list[Node], context: Context) -> Iterator[Finding]:
    others = [each for each in agents if each.get("TYPE") == "INDIVIDUAL" and each.get("ROLE") != "CREATOR"]
    if not contacts:
        yield context.breach("SIP21", "CREATOR INDIVIDUAL")
        for agent in others:
            yield context.breach("SIP22", "CREATOR", agent.get("ROLE"))
    for agent in contacts:
        if not _name(agent):
            yield context.breach("SIP24", "name")
        if not any(note.text for note in agent.each("note")):
            yield context.breach("SIP25", "note", _name(agent))


def _named(agents: list[Node], name: str, note: str, kind: str, context: Context) -> Iterator[Finding]:
    """An agent may have a name and a note; the note of an organization is its code."""
    for agent in agents:
        if not _name(agent):
            yield context.breach(name, "name", agent.get("ROLE"))
        notes = list(agent.each("note"))
        if not any(each.text for each in notes):
            yield context.breach(note, "note", _name(agent))
        if agent.get("TYPE") == "ORGANIZATION" and notes and _CODE not in {each.get("csip:NOTETYPE") for each in notes}:
            yield context.breach(kind, _CODE, ", ".join(each.get("csip:NOTETYPE") for each in notes))


def _name(agent: Node) -> str:
    return next((each.text for each in agent.each("name") if each.text), "")


def _dip(context: Context) -> Iterator[Finding]:
    if not context.root.get("OBJID"):
        yield context.breach("DIP1")
    if not _DIP.holds(context.root.get("PROFILE")):
        yield context.breach("DIP2", _DIP.expected, context.root.get("PROFILE"))
    if context.package_type != "DIP":
        yield context.breach("DIP3", "DIP", context.package_type)
    for section in context.root.each("dmdSec"):
        if section.get("STATUS") != "CURRENT":
            yield context.breach("DIP4", "CURRENT", section.get("STATUS"))


def _aip_profile(context: Context) -> Iterator[Finding]:
    """The AIP's own METS profile, which begins with version 2.2.0."""
    if not context.root.get("OBJID"):
        yield context.breach("AIPM1")
    if not _AIP.holds(context.root.get("PROFILE")):
        yield context.breach("AIPM2", _AIP.expected, context.root.get("PROFILE"))
    if context.package_type != "AIP":
        yield context.breach("AIPM3", "AIP", context.package_type)
        if any(context.root.each("dmdSec")):
            yield context.breach("AIPM4", "AIP", context.package_type)
    references = list(context.root.below("amdSec/digiprovMD/mdRef"))
    if not references:
        yield context.breach("AIPM5", "amdSec/digiprovMD/mdRef")
    elif not any(each.get("MDTYPE").startswith("PREMIS") for each in references):
        yield context.breach("AIPM6", "PREMIS", ", ".join(each.get("MDTYPE") for each in references))


def _divided(context: Context, files: FileJudge) -> Iterator[Finding]:
    """AIP3: the document of each representation is pointed to as a document and as a file (or through its group)."""
    pointers = [each for part in context.root.each("structMap") for each in part.everywhere("mptr")]
    documents = {context.place(each.get("xlink:href")) for each in pointers}
    named = {each.get("FILEID") for part in context.root.each("structMap") for each in part.everywhere("fptr")}
    for path in sorted(each for each in context.files if re.fullmatch(r"representations/[^/]+/METS\.xml", each)):
        if path not in documents:
            yield context.breach("AIP3", f"mptr {path}")
        if not files.documents.get(path, set()) & named:
            yield context.breach("AIP3", f"fptr {path}")
