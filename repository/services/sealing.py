"""Sealing (涉密加密): which records are ciphertext, under which class key, and what opens them.

The settings decide by 密级 (`seal_from`), for every record alone, and a record is sealed whole: its files, its
description, what came with it, what its events say, and every digest of plaintext. 档号, class, dates and counts stay
readable, for the archive works by them. The class key bears the name of the class. Words in events are sealed under the
package's own key in the vault.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from repository.crypto import PackageCipher, PackageKeys, Place, SubjectKey, keyed_digest, seal, unseal
from repository.domain.accession import DeliveryReceived
from repository.domain.aggregate import fold
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Encrypted
from repository.domain.description import DESCRIPTION, Described, Revised
from repository.domain.description_fields import SECTIONS, Fields
from repository.domain.envelope import Event
from repository.domain.values import Sealed, SecrecyClass, Value
from repository.errors import ArchiveError
from repository.services.blanking import confidential_names
from repository.services.key_ring import wrapping_for
from repository.services.session import Session
from repository.settings import Settings

WHAT = ("content", "names", "description", "digests", "delivery", "payloads")
"""What is ciphertext in a controlled package."""


def class_key_for(settings: Settings, secrecy: SecrecyClass) -> str | None:
    """The class key that records of this class are sealed under; null where they lie in clear."""
    if settings.seal_from is None or secrecy.rank < settings.seal_from.rank:
        return None
    return secrecy.value


def new_cipher(session: Session, package: UUID, generation: int, class_key: str) -> PackageCipher:
    """The cipher of a generation that is to be sealed; its identity is durable before anybody hears of it.

    `ring-key-unknown`, `recovery-key-missing`, and others of the key ring: nothing was written then.
    """
    wrapping = wrapping_for(session, class_key)
    return PackageCipher(package, session.package_keys.create(package, generation, wrapping))


def cipher_of(session: Session, package: UUID, generation: int) -> PackageCipher:
    """The cipher of a generation that is sealed. `key-record-missing` once it was destroyed, and what keeps keys.

    The record is looked at every time: what was destroyed opens nothing, also in a process that opened it before.
    """
    session.package_keys.head(package, generation)
    return _cipher(session.package_keys, package, generation)


@lru_cache(maxsize=16)
def _cipher(keys: PackageKeys, package: UUID, generation: int) -> PackageCipher:
    return PackageCipher(package, keys.identity(package, generation))


def is_shredded(session: Session, package: UUID, generation: int) -> bool:
    """Whether nobody opens a sealed generation any more: its record was destroyed."""
    try:
        session.package_keys.head(package, generation)
    except ArchiveError as error:
        if error.code != "key-record-missing":
            raise
        return True
    return False


def forget_cipher(session: Session, package: UUID, generation: int) -> None:
    """Destroy what opens a generation, or a delivery, whose ciphertext is gone. Done already, it passes."""
    _cipher.cache_clear()
    if not is_shredded(session, package, generation):
        session.package_keys.destroy([session.package_keys.head(package, generation)])


def encrypted(cipher: PackageCipher, generation: int, class_key: str) -> Encrypted:
    """The event that says so."""
    return Encrypted(
        generation=generation, suite=cipher.suite, class_key=class_key, recipient=cipher.recipient, sealed=WHAT
    )


def keyed_listing(session: Session, accession: UUID, listing_sha256: str) -> str:
    """A delivery's digest as the log may know it: keyed, so that nobody without the vault can guess at its content."""
    return keyed_digest(session.vault.make(accession), "jingui.listing/1", listing_sha256)


def is_same_listing(session: Session, accession: UUID, listing_sha256: str, received: DeliveryReceived) -> bool:
    """Whether a listing is that of a delivery that was received, in clear or sealed."""
    if received.listing_sha256 == listing_sha256:
        return True
    is_keyed = session.vault.key_id(accession) is not None
    return is_keyed and keyed_listing(session, accession, listing_sha256) == received.listing_sha256


def is_controlled(session: Session, package: UUID | None) -> bool:
    """Whether the package's record is sealed, by what the log says now."""
    return package is not None and session.log.load(ARCHIVAL_PACKAGE, package).state.encrypted is not None


def sealed_fields(session: Session, package: UUID, description: UUID, version: int, fields: Fields) -> Fields:
    """A description with its confidential words sealed for the event that will have this version.

    Subject words have no sealed form, and are left out: they stand in the package.
    """
    key = session.vault.make(package)
    changed = _each(fields, lambda words, name: _seal(words, key, description, version, name))
    return msgspec.structs.replace(changed, keywords=())


def _seal(words: object, key: SubjectKey, stream: UUID, version: int, name: str) -> object:
    place = Place(stream=stream, version=version, field=name)
    return seal(words, key, place) if isinstance(words, str) else words


def readable_fields(session: Session, description: UUID) -> Fields:
    """A description with its words as they were before they were sealed. `description-unknown`, `key-record-missing`.

    Whoever calls this has asked for the right. Fields that are not sealed are as they are.
    """
    events = session.log.stream(description)
    fields = fold(DESCRIPTION, events).fields
    if fields is None:
        raise ArchiveError("description-unknown", description)
    return unsealed_fields(session, events, fields)


def unsealed_fields(session: Session, events: Sequence[Event], fields: Fields) -> Fields:
    """The same of fields that were read already. Every revision brings every field, sealed for its own version."""
    said = [event for event in events if isinstance(event.payload, Described | Revised)]
    if not said or not has_sealed(fields):
        return fields
    stream, version = said[-1].envelope.stream, said[-1].envelope.version
    keys: dict[UUID, SubjectKey] = {}

    def open_words(words: object, name: str) -> object:
        if not isinstance(words, Sealed):
            return words
        subject = words.sealed.subject
        if subject not in keys:
            keys[subject] = session.vault.key(subject)
        return unseal(words, keys[subject], Place(stream=stream, version=version, field=name))

    return _each(fields, open_words)


def has_sealed(fields: Fields) -> bool:
    """Whether any of its words is sealed."""
    found: list[object] = []

    def look(words: object, _: str) -> object:
        found.append(words)
        return words

    _each(fields, look)
    return any(isinstance(one, Sealed) for one in found)


Change = Callable[[object, str], object]
"""What becomes of a confidential field: its words (or the lack of them) and its name."""


def _each(fields: Fields, change: Change) -> Fields:
    """The fields with every confidential one changed, those of the section too, named `section.field`."""
    changed: Fields = _changed(fields, change, "")
    section = fields.section
    if section is None:
        return changed
    name = next(name for name in SECTIONS if getattr(fields, name) is section)
    whole: Fields = msgspec.structs.replace(changed, **{name: _changed(section, change, f"{name}.")})
    return whole


def _changed(value: Value, change: Change, prefix: str) -> Any:
    own = confidential_names(type(value)) & set(value.__struct_fields__)
    words = {name: change(getattr(value, name), prefix + name) for name in sorted(own)}
    return msgspec.structs.replace(value, **words)
