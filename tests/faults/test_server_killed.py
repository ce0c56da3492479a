"""A server that is killed in the middle of what a person decided does it when it comes back, as if nothing had been."""

from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from fixtures.delivery import catalogue
from repository.services.audit import fsck
from repository.services.session import Session
from repository.settings import FILE
from tests.api.serving import Server, bearer, server
from tests.real_archives import Site, deliver, new_site, silent, take, types

UNITS = 130
"""More than are stored together, so that there is a time at which some are stored and some are not."""


def waiting(place: Path) -> tuple[Site, UUID]:
    """An archive with a delivery that waits for a person."""
    place.mkdir()
    site = new_site(place)
    with (site.folder / FILE).open("a") as settings:
        settings.write('acceptance = "person"\n')
    codes = [f"B-{number:04d}" for number in range(UNITS)]
    rows = [(code, f"{code}卷", "临溪县政府", "1951", "公开", "永久", "1", code) for code in codes]
    files = {f"{code}/{code}-001.txt": f"{code} 第一页".encode() for code in codes}
    source = deliver(place / "batch", files | {"catalogue.csv": catalogue(*rows)})
    with site.open() as session:
        return site, take(session, source).accession


def accept(site: Site, served: Server, stream: UUID) -> None:
    where = f"{served.url}/v1/accessions/{stream}"
    with httpx2.Client(headers=bearer(site.credential), timeout=60) as client:
        version = client.get(where).headers["etag"]
        answer = client.post(f"{where}/acceptance", json={}, headers={"if-match": version})
        assert answer.status_code == 202, answer.text


def until(session: Session, kind: str) -> list[str]:
    """The log's types as soon as there is one of this kind; the test's own time limit ends what never is."""
    while kind not in session.log.counts(after=0, upto=session.log.position()):
        pass
    return types(session)


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a server leaves in the log that nobody kills."""
    site, stream = waiting(tmp_path_factory.mktemp("untroubled") / "place")
    with server(site) as served, site.open() as session:
        accept(site, served, stream)
        return until(session, "Accession.Completed")


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["Description.Described", "ArchivalPackage.Stored"])
def test_an_acceptance_that_was_killed_is_completed_by_the_next_server(
    tmp_path: Path, untroubled: list[str], moment: str
) -> None:
    expect_completed(tmp_path, untroubled, moment)


def test_an_acceptance_killed_right_after_the_answer_is_completed(tmp_path: Path, untroubled: list[str]) -> None:
    expect_completed(tmp_path, untroubled, "Accession.Accepted")


def expect_completed(tmp_path: Path, untroubled: list[str], moment: str) -> None:
    site, stream = waiting(tmp_path / "place")
    with site.open() as session:
        with server(site) as served:
            accept(site, served, stream)
            until(session, moment)
            served.kill()
        left = types(session)
        with server(site):
            seen = until(session, "Accession.Completed")
        assert left == seen[: len(left)]
        assert seen == untroubled
        assert not (session.quarantine / str(stream)).exists()
        assert fsck(session, silent).sound
