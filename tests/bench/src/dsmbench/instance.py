"""Builds a server instance on an endpoint: its directory, a real cert.kdb with its key, and what starts it.

    with Endpoint(...) as endpoint, Instance(endpoint, "TSM01") as tsm01:
        tsm01.start()
        endpoint.stanza("TSM01", tsm01.server, node="HOST1")

The server is played by dsmserv.py, in a process of its own that only SIGTERM ends.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from dsmbench import gskit, runtime
from dsmbench.dsmserv import LABEL, Plan, Trouble, is_gone, plan_file, read_plan, wait_until_gone, write_plan
from dsmbench.endpoint import AS_ROOT, Endpoint, User
from dsmbench.formats import personal_keys
from dsmbench.identity import Identity, fingerprint
from dsmbench.places import SYSTEMCTL
from dsmbench.server import HOST
from dsmbench.state import Node, ServerState, SessionSecurity

BIN = Path("opt/tivoli/tsm/server/bin")
PLANS = Path(".dsmbench", "instances")
PASSWORD = "password of the played server's key database"
START_S = 60.0
# Below those that Linux gives to whoever names none.
_PORTS = range(20_000, 32_000)
Version = Literal[3, 4, 6]

_RC = """#!/bin/sh
# As IBM's dsmserv.rc: start | stop
instance_dir="{directory}"
case "$1" in
start) "{program}" -i "{directory}" -u {user} -q >/dev/null 2>&1 </dev/null & ;;
stop) [ -e "{pid}" ] && kill -TERM "$(cat "{pid}")" || exit 1 ;;
*) echo "usage: $0 start|stop" >&2; exit 1 ;;
esac
"""


class Instance:
    """An instance of that name, in its owner's home unless told otherwise; stopped at the end of `with`.

    Its key database of that version holds the identity under the server's own label, as the default, and what
    `trusted` (label, DER) and `personal` (label, identity) give.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: str = "TSM01",
        *,
        owner: User | None = None,
        directory: str = "",
        version: Version = 4,
        identity: Identity | None = None,
        trusted: Sequence[tuple[str, bytes]] = (),
        personal: Sequence[tuple[str, Identity]] = (),
    ):
        self.endpoint = endpoint
        self.name = name
        self.owner = owner or endpoint.user("tsminst1")
        self.port = _free_port()
        self._unit = ""
        self.directory = endpoint.path(directory) if directory else self.owner.home / self.owner.name
        self._make_directory()
        held = ((LABEL, (identity or Identity.make()).pem), *((label, one.pem) for label, one in personal))
        self._fill(made_database(version, held, tuple(trusted)))
        self._write("dsmserv.opt", f"* the played server\nCOMMmethod TCPIP\nTCPPort {self.port}\n")
        self._make_state()
        self._plans = endpoint.root / PLANS
        self._make_plan()
        self._make_programs()

    # --- what is there

    @property
    def database(self) -> Path:
        """Its cert.kdb."""
        return self.directory / "cert.kdb"

    @property
    def arm(self) -> Path:
        """Its cert256.arm."""
        return self.directory / "cert256.arm"

    @property
    def rc(self) -> Path:
        """The script that starts and stops it."""
        return self.endpoint.root / BIN / f"{self.name.lower()}.rc"

    @property
    def server(self) -> tuple[str, int]:
        """Where it listens."""
        return HOST, self.port

    @property
    def held(self) -> dict[str, str]:
        """Label to fingerprint, as IBM's library reads the key database."""
        return {label: fingerprint(der) for label, der in gskit.certificates(self.database).items()}

    @property
    def sha256(self) -> str:
        """The fingerprint of the certificate that it made for itself."""
        return self.held[LABEL]

    @property
    def presented(self) -> bytes:
        """The certificate that it presents now (DER). Raises OSError when it does not listen."""
        with socket.create_connection(self.server, timeout=10) as plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True) or b""

    @property
    def ready(self) -> bool:
        """Whether it presents a certificate: it has made and exported what was missing."""
        try:
            return bool(self.presented)
        except OSError:
            return False

    @property
    def keys(self) -> list[bytes]:
        """Every private key of its key database, as it lies there."""
        return [key for _, key in personal_keys(self.database.read_bytes())]

    @property
    def console(self) -> str:
        """What it said."""
        log = self.directory / "console.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def register(self, node: str, session_security: SessionSecurity = "TRANSITIONAL") -> None:
        """The node is known, as exactly this."""
        self.state.set_node(node, Node(session_security))
        self._give_state()

    def give_back(self) -> None:
        """What somebody else wrote into its files is its owner's."""
        self._give_state()
        for path in self.directory.iterdir():
            self._give(path)

    def update_node(self, node: str, session_security: SessionSecurity) -> None:
        """As UPDATE NODE … SESSIONSECURITY."""
        self.state.update_node(node, session_security=session_security)
        self._give_state()

    # --- life

    def start(self) -> Instance:
        """It listens, started by its unit where it has one. Raises RuntimeError when it does not come up."""
        program = self.endpoint.root / SYSTEMCTL
        command = [program, "start", self._unit] if self._unit else [self.rc, "start"]
        subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.ready:
                return self
            time.sleep(0.05)
        raise RuntimeError(f"the played server did not come up: {self.console}")

    def stop(self) -> None:
        """It does not run, whatever it is told."""
        pid = self.pid
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            if not wait_until_gone(pid, 30.0 if self._plan.trouble != "deaf" else 0.0):
                os.kill(pid, signal.SIGKILL)
                wait_until_gone(pid)

    @property
    def pid(self) -> int | None:
        """The number of its process, None when it does not run."""
        try:
            text = (self.directory / "dsmserv.pid").read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        # Empty for the moment in which it is written.
        return int(text) if text and not is_gone(int(text)) else None

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.pid is not None

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # --- how it behaves

    def behave(
        self,
        trouble: Trouble | None = None,
        *,
        makes: Identity | None = None,
        slow_s: float = 0.0,
        until: Path | None = None,
        once: bool = False,
    ) -> None:
        """It behaves so from its next start on (dsmserv.py), or at its next start only."""
        file = ""
        if makes is not None:
            path = self._plans / f"{self.name}.pem"
            path.write_bytes(makes.pem)
            path.chmod(0o644)
            file = str(path)
        plan = replace(self._plan, makes=file, slow_s=slow_s, trouble=trouble, once=once)
        plan = replace(plan, until=str(until) if until else "")
        write_plan(self._plan_file, plan)

    def add_unit(self, name: str = "") -> Path:
        """A systemd unit for it, and the played systemctl."""
        root = self.endpoint.root
        self._unit = name or f"{self.owner.name}.service"
        unit = root / "etc/systemd/system" / self._unit
        unit.parent.mkdir(parents=True, exist_ok=True)
        rc = f"/{self.rc.relative_to(root)}"
        place = f"/{self.directory.relative_to(root)}"
        unit.write_text(
            f"[Unit]\nDescription=server instance {self.name} -i {place}\n\n[Service]\nType=forking\n"
            f"ExecStart={rc} start\nExecStop={rc} stop\n",
            encoding="utf-8",
        )
        self.endpoint.add_systemctl()
        return unit

    def add_database_backup(self) -> str:
        """The API client with which its database is backed up; the name of the stanza."""
        self.endpoint.add_database_backup(self.owner, self, directory=self.directory)
        return f"TSMDBMGR_{self.owner.name}"

    # --- building

    def _make_directory(self) -> None:
        missing = [part for part in (self.directory, *self.directory.parents) if not part.exists()]
        for part in reversed(missing):
            part.mkdir(mode=0o755)
            self._give(part)

    def _fill(self, files: tuple[tuple[str, bytes], ...]) -> None:
        for name, content in files:
            file = self.directory / name
            file.write_bytes(content)
            file.chmod(0o644 if name == self.arm.name else 0o600)
            self._give(file)

    def _write(self, name: str, text: str) -> None:
        (self.directory / name).write_text(text, encoding="utf-8")
        self._give(self.directory / name)

    def _make_state(self) -> None:
        directory = self.endpoint.root / ".dsmbench" / "servers" / self.name
        self.state = ServerState.create(directory, {}, None)
        self._give_state()

    def _give_state(self) -> None:
        for path in (self.state.directory, *self.state.directory.iterdir()):
            self._give(path)

    @property
    def _plan_file(self) -> Path:
        return plan_file(self._plans, self.directory.resolve())

    @property
    def _plan(self) -> Plan:
        return read_plan(self._plan_file)

    def _make_plan(self) -> None:
        self._plans.mkdir(parents=True, exist_ok=True)
        self._plans.chmod(0o777)
        plan = Plan(
            self.name, self.port, str(self.state.directory), self.owner.uid if AS_ROOT else 0, self.owner.gid
        )
        write_plan(self._plan_file, plan)

    def _make_programs(self) -> None:
        program = self.endpoint.root / BIN / "dsmserv"
        if not program.exists():
            runtime.write_program(program, "dsmbench.dsmserv", "--bench-plans", self._plans)
        text = _RC.format(
            directory=self.directory,
            program=program,
            user=self.owner.name,
            pid=self.directory / "dsmserv.pid",
        )
        self.rc.write_text(text, encoding="utf-8")
        self.rc.chmod(0o755)

    def _give(self, path: Path) -> None:
        if AS_ROOT:
            os.chown(path, self.owner.uid, self.owner.gid)


