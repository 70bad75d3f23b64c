"""Several named servers in one process, told what to do from a shell.

    python -m dsmbench.server --state DIR --server TSM01 --server TSM02 --detach
    python -m dsmbench.server renew --state DIR TSM02
    python -m dsmbench.server update-node --state DIR TSM02 ALICE TRANSITIONAL
    python -m dsmbench.server status --state DIR
    python -m dsmbench.server stop --state DIR

The state directory has one directory a server (state.py), `ports.json`, and `server.pid`, which the running
process holds a lock on. The process ends when told, and by itself after its lifetime.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import get_args

from dsmbench import identity
from dsmbench.identity import Identity
from dsmbench.server import HOST, Server
from dsmbench.state import Behaviour, Kind, Node, Other, ServerState, SessionSecurity

START_S = 60.0


def main(arguments: list[str] | None = None) -> None:
    """The command line. Exits with 1 and a message when something cannot be done."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0].startswith("--") and given[0] not in ("--help", "-h"):
        given = ["run", *given]
    options = _parser().parse_args(given)
    try:
        command: Callable[[argparse.Namespace], None] = _COMMANDS[options.command]
        command(options)
    except (OSError, KeyError, RuntimeError) as error:
        sys.exit(f"dsmbench.server: {error}")


def running(directory: Path) -> bool:
    """Whether a process serves that state directory."""
    try:
        with (directory / "server.pid").open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def ports(directory: Path) -> dict[str, int]:
    """Port by server name, running or not. Raises FileNotFoundError before their first start."""
    found: dict[str, int] = json.loads((directory / "ports.json").read_bytes())
    return found


