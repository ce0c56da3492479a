"""Who may do what: roles, credentials, and two people for what cannot be undone."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from repository.domain.agent import AGENT
from repository.domain.authority import VERBS
from repository.errors import ArchiveError
from repository.services import administration, opening, removal, requests, use
from repository.services.access import disseminate
from repository.services.accessions import accept_delivery, return_delivery
from repository.services.administration import Role
from repository.services.audit import fsck, rebuild, replay
from repository.services.feed import read_events
from repository.services.jobs import status, work
from repository.services.key_destruction import approve_destruction
from repository.services.key_ring import retire_key
from repository.services.preservation import materialise
from repository.services.sampling import SampleBy, draw_sample
from repository.services.search import list_records, list_requests, show_record
from repository.services.session import Session
from repository.services.statement import statement
from repository.services.use import Document
from tests.real_archives import LAND_DEEDS, Site, deliver, new_site, silent, take, types

DEED, THIRD = "J012-1-0001", "J012-1-0003"
DOOR = 12
"""Exit of a credential that opens nothing, and of a verb that the roles do not have."""

Deed = Callable[[Session, Path], object]


def of_none(deed: Callable[[], object]) -> None:
    """A deed for an accession that there is not: who may do it learns just that."""
    with pytest.raises(ArchiveError) as unknown:
        deed()
    if unknown.value.code != "accession-unknown":
        raise unknown.value


DEEDS: dict[str, Deed] = {
    "ingest": lambda session, place: take(session, deliver(place / "more", {"a.txt": b"a"})),
    "disseminate": lambda session, place: disseminate(session, DEED, paths=(), purpose="研究", target=place / "out"),
    "materialise": lambda session, place: materialise(session, DEED, place / "laid"),
    "search": lambda session, place: list_records(session, as_of=None, limit=5, after=None),
    "audit": lambda session, place: fsck(session, silent),
    "work": lambda session, place: work(session, silent),
    "accept": lambda session, place: of_none(lambda: accept_delivery(session, session.new_id(), [], silent)),
    "return": lambda session, place: of_none(lambda: return_delivery(session, session.new_id(), [], "返工", silent)),
    "account": lambda session, place: statement(session, contractor="某", first=None, last=None),
    "inspect": lambda session, place: list_requests(session, as_of=None, limit=5, after=None),
    "administer": lambda session, place: administration.add_person(session, name="某", roles=[]),
}
"""One deed for every verb that a service asks for, `annul` and `describe` apart."""


def _through_the_door(deed: Deed) -> Deed:
    """A deed for which nothing is prepared: whoever is let in meets that nothing is there."""

    def tried(session: Session, place: Path) -> None:
        with pytest.raises(ArchiveError) as refused:
            deed(session, place)
        if refused.value.code == "not-allowed":
            raise refused.value
        unknown = {"request-unknown", "review-unknown", "reader-unknown", "no-takedown", "removal-unknown"}
        assert refused.value.code in {*unknown, "accession-unknown"}

    return tried


NONE = UUID(int=7)
DEEDS |= {
    "survey": lambda session, place: opening.queue(session),
    "read-requests": lambda session, place: requests.list_requests(
        session, waiting=True, mine=False, as_of=None, limit=5, after=None
    ),
    "propose-opening": lambda session, place: opening.list_due(session, "term"),
    "take-down": lambda session, place: opening.take_down(session, THIRD, "核对"),
    "hold": lambda session, place: opening.place_hold(session, DEED, "诉讼"),
    "register-use": _through_the_door(lambda session, place: requests.rate(session, NONE, 5)),
    "read-sealed": _through_the_door(lambda session, place: use.find_reader(session, Document.PASSPORT, "X1")),
    "decide-request": _through_the_door(lambda session, place: requests.grant(session, NONE)),
    "assign-request": _through_the_door(lambda session, place: requests.assign(session, NONE, NONE)),
    "review-opening": _through_the_door(lambda session, place: opening.give_opinion(session, NONE, control=())),
    "decide-opening": _through_the_door(lambda session, place: opening.decide(session, NONE)),
    "propose-removal": _through_the_door(lambda session, place: removal.withdraw(session, NONE, "有误")),
    "approve-removal": _through_the_door(lambda session, place: removal.approve(session, NONE, silent)),
    "review-quality": _through_the_door(lambda session, place: draw_sample(session, NONE, by=SampleBy.ITEM)),
    "settle-takedown": _through_the_door(
        lambda session, place: opening.settle(session, DEED, confirm=True, reason="核对")
    ),
}


def _of_no_key(deed: Deed) -> Deed:
    """A deed for a key that there is not: who may do it learns just that."""

    def tried(session: Session, place: Path) -> None:
        with pytest.raises(ArchiveError) as unknown:
            deed(session, place)
        if unknown.value.code != "ring-key-unknown":
            raise unknown.value

    return tried


DEEDS |= {
    "keep-keys": _of_no_key(lambda session, place: retire_key(session, "无此密钥", "停用")),
    "approve-key-destruction": _of_no_key(
        lambda session, place: approve_destruction(session, "无此密钥", None, silent)
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = new_site(tmp_path_factory.mktemp("people"))
    with site.open() as session:
        take(session, LAND_DEEDS)
        for role in Role:
            site.person(session, role.value, role)
        site.person(session, "nobody")
    return site


def credential(site: Site, name: str) -> Path:
    return site.folder.parent / f"{name}.credential"


@pytest.mark.parametrize("verb", DEEDS)
@pytest.mark.parametrize("role", [*Role, None], ids=[*(role.value for role in Role), "nobody"])
def test_a_role_does_what_its_verbs_say_and_nothing_else(
    site: Site, tmp_path: Path, role: Role | None, verb: str
) -> None:
    with site.open(credential(site, role.value if role else "nobody")) as session:
        before = session.log.position()
        if role in VERBS[verb]:
            DEEDS[verb](session, tmp_path)
        else:
            with pytest.raises(ArchiveError) as refused:
                DEEDS[verb](session, tmp_path)
            assert (refused.value.code, refused.value.row.exit) == ("not-allowed", DOOR)
            assert session.log.position() == before
            assert not any(tmp_path.glob("out/*"))


def test_every_verb_is_asked_for_in_a_deed_of_these_tests() -> None:
    assert VERBS.keys() - DEEDS.keys() == {"annul", "describe"}


OTHERS: dict[str, Deed] = {
    "show": lambda session, place: show_record(session, DEED, as_of=None),
    "status": lambda session, place: status(session),
    "events": lambda session, place: list(read_events(session, record=None, after=0, upto=None)),
    "replay": lambda session, place: replay(session, None, silent),
    "rebuild": lambda session, place: rebuild(session, silent),
    "add": lambda session, place: administration.add_person(session, name="某", roles=[]),
}


@pytest.mark.parametrize("name", OTHERS)
def test_nobody_gets_past_any_door(site: Site, tmp_path: Path, name: str) -> None:
    with site.open(credential(site, "nobody")) as session, pytest.raises(ArchiveError) as refused:
        OTHERS[name](session, tmp_path)
    assert refused.value.code == "not-allowed"


def test_what_a_person_did_stands_under_their_own_name(site: Site, tmp_path: Path) -> None:
    with site.open(credential(site, "archivist")) as session:
        before = session.log.position()
        take(session, deliver(tmp_path / "mine", {"mine.txt": b"m"}))
        actors = {event.envelope.actor for event in session.log.events(after=before)}
    with site.open() as administrator:
        named = {one.id: one.name for one in administration.list_people(administrator)}
        assert [named[actor] for actor in actors] == ["archivist"]
        assert actors != {administrator.actor.agent}


@pytest.fixture
def fresh(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def test_a_revoked_credential_opens_nothing(fresh: Site) -> None:
    with fresh.open() as session:
        person, path = fresh.person(session, "张二", Role.ARCHIVIST)
        (held,) = session.log.load(AGENT, person).state.credentials
        administration.revoke_credential(session, person, held, "离职")
    with pytest.raises(ArchiveError) as refused, fresh.open(path):
        pass
    assert (refused.value.code, refused.value.row.exit) == ("credential-unknown", DOOR)


@pytest.mark.parametrize(
    "change", [lambda text: text[:-2] + ("0" if text[-2] != "0" else "1") + "\n", lambda text: "x", lambda text: ""]
)
def test_a_credential_with_another_secret_opens_nothing(fresh: Site, change: Callable[[str], str]) -> None:
    fresh.credential.chmod(0o600)
    fresh.credential.write_text(change(fresh.credential.read_text()))
    with pytest.raises(ArchiveError) as refused, fresh.open():
        pass
    assert refused.value.row.exit == DOOR


def test_a_credential_of_another_archive_opens_nothing(fresh: Site, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = new_site(tmp_path / "elsewhere")
    with pytest.raises(ArchiveError) as refused, fresh.open(other.credential):
        pass
    assert refused.value.code == "credential-unknown"


def test_a_credential_is_for_its_holder_alone(fresh: Site) -> None:
    assert fresh.credential.stat().st_mode & 0o777 == 0o600
    log = (fresh.folder / "log" / "events.sqlite").read_bytes()
    secret = fresh.credential.read_text().strip().partition(".")[2]
    assert secret
    assert secret.encode() not in log


def test_roles_given_and_taken_are_events_and_take_effect(fresh: Site, tmp_path: Path) -> None:
    with fresh.open() as session:
        person, path = fresh.person(session, "李三")
        before = session.log.position()
        administration.change_roles(session, person, grant=[Role.ARCHIVIST], revoke=[], reason="")
        administration.change_roles(session, person, grant=[Role.ARCHIVIST], revoke=[], reason="")
        assert types(session, after=before) == ["Agent.RoleGranted"]
    with fresh.open(path) as session:
        take(session, deliver(tmp_path / "papers", {"a.txt": b"a"}))
    with fresh.open() as session:
        administration.change_roles(session, person, grant=[], revoke=[Role.ARCHIVIST], reason="调岗")
        assert types(session)[-1] == "Agent.RoleRevoked"
    with fresh.open(path) as session, pytest.raises(ArchiveError):
        take(session, deliver(tmp_path / "papers", {"a.txt": b"a"}), new=True)


def completed_position(session: Session) -> int:
    return next(iter(session.log.events(types=["Accession.Completed"]))).envelope.position


def test_two_people_annul_and_the_history_shows_both(fresh: Site) -> None:
    with fresh.open() as session:
        take(session, LAND_DEEDS)
        _, second = fresh.person(session, "王四", Role.ADMINISTRATOR)
        position = completed_position(session)
    with fresh.open(second) as other:
        approver = other.actor
    with fresh.open() as session:
        administration.annul(session, position, reason="误登", approver=approver)
        assert types(session)[-1] == "Accession.Annulled"
        annulled = list(session.log.events())[-1]
        payload = msgspec.to_builtins(annulled.payload)
        assert (payload["position"], payload["approver"], payload["reason"]) == (position, str(approver.agent), "误登")
        assert annulled.envelope.causation_id == payload_of(session, position)
        assert types(session)[position - 1] == "Accession.Completed"
        (unfinished,) = status(session).unfinished
        assert unfinished.stage == "accepted"
        assert replay(session, None, silent).same


def payload_of(session: Session, position: int) -> object:
    return next(iter(session.log.events(after=position - 1, upto=position))).envelope.event_id


@pytest.mark.parametrize(
    ("who", "reason", "code"),
    [("same", "误登", "second-person-needed"), ("second", " ", "reason-missing"), ("archivist", "误登", "not-allowed")],
)
def test_nobody_annuls_alone_without_a_reason_or_without_the_right(
    fresh: Site, who: str, reason: str, code: str
) -> None:
    with fresh.open() as session:
        take(session, LAND_DEEDS)
        held = {
            "same": fresh.credential,
            "second": fresh.person(session, "王四", Role.ADMINISTRATOR)[1],
            "archivist": fresh.person(session, "赵五", Role.ARCHIVIST)[1],
        }
    with fresh.open(held[who]) as other:
        approver = other.actor
    with fresh.open() as session:
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            administration.annul(session, completed_position(session), reason=reason, approver=approver)
        assert (refused.value.code, session.log.position()) == (code, before)


def test_what_has_a_correction_of_its_own_is_not_annulled(fresh: Site) -> None:
    with fresh.open() as session:
        take(session, LAND_DEEDS)
        _, second = fresh.person(session, "王四", Role.ADMINISTRATOR)
    with fresh.open(second) as other:
        approver = other.actor
    with fresh.open() as session:
        stored = next(iter(session.log.events(types=["ArchivalPackage.Stored"]))).envelope.position
        for position, code in ((stored, "not-annullable"), (10_000, "position-unknown")):
            with pytest.raises(ArchiveError) as refused:
                administration.annul(session, position, reason="误", approver=approver)
            assert refused.value.code == code
