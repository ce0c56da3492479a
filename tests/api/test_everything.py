"""Everything that the command line can do has an address, or a stated reason why it has none.

The commands are read from the program itself, and the addresses from the document; a command that does several things
says so by the first argument, and each of them is looked at. What has neither an address nor a reason fails here.
"""

from enum import StrEnum
from importlib import import_module

import pytest

from api.routes import ROOMS
from cli.main import COMMANDS

OPERATIONS = {
    getattr(route, "operation_id", "") for room in ROOMS for route in room.router.routes if hasattr(route, "methods")
}
"""Every operation of the document, by its id."""

THINGS = ("Action", "What")
"""Names of the enumerations of what one command can do."""

BY: dict[str, tuple[str, ...]] = {
    "ingest": ("open_deposit", "send_part", "complete_deposit", "preview_deposit"),
    "accession list": ("accessions", "attempts"),
    "accession show": ("accession", "work_sheet", "returned_catalogue"),
    "accept": ("accept",),
    "return": ("give_back",),
    "handover": ("print_handover", "sign_handover"),
    "validate": ("validate",),
    "list records": ("search",),
    "list packages": ("packages",),
    "list accessions": ("accessions",),
    "list lagging": ("lagging",),
    "list requests": ("list_requests",),
    "list runs": ("runs",),
    "list to-migrate": ("to_migrate",),
    "search": ("search",),
    "show": ("show",),
    "describe": ("describe",),
    "revise": ("revise",),
    "move": ("move",),
    "merge": ("merge",),
    "divide": ("divide",),
    "close": ("close",),
    "catalogue export": ("export_sheet",),
    "catalogue import": ("correct_catalogue",),
    "catalogue register": ("print_register",),
    "catalogue digitised": ("digitised",),
    "view": ("read_file", "read_requested"),
    "disseminate": ("request_dip", "fetch_dip", "prove_dip"),
    "use register": ("register",),
    "use find": ("find_known_reader",),
    "request list": ("list_requests",),
    "request show": ("show_request",),
    "request make": ("ask",),
    "request assign": ("assign",),
    "request grant": ("grant",),
    "request refuse": ("refuse",),
    "request revoke": ("revoke",),
    "request deliver": ("answer_request", "fetch_dip"),
    "request certify": ("certify",),
    "request annul-certificate": ("annul_certificate",),
    "request close": ("close_request",),
    "rate": ("rate",),
    "opening queue": ("openings",),
    "opening due": ("openings_due",),
    "opening list": ("reviews", "show_review"),
    "opening propose": ("propose_opening",),
    "opening review": ("give_opinion",),
    "opening unit": ("hear_unit",),
    "opening decide": ("decide_opening",),
    "opening withdraw": ("withdraw_opening",),
    "opening correct": ("correct_status",),
    "takedown": ("take_down", "settle_takedown"),
    "hold": ("place_hold", "release_hold"),
    "expunge list": ("removals", "show_removal"),
    "expunge propose": ("propose_removal",),
    "expunge approve": ("approve_removal",),
    "expunge withdraw": ("withdraw_removal",),
    "expunge resume": ("resume_removal",),
    "spill": ("propose_spill",),
    "review list": ("review_queue",),
    "review show": ("show_quality", "quality_sheet"),
    "review decide": ("decide_quality", "decide_all_quality"),
    "review sample": ("draw_sample", "show_sample"),
    "review judge": ("judge_sample",),
    "review finish": ("finish_review",),
    "quality report": ("four_properties",),
    "quality pareto": ("quality_figures",),
    "quality trend": ("quality_figures",),
    "quality rerun": ("rerun_quality",),
    "audit verify": ("verify_evidence",),
    "audit checkpoint": ("checkpoint",),
    "audit prove": ("proof",),
    "audit export": ("export_evidence",),
    "audit rules": ("rules",),
    "reclassify": ("reclassify",),
    "decrypt": ("read_file", "request_dip"),
    "materialise": ("materialise",),
    "export": ("export",),
    "statement": ("statement",),
    "status": ("status",),
    "work": ("work",),
    "repack": ("repack",),
    "rescan": ("rescan",),
    "fixity": ("verify_fixity",),
    "schedule": ("jobs",),
    "events": ("events",),
    "replay": ("replay",),
    "diff": ("diff",),
    "timeline": ("timeline",),
    "trace": ("trace",),
    "report": ("report", "figure"),
    "rebuild": ("rebuild",),
    "fsck": ("fsck",),
    "doctor": ("doctor",),
    "person": (
        *("list_people", "show_person", "add_person", "change_roles", "issue", "revoke_credential", "depart"),
        *("appoint_deputy", "dismiss_deputy"),
    ),
    "annul": ("annul_event",),
}
"""What serves whoever does over HTTP what the command does."""

NONE = {
    "init": "there is no archive yet that could be served",
    "serve": "it is what serves",
    "pack": "it reads a folder of one's own machine and needs no archive",
    "keys": "a key is opened where its keepers sit, with words, a token or shares that never travel",
    "qc": "it reads pages of one's own machine and needs no archive",
    "witness": "it watches a log from outside, on a machine of its own",
    "audit import": "it makes an archive of a pack, on a machine of its own, and needs none",
    "restore": "it puts an archive in its place that cannot be served meanwhile",
}
"""Commands that have no address, and why."""


def things() -> list[str]:
    """Everything that the program can do, each by its command, and by what of it where there are several."""
    found = []
    for name in COMMANDS:
        module = import_module(f"cli.commands.{name}")
        kinds = [kind for kind in (getattr(module, one, None) for one in THINGS) if kind is not None]
        assert all(issubclass(kind, StrEnum) for kind in kinds)
        found += [f"{name} {thing}" for kind in kinds for thing in kind] or [name]
    return found


@pytest.mark.parametrize("thing", things())
def test_what_the_program_does_can_be_done_over_http_or_it_is_said_why_not(thing: str) -> None:
    has_reason = thing in NONE or thing.partition(" ")[0] in NONE
    assert (thing in BY) != has_reason, f"{thing}: an address or a reason, and not both"
    assert set(BY.get(thing, ())) <= OPERATIONS


def test_nothing_is_listed_that_the_program_does_not_do() -> None:
    assert set(BY) <= set(things())
    assert {one.partition(" ")[0] for one in NONE} - set(COMMANDS) <= {"restore", "keys"}


def test_one_operation_is_one_thing() -> None:
    ids = [getattr(route, "operation_id", "") for room in ROOMS for route in room.router.routes]
    assert len(ids) == len(set(ids))
