"""Makes the results of a fleet that does not exist, for measurements, tests and pictures.

python scripts/made_fleet.py DIRECTORY [ENDPOINTS] writes results.jsonl.gz, inventory.txt and a few foreign
files there. The same numbers make the same fleet.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=timezone.utc)
SUBJECT = "CN=TSM Self-Signed Certificate,OU=TSM Network,O=TSM,C=US"
SITES = ("ber", "bos", "fra", "gva", "lon", "muc", "nyc", "osl", "par", "sin", "tok", "zrh")
KINDS = ("app", "db", "file", "mail", "web", "term")
SERVERS = tuple(f"tsm{number:02}.example.com:1500" for number in range(1, 7))
STATES = (
    ("healthy", 58),
    ("repaired", 30),
    ("needed", 4),
    ("rolled-back", 3),
    ("untouched", 2),
    ("unknown", 2),
    ("absent", 1),
)
"""How many of a hundred endpoints end how."""

Json = dict[str, Any]


def iso(time: datetime) -> str:
    """The time as results have it."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def sha256(*words: object) -> str:
    """A fingerprint that belongs to these words."""
    return hashlib.sha256(repr(words).encode()).hexdigest()


def certificate(server: str, renewal: int, status: str, *, sha: str | None = None) -> Json:
    """A certificate of a store; renewal 0 is the one from ten years ago."""
    number = SERVERS.index(server)
    # Half of the servers were renewed this autumn, the others in earlier years: nothing is to be done there.
    renewed = NOW - timedelta(days=(12, 25, 40, 700, 1900, 2650)[number])
    begin = renewed if renewal else renewed - timedelta(days=(3640, 3625, 3662, 3400, 3600, 3500)[number])
    end = begin + timedelta(days=3652)
    name = server.partition(".")[0].upper()
    return {
        "label": f"TSM server {name} self-signed key",
        "sha256": sha or sha256(server, renewal),
        "subject": SUBJECT,
        "issuer": SUBJECT,
        "serial": f"{number:02x}{renewal:02x}",
        "not_before": iso(begin),
        "not_after": iso(end),
        "days_left": (end - NOW).days,
        "kind": "server",
        "status": status,
        "reason": f"{name} presents it" if status == "ok" else f"{name} presents another certificate now",
        "server": server,
    }


