"""Duties (职责): what one person may never combine, who stands in for whom, and what is left when somebody goes."""

import tomllib
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from pathlib import Path

import pytest

from repository.domain.access_request import ACCESS_REQUEST
from repository.domain.agent import AGENT
from repository.errors import ArchiveError
from repository.services import administration, requests, use
from repository.services.administration import Role
from repository.services.policy import FILE, read_policy
from tests.command_line import Said
from tests.real_archives import new_site, types
from tests.staff import Staff, new_staff

REFUSED, DOOR, USAGE = 4, 12, 2
ROOT = Path(__file__).parents[2]


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return new_staff(tmp_path)


def failed(said: Said, status: int, code: str) -> None:
    assert (said.status, code in said.err) == (status, True), said


def day(staff: Staff, distance: int) -> str:
    with staff.open("administrator") as session:
        return (session.clock().astimezone().date() + timedelta(days=distance)).isoformat()


def request_for(staff: Staff, name: str = "desk") -> str:
    return str(staff.ask(name, "use", "register", "--form", staff.form(records=["N-1"]))["request"])


NEVER = [
    tuple(pair)
    for pair in tomllib.loads((ROOT / "repository" / FILE).read_text("utf-8"))["presets"]["five-people"]["never"]
]


@pytest.mark.parametrize("pair", NEVER, ids=" ".join)
def test_what_may_never_be_combined_is_refused_however_it_is_tried(
    staff: Staff, tmp_path: Path, pair: tuple[str, str]
) -> None:
    one, other = (Role(name) for name in pair)
    with staff.open("administrator") as session:
        before = session.log.position()
        for roles in ([one, other], [other, one]):
            with pytest.raises(ArchiveError) as refused:
                administration.add_person(session, name="兼任", roles=roles)
            assert refused.value.code == "roles-forbidden"
        assert session.log.position() == before
        person, _ = administration.add_person(session, name="一职", roles=[one])
        with pytest.raises(ArchiveError) as refused:
            administration.change_roles(session, person, grant=[other], revoke=[], reason="")
        assert refused.value.code == "roles-forbidden"
        administration.change_roles(session, person, grant=[other], revoke=[one], reason="调岗")
        assert session.log.load(AGENT, person).state.roles == {other}


def test_five_people_can_do_everything_and_combine_nothing_that_is_forbidden(staff: Staff) -> None:
    preset = read_policy(staff.site.folder).presets["five-people"]
    assert len(preset.people) == 5
    never = {frozenset(pair) for pair in preset.never}
    for person in preset.people:
        assert not never & {frozenset(pair) for pair in combinations(person.roles, 2)}
    assert {role for person in preset.people for role in person.roles} == set(Role) - {Role.READER, Role.PARTNER}
    assert sum(Role.REVIEWER in person.roles for person in preset.people) >= 2
    with staff.open("administrator") as session:
        for person in preset.people:
            administration.add_person(session, name=person.title, roles=list(person.roles))


def test_a_site_says_itself_what_may_not_be_combined(staff: Staff) -> None:
    own = staff.site.folder / FILE
    own.write_text(
        '[separation]\npreset = "two"\n[presets.two]\nnever = [["desk", "keeper"]]\n'
        '[status]\nopen_by_default = "none"\n',
        "utf-8",
    )
    with staff.open("administrator") as session:
        administration.add_person(session, name="审计兼管理", roles=[Role.ADMINISTRATOR, Role.AUDITOR])
        with pytest.raises(ArchiveError):
            administration.add_person(session, name="不可", roles=[Role.DESK, Role.KEEPER])
    assert staff.ask("stranger", "search", "地契")["total"] == 0
    for wrong in ("[status\n", '[status]\nopen_by_default = "绝密"\n', '[separation]\npreset = "nine"\n', "[x]\n"):
        own.write_text(wrong, "utf-8")
        failed(staff.run("stranger", "search", "地契"), USAGE, "settings-invalid")


