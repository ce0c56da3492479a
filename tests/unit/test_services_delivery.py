"""What a delivery is made of: every file in exactly one unit, or in a finding."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.services.catalogue_file import Row, read_catalogue
from repository.services.delivery import (
    LISTING,
    WHOLE,
    Delivered,
    DeliveryPlan,
    Layout,
    layout_of,
    plan_delivery,
    writable,
)
from repository.services.linking import judge_linking

TIME = "2026-01-01T00:00:00.000000Z"


def files(*paths: str) -> list[Delivered]:
    return [Delivered(path, 1, "0" * 64, TIME) for path in paths]


def rows(*lines: str) -> tuple[Row, ...]:
    return read_catalogue("\n".join(["档号,题名,页数,文件", *lines, ""]).encode()).rows


def codes(plan: DeliveryPlan) -> list[str]:
    return [finding.code for finding in plan.findings]


def held(plan: DeliveryPlan) -> list[str]:
    return sorted(file.delivered.path for unit in plan.units for file in (*unit.files, *unit.papers))


@pytest.mark.parametrize(
    ("paths", "is_bag", "per_folder", "layout"),
    [
        (("a.txt",), False, False, Layout.WHOLE),
        (("a/1.txt",), False, True, Layout.FOLDERS),
        (("catalogue.csv", "a/1.txt"), False, True, Layout.ROWS),
        (("a/catalogue.csv",), False, False, Layout.WHOLE),
        (("catalogue.csv", "data/1.txt"), True, True, Layout.BAG),
    ],
)
def test_how_units_are_looked_for(paths: tuple[str, ...], is_bag: bool, per_folder: bool, layout: Layout) -> None:
    assert layout_of(files(*paths), is_bag=is_bag, per_folder=per_folder) is layout


def test_a_bag_keeps_its_payload_as_content_and_its_tag_files_as_papers() -> None:
    plan = plan_delivery(files("bagit.txt", "data/a.txt", "data/b/c.txt", "delivery.sha256"), Layout.BAG, (), "袋")
    (unit,) = plan.units
    assert (unit.path, unit.title, [file.path for file in unit.files]) == (WHOLE, "袋", ["a.txt", "b/c.txt"])
    assert {file.delivered.path: (file.path, file.name) for file in unit.papers} == {
        "bagit.txt": ("bagit.txt", None),
        LISTING: ("delivery_2.sha256", LISTING),
    }


def test_a_submission_package_gives_up_its_representation() -> None:
    inside = "data/uuid-1"
    plan = plan_delivery(
        files("bagit.txt", f"{inside}/METS.xml", f"{inside}/representations/original/data/册/a.txt"),
        Layout.BAG,
        (),
        "x",
    )
    assert [file.path for file in plan.units[0].files] == ["册/a.txt"]
    assert len(plan.units[0].papers) == 2


def test_rows_name_folders_and_files_and_share_none() -> None:
    plan = plan_delivery(
        files("catalogue.csv", "a/1.txt", "a/2.txt", "b.txt", "c.txt", "stray.txt"),
        Layout.ROWS,
        rows("J1,甲,2,a", "J2,乙,2,b.txt;c.txt", "J3,丙,,a/1.txt", "J4,丁,,nothing"),
        "x",
    )
    assert Counter(codes(plan)) == {
        "delivery.catalogue-files-shared": 1,
        "delivery.catalogue-files-missing": 1,
        "delivery.not-in-catalogue": 1,
    }
    assert [file.path for file in plan.units[0].files] == ["1.txt", "2.txt"]
    assert [file.path for file in plan.units[1].files] == ["b.txt", "c.txt"]


def test_a_row_without_files_means_the_folder_of_its_code() -> None:
    plan = plan_delivery(files("catalogue.csv", "J1/1.txt"), Layout.ROWS, rows("J1,甲,1,"), "x")
    assert (codes(plan), plan.units[0].path) == ([], "J1")


@pytest.mark.parametrize(("pages", "found"), [(1, ["delivery.page-count"]), (2, []), (3, ["delivery.page-count"])])
def test_pages_are_counted_where_a_file_is_a_page(pages: int, found: list[str]) -> None:
    def judged(*paths: str) -> list[str]:
        plan = plan_delivery(files("catalogue.csv", *paths), Layout.ROWS, rows(f"J1,甲,{pages},a"), "x")
        return [finding.code for finding in judge_linking(plan.units, (), {})]

    assert judged("a/1.JPG", "a/2.tif") == found
    assert judged("a/1.JPG", "a/2.tif", "a/all.pdf") == []


def test_the_papers_of_several_units_are_a_unit_of_their_own() -> None:
    several = plan_delivery(files("catalogue.csv", "a/1", "b/1"), Layout.ROWS, rows("1,甲,,a", "2,乙,,b"), "移交")
    assert [(unit.path, unit.title) for unit in several.units] == [("a", "甲"), ("b", "乙"), (WHOLE, "移交材料：移交")]
    one = plan_delivery(files("catalogue.csv", "a/1"), Layout.ROWS, rows("1,甲,,a"), "移交")
    assert [[file.path for file in unit.papers] for unit in one.units] == [["catalogue.csv"]]


def test_a_file_beside_the_folders_belongs_to_none() -> None:
    plan = plan_delivery(files("a/1.txt", "b/1.txt", "loose.txt"), Layout.FOLDERS, (), "x")
    assert ([unit.path for unit in plan.units], codes(plan)) == (["a", "b"], ["delivery.loose-file"])


def test_names_are_replaced_and_kept() -> None:
    (unit,) = plan_delivery(files("卷%/a\n.txt", "卷%/b.txt"), Layout.FOLDERS, (), "x").units
    assert (unit.path, unit.title) == ("卷%", "卷%")
    assert [(file.path, file.name) for file in unit.files] == [("a_.txt", "a\n.txt"), ("b.txt", None)]


def test_nothing_is_no_delivery() -> None:
    assert "delivery.empty" in codes(plan_delivery([], Layout.WHOLE, (), "x"))


def test_a_title_is_made_writable() -> None:
    assert writable("地\x00契\x1b\ufffe") == "地_契__"


NAMES = st.lists(
    st.text("ab%._ 地", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."}), min_size=1, max_size=3
)


@given(st.sets(NAMES.map("/".join), max_size=8), st.sampled_from([Layout.WHOLE, Layout.FOLDERS, Layout.BAG]))
def test_every_file_is_in_one_unit_or_in_a_finding(paths: set[str], layout: Layout) -> None:
    plan = plan_delivery(files(*sorted(paths)), layout, (), "x")
    loose = [finding.path for finding in plan.findings if finding.code == "delivery.loose-file"]
    assert sorted([*held(plan), *loose]) == sorted(paths)
    for unit in plan.units:
        places = [file.path for file in unit.files]
        assert len(places) == len(set(places))
