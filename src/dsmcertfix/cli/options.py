"""The options that commands share, each written down once."""

from __future__ import annotations

import math
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

_MOST_S = 86_400.0
"""The longest time that can be given: a day."""

PROGRAM_LIMIT_S = 120.0
"""How long each client program may take."""

PROBE_LIMIT_S = 10.0
"""How long a server's answer is waited for where nothing else is asked for."""


def seconds(name: str, told: str, *, least: float = 1.0) -> Any:
    """The option of that name, a time, for what `told` says; what is given is finite and at most a day."""
    return typer.Option(name, metavar="SECONDS", min=least, max=_MOST_S, callback=_finite, help=told)


def _finite(given: float) -> float:
    """Raises BadParameter for what is no number of seconds: every comparison with nan fails."""
    if not math.isfinite(given):
        raise typer.BadParameter(f"{given} is not a number of seconds.")
    return given


Root = Annotated[
    Path | None,
    # Whether this user may look into a directory is for the commands to say: not all of them have to.
    typer.Option(
        "--root", metavar="DIR", readable=False, help="Take DIR as the root of the machine's file system."
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", metavar="DIR", readable=False, help="Keep journals, backups and the lock in DIR."
    ),
]
TrustRoot = Annotated[
    bool,
    typer.Option(
        "--trust-root",
        help="You made the tree of --root yourself: run its programs, and keep the state inside it.",
    ),
]
KeepBackups = Annotated[
    int,
    typer.Option(
        "--keep-backups",
        metavar="N",
        min=1,
        help="Sets to keep of each store: older ones go when a command makes a new one.",
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Tell more on standard error.")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print errors and questions only; the exit code says the rest."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, and change nothing.")]
Nodes = Annotated[
    Path | None,
    typer.Option(
        "--nodes", metavar="FILE", help="The server's own list of its nodes, as `server macro nodes` has it."
    ),
]
Arm = Annotated[
    Path | None, typer.Option("--file", metavar="ARM", help="The server's cert256.arm, or its CAs.")
]
PieceText = Annotated[
    str | None,
    typer.Option("--piece", metavar="PIECE", help="A piece of a file, from `server macro distribute`."),
]
Distributed = Annotated[
    Path | None,
    typer.Option("--file", metavar="ARM", help="For `distribute`: the old and the new certificate."),
]
CalledServer = Annotated[
    str | None, typer.Option("--server", metavar="NAME", help="For `distribute`: as its nodes call it.")
]
Domain = Annotated[
    str | None, typer.Option("--domain", metavar="NAME", help="For `distribute`: the nodes' policy domain.")
]
Program = Annotated[
    str | None,
    typer.Option(
        "--program",
        metavar="PATH",
        help="For `distribute`: dsmcertfix on the nodes; /usr/bin/dsmcertfix unless given.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; needed where nobody can answer.")]
Servers = Annotated[
    list[str] | None,
    typer.Option(
        "--server",
        metavar="NAME",
        help="Stanza name, server address, or the name inside a label. Certificates are taken that any of "
        "--server, --label, --fingerprint and --expired names.",
    ),
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", metavar="L", help="The certificate with this label.")
]
Fingerprints = Annotated[
    list[str] | None,
    typer.Option("--fingerprint", metavar="HEX", help="The certificate with this SHA-256."),
]
Expired = Annotated[bool, typer.Option("--expired", help="Certificates that have run out (CA roots never).")]
ExpiresWithin = Annotated[
    int,
    typer.Option(
        "--expires-within", metavar="DAYS", min=0, help="Count certificates that run out soon, too."
    ),
]
Stores = Annotated[
    list[Path] | None,
    typer.Option("--store", metavar="DIR", readable=False, help="Only the store in this directory."),
]
WholeStore = Annotated[
    bool, typer.Option("--whole-store", help="Move the whole store away and let the client make a new one.")
]
ExpectSha256 = Annotated[
    list[str] | None,
    typer.Option(
        "--expect-sha256",
        metavar="[SERVER=]HEX",
        help="The fingerprint that the new certificate must have; of one server, where it is named. "
        "May be given more than once.",
    ),
]
ExpectFile = Annotated[
    list[str] | None,
    typer.Option(
        "--expect-file",
        metavar="[SERVER=]ARM",
        help="The server's cert256.arm: the new certificate must be it. May be given more than once.",
    ),
]
TrustOnFirstUse = Annotated[
    bool,
    typer.Option(
        "--trust-on-first-use",
        help="Trust whatever a server presents of which no certificate is expected; `fix --yes` without "
        "--expect-sha256 and --expect-file needs it.",
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The site's policy; the machine's own unless given, where it has one (docs/policy.md).",
    ),
]
Spread = Annotated[
    str | None,
    typer.Option(
        "--spread",
        metavar="TIME",
        help="Where nobody is asked and a session is to begin, wait a time within TIME (4h, 30m) that the "
        "host's name fixes.",
    ),
]
NoPreflight = Annotated[
    bool,
    typer.Option("--no-preflight", help="Do not ask the server first whether a new certificate can come."),
]
NoReconnect = Annotated[
    bool, typer.Option("--no-reconnect", help="Leave the fetching to the next session of the client.")
]
KeepIndex = Annotated[bool, typer.Option("--keep-index", help="Leave dsmcert.idx where it is.")]
Timeout = Annotated[float, seconds("--timeout", "Time limit for each client program.")]
ServerTimeout = Annotated[float, seconds("--timeout", "Wait so long for a server's answer.")]
AnswerTimeout = Annotated[
    float, seconds("--timeout", f"Wait so long for a server's answer, {PROBE_LIMIT_S:.0f} seconds at most.")
]
Prove = Annotated[
    bool,
    typer.Option(
        "--prove",
        help="Let IBM's own TLS shake hands with the server with each store, where the client's GSKit is.",
    ),
]
NetworkHomes = Annotated[
    bool,
    typer.Option(
        "--network-homes", help="Look into homes on network file systems, too (NFS, SMB, automounted ...)."
    ),
]


def _for_consoles(context: typer.Context, wanted: bool) -> bool:
    context.meta[CONSOLES] = wanted
    return wanted


CONSOLES = "dsmcertfix.consoles"
"""In a context: whether the log is also written where management consoles collect logs."""

ConsoleLogs = Annotated[
    bool,
    typer.Option(
        "--console-logs",
        callback=_for_consoles,
        help="Write the log where ConfigMgr and Intune collect logs, too, if the machine has them.",
    ),
]
RestartServices = Annotated[
    bool,
    typer.Option(
        "--restart-services",
        help="Restart the client's services that run, when a store changed.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        metavar="N",
        min=1,
        max=64,
        help="Up to N stores wait for their clients at the same time, one for each server.",
    ),
]
Wait = Annotated[float, seconds("--wait", "Wait so long for another run to end.", least=0.0)]


class EngineName(str, Enum):
    """What edits the private copy of a key database."""

    auto = "auto"
    gskit = "gskit"
    native = "native"


Engine = Annotated[
    EngineName,
    typer.Option("--engine", help="IBM's gsk8capicmd_64, our own writer, or the first and then the second."),
]
