"""The nouns: what was found on a machine. Facts only, no decisions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol

from dsmcertfix import NamedTuple
from dsmcertfix.errors import Problem


class SetFile(Enum):
    """A file of a set that is changed as one; which sets there are, the two classes below say."""


class StoreFile(SetFile):
    """The five files of a store. No step can name another one: not TSM.*, spclicert.* or cert.kdb."""

    KDB = "dsmcert.kdb"
    STH = "dsmcert.sth"
    IDX = "dsmcert.idx"
    RDB = "dsmcert.rdb"
    CRL = "dsmcert.crl"


class ServerFile(SetFile):
    """The five files of a server's key database. No step about a client's store can name one."""

    KDB = "cert.kdb"
    STH = "cert.sth"
    RDB = "cert.rdb"
    CRL = "cert.crl"
    ARM = "cert256.arm"


if TYPE_CHECKING:
    from typing_extensions import TypeVar

    # A default, so that what says nothing means a client's store.
    FileT = TypeVar("FileT", bound=SetFile, default=StoreFile)
    FileT_co = TypeVar("FileT_co", bound=SetFile, default=StoreFile, covariant=True)
else:
    from typing import TypeVar

    FileT = TypeVar("FileT", bound=SetFile)
    FileT_co = TypeVar("FileT_co", bound=SetFile, covariant=True)

CertificateKind = Literal["server", "ca", "personal", "other", "unreadable", "secret"]


class Certificate(NamedTuple):
    """One certificate of a store, or of a server.

    `sha256`, of the DER in lower-case hex, is its identity. `problem` says why `kind` is "unreadable". `der`
    is empty for a record without a certificate ("secret"). `trusted` is how a stored one is marked.
    """

    label: str
    sha256: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime | None
    not_after: datetime | None
    kind: CertificateKind
    der: bytes = b""
    problem: str | None = None
    trusted: bool = True

    @property
    def last_day(self) -> str:
        """The day in UTC on which it expires, in words where it does not say."""
        return self.not_after.date().isoformat() if self.not_after else "an unknown day"

    @property
    def first_day(self) -> str:
        """The day in UTC from which it is valid, in words where it does not say."""
        return self.not_before.date().isoformat() if self.not_before else "an unknown day"


class Owner(NamedTuple):
    """A local user, or who owns a store. `home` is a real path (below `--root` when one is given)."""

    uid: int
    gid: int
    name: str
    home: Path | None = None
    groups: tuple[int, ...] = ()


class Server(NamedTuple):
    """Where a server listens: what a stanza's TCPSERVERADDRESS and TCPPORT say."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Stanza(NamedTuple):
    """One server stanza of a dsm.sys (Windows: one dsm.opt).

    `server` is None when the stanza has no address. `passworddir` is as written, None when absent.
    `replication` is True for a stanza opened by REPLSERVERNAME: a failover server, never selected by name;
    `failover` names those of this stanza (MYREPLICATIONSERVER). `aliases` are more names of its server.
    """

    name: str
    option_file: Path
    line: int
    server: Server | None = None
    node: str | None = None
    passworddir: str | None = None
    password_generate: bool = False
    accept_certificate: bool = True
    replication: bool = False
    errorlogname: str | None = None
    failover: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def database_backup(self) -> bool:
        """Whether it is for a server's own database backup: only Db2 signs on with it."""
        return (self.node or "").upper().startswith("$$_TSMDBMGR_")


StarterKind = Literal["unit", "script", "service"]
"""What starts a server: a systemd unit, a start script, or a Windows service."""

Area = Literal["ba", "api", "hsm", "server-api", "home", "passworddir", "dsm-dir", "dsmi-dir", "named"]


class Origin(NamedTuple):
    """Why a directory was looked at: the area, and the fact that named it ("PASSWORDDIR of stanza TSM01")."""

    area: Area
    because: str


class StanzaUse(NamedTuple):
    """A stanza that uses a store, and how that is known.

    `certain` is False where the client could use the store, and nothing says that it does (a home whose user
    has no stanza). `elsewhere` is the PASSWORDDIR that its sessions fill instead.
    """

    stanza: Stanza
    because: str
    certain: bool = True
    elsewhere: Path | None = None


class FileSet(Protocol[FileT_co]):
    """One directory's files that are changed together: a client's store, or a server's key database.

    `kind` has their names. `identity` is (device, inode) of the directory, `owner` in whose name it is done.
    """

    @property
    def directory(self) -> Path: ...

    @property
    def identity(self) -> tuple[int, int]: ...

    @property
    def owner(self) -> Owner: ...

    @property
    def kind(self) -> type[FileT_co]: ...

    @property
    def id(self) -> str: ...


class FileFact(NamedTuple, Generic[FileT]):
    """One file of a store; absent: `sha256` is None, the rest 0. How it is mounted is no part of it."""

    file: FileT
    present: bool
    size: int = 0
    sha256: str | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0
    mounted: bool = False
    read_only: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileFact) and self[:-2] == other[:-2]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self[:-2])


class Place(NamedTuple):
    """One place looked at, found or not, and why; `problem` where it could not be looked into.

    `directory` is text: most of many thousands are only shown. `refused` is True for one to be left alone.
    """

    directory: str
    origin: Origin
    found: bool
    problem: str | None = None
    refused: bool = False


