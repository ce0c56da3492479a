"""What a person finds, and what they never see."""

from pathlib import Path
from uuid import UUID

import pytest

from repository.catalogue import Catalogue, Description, Page
from repository.catalogue.search import Filters
from repository.domain import archival_package, corrections, description
from repository.domain.values import Level, RecordType, Sealed, SealedValue, SecrecyClass
from repository.errors import ArchiveError
from tests.catalogue_events import created, fields, stored
from tests.histories import ACTOR, APPROVER, ARCHIVE, MemoryLog, identity

SEALED = Sealed(sealed=SealedValue(key=ACTOR, subject=ACTOR, nonce="00", ct="00"))
HOSTILE = (
    *('"', "'", "*", "地契*", '"地契', "terms:地契", "NEAR(地契 民国)", "地契 OR 民国", "NOT", "AND", "(", "^地"),
    *("\0", "地\0契", "\ud800", "%", "_", "{}", "§", "§s0", "; DROP TABLE titles", "+", "a AND", "col : x", "-地契"),
    *("\U0010ffff", "a" * 100_000, "地 " * 5_000, "契" * 5_000),
)


def catalogue_of(tmp_path: Path, log: MemoryLog) -> Catalogue:
    catalogue = Catalogue.open(tmp_path / "catalogue")
    catalogue.catch_up(log)
    return catalogue


def describe(log: MemoryLog, name: str, **changes: object) -> UUID:
    stream = identity(name)
    log.record("Description", stream, description.Described(fields=fields(**changes)))
    return stream


def revise(log: MemoryLog, name: str, **changes: object) -> int:
    revised = description.Revised(fields=fields(**changes), reason="更正")
    return log.record("Description", identity(name), revised)[0].envelope.position


def annul(log: MemoryLog, position: int) -> None:
    event = log.recorded[position - 1].envelope
    payload = corrections.annul(event.event_id, position, actor=ACTOR, approver=APPROVER, reason="误操作")
    log.record(event.type.partition(".")[0], event.stream, payload)


def titles(page: Page[Description]) -> list[str | None]:
    return [card.title for card in page.entries]


def whole(catalogue: Catalogue, words: str | None = None, limit: int = 3, **filters: object) -> list[Description]:
    """Every page of an answer."""
    page = catalogue.search(words, limit=limit, **filters)  # type: ignore[arg-type]  # filters as the tests name them
    entries = list(page.entries)
    while page.after is not None:
        page = catalogue.search(words, limit=limit, after=page.after, **filters)  # type: ignore[arg-type]  # as above
        entries += page.entries
    return entries


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("地契", {"民国二十年地契", "土地契约"}),
        ("民国", {"民国二十年地契"}),
        ("契约", {"土地契约"}),
        ("地契约", {"土地契约"}),
        ("约", {"土地契约"}),
        ("契", {"民国二十年地契", "土地契约", "地、契二字"}),
        ("年 契", {"民国二十年地契"}),
        ("LAND", {"Land deed 1950 年"}),
        ("dee", {"Land deed 1950 年"}),
        ("1950年", {"Land deed 1950 年"}),
        ("\uff11\uff19\uff15\uff10", {"Land deed 1950 年"}),
        ("契地", set()),
        ("国民", set()),
        ("***", set()),
    ],
)
def test_titles_are_found_by_their_words(tmp_path: Path, words: str, found: set[str]) -> None:
    log = MemoryLog()
    for title in ("民国二十年地契", "土地契约", "地、契二字", "Land deed 1950 年", SEALED):
        describe(log, str(title), title=title)
    assert set(titles(catalogue_of(tmp_path, log).search(words))) == found


@pytest.mark.parametrize("words", HOSTILE)
def test_no_question_is_an_error_or_an_operator(tmp_path: Path, words: str) -> None:
    log = MemoryLog()
    describe(log, "one", title="户籍册")
    catalogue = catalogue_of(tmp_path, log)
    assert titles(catalogue.search(words)) == []
    assert titles(catalogue.search(reference_code=words)) == []
    assert titles(catalogue.search(reference_code_prefix=words)) == []
    assert titles(catalogue.search("户籍", fonds=words)) == []
    assert catalogue.by_reference_code(words) == []
    assert catalogue.find_accession(words, ACTOR, words, words) is None