def _free_port() -> int:
    """A port that nobody has, and that the system gives to nobody until it is listened on."""
    chance = random.SystemRandom()
    for _ in range(100):
        with socket.socket() as probe, suppress(OSError):
            port = chance.choice(_PORTS)
            probe.bind((HOST, port))
            return port
    raise RuntimeError("no port is free")


@lru_cache(maxsize=64)
def made_database(
    version: Version, personal: tuple[tuple[str, bytes], ...], trusted: tuple[tuple[str, bytes], ...]
) -> tuple[tuple[str, bytes], ...]:
    """Name and content of a server's files with these (label, PEM) and (label, DER), made by IBM's library.

    The first personal one is the default, and in cert256.arm.
    """
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, "cert.kdb")
        operations: list[gskit.Operation] = [
            {"op": "create", "path": str(made), "password": PASSWORD, "version": version, "cas": False},
            *(
                {"op": "add-personal", "path": str(made), "label": label, "pem": pem.decode()}
                for label, pem in personal
            ),
            *(gskit.adding(made, label, der) for label, der in trusted),
            {"op": "set-default", "path": str(made), "label": personal[0][0]},
        ]
        gskit.run(operations)
        arm = Path(scratch, "cert256.arm")
        arm.write_bytes(Identity(personal[0][1]).arm)
        return tuple((file.name, file.read_bytes()) for file in sorted(Path(scratch).iterdir()))
