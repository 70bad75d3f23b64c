"""The commands about a certificate that is looked at or handed over: probe, trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import arguments as given
from dsmcertfix.cli import telling as told
from dsmcertfix.cli.context import confirmation, progress, run
from dsmcertfix.cli.look import TIMEOUT_S


def probe(
    context: typer.Context,
    server: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The server; port 1500 unless given.")],
    timeout: given.ServerTimeout = given.PROBE_LIMIT_S,
    as_json: given.Json = False,
) -> None:
    """Show the certificate that a server presents now."""
    from dsmcertfix.host import Limits
    from dsmcertfix.trusting import probe, server_named

    limits = Limits(timeout, timeout)
    run(context, "probe", as_json, lambda host: probe(server_named(server), limits))


def trust(
    context: typer.Context,
    server: Annotated[str, typer.Option("--server", metavar="NAME", help="Stanza name or server address.")],
    file: Annotated[
        Path, typer.Option("--file", metavar="ARM", help="The server's cert256.arm, or its CAs.")
    ],
    store: given.Stores = None,
    yes: given.Yes = False,
    no_preflight: given.NoPreflight = False,
    no_reconnect: given.NoReconnect = False,
    keep_index: given.KeepIndex = False,
    engine: given.Engine = given.EngineName.auto,
    timeout: given.Timeout = TIMEOUT_S,
    wait: given.Wait = 0.0,
    restart_services: given.RestartServices = False,
    network_homes: given.NetworkHomes = False,
    form: told.FormatOfChange = told.ChangeFormat.text,
    exit_profile: told.ExitProfile = told.Profile.default,
    console_logs: given.ConsoleLogs = False,
    as_json: given.Json = False,
) -> None:
    """Put a certificate that you were given into the stores, without any fetch; prove it by one session."""
    from dsmcertfix.cli.wishes import Switches, limits, policy
    from dsmcertfix.trusting import Wish, trust

    how = policy(
        None,
        None,
        Switches(no_preflight, no_reconnect, keep_index, engine.value, restart_services=restart_services),
    )
    wish = Wish(server, file, tuple(path.absolute() for path in store or ()))
    tells = told.telling(form, as_json, exit_profile)
    confirm = confirmation(yes, "Put this certificate in?", "See with `probe` what is presented now")
    time_limits = limits(timeout, wait)
    run(
        context,
        "trust",
        as_json,
        lambda host: trust(host, wish, how, time_limits, progress(context), confirm),
        network_homes=network_homes,
        how=tells,
    )
