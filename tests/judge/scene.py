"""Endpoints that have the pairs of the matrix: a store and a stanza for each, and the servers.

The tool is asked with `detect`; IBM's library makes one handshake for each pair, with the very files.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.answers import Answer, checked
from tests.judge.cases import SERVERS, STORES, StoreCase

from dsmbench import formats, gsktls
from dsmbench.endpoint import Endpoint
from dsmbench.made import PASSWORD, made_store
from dsmbench.server import HOST, Server

CALM = frozenset(("ok", "ca", "superseded", "unknown", "unreadable"))
"""The statuses that call for nothing: what is fine, and what is nobody's."""
LIMIT_S = 900.0
EXPIRES = {"for ever": 0, "will expire": 30 * 86400, "has expired": -86400}

Pair = tuple[str, str]


class Judged(NamedTuple):
    """What IBM's library and the tool say of one store and one server, by the names of their cases.

    `fine`: the tool calls for nothing. `says` is why, for people.
    """

    store: str
    server: str
    gskit: gsktls.Verdict
    fine: bool
    says: str

    @property
    def wrong(self) -> bool:
        """Whether the tool calls fine what IBM's library refuses."""
        return self.fine and not self.gskit.trusted

    @property
    def careful(self) -> bool:
        """Whether the tool calls for action where IBM's library is content."""
        return not self.fine and self.gskit.trusted


def every_pair() -> list[Pair]:
    """Every store with every server."""
    return [(store, server) for store in STORES for server in SERVERS]


def some_pairs() -> list[Pair]:
    """For every store three servers: those move on from store to store, so that each is met."""
    servers = list(SERVERS)
    return [
        (store, servers[(3 * at + step) % len(servers)])
        for at, store in enumerate(STORES)
        for step in range(3)
    ]


def judged(directory: Path, pairs: Sequence[Pair]) -> Iterator[Judged]:
    """Both verdicts on each pair, by stores; `directory` is empty, and gets an endpoint for each store.

    One endpoint has one kind of store only: what other stores of an owner hold counts.
    """
    with _servers({server for _, server in pairs}) as servers:
        for number, store in enumerate(dict.fromkeys(store for store, _ in pairs)):
            chosen = {server: servers[server] for named, server in pairs if named == store}
            yield from _judged(directory / str(number), store, chosen)


def _judged(directory: Path, store: str, servers: Mapping[str, Server]) -> list[Judged]:
    endpoint = Endpoint(directory / "root")
    places = {
        name: _pair(endpoint, number, store, server) for number, (name, server) in enumerate(servers.items())
    }
    answer = _detect(endpoint.root, directory / "state")
    verdicts = gsktls.judge_all(
        [(HOST, servers[name].port, place / "dsmcert.kdb") for name, place in places.items()]
    )
    return [
        Judged(store, name, verdict, *said(answer, place))
        for (name, place), verdict in zip(places.items(), verdicts, strict=True)
    ]


def trusted_servers(directory: Path, stores: Sequence[str]) -> dict[str, set[str]]:
    """Which servers IBM's library trusts with each of these stores; `directory` is empty."""
    asked: list[tuple[str, int, Path]] = []
    with _servers(set(SERVERS)) as servers:
        for number, store in enumerate(stores):
            place = directory / str(number)
            place.mkdir()
            for name, content in files(STORES[store]):
                (place / name).write_bytes(content)
            asked += [(HOST, server.port, place / "dsmcert.kdb") for server in servers.values()]
        verdicts = iter(gsktls.judge_all(asked))
    return {
        store: {server for server, verdict in zip(SERVERS, verdicts, strict=False) if verdict.trusted}
        for store in stores
    }


def version() -> str:
    """The version of IBM's library."""
    return gsktls.version_of_the_library()


def summary(found: Iterable[Judged]) -> Counter[str]:
    """How many pairs are judged alike, more carefully, and wrongly."""
    return Counter("wrong" if one.wrong else "careful" if one.careful else "alike" for one in found)


@contextmanager
def _servers(names: set[str]) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        chosen = (name for name in SERVERS if name in names)
        yield {name: stack.enter_context(Server("TSM", identity=SERVERS[name]())) for name in chosen}


def _pair(endpoint: Endpoint, number: int, store: str, server: Server) -> Path:
    place = f"/pairs/{number:03d}"
    endpoint.stanza(
        f"P{number:03d}", (HOST, server.port), node=f"N{number}", passworddir=place, password=None
    )
    directory = endpoint.path(place)
    directory.mkdir(parents=True)
    for name, content in files(STORES[store]):
        (directory / name).write_bytes(content)
        (directory / name).chmod(0o600)
    return directory


@cache
def files(case: StoreCase) -> tuple[tuple[str, bytes], ...]:
    """Name and content of the files of such a store, from IBM's library; then flags and dates are set."""
    entries = tuple((label, identity.der) for label, identity in case.entries())
    made = dict(made_store(case.version, case.cas, entries))
    seconds = EXPIRES[case.password]
    made["dsmcert.kdb"] = formats.rewritten(
        made["dsmcert.kdb"],
        PASSWORD.encode(),
        flags=formats.TRUSTED if case.trusted else formats.NOT_TRUSTED,
        expires=int(time.time()) + seconds if seconds else 0,
    )
    return tuple(made.items())


def _detect(root: Path, state: Path) -> Answer:
    places = ["--root", str(root), "--state-dir", str(state)]
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", *places, "detect", "--json"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return checked(Answer(done.returncode, done.stdout, done.stderr, json.loads(done.stdout)))


def said(answer: Answer, directory: Path) -> tuple[bool, str]:
    """Whether the tool calls for nothing in that store, and its words."""
    store = answer.store(directory)
    if store["problem"]:
        return False, str(store["problem"]["code"])
    statuses = sorted({str(one["status"]) for one in store["certificates"]})
    return CALM.issuperset(statuses), ", ".join(statuses) or "nothing"
