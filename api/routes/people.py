"""People and keys (人员与密钥), for administrators."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec

from api.bodies import Day, Reason
from api.endpoints import Answer, Call, Room
from api.parameters import AsOf
from repository.catalogue import Agent
from repository.services import administration
from repository.services.administration import Departure, Role
from repository.services.keys import IssuedKey, agent_version, issue_key

room = Room("people")


class People(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who can act here."""

    schema: str = "jingui.people/1"
    people: tuple[Agent, ...]


class KeyWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be issued: the verbs that it opens at most, and when it ends (RFC 3339, UTC, six digits)."""

    scopes: tuple[str, ...]
    expires: str | None = None


class RoleChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Roles given and taken."""

    grant: tuple[Role, ...] = ()
    revoke: tuple[Role, ...] = ()
    reason: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person; `version` is what a change must have seen."""

    schema: str = "jingui.person/1"
    person: Agent
    version: int


class Deputy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who stands in, and until which day."""

    deputy: UUID
    until: Day


class NewPerson(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to be registered, in which roles."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    roles: tuple[Role, ...] = ()


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """A person who was registered, and their credential, `id.secret`, which is told this once and kept nowhere."""

    schema: str = "jingui.person-added/1"
    person: UUID
    credential: str


class Leave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody leaves, and who takes over what they had to decide."""

    reason: str
    successor: UUID | None = None


@room.add("GET", "/v1/people", verb="audit", answer=People, refused=("time-invalid",))
def list_people(call: Call, as_of: AsOf = None) -> People:
    """列出人员。Everybody who can act here, with roles and credentials in force, now or as of a moment."""
    return People(people=administration.list_people(call.session, as_of=as_of))


@room.add(
    "POST",
    "/v1/people",
    verb="administer",
    answer=Added,
    status=HTTPStatus.CREATED,
    takes=NewPerson,
    refused=("name-missing", "roles-forbidden", "told-once"),
)
def add_person(call: Call) -> Answer:
    """登记人员。Register a person in roles, with a credential of their own, which is told this once."""
    new = call.body(NewPerson)
    person, credential = administration.add_person(call.session, name=new.name, roles=list(new.roles))
    added = Added(person=person, credential=f"{credential.credential}.{credential.secret}")
    headers = {"location": f"/v1/people/{person}", "cache-control": "no-store"}
    return Answer(body=added, status=HTTPStatus.CREATED, headers=headers)


@room.add("GET", "/v1/people/{person}", verb="administer", answer=Person, refused=("agent-unknown",))
def show_person(call: Call, person: UUID) -> Answer:
    """查看人员。One person; the ETag is the version that a change must have seen."""
    return _person(call, person)


def _person(call: Call, person: UUID) -> Answer:
    found, version = agent_version(call.session, person)
    return Answer(body=Person(person=found, version=version), headers={"etag": f'"{version}"'})


@room.add(
    "PATCH",
    "/v1/people/{person}/roles",
    verb="administer",
    answer=Person,
    takes=RoleChange,
    refused=("agent-unknown",),
    changes=True,
)
def change_roles(call: Call, person: UUID) -> Answer:
    """变更角色。Give and take roles, as `If-Match` saw them."""
    change = call.body(RoleChange)
    session = call.seeing(person)
    administration.change_roles(
        session, person, grant=list(change.grant), revoke=list(change.revoke), reason=change.reason
    )
    return _person(call, person)


@room.add(
    "POST",
    "/v1/people/{person}/keys",
    verb="administer",
    answer=IssuedKey,
    status=HTTPStatus.CREATED,
    takes=KeyWish,
    refused=("agent-unknown", "scope-unknown", "told-once", "time-invalid"),
)
def issue(call: Call, person: UUID) -> IssuedKey:
    """签发密钥。A key for a program; its secret is told this once."""
    wish = call.body(KeyWish)
    return issue_key(call.session, person, wish.scopes, wish.expires)


@room.add(
    "POST",
    "/v1/people/{person}/credentials/{credential}/revocation",
    verb="administer",
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=("agent-unknown", "reason-missing", "credential-unknown"),
)
def revoke_credential(call: Call, person: UUID, credential: UUID) -> Answer:
    """收回凭证。A credential or key opens nothing from now on."""
    administration.revoke_credential(call.seeing(person), person, credential, call.body(Reason).reason)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(person))


@room.add(
    "POST",
    "/v1/people/{person}/departure",
    verb="administer",
    changes=True,
    answer=Departure,
    takes=Leave,
    refused=("agent-unknown", "reason-missing", "last-administrator", "successor-needed", "own-request"),
)
def depart(call: Call, person: UUID) -> Answer:
    """离任。Credentials, roles and deputies end together; open decisions pass on to a successor."""
    leave = call.body(Leave)
    left = administration.depart(call.seeing(person), person, successor=leave.successor, reason=leave.reason)
    return Answer(body=left, headers=call.etag(person))


@room.add(
    "POST",
    "/v1/people/{person}/deputies",
    verb="administer",
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Deputy,
    refused=("agent-unknown", "second-person-needed", "day-over", "roles-forbidden"),
)
def appoint_deputy(call: Call, person: UUID) -> Answer:
    """任命代理人。Somebody stands in for this person, up to and with a day."""
    wish = call.body(Deputy)
    administration.appoint_deputy(call.seeing(person), person, wish.deputy, wish.until)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(person))


@room.add(
    "POST",
    "/v1/people/{person}/deputies/{deputy}/dismissal",
    verb="administer",
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=("agent-unknown", "reason-missing"),
)
def dismiss_deputy(call: Call, person: UUID, deputy: UUID) -> Answer:
    """免去代理人。End a deputy's power before its day."""
    administration.dismiss_deputy(call.seeing(person), person, deputy, call.body(Reason).reason)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(person))
