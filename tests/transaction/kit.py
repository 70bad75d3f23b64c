"""Real stores in a directory, made natively, and what acts on them."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dsmbench import certificates, formats
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.client.reading import read_store
from dsmcertfix.ibm.engines import Engine, NativeEngine
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import (
    Certificate,
    LocatedStore,
    Origin,
    Owner,
    Presented,
    Proof,
    Server,
    Stanza,
    Store,
    StoreFile,
)
from dsmcertfix.planning.assess import Assessed, AssessedStore
from dsmcertfix.planning.steps import (
    BackUp,
    CheckLive,
    CheckStaged,
    DeleteLabel,
    Expected,
    Reconnect,
    Stage,
    Step,
    StorePlan,
    Swap,
)
from dsmcertfix.report.result import store_report
from dsmcertfix.system.process.run import Waits, waited
from dsmcertfix.system.unix.directory import UnixDirectory, open_directory
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix
from dsmcertfix.transaction.backup import Backup, load_backup, make_backup
from dsmcertfix.transaction.client import ClientTransaction, Tools
from dsmcertfix.transaction.executor import Ended, Run, Subject
from dsmcertfix.transaction.folding import store_data
from dsmcertfix.transaction.interrupts import Interrupts
from dsmcertfix.transaction.journal import Event, Journal
from dsmcertfix.transaction.rollback import Rollback
from dsmcertfix.transaction.runs import new_run, store_started_data
from dsmcertfix.transaction.together import carry_out_all

PASSWORD = b"a password of the tests"
STASH = bytes(byte ^ 0xF5 for byte in PASSWORD + b"\0").ljust(129, b"\x5f")
UNIX = Unix(UnixPlaces(Path("/")))
STANZA = Stanza(
    "TSM1", Path("/opt/dsm.sys"), 1, Server("tsm1.example.com", 1500), "NODE", password_generate=True
)

# An access ACL as the kernel keeps it: uid 1000 may read.
ACL = bytes.fromhex(
    "0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff"
)
# The owning group may not read, user 1000 may; in the mode that looks as if the group may.
ONLY_1000 = bytes.fromhex(
    "0200000001000600ffffffff02000400e803000004000000ffffffff10000400ffffffff20000000ffffffff"
)
A, B, C, NEW = (certificates.make() for _ in range(4))


def held(der: bytes, label: str) -> Certificate:
    return describe(der, label)


def database(*pairs: tuple[str, bytes], version: int = 6) -> bytes:
    """A key database with those labels and certificates."""
    content = formats.key_database(version, PASSWORD)
    for label, der in pairs:
        content = kdb.add(kdb.read(content), PASSWORD, label=label, certificate=der)
    return content


THREE = database(("A", A), ("B", B), ("C", C))


def make_store(directory: Path, content: bytes = THREE, *, index: bool = True) -> LocatedStore:
    """A store with key database, stash and index file, of odd modes, without .rdb and .crl."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {"dsmcert.kdb": (content, 0o640), "dsmcert.sth": (STASH, 0o600)}
    if index:
        files["dsmcert.idx"] = (b"an index", 0o604)
    for name, (data, mode) in files.items():
        (directory / name).write_bytes(data)
        (directory / name).chmod(mode)
        os.utime(directory / name, ns=(10**18, 10**18 + 123456789))
    return located(directory)


def located(directory: Path, owner: Owner | None = None) -> LocatedStore:
    info = directory.stat()
    return LocatedStore(
        directory,
        (info.st_dev, info.st_ino),
        (Origin("ba", "a test"),),
        owner or Owner(os.geteuid(), os.getegid(), "me"),
    )


def seen(directory: Path) -> dict[str, tuple[object, ...]]:
    """Everything of each file that an undo must bring back; the inode is not among it."""
    return {path.name: _seen(path) for path in sorted(directory.iterdir())}


def _seen(path: Path) -> tuple[object, ...]:
    info = path.lstat()
    content: object = path.read_bytes() if stat.S_ISREG(info.st_mode) else stat.S_IFMT(info.st_mode)
    xattrs = {} if path.is_symlink() else {name: os.getxattr(path, name) for name in os.listxattr(path)}
    return (content, info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, xattrs)


@contextmanager
def opened(store: LocatedStore, run: str = "run") -> Iterator[UnixDirectory]:
    with open_directory(store.directory, store.kind, run, store.identity) as directory:
        yield directory


def backed_up(store: LocatedStore, path: Path) -> Backup:
    path.mkdir(mode=0o700, parents=True)
    with opened(store) as directory:
        return make_backup(directory, tuple(directory.fact(file) for file in StoreFile), path)


def differences(store: LocatedStore, path: Path) -> tuple[str, ...]:
    """How the store is another than that set."""
    with opened(store) as directory:
        return load_backup(path, StoreFile).differences(directory)


def labels(directory: Path) -> list[str]:
    return [record.label for record in kdb.read((directory / "dsmcert.kdb").read_bytes()).records]


def plant_symlink(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def plant_fifo(path: Path) -> None:
    os.mkfifo(path)


def plant_socket(path: Path) -> None:
    # The name is longer than a socket's may be: it is made elsewhere and moved here.
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"{short}/s")
        Path(short, "s").rename(path)


PLANTS: list[Callable[[Path], None]] = [plant_symlink, plant_fifo, plant_socket]


# --- transactions ------------------------------------------------------------------------------------------

Reconnects = Callable[[Stanza, Owner], DsmcertfixError | None]