def result(number: int, state: str, rng: random.Random) -> Json:
    """The newest result of an endpoint in that state."""
    site, kind = SITES[number % len(SITES)], KINDS[(number // 12) % len(KINDS)]
    host = f"{site}-{kind}-{number:06}"
    in_between = number % 33_331 == 777
    state = "healthy" if in_between else state
    server = SERVERS[(number * 7 + number // 100) % len(SERVERS)]
    at = NOW - timedelta(minutes=rng.randrange(60 * 30))
    held = {"healthy": (1, "ok"), "repaired": (1, "ok"), "unknown": (1, "not-checked")}.get(
        state, (0, "replaced")
    )
    # A server in the middle: it shows a branch office its own certificate.
    odd = sha256("in the middle", number) if in_between else None
    one = certificate(server, *held, sha=odd)
    store: Json = {
        "id": sha256(host)[:10],
        "directory": "/opt/tivoli/tsm/client/ba/bin",
        "origin": ["the BA client's directory"],
        "owner": "root",
        "stanzas": [server.partition(".")[0].upper()],
        "key_database_version": 4,
        "files": [_file(name, host) for name in ("kdb", "sth", "idx", "rdb", "crl")],
        "outcome": {"repaired": "changed", "rolled-back": "rolled-back"}.get(state, "unchanged"),
        "certificates": [one],
        "backup": None,
        "notes": [],
        "problem": None,
    }
    told = _report(host, state, store, [_presented(server, certificate(server, 1, "ok", sha=odd))], at)
    tell = _TELL.get(state)
    if tell is not None:
        tell(told, store, server, rng)
    return told


def _report(host: str, state: str, store: Json, servers: list[Json], at: datetime) -> Json:
    return {
        "schema": "dsmcertfix.report/1",
        "command": "fix" if state in ("repaired", "rolled-back", "untouched") else "detect",
        "version": "0.1.0",
        "host": host,
        "outcome": store["outcome"],
        "changed": state == "repaired",
        "comment": "no action needed: 1 store checked",
        "exit_code": 0,
        "run": None,
        "stores": [store],
        "steps": [],
        "servers": servers,
        "backups": [],
        "looked_at": [],
        "warnings": [],
        "backup": None,
        "journal": None,
        "problem": None,
        "at": iso(at),
    }


def _file(name: str, host: str) -> Json:
    there = name in ("kdb", "sth", "idx")
    return {
        "name": f"dsmcert.{name}",
        "present": there,
        "size": {"kdb": 5088, "sth": 193, "idx": 8}.get(name),
        "sha256": sha256(name, host) if there else None,
        "mode": "0600" if there else None,
        "uid": 0 if there else None,
        "gid": 0 if there else None,
    }


def _presented(server: str, one: Json) -> Json:
    return {
        "server": server,
        "stanzas": [server.partition(".")[0].upper()],
        "sha256": one["sha256"],
        "subject": one["subject"],
        "not_before": one["not_before"],
        "not_after": one["not_after"],
        "tls_version": "TLSv1.3",
        "chain": [],
        "problem": None,
    }


def _problem(code: str, message: str, hint: str | None = None, session: Json | None = None) -> Json:
    return {"code": code, "message": message, "context": [], "hint": hint, "session": session}


def _needed(told: Json, store: Json, server: str, rng: random.Random) -> None:
    reason = store["certificates"][0]["reason"]
    told |= {"exit_code": 3, "comment": f"action needed: {reason}"}


def _repaired(told: Json, store: Json, server: str, rng: random.Random) -> None:
    told |= {"comment": "1 store changed", "run": f"20261124T080000Z-{told['stores'][0]['id'][:6]}"}


def _rolled_back(told: Json, store: Json, server: str, rng: random.Random) -> None:
    stanza, node = store["stanzas"][0], told["host"].upper()
    code = rng.choices(("ANS1592E", "ANS1017E", "ANS2050E"), (8, 1, 1))[0]
    meaning = {
        "ANS1592E": "no TLS session: the client has no certificate that fits the server's",
        "ANS1017E": "no TCP/IP connection to the server",
        "ANS2050E": "no stored password, and nobody there to ask",
    }[code]
    store["problem"] = _problem(
        "client-not-connected",
        f"the client did not connect with stanza {stanza}: {code}: {meaning}",
        f"Run on the server: UPDATE NODE {node} SESSIONSECURITY=TRANSITIONAL and then run dsmcertfix again."
        if code == "ANS1592E"
        else None,
        {"stanza": stanza, "server": server, "node": node, "code": code},
    )
    told |= {"exit_code": 21, "comment": f"1 store rolled back: {store['problem']['message']}"}


def _untouched(told: Json, store: Json, server: str, rng: random.Random) -> None:
    code, message, number = rng.choice(
        (
            ("no-stored-password", f"no password is stored for stanza {store['stanzas'][0]}", 16),
            ("server-not-renewed", f"{server} still presents the certificate that is stored", 16),
            ("another-run", "another run is at work", 11),
        )
    )
    store["problem"] = _problem(code, message)
    told |= {"exit_code": number, "comment": f"1 store not changed: {message}"}


def _unknown(told: Json, store: Json, server: str, rng: random.Random) -> None:
    told["servers"] = [
        {**told["servers"][0], "sha256": None, "subject": None, "not_before": None, "not_after": None}
        | {"tls_version": None, "problem": _problem("server-timed-out", f"{server} did not answer in time")}
    ]
    told["problem"] = told["servers"][0]["problem"]
    told |= {"exit_code": 16, "comment": f"could not be checked: {told['problem']['message']}"}


def _absent(told: Json, store: Json, server: str, rng: random.Random) -> None:
    problem = _problem("no-store-found", "there is no dsmcert.kdb on this machine")
    told |= {"exit_code": 10, "stores": [], "servers": [], "problem": problem, "comment": problem["message"]}


_TELL = {
    "needed": _needed,
    "repaired": _repaired,
    "rolled-back": _rolled_back,
    "untouched": _untouched,
    "unknown": _unknown,
    "absent": _absent,
}


def results(endpoints: int, seed: int = 1) -> Iterator[Json]:
    """The newest result of each of so many endpoints; two of them are broken if there are enough."""
    rng = random.Random(seed)
    names, weights = zip(*STATES, strict=True)
    for number in range(endpoints):
        told = result(number, rng.choices(names, weights)[0], rng)
        if number in (41, 1041):
            told["stores"] = told["stores"] or [result(number, "healthy", rng)["stores"][0]]
            told["stores"][0] |= {
                "outcome": "broken",
                "problem": _problem("not-restored", "it could not be put back"),
            }
            told |= {"command": "fix", "outcome": "broken", "exit_code": 30, "comment": "1 store broken"}
            told |= {"changed": False, "problem": None}
        yield told


def silent(endpoints: int) -> tuple[str, ...]:
    """The hosts that are in the inventory, and from which nothing came."""
    return tuple(f"{SITES[number % len(SITES)]}-lost-{number:06}" for number in range(0, endpoints, 60))


STRANGERS = 3
"""So many of the hosts that results came from are missing in the inventory."""


def write(directory: Path, endpoints: int) -> None:
    """The files are there."""
    directory.mkdir(parents=True, exist_ok=True)
    hosts = []
    with gzip.open(directory / "results.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as stream:
        for told in results(endpoints):
            hosts.append(told["host"])
            stream.write(json.dumps(told) + "\n")
    inventory = sorted((*hosts[:-STRANGERS], *silent(endpoints)))
    (directory / "inventory.txt").write_text("host\n" + "\n".join(inventory) + "\n", encoding="utf-8")
    (directory / "cut-off.json").write_text(
        '{"schema": "dsmcertfix.report/1", "host": "ber-a', encoding="utf-8"
    )
    (directory / "notes.txt").write_text("Collected on Tuesday.\n", encoding="utf-8")
    (directory / "newer.json").write_text('{"schema": "dsmcertfix.report/9", "host": "x"}', encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3000)
