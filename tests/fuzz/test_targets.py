"""A moment of fuzzing in every run: no bytes make an entry point raise what is not its refusal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS


def spoilt(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Any bytes, and the seeds with some bytes cut out and others put in."""
    change = st.tuples(st.integers(0, 700), st.integers(0, 8), st.binary(max_size=6))
    changed = st.tuples(st.sampled_from(seeds), st.lists(change, max_size=3)).map(lambda drawn: _changed(*drawn))
    return st.binary(max_size=300) | changed


def _changed(content: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for where, cut, put in changes:
        at = where % (len(content) + 1)
        content = content[:at] + put + content[at + cut :]
    return content


@pytest.mark.parametrize("name", TARGETS)
def test_no_bytes_raise_what_is_no_refusal(name: str) -> None:
    target = TARGETS[name]

    @given(spoilt(target.seeds))
    @settings(max_examples=150, deadline=None)
    def run(content: bytes) -> None:
        target.function(content)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_the_inputs_to_begin_with_are_taken(name: str) -> None:
    for seed in TARGETS[name].seeds:
        TARGETS[name].function(seed)
