"""Measures `fix`: all of its time, and how much of it passes in children and in waiting for the server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from time import perf_counter

from bench_trees import write_store

from dsmbench.endpoint import Endpoint
from dsmbench.server import Server

# The tool with two watches: around every child, and around the wait for what servers present.
_WATCHED = """
import json, resource, sys, time
from dsmcertfix.ibm import tls
from dsmcertfix.system.process import run as process

spent = {"children": 0.0, "server": 0.0}

def watched(name, call):
    def timed(*arguments, **options):
        start = time.perf_counter()
        try:
            return call(*arguments, **options)
        finally:
            spent[name] += time.perf_counter() - start
    return timed

running = process.running

def watched_running(*arguments, **options):
    start = time.perf_counter()
    try:
        return (yield from running(*arguments, **options))
    finally:
        spent["children"] += time.perf_counter() - start

# `process.run` goes through it, too.
process.running = watched_running
ask_all = tls.ask_all
tls.ask_all = lambda servers, **options: watched("server", ask_all(servers, **options))
sys.argv[0] = "dsmcertfix"
from dsmcertfix.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps(spent | {"processor": used.ru_utime + used.ru_stime}), file=sys.stderr)
"""

SESSION = (
    "Command Line Backup-Archive Client Interface",
    "Session established with server PLAYED: Linux/x86_64",
    "  SSL Information.........: TLSv1.3 TLS_AES_256_GCM_SHA384",
)


@dataclass(frozen=True, slots=True)
class Fixed:
    """One run of `fix`: seconds in all, of them those that are its own, and its own processor time."""

    total_s: float
    own_s: float
    processor_s: float


class Machine:
    """An endpoint with `stores` of the client, each with a stanza of its own, for `servers` in turn.

    Its client is the bench's, which really signs on and stores what it was given with IBM's library; or with
    `waits_s` a quick one, which takes so long and then puts a store in place that was prepared before.
    """

    def __init__(
        self,
        directory: Path,
        servers: Sequence[Server],
        stores: int,
        *,
        environment: Mapping[str, str],
        waits_s: float | None = None,
    ):
        self._environment = dict(environment)
        self._servers = servers
        self._stores = stores
        self._quick = waits_s is not None
        self._prepared = directory.with_name(f"{directory.name}-prepared")
        self._state = directory.with_name(f"{directory.name}-state")
        self._endpoint = Endpoint(directory, client_mode="8.2.2")
        for number in range(stores):
            self._endpoint.stanza(
                self._name(number),
                self._server(number),
                node=self._node(number),
                passworddir=self._place(number),
            )
        self._write_stores()
        if waits_s is not None:
            self._write_quick_client(waits_s)

    def fix(self, *words: str) -> Fixed:
        """Every server has a new certificate, and every store was repaired."""
        if self._quick:
            self._write_stores()
        for server in self._servers:
            server.renew()
        for number in range(self._stores):
            # A session over TLS made the node STRICT, which fetches no certificate.
            self._server(number).update_node(self._node(number), "TRANSITIONAL")
        if self._quick:
            for number in range(self._stores):
                self._write(self._prepared / self._name(number), number)
        return self._fix(words)

    def _name(self, number: int) -> str:
        return f"S{number:03}"

    def _node(self, number: int) -> str:
        return f"NODE{number:03}"

    def _place(self, number: int) -> str:
        return f"/opt/second{number:03}/adsm"

    def _server(self, number: int) -> Server:
        return self._servers[number % len(self._servers)]

    def _write_stores(self) -> None:
        for number in range(self._stores):
            self._write(self._endpoint.path(self._place(number)), number)

    def _write(self, directory: Path, number: int) -> None:
        labelled = [(self._endpoint.label(self._name(number)), self._server(number).certificate_der)]
        write_store(directory, labelled, self._endpoint.superuser.uid)

    def _write_quick_client(self, waits_s: float) -> None:
        root = quote(str(self._endpoint.root))
        lines = (
            "#!/bin/sh",
            "name=${3#-se=}",
            f"sleep {waits_s}" if waits_s else ":",
            f"prepared={quote(str(self._prepared))}/$name",
            f'cat "$prepared/dsmcert.kdb" >{root}/opt/second"${{name#S}}"/adsm/dsmcert.kdb',
            *(f"echo '{line}'" for line in SESSION),
        )
        self._endpoint.dsmc_program.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _fix(self, more: Sequence[str]) -> Fixed:
        root, state = str(self._endpoint.root), str(self._state)
        words = [
            "--trust-root",
            "--root",
            root,
            "--state-dir",
            state,
            "fix",
            "--yes",
            "--trust-on-first-use",
            "--json",
            *more,
        ]
        start = perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        total_s = perf_counter() - start
        report = json.loads(done.stdout)
        changed = [store for store in report["stores"] if store["outcome"] == "changed"]
        if done.returncode or len(changed) != self._stores:
            raise RuntimeError(f"fix ended with {done.returncode}: {report['comment']}")
        spent = json.loads(done.stderr.splitlines()[-1])
        return Fixed(total_s, total_s - spent["children"] - spent["server"], spent["processor"])
