"""The commands about a certificate that is looked at or handed over: probe, trust."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import confirmation, progress, run
from dsmcertfix.cli.formats import plain
from dsmcertfix.cli.groups import Departing, Expecting, Showing


def probe(
    context: typer.Context,
    server: Annotated[str, typer.Argument(metavar="HOST[:PORT]", help="The server; port 1500 unless given.")],
    timeout: given.ServerTimeout = given.PROBE_LIMIT_S,
    as_json: given.Json = False,
) -> None:
    """Show the certificate that a server presents now."""
    from dsmcertfix.commands.probe import probe, server_named
    from dsmcertfix.system.host import Limits

    limits = Limits(timeout, timeout)
    run(context, "probe", plain(as_json), lambda host: probe(server_named(server), limits))


def trust(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Option("--server", metavar="NAME", help="Stanza name or server address.")],
    file: Annotated[
        Path, typer.Option("--file", metavar="ARM", help="The server's cert256.arm, or its CAs.")
    ],
    store: given.Stores = None,
    yes: given.Yes = False,
    departing: Departing,
    wait: given.Wait = 0.0,
    spread: given.Spread = None,
    restart_services: given.RestartServices = False,
    network_homes: given.NetworkHomes = False,
    showing: Showing,
) -> None:
    """Put a certificate that you were given into the stores, without any fetch; prove it by one session."""
    from dsmcertfix.cli.choices import limits, run_options, spread_s
    from dsmcertfix.commands.trust import Wish, trust

    how = replace(
        run_options(Expecting(), departing), restart_services=restart_services, spread_s=spread_s(spread)
    )
    wish = Wish(server, file, tuple(path.absolute() for path in store or ()))
    confirm = confirmation(yes, "Put this certificate in?", "See with `probe` what is presented now")
    time_limits = limits(departing.timeout, wait)
    run(
        context,
        "trust",
        showing.telling(),
        lambda host: trust(host, wish, how, time_limits, progress(context), confirm),
        network_homes=network_homes,
    )
