"""Words (检索词): how titles are cut up for the index, and questions for asking it.

Han characters and kana have no spaces between words, so each run of them is cut into overlapping pairs, the last
character standing alone: 民国地契 is 民国, 国地, 地契, 契. Two-character words, the commonest Chinese query, are then
single terms, longer ones are phrases, and one character is the beginning of a term. Other letters and digits are whole
words. Text is compared after NFKC and case folding; simplified and traditional forms are kept apart.

Beside the words of its title a description has a few marks: its fonds, year and secrecy class as terms that no title
can hold. A question that asks for them too meets only the hits that have them, instead of looking at every hit. They
only narrow: what is asked is still compared with the row itself.
"""

import re
import unicodedata

MARK = "§"
"""First character of a mark; neither letter nor digit, so in no title's terms."""

MOST_YEARS = 30
"""A longer span of years is not worth asking for year by year."""

LONGEST_QUESTION = 200
"""Characters of a question that are looked at. The longest title that anybody types is far shorter."""

_HAN = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_PAIR = re.compile(rf"[{_HAN}]{{2}}")
_RUNS = re.compile(rf"([{_HAN}]+)|[^\W_{_HAN}]+")


def normal(text: str) -> str:
    """The form in which two texts are compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def terms(text: str) -> list[str]:
    """Terms of a text in their order. Each holds letters and digits only, never syntax of the index."""
    found: list[str] = []
    for run in _RUNS.finditer(normal(text)):
        word = run[0]
        if run[1] is None:
            found.append(word)
        else:
            found += [word[at : at + 2] for at in range(len(word))]
    return found


def question(words: str) -> str | None:
    """The question to the index that finds titles with all these words; null when there is nothing to look for.

    What stands between spaces is looked for as it stands, anywhere in the title; its end may be the beginning of a
    longer word. Whatever is neither letter nor digit is left out, so no text is ever an error or an operator.
    """
    phrases = [_phrase(terms(word)) for word in normal(words[:LONGEST_QUESTION]).split()]
    return " AND ".join(phrase for phrase in phrases if phrase) or None


def _phrase(word: list[str]) -> str:
    """A phrase of the terms, its end open. The term that only closes a run of pairs says nothing that they do not."""
    if not word:
        return ""
    if len(word) > 1 and _HAN_PAIR.fullmatch(word[-2]):
        return f'"{" ".join(word[:-1])}"'
    return f'"{" ".join(word)}" *'


def marks(fonds: str | None, year: int | None, secrecy: int) -> list[str]:
    """The marks of a description; `secrecy` is the rank of its class."""
    found = [_secrecy(secrecy)]
    if fonds is not None:
        found.append(_fonds(fonds))
    if year is not None:
        found.append(_year(year))
    return found


def narrowing(fonds: str | None, year_from: int | None, year_to: int | None, secrecy_max: int | None) -> list[str]:
    """Questions to the index that the marks of everything asked for answer."""
    either: list[list[str]] = []
    if fonds is not None:
        either.append([_fonds(fonds)])
    if year_from is not None and year_to is not None and 0 <= year_to - year_from < MOST_YEARS:
        either.append([_year(year) for year in range(year_from, year_to + 1)])
    if secrecy_max is not None:
        either.append([_secrecy(rank) for rank in range(secrecy_max + 1)])
    return ["(" + " OR ".join(f'"{mark}"' for mark in one_of) + ")" for one_of in either]


def _fonds(fonds: str) -> str:
    return f"{MARK}f{fonds.encode().hex()}"


def _year(year: int) -> str:
    return f"{MARK}y{year}".replace("-", "b")


def _secrecy(rank: int) -> str:
    return f"{MARK}s{rank}"
