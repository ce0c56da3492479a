"""The context (上下文) of a sealed file: of which package it is, and at which path it stands.

Version 1, stored for ever: the stanza `-> jingui/context 1`, whose body is HMAC over `jingui.context/1`, package id,
path and suite - each preceded by its length in bytes (decimal) and a colon -, under HKDF of the file key with the info
`jingui.context/1` and no salt, both with the suite's digest. Only who can open the file can make it, and any other
program passes over it as over a stanza for somebody else.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from repository.crypto.age.header import Stanza
from repository.crypto.age.suites import Suite, same
from repository.crypto.sealing import bound
from repository.errors import ArchiveError

_WORDS = ("jingui/context", "1")
_MARK = "jingui.context/1"


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sealed file belongs. `path` as the package's manifest spells it."""

    package: UUID
    path: str

    def stanza(self, suite: Suite, file_key: bytes) -> Stanza:
        """The stanza that binds a file to this place."""
        return Stanza(_WORDS, self._bound(suite, file_key))

    def expect(self, stanzas: Sequence[Stanza], suite: Suite, file_key: bytes, name: str) -> None:
        """Refuse a file that was sealed for another place, or for none (`sealed-context`)."""
        bodies = [stanza.body for stanza in stanzas if stanza.words == _WORDS]
        if len(bodies) != 1 or not same(bodies[0], self._bound(suite, file_key)):
            raise ArchiveError("sealed-context", name, package=self.package, path=self.path)

    def _bound(self, suite: Suite, file_key: bytes) -> bytes:
        key = suite.derive(file_key, salt=b"", info=_MARK.encode("ascii"), length=32)
        return suite.mac(key, bound(_MARK, str(self.package), self.path, suite.name))
