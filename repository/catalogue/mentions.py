"""Mentions (提及): which events of the log name an id, found without reading the log."""

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from repository.domain.values import Sealed, Value

_NAMED = "SELECT position FROM mentions WHERE id = ?1 AND position <= ?2"
_STRETCHES = """
    SELECT one.position, (SELECT min(later.position) FROM strands AS later WHERE later.position > one.position)
    FROM strands AS one
    WHERE (one.actor = ?1 OR one.principal = ?1 OR one.correlation = ?1) AND one.position <= ?2"""
_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_encode = msgspec.json.Encoder().encode


def naming(db: sqlite3.Connection, identity: UUID, position: int) -> list[int]:
    """Positions up to this one, in order, of events by, for, over or about an id."""
    asked = (identity.bytes, position)
    found = {at for (at,) in db.execute(_NAMED, asked)}
    for first, following in db.execute(_STRETCHES, asked):
        found.update(range(first, min(position + 1, following or position + 1)))
    return sorted(found)


def named_in(kind: str, payload: Value) -> Iterable[UUID]:
    """Every id that a payload names, wherever in it and in whatever words: as if its JSON were read for ids."""
    quick = _QUICK.get(kind)
    return in_words(payload) if quick is None else quick(payload)


def in_words(payload: Value) -> Iterable[UUID]:
    """The ids that stand in a payload's JSON."""
    return {UUID(each.decode()) for each in _UUID.findall(_encode(payload))}


def _described(payload: Any) -> Iterable[UUID]:
    fields = payload.fields
    words = (fields.title, fields.responsible_party, fields.abstract, fields.note, getattr(payload, "reason", None))
    if fields.section is not None or any(type(one) is Sealed or (one and "-" in one) for one in words):
        return in_words(payload)
    return [one for one in (fields.parent, fields.package) if one is not None]


_QUICK: Mapping[str, Callable[[Any], Iterable[UUID]]] = {
    "ArchivalPackage.Created": lambda payload: (payload.accession, payload.description),
    "ArchivalPackage.FormatsIdentified": lambda _: (),
    "ArchivalPackage.VirusChecked": lambda _: (),
    "ArchivalPackage.Stored": lambda _: (),
    "Description.Described": _described,
    "Description.Revised": _described,
    "ReferenceCode.Reserved": lambda payload: (payload.holder,),
}
"""The types that the log has most of, whose ids stand in known fields: reading the words would cost a third more."""
