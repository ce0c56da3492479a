"""Use (利用), as a day at the desk: found, asked for, decided by somebody else, looked at, handed out, rated.

Through the command line, each story with the exact events that it leaves.
"""

from pathlib import Path
from typing import Any

import bagit
import pytest

from packages_spec.digests import digest_file
from repository.domain.access_request import ContentViewed, DipDelivered
from repository.services.audit import fsck, replay
from tests.command_line import Said
from tests.real_archives import silent, types
from tests.staff import PLANTED, READER, Staff, new_staff

DEED, INTERNAL, OPEN = "J012-1-0002", "N-1", "J012-1-0001"
REFUSED, DOOR, UNKNOWN, USAGE = 4, 12, 3, 2


@pytest.fixture
def staff(tmp_path: Path) -> Staff:
    return new_staff(tmp_path)


def since(staff: Staff, position: int) -> list[str]:
    with staff.open("administrator") as session:
        return types(session, after=position)


def position(staff: Staff) -> int:
    with staff.open("administrator") as session:
        return session.log.position()


def registered(staff: Staff, *records: str, **fields: object) -> Any:
    return staff.ask("desk", "use", "register", "--form", staff.form(records=list(records), **fields))


def failed(said: Said, status: int, code: str) -> None:
    assert (said.status, code in said.err) == (status, True), said


def test_a_day_at_the_desk_from_the_question_to_the_rating(staff: Staff, tmp_path: Path) -> None:
    start = position(staff)

    # the desk finds the internal record; how to apply is said where it is not given
    found = staff.ask("desk", "search", "地契")
    assert {one["reference_code"] for one in found["entries"]} == {"J012-1-0001", DEED, INTERNAL}
    denied = staff.run("desk", "disseminate", INTERNAL, "--purpose", "过户", "--to", tmp_path / "out")
    failed(denied, REFUSED, "access-controlled")
    assert "jingui use" in denied.err
    assert not (tmp_path / "out").exists()

    # the reader is registered in one call, in whatever capacity, and asks for it
    use = registered(staff, INTERNAL)
    assert (use["returning"], len(use["packages"])) == (False, 1)
    request = use["request"]
    again = registered(staff, OPEN, capacity="self", proofs=[])
    assert (again["returning"], again["reader"]) == (True, use["reader"])

    # a person decides, who is told who asks and for what; nobody else may
    waiting = staff.ask("decider", "request", "list", "--waiting")
    assert [one["id"] for one in waiting["entries"]] == [request, again["request"]]
    shown = staff.ask("decider", "request", "show", request)
    assert shown["reader"] == {name: READER[name] for name in ("name", "number", "contact")}
    assert (shown["words"]["represented"], shown["words"]["detail"]) == (READER["represented"], READER["detail"])
    assert shown["needs_decision"]
    assert not staff.ask("decider", "request", "show", again["request"])["needs_decision"]
    failed(staff.run("desk", "request", "grant", request), DOOR, "not-allowed")
    failed(staff.run("desk", "request", "deliver", request, "--to", tmp_path / "early"), REFUSED, "access-controlled")
    staff.ask("desk", "request", "assign", request, "--person", staff.people["decider"])
    assert staff.ask("decider", "request", "list", "--mine")["total"] == 1
    granted = staff.ask("decider", "request", "grant", request, "--until", "2099-12-31", "--conditions", "不得外传")
    assert granted["request"]["state"] == "granted"

    # pages are looked at, a copy is handed out, certified, and rated with one click
    page = tmp_path / "page.txt"
    staff.ask("desk", "view", INTERNAL, "--request", request, "--file", "N-1-001.txt", "--out", page)
    assert page.read_text("utf-8") == "内部报告"
    (made,) = staff.ask("desk", "request", "deliver", request, "--to", tmp_path / "out")["packages"]
    bagit.Bag(made["path"]).validate()
    certificate = staff.ask("desk", "request", "certify", request, "--dip", made["dip"], "--number", "证2026-1")
    assert certificate["manifest_sha256"] == digest_file(Path(made["path"]) / "manifest-sha256.txt")[1]
    staff.ask("desk", "rate", request, 5, "--comment", "补办过户很快")

    # what is open needs nobody's decision
    staff.ask("desk", "request", "deliver", again["request"], "--to", tmp_path / "open")
    assert since(staff, start) == [
        "AccessRequest.Requested",
        "AccessRequest.Refused",
        "Reader.Introduced",
        "AccessRequest.UseRegistered",
        "AccessRequest.Requested",
        "AccessRequest.UseRegistered",
        "AccessRequest.Requested",
        "Door.Denied",
        "AccessRequest.Refused",
        "AccessRequest.Assigned",
        "AccessRequest.Granted",
        "AccessRequest.ContentViewed",
        "AccessRequest.DipAssembled",
        "AccessRequest.DipDelivered",
        "AccessRequest.Closed",
        "AccessRequest.CertificateIssued",
        "AccessRequest.Rated",
        "AccessRequest.DipAssembled",
        "AccessRequest.DipDelivered",
        "AccessRequest.Closed",
    ]
    final = staff.ask("decider", "request", "show", request)
    assert (final["request"]["state"], final["request"]["rating"], final["request"]["views"]) == ("closed", 5, 1)
    assert final["words"]["comment"] == "补办过户很快"
    with staff.open("administrator") as session:
        assert fsck(session, silent).sound
        assert replay(session, None, silent).same