def test_sealed_titles_are_shown_as_sealed_and_never_found(tmp_path: Path) -> None:
    log = MemoryLog()
    stream = describe(log, "sealed", title=SEALED, reference_code="0001-1")
    catalogue = catalogue_of(tmp_path, log)
    card = catalogue.description(stream)
    assert card is not None
    assert (card.title, card.sealed, card.responsible_party) == (None, ("title",), "县政府")
    assert catalogue.search("00").entries == ()
    assert titles(catalogue.search()) == [None]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"reference_code": "0001-1"}, "a"),
        ({"reference_code": " 0001-1 "}, "a"),
        ({"reference_code_prefix": "0001-1"}, "ab"),
        ({"reference_code_prefix": "0001"}, "ab"),
        ({"reference_code": ""}, ""),
        ({"reference_code_prefix": "0001-1 "}, "ab"),
        ({"fonds": "0002"}, "c"),
        ({"archive": ARCHIVE}, "abc"),
        ({"archive": "other"}, ""),
        ({"year_from": 1950}, "bc"),
        ({"year_to": 1949}, "a"),
        ({"year_from": 1950, "year_to": 1950}, "b"),
        ({"year_from": -(10**30), "year_to": 10**30}, "abc"),
        ({"year_from": 1960, "year_to": 1950}, ""),
        ({"record_type": RecordType.IMAGE}, "c"),
        ({"secrecy_max": SecrecyClass.OPEN}, "a"),
        ({"secrecy_max": SecrecyClass.INTERNAL}, "ab"),
        ({"secrecy_max": SecrecyClass.JUEMI}, "abc"),
        ({"level": Level.VOLUME}, "b"),
        ({"accession": identity("accession 1")}, "c"),
        ({"accession": None, "fonds": None}, "abc"),
    ],
)
def test_filters_hold_with_words_and_without(tmp_path: Path, filters: Filters, found: str) -> None:
    log = MemoryLog()
    log.record("ArchivalPackage", identity("package 1"), created(1, accession_number=1))
    describe(log, "a", title="a 地契", reference_code="0001-1", year=1931)
    describe(
        log,
        "b",
        title="b 地契",
        reference_code="0001-10",
        year=1950,
        level=Level.VOLUME,
        secrecy_class=SecrecyClass.INTERNAL,
    )
    describe(
        log,
        "c",
        title="c 地契",
        reference_code="0002-1",
        fonds_code="0002",
        year=1960,
        record_type=RecordType.IMAGE,
        secrecy_class=SecrecyClass.MIMI,
        package=identity("package 1"),
    )
    catalogue = catalogue_of(tmp_path, log)
    for words in (None, "", "地契"):
        page = catalogue.search(words, **filters)
        assert [str(title)[0] for title in titles(page)] == list(found)
        assert (page.total, page.total_is_exact, page.after) == (len(found), True, None)


def test_ranking_puts_the_title_itself_first_then_beginnings_then_the_shorter(tmp_path: Path) -> None:
    log = MemoryLog()
    for title in ("县政府关于地契的训令", "地契存根", "老地契", "地契"):
        describe(log, title, title=title)
    assert titles(catalogue_of(tmp_path, log).search("地契")) == ["地契", "地契存根", "老地契", "县政府关于地契的训令"]


@pytest.mark.parametrize("count", [1_000, 1_001])
def test_pages_show_every_hit_once_and_counting_stops(tmp_path: Path, count: int) -> None:
    log = MemoryLog()
    for number in range(count):
        describe(log, str(number), title=f"地契{number}", reference_code=f"{count - number:05d}")
    catalogue = catalogue_of(tmp_path, log)
    for words in (None, "地契"):
        page = catalogue.search(words, limit=2)
        assert (page.total, page.total_is_exact) == (1_000, count == 1_000)
        entries = whole(catalogue, words, limit=400)
        assert len({card.id for card in entries}) == len(entries) == count
    codes = [card.reference_code for card in whole(catalogue, limit=400)]
    assert codes == sorted(str(code) for code in codes)


