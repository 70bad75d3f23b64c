"""A played machine whose servers' certificates were renewed, as it was, again and again: one store or two.

The tree is built once. `reset` copies it anew to the same place, so hundreds of runs can be spoilt on it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dsmbench import console
from dsmbench.endpoint import Endpoint
from dsmbench.server import HOST
from dsmbench.snapshot import Seen, seen
from dsmbench.state import Node, ServerState
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.key_database import kdb, stash
from dsmcertfix.model import ServerFile, StoreFile

Whose = Literal["root", "alice", "both", "server"]
Mode = Literal["label", "whole"]
Class = Literal["old", "new", "both", "mixture"]
"""Of several stores "both" is old ones beside new ones: each is one or the other."""
_SPARE = frozenset(file.value for file in (StoreFile.IDX, StoreFile.RDB, StoreFile.CRL))
SERVER, OTHER = "TSM01", "TSM02"
CLIENT_S = 30.0
_IDENTITY = re.compile(r'"identity": \[\d+, \d+\]')


Kind = type[StoreFile] | type[ServerFile]


@dataclass(frozen=True, slots=True)
class StoreState:
    """The five files of a set, and what its key database holds by label; None when it is damaged."""

    files: dict[str, Seen]
    records: dict[str, bytes] | None

    @property
    def names(self) -> frozenset[str]:
        """The files that are there."""
        return frozenset(self.files)


def store_state(directory: Path, kind: Kind = StoreFile) -> StoreState:
    """The set as it is. Raises OSError."""
    paths = [directory / file.value for file in kind]
    files = {path.name: seen(path) for path in paths if os.path.lexists(path)}
    return StoreState(files, _records(directory, kind))


def _records(directory: Path, kind: Kind) -> dict[str, bytes] | None:
    """Label to certificate, when stash and key database fit and every code is right."""
    try:
        found = kdb.read((directory / kind.KDB.value).read_bytes())
        kdb.verify(found, stash.password((directory / kind.STH.value).read_bytes()))
    except (OSError, DsmcertfixError):
        return None
    return {record.label: record.certificate or b"" for record in found.records if not record.deleted}


States = tuple[StoreState, ...]


class Scene:
    """One machine below `directory`. `spot` is the name of the prepared tree that `reset` brings back.

    `look` is the command that tells whether there is work, `repair` the one that does it.
    """

    kind: Kind = StoreFile
    look: tuple[str, ...] = ("detect",)
    repair: tuple[str, ...] = ("fix", "--yes", "--trust-on-first-use")
    stores: tuple[Path, ...] = ()
    old: States = ()

    def __init__(self, directory: Path):
        self.directory = directory
        self.root = directory / "live" / "root"
        self.state = directory / "live" / "state"
        directory.mkdir()

    @property
    def store(self) -> Path:
        """The first set's directory, or the only one."""
        return self.stores[0]

    def states(self) -> States:
        """The sets as they are. Raises OSError."""
        return tuple(store_state(store, self.kind) for store in self.stores)

    def settle(self) -> None:
        """Whatever a killed run started has come to its end, or to rest."""

    def rest(self) -> None:
        """Nothing runs on the machine, as after a power cut."""

    def forgive(self) -> None:
        """The same command can be tried again."""

    def amiss(self) -> list[str]:
        """What is wrong with the machine besides its files, after a run that ended by itself."""
        return []

    def untold(self, recovered: str) -> list[str]:
        """What `recover` should have said besides, and did not."""
        return []

    def keep(self, spot: str) -> None:
        """The tree as it is now can be brought back under that name."""
        _copy(self.directory / "live", self.directory / f"kept-{spot}")

    def kept(self, spot: str) -> bool:
        """Whether there is a tree of that name."""
        return (self.directory / f"kept-{spot}").is_dir()

    def reset(self, spot: str = "fresh") -> None:
        """The machine is as it was when it was kept."""
        shutil.rmtree(self.directory / "live")
        _copy(self.directory / f"kept-{spot}", self.directory / "live")
        self.tell_journals()

    def tell_journals(self) -> None:
        """The copy's directories have inodes of their own; the journals, which know the store's, are told."""
        for journal in self.state.glob("runs/*/journal.jsonl"):
            lines = journal.read_text().splitlines(keepends=True)
            for store in self.stores:
                found = store.stat()
                now = f'"identity": [{found.st_dev}, {found.st_ino}]'
                named = f'"directory": "{store}"'
                lines = [_IDENTITY.sub(now, line) if named in line else line for line in lines]
            journal.write_text("".join(lines))

    def arguments(self, *words: str) -> tuple[str, ...]:
        """The command line for this machine."""
        return ("--trust-root", "--root", str(self.root), "--state-dir", str(self.state), *words)

    def leftovers(self) -> list[Path]:
        """What runs left behind: files of theirs beside stores, and private copies."""
        stages = self.state.glob("runs/*/stores/*/stage")
        return sorted((*self.root.rglob("*dsmcertfix-*"), *stages))


