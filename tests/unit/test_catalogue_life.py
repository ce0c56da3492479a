"""The catalogue's life: opened, caught up, made anew, damaged - by one process or by several."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repository.catalogue import Catalogue, files
from repository.catalogue.catalogue import BATCH
from repository.domain import description
from repository.domain.envelope import Event
from repository.errors import ArchiveError, table
from tests.catalogue_events import fields
from tests.histories import MemoryLog, identity


def filled(count: int) -> MemoryLog:
    log = MemoryLog()
    for number in range(count):
        described = description.Described(fields=fields(title=f"地契{number}", reference_code=f"1-{number:05d}"))
        log.record("Description", identity(f"description {number}"), described)
    return log


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(("-wal", "-shm"))}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "catalogue"


def test_a_catalogue_that_is_not_there_is_made_empty(folder: Path) -> None:
    catalogue = Catalogue.open(folder)
    assert (catalogue.position(), catalogue.search().total) == (0, 0)
    assert names(folder) == {"live", "lock", "catalogue-000001.sqlite"}
    assert Catalogue.open(folder).position() == 0


def test_deleting_the_folder_and_catching_up_brings_everything_back(folder: Path) -> None:
    log = filled(3)
    catalogue = Catalogue.open(folder)
    catalogue.catch_up(log)
    before = catalogue.digest()
    catalogue.close()
    for path in folder.iterdir():
        path.unlink()
    again = Catalogue.open(folder)
    assert again.position() == 0
    again.catch_up(log)
    assert again.digest() == before


def test_catching_up_goes_batch_by_batch_and_says_so(folder: Path) -> None:
    log, said = filled(2 * BATCH + 1), list[tuple[int, int]]()
    catalogue = Catalogue.open(folder)
    reached = catalogue.catch_up(log, progress=lambda done, total: said.append((done, total)))
    assert reached == 2 * BATCH + 1
    assert said == [(BATCH, reached), (2 * BATCH, reached), (reached, reached)]
    digest = catalogue.digest()
    assert catalogue.rebuild(log) == reached
    assert catalogue.digest() == digest
    assert catalogue.search("地契1000").total == 1


def test_catching_up_stops_where_it_is_told(folder: Path) -> None:
    catalogue = Catalogue.open(folder)
    assert catalogue.catch_up(filled(5), upto=3) == 3
    assert (catalogue.position(), catalogue.search().total) == (3, 3)
    assert catalogue.search(as_of=99).position == 3
    assert catalogue.search(as_of=-1).total == 0


class Interrupted(MemoryLog):
    """A log during whose reading something else happens, once."""

    def __init__(self, log: MemoryLog, happen: Any) -> None:
        super().__init__()
        self.recorded = log.recorded
        self._happen = happen

    def position(self) -> int:
        if self._happen:
            happen, self._happen = self._happen, None
            happen()
        return super().position()


def test_a_batch_that_somebody_else_applied_is_not_applied_again(folder: Path) -> None:
    log = filled(3)
    first, second = Catalogue.open(folder), Catalogue.open(folder)
    assert first.catch_up(Interrupted(log, lambda: second.catch_up(log, upto=2))) == 3
    replayed = Catalogue.open(folder.with_name("replayed"))
    replayed.catch_up(log)
    assert first.digest() == replayed.digest()


def test_many_threads_catch_up_and_read_at_once(folder: Path) -> None:
    log, errors = filled(3 * BATCH), list[BaseException]()
    catalogue = Catalogue.open(folder)

    def work() -> None:
        try:
            catalogue.catch_up(log)
            assert catalogue.search("地契7").total_is_exact
        except BaseException as error:  # noqa: BLE001 - handed to the test's own thread
            errors.append(error)
        finally:
            catalogue.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert catalogue.position() == 3 * BATCH
    assert catalogue.search().total == 1_000


def test_a_rebuild_is_followed_by_those_who_have_the_old_one_open(folder: Path) -> None:
    log = filled(4)
    mine, theirs = Catalogue.open(folder), Catalogue.open(folder)
    mine.catch_up(log, upto=2)
    assert theirs.position() == 2
    assert mine.rebuild(log) == 4
    assert theirs.position() == 4
    assert names(folder) == {"live", "lock", "catalogue-000002.sqlite"}
    log.record("Description", identity("new"), description.Described(fields=fields()))
    assert theirs.catch_up(log) == 5
    assert mine.position() == 5


def test_a_rebuild_takes_in_what_was_recorded_meanwhile(folder: Path) -> None:
    log = filled(2)
    catalogue, other = Catalogue.open(folder), Catalogue.open(folder)

    def meanwhile(done: int, _: int) -> None:
        if done == 2:
            log.record("Description", identity("new"), description.Described(fields=fields()))
            other.catch_up(log)

    assert catalogue.rebuild(log, progress=meanwhile) == 3
    assert other.position() == 3


def test_nobody_writes_to_the_old_one_while_the_pointer_moves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = filled(2)
    catalogue, other = Catalogue.open(folder), Catalogue.open(folder)
    other.position()
    monkeypatch.setattr(files, "WAIT", 0.0)
    point, seen = files.point_to, list[str]()

    def moving(place: Path, name: str) -> None:
        with pytest.raises(ArchiveError) as busy:
            Catalogue(place).catch_up(log)
        seen.append(busy.value.code)
        point(place, name)

    monkeypatch.setattr(files, "point_to", moving)
    assert catalogue.rebuild(log) == 2
    assert seen == ["catalogue-busy"]


def test_the_board_says_that_a_rebuild_goes_on_and_a_second_one_is_refused(folder: Path) -> None:
    catalogue, seen = Catalogue.open(folder), list[object]()

    def meanwhile(*_: int) -> None:
        seen.append(catalogue.board()[0].rebuilding)
        with pytest.raises(ArchiveError) as refused:
            catalogue.rebuild(MemoryLog())
        seen.append(refused.value.code)

    catalogue.rebuild(filled(1), progress=meanwhile)
    assert seen == [True, "catalogue-busy"]
    assert not catalogue.board()[0].rebuilding


def test_what_a_killed_rebuild_left_is_swept(folder: Path) -> None:
    catalogue = Catalogue.open(folder)
    for name in ("catalogue-000007.sqlite", "catalogue-000007.sqlite-wal"):
        (folder / name).write_bytes(b"half")
    catalogue.rebuild(filled(1))
    assert catalogue.search().total == 1
    assert not (folder / "catalogue-000007.sqlite").exists()


class Broken(MemoryLog):
    """A log that cannot be read on from some position."""

    def events(self, *, after: int = 0, **rest: Any) -> Iterator[Event]:
        for event in super().events(after=after, **rest):
            if event.envelope.position == 3:
                raise OSError("unreadable")
            yield event


def test_an_error_is_raised_shown_on_the_board_and_gone_when_it_is_over(folder: Path) -> None:
    catalogue, log = Catalogue.open(folder), filled(4)
    broken = Broken()
    broken.recorded = log.recorded
    with pytest.raises(OSError, match="unreadable"):
        catalogue.catch_up(broken)
    (board,) = catalogue.board()
    assert (board.name, board.position, board.last_error) == ("catalogue", 0, "OSError: unreadable")
    assert catalogue.search().total == 0
    catalogue.catch_up(log)
    assert catalogue.board()[0].last_error is None


def test_a_fault_of_the_log_is_not_taken_for_one_of_the_catalogue(folder: Path) -> None:
    class Faulty(MemoryLog):
        def events(self, **rest: Any) -> Iterator[Event]:
            raise sqlite3.DatabaseError("database disk image is malformed")

    log = Faulty()
    log.recorded = filled(1).recorded
    catalogue = Catalogue.open(folder)
    for work in (catalogue.catch_up, catalogue.rebuild):
        with pytest.raises(ArchiveError) as refused:
            work(log)
        assert refused.value.code == "log-unreadable"
    assert names(folder) == {"live", "lock", "catalogue-000001.sqlite"}


@pytest.mark.parametrize("missing", [1, 2, 4])
def test_a_log_that_leaves_a_position_out_is_not_applied(folder: Path, missing: int) -> None:
    class Gap(MemoryLog):
        def events(self, **rest: Any) -> Iterator[Event]:
            return (event for event in super().events(**rest) if event.envelope.position != missing)

    log = Gap()
    log.recorded = filled(4).recorded
    catalogue = Catalogue.open(folder)
    for work in (catalogue.catch_up, catalogue.rebuild):
        with pytest.raises(ArchiveError) as refused:
            work(log)
        assert (refused.value.code, refused.value.values["thing"]) == ("log-gap", str(missing))
    assert catalogue.position() == 0


def test_a_log_that_is_shorter_than_the_catalogue_is_an_alarm(folder: Path) -> None:
    catalogue = Catalogue.open(folder)
    catalogue.catch_up(filled(3))
    with pytest.raises(ArchiveError) as refused:
        catalogue.catch_up(filled(2))
    assert refused.value.code == "catalogue-ahead"
    assert refused.value.row.exit == 23
    assert catalogue.rebuild(filled(2)) == 2


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def _scribble(path: Path) -> None:
    path.write_bytes(b"\xff" * 8_192)


def _another_version(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def _no_tables(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [_truncate, _scribble, _another_version, _no_tables, Path.unlink])
def test_a_damaged_catalogue_says_so_and_is_made_anew(folder: Path, harm: Any) -> None:
    log = filled(50)
    catalogue = Catalogue.open(folder)
    catalogue.catch_up(log)
    digest = catalogue.digest()
    catalogue.close()
    harm(folder / "catalogue-000001.sqlite")
    with pytest.raises(ArchiveError) as refused:
        Catalogue.open(folder).digest()
    assert refused.value.code == "catalogue-damaged"
    assert "jingui rebuild" in refused.value.hint("en")
    damaged = Catalogue(folder)
    damaged.rebuild(log)
    assert damaged.digest() == digest
    assert Catalogue.open(folder).position() == 50


def test_a_pointer_to_anything_else_is_damage(folder: Path) -> None:
    Catalogue.open(folder).close()
    for content in (b"", b"../../etc/passwd", b"\xff\xfe", b"catalogue-000009.sqlite"):
        (folder / "live").write_bytes(content)
        with pytest.raises(ArchiveError) as refused:
            Catalogue.open(folder)
        assert refused.value.code == "catalogue-damaged"


def test_a_row_that_is_no_card_is_damage(folder: Path) -> None:
    catalogue = Catalogue.open(folder)
    catalogue.catch_up(filled(1))
    catalogue.close()
    db = sqlite3.connect(folder / "catalogue-000001.sqlite")
    db.execute("UPDATE descriptions SET body = replace(body, 'item', 'iten')")
    db.commit()
    db.close()
    with pytest.raises(ArchiveError) as refused:
        catalogue.description(identity("description 0"))
    assert refused.value.code == "catalogue-damaged"


def test_words_of_the_errors_can_be_filled() -> None:
    for code in (
        "catalogue-ahead",
        "catalogue-busy",
        "catalogue-damaged",
        "catalogue-storage",
        "log-gap",
        "log-unreadable",
    ):
        assert code in table()
        error = ArchiveError(code, "x", position=1, log=2, reason="r")
        assert error.message("zh")
        assert error.hint("en")