def waiting(reconnect: Reconnects) -> Callable[[Stanza, StorePlan], Waits[DsmcertfixError | None]]:
    """The same for a transaction: it is waited for, and comes back at once."""

    def begun(stanza: Stanza, plan: StorePlan) -> Waits[DsmcertfixError | None]:
        yield 0.0
        return reconnect(stanza, plan.store.located.owner)

    return begun


def fetching(directory: Path, der: bytes = NEW, label: str = "B") -> Reconnects:
    """A client that signs on and stores that certificate as the real one does: in place, with an index."""

    def reconnect(stanza: Stanza, owner: Owner) -> None:
        path = directory / "dsmcert.kdb"
        path.write_bytes(kdb.add(kdb.read(path.read_bytes()), PASSWORD, label=label, certificate=der))
        (directory / "dsmcert.idx").write_bytes(b"a new index")

    return reconnect


@dataclass(frozen=True)
class Breaking:
    """An engine that does something else than it was asked for."""

    act: Callable[[Path], None]
    name: str = "breaking"

    def delete(self, database: Path, certificates: Sequence[Certificate]) -> None:
        self.act(database.parent)

    def add(self, database: Path, label: str, der: bytes) -> None:
        self.act(database.parent)


def plan_for(store: Store, *, new: bytes = NEW, label: str = "B") -> StorePlan:
    """Exchange the certificate under that label for the new one."""
    (removed,) = (item for item in store.certificates if item.label == label)
    kept = tuple(item for item in store.certificates if item is not removed)
    server = STANZA.server or Server("", 0)
    steps: tuple[Step, ...] = (
        BackUp(),
        Stage(),
        DeleteLabel(removed),
        CheckStaged((removed,)),
        Swap(),
        Reconnect(STANZA),
        CheckLive((removed,), (Expected(server, (describe(new, "").sha256,)),), kept),
    )
    return StorePlan(store, "label", (Assessed(removed, "replaced", "a test", server, 9),), steps)


def tell(store: Store) -> dict[str, Any]:
    return store_data(store_report(AssessedStore(store, ())))


@dataclass
class Machine:
    """A state directory, and one store in which transactions run."""

    state: Path
    store: LocatedStore
    command: str = "fix"
    engines: Sequence[Engine] = (NativeEngine(),)
    interrupts: Interrupts = field(default_factory=Interrupts)
    events: list[Event] = field(default_factory=list)
    undoes: str | None = None
    present: Callable[[tuple[Server, ...]], tuple[Presented, ...]] = lambda servers: tuple(
        map(Presented, servers)
    )
    prove: Callable[[Path, Owner | None, Server], Proof] = lambda _database, _owner, server: Proof(
        server, "not-made", None, "not asked"
    )

    @property
    def directory(self) -> Path:
        return self.store.directory

    def read(self) -> Store:
        return read_store(UNIX, self.store)

    def begin(self, observe: Callable[[Event], None] | None = None) -> Journal:
        UNIX.private_directory(self.state)
        header = {"command": self.command, "host": "here"} | ({"undoes": self.undoes} if self.undoes else {})
        return new_run(UNIX, self.state, observe or self.events.append, header)

    def carry_out(
        self,
        plan: StorePlan,
        reconnect: Reconnects,
        *,
        observe: Callable[[Event], None] | None = None,
        finish: bool = True,
        prepare: Callable[[Journal], None] = lambda journal: None,
    ) -> tuple[Ended, Journal]:
        """One run with that one transaction; `prepare` is called just before it begins."""

        def transaction(run: Run) -> Ended:
            tools = Tools(
                UNIX,
                tuple(self.engines),
                waiting(reconnect),
                lambda store: read_store(UNIX, store),
                self.present,
                self.prove,
            )
            prepare(run.journal)
            transaction = ClientTransaction(plan, tools, run, tell)
            (ended,) = carry_out_all([plan], lambda _: transaction.run(), self.interrupts)
            return ended

        return self._run(transaction, observe, finish=finish)

    def roll_back(
        self, backup: Path, observe: Callable[[Event], None] | None = None
    ) -> tuple[Ended, Journal]:
        """One run that brings that backup set back."""
        now = self.read()

        def transaction(run: Run) -> Ended:
            subject = Subject(now.located, now.files)
            rollback = Rollback(subject, backup, UNIX, run, lambda: tell(self.read()), lambda: None)
            return waited(rollback.run())

        return self._run(transaction, observe)

    def _run(
        self,
        transaction: Callable[[Run], Ended],
        observe: Callable[[Event], None] | None,
        *,
        finish: bool = True,
    ) -> tuple[Ended, Journal]:
        journal = self.begin(observe)
        try:
            now = self.read()
            journal.append("store-started", now.id, report=tell(now), **store_started_data(self.store))
            run = Run(journal.path.parent.name, journal.path.parent, journal, self.interrupts)
            ended = transaction(run)
            if finish and ended.outcome != "broken":
                journal.note("run-finished")
        finally:
            journal.close()
        return ended, journal

    def fix(self, reconnect: Reconnects | None = None, **options: Any) -> tuple[Ended, Journal]:
        return self.carry_out(plan_for(self.read()), reconnect or fetching(self.directory), **options)


def machine(path: Path, **options: Any) -> Machine:
    return replace(Machine(path / "state", make_store(path / "store")), **options)


def kinds(journal: Journal) -> list[str]:
    """The events, with the step's name where there is one."""
    return [
        f"{event.kind} {event.data['step']}" if "step" in event.data else event.kind
        for event in journal.events
    ]