def test_a_returning_reader_is_found_in_words_by_the_paper_alone(staff: Staff) -> None:
    first = registered(staff, INTERNAL)
    paper = staff.form()
    paper.write_text('{"document":"identity-card","number":" 430102193001011234 "}', "utf-8")
    found = staff.ask("other-desk", "use", "find", "--form", paper)
    assert (found["name"], found["contact"], found["reader"]) == (READER["name"], READER["contact"], first["reader"])
    assert [one["id"] for one in found["requests"]] == [first["request"]]
    start = position(staff)
    registered(staff, contact="13700002222")
    assert since(staff, start) == ["Reader.Introduced", "AccessRequest.UseRegistered"]
    assert staff.ask("desk", "use", "find", "--form", paper)["contact"] == "13700002222"
    paper.write_text('{"document":"passport","number":"430102193001011234"}', "utf-8")
    failed(staff.run("desk", "use", "find", "--form", paper), UNKNOWN, "reader-unknown")
    failed(staff.run("auditor", "use", "find", "--form", paper), DOOR, "not-allowed")
    failed(staff.run("desk", "use", "register", "--form", staff.form(name="别人")), REFUSED, "reader-differs")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"proofs": []}, USAGE, "documents-missing"),
        ({"capacity": "court"}, USAGE, "documents-missing"),
        ({"document": "court-letter"}, USAGE, "documents-missing"),
        ({"name": " "}, USAGE, "name-missing"),
        ({"number": ""}, USAGE, "name-missing"),
        ({"purpose": "欧阳查档"}, USAGE, "form-invalid"),
        ({"surname": "欧阳查档"}, USAGE, "form-invalid"),
        ({"reply_by": "明天13900001111"}, USAGE, "form-invalid"),
        ({"records": ["J012-1-9999"]}, UNKNOWN, "record-unknown"),
        ({"archive": "999999"}, UNKNOWN, "archive-unknown"),
    ],
)
def test_a_form_that_is_not_in_order_leaves_nothing_and_repeats_nothing(
    staff: Staff, fields: dict[str, object], status: int, code: str
) -> None:
    start = position(staff)
    for language in ("zh", "en"):
        said = staff.run("desk", "use", "register", "--form", staff.form(**fields), "--json", "--lang", language)
        failed(said, status, code)
        assert not [word for word in PLANTED if word in said.out + said.err]
    assert since(staff, start) == []
    assert not (staff.site.folder / "vault" / "readers").exists()


def test_a_refusal_names_its_ground_and_how_to_object_and_can_be_put_right(staff: Staff, tmp_path: Path) -> None:
    request = registered(staff, INTERNAL)["request"]
    start = position(staff)
    staff.ask(
        *("decider", "request", "refuse", request, "--ground", "personal"),
        *("--reason", "涉及欧阳故人隐私", "--objection", "六十日内可以提出异议"),
    )
    shown = staff.ask("desk", "request", "show", request)
    assert (shown["request"]["state"], shown["request"]["refused_on"]) == ("refused", "personal")
    assert (shown["words"]["reason"], shown["words"]["objection"]) == ("涉及欧阳故人隐私", "六十日内可以提出异议")
    failed(staff.run("desk", "request", "deliver", request, "--to", tmp_path), REFUSED, "access-controlled")
    staff.ask("desk", "rate", request, 2)
    staff.ask("other-decider", "request", "grant", request)
    assert staff.ask("desk", "request", "deliver", request, "--to", tmp_path / "out")["packages"]
    assert since(staff, start) == [
        f"AccessRequest.{name}"
        for name in ("Refused", "Refused", "Rated", "Granted", "DipAssembled", "DipDelivered", "Closed")
    ]


