"""`dsmserv`, played: an instance directory, IBM's real key database in it, and TLS with the key out of that.

    dsmserv -i DIRECTORY [-u USER] [-q]

When its label is missing from cert.kdb it makes a key and a certificate, puts them in as the default, and
writes cert256.arm; when only cert256.arm is missing it writes that (APAR IT42905). It runs in the instance
directory, as the user, until SIGTERM. It is a stand-in: no database, no storage, only what certificates need.

What it makes, how long it waits and how it misbehaves is in the bench's file for the instance (`Plan`).
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from dsmbench import personal
from dsmbench.gskit_library import Library
from dsmbench.identity import Identity
from dsmbench.server import Server
from dsmbench.state import ServerState

LABEL = "TSM Server SelfSigned SHA Key"
PR_SET_NAME = 15
LIFETIME_S = 900.0
Trouble = Literal[
    "no-start",  # says why, and ends with 1
    "ends",  # makes its certificate, and ends with 1
    "makes-none",  # runs, and makes no certificate
    "no-arm",  # makes its certificate, and does not export it
    "other-arm",  # exports another one
    "touches-others",  # also trusts somebody new
    "drops-others",  # also forgets a peer
    "not-default",  # what it makes is not the default, and it presents another one
    "deaf",  # does not end when told to
]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the played server behaves.

    `makes` is a PEM file with the identity that it makes next, `slow_s` how long it takes to come up, `until`
    a file that it waits for before it does, `once` says that it behaves so at its next start only.
    """

    name: str
    port: int
    state: str
    uid: int
    gid: int
    makes: str = ""
    slow_s: float = 0.0
    until: str = ""
    trouble: Trouble | None = None
    once: bool = False


def plan_file(plans: Path, directory: Path) -> Path:
    """The file of the instance in that directory."""
    return plans / f"{hashlib.sha256(str(directory).encode()).hexdigest()[:16]}.json"


def read_plan(file: Path) -> Plan:
    """The plan in the file."""
    stored: dict[str, Any] = json.loads(file.read_bytes())
    return Plan(
        **{key: value for key, value in stored.items() if key in {item.name for item in fields(Plan)}}
    )


def write_plan(file: Path, plan: Plan) -> None:
    """The file holds the plan."""
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(asdict(plan)), encoding="utf-8")
    aside.chmod(0o666)
    aside.replace(file)


class KeptIdentity(ServerState):
    """The state of a server whose identity is nowhere but in its key database, and in this process."""

    def __init__(self, directory: Path, identity: Identity):
        super().__init__(directory)
        self._identity = identity

    @property
    def identity(self) -> Identity:
        """What the server presents."""
        return self._identity


def main() -> None:
    """Runs until it is told to end."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--bench-plans", type=Path, required=True)
    parser.add_argument("-i", dest="directory", type=Path, required=True)
    parser.add_argument("-u", dest="user", default="")
    parser.add_argument("-q", action="store_true")
    given = parser.parse_args()
    directory = given.directory.resolve()
    file = plan_file(given.bench_plans, directory)
    plan = read_plan(file)
    if plan.once:
        write_plan(file, Plan(plan.name, plan.port, plan.state, plan.uid, plan.gid))
    os.chdir(directory)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, b"dsmserv", 0, 0, 0)
    if os.geteuid() == 0 and plan.uid:
        os.setgroups([])
        os.setgid(plan.gid)
        os.setuid(plan.uid)
    os.umask(0o022)
    Instance(directory, plan).run()


class Instance:
    """One run of the played server."""

    def __init__(self, directory: Path, plan: Plan):
        self._directory = directory
        self._database = directory / "cert.kdb"
        self._plan = plan
        self._library = Library()

    def run(self) -> None:
        """The server came up and was told to end, or did not come up."""
        over = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            deaf = self._plan.trouble == "deaf"
            signal.signal(number, signal.SIG_IGN if deaf else lambda *_: over.set())
        (self._directory / "dsmserv.pid").write_text(str(os.getpid()), encoding="ascii")
        if self._plan.trouble == "no-start":
            self._say("ANR9999E The database did not start.")
            sys.exit(1)
        if over.wait(self._plan.slow_s):
            return
        while self._plan.until and not os.path.exists(self._plan.until):
            if over.wait(0.02):
                return
        if self._plan.trouble == "makes-none":
            over.wait(LIFETIME_S)
            return
        self._make_what_is_missing()
        if self._plan.trouble == "ends":
            self._say("ANR9999E The server ends.")
            sys.exit(1)
        label = self._presented()
        self._say(f"ANR3339I Default Label in key data base is {label}.")
        identity = personal.identity(self._library, self._database, label)
        state = KeptIdentity(Path(self._plan.state), identity)
        with Server(self._plan.name, port=self._plan.port, state=state):
            self._say("ANR0993I Server initialization complete.")
            over.wait(LIFETIME_S)
        self._say("ANR0991I Server shutdown complete.")

    def _presented(self) -> str:
        with self._library.opened(self._database) as database:
            return database.default() or LABEL

    def _make_what_is_missing(self) -> None:
        with self._library.opened(self._database) as database:
            labels = database.labels()
        if LABEL not in labels:
            self._make(labels)
        arm = self._directory / "cert256.arm"
        if not arm.exists() and self._plan.trouble != "no-arm":
            with self._library.opened(self._database) as database:
                der = database.certificate(LABEL)
            exported = Identity.make().der if self._plan.trouble == "other-arm" else der
            from ssl import DER_cert_to_PEM_cert

            arm.write_text(DER_cert_to_PEM_cert(exported), encoding="ascii")

    def _make(self, labels: list[str]) -> None:
        made = Identity(Path(self._plan.makes).read_bytes()) if self._plan.makes else Identity.make()
        default = self._plan.trouble != "not-default"
        personal.add(self._library, self._database, LABEL, made, default=default)
        with self._library.opened(self._database) as database:
            if self._plan.trouble == "touches-others":
                database.add("somebody new", Identity.make().der)
            if self._plan.trouble == "drops-others":
                database.delete(next(label for label in labels if label != LABEL))
            if self._plan.trouble == "not-default":
                database.set_default(next(label for label in labels if database.is_personal(label)))

    def _say(self, text: str) -> None:
        at = datetime.now(timezone.utc)
        line = f"{at:%m/%d/%Y %H:%M:%S} {text}"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        with (self._directory / "console.log").open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")


def wait_until_gone(pid: int, limit_s: float = 30.0) -> bool:
    """Whether the process ended within that time; it is looked at once at least, however short that is."""
    end = time.monotonic() + limit_s
    while not is_gone(pid):
        if time.monotonic() >= end:
            return False
        time.sleep(0.02)
    return True


def is_gone(pid: int) -> bool:
    """Whether the process has ended, fetched by its parent or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


if __name__ == "__main__":
    main()