def test_a_deputy_acts_in_the_principals_name_until_the_day_is_over(staff: Staff) -> None:
    deputy, principal = staff.people["archivist"], staff.people["desk"]
    behalf = ("--on-behalf-of", principal)
    form = ("use", "register", "--form", staff.form(records=["N-1"]))
    failed(staff.run("archivist", *form, *behalf), DOOR, "not-deputy")
    appoint = ("person", "--change", principal, "--deputy", deputy)
    failed(staff.run("administrator", *appoint, "--until", day(staff, -1)), USAGE, "day-over")
    staff.ask("administrator", *appoint, "--until", day(staff, 0))
    request = staff.ask("archivist", *form, *behalf)["request"]
    with staff.open("administrator") as session:
        (registered, *_) = (one for one in session.log.events() if str(one.envelope.stream) == request)
        assert (registered.envelope.actor, registered.envelope.on_behalf_of) == (deputy, principal)
        assert set(getattr(registered.payload, "requesters", ())) == {deputy, principal}
    staff.ask("administrator", *appoint, "--reason", "已返岗")
    failed(staff.run("archivist", *form, *behalf), DOOR, "not-deputy")
    assert staff.run("archivist", *form).status == 0
    with staff.open("administrator") as session:
        assert [one for one in types(session) if "Deputy" in one] == ["Agent.DeputyAppointed", "Agent.DeputyEnded"]


