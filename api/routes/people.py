"""People and keys (人员与密钥), for administrators."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec

from api.endpoints import Answer, Call, Room
from repository.catalogue import Agent
from repository.services import administration
from repository.services.administration import Role
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
    until: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]


class Dismissal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


@room.add("GET", "/v1/people", verb="administer", answer=People)
def list_people(call: Call) -> People:
    """列出人员。Everybody who can act here, with roles and credentials in force."""
    return People(people=administration.list_people(call.session))


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
    "/v1/people/{person}/deputies",
    verb="administer",
    status=HTTPStatus.NO_CONTENT,
    takes=Deputy,
    refused=("agent-unknown", "second-person-needed", "day-over", "roles-forbidden"),
)
def appoint_deputy(call: Call, person: UUID) -> Answer:
    """任命代理人。Somebody stands in for this person, up to and with a day."""
    wish = call.body(Deputy)
    administration.appoint_deputy(call.session, person, wish.deputy, wish.until)
    return Answer(status=HTTPStatus.NO_CONTENT)


@room.add(
    "POST",
    "/v1/people/{person}/deputies/{deputy}/dismissal",
    verb="administer",
    status=HTTPStatus.NO_CONTENT,
    takes=Dismissal,
    refused=("agent-unknown", "reason-missing"),
)
def dismiss_deputy(call: Call, person: UUID, deputy: UUID) -> Answer:
    """免去代理人。End a deputy's power before its day."""
    administration.dismiss_deputy(call.session, person, deputy, call.body(Dismissal).reason)
    return Answer(status=HTTPStatus.NO_CONTENT)
