"""Rights (权限): what somebody may know of a record or see in it - the domain's rules, fed with how the record stands.

To show and to search, the catalogue's cards say how it stands. To let bytes out, the aggregates do, loaded by the same
command that records it: `may_see` is asked inside a decision.
"""

from collections.abc import Collection
from uuid import UUID

from repository.catalogue import Description
from repository.domain import access_request, access_rules
from repository.domain.access_rules import Act, Standing, Verdict
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.description import DESCRIPTION
from repository.errors import ArchiveError
from repository.eventlog import EventLog, Streams
from repository.services.session import Session


def known(session: Session, description: Description) -> bool:
    """Whether the one who asks may know of this record, as it stands today."""
    now = session.catalogue.description(description.id) or description
    package = session.catalogue.package(now.package) if now.package else None
    standing = Standing(
        status=package.access if package else None,
        secrecy=access_rules.higher(now.secrecy_class, package.secrecy_class) if package else now.secrecy_class,
        opening_date=package.opening_date if package else None,
    )
    verdict = _decide(session, Act.KNOW, standing, granted=False)
    if verdict.allowed or package is None:
        return verdict.allowed
    granted = package.id in session.catalogue.granted_to(session.principal, session.today())
    return _decide(session, Act.KNOW, standing, granted=granted).allowed


def may_see(
    session: Session,
    streams: Streams | EventLog,
    package: UUID,
    entry: UUID,
    paths: Collection[str],
    request: access_request.State,
    *,
    copy: bool,
) -> Verdict:
    """Whether these files of a package (none named: the whole entry) may be let out now, judged by the aggregates.

    The class is the highest that the package, the entry, and the package's own description say.
    """
    held = streams.load(ARCHIVAL_PACKAGE, package).state
    if held.created is None:
        raise ArchiveError("package-unknown", package)
    secrecy = held.secrecy_class
    for description in sorted({entry, held.created.description}):
        fields = streams.load(DESCRIPTION, description).state.fields
        secrecy = access_rules.higher(secrecy, fields.secrecy_class) if fields else secrecy
    standing = Standing(
        status=held.access.status if held.access else None,
        secrecy=secrecy,
        opening_date=held.access.opening_date if held.access else None,
    )
    granted = access_request.covers(request, package, paths, today=session.today(), copy=copy)
    return _decide(session, Act.CONTENT, standing, granted=granted)


def may_see_sealed(session: Session, description: Description, package: UUID | None) -> bool:
    """Whether the one who asks sees what lies sealed - words, names of files -, by their role or because it is open."""
    if package is None:
        return False
    verdict = may_see(session, session.log, package, description.id, (), access_request.State(), copy=False)
    return verdict.allowed


def _decide(session: Session, act: Act, standing: Standing, *, granted: bool) -> Verdict:
    return access_rules.decide(
        act,
        standing,
        roles=session.standing().roles,
        granted=granted,
        today=session.today(),
        open_by_default=session.policy.status.open_upto,
    )
