"""A played machine with a server whose certificate is to be renewed, as it was, again and again.

The server is played by a small program of its own: a real process, named and placed as a server's, that does
what IT42905 says of one within a few milliseconds. What it makes was made by IBM's library before.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.faults.scene import Scene

from dsmbench import gskit
from dsmbench.dsmserv import LABEL, is_gone, wait_until_gone
from dsmbench.endpoint import Endpoint
from dsmbench.identity import Identity
from dsmbench.instance import Instance
from dsmcertfix.model import ServerFile
from dsmcertfix.transaction.runs import past_runs

LIMIT_S = 20.0
_START = """#!/bin/sh
# As a server does: what is missing is made and exported; then it runs in its instance directory.
cd '{place}' || exit 1
if [ ! -e cert256.arm ]; then
    dd if='{made}/cert.kdb' of=cert.kdb bs=1M status=none
    dd if='{made}/cert256.arm' of=new.arm status=none && chmod 644 new.arm && chown --reference=. new.arm
    mv new.arm cert256.arm
fi
[ -e '{pid}.wait' ] || mkfifo '{pid}.wait'
'{program}' -c 'read nothing' -i '{place}' <> '{pid}.wait' >/dev/null 2>&1 &
echo $! > '{pid}'
"""
_STOP = """#!/bin/sh
kill "$(cat '{pid}')"
"""


class ServerScene(Scene):
    """One instance, of a user of its own. It runs as each case begins, unless it did not when it was kept."""

    kind = ServerFile
    look = ("server", "inspect", "--expires-within", "180")
    repair = ("server", "renew", "--yes")

    def __init__(self, directory: Path):
        super().__init__(directory)
        self._programs = directory / "programs"
        self._programs.mkdir()
        soon = datetime.now(timezone.utc) + timedelta(days=40)
        others = (("from our CA", Identity.make()),)
        instance = Instance(
            Endpoint(self.root),
            identity=Identity.make(not_after=soon),
            trusted=[("a peer", Identity.make().der)],
            personal=others,
        )
        self.stores = (instance.directory,)
        # Nothing listens: that the server runs is told by its process.
        (instance.directory / "dsmserv.opt").write_text("COMMMETHOD SHAREDMEM\n", encoding="utf-8")
        self._make(instance)
        self.keep("fresh")
        self.old = self.states()

    # --- the played server

    @property
    def running(self) -> bool:
        """Whether the server runs: its program does, under the number that was noted."""
        pid = self._pid
        program = str(self._programs / "dsmserv").encode()
        return pid is not None and not is_gone(pid) and _is_of(program, Path("/proc", str(pid)))

    @property
    def _pid(self) -> int | None:
        file = self._programs / "pid"
        text = file.read_text(encoding="ascii") if file.exists() else ""
        return int(text) if text.strip() else None

    def start(self) -> None:
        """The server runs; whoever looks for it finds its program, not the script that started it."""
        subprocess.run([self._programs / "start"], check=True, stdin=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT_S
        while not self.running:
            assert time.monotonic() < end, "the played server did not come up"
            time.sleep(0.005)

    def stop(self) -> None:
        """The server does not run."""
        if self.running:
            subprocess.run([self._programs / "stop"], check=True, stdin=subprocess.DEVNULL)
            pid = self._pid
            assert pid is None or wait_until_gone(pid, LIMIT_S)

    def _make(self, instance: Instance) -> None:
        """The program, what it makes of a missing certificate, and what starts and stops it."""
        made = self._programs / "made"
        made.mkdir()
        for file in instance.directory.glob("cert*"):
            shutil.copy(file, made / file.name)
        new, database = Identity.make(), made / instance.database.name
        operations = [
            {"op": "delete", "path": str(database), "label": LABEL},
            {"op": "add-personal", "path": str(database), "label": LABEL, "pem": new.pem.decode()},
            {"op": "set-default", "path": str(database), "label": LABEL},
        ]
        gskit.run(operations)
        (made / instance.arm.name).write_bytes(new.arm)
        program = self._programs / "dsmserv"
        # A shell that waits: its command line names the instance, as a server's does.
        shutil.copy("/bin/sh", program)
        given = {
            "place": instance.directory,
            "made": made,
            "program": program,
            "pid": self._programs / "pid",
        }
        for name, text in (("start", _START), ("stop", _STOP)):
            script = self._programs / name
            script.write_text(text.format(**given), encoding="utf-8")
            script.chmod(0o755)

    # --- what differs from a client's machine

    def keep(self, spot: str) -> None:
        """See Scene.keep; and whether the server runs."""
        super().keep(spot)
        if self.running or spot == "fresh":
            (self.directory / f"kept-{spot}.running").touch()

    def reset(self, spot: str = "fresh") -> None:
        """See Scene.reset; and the server runs if it did."""
        self.stop()
        super().reset(spot)
        if (self.directory / f"kept-{spot}.running").exists():
            self.start()

    def settle(self) -> None:
        """A start that a killed run began is over."""
        program = str(self._programs / "start").encode()
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end and any(_is_of(program, path) for path in Path("/proc").glob("[0-9]*")):
            time.sleep(0.02)

    def rest(self) -> None:
        """See Scene.rest; the server is not started with the machine."""
        self.stop()

    def amiss(self) -> list[str]:
        """The server runs after every command that ended by itself."""
        return [] if self.running else ["the server does not run"]

    def untold(self, recovered: str) -> list[str]:
        """Where a run was recovered that had begun with the server, and that is down, it is told of."""
        if self.running or '"recovered: ' not in recovered or "does not run: start it" in recovered:
            return []
        begun = any(run.stores and run.id in recovered for run in past_runs(self.state))
        return ["recover does not say that the server is down"] if begun else []

    def arguments(self, *words: str) -> tuple[str, ...]:
        """See Scene.arguments; a renewal is given its commands."""
        if words[:2] == ("server", "renew"):
            stop, start = (str(self._programs / name) for name in ("stop", "start"))
            words = (*words, "--stop-command", stop, "--start-command", start, "--timeout", str(LIMIT_S))
        return super().arguments(*words)


def stop_left(file: Path) -> None:
    """The played server whose number is in that file is told to end: other runs would see it."""
    number = file.read_text(encoding="ascii").strip()
    if number and _is_of(str(file.parent).encode(), Path("/proc", number)):
        os.kill(int(number), signal.SIGTERM)


def _is_of(program: bytes, process: Path) -> bool:
    try:
        return program in (process / "cmdline").read_bytes() and int(process.name) != os.getpid()
    except OSError:
        return False
