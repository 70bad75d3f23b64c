"""What the server's commands tell of an instance, besides its certificates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ArmReport:
    """A file with a certificate that the server wrote; `label` is what the key database calls it."""

    name: str
    sha256: str | None
    not_after: str | None
    label: str | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class TrustReport:
    """A client's store of this host that holds a certificate of the instance, or is for its database backup.

    `label` and `sha256` are None for one that holds none. `current` is whether it is the one that the server
    presents.
    """

    store: str
    owner: str
    label: str | None
    sha256: str | None
    current: bool
    database_backup: bool


@dataclass(frozen=True, slots=True)
class InstanceReport:
    """A server instance. `id` is that of its entry in `stores`, which has its certificates.

    `agrees` is whether cert256.arm is the certificate that the server presents; None when either is missing.
    `action` says what must be done, empty when nothing.
    """

    id: str
    directory: str
    owner: str
    running: bool | None = None
    services: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    label: str | None = None
    sha256: str | None = None
    not_after: str | None = None
    days_left: int | None = None
    agrees: bool | None = None
    arms: tuple[ArmReport, ...] = ()
    trusted_by: tuple[TrustReport, ...] = ()
    action: tuple[str, ...] = ()
