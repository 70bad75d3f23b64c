"""What is looked at in a certificate, as plain values."""

from __future__ import annotations

from datetime import datetime

from dsmcertfix import NamedTuple

# RFC 4514, section 3; the others are written by their numbers.
_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}
_ESCAPED = str.maketrans({**{sign: f"\\{sign}" for sign in '\\"+,;<>'}, "\0": "\\00"})


class Name(NamedTuple):
    """A subject or issuer: its parts in their order, each with its attributes as (OID, value)."""

    parts: tuple[tuple[tuple[str, str | bytes], ...], ...]

    @property
    def text(self) -> str:
        """The name as RFC 4514 writes it, the last part first."""
        return ",".join(
            "+".join(f"{_SHORT.get(oid, oid)}={_written(value)}" for oid, value in part)
            for part in reversed(self.parts)
        )

    @property
    def attributes(self) -> tuple[tuple[str, str | bytes], ...]:
        """All attributes, whatever part they are in."""
        return tuple(attribute for part in self.parts for attribute in part)

    def same(self, other: Name) -> bool:
        """Whether both say the same; the order inside a part is none."""
        return list(map(frozenset, self.parts)) == list(map(frozenset, other.parts))


class Extensions(NamedTuple):
    """What the extensions say: None where they do not say. `critical` has the OIDs of the critical ones."""

    ca: bool | None = None
    path_length: int | None = None
    signs: bool | None = None
    constrained: bool = False
    critical: tuple[str, ...] = ()


class Reading(NamedTuple):
    """A certificate. `extensions` is None where one of them cannot be read."""

    subject: Name
    issuer: Name
    serial: int
    not_before: datetime
    not_after: datetime
    extensions: Extensions | None


def _written(value: str | bytes) -> str:
    if isinstance(value, bytes):
        return f"#{value.hex()}" if value else ""
    text = value.translate(_ESCAPED)
    if text[:1] == "#" or (text[:1] == " " and len(text) > 1):
        text = f"\\{text}"
    return f"{text[:-1]}\\ " if text[-1:] == " " else text