def test_a_grant_to_the_wrong_reader_is_taken_back_before_anything_leaves(staff: Staff, tmp_path: Path) -> None:
    request = registered(staff, INTERNAL)["request"]
    staff.ask("decider", "request", "grant", request)
    failed(staff.run("decider", "request", "revoke", request), USAGE, "reason-missing")
    revoked = staff.ask("decider", "request", "revoke", request, "--reason", "发给了别人")
    assert revoked["request"]["state"] == "revoked"
    for command in (
        ("request", "deliver", request, "--to", tmp_path / "out"),
        ("view", INTERNAL, "--request", request),
    ):
        failed(staff.run("desk", *command), REFUSED, "access-controlled")
    assert not (tmp_path / "out").exists()
    assert staff.ask("decider", "request", "list", "--waiting")["total"] == 1
    with staff.open("administrator") as session:
        sent = [event for event in session.log.events() if isinstance(event.payload, DipDelivered | ContentViewed)]
        assert sent == []


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--until", "2020-01-01"), "day-over"),
        (("--record", DEED), "grant-exceeds"),
        (("--file", "N-1-009.txt"), None),
    ],
)
def test_a_grant_is_for_what_was_asked_and_for_days_to_come(
    staff: Staff, tmp_path: Path, options: tuple[str, ...], code: str | None
) -> None:
    request = registered(staff, INTERNAL)["request"]
    said = staff.run("decider", "request", "grant", request, *options)
    if code is None:
        assert said.status == 0
        failed(staff.run("desk", "view", INTERNAL, "--request", request, "--file", "N-1-001.txt"), REFUSED, "access-c")
        failed(staff.run("desk", "request", "deliver", request, "--to", tmp_path), UNKNOWN, "file-unknown")
    else:
        assert (said.status in (USAGE, REFUSED), code in said.err) == (True, True), said


def test_only_a_look_is_no_copy(staff: Staff, tmp_path: Path) -> None:
    request = registered(staff, INTERNAL)["request"]
    staff.ask("decider", "request", "grant", request, "--look-only")
    assert staff.run("desk", "view", INTERNAL, "--request", request, "--file", "N-1-001.txt").out == "内部报告"
    failed(staff.run("desk", "request", "deliver", request, "--to", tmp_path / "out"), REFUSED, "access-controlled")


def test_a_certificate_can_be_taken_back(staff: Staff, tmp_path: Path) -> None:
    request = registered(staff, OPEN)["request"]
    (made,) = staff.ask("desk", "request", "deliver", request, "--to", tmp_path)["packages"]
    failed(
        staff.run("desk", "request", "certify", request, "--dip", request, "--number", "1"), REFUSED, "request-order"
    )
    issued = staff.ask("desk", "request", "certify", request, "--dip", made["dip"], "--number", "1")
    arguments = ("request", "annul-certificate", request, "--certificate", issued["certificate"])
    failed(staff.run("desk", *arguments), USAGE, "reason-missing")
    assert staff.ask("desk", *arguments, "--reason", "写错档号")["request"]["certificates"] == []
    failed(staff.run("desk", *arguments, "--reason", "再来"), UNKNOWN, "certificate-unknown")
    assert since(staff, 0)[-2:] == ["AccessRequest.CertificateIssued", "AccessRequest.CertificateAnnulled"]


