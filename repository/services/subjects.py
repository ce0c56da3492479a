"""Subjects (对象): what somebody means who names a thing - by 档号, by a number or a name, or by any id there is."""

from collections.abc import Iterator
from uuid import UUID

import msgspec

from repository.catalogue import Agent
from repository.errors import ArchiveError
from repository.services.search import uuid_of
from repository.services.session import Session


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is meant. `kind` is the aggregate of its stream, `event` where it is one event, `dip` where it is a DIP.

    `ids` are all the ids by which the log speaks of it: a record is its description and its package.
    """

    kind: str
    id: UUID
    ids: tuple[UUID, ...]
    event: UUID | None = None
    dip: UUID | None = None


def find_subject(session: Session, named: str, upto: int) -> Subject:
    """What is meant by a 档号, a transfer number, a person's or producer's name, or the id of a stream, DIP or event.

    As of a position: `record-unknown` when nothing had that name then; `name-ambiguous` when several had.
    """
    session.catch_up()
    identity = uuid_of(named)
    return _by_words(session, named, upto) if identity is None else _by_id(session, identity, named, upto)


def _by_id(session: Session, identity: UUID, named: str, upto: int) -> Subject:
    newest = session.log.newest(identity, upto=upto)
    if newest is not None:
        return _of_stream(session, newest.type.partition(".")[0], identity, upto)
    for request in session.catalogue.requests_for(identity, as_of=upto):
        if request.dip == identity:
            return Subject(kind="AccessRequest", id=request.id, ids=(identity,), dip=identity)
    position = session.log.identified(identity)
    if position is None or position > upto:
        raise ArchiveError("record-unknown", named)
    (event,) = session.log.events(after=position - 1, upto=position)
    stream = event.envelope.stream
    kind = event.envelope.type.partition(".")[0]
    return Subject(kind=kind, id=stream, ids=(identity,), event=identity)


def _by_words(session: Session, named: str, upto: int) -> Subject:
    catalogue = session.catalogue
    found = [("Description", match.description.id) for match in catalogue.by_reference_code(named, as_of=upto)[:1]]
    found = found or [("Accession", one.id) for one in catalogue.accessions_numbered(named, as_of=upto)]
    found = found or [(_agent_kind(one), one.id) for one in _agents(session, upto) if one.name == named]
    if not found:
        raise ArchiveError("record-unknown", named)
    if len(found) > 1:
        raise ArchiveError("name-ambiguous", named, ids=", ".join(str(identity) for _, identity in found))
    return _of_stream(session, *found[0], upto)


def _of_stream(session: Session, kind: str, identity: UUID, upto: int) -> Subject:
    """A record's description and its package are one subject, whichever of them was named."""
    ids = [identity]
    if kind == "Description":
        description = session.catalogue.description(identity, as_of=upto)
        ids += [description.package] if description and description.package else []
    elif kind == "ArchivalPackage":
        package = session.catalogue.package(identity, as_of=upto)
        ids += [package.description] if package else []
    return Subject(kind=kind, id=identity, ids=tuple(ids))


def _agents(session: Session, upto: int) -> Iterator[Agent]:
    after: str | None = None
    while True:
        page = session.catalogue.agents(as_of=upto, limit=1_000, after=after)
        yield from page.entries
        if (after := page.after) is None:
            return


def _agent_kind(agent: Agent) -> str:
    return "Producer" if agent.is_producer else "Agent"
