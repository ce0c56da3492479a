"""What did not pass is seen, counted, and has a next step: refused, given back, broken off."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from repository.domain.accession import Stage
from repository.services import ingest as ingesting
from repository.services.accessions import return_delivery, show_accession
from repository.services.attempts import list_attempts
from repository.services.session import Session
from tests.command_line import jingui
from tests.real_archives import DELIVERIES, LAND_DEEDS, Site, new_site, silent, take

WRONG = DELIVERIES / "impossible-date"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    with site.open() as opened:
        yield opened


def lines(
    session: Session, *, failed: bool = False, as_of: str | None = None
) -> list[tuple[str, str | None, int, int]]:
    page = list_attempts(session, as_of=as_of, limit=50, after=None, failed=failed)
    return [(one.stage.value, one.next, one.attempts, one.failed) for one in page.entries]


def test_refused_twice_is_two_attempts_each_with_who_when_and_why(session: Session) -> None:
    first = take(session, WRONG, number="2026-7")
    then = str(session.log.position())
    again = take(session, WRONG, number="2026-7")
    assert (first.outcome, again.outcome, again.accession) == ("rejected", "rejected", first.accession)
    report = show_accession(session, first.accession)
    assert (report.stage, report.next) == (Stage.REJECTED, "deliver-again")
    assert [(one.delivery, one.outcome, one.by_name, one.findings, one.reasons) for one in report.attempts] == [
        (number, "refused", "林一", 1, ("delivery.catalogue-date",)) for number in (1, 2)
    ]
    assert all(one.ended and one.began <= one.ended and one.ended_by == session.actor.agent for one in report.attempts)
    assert lines(session) == [("rejected", "deliver-again", 2, 2)]
    assert lines(session, as_of=then) == [("rejected", "deliver-again", 1, 1)]


def test_what_passed_has_no_failure_and_no_next_step(session: Session) -> None:
    take(session, LAND_DEEDS)
    assert lines(session) == [("completed", None, 1, 0)]
    assert lines(session, failed=True) == []


def test_a_reception_that_broke_off_is_seen_and_goes_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    for place, stage, step in (
        ("receive_delivery", "open", "receive"),
        ("record_verdict", "received", "validate"),
        ("_accept", "validated", "accept"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(ingesting, place, cut)
            with pytest.raises(KeyboardInterrupt):
                take(session, LAND_DEEDS)
        assert lines(session, failed=True) == [(stage, step, 1, 1)]
    assert take(session, LAND_DEEDS).outcome == "completed"
    assert lines(session) == [("completed", None, 1, 0)]


def test_given_back_by_a_person_is_told_with_their_words(site: Site) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write('acceptance = "person"\n')
    with site.open() as session:
        stream = take(session, LAND_DEEDS).accession
        assert lines(session) == [("waiting", "decide", 1, 0)]
        return_delivery(session, stream, (), "页面歪斜", silent)
        assert lines(session) == [("returned", "deliver-rework", 1, 1)]
        (attempt,) = show_accession(session, stream).attempts
        assert (attempt.outcome, attempt.reasons) == ("returned", ("页面歪斜",))


def test_by_command_in_both_languages(site: Site) -> None:
    with site.open() as session:
        stream = take(session, WRONG).accession
    listed = jingui("accession", "--lang", "zh", site=site)
    assert (listed.status, "delivery.catalogue-date" in listed.out, str(stream) in listed.out) == (0, True, True)
    english = jingui("accession", "list", "--failed", "--json", site=site).json()
    assert (english["schema"], english["entries"][0]["failed"]) == ("jingui.accessions/1", 1)
    for asked in ((stream,), ("show", stream)):
        shown = jingui("accession", *asked, "--lang", "en", site=site)
        assert "Next: " in shown.out, shown
        assert "refused" in shown.out
    assert jingui("accession", "nonsense", site=site).status == 2
    assert jingui("accession", "show", site=site).status == 2