class ClientScene(Scene):
    """Stores of clients: one of root's, one of alice's, or both, each with a server of its own."""

    def __init__(self, directory: Path, whose: Whose, servers: Path):
        super().__init__(directory)
        self.node = f"{whose}{os.getpid()}".upper()  # the server is shared with other workers
        self._arm = servers / f"{SERVER}.arm"
        self._servers = tuple(ServerState(servers / name) for name in (SERVER, OTHER))
        self._endpoint = Endpoint(self.root)
        made = []
        if whose != "alice":
            made.append(self._root_s(servers, SERVER))
        if whose != "root":
            made.append(self._alice_s(servers, OTHER if whose == "both" else SERVER))
        self.stores = tuple(made)
        self.keep("fresh")
        self.old = self.states()

    def _root_s(self, servers: Path, server: str) -> Path:
        self._endpoint.stanza(server, (HOST, console.ports(servers)[server]), node=self.node)
        return self._given(self._endpoint.store(certificates=[_first(self._endpoint, servers, server)]))

    def _alice_s(self, servers: Path, server: str) -> Path:
        alice = self._endpoint.user("alice")
        place = (HOST, console.ports(servers)[server])
        self._endpoint.stanza(server, place, node=self.node, passworddir="/home/alice/adsm", owner=alice)
        trusted = [_first(self._endpoint, servers, server)]
        return self._given(self._endpoint.store(user=alice, certificates=trusted))

    def _given(self, store: Path) -> Path:
        (store / StoreFile.KDB.value).chmod(0o640)
        for name in (StoreFile.KDB.value, StoreFile.STH.value):
            with suppress(OSError):
                os.setxattr(store / name, "user.origin", b"installed by hand")
        return store

    def arguments(self, *words: str) -> tuple[str, ...]:
        """See Scene.arguments; `trust` is given the server's certificate."""
        given = ("--file", str(self._arm)) if words[:1] == ("trust",) else ()
        return super().arguments(*words, *given)

    def settle(self) -> None:
        """No client of this machine runs any more: of a killed run one may be at work in the other store."""
        if len(self.stores) == 1:
            return
        program = str(self._endpoint.dsmc_program).encode()
        end = time.monotonic() + CLIENT_S
        while time.monotonic() < end and any(program in _command_line(path) for path in _processes()):
            time.sleep(0.02)

    def reset(self, spot: str = "fresh") -> None:
        """See Scene.reset; and each server lets its node fetch a certificate."""
        super().reset(spot)
        self.forgive()

    def forgive(self) -> None:
        """The node is TRANSITIONAL and not locked."""
        for server in self._servers:
            server.set_node(self.node, Node())


def classify(now: States, old: States, new: States, *, spare: bool = False) -> Class:
    """Which sets the live stores are.

    With `spare` the new one may lack what a client does without (tests/judge/test_side_files.py).
    """
    if spare:
        new = tuple(_without(state, _SPARE - there.names) for state, there in zip(new, now, strict=True))
    classes = {_classified(*three) for three in zip(now, old, new, strict=True)}
    return "mixture" if "mixture" in classes else "both" if len(classes) > 1 else classes.pop()


def _without(state: StoreState, gone: frozenset[str]) -> StoreState:
    return StoreState({name: one for name, one in state.files.items() if name not in gone}, state.records)


def _classified(now: StoreState, old: StoreState, new: StoreState) -> Class:
    """Which set the live store is. The client makes the new one with fresh salts, so it is told by its parts:
    names, owners, modes, attributes, every record, the stash; content where it is always the same."""
    if now.files == old.files:
        return "old"
    if now.records is None or now.records != new.records or now.names != new.names:
        return "mixture"
    for name, seen_now in now.files.items():
        expected = new.files[name]
        if (seen_now.kind, seen_now.uid, seen_now.gid, seen_now.mode, seen_now.xattrs) != (
            expected.kind,
            expected.uid,
            expected.gid,
            expected.mode,
            expected.xattrs,
        ):
            return "mixture"
        same_always = name in old.files and expected.content == old.files[name].content
        if same_always and seen_now.content != expected.content:
            return "mixture"
    return "new"


def start_servers(directory: Path) -> None:
    """Two servers run in a process of its own; the certificate of each was renewed after it was given out."""
    # A whole campaign may take hours; without its server every trial would be told wrongly.
    console.start(directory, [SERVER, OTHER], lifetime_s=24 * 3600)
    for name in (SERVER, OTHER):
        state = ServerState(directory / name)
        (directory / f"{name}.der").write_bytes(state.identity.der)
        (directory / f"{name}.arm").write_bytes(state.renew().arm)


def _first(endpoint: Endpoint, servers: Path, server: str) -> tuple[str, bytes]:
    return endpoint.label(server), (servers / f"{server}.der").read_bytes()


def _processes() -> Iterator[Path]:
    return Path("/proc").glob("[0-9]*/cmdline")


def _command_line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
