"""The commands about the server's side: `server inspect`, `server renew`, `server macro`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import formats as told
from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import confirmation, progress, run
from dsmcertfix.cli.groups import Distributing
from dsmcertfix.errors import UsageError

_KINDS = (
    "transitional, strict, forcesync (for peers), nodes (lists them), certificate or default-certificate "
    "(with --label), distribute (by client schedules)."
)

RENEW_LIMIT_S = 600.0
"""A server with a large database takes its minutes to come up."""

Instance = Annotated[
    Path | None,
    typer.Option("--instance", metavar="DIR", help="The instance directory; needed when there are several."),
]
RenewWithin = Annotated[
    int,
    typer.Option(
        "--expires-within", metavar="DAYS", min=0, help="Renew when fewer days than these are left."
    ),
]
StopCommand = Annotated[
    str | None,
    typer.Option("--stop-command", metavar="COMMAND", help="Stops the server; no shell is used."),
]
StartCommand = Annotated[
    str | None, typer.Option("--start-command", metavar="COMMAND", help="Starts it; no shell is used.")
]

Names = Annotated[
    list[Path] | None,
    typer.Option("--from", metavar="FILE", help="A list: a node a line, or `admin NAME`."),
]
Label = Annotated[str | None, typer.Option("--label", metavar="LABEL", help="The new certificate's name.")]
Days = Annotated[
    int | None,
    typer.Option("--days", metavar="DAYS", help="How long it is valid, from today on; 3650 unless given."),
]


class InspectFormat(str, Enum):
    """Who is to understand what `server inspect` found."""

    text = "text"
    json = "json"
    nagios = "nagios"
    prometheus = "prometheus"


class Macro(str, Enum):
    """What a macro is for."""

    transitional = "transitional"
    strict = "strict"
    forcesync = "forcesync"
    nodes = "nodes"
    certificate = "certificate"
    default_certificate = "default-certificate"
    distribute = "distribute"


def inspect(
    context: typer.Context,
    instance: Instance = None,
    expires_within: given.ExpiresWithin = 90,
    timeout: given.ServerTimeout = given.PROBE_LIMIT_S,
    form: Annotated[
        InspectFormat,
        typer.Option("--format", help="Text for people, JSON, or what a monitoring system expects."),
    ] = InspectFormat.text,
    output: told.Output = None,
    as_json: given.Json = False,
) -> None:
    """List the servers of this host, their certificates, and who trusts them. Exit code 3: there is work."""
    from dsmcertfix.commands.server_inspect import inspect_servers
    from dsmcertfix.system.host import Limits

    limits = Limits(timeout, timeout)
    run(
        context,
        "server inspect",
        told.telling(form, as_json, output=output, warn_days=expires_within),
        lambda host: inspect_servers(host, _absolute(instance), expires_within, limits),
    )


def renew(
    context: typer.Context,
    instance: Instance = None,
    expires_within: RenewWithin = 180,
    stop_command: StopCommand = None,
    start_command: StartCommand = None,
    dry_run: given.DryRun = False,
    yes: given.Yes = False,
    engine: given.Engine = given.EngineName.auto,
    timeout: Annotated[
        float, given.seconds("--timeout", "Time limit for the stop, and for the start.")
    ] = RENEW_LIMIT_S,
    wait: given.Wait = 0.0,
    as_json: given.Json = False,
) -> None:
    """Renew the server's own certificate as APAR IT42905 says; put everything back where that fails."""
    from dsmcertfix.cli.choices import limits
    from dsmcertfix.commands.server_renew import RenewWish, renew

    commands = (stop_command, start_command)
    wish = RenewWish(_absolute(instance), expires_within, *commands, engine.value, dry_run)
    question = "Carry this out? The server is stopped and started."
    confirm = None if dry_run else confirmation(yes, question, "See with `--dry-run` what would be done")
    time_limits = limits(timeout, wait)
    run(
        context,
        "server renew",
        told.plain(as_json),
        lambda host: renew(host, wish, time_limits, progress(context), confirm),
    )


def macro(
    context: typer.Context,
    *,
    kind: Annotated[Macro, typer.Argument(metavar="KIND", help=_KINDS)],
    node: Annotated[list[str] | None, typer.Option("--node", metavar="NAME", help="A node.")] = None,
    admin: Annotated[
        list[str] | None, typer.Option("--admin", metavar="NAME", help="An administrator.")
    ] = None,
    peer: Annotated[
        list[str] | None, typer.Option("--peer", metavar="NAME", help="A server or a storage agent.")
    ] = None,
    names: Names = None,
    nodes: given.Nodes = None,
    label: Label = None,
    days: Days = None,
    distributing: Distributing,
    output: told.Output = None,
    as_json: given.Json = False,
) -> None:
    """Write a macro for dsmadmc: sessions TRANSITIONAL or STRICT, peers, or a certificate ahead of time."""
    from dsmcertfix.commands.server_macro import make_macro
    from dsmcertfix.ibm.server.macros import MacroWish

    lists = tuple(names or ())
    if (nodes is not None or kind is Macro.distribute) and output is None and not as_json:
        raise UsageError(
            "no-way-back",
            "with `--nodes`, and for `distribute`, two macros are made: give `--output FILE`, or `--json`",
        )
    named = (tuple(node or ()), tuple(admin or ()), tuple(peer or ()))
    wish = MacroWish(kind.value, *named, label, days, distributing.distribution())
    run(
        context,
        "server macro",
        told.telling(told.ChangeFormat.text, as_json, output=output),
        lambda host: make_macro(wish, lists, nodes, None if as_json else output),
    )


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path is not None else None


COMMANDS = (inspect, renew, macro)
