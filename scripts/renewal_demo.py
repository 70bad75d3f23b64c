"""Plays the renewal of one server's certificate at a site of two servers and twelve endpoints, and counts.

python scripts/renewal_demo.py [ENDPOINTS]: once staged and gated by `forecast`, once without. Through both
a client of every endpoint signs on again and again: a second after its last session began, or as soon as that
one ends. Ends with 1 unless nobody was refused where it was staged, and somebody where it was not.

Played: the servers, dsmc and dsmadmc; a run of dsmc is a process that a waiting one of the same endpoint
forks, because Python's start would cost more than the session. Real: IBM's GSKit and TLS, key databases,
certificates, dsmcertfix.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from dsmbench import config
from dsmbench.endpoint import AS_ROOT, Endpoint, User
from dsmbench.identity import Identity
from dsmbench.runtime import scratch, write_program
from dsmbench.server import Server

ENDPOINTS = 12
EVERY_S = 1.0
NAME = "TSM01"
AGAIN = "again"


@dataclass
class Client:
    """An endpoint, its sessions (stanza and user), and the client that signs on with each of them in turn."""

    name: str
    endpoint: Endpoint
    sessions: list[tuple[str, User | None]]
    granted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def sign_on_until(self, over: threading.Event) -> None:
        """Sessions begin a second apart, or as fast as they end; each is counted with its beginning."""
        running = [self._again(stanza, user) for stanza, user in self.sessions]
        turn = 0
        while not over.is_set():
            began = time.monotonic()
            ended = _asked(running[turn % len(running)])
            (self.refused if ended else self.granted).append(began)
            turn += 1
            over.wait(max(0.0, EVERY_S - (time.monotonic() - began)))
        for each in running:
            each.communicate()

    def _again(self, stanza: str, user: User | None) -> subprocess.Popen[str]:
        """The played client that signs on with the stanza as that user, for each line that it is given."""
        program = self.endpoint.ba_directory / AGAIN
        who = user or self.endpoint.superuser
        return subprocess.Popen(
            [program, "query", "session", f"-se={stanza}"],
            env={"HOME": str(who.home), "LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            user=who.uid if AS_ROOT else None,
            group=who.gid if AS_ROOT else None,
            extra_groups=[] if AS_ROOT else None,
        )

    def has_signed_on_since(self, moment: float) -> bool:
        """Whether each of its sessions was granted since."""
        return sum(began > moment for began in self.granted) >= len(self.sessions)


def _asked(running: subprocess.Popen[str]) -> int:
    """The return code of one more session."""
    assert running.stdin is not None and running.stdout is not None
    running.stdin.write("\n")
    running.stdin.flush()
    return int(running.stdout.readline())


@dataclass
class Site:
    """Two servers and twelve endpoints; `new` is the certificate to which TSM01 will switch."""

    directory: Path
    servers: dict[str, Server]
    clients: list[Client]
    new: Identity
    signing_on: list[Future[None]] = field(default_factory=list)

    def tool(self, client: Client | None, *words: str | Path, code: Sequence[int] = (0,)) -> str:
        """What the tool prints, on an endpoint or on the administrator's own machine (None)."""
        places: tuple[str, ...] = ()
        if client is not None:
            root = str(client.endpoint.root)
            places = ("--trust-root", "--root", root, "--state-dir", f"{root}/state")
        argv = [sys.executable, "-m", "dsmcertfix", *places, *map(str, words)]
        done = subprocess.run(
            argv, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode not in code:
            raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def admin(self, *words: str | Path) -> str:
        """What the played dsmadmc prints."""
        argv = [sys.executable, "-m", "dsmbench.dsmadmc", "--state", self.directory / "servers"]
        done = subprocess.run(
            [*argv, "--server", NAME, *words],
            capture_output=True,
            text=True,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout

    def forecast(self, code: int) -> None:
        """The forecast from fresh results of all is printed; it ends with that code."""
        results, nodes = self.directory / "results", self.directory / "nodes.csv"
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir()
        for client in self.clients:
            told = json.loads(self.tool(client, "detect", "--json", code=(0, 3)))
            told["host"] = client.name  # all of them are on one machine
            (results / f"{client.name}.json").write_text(json.dumps(told), encoding="utf-8")
        self.tool(None, "server", "macro", "nodes", "--output", self.directory / "nodes.mac")
        nodes.write_text(self.admin("macro", self.directory / "nodes.mac"), encoding="utf-8")
        words = ("results", "--server", NAME, "--certificate", "new.arm", "--nodes", "nodes.csv")
        gated = (*words, "--inventory", "hosts.txt", "--gate", "100", "--to-open", "open.txt")
        say(self.tool(None, "forecast", *gated, code=(code,)).splitlines()[-1])

    def trust(self, clients: Sequence[Client], file: str) -> None:
        """These endpoints trust exactly the certificates of the file for TSM01."""
        for client in clients:
            self.tool(client, "trust", "--server", NAME, "--file", self.directory / file, "--yes")

    def wait_until_all_signed_on(self) -> float:
        """Seconds until every endpoint's clients were all granted a session that began from now on.

        Raises what a client raised that ended.
        """
        moment = time.monotonic()
        while not all(client.has_signed_on_since(moment) for client in self.clients):
            for each in self.signing_on:
                if each.done():
                    each.result()
            time.sleep(0.2)
        return time.monotonic() - moment

    def switch(self) -> float:
        """TSM01 presents its new certificate from its next connection on; when that was."""
        self.servers[NAME].state.renew(self.new)
        return time.monotonic()


def say(text: str) -> None:
    """A line of the story."""
    print(text, flush=True)


@contextmanager
def site(endpoints: int) -> Iterator[Site]:
    """The site, ninety days before the end of TSM01's certificate; a client of every endpoint signs on."""
    now = datetime.now(timezone.utc)
    old = Identity.make(now - timedelta(days=3562), now + timedelta(days=90))
    with scratch() as directory:
        state = directory / "servers"
        with Server(NAME, identity=old, directory=state) as one, Server("TSM02", directory=state) as two:
            made = Site(directory, {NAME: one, "TSM02": two}, [], Identity.make())
            made.clients.extend(_client(made, number) for number in range(1, endpoints + 1))
            _files(made, old)
            over = threading.Event()
            with ThreadPoolExecutor(endpoints) as pool:
                made.signing_on.extend(pool.submit(item.sign_on_until, over) for item in made.clients)
                try:
                    made.wait_until_all_signed_on()
                    yield made
                finally:
                    over.set()


def _client(made: Site, number: int) -> Client:
    """Every third endpoint is a client of both servers, every fourth has a second user with a store."""
    name = f"host{number:02}"
    endpoint = Endpoint(made.directory / name, programs=("dsmc", "gsk8capicmd_64"))
    fixed = ("--bench-config", endpoint.root / config.PLACE, "--bench-program", endpoint.dsmc_program)
    write_program(endpoint.ba_directory / AGAIN, "dsmbench.again", *fixed)
    one, two = made.servers.values()
    client = Client(name, endpoint, [(NAME, None)])
    held = [endpoint.trusted(NAME, one)]
    endpoint.stanza(NAME, one, node=name.upper())
    if number % 3 == 0:
        endpoint.stanza("TSM02", two, node=name.upper())
        held.append(endpoint.trusted("TSM02", two))
        client.sessions.append(("TSM02", None))
    endpoint.store(certificates=held)
    if number % 4 == 0:
        alice = endpoint.user("alice")
        endpoint.stanza(
            f"{NAME}_ALICE", one, node=f"{name}_ALICE", passworddir="/home/alice/adsm", owner=alice
        )
        endpoint.store(user=alice, certificates=[endpoint.trusted(f"{NAME}_ALICE", one)])
        client.sessions.append((f"{NAME}_ALICE", alice))
    return client


def _files(made: Site, old: Identity) -> None:
    (made.directory / "new.arm").write_bytes(made.new.arm)
    (made.directory / "both.arm").write_bytes(old.arm + made.new.arm)
    nodes = (
        (item.name, "" if len(item.sessions) < 2 else f",{item.name}_ALICE".upper()) for item in made.clients
    )
    lines = (f"{name} nodes={name.upper()}{more}\n" for name, more in nodes)
    (made.directory / "hosts.txt").write_text("".join(lines), encoding="utf-8")


def staged(endpoints: int) -> tuple[int, int]:
    """The renewal as docs/renewal.md leads through it; how many sessions were granted, and refused."""
    say("\n# Staged: both certificates are trusted before the server switches.")
    with site(endpoints) as made:
        say("Ninety days before the end nobody holds the new certificate:")
        made.forecast(3)
        few = max(1, endpoints // 3)
        late, ready = made.clients[:few], made.clients[few:]
        made.trust(ready, "both.arm")
        say(f"{len(ready)} endpoints were given both certificates, {len(late)} were not reached:")
        made.forecast(3)
        made.trust(late, "both.arm")
        say("The stragglers were given both, too:")
        made.forecast(0)
        made.switch()
        say(
            f"TSM01 switched; {made.wait_until_all_signed_on():.0f} s later every client had signed on again."
        )
        made.trust(made.clients, "new.arm")
        made.wait_until_all_signed_on()
        left = [item.name for item in made.clients if _held_by(made, item) != {made.new.sha256}]
        say(f"The old certificate was taken out of all stores but those of: {', '.join(left) or 'none'}.")
    counted = _counted(made)
    if left:
        raise RuntimeError("the old certificate is left")
    return counted


def unstaged(endpoints: int) -> tuple[int, int, float]:
    """The same switch on the same day; sessions granted and refused, and seconds until the last was back."""
    say("\n# The same without staging: the server switches, then every endpoint is repaired.")
    with site(endpoints) as made:
        made.forecast(3)
        moment = made.switch()
        words = ("--nodes", "nodes.csv", "--from", "open.txt", "--output", made.directory / "open.mac")
        made.tool(None, "server", "macro", "transitional", *words)
        made.admin("macro", made.directory / "open.mac")
        for client in made.clients:
            made.tool(client, "fix", "--server", NAME, "--expect-file", made.directory / "new.arm", "--yes")
        made.wait_until_all_signed_on()
        back = max(max(item.refused, default=moment) for item in made.clients) - moment
    return (*_counted(made), back)


def _held_by(made: Site, client: Client) -> set[str]:
    """The fingerprints of TSM01's certificates in its stores."""
    told = json.loads(made.tool(client, "inspect", "--json"))
    theirs = {made.servers["TSM02"].sha256}
    return {one["sha256"] for store in told["stores"] for one in store["certificates"]} - theirs


def _counted(made: Site) -> tuple[int, int]:
    granted = sum(len(item.granted) for item in made.clients)
    refused = sum(len(item.refused) for item in made.clients)
    starts = [sorted((*item.granted, *item.refused)) for item in made.clients]
    gap_s = sum(each[-1] - each[0] for each in starts) / sum(len(each) - 1 for each in starts)
    say(f"{granted + refused} sessions, one every {gap_s:.1f} s an endpoint: {refused} refused.")
    return granted, refused


def main(endpoints: int = ENDPOINTS) -> int:
    """Both renewals; see the module."""
    granted, refused = staged(endpoints)
    granted_late, refused_late, back_s = unstaged(endpoints)
    say("\n| | sessions | refused | last one refused after the switch |\n| --- | ---: | ---: | ---: |")
    say(f"| staged, gated by `forecast` | {granted + refused} | {refused} | - |")
    say(f"| not staged, then repaired | {granted_late + refused_late} | {refused_late} | {back_s:.0f} s |")
    return 0 if refused == 0 and refused_late > 0 else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
