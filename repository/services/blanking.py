"""Blanking (抹去): what stands in a payload's place once its words are gone - the same event, readable, without them.

Where words are named, each of them becomes `■` wherever it stands; where none are, every confidential field that is
told in clear does. Sealed fields stay: without their key they say nothing. What holds the event together - ids,
positions, digests, days, terms - stays as it was, so that every decision made from it is made again in the same way.
The bytes are those of the schema in which the event was stored, for it is read by that for ever.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, get_args

import msgspec

from repository.domain.values import Confidential, Value

MARK = "■"

_PARTS = frozenset(get_args(Confidential))


def blanked(kind: type[Value], payload: bytes, words: Sequence[str]) -> bytes:
    """The payload of an event of this type, without these words, or else without its confidential fields."""
    raw = msgspec.json.decode(payload)
    return msgspec.json.encode(_without(raw, words) if words else _silent(raw, confidential_names(kind)))


def stands_in(words: Sequence[str], payload: bytes) -> bool:
    """Whether any of the words still stands there."""
    text = payload.decode()
    return any(msgspec.json.encode(word)[1:-1].decode() in text for word in words)


def is_sealed(raw: dict[str, Any]) -> bool:
    """Whether a JSON object is a sealed field."""
    return list(raw) == ["sealed"] and isinstance(raw["sealed"], dict)


def _without(raw: Any, words: Sequence[str]) -> Any:
    if isinstance(raw, dict):
        return raw if is_sealed(raw) else {key: _without(value, words) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_without(value, words) for value in raw]
    if isinstance(raw, str):
        for word in words:
            raw = raw.replace(word, MARK)
    return raw


def _silent(raw: Any, names: frozenset[str], name: str = "") -> Any:
    if isinstance(raw, dict):
        return raw if is_sealed(raw) else {key: _silent(value, names, key) for key, value in raw.items()}
    if isinstance(raw, list):
        return [_silent(value, names, name) for value in raw]
    return MARK if isinstance(raw, str) and raw and name in names else raw


@cache
def confidential_names(kind: type[Value]) -> frozenset[str]:
    """The names of the fields, here and in the values inside, that may hold a person's or a secret's words."""
    return frozenset(_confidential(kind))


def _confidential(kind: type[Value]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if frozenset(get_args(field.type)) >= _PARTS:
            yield field.name
            continue
        for inner in _values(field.type):
            yield from _confidential(inner)


def _values(kind: Any) -> Iterator[type[Value]]:
    if isinstance(kind, type) and issubclass(kind, Value):
        yield kind
    for part in get_args(kind):
        yield from _values(part)
