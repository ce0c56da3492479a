"""Tails of the log: read as they were first written, resumed wherever a writer died, never with a hole."""

import json
from pathlib import Path
from random import Random

import pytest

from repository.errors import ArchiveError
from repository.storage import COMMANDS, EVENTS, PAYLOADS, Span, StoreMark, Tails
from tests.faults.dying import Death, changes
from tests.golden_tails import ARCHIVE, COMMAND, FOLDER, STORE, entries, write


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_golden_tails_are_read_and_written_again_unchanged(tmp_path: Path) -> None:
    golden = Tails(FOLDER)
    assert golden.mark() == StoreMark(store=STORE, archive=ARCHIVE)
    assert (golden.covering(), list(golden.events())) == ([Span(1, 4)], entries())
    assert list(map(json.loads, golden.commands())) == [COMMAND]
    write(tmp_path)
    assert files(tmp_path) == files(FOLDER)


def append(tails: Tails, first: int, last: int, word: str = "e") -> None:
    lines = [f"{word}{number}\n".encode() for number in range(first, last + 1)]
    tails.write(Span(first, last), lines, lines, [json.dumps({"first": first, "last": last}).encode() + b"\n"])


def test_a_hole_ends_what_counts(tmp_path: Path) -> None:
    tails = Tails(tmp_path)
    tails.prepare(ARCHIVE, STORE)
    append(tails, 1, 3)
    append(tails, 6, 9)
    assert (tails.reached(), [position for position, _, _ in tails.events()]) == (3, [1, 2, 3])
    append(tails, 4, 5)
    assert (tails.reached(), len(list(tails.events()))) == (9, 9)


def test_a_longer_tail_takes_the_place_of_what_it_begins_with_and_of_nothing_else(tmp_path: Path) -> None:
    tails = Tails(tmp_path)
    tails.prepare(ARCHIVE, STORE)
    append(tails, 1, 3)
    append(tails, 1, 5)
    assert tails.spans() == [Span(1, 5)]
    with pytest.raises(ArchiveError, match="not those of the log from position 1"):
        append(tails, 1, 6, "x")
    assert (tails.spans(), len(list(tails.events()))) == ([Span(1, 5)], 5)


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_the_next_run_goes_on(tmp_path: Path, seed: int) -> None:
    """At every change that a write and a blanking make: what was kept stays, and the same calls finish the work."""
    at, random = 1, Random(seed)
    done = False
    while not done:
        tails = Tails(tmp_path / str(at))
        tails.prepare(ARCHIVE, STORE)
        append(tails, 1, 3)
        end = random.randrange(4, 9)
        try:
            with changes(at):
                append(tails, 1, end)
                tails.blank({2: b"gone\n"})
            done = True
        except Death:
            assert tails.reached() in {3, end}
            assert [envelope for _, envelope, _ in tails.events()][:3] == [b"e1", b"e2", b"e3"]
        append(tails, 1, end)
        tails.blank({2: b"gone\n"})
        assert (tails.spans(), [payload for _, _, payload in tails.events()][1]) == ([Span(1, end)], b"gone")
        assert {path.suffix for path in tails.place.iterdir()} == {".ndjson"}
        assert not tails.holding(b"e2\n") or all(b"e2" not in line for line in tails.lines(Span(1, end), PAYLOADS))
        at += 1
    assert at > 10


def test_parts_have_their_names(tmp_path: Path) -> None:
    write(tmp_path)
    names = {path.name for path in Tails(tmp_path).place.iterdir()}
    assert names == {Span(1, 4).name(part) for part in (EVENTS, PAYLOADS, COMMANDS)}
