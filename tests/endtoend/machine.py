"""A played machine with its servers, and dsmcertfix at work on it as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import typer
from tests.answers import Answer, checked

import dsmcertfix
from dsmbench import gskit
from dsmbench.endpoint import AS_ROOT, Endpoint, User
from dsmbench.identity import Identity, fingerprint
from dsmbench.places import AIX
from dsmbench.record import Run
from dsmbench.runtime import runtime
from dsmbench.server import Server
from dsmbench.snapshot import Seen, snapshot
from dsmcertfix.ibm.key_database import kdb

LIMIT_S = 300.0
AS_AIX = Path(__file__).parents[1] / "played_aix" / "as_aix.py"
"""Runs the tool in a played AIX. With DSMBENCH_SYSTEM=aix in the environment every machine here is one."""
NAMES = ("TSMA", "TSMB", "TSMC")
PLAYED_ACL = ("user.played-acl", b"    enabled\n    permit   r--     u:nobody")
"""The attribute in which the played aclput keeps an ACL, and one."""
BIN = 2


@cache
def identity(name: str) -> Identity:
    """A server's key and certificate, made once: keys are slow to make."""
    return Identity.make()


class Machine:
    """An endpoint below `directory`, which other users can enter, and the servers its stanzas name."""

    def __init__(self, directory: Path, **options: Any):
        self.directory = directory
        self.endpoint = Endpoint(directory / "root", **options)
        self.state = directory / "state"
        self.servers: dict[str, Server] = {}
        self._renewals = 0
        if AIX:
            as_of_aix(directory, self.root)

    # --- what is there

    @property
    def root(self) -> Path:
        """The played machine's root directory."""
        return self.endpoint.root

    @property
    def ba(self) -> Path:
        """The BA client's directory, in which root's store is."""
        return self.endpoint.ba_directory

    def server(self, name: str) -> Server:
        """The server of that name; it runs from now on."""
        if name not in self.servers:
            self.servers[name] = Server(name, identity=identity(name)).start()
        return self.servers[name]

    def stanzas(self, *names: str, **options: Any) -> None:
        """A stanza for each server, with a node of its own, in the client's dsm.sys."""
        for name in names:
            self.endpoint.stanza(name, self.server(name), **{"node": f"NODE_{name}", **options})

    def trusted(self, *names: str) -> list[tuple[str, bytes]]:
        """Labels and certificates as the client stores them for these servers now."""
        return [self.endpoint.trusted(name, self.server(name)) for name in names]

    def renew(self, name: str) -> str:
        """The server has a new certificate, whose fingerprint is returned."""
        self._renewals += 1
        return self.servers[name].state.renew(identity(f"{name} renewed {self._renewals}")).sha256

    def stop(self) -> None:
        """No server listens any more."""
        for server in self.servers.values():
            server.__exit__()

    # --- what happened

    @property
    def reconnects(self) -> list[Run]:
        """The runs of dsmc."""
        return [run for run in self.endpoint.runs if run.program == "dsmc"]

    def sign_ons(self, name: str) -> list[str]:
        """What the server's log says of sign-ons, oldest first: "session", "fetched" or "refused"."""
        return [event.what for event in self.servers[name].sessions]

    def seen(self, directory: Path | None = None) -> dict[str, Seen]:
        """Content, owner, mode and attributes of everything that a store's directory holds of a store."""
        return snapshot(directory or self.ba, "dsmcert.*")

    def everything(self) -> dict[str, tuple[Seen, int]]:
        """All of the machine but the bench's own files, times of change included."""
        own = self.root / ".dsmbench"
        return {
            name: (what, (self.root / name).lstat().st_mtime_ns)
            for name, what in snapshot(self.root).items()
            if not (self.root / name).is_relative_to(own)
        }

    def slots(self, directory: Path | None = None) -> dict[str, bytes]:
        """Label to the raw slot in the key database."""
        content = ((directory or self.ba) / "dsmcert.kdb").read_bytes()
        return {record.label: record.slot for record in kdb.read(content).records}

    def held(self, directory: Path | None = None) -> dict[str, str]:
        """Label to fingerprint, as IBM's library reads the store."""
        found = gskit.certificates((directory or self.ba) / "dsmcert.kdb")
        return {label: fingerprint(der) for label, der in found.items()}

    def note_what_dsmc_sees(self, directory: Path | None = None) -> Callable[[], list[set[str]]]:
        """From now on dsmc notes, when it starts, the names in that store. Returns what tells them by run."""
        note = self.directory / "seen-by-dsmc"
        note.touch()
        note.chmod(0o666)
        self.before_dsmc(f"{{ ls -A '{directory or self.ba}'; echo --; }} >> '{note}'")
        return lambda: [set(names.split()) for names in note.read_text(encoding="utf-8").split("--\n")[:-1]]

    def before_dsmc(self, line: str) -> None:
        """From now on dsmc begins with that line of shell."""
        program = self.endpoint.dsmc_program
        first, rest = program.read_text(encoding="utf-8").split("\n", 1)
        program.write_text(f"{first}\n{line}\n{rest}", encoding="utf-8")

    # --- the tool

    def argv(self, *arguments: str | Path) -> list[str]:
        """The command line of the tool for this machine."""
        places = ["--trust-root", "--root", str(self.root), "--state-dir", str(self.state)]
        return [sys.executable, *self.started(), *places, *map(str, arguments)]

    def started(self, *script: str | Path) -> list[str]:
        """See `started`, on this machine."""
        return started(self.root, *script)

    def run(self, *arguments: str | Path, timeout_s: float = LIMIT_S, **options: Any) -> Answer:
        """The command with --json has ended; its output keeps to the schema and to its exit code."""
        answer = self.text(*arguments, "--json", timeout_s=timeout_s, **options)
        return checked(answer)

    def text(self, *arguments: str | Path, timeout_s: float = LIMIT_S, **options: Any) -> Answer:
        """The command has ended, whatever it printed. Its input is closed."""
        return self.of(self.argv(*arguments), timeout_s=timeout_s, **options)

    def of(self, argv: list[str], *, timeout_s: float = LIMIT_S, **options: Any) -> Answer:
        """See `answer_of`."""
        return answer_of(argv, timeout_s=timeout_s, **options)

    def run_as(self, user: User, *arguments: str | Path, state: Path | None = None) -> Answer:
        """The command with --json was run by that user, with a Python that every user can run.

        Its state is below the user's home, unless another place is given.
        """
        python = runtime()
        packages = (Path(dsmcertfix.__file__).parents[1], Path(typer.__file__).parents[1])
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(user.home),
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "LD_LIBRARY_PATH": str(python.libraries),
        }
        places = ["--trust-root", "--root", str(self.root), "--state-dir", str(state or user.home / "state")]
        words = [*self.started(), *places, *map(str, arguments), "--json"]
        done = subprocess.run(
            [str(python.python), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
            cwd="/",
            env=environment,
            user=user.uid,
            group=user.gid,
            extra_groups=[],
        )
        return checked(Answer(done.returncode, done.stdout, done.stderr, {}))

    def fix(self, *arguments: str | Path) -> Answer:
        """`fix --yes` with these arguments; where they do not say what to expect, with trust on first use."""
        return self.run("fix", "--yes", *first_use(*arguments), *arguments)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """The command runs, with --json; whoever starts it also ends it (`ended`)."""
        return subprocess.Popen(
            self.argv(*arguments, "--json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd="/",
        )

    def left_behind(self) -> list[Path]:
        """Files of ours that stand beside stores."""
        return sorted(self.root.rglob("*dsmcertfix-*"))

    def require_proved(self, name: str, new: str, directory: Path | None = None) -> None:
        """IBM's library and the client agree that the store holds the server's new certificate."""
        assert self.held(directory)[self.endpoint.label(name)] == new
        assert self.left_behind() == []
        if os.geteuid() == (directory or self.ba).stat().st_uid:
            assert self.endpoint.dsmc("query", "session", f"-se={name}").returncode == 0


def started(root: Path, *script: str | Path) -> list[str]:
    """What Python is given for the tool, or for that script, on a system whose programs are below `root`."""
    if AIX:
        return [str(AS_AIX), str(root), *map(str, script)]
    return [*map(str, script)] or ["-m", "dsmcertfix"]


def as_of_aix(directory: Path, root: Path) -> None:
    """What an AIX has: its programs, played, below the root; a /var (here: above the state) that is bin's."""
    for program in (AS_AIX.parent / "programs").iterdir():
        place = root / ("usr/sbin" if program.name == "mount" else "usr/bin") / program.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, place)
    if AS_ROOT:
        os.chown(directory, BIN, BIN)


def first_use(*arguments: str | Path) -> tuple[str, ...]:
    """What `fix --yes` needs besides these arguments where the test is not about what to expect."""
    told = any(str(argument).startswith("--expect-") for argument in arguments)
    return () if told else ("--trust-on-first-use",)


def answer_of(argv: list[str], *, timeout_s: float = LIMIT_S, **options: Any) -> Answer:
    """What the program answered. It has ended, whatever it printed; its input is closed."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
        cwd="/",
        **options,
    )
    return Answer(done.returncode, done.stdout, done.stderr, {})


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> Answer:
    """The process has ended, after that signal if one is given."""
    with process:
        try:
            if number is not None:
                process.send_signal(number)
            stdout, stderr = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    return checked(Answer(process.returncode, stdout, stderr, {}))


def wait_until(holds: Callable[[], bool]) -> None:
    """It holds. Fails when it does not within some minutes. What it looks at may come and go meanwhile."""
    end = time.monotonic() + LIMIT_S
    while True:
        with suppress(FileNotFoundError):
            if holds():
                return
        assert time.monotonic() < end, "waited for minutes in vain"
        time.sleep(0.01)
