"""Putting right (更正): a wrong 档号, two entries that are one, one that is two, a page scanned again - by command.

Each correction is exactly the events that are named here; afterwards every name that a record ever had leads to it.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import bagit
import pytest
from ocfl.validator import Validator

from repository.services.audit import fsck
from repository.services.rescan import rescan
from repository.services.search import find_record
from repository.storage import Published, Stage, Store
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


def test_a_volume_takes_all_below_it_into_another_fonds(site: Site) -> None:
    for code in ("J012", "J013"):
        done(site, "describe", "fonds", "--reference-code", code, "--title", code)
    done(site, "describe", "volume", "--parent", "J012", "--reference-code", "J012-1", "--title", "卷")
    done(site, "move", DEED, "--parent", "J012-1", "--reason", "归卷")
    assert happened(site, "move", "J012-1", "--parent", "J013", "--reason", "全宗划错") == ["Description.Moved"] * 2
    assert (shown(site, "J012-1")["fonds_code"], shown(site, DEED)["fonds_code"]) == ("J013", "J013")


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


PAGE = f"{DEED}-002.jpg"


def scanned_again(
    folder: Path, name: str = PAGE, *, page: Path = LAND_DEEDS / "J012-1-0002" / "J012-1-0002-001.jpg"
) -> Path:
    """A folder with a page that was scanned again: another picture under the old page's name."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(page, folder / name)
    return folder


def digests(site: Site, *options: object) -> dict[str, str]:
    return {file["path"]: file["sha256"] for file in done(site, "show", DEED, *options, "--json").json()["files"]}


def test_a_page_scanned_again_makes_a_new_version_and_the_old_page_stays(site: Site, tmp_path: Path) -> None:
    before, position = digests(site), done(site, "status", "--json").json()["position"]
    pages = scanned_again(tmp_path / "again")
    assert happened(site, "rescan", DEED, pages, "--reason", "第 2 页歪斜") == [
        "ArchivalPackage.ContentRevised",
        "ArchivalPackage.FormatsIdentified",
        "ArchivalPackage.VirusChecked",
        "ArchivalPackage.Stored",
    ]
    now = digests(site)
    new = sha256((pages / PAGE).read_bytes()).hexdigest()
    assert now == before | {PAGE: new}
    assert digests(site, "--as-of", position) == before
    for name, options, page in (("now", (), new), ("then", ("--as-of", position), before[PAGE])):
        handed = done(
            site, "disseminate", DEED, "--purpose", "查证", "--to", tmp_path / name, *options, "--json"
        ).json()
        (copy,) = Path(handed["path"]).rglob(PAGE)
        assert sha256(copy.read_bytes()).hexdigest() == page
        laid = Path(
            done(site, "materialise", DEED, "--to", tmp_path / "bags" / name, *options, "--json").json()["path"]
        )
        assert bagit.Bag(str(laid)).is_valid()
        assert done(site, "validate", laid, "--json").json()["verdict"] == "valid"
    assert happened(site, "rescan", DEED, pages, "--reason", "再来一次") == []
    with site.open() as session:
        assert fsck(session, silent).faults == ()
        package = find_record(session, DEED)
        assert Validator().validate_object(str(session.store.object_folder(package)))
        kept = session.store.content_path(package, 1, f"data/uuid-{package}/representations/original/data/{PAGE}")
        assert sha256(kept.read_bytes()).hexdigest() == before[PAGE]
        assert list(session.quarantine.iterdir()) == [session.quarantine / "suspect"]
    assert subprocess.run([sys.executable, site.folder / "store/verify.py"], check=False).returncode == 0


def test_a_rescan_tells_of_the_description_too_where_that_changed(site: Site, tmp_path: Path) -> None:
    done(site, "revise", DEED, "--set", "题名=改过的题名", "--reason", "核对")
    events = happened(site, "rescan", DEED, scanned_again(tmp_path / "again"), "--reason", "歪斜")
    assert events[:2] == ["ArchivalPackage.MetadataRevised", "ArchivalPackage.ContentRevised"]
    assert done(site, "list", "lagging", "--json").json()["total"] == 0


@pytest.mark.parametrize(
    ("names", "found"),
    [(("另一页.jpg",), "rescan.page-unknown"), ((PAGE, f"a/{PAGE}"), "rescan.page-twice")],
)
def test_pages_that_are_none_of_the_record_are_rejected(
    site: Site, tmp_path: Path, names: tuple[str, ...], found: str
) -> None:
    for name in names:
        scanned_again((tmp_path / "again" / name).parent, Path(name).name)
    for language in ("zh", "en"):
        said = jingui("rescan", DEED, tmp_path / "again", "--reason", "歪斜", "--lang", language, site=site)
        assert (said.status, found in said.out) == (22, True), said.err
    said = jingui("rescan", DEED, tmp_path / "again", "--reason", " ", site=site)
    assert (said.status, "reason-missing" in said.err) == (2, True)
    with site.open() as session:
        assert list(session.quarantine.iterdir()) == [session.quarantine / "suspect"]
        assert fsck(session, silent).faults == ()


def test_killed_after_the_decision_the_same_pages_go_on_and_others_wait(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages, others = scanned_again(tmp_path / "again"), scanned_again(tmp_path / "other", f"{DEED}-001.jpg")
    commit = Store.commit

    def dying(store: Store, stages: Sequence[Stage]) -> list[Published]:
        commit(store, stages)
        raise KeyboardInterrupt

    with site.open() as session, monkeypatch.context() as patch:
        patch.setattr(Store, "commit", dying)
        with pytest.raises(KeyboardInterrupt):
            rescan(session, DEED, pages, reason="歪斜", progress=silent)
    done(site, "revise", DEED, "--set", "题名=其间改过", "--reason", "核对")
    waiting = jingui("rescan", DEED, others, "--reason", "歪斜", site=site)
    assert (waiting.status, "revision-pending" in waiting.err) == (11, True)
    passed = done(site, "repack", "--json").json()
    assert list(passed["passed_over"].values()) == ["revision-pending"]
    assert happened(site, "rescan", DEED, pages, "--reason", "歪斜") == ["ArchivalPackage.Stored"]
    assert digests(site)[PAGE] == sha256((pages / PAGE).read_bytes()).hexdigest()
    with site.open() as session:
        assert fsck(session, silent).faults == ()


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
