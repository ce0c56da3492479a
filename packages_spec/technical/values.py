"""What is found out about a file beyond its format: properties, parts, and why there are none.

`kind` is a word of the schema (`image`, `pdf`, `office`, ...), and so are the names of properties and the kinds of
parts. No person's name stands here: a message has no addresses, a signature no signer.
"""

import msgspec


class Property(msgspec.Struct, frozen=True):
    """One value with its unit; numbers are written in decimal digits with a point."""

    name: str
    value: str
    unit: str | None = None


class Part(msgspec.Struct, frozen=True):
    """Something inside the file that has properties of its own: a track, a table, an attachment, a signature."""

    kind: str
    name: str
    properties: tuple[Property, ...] = ()


class Technical(msgspec.Struct, frozen=True):
    """What one file says of itself, as `tool` read it. With `failure` it could not be read, and why."""

    kind: str
    tool: str
    properties: tuple[Property, ...] = ()
    parts: tuple[Part, ...] = ()
    failure: str | None = None
    creating_application: str | None = None

    def value(self, name: str) -> str | None:
        """The first property of this name."""
        return next((each.value for each in self.properties if each.name == name), None)

    def parts_of(self, kind: str) -> tuple[Part, ...]:
        """The parts of this kind."""
        return tuple(part for part in self.parts if part.kind == kind)
