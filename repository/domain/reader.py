"""Reader (查档人): one who uses records, known to the archive under a sealed identity.

Name, number and contact are sealed under the reader's own key, which lies outside the log, from the first reader on: a
key that is destroyed takes the words with it and leaves the history whole.
"""

from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Sealed, Value
from repository.errors import ArchiveError


class Document(StrEnum):
    """Papers that a reader shows (证件与证明)."""

    IDENTITY_CARD = "identity-card"
    PASSPORT = "passport"
    RESIDENCE_PERMIT = "residence-permit"
    OFFICER_CARD = "officer-card"
    POWER_OF_ATTORNEY = "power-of-attorney"
    LETTER_OF_INTRODUCTION = "letter-of-introduction"
    PROOF_OF_KINSHIP = "proof-of-kinship"
    PROOF_OF_GUARDIANSHIP = "proof-of-guardianship"
    COURT_LETTER = "court-letter"


IDENTITY = frozenset({Document.IDENTITY_CARD, Document.PASSPORT, Document.RESIDENCE_PERMIT, Document.OFFICER_CARD})
"""Papers that say who somebody is."""


class Introduced(Value, frozen=True, kw_only=True):
    """The reader is known: by which paper, and under which words, all sealed. Said again, the last word holds."""

    document: Document
    name: Confidential
    number: Confidential
    contact: Confidential | None


class SubjectKeyDestroyed(Value, frozen=True, kw_only=True):
    """The reader's key is gone, and with it every word that was sealed under it; on which basis, and who agreed."""

    key: UUID
    legal_basis: Confidential
    approvers: tuple[UUID, UUID]


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know."""

    introduced: Introduced | None = None
    destroyed: frozenset[UUID] = frozenset()


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Introduced():
            return replace(state, introduced=event)
        case SubjectKeyDestroyed():
            return replace(state, destroyed=state.destroyed | {event.key})
        case _:
            return state


READER = Aggregate("Reader", State(), evolve)


def introduce(state: State, introduced: Introduced) -> list[Value]:
    """Introduce a reader. Refused for a paper that proves no identity, and for words that are not sealed.

    A reader who is known is introduced again only to put a word right; `state` is then not empty.
    """
    if introduced.document not in IDENTITY:
        raise ArchiveError("documents-missing", introduced.document, needed=", ".join(sorted(IDENTITY)))
    for words in (introduced.name, introduced.number, introduced.contact):
        if words is not None and not isinstance(words, Sealed):
            raise ArchiveError("not-sealed", "Introduced")
    return [] if introduced == state.introduced else [introduced]