def test_a_partner_works_on_their_own_requests_and_knows_of_no_others(staff: Staff, tmp_path: Path) -> None:
    theirs = registered(staff, INTERNAL)["request"]
    mine = staff.ask("partner", "use", "register", "--form", staff.form(records=[OPEN], number="E123", name="周合作"))
    assert [one["id"] for one in staff.ask("partner", "request", "list")["entries"]] == [mine["request"]]
    for arguments in (("request", "show", theirs), ("request", "deliver", theirs, "--to", tmp_path)):
        failed(staff.run("partner", *arguments), UNKNOWN, "request-unknown")
    shown = staff.ask("partner", "request", "show", mine["request"])
    assert (shown["reader"], shown["words"]) == (None, None)
    assert staff.ask("partner", "request", "deliver", mine["request"], "--to", tmp_path / "out")["packages"]
    failed(staff.run("partner", "use", "register", "--form", staff.form(records=[INTERNAL])), UNKNOWN, "record-unknown")


def test_a_grant_lets_its_requester_find_what_others_do_not(staff: Staff, tmp_path: Path) -> None:
    use = staff.ask("partner", "use", "register", "--form", staff.form(number="E123", name="周合作"))
    assert staff.ask("partner", "search", "内部")["total"] == 0
    staff.ask("desk", "request", "make", use["request"], "--record", INTERNAL, "--purpose", "核对")
    staff.ask("decider", "request", "grant", use["request"])
    assert [one["reference_code"] for one in staff.ask("partner", "search", "内部")["entries"]] == [INTERNAL]
    assert staff.ask("stranger", "search", "内部")["total"] == 0
    assert staff.ask("partner", "show", INTERNAL)["description"]["reference_code"] == INTERNAL
    assert staff.ask("partner", "request", "deliver", use["request"], "--to", tmp_path / "out")["packages"]
    assert staff.ask("partner", "search", "内部")["total"] == 1


def test_nothing_that_a_reader_said_stands_anywhere_in_plain(staff: Staff, tmp_path: Path) -> None:
    request = registered(staff, INTERNAL)["request"]
    staff.ask("decider", "request", "refuse", request, "--ground", "personal", "--reason", "涉及欧阳故人")
    staff.ask("decider", "request", "grant", request, "--conditions", "只给欧阳查档本人")
    staff.ask("desk", "request", "deliver", request, "--to", tmp_path / "out")
    staff.ask("desk", "rate", request, 4, "--comment", "欧阳查档满意")
    said = [
        staff.run("administrator", *words) for words in (("events", "--json"), ("status",), ("fsck",), ("rebuild",))
    ]
    said += [staff.run("auditor", *words) for words in (("request", "list"), ("request", "show", request))]
    for one in said:
        assert one.status == 0, one
        assert not [word for word in (*PLANTED, "欧阳") if word in one.out + one.err]
    files = [path for path in staff.site.folder.rglob("*") if path.is_file()]
    assert len(files) > 50
    planted = [word.encode(encoding) for word in (*PLANTED, "欧阳") for encoding in ("utf-8", "gb18030", "utf-16-le")]
    for path in files:
        held = path.read_bytes()
        assert not [word for word in planted if word in held], path


def test_names_never_stand_among_the_arguments_of_a_process(staff: Staff) -> None:
    """No option takes a name or a number: what `ps` shows is a form's path, or nothing at all."""
    help_page = staff.run("desk", "use", "--help").out
    assert not {"--name", "--number", "--contact"} & set(help_page.split())
    failed(staff.run("desk", "use", "register", "--name", "某"), USAGE, "usage")


def test_without_its_keys_the_archive_keeps_its_history_and_says_what_to_do(staff: Staff) -> None:
    request = registered(staff, INTERNAL)["request"]
    away = staff.master.with_suffix(".away")
    staff.master.rename(away)
    for arguments in (("use", "register", "--form", staff.form()), ("request", "show", request)):
        said = staff.run("desk", *arguments)
        failed(said, DOOR, "vault-key-missing")
        assert "JINGUI_VAULT_KEY" in said.err
    assert staff.ask("desk", "request", "list")["total"] == 1
    assert not staff.master.exists()
    away.rename(staff.master)
    (record,) = (staff.site.folder / "vault" / "subjects").iterdir()
    record.rename(record.with_suffix(".gone"))
    failed(staff.run("desk", "request", "show", request), DOOR, "key-record-missing")
    failed(staff.run("desk", "use", "register", "--form", staff.form()), DOOR, "key-record-missing")
    with staff.open("administrator") as session:
        assert fsck(session, silent).sound
        assert replay(session, None, silent).same
