"""A merger or a division that should not have been: annulled, and what it carried along is carried back."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from repository.domain.envelope import Actor
from repository.domain.values import Carrier, Level
from repository.errors import ArchiveError
from repository.services import administration
from repository.services.administration import Role
from repository.services.audit import fsck, replay
from repository.services.description import (
    PartRequest,
    describe_record,
    divide_record,
    merge_records,
    move_record,
    revise_record,
)
from repository.services.search import find_description, show_record
from repository.services.session import Session
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

DEED, PLEDGE, STUB = "J012-1-0001", "J012-1-0002", "J012-1-0003"


class House(msgspec.Struct, frozen=True):
    """A session, and a second administrator."""

    session: Session
    second: Actor

    def annul(self, kind: str) -> list[str]:
        """Annul the newest event of a type; the events that this appended."""
        events = list(self.session.log.events(types=[kind]))
        before = self.session.log.position()
        administration.annul(
            self.session,
            events[-1].envelope.position,
            reason="本不该如此",
            approver=self.second,
        )
        assert replay(self.session, None, silent).same
        assert fsck(self.session, silent).faults == ()
        return types(self.session, after=before)

    def below(self, code: str) -> str | None:
        """The 档号 of what an entry stands below."""
        entry = find_description(self.session, code)
        above = self.session.catalogue.description(entry.parent) if entry.parent else None
        return above.reference_code if above else None

    def volume(self, code: str, *, parent: str | None = None, level: Level = Level.VOLUME) -> None:
        """Describe one."""
        describe_record(self.session, level=level, parent=parent, reference_code=code, words={"题名": f"卷 {code}"})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    site: Site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
        _, keep = site.person(session, "王四", Role.ADMINISTRATOR)
    with site.open(keep) as other:
        approver = other.actor
    with site.open() as session:
        yield House(session, approver)


def test_after_a_merger_that_never_was_everything_stands_where_it_stood(house: House) -> None:
    session = house.session
    house.volume("J012", level=Level.FONDS)
    house.volume("J013", level=Level.FONDS)
    house.volume("J012-1", parent="J012")
    house.volume("J013-2", parent="J013")
    for code in (DEED, PLEDGE, STUB):
        move_record(session, code, parent="J012-1", reference_code=None, reason="归卷")
    merge_records(session, "J012-1", into="J013-2", reason="看作一卷")
    assert [house.below(code) for code in (DEED, PLEDGE, STUB)] == ["J013-2"] * 3
    # since then one was moved on and one revised: what people did afterwards stays
    house.volume("J013-3", parent="J013")
    move_record(session, STUB, parent="J013-3", reference_code=None, reason="另归一卷")
    revise_record(session, PLEDGE, words={"题名": "当契"}, reason="补正")

    assert house.annul("Description.Merged") == ["Description.Annulled", *["Description.Moved"] * 2]
    assert [house.below(code) for code in (DEED, PLEDGE, STUB)] == ["J012-1", "J012-1", "J013-3"]
    assert [find_description(session, code).fonds_code for code in (DEED, PLEDGE, STUB)] == ["J012", "J012", "J013"]
    assert find_description(session, PLEDGE).title == "当契"
    assert find_description(session, "J012-1").into is None


def test_after_a_merger_of_whole_fonds_what_lies_deeper_is_back_in_its_own(house: House) -> None:
    house.volume("J012", level=Level.FONDS)
    house.volume("J013", level=Level.FONDS)
    house.volume("J012-1", parent="J012")
    move_record(house.session, DEED, parent="J012-1", reference_code=None, reason="归卷")
    merge_records(house.session, "J012", into="J013", reason="看作一个全宗")
    assert find_description(house.session, DEED).fonds_code == "J013"
    assert house.annul("Description.Merged") == ["Description.Annulled", *["Description.Moved"] * 2]
    assert (find_description(house.session, DEED).fonds_code, house.below("J012-1")) == ("J012", "J012")


def test_the_survivor_gives_the_files_back(house: House) -> None:
    session = house.session
    describe_record(session, level=Level.ITEM, parent=None, reference_code="J012-1-0099", words={"题名": "纸本"})
    merge_records(session, PLEDGE, into="J012-1-0099", reason="同一份")
    assert len(show_record(session, "J012-1-0099", as_of=None).files) == 5
    revise_record(session, "J012-1-0099", words={"题名": "另一份纸本"}, reason="补正")
    assert house.annul("Description.Merged") == ["Description.Annulled", "Description.Revised"]
    paper, pledge = (show_record(session, code, as_of=None) for code in ("J012-1-0099", PLEDGE))
    assert (paper.description.title, paper.description.carrier, paper.files) == ("另一份纸本", Carrier.PAPER, ())
    assert (len(pledge.files), pledge.formerly) == (5, False)


def test_after_a_division_that_never_was_its_parts_lead_to_the_whole(house: House) -> None:
    session = house.session
    parts = [
        PartRequest(reference_code="J012-1-0031", title="存根甲", pages="1"),
        PartRequest(reference_code="J012-1-0032", title="存根乙", pages="2-3"),
    ]
    divide_record(session, STUB, parts=parts, reason="看作两件")
    assert len(show_record(session, "J012-1-0032", as_of=None).files) == 2
    then = session.log.position()
    assert house.annul("Description.Divided") == ["Description.Annulled", *["Description.Merged"] * 2]
    for code in (STUB, "J012-1-0031", "J012-1-0032"):
        shown = show_record(session, code, as_of=None)
        assert (shown.description.reference_code, len(shown.files)) == (STUB, 3)
    assert len(show_record(session, "J012-1-0032", as_of=str(then)).files) == 2
    session.catch_up()
    listed = [one.reference_code for one in session.catalogue.search(None, limit=50).entries]
    assert [code for code in listed if code and code.startswith("J012-1-003")] == []
    assert listed.count(STUB) == 1


def test_what_was_below_a_part_goes_with_it(house: House) -> None:
    session = house.session
    house.volume("J012-1")
    parts = [PartRequest(reference_code=f"J012-1{letter}", title=letter, pages="") for letter in "AB"]
    divide_record(session, "J012-1", parts=parts, reason="看作两卷")
    move_record(session, DEED, parent="J012-1A", reference_code=None, reason="归卷")
    move_record(session, PLEDGE, parent="J012-1B", reference_code=None, reason="归卷")
    house.annul("Description.Divided")
    assert [house.below(code) for code in (DEED, PLEDGE)] == ["J012-1", "J012-1"]


def test_an_annulled_merger_is_made_again_and_not_by_annulling_the_annulment(house: House) -> None:
    house.volume("J012-1")
    house.volume("J012-2")
    merge_records(house.session, "J012-1", into="J012-2", reason="看作一卷")
    house.annul("Description.Merged")
    with pytest.raises(ArchiveError) as refused:
        house.annul("Description.Annulled")
    assert refused.value.code == "not-annullable"
    merge_records(house.session, "J012-1", into="J012-2", reason="确是一卷")
    assert find_description(house.session, "J012-1").reference_code == "J012-2"
