"""Words (检索词): how titles are cut up for the index, and questions for asking it.

Han characters and kana have no spaces between words, so each run of them is cut into overlapping pairs, the last
character standing alone: 民国地契 is 民国, 国地, 地契, 契. Two-character words, the commonest Chinese query, are then
single terms, longer ones are phrases, and one character is the beginning of a term. Other letters and digits are whole
words. Text is compared after NFKC and case folding; simplified and traditional forms are kept apart.
"""

import re
import unicodedata

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
    if len(word) > 1 and _HAN_PAIR.fullmatch(word[-2]) and word[-2][1] == word[-1]:
        return f'"{" ".join(word[:-1])}"'
    return f'"{" ".join(word)}" *'
