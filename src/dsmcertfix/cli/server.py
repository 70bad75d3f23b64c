"""The commands about the server's side: `server inspect`, `server renew`, `server macro`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import arguments as given
from dsmcertfix.cli import telling as told
from dsmcertfix.cli.context import confirmation, progress, run

_KINDS = "transitional, strict, forcesync (for peers), certificate or default-certificate (with --label)."

RENEW_LIMIT_S = 600.0
"""A server with a large database takes its minutes to come up."""

Instance = Annotated[
    Path | None,
    typer.Option("--instance", metavar="DIR", help="The instance directory; needed when there are several."),
]
ExpiresWithin = Annotated[
    int,
    typer.Option(
        "--expires-within", metavar="DAYS", min=0, help="Count certificates that run out soon, too."
    ),
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
    certificate = "certificate"
    default_certificate = "default-certificate"


def inspect(
    context: typer.Context,
    instance: Instance = None,
    expires_within: ExpiresWithin = 90,
    timeout: given.ServerTimeout = given.PROBE_LIMIT_S,
    form: Annotated[
        InspectFormat,
        typer.Option("--format", help="Text for people, JSON, or what a monitoring system expects."),
    ] = InspectFormat.text,
    output: told.Output = None,
    as_json: given.Json = False,
) -> None:
    """List the servers of this host, their certificates, and who trusts them. Exit code 3: there is work."""
    from dsmcertfix.host import Limits
    from dsmcertfix.instances import inspect_servers

    limits = Limits(timeout, timeout)
    run(
        context,
        "server inspect",
        as_json,
        lambda host: inspect_servers(host, _absolute(instance), expires_within, limits),
        how=told.telling(form, as_json, output=output, warn_days=expires_within),
    )


def renew(
    context: typer.Context,
    instance: Instance = None,
    expires_within: Annotated[
        int,
        typer.Option(
            "--expires-within", metavar="DAYS", min=0, help="Renew when fewer days than these are left."
        ),
    ] = 180,
    stop_command: Annotated[
        str | None,
        typer.Option("--stop-command", metavar="COMMAND", help="Stops the server; no shell is used."),
    ] = None,
    start_command: Annotated[
        str | None, typer.Option("--start-command", metavar="COMMAND", help="Starts it; no shell is used.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and change nothing.")] = False,
    yes: given.Yes = False,
    engine: given.Engine = given.EngineName.auto,
    timeout: Annotated[
        float, given.seconds("--timeout", "Time limit for the stop, and for the start.")
    ] = RENEW_LIMIT_S,
    wait: given.Wait = 0.0,
    as_json: given.Json = False,
) -> None:
    """Renew the server's own certificate as APAR IT42905 says; put everything back where that fails."""
    from dsmcertfix.cli.wishes import limits
    from dsmcertfix.renewal import RenewWish, renew

    wish = RenewWish(
        _absolute(instance),
        expires_within,
        stop_command,
        start_command,
        engine.value,
        dry_run,
    )
    question = "Carry this out? The server is stopped and started."
    confirm = None if dry_run else confirmation(yes, question, "See with `--dry-run` what would be done")
    time_limits = limits(timeout, wait)
    run(
        context,
        "server renew",
        as_json,
        lambda host: renew(host, wish, time_limits, progress(context), confirm),
    )


def macro(
    context: typer.Context,
    kind: Annotated[Macro, typer.Argument(metavar="KIND", help=_KINDS)],
    node: Annotated[list[str] | None, typer.Option("--node", metavar="NAME", help="A node.")] = None,
    admin: Annotated[
        list[str] | None, typer.Option("--admin", metavar="NAME", help="An administrator.")
    ] = None,
    peer: Annotated[
        list[str] | None, typer.Option("--peer", metavar="NAME", help="A server or a storage agent.")
    ] = None,
    names: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE", help="A list: a node a line, or `admin NAME`."),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="LABEL", help="The new certificate's name.")
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(
            "--days", metavar="DAYS", help="How long it is valid, from today on; 3650 unless given."
        ),
    ] = None,
    output: told.Output = None,
    as_json: given.Json = False,
) -> None:
    """Write a macro for dsmadmc: sessions TRANSITIONAL or STRICT, peers, or a certificate ahead of time."""
    from dsmcertfix.admin_macros import make_macro
    from dsmcertfix.server.macros import MacroWish

    wish = MacroWish(kind.value, tuple(node or ()), tuple(admin or ()), tuple(peer or ()), label, days)
    run(
        context,
        "server macro",
        as_json,
        lambda host: make_macro(wish, tuple(names or ())),
        how=told.telling(told.ChangeFormat.text, as_json, output=output),
    )


def _absolute(path: Path | None) -> Path | None:
    return path.absolute() if path is not None else None


COMMANDS = (inspect, renew, macro)
