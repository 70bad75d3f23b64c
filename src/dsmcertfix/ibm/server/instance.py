"""What a server instance is: a directory with `cert.kdb`, how it was found, and what was seen in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dsmcertfix.errors import Problem
from dsmcertfix.model import Certificate, FileFact, Owner, Server, ServerFile, StarterKind, short_id

LABEL = "TSM Server SelfSigned SHA Key"
"""Under it the server keeps the certificate that it made for itself, and makes a new one when it is missing
(IT42905)."""


@dataclass(frozen=True, slots=True)
class LocatedInstance:
    """An instance directory: where, how it was found, and whose. `owner` is who its server runs as.

    `directory` has no symbolic link in it; `identity` is (device, inode).
    """

    directory: Path
    identity: tuple[int, int]
    owner: Owner
    because: tuple[str, ...] = ()
    problem: Problem | None = None

    @property
    def kind(self) -> type[ServerFile]:
        """See `FileSet`."""
        return ServerFile

    @property
    def id(self) -> str:
        """Stable from run to run, and not that of a client's store in the same directory."""
        return short_id(f"server {self.directory}")


@dataclass(frozen=True, slots=True)
class Arm:
    """A file with a certificate that the server wrote for others; `problem` where it holds none.

    `word_of` is the uid whose word it is, None when others may write it.
    """

    name: str
    certificate: Certificate | None
    problem: str | None = None
    word_of: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """What the system starts and stops the server by, and its file; for a Windows service sc.exe is that."""

    kind: StarterKind
    name: str
    file: Path


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance with what is in it.

    `default` is the label of the certificate that the server presents, None when none is marked. `ports` are
    those on which it takes TLS sessions. `running` is None when this user may not see it. `certificates` are
    listed even when `problem` says why the key database cannot be edited.
    """

    located: LocatedInstance
    files: tuple[FileFact[ServerFile], ...] = ()
    version: int | None = None
    certificates: tuple[Certificate, ...] = ()
    default: str | None = None
    arms: tuple[Arm, ...] = ()
    ports: tuple[int, ...] = ()
    running: bool | None = None
    services: tuple[Service, ...] = ()
    problem: Problem | None = None

    @property
    def id(self) -> str:
        """See `LocatedInstance.id`."""
        return self.located.id

    @property
    def directory(self) -> Path:
        """See `LocatedInstance.directory`."""
        return self.located.directory

    @property
    def servers(self) -> tuple[Server, ...]:
        """Where this host reaches the server."""
        return tuple(Server("localhost", port) for port in self.ports)

    def labelled(self, label: str | None) -> Certificate | None:
        """The certificate of that label."""
        return next((item for item in self.certificates if item.label == label), None)

    @property
    def presented(self) -> Certificate | None:
        """The certificate that the server presents: the default one, or the one it made for itself."""
        return self.labelled(self.default) or self.labelled(LABEL)

    @property
    def arm(self) -> Arm | None:
        """Its cert256.arm."""
        return next((item for item in self.arms if item.name == ServerFile.ARM.value), None)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is run, and as it is told: the words of a person's own may hold a password.

    One that was `found` on the machine must be root's alone; a person's own is run as given.
    """

    words: tuple[str, ...] = field(repr=False)
    told: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Control:
    """How the server is stopped and started; None where a person does it."""

    stop: Command | None = None
    start: Command | None = None
