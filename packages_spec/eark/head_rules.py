"""CSIP1-CSIP16 and CSIP117: the root of a METS document and its header."""

from collections.abc import Iterator

from packages_spec.eark import vocabularies
from packages_spec.eark.checks import (
    CONTENT_CATEGORY,
    CONTENT_TYPE,
    DATE_TIME,
    Attribute,
    exactly,
    judge_attributes,
    one_of,
)
from packages_spec.eark.context import Context
from packages_spec.eark.document import Node
from packages_spec.findings import Finding

ATTRIBUTES = (
    Attribute("CSIP1", "", "OBJID"),
    Attribute("CSIP2", "", "TYPE", CONTENT_CATEGORY),
    Attribute("CSIP4.value", "", "csip:CONTENTINFORMATIONTYPE", CONTENT_TYPE, absent=False),
    Attribute("CSIP6", "", "PROFILE"),
    Attribute("CSIP7", "metsHdr", "CREATEDATE", DATE_TIME),
    Attribute("CSIP8", "metsHdr", "LASTMODDATE"),
    Attribute("CSIP8.value", "metsHdr", "LASTMODDATE", DATE_TIME, absent=False),
    Attribute("CSIP9", "metsHdr", "csip:OAISPACKAGETYPE", one_of(vocabularies.PACKAGE_TYPES)),
)
_MANDATORY_AGENT = (("CSIP11", "ROLE", "CREATOR"), ("CSIP12", "TYPE", "OTHER"), ("CSIP13", "OTHERTYPE", "SOFTWARE"))
_NOTE_TYPE = "csip:NOTETYPE"
_SOFTWARE_VERSION = exactly("SOFTWARE VERSION")


def judge_head(context: Context) -> Iterator[Finding]:
    """Findings on the root element and on the header."""
    yield from judge_attributes(ATTRIBUTES, context)
    yield from _identity(context)
    yield from _content(context)
    headers = list(context.root.each("metsHdr"))
    if len(headers) != 1:
        yield context.breach("CSIP117", "1", str(len(headers)))
    for header in headers:
        yield from _agent(header, context)


def _identity(context: Context) -> Iterator[Finding]:
    """OBJID is the name of the folder: of the package, or of the representation."""
    objid = context.root.get("OBJID")
    if objid and objid != context.name:
        if context.is_root:
            yield context.breach("CSIP1.folder", context.name, objid)
            yield context.breach("CSIPSTR2", context.name, objid)
        else:
            yield context.breach("CSIP1.representation", context.name, objid)


def _content(context: Context) -> Iterator[Finding]:
    """What the package holds, where the lists have no word for it."""
    root = context.root
    if root.get("TYPE") in {"Other", "OTHER"} and not root.get("csip:OTHERTYPE"):
        yield context.breach("CSIP2.other", "csip:OTHERTYPE")
        yield context.breach("CSIP3", "csip:OTHERTYPE")
    content_type = root.get("csip:CONTENTINFORMATIONTYPE")
    if not content_type:
        yield context.breach("CSIP4" if context.is_root else "CSIP4.representation")
    if content_type == "OTHER" and not root.get("csip:OTHERCONTENTINFORMATIONTYPE"):
        yield context.breach("CSIP5", "csip:OTHERCONTENTINFORMATIONTYPE")


def _agent(header: Node, context: Context) -> Iterator[Finding]:
    """The one agent that every package must have: the software that made it. The nearest to it is judged."""
    agents = list(header.each("agent"))
    if not agents:
        yield context.breach("CSIP10")
        return
    agent = max(agents, key=_nearness)
    for requirement, name, value in _MANDATORY_AGENT:
        if agent.get(name) != value:
            yield context.breach(requirement, value, agent.get(name))
    if not any(name.text for name in agent.each("name")):
        yield context.breach("CSIP14")
    notes = list(agent.each("note"))
    if not any(note.text for note in notes):
        yield context.breach("CSIP15")
    kinds = [note.get(_NOTE_TYPE) for note in notes]
    if not any(map(_SOFTWARE_VERSION.holds, kinds)):
        yield context.breach("CSIP16", _SOFTWARE_VERSION.expected, ", ".join(filter(None, kinds)))


def _nearness(agent: Node) -> int:
    """How much of the mandatory agent an agent has."""
    told = sum(agent.get(name) == value for _, name, value in _MANDATORY_AGENT)
    return 2 * told + any(note.get(_NOTE_TYPE) == _SOFTWARE_VERSION.expected for note in agent.each("note"))
