"""EAD3 1.1.1: descriptions as other archives' systems read them, one component inside another.

Our levels are EAD's own but for the volume (案卷), which EAD calls a file. What EAD has no element for is left out;
`archive.xml` has it all.
"""

from collections.abc import Iterator, Sequence

import msgspec

from packages_spec.descriptive.description import Description
from packages_spec.xml_text import DECLARATION, attribute, text

NAMESPACE = "http://ead3.archivists.org/schema/"

_LEVELS = {"fonds": "fonds", "series": "series", "volume": "file", "item": "item"}
_CARRIERS = {"paper": "纸质", "digital": "数字", "both": "纸质、数字"}
DEEPEST = 12
"""Levels that EAD nests; deeper ones would not be read by its tools."""


class Component(msgspec.Struct, frozen=True):
    """A description and what it consists of."""

    description: Description
    parts: tuple["Component", ...] = ()


class FindingAid(msgspec.Struct, frozen=True):
    """What the document says of itself. `created` is RFC 3339, `archive` the archive's code."""

    identifier: str
    title: str
    archive: str
    agency: str
    created: str
    software: str


def write_ead3(aid: FindingAid, components: Sequence[Component]) -> Iterator[str]:
    """The document, piece by piece. One component that holds others is the `archdesc` itself; several stand in one."""
    yield f'{DECLARATION}<ead xmlns="{NAMESPACE}">\n{_control(aid)}'
    top = components[0] if len(components) == 1 and components[0].description.level == "fonds" else None
    if top is not None:
        yield f'<archdesc level="fonds">\n{_did(top.description)}{_access(top.description)}'
        parts: Sequence[Component] = top.parts
    else:
        yield f'<archdesc level="collection">\n<did><unittitle>{text(aid.title)}</unittitle></did>\n'
        parts = components
    if parts:
        yield "<dsc>\n"
        for part in parts:
            yield from _component(part, 1)
        yield "</dsc>\n"
    yield "</archdesc>\n</ead>\n"


def _control(aid: FindingAid) -> str:
    return (
        f"<control>\n<recordid>{text(aid.identifier)}</recordid>\n"
        f"<filedesc><titlestmt><titleproper>{text(aid.title)}</titleproper></titlestmt></filedesc>\n"
        '<maintenancestatus value="new"/>\n'
        f"<maintenanceagency><agencycode>{text(aid.archive)}</agencycode>"
        f"<agencyname>{text(aid.agency)}</agencyname></maintenanceagency>\n"
        '<maintenancehistory><maintenanceevent><eventtype value="created"/>'
        f'<eventdatetime standarddatetime="{attribute(aid.created)}">{text(aid.created)}</eventdatetime>'
        f'<agenttype value="machine"/><agent>{text(aid.software)}</agent></maintenanceevent></maintenancehistory>\n'
        "</control>\n"
    )


def _component(component: Component, depth: int) -> Iterator[str]:
    """Raises ValueError for a tree deeper than `DEEPEST`."""
    if depth > DEEPEST:
        raise ValueError(f"more than {DEEPEST} levels")
    description = component.description
    yield f'<c level="{_LEVELS[description.level]}">\n{_did(description)}{_access(description)}'
    for part in component.parts:
        yield from _component(part, depth + 1)
    yield "</c>\n"


def _did(description: Description) -> str:
    said = []
    if description.reference_code is not None:
        said.append(f'<unitid label="档号">{text(description.reference_code)}</unitid>')
    if description.title:
        said.append(f"<unittitle>{text(description.title)}</unittitle>")
    if description.responsible_party is not None:
        said.append(f"<origination><name><part>{text(description.responsible_party)}</part></name></origination>")
    date = description.date or (None if description.year is None else str(description.year))
    if date is not None:
        said.append(f"<unitdate>{text(date)}</unitdate>")
    extent = _CARRIERS[description.carrier]
    if description.page_count is not None:
        extent += f"，{description.page_count} 页"
    said.append(f"<physdesc>{text(extent)}</physdesc>")
    if description.holding is not None:
        place = [description.holding.storeroom, description.holding.rack, description.holding.shelf]
        if any(place):
            said.append(f"<physloc>{text(' '.join(each for each in place if each))}</physloc>")
    if description.subject is not None and description.subject.abstract is not None:
        said.append(f"<abstract>{text(description.subject.abstract)}</abstract>")
    if description.package is not None:
        kind = "derived" if description.carrier == "both" else "unknown"
        said.append(f'<dao daotype="{kind}" href="urn:uuid:{attribute(description.package)}"/>')
    return f"<did>{''.join(said)}</did>\n"


def _access(description: Description) -> str:
    said = [f"密级：{description.secrecy_class}"]
    if description.access_status is not None:
        said.append(f"利用：{description.access_status}")
    kept = ""
    if description.retention_period is not None:
        kept = f"<appraisal><p>保管期限：{text(description.retention_period)}</p></appraisal>"
    if description.subject is not None and description.subject.keywords:
        words = "".join(f"<subject><part>{text(word)}</part></subject>" for word in description.subject.keywords)
        kept += f"<controlaccess>{words}</controlaccess>"
    paragraphs = "".join(f"<p>{text(each)}</p>" for each in said)
    return f"<accessrestrict>{paragraphs}</accessrestrict>{kept}\n"
