"""Tails of the log: whole after every death, blanked where they were, and never written over by another history."""

import random
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from repository.errors import ArchiveError
from repository.storage import SMALL, Span, Tails, wipe
from repository.storage import tails as module

ARCHIVE, STORE = UUID(int=1), UUID(int=2)


class DiedError(Exception):
    """The process is gone."""


def line(position: int, word: str = "envelope") -> bytes:
    return f'{{"{word}":{position}}}\n'.encode()


def send(tails: Tails, upto: int, word: str = "envelope") -> None:
    """As the archive does it: a small tail is written again, longer."""
    covering = tails.covering()
    small = covering and covering[-1].last - covering[-1].first + 1 < SMALL
    span = Span(covering[-1].first if small else tails.reached() + 1, upto)
    positions = range(span.first, span.last + 1)
    commands = (f'{{"first":{position}}}\n'.encode() for position in positions)
    tails.write(span, (line(one, word) for one in positions), (line(one, "payload") for one in positions), commands)


def told(tails: Tails) -> list[bytes]:
    return [envelope + b"\n" for _, envelope, _ in tails.events()]


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Tails]:
    def make(name: str) -> Tails:
        tails = Tails(tmp_path / name)
        tails.prepare(ARCHIVE, STORE)
        return tails

    return make


def test_every_position_is_told_once_and_small_tails_are_few(made: Callable[[str], Tails]) -> None:
    tails, chance, end = made("store"), random.Random(1868), 0
    for _ in range(60):
        end += chance.randint(1, 60)
        send(tails, end)
        assert len(tails.spans()) <= end // SMALL + 1
    assert told(tails) == [line(position) for position in range(1, end + 1)]
    assert len(list(tails.commands())) == end


def dying(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Renaming and wiping, of which the one of this number never ends: a file that was being wiped is all zeros."""
    count = 0

    def counted(true: Callable[..., object], *, wiping: bool) -> Callable[..., object]:
        def act(path: Path, *rest: object) -> object:
            nonlocal count
            count += 1
            if count == after:
                if wiping and path.exists():
                    path.write_bytes(bytes(path.stat().st_size))
                raise DiedError
            return true(path, *rest)

        return act

    monkeypatch.setattr(Path, "rename", counted(Path.rename, wiping=False))
    monkeypatch.setattr(module, "wipe", counted(wipe, wiping=True))


def blank(tails: Tails) -> None:
    tails.blank({2: b"gone\n", 5: b"gone\n"})


@pytest.mark.parametrize("act", [lambda tails: send(tails, 12), blank], ids=["write", "blank"])
def test_a_death_at_any_step_loses_nothing_and_the_next_run_goes_on(
    made: Callable[[str], Tails], monkeypatch: pytest.MonkeyPatch, act: Callable[[Tails], None]
) -> None:
    deaths, died = 0, True
    while died:
        tails = made(str(deaths))
        for end in (4, 7):
            send(tails, end)
        with monkeypatch.context() as patch:
            dying(patch, deaths + 1)
            try:
                act(tails)
                died = False
            except DiedError:
                deaths += 1
        reached = tails.reached()
        assert reached >= 7
        assert told(tails) == [line(position) for position in range(1, reached + 1)]
        if reached < 12:
            send(tails, 12)
        blank(tails)
        assert told(tails) == [line(position) for position in range(1, 13)]
        payloads = [payload for _, _, payload in tails.events()]
        assert [at for at, payload in enumerate(payloads, 1) if payload == b"gone"] == [2, 5]
        send(tails, 14)
        assert tails.reached() == 14
    assert deaths >= 2


def test_what_a_store_once_kept_is_not_overwritten(made: Callable[[str], Tails]) -> None:
    tails = made("store")
    send(tails, 7)
    with pytest.raises(ArchiveError) as refused:
        send(tails, 9, "another")
    assert refused.value.code == "tails-contradict"
    assert told(tails) == [line(position) for position in range(1, 8)]
    with pytest.raises(ArchiveError) as foreign:
        tails.prepare(UUID(int=3), STORE)
    assert foreign.value.code == "store-of-another"
