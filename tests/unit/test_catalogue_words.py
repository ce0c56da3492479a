"""How titles are cut up, and that no question is ever an operator or an error."""

import pytest

from repository.catalogue.words import narrowing, question, terms


def test_han_characters_are_cut_into_pairs_and_other_words_stay_whole() -> None:
    assert terms("民国地契 ABC-1950年") == ["民国", "国地", "地契", "契", "abc", "1950", "年"]


def test_width_and_case_do_not_matter() -> None:
    assert terms("\uff21\uff22\uff23\u3000\uff11\uff19\uff15\uff10") == terms("abc 1950") == ["abc", "1950"]


@pytest.mark.parametrize("text", ["", " ", "***", '"', "\0", "\ud800", "§s0", "____", "-", "()"])
def test_text_without_words_asks_nothing_of_titles(text: str) -> None:
    assert question(text) in (None, '"s0" *')


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("地契", '"地契"'),
        ("土地契约", '"土地 地契 契约"'),
        ("契", '"契" *'),
        ("1950", '"1950" *'),
        ("1950年", '"1950 年" *'),
        ("民国1950", '"民国 国 1950" *'),
        ("ab契", '"ab 契" *'),
        ("地契 民国", '"地契" AND "民国"'),
        ("地契·契", '"地契 契 契" *'),
        ("地契 OR NOT", '"地契" AND "or" * AND "not" *'),
    ],
)
def test_questions(words: str, asked: str) -> None:
    assert question(words) == asked


def test_a_question_is_looked_at_only_so_far() -> None:
    long = question("a b " * 10_000)
    assert long is not None
    assert long.count('"a" *') == 50


def test_marks_narrow_only_by_what_is_given() -> None:
    assert narrowing(None, None, None, None) == []
    assert narrowing(None, 1900, None, None) == []
    assert narrowing(None, 1900, 2000, None) == []
    assert narrowing("J1", 1950, 1951, 1) == ['("§f4a31")', '("§y1950" OR "§y1951")', '("§s0" OR "§s1")']
