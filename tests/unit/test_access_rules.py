"""The decision table, whole: act x status x class x date x role x grant, against a second statement of the rules.

And the search: what the catalogue finds for a viewer is, row for row, what the rules let that viewer know of.
"""

from collections.abc import Iterator
from itertools import product

import pytest

from repository.catalogue import Catalogue, Viewer
from repository.domain import access_rules
from repository.domain.access_rules import Act, Standing, Verdict, Why
from repository.domain.archival_package import AccessStatusChanged, StatusWay
from repository.domain.description import Described
from repository.domain.values import AccessStatus, Ground, Role, SecrecyClass
from tests.catalogue_events import created, fields, stored
from tests.histories import MemoryLog, identity

TODAY = "2026-06-15"
DATES = {None: "none", "2026-06-14": "past", TODAY: "today", "2026-06-16": "future"}
STATUSES = (None, AccessStatus.OPEN, AccessStatus.CONTROLLED)
DEFAULTS = (-1, 0, 1)
PUBLIC, INTERNAL, MIMI, JIMI, JUEMI = SecrecyClass

FAR, NEAR, NOT = JUEMI, INTERNAL, None
KNOWS = {
    Role.ADMINISTRATOR: FAR,
    Role.ARCHIVIST: FAR,
    Role.AUDITOR: FAR,
    Role.SECURITY_OFFICER: FAR,
    Role.KEEPER: FAR,
    Role.RECEIVER: NEAR,
    Role.ACCEPTOR: NEAR,
    Role.REVIEWER: NEAR,
    Role.DECIDER: NEAR,
    Role.DESK: NEAR,
    Role.READER: NOT,
    Role.PARTNER: NOT,
}
SEES = KNOWS | dict.fromkeys((Role.AUDITOR, Role.KEEPER, Role.RECEIVER, Role.ACCEPTOR, Role.DESK), NOT)


def expected(
    act: Act, status: AccessStatus | None, secrecy: SecrecyClass, date: str, role: Role, *, granted: bool, default: int
) -> Verdict:
    """The rules once more, as a table would print them: columns are what can be open, rows who comes."""
    classified = secrecy in (MIMI, JIMI, JUEMI)
    if classified:
        public, why = False, Why.CLASSIFIED
    elif status is AccessStatus.OPEN:
        public, why = date != "future", Why.NOT_YET_OPEN
    elif status is AccessStatus.CONTROLLED:
        public, why = False, Why.CONTROLLED
    else:
        public, why = secrecy in ((), (PUBLIC,), (PUBLIC, INTERNAL))[default + 1], Why.CONTROLLED
    upto = (KNOWS if act is Act.KNOW else SEES)[role]
    if public:
        return Verdict(allowed=True, why=Why.OPEN)
    if upto is FAR or (upto is NEAR and not classified):
        return Verdict(allowed=True, why=Why.ROLE)
    if granted and not classified:
        return Verdict(allowed=True, why=Why.GRANT)
    return Verdict(allowed=False, why=why)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("secrecy", SecrecyClass)
@pytest.mark.parametrize("status", STATUSES)
def test_every_cell_of_the_table(act: Act, role: Role, secrecy: SecrecyClass, status: AccessStatus | None) -> None:
    for (date, name), granted, default in product(DATES.items(), (False, True), DEFAULTS):
        standing = Standing(status=status, secrecy=secrecy, opening_date=date)
        said = access_rules.decide(act, standing, roles=(role,), granted=granted, today=TODAY, open_by_default=default)
        assert said == expected(act, status, secrecy, name, role, granted=granted, default=default)


def test_the_table_names_every_role() -> None:
    assert set(KNOWS) == set(SEES) == set(Role)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("pair", list(product(Role, Role)))
def test_two_roles_reach_as_far_as_the_farther_of_them(act: Act, pair: tuple[Role, Role]) -> None:
    one, other = (access_rules.reach((role,), act) for role in pair)
    assert access_rules.reach(pair, act) == max(one, other)


