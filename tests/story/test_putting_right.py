"""Putting right (更正): a wrong 档号, two entries that are one file, one that is two - through the command line.

Each correction is exactly the events that are named here; afterwards every name that a record ever had leads to it.
"""

from pathlib import Path

import pytest

from repository.services.audit import fsck
from tests.command_line import Said, jingui
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

DEED, PLEDGE, STUB = "J012-1-0001", "J012-1-0002", "J012-1-0003"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    with made.open() as session:
        take(session, LAND_DEEDS)
    return made


def done(site: Site, *arguments: object) -> Said:
    said = jingui(*arguments, site=site)
    assert said.status == 0, said.err
    return said


def happened(site: Site, *arguments: object) -> list[str]:
    """The events of a command."""
    with site.open() as session:
        before = session.log.position()
    done(site, *arguments)
    with site.open() as session:
        return types(session, after=before)


def shown(site: Site, record: str) -> dict[str, object]:
    answer = done(site, "show", record, "--json").json()
    described: dict[str, object] = answer["description"]
    return described | {"formerly": answer["formerly"], "paths": [file["path"] for file in answer["files"]]}


def test_a_wrong_code_is_moved_away_from_and_never_lost(site: Site) -> None:
    with site.open() as session:
        start = session.log.position()
    done(site, "describe", "fonds", "--reference-code", "J012", "--title", "县国土资源局")
    done(site, "describe", "volume", "--parent", "J012", "--reference-code", "J012-1", "--title", "地契")
    done(site, "move", DEED, "--parent", "J012-1", "--reference-code", "J012-1-0011", "--reason", "档号写错")
    with site.open() as session:
        assert types(session, after=start) == [
            "ReferenceCode.Reserved",
            "Description.Described",
            "ReferenceCode.Reserved",
            "Description.Described",
            "ReferenceCode.Reserved",
            "Description.Moved",
        ]
    assert happened(site, "move", DEED, "--reference-code", "J012-1-0011", "--reason", "再来一次") == []
    assert shown(site, DEED) == shown(site, "J012-1-0011") | {"formerly": True}
    assert shown(site, "J012-1-0011")["formerly"] is False
    taken = jingui("describe", "item", "--reference-code", DEED, "--title", "另一件", site=site)
    assert (taken.status, "code-taken" in taken.err) == (4, True)
    assert happened(site, "move", DEED, "--reference-code", DEED, "--reason", "原来是对的") == ["Description.Moved"]


def test_two_entries_that_are_one_file_become_one(site: Site) -> None:
    done(site, "describe", "item", "--reference-code", "J012-1-0099", "--title", "当契（纸本）", "--set", "库房=3")
    assert happened(site, "merge", PLEDGE, "--into", "J012-1-0099", "--reason", "同一份") == [
        "Description.Merged",
        "Description.Revised",  # the survivor takes over the files
    ]
    record = shown(site, PLEDGE)
    assert (record["reference_code"], record["title"], record["carrier"]) == ("J012-1-0099", "当契（纸本）", "both")
    assert record["location"] == {"storeroom": "3", "rack": None, "shelf": None}
    assert len(record["paths"]) == 5  # type: ignore[arg-type]  # a list
    listed = [one["reference_code"] for one in done(site, "list", "--json").json()["entries"]]
    assert listed.count("J012-1-0099") == 1
    assert PLEDGE not in listed
    again = jingui("merge", PLEDGE, "--into", "J012-1-0099", "--reason", "同一份", site=site)
    assert again.status == 4
    handed = done(site, "disseminate", PLEDGE, "--purpose", "查证", "--to", site.folder.parent / "out", "--json").json()
    assert handed["files"] == 5


def test_what_stands_below_an_entry_follows_it_into_the_survivor(site: Site) -> None:
    for code in ("J012-1", "J012-2"):
        done(site, "describe", "volume", "--reference-code", code, "--title", "地契")
    done(site, "move", DEED, "--parent", "J012-1", "--reason", "归卷")
    assert happened(site, "merge", "J012-1", "--into", "J012-2", "--reason", "一卷著录两次") == [
        "Description.Merged",
        "Description.Moved",
    ]
    assert shown(site, DEED)["parent"] == shown(site, "J012-2")["id"]


def test_an_entry_that_was_two_becomes_two_each_with_its_pages(site: Site) -> None:
    parts = ["--part", "J012-1-0031|1|存根甲", "--part", "J012-1-0032|2-3|存根乙"]
    assert happened(site, "divide", STUB, *parts, "--reason", "原是两件") == [
        "Description.Divided",
        *["ReferenceCode.Reserved", "Description.Described"] * 2,
    ]
    assert shown(site, "J012-1-0031")["paths"] == [f"{STUB}-001.jpg"]
    assert shown(site, "J012-1-0032")["paths"] == [f"{STUB}-002.jpg", f"{STUB}-003.jpg"]
    assert [part["reference_code"] for part in shown(site, STUB)["parts"]] == [  # type: ignore[attr-defined]  # a list
        "J012-1-0031",
        "J012-1-0032",
    ]
    handed = done(
        site, "disseminate", "J012-1-0032", "--purpose", "查证", "--to", site.folder.parent / "out", "--json"
    ).json()
    assert handed["files"] == 2
    wrong = jingui("divide", DEED, "--part", "A|1|甲", "--part", "B|2|乙", "--reason", "两件", site=site)
    assert (wrong.status, f"{DEED}-003.jpg" in wrong.err) == (4, True)


def test_corrections_leave_a_sound_archive(site: Site) -> None:
    done(site, "describe", "volume", "--reference-code", "J012-1", "--title", "地契")
    done(site, "move", DEED, "--parent", "J012-1", "--reason", "归卷")
    assert happened(site, "close", "J012-1", "--reason", "立毕") == ["Description.Closed"]
    refused = jingui("describe", "item", "--parent", "J012-1", "--title", "迟来的", site=site)
    assert (refused.status, "parent-closed" in refused.err) == (4, True)
    assert happened(site, "revise", DEED, "--set", "题名=绝卖地契", "--set", "文号=县12", "--reason", "核对原件") == [
        "Description.Revised"
    ]
    with site.open() as session:
        assert fsck(session, silent).faults == ()