def start(directory: Path, servers: list[str], *, lifetime_s: float = 3600) -> dict[str, int]:
    """A process of its own serves these servers, and those the directory has; returns their ports.

    Raises RuntimeError when one serves that directory already, or when it does not come up.
    """
    if running(directory):
        raise RuntimeError(f"servers run already on {directory}")
    directory.mkdir(parents=True, exist_ok=True)
    named = [word for server in servers for word in ("--server", server)]
    command = [sys.executable, "-m", "dsmbench.server", "run", "--state", str(directory), *named]
    with (directory / "server.out").open("wb") as output:
        process = subprocess.Popen(
            [*command, "--lifetime", str(lifetime_s)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError((directory / "server.out").read_text().strip() or "the servers ended at once")
        if running(directory) and (directory / "up").exists():
            process.returncode = 0  # it is to outlive us: no warning that it still runs
            return ports(directory)
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError("the servers did not come up")


def stop(directory: Path) -> None:
    """No process serves that state directory any more. Raises RuntimeError when it does not end."""
    if not running(directory):
        return
    os.kill(int((directory / "server.pid").read_text()), signal.SIGTERM)
    end = time.monotonic() + START_S
    while running(directory):
        if time.monotonic() > end:
            raise RuntimeError(f"the servers on {directory} do not end")
        time.sleep(0.02)


def _run(options: argparse.Namespace) -> None:
    if options.detach:
        _print_ports(start(options.state, options.server, lifetime_s=options.lifetime))
        return
    options.state.mkdir(parents=True, exist_ok=True)
    over = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with (options.state / "server.pid").open("a+") as pid_file:
        _hold(pid_file.fileno())
        (options.state / "up").unlink(missing_ok=True)
        pid_file.truncate(0)
        pid_file.write(str(os.getpid()))
        pid_file.flush()
        _serve(options, over)


def _hold(descriptor: int) -> None:
    """The lock is ours. Raises BlockingIOError when it is not a mere look (`running`) that has it."""
    for _ in range(50):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
    raise BlockingIOError("another process serves this state directory")


def _serve(options: argparse.Namespace, over: Event) -> None:
    known = ports(options.state) if (options.state / "ports.json").exists() else {}
    wanted = {
        name: int(port or known.get(name, 0)) for name, _, port in (s.partition(":") for s in options.server)
    }
    servers: list[Server] = []
    try:
        for name, port in {**known, **wanted}.items():
            servers.append(Server(name, port=port, directory=options.state).start())
        found = {server.name: server.port for server in servers}
        (options.state / "ports.json").write_text(json.dumps(found), encoding="utf-8")
        (options.state / "up").touch()
        _print_ports(found)
        over.wait(options.lifetime)
    finally:
        (options.state / "up").unlink(missing_ok=True)
        for server in servers:
            server.stop()


def _print_ports(found: dict[str, int]) -> None:
    for name, port in found.items():
        print(f"{name} {HOST} {port}", flush=True)


def _state(options: argparse.Namespace) -> ServerState:
    if options.server not in ports(options.state):
        raise RuntimeError(f"no server {options.server} in {options.state}")
    return ServerState(options.state / options.server)


def _renew(options: argparse.Namespace) -> None:
    fresh = _state(options).renew(identity.expired() if options.expired else Identity.make())
    print(f"{options.server} presents {fresh.sha256}, valid until {fresh.certificate.not_valid_after_utc:%F}")


def _register(options: argparse.Namespace) -> None:
    _state(options).set_node(options.node, Node(options.session_security))
    print(f"{options.server}: node {options.node.upper()} is registered, {options.session_security}")


def _update_node(options: argparse.Namespace) -> None:
    changes = {"locked": False, "invalid_sign_ons": 0} if options.unlock else {}
    _state(options).update_node(options.node, session_security=options.session_security, **changes)
    print(f"{options.server}: node {options.node.upper()} is {options.session_security}")


def _behave(options: argparse.Namespace) -> None:
    _state(options).behave(Behaviour(options.kind, options.delay, options.other, options.count))


def _status(options: argparse.Namespace) -> None:
    print("running" if running(options.state) else "not running")
    for name, port in ports(options.state).items():
        state = ServerState(options.state / name)
        presented = state.identity
        until = presented.certificate.not_valid_after_utc
        print(f"{name} {HOST} {port} {presented.sha256} until {until:%F}")
        for node, fields in state.nodes.items():
            print(f"  {node} {fields.session_security}{' locked' if fields.locked else ''}")


def _export(options: argparse.Namespace) -> None:
    sys.stdout.write(_state(options).identity.arm.decode())


def _stop(options: argparse.Namespace) -> None:
    stop(options.state)


_COMMANDS = {
    "run": _run,
    "renew": _renew,
    "register-node": _register,
    "update-node": _update_node,
    "behave": _behave,
    "status": _status,
    "cert256": _export,
    "stop": _stop,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dsmbench.server", description="Played Storage Protect servers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    described = {
        "run": "serve until told to stop",
        "renew": "give a server a new key and certificate",
        "register-node": "make a node known to a server",
        "update-node": "set a node's SESSIONSECURITY",
        "behave": "make a server misbehave",
        "status": "print servers and nodes",
        "cert256": "print a server's certificate",
        "stop": "end the process that serves",
    }
    made = {name: commands.add_parser(name, help=text, description=text) for name, text in described.items()}
    for command in made.values():
        command.add_argument("--state", type=Path, required=True, metavar="DIR")
    made["run"].add_argument("--server", action="append", default=[], metavar="NAME[:PORT]")
    made["run"].add_argument("--detach", action="store_true", help="return as soon as the servers listen")
    made["run"].add_argument("--lifetime", type=float, default=3600, metavar="SECONDS")
    for name in ("renew", "register-node", "update-node", "behave", "cert256"):
        made[name].add_argument("server")
    made["renew"].add_argument("--expired", action="store_true", help="with one that has expired")
    for name in ("register-node", "update-node"):
        made[name].add_argument("node")
        made[name].add_argument("session_security", choices=get_args(SessionSecurity), type=str.upper)
    made["update-node"].add_argument("--unlock", action="store_true")
    made["behave"].add_argument("kind", choices=get_args(Kind))
    made["behave"].add_argument("--other", choices=get_args(Other), default="never")
    made["behave"].add_argument("--count", type=int, default=0)
    made["behave"].add_argument("--delay", type=float, default=2.0)
    return parser
