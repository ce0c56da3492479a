"""Bodies (请求内容) that many routes take, each stated once."""

from typing import Annotated

import msgspec

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
"""A day, as the people at the archive's place count it."""


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str
