"""The commands about a certificate that is looked at or handed over: probe, trust."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import confirmation, progress, run
from dsmcertfix.cli.formats import plain
from dsmcertfix.cli.groups import Departing, Expecting, Showing
from dsmcertfix.errors import UsageError

if TYPE_CHECKING:
    from dsmcertfix.ibm.pieces import Piece
    from dsmcertfix.report.result import Report
    from dsmcertfix.system.host import Host


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
    file: given.Arm = None,
    piece: given.PieceText = None,
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
    from dsmcertfix.commands.trust_piece import trust_piece

    what = _given(file, piece)
    how = replace(
        run_options(Expecting(), departing), restart_services=restart_services, spread_s=spread_s(spread)
    )
    stores = tuple(path.absolute() for path in store or ())
    confirm = confirmation(yes, "Put this certificate in?", "See with `probe` what is presented now")
    time_limits = limits(departing.timeout, wait)

    def work(host: Host) -> Report:
        def by_file(path: Path) -> Report:
            return trust(host, Wish(server, path, stores), how, time_limits, progress(context), confirm)

        return by_file(what) if isinstance(what, Path) else trust_piece(host, what, time_limits, by_file)

    run(context, "trust", showing.telling(), work, network_homes=network_homes)


def _given(file: Path | None, piece: str | None) -> Path | Piece:
    if file is not None and piece is None:
        return file
    if piece is None or file is not None:
        raise UsageError("certificate-not-given", "give the certificate: `--file`, or `--piece` and no file")
    from dsmcertfix.ibm.pieces import piece_of

    return piece_of(piece)
