"""The one-time link (一次性链接): whoever started the server may come in by it once, within ten minutes."""

import hashlib
import secrets
import threading
from datetime import datetime, timedelta

from repository.errors import ArchiveError
from repository.services.session import Clock

MINUTES = 10


class Link:
    """A token that opens once. Only its digest is kept, and only in this process."""

    def __init__(self, clock: Clock) -> None:
        self.token = secrets.token_urlsafe(32)
        self._digest: str | None = _digest(self.token)
        self._clock = clock
        self.ends: datetime = clock() + timedelta(minutes=MINUTES)
        self._guard = threading.Lock()

    def use(self, token: str) -> None:
        """Open, and shut for good. `link-invalid` for another token, the second time, and after its end."""
        with self._guard:
            known = self._digest or ""
            if not secrets.compare_digest(_digest(token), known) or self._clock() >= self.ends:
                raise ArchiveError("link-invalid")
            self._digest = None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