def test_pages_show_one_state_while_the_catalogue_goes_on(tmp_path: Path) -> None:
    log = MemoryLog()
    for number in range(4):
        describe(log, str(number), title=f"地契{number}", reference_code=f"1-{number}")
    catalogue = catalogue_of(tmp_path, log)
    first, by_words = catalogue.search(limit=2), catalogue.search("地契", limit=2)
    revise(log, "2", title="户籍册", reference_code="0-0")
    describe(log, "new", title="地契1新", reference_code="1-15")
    catalogue.catch_up(log)
    catalogue.rebuild(log)
    assert titles(catalogue.search(limit=2, after=first.after)) == ["地契2", "地契3"]
    assert titles(catalogue.search("地契", limit=2, after=by_words.after)) == ["地契2", "地契3"]


@pytest.mark.parametrize("marker", ["", "x", "1.2.3", "99.1", "1.99", "0.0", "9" * 40 + ".1", "\u0661.\u0661"])
def test_a_marker_that_was_never_given_is_refused(tmp_path: Path, marker: str) -> None:
    log = MemoryLog()
    describe(log, "one", title="地契")
    catalogue = catalogue_of(tmp_path, log)
    for words in (None, "地契"):
        with pytest.raises(ArchiveError) as refused:
            catalogue.search(words, after=marker)
        assert refused.value.code == "cursor-invalid"


def test_records_without_a_code_come_last(tmp_path: Path) -> None:
    log = MemoryLog()
    describe(log, "none", title="无", reference_code=None)
    describe(log, "one", title="有", reference_code="龥-1")
    assert titles(catalogue_of(tmp_path, log).search()) == ["有", "无"]


def test_a_revised_code_keeps_leading_to_its_record(tmp_path: Path) -> None:
    log = MemoryLog()
    stream = describe(log, "one", reference_code="0001-1")
    revise(log, "one", reference_code="0001-2")
    catalogue = catalogue_of(tmp_path, log)
    assert [(m.description.id, m.formerly) for m in catalogue.by_reference_code("0001-1")] == [(stream, True)]
    assert [(m.description.id, m.formerly) for m in catalogue.by_reference_code("0001-2")] == [(stream, False)]
    (now,) = catalogue.by_reference_code("0001-2")
    assert (now.description.opened.position, now.description.changed.position) == (1, 2)
    assert [m.formerly for m in catalogue.by_reference_code("0001-1", as_of=1)] == [False]
    assert catalogue.by_reference_code("0001-2", as_of=1) == []
    assert catalogue.by_reference_code("0001-1", archive="other") == []


def test_a_code_that_was_annulled_leads_nowhere_from_then_on(tmp_path: Path) -> None:
    log = MemoryLog()
    stream = describe(log, "one", reference_code="0001-1")
    annul(log, revise(log, "one", reference_code="0001-2"))
    catalogue = catalogue_of(tmp_path, log)
    assert catalogue.by_reference_code("0001-2") == []
    assert [m.formerly for m in catalogue.by_reference_code("0001-2", as_of=2)] == [False]
    (match,) = catalogue.by_reference_code("0001-1")
    assert (match.description.id, match.formerly, match.description.annulled) == (stream, False, (2,))


def test_an_annulment_shows_the_state_before_and_a_mark(tmp_path: Path) -> None:
    log = MemoryLog()
    stream = describe(log, "one", title="地契")
    annul(log, revise(log, "one", title="户籍册"))
    catalogue = catalogue_of(tmp_path, log)
    assert titles(catalogue.search("地契")) == ["地契"]
    assert titles(catalogue.search("户籍")) == []
    assert titles(catalogue.search("户籍", as_of=2)) == ["户籍册"]
    (mark,) = catalogue.marks(stream)
    assert (mark.position, mark.reason, mark.approver, mark.opened.position) == (2, "误操作", APPROVER, 3)
    assert catalogue.marks(stream, as_of=2) == []


