"""Tables keep every letter and line up, however wide the letters and however narrow the terminal."""

from hypothesis import given
from hypothesis import strategies as st

from cli.columns import GAP, fold, laid_out, width

letters = st.text(alphabet="abc档号题名-é0", max_size=30)
tables = st.integers(2, 5).flatmap(
    lambda columns: st.lists(st.lists(letters, min_size=columns, max_size=columns), min_size=1, max_size=6)
)

PACKAGE = "2354fa5e-a4bd-4b3d-96d7-8f1b66ae4f8d"
ROWS = [["档号", "题名", "信息包"], ["J012-1-0001", "民国二十三年陈德厚绝卖水田地契", PACKAGE]]


def test_a_chinese_letter_takes_two_places_and_a_combining_one_none() -> None:
    assert (width("地契"), width("ab"), width("e\u0301")) == (4, 2, 1)


def test_with_room_enough_a_row_is_a_line_and_columns_begin_together() -> None:
    (header,), (row,) = laid_out(ROWS, None)
    assert row == "J012-1-0001  民国二十三年陈德厚绝卖水田地契  " + PACKAGE
    assert width(header.partition("信息包")[0]) == width(row.partition(PACKAGE)[0])


def test_what_people_copy_moves_below_whole() -> None:
    _, (upper, lower) = laid_out(ROWS, 60)
    assert upper == "J012-1-0001  民国二十三年陈德厚绝卖水田地契"
    assert lower.strip() == PACKAGE


@given(letters, st.integers(2, 20))
def test_folding_keeps_every_letter_within_the_places(words: str, places: int) -> None:
    lines = fold(words, places)
    assert "".join(lines) == words
    assert all(width(line) <= places for line in lines)


@given(tables, st.one_of(st.none(), st.integers(20, 120)))
def test_no_letter_is_lost_at_any_width(rows: list[list[str]], room: int | None) -> None:
    for row, lines in zip(rows, laid_out(rows, room), strict=True):
        assert sorted("".join(lines).replace(" ", "")) == sorted("".join(row))
        assert room is not None or len(lines) == 1


@given(tables, st.integers(80, 120))
def test_nothing_is_wider_than_the_terminal_where_it_can_be_helped(rows: list[list[str]], room: int) -> None:
    *upper, _ = [max(map(width, column)) for column in zip(*rows, strict=True)]
    others = sum(upper) - max(upper) + GAP * len(upper)
    if others + 20 <= room:
        assert all(width(line) <= room for lines in laid_out(rows, room) for line in lines)


def test_a_sentence_is_broken_between_words_and_an_id_never() -> None:
    assert fold("nothing of it was stored", 12, whole=True) == ["nothing of ", "it was ", "stored"]
    assert fold(f"from {PACKAGE} on", 20, whole=True) == ["from ", f"{PACKAGE} ", "on"]
    assert fold("没有任何内容入库。", 16, whole=True) == ["没有任何内容入", "库。"]