def test_nobody_without_a_role_is_more_than_a_stranger() -> None:
    assert access_rules.reach((), Act.KNOW) == access_rules.reach((Role.READER,), Act.CONTENT) == -1


ROWS = [
    (status, held, described, date)
    for status, held, described, date in product(STATUSES, SecrecyClass, SecrecyClass, DATES)
    if (status is AccessStatus.OPEN or date is None) and (described.rank <= INTERNAL.rank or held is described)
]
"""How records can stand: status, class of the package, class of the description, opening date."""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    log = MemoryLog()
    for number, (status, held, described, date) in enumerate(ROWS):
        package, description = identity(f"package {number}"), identity(f"description {number}")
        log.record("ArchivalPackage", package, created(number), stored(1))
        log.record(
            "Description",
            description,
            Described(
                fields=fields(
                    title=f"地契{number}", reference_code=f"A-{number:04}", package=package, secrecy_class=described
                )
            ),
        )
        changed = AccessStatusChanged(
            status=status,
            secrecy_class=held,
            opening_date=date,
            controlled_until=None,
            ground=Ground.PERSONAL,
            reason=None,
            way=StatusWay.CORRECTION,
            review=None,
            decided_by=(),
        )
        log.record("ArchivalPackage", package, changed)
    for secrecy in SecrecyClass:
        title = f"地契纸本{secrecy}"
        log.record("Description", identity(title), Described(fields=fields(title=title, secrecy_class=secrecy)))
    opened = Catalogue.open(tmp_path_factory.mktemp("rights"))
    opened.catch_up(log)
    yield opened
    opened.close()


def may_know(number: int, viewer: Viewer, granted: tuple[int, ...]) -> bool:
    status, held, described, date = ROWS[number]
    standing = Standing(status=status, secrecy=access_rules.higher(held, described), opening_date=date)
    role = {-1: Role.READER, 1: Role.DESK, 4: Role.ARCHIVIST}[viewer.controlled_upto]
    return access_rules.decide(
        Act.KNOW,
        standing,
        roles=(role,),
        granted=number in granted,
        today=TODAY,
        open_by_default=viewer.open_by_default,
    ).allowed


@pytest.mark.parametrize("default", DEFAULTS)
@pytest.mark.parametrize("reach", [-1, 1, 4])
@pytest.mark.parametrize("granted", [(), tuple(range(0, len(ROWS), 3))], ids=["ungranted", "granted"])
def test_the_search_finds_and_counts_what_may_be_known_and_nothing_else(
    catalogue: Catalogue, reach: int, default: int, granted: tuple[int, ...]
) -> None:
    viewer = Viewer(
        controlled_upto=reach,
        open_upto=access_rules.MOST_OPEN.rank,
        open_by_default=default,
        today=TODAY,
        granted=tuple(identity(f"package {number}") for number in granted),
    )
    known = {identity(f"description {number}") for number in range(len(ROWS)) if may_know(number, viewer, granted)}
    known |= {identity(f"地契纸本{secrecy}") for secrecy in SecrecyClass if secrecy.rank <= max(reach, default)}
    for words in (None, "地契", "地"):
        for as_of in (None, catalogue.position()):
            page = catalogue.search(words, viewer=viewer, limit=1_000, as_of=as_of)
            assert {card.id for card in page.entries} == known
            assert (page.total, page.total_is_exact, page.after) == (len(known), True, None)
    assert catalogue.search("地契", viewer=viewer, limit=2).total == len(known)


def test_what_is_kept_from_somebody_now_was_never_there_for_them(catalogue: Catalogue) -> None:
    number = ROWS.index((AccessStatus.CONTROLLED, PUBLIC, PUBLIC, None))
    before = catalogue.package(identity(f"package {number}"))
    assert before is not None
    then = before.changed.position - 1
    stranger = Viewer(controlled_upto=-1, open_upto=1, open_by_default=0, today=TODAY)
    assert catalogue.search(f"地契{number}", as_of=then).total >= 1
    hidden = identity(f"description {number}")
    found = catalogue.search(f"地契{number}", as_of=then, viewer=stranger, limit=1_000)
    assert hidden not in {card.id for card in found.entries}
