"""An instance whose server is played: it starts, stops and makes certificates as a test says."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.server.made import instance

from dsmbench.identity import Identity
from dsmbench.instance import made_database
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.server.instance import LABEL, LocatedInstance
from dsmcertfix.model import Certificate, Owner, Presented, Server, ServerFile
from dsmcertfix.planning.renew import RenewPlan
from dsmcertfix.system.process.run import waited
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix
from dsmcertfix.transaction.executor import Ended, Run
from dsmcertfix.transaction.interrupts import Interrupts
from dsmcertfix.transaction.journal import Event, Journal
from dsmcertfix.transaction.server import ServerTools, ServerTransaction

UNIX = Unix(UnixPlaces(Path("/")))
OLD, NEW, OTHER = (Identity.make() for _ in range(3))


class Control:
    """Which commands there are."""

    def __init__(self, stop: bool = True, start: bool = True) -> None:
        self.stop = object() if stop else None
        self.start: Any = type("Command", (), {"told": "systemctl start tsm"})() if start else None


class Started:
    """A start of the played server."""

    def __init__(self, keeper: Played) -> None:
        self.keeper = keeper
        self.launched: object | None = object()
        self.error: DsmcertfixError | None = None
        self.rests = [True]
        self.left = 0

    def failure(self) -> DsmcertfixError | None:
        return self.error

    def said(self) -> tuple[str, ...]:
        return ("it said so",)

    def leave(self) -> None:
        self.left += 1

    def come_to_rest(self) -> bool:
        return self.rests.pop(0) if len(self.rests) > 1 else self.rests[0]

    def came_up(self, also: Callable[[], bool]) -> bool:
        self.keeper.done.append(f"asked: {also()}")
        return self.keeper.comes_up


class Played:
    """Who stops and starts the played server; notes what it was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.limit_s = 0.05
        self.control = Control()
        self.start_log = directory / "start.log"
        self.done: list[str] = []
        self.running: bool | None = True
        self.comes_up = True
        self.ends = False
        self.makes: Callable[[], None] = lambda: None
        self.stops: DsmcertfixError | None = None
        self.started: list[Started] = []
        self.next_rests = [True]

    def runs(self) -> bool | None:
        return self.running

    def stop(self) -> None:
        self.done.append("stop")
        if self.stops is not None:
            raise self.stops
        self.running = False

    def start(self) -> Started:
        self.done.append("start")
        self.makes()
        self.running = True
        self.started.append(Started(self))
        self.started[-1].rests = list(self.next_rests)
        return self.started[-1]

    def asked_to_end(self, start: object) -> bool:
        self.done.append("asked to end")
        return self.ends


class Scene:
    """An instance's directory, its server, and one run."""

    def __init__(self, tmp_path: Path) -> None:
        self.directory = tmp_path / "instance"
        self.directory.mkdir()
        self.files = dict(made_database(4, ((LABEL, OLD.pem),), ()))
        self.new = dict(made_database(4, ((LABEL, NEW.pem),), ()))
        for name, content in self.files.items():
            (self.directory / name).write_bytes(content)
        (self.directory / "cert256.arm").write_bytes(OLD.pem)
        self.keeper = Played(self.directory)
        self.events: list[Event] = []
        self.seen: Callable[[Server], Presented] = lambda server: Presented(server, (self.made(NEW),))
        self.state = tmp_path / "run"
        UNIX.private_directory(self.state)
        info = self.directory.stat()
        owner = Owner(os.geteuid(), os.getegid(), "tsminst1")
        self.located = LocatedInstance(self.directory, (info.st_dev, info.st_ino), owner)

    def made(self, identity: Identity, label: str = LABEL) -> Certificate:
        return describe(identity.der, label, personal=True)

    def makes(self, database: bool = True, arm: Identity | None = NEW) -> Callable[[], None]:
        """What the server does when it comes up."""

        def come_up() -> None:
            if database:
                (self.directory / "cert.kdb").write_bytes(self.new["cert.kdb"])
            if arm is not None:
                (self.directory / "cert256.arm").write_bytes(arm.pem)

        return come_up

    def present(self, server: Server) -> Presented:
        return self.seen(server)

    def transaction(self, *steps: Any, at: Server | None = None, running: bool = True) -> ServerTransaction:
        with UNIX.reading(self.located) as directory:
            facts = tuple(directory.fact(file) for file in ServerFile)
        what = replace(instance(self.made(OLD), files=facts, running=running), located=self.located)
        control: Any = self.keeper.control
        plan = RenewPlan(what, self.made(OLD), control, steps, presents_at=at)
        keeper: Any = self.keeper
        tools = ServerTools(UNIX, (), keeper, self.present, dict)
        self.journal = Journal(self.state / "journal.jsonl", self.events.append)
        return ServerTransaction(plan, tools, Run("r1", self.state, self.journal, Interrupts()))

    def run(self, *steps: Any, **more: Any) -> Ended:
        try:
            return waited(self.transaction(*steps, **more).run())
        finally:
            self.journal.close()

    def kinds(self) -> list[str]:
        return [f"{event.kind} {event.data.get('step', '')}".strip() for event in self.events]

    def there(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}