def test_a_package_whose_creation_is_annulled_is_gone_and_comes_back_as_it_was(tmp_path: Path) -> None:
    log = MemoryLog()
    stream = identity("package 1")
    log.record("ArchivalPackage", stream, created(1), stored(1))
    annul(log, 1)
    catalogue = catalogue_of(tmp_path, log)
    assert catalogue.package(stream) is None
    assert catalogue.package(stream, as_of=2) is not None
    log.record("ArchivalPackage", stream, created(1))
    catalogue.catch_up(log)
    card = catalogue.package(stream)
    assert card is not None
    assert isinstance(card.stored and log.recorded[1].payload, archival_package.Stored)
    assert card.annulled == (1,)
    assert catalogue.packages().total == 1


def test_children_come_by_code(tmp_path: Path) -> None:
    log = MemoryLog()
    parent = describe(log, "fonds", level=Level.FONDS, title="全宗")
    for number in (2, 1, 3):
        describe(log, str(number), parent=parent, title=str(number), reference_code=f"1-{number}")
    revise(log, "3", parent=None, title="3")
    catalogue = catalogue_of(tmp_path, log)
    assert titles(catalogue.children(parent)) == ["1", "2"]
    assert titles(catalogue.children(parent, as_of=4)) == ["1", "2", "3"]


def test_a_mistaken_annulment_is_annulled_itself(tmp_path: Path) -> None:
    log = MemoryLog()
    stream = describe(log, "one", reference_code="0001-1")
    annul(log, revise(log, "one", reference_code="0001-2"))
    annul(log, log.position())
    catalogue = Catalogue.open(tmp_path)
    catalogue.catch_up(log)
    (match,) = catalogue.by_reference_code("0001-2")
    assert (match.description.id, match.formerly, match.description.annulled) == (stream, False, (3,))
    assert catalogue.by_reference_code("0001-1")[0].formerly
    (before,) = catalogue.by_reference_code("0001-2", as_of=2)
    assert not before.formerly
    assert catalogue.by_reference_code("0001-2", as_of=3) == []


def test_what_is_annulled_again_was_in_force_in_between(tmp_path: Path) -> None:
    log = MemoryLog()
    describe(log, "one", reference_code="0001-1")
    revised = revise(log, "one", reference_code="0001-2")
    annul(log, revised)
    annul(log, log.position())
    annul(log, revised)
    catalogue = Catalogue.open(tmp_path / "live")
    digests = [catalogue.digest()]
    for position in range(1, log.position() + 1):
        catalogue.catch_up(log, upto=position)
        digests.append(catalogue.digest())
    assert [catalogue.digest(upto=position) for position in range(len(digests))] == digests
    bearing = [catalogue.by_reference_code("0001-2", as_of=position) for position in range(1, 6)]
    assert [[match.formerly for match in matches] for matches in bearing] == [[], [False], [], [False], [True]]


def test_an_entry_that_was_merged_or_divided_is_found_by_its_code_and_listed_no_more(tmp_path: Path) -> None:
    log = MemoryLog()
    lost = describe(log, "lost", title="地契甲", reference_code="0001-1")
    kept = describe(log, "kept", title="地契乙", reference_code="0001-2")
    whole_entry = describe(log, "whole", title="地契丙", reference_code="0001-3")
    before = log.position()
    log.record("Description", lost, description.Merged(into=kept, reason="同一件"))
    parts = (description.Part(description=identity("part"), reference_code="0001-4", files=()),)
    log.record("Description", whole_entry, description.Divided(parts=parts, reason="原是两件"))
    catalogue = catalogue_of(tmp_path, log)
    for words in ("地契", None):
        assert titles(catalogue.search(words)) == ["地契乙"]
        assert titles(catalogue.search(words, as_of=before)) == ["地契甲", "地契乙", "地契丙"]
    (match,) = catalogue.by_reference_code("0001-1")
    assert match.description.into == kept
    assert [one.id for one in catalogue.merged_into(kept)] == [lost]
    assert dict(catalogue.holdings().descriptions) == {"item": 1}
    annul(log, before + 1)
    catalogue.catch_up(log)
    assert titles(catalogue.search("地契")) == ["地契甲", "地契乙"]