def test_a_deputy_whose_day_is_over_is_none(staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    with staff.open("administrator") as session:
        administration.appoint_deputy(session, staff.people["desk"], staff.people["archivist"], day(staff, 3))
    with staff.open("archivist", on_behalf_of="desk") as session:
        session.require("register-use")
        now = session.clock()
        later = replace(session, clock=lambda: now + timedelta(days=4))
        with pytest.raises(ArchiveError) as refused:
            later.require("register-use")
        assert refused.value.code == "not-deputy"


def test_duties_that_never_go_together_are_not_lent_either(staff: Staff) -> None:
    with staff.open("administrator") as session:
        for deputy in ("desk", "archivist", "reviewer"):
            with pytest.raises(ArchiveError) as refused:
                administration.appoint_deputy(session, staff.people["decider"], staff.people[deputy], day(staff, 3))
            assert refused.value.code == "roles-forbidden"
        helper, credential = administration.add_person(session, name="替补", roles=[])
        administration.appoint_deputy(session, staff.people["decider"], helper, day(staff, 3))
        administration.change_roles(session, helper, grant=[Role.DESK], revoke=[], reason="")
        keep = staff.site.folder.parent / "helper.credential"
        administration.write_credential(keep, credential)
    said = staff.run(
        "administrator", "request", "list", "--credential", keep, "--on-behalf-of", staff.people["decider"]
    )
    failed(said, REFUSED, "roles-forbidden")


def test_neither_a_deputy_nor_a_principal_decides_on_what_the_other_asked(staff: Staff) -> None:
    """A decider's deputy asked at the desk before: the request is theirs, in whose name ever they come to decide."""
    with staff.open("administrator") as session:
        helper, credential = administration.add_person(session, name="替补", roles=[Role.DESK])
        keep = staff.site.folder.parent / "helper.credential"
        administration.write_credential(keep, credential)
    request = staff.ask(
        "administrator", "use", "register", "--form", staff.form(records=["N-1"]), "--credential", keep
    )["request"]
    with staff.open("administrator") as session:
        administration.change_roles(session, helper, grant=[], revoke=[Role.DESK], reason="调岗")
        administration.appoint_deputy(session, staff.people["decider"], helper, day(staff, 3))
    behalf = ("--credential", keep, "--on-behalf-of", staff.people["decider"])
    for arguments in (("request", "grant", request), ("request", "refuse", request, "--ground", "personal")):
        failed(staff.run("administrator", *arguments, *behalf), REFUSED, "own-request")
    assert staff.ask("decider", "request", "grant", request)["request"]["state"] == "granted"


def test_who_asked_does_not_decide_even_after_changing_desks(staff: Staff) -> None:
    request = request_for(staff)
    with staff.open("administrator") as session:
        administration.change_roles(
            session, staff.people["desk"], grant=[Role.DECIDER], revoke=[Role.DESK], reason="调岗"
        )
    for arguments in (("grant", request), ("refuse", request, "--ground", "personal")):
        failed(staff.run("desk", "request", *arguments), REFUSED, "own-request")
    failed(
        staff.run("other-desk", "request", "assign", request, "--person", staff.people["desk"]), REFUSED, "own-request"
    )
    failed(
        staff.run("other-desk", "request", "assign", request, "--person", staff.people["auditor"]), DOOR, "not-allowed"
    )


def test_departure_is_one_command(staff: Staff) -> None:
    decider, successor, desk = (staff.people[name] for name in ("decider", "other-decider", "desk"))
    theirs = [request_for(staff), request_for(staff)]
    for request in theirs:
        staff.ask("desk", "request", "assign", request, "--person", decider)
    request_for(staff)
    with staff.open("administrator") as session:
        administration.appoint_deputy(session, decider, staff.people["stranger"], day(staff, 9))
        before = session.log.position()
    leave = ("person", "--depart", decider)
    failed(staff.run("administrator", *leave, "--reason", "退休"), REFUSED, "successor-needed")
    failed(staff.run("administrator", *leave, "--successor", successor), USAGE, "reason-missing")
    failed(staff.run("administrator", *leave, "--successor", desk, "--reason", "退休"), DOOR, "not-allowed")
    left = staff.ask("administrator", *leave, "--successor", successor, "--reason", "退休")
    assert sorted(left["reassigned"]) == sorted(theirs)
    with staff.open("administrator") as session:
        events = list(session.log.events(after=before))
        assert [one.envelope.type for one in events] == [
            "Agent.CredentialRevoked",
            "Agent.RoleRevoked",
            "Agent.DeputyEnded",
            "AccessRequest.Assigned",
            "AccessRequest.Assigned",
        ]
        assert len({one.envelope.command_id for one in events}) == 1
        for card in session.catalogue.requests(assigned=successor).entries:
            assert session.log.load(ACCESS_REQUEST, card.id).state.assigned == successor
    failed(staff.run("decider", "request", "list"), DOOR, "credential-unknown")
    assert staff.ask("other-decider", "request", "list", "--mine")["total"] == 2


def test_whoever_stood_in_for_others_does_so_no_longer_after_leaving(staff: Staff) -> None:
    with staff.open("administrator") as session:
        administration.appoint_deputy(session, staff.people["desk"], staff.people["other-desk"], day(staff, 9))
        administration.depart(session, staff.people["other-desk"], successor=None, reason="调离")
        assert session.log.load(AGENT, staff.people["desk"]).state.deputies == {}


def test_the_last_administrator_does_not_leave(staff: Staff) -> None:
    me = staff.people["administrator"]
    failed(staff.run("administrator", "person", "--depart", me, "--reason", "退休"), REFUSED, "last-administrator")
    with staff.open("administrator") as session:
        staff.site.person(session, "继任", Role.ADMINISTRATOR)
        administration.depart(session, me, successor=None, reason="退休")
    with pytest.raises(ArchiveError), staff.open("administrator"):
        pass


def test_the_last_administrator_keeps_the_role_and_a_credential(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        me = session.actor.agent
        (credential,) = session.log.load(AGENT, me).state.credentials

        def without_role() -> None:
            administration.change_roles(session, me, grant=[], revoke=[Role.ADMINISTRATOR], reason="换岗")

        def without_credential() -> None:
            administration.revoke_credential(session, me, credential, "遗失")

        for deed in (without_role, without_credential):
            with pytest.raises(ArchiveError) as refused:
                deed()
            assert refused.value.code == "last-administrator"
        assert session.log.load(AGENT, me).state.roles == {Role.ADMINISTRATOR}
        site.person(session, "继任", Role.ADMINISTRATOR)
        without_role()
        assert session.log.load(AGENT, me).state.roles == set()


def test_registering_a_use_asks_the_same_of_everybody(staff: Staff) -> None:
    form = use.read_form(staff.form(records=["N-1"]).read_bytes())
    with staff.open("auditor") as session, pytest.raises(ArchiveError) as refused:
        use.register_use(session, form)
    assert refused.value.code == "not-allowed"
    with staff.open("archivist") as session:
        done = use.register_use(session, form)
        with pytest.raises(ArchiveError) as refused:
            requests.grant(session, done.request)
        assert refused.value.code == "not-allowed"
