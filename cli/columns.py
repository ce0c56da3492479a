"""Columns of text measured as a terminal shows them: a Chinese character takes two places, a Latin letter one."""

import unicodedata
from collections.abc import Iterator, Sequence

GAP = 2
NARROWEST = 16
"""A column is never folded to fewer places than this."""


def width(words: str) -> int:
    """Places that the words take."""
    return sum(_places(letter) for letter in words)


def pad(words: str, places: int) -> str:
    """The words, and blanks up to so many places."""
    return words + " " * (places - width(words))


def fold(words: str, places: int, *, whole: bool = False) -> list[str]:
    """The words on lines of at most so many places, all their letters kept, broken between words where there are some.

    `whole` breaks nowhere else: an id or a path that is too long for a line stays in one piece, to be copied.
    """
    lines = []
    while width(words) > places:
        cut = _cut(words, places, whole=whole)
        lines.append(words[:cut])
        words = words[cut:]
    return [*lines, words] if words or not lines else lines


def _cut(words: str, places: int, *, whole: bool) -> int:
    """How many letters stand on the first line."""
    fits = taken = 0
    for letter in words:
        taken += _places(letter)
        if taken > places:
            break
        fits += 1
    for cut in range(fits, 0, -1):
        if _between(words, cut):
            return cut
    if whole:
        return next((cut for cut in range(fits + 1, len(words)) if _between(words, cut)), len(words))
    return max(fits, 1)


def _between(words: str, cut: int) -> bool:
    """Whether a line may end here: behind a blank, or beside a Chinese letter (but before no punctuation)."""
    behind, before = words[cut - 1], words[cut : cut + 1]
    if before and before in "，。：；）！？”、》":
        return False
    return behind == " " or (before != " " and (_places(behind) == 2 or (before != "" and _places(before) == 2)))


def laid_out(rows: Sequence[Sequence[str]], room: int | None) -> Iterator[list[str]]:
    """The lines of each row: one where there is room, else the last column below the others, then the widest folded.

    `room` None is room without end.
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    if room is None or _sum(widths) <= room:
        yield from ([_line(row, widths)] for row in rows)
        return
    *upper, last = widths
    widest = upper.index(max(upper))
    upper[widest] = min(upper[widest], max(NARROWEST, room - (_sum(upper) - upper[widest])))
    indent = upper[0] + GAP if upper[0] + GAP + last <= room else GAP
    for *cells, below in rows:
        first, *more = fold(cells[widest], upper[widest])
        lines = [_line([*cells[:widest], first, *cells[widest + 1 :]], upper)]
        lines += [" " * _start(upper, widest) + part for part in more]
        lines += [" " * indent + part for part in fold(below, max(NARROWEST, room - indent)) if part]
        yield lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * GAP).join(pad(cell, places) for cell, places in zip(cells, widths, strict=True)).rstrip()


def _start(widths: Sequence[int], column: int) -> int:
    return sum(widths[:column]) + GAP * column


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _places(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1