class LocatedStore(NamedTuple):
    """A directory that holds a dsmcert.kdb: where, why, whose, and used by which stanzas.

    No link is in `directory`. Its (device, inode), `identity`, tells stores apart. Clients run as `owner`.
    """

    directory: Path
    identity: tuple[int, int]
    origins: tuple[Origin, ...]
    owner: Owner
    stanzas: tuple[StanzaUse, ...] = ()
    problem: Problem | None = None

    @property
    def kind(self) -> type[StoreFile]:
        """See `FileSet`."""
        return StoreFile

    @property
    def id(self) -> str:
        """A short name that is stable from run to run: the start of the SHA-256 of the directory."""
        return short_id(str(self.directory))


@lru_cache(maxsize=65536)
def short_id(text: str) -> str:
    """The start of the SHA-256 of a text: short, and the same from run to run."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:10]


class Unfinished(NamedTuple):
    """Why a set is not as an earlier run was to leave it; `located` is None for what is about no set."""

    problem: Problem
    located: FileSet[Any] | None = None


Left = Mapping[Path, Unfinished]
"""The sets that earlier runs left half way and that could not be put back, by their directories."""


class Programs(NamedTuple):
    """IBM's programs as found; None where there is none. `dsmc` is what reconnects."""

    gsk8capicmd: Path | None = None
    dsmc: Path | None = None


class Located(NamedTuple):
    """What `locate` finds: places, stores, stanzas, programs, and option files that could not be read.

    `not_believed` are the option files that others could have written: no server is asked that they name.
    `excess` is what users had too much of, so that what belongs to them is not known whole.
    """

    places: tuple[Place, ...]
    stores: tuple[LocatedStore, ...]
    stanzas: tuple[Stanza, ...]
    programs: Programs
    default_server: str | None = None
    warnings: tuple[str, ...] = ()
    not_believed: frozenset[Path] = frozenset()
    excess: tuple[Problem, ...] = ()


class Presented(NamedTuple):
    """What a server presents on its port: its certificate first in `chain`, or why there is none."""

    server: Server
    chain: tuple[Certificate, ...] = ()
    tls_version: str | None = None
    problem: Problem | None = None

    @property
    def certificate(self) -> Certificate | None:
        """The server's own certificate."""
        return self.chain[0] if self.chain else None


class Proof(NamedTuple):
    """What IBM's own TLS answered when it shook hands with a server with one store.

    `code` is GSKit's number, 0 for trusted, None where no handshake was made; `reason` is it in words.
    """

    server: Server
    answer: Literal["accepted", "refused", "not-made"]
    code: int | None
    reason: str


class Store(NamedTuple):
    """A store with what is in it.

    `certificates` are listed even when `problem` says that the store cannot be edited: they lie in the clear.
    `version` is that of the key database. `writable` is whether this process may change the directory,
    `signs_on` whether it may start a client as the owner. `password_expires` is None for never.
    """

    located: LocatedStore
    files: tuple[FileFact, ...] = ()
    version: int | None = None
    certificates: tuple[Certificate, ...] = ()
    problem: Problem | None = None
    writable: bool = True
    signs_on: bool = True
    password_expires: datetime | None = None

    @property
    def has_key_database(self) -> bool:
        """Whether it was seen to have one: a store that was moved out has none until the next session."""
        return any(fact.present for fact in self.files if fact.file is StoreFile.KDB)

    def password_expired(self, at: datetime) -> bool:
        """Whether IBM's programs refuse to open the key database at that moment."""
        return self.password_expires is not None and self.password_expires < at

    @property
    def id(self) -> str:
        """See `LocatedStore.id`."""
        return self.located.id

    @property
    def directory(self) -> Path:
        """See `LocatedStore.directory`."""
        return self.located.directory

    @property
    def user(self) -> str:
        """As whom a client is started for it; empty for an owner without a home: then as who we are."""
        owner = self.located.owner
        return owner.name if owner.home is not None else ""

    @property
    def client_reconnects(self) -> bool:
        """Whether `dsmc` uses this store: one that only API applications use it never fills."""
        return any(origin.area not in API_AREAS for origin in self.located.origins)

    def keeps_elsewhere(self, stanza: Stanza) -> bool:
        """Whether the client keeps that stanza's certificates in another store than this one."""
        return any(use.elsewhere is not None for use in self.located.stanzas if use.stanza == stanza)


API_AREAS: frozenset[Area] = frozenset(("api", "dsmi-dir", "server-api"))


class StoredPassword(NamedTuple):
    """Whether a stanza's PASSWORDDIR holds a stored password; None when that could not be seen."""

    stanza: Stanza
    present: bool | None


class Export(NamedTuple):
    """A certificate that a server of this machine wrote into its instance directory, for whoever trusts it.

    `stanza` is that of the server's own database backup, `uid` whose word the file is. `of_server` is whether
    that user owns the instance directory, and the server that works in it runs as that user now.
    """

    stanza: Stanza
    file: Path
    certificate: Certificate
    uid: int
    of_server: bool = False


class Inventory(NamedTuple):
    """What is so on a machine, at one time: facts, and no decision."""

    at: datetime
    located: Located
    stores: tuple[Store, ...]
    presented: tuple[Presented, ...] = ()
    passwords: tuple[StoredPassword, ...] = ()
    exports: tuple[Export, ...] = ()

    def presented_by(self, server: Server | None) -> Presented | None:
        """What that server was seen to present, None when it was not asked."""
        return next((item for item in self.presented if item.server == server), None)

    def password_of(self, stanza: Stanza) -> bool | None:
        """Whether a password is stored for the stanza, None when that is not known."""
        return next((item.present for item in self.passwords if item.stanza == stanza), None)
