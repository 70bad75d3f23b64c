"""The commands for many machines: report and admin-macro. They read what was collected, touch no machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsmcertfix.cli import arguments as given
from dsmcertfix.cli.context import print_to, show

if TYPE_CHECKING:
    from dsmcertfix.report import Report

TITLE = "Certificates of the backup clients"
Results = Annotated[
    list[Path],
    typer.Argument(
        metavar="RESULTS...",
        help="Files or directories with what `detect --json` or `fix --json` printed; - is standard input.",
        show_default=False,
    ),
]


def report(
    results: Results,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the page to FILE.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write one line an endpoint to FILE.")
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option("--inventory", metavar="FILE", help="The hosts that are expected, one a line."),
    ] = None,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What the page is called.")] = TITLE,
    as_json: given.Json = False,
) -> None:
    """Make one page of the results of many machines: their states, certificates and causes."""
    from datetime import datetime, timezone

    from dsmcertfix.commands import reported
    from dsmcertfix.overview import Wanted, overview

    wanted = Wanted(output, csv, inventory, title)
    now = datetime.now(timezone.utc)
    done = reported("report", lambda: overview(tuple(results), wanted, now))
    show(done, as_json=as_json)
    raise typer.Exit(done.exit_code)


def admin_macro(
    collected: Annotated[
        list[Path],
        typer.Option(
            "--from", metavar="RESULTS", help="A file or directory with results; - is standard input."
        ),
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[RESULTS]...", help="More of them.", show_default=False)
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", metavar="NAME", help="Only nodes of the server at this address.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the macro to FILE.")
    ] = None,
    as_json: given.Json = False,
) -> None:
    """Write the macro for dsmadmc that lets exactly the refused nodes fetch the certificate once more."""
    from dsmcertfix.commands import reported
    from dsmcertfix.overview import refused_nodes

    paths = (*collected, *(more or ()))
    done = reported("admin-macro", lambda: refused_nodes(paths, server))
    if as_json or done.fleet is None:
        show(done, as_json=as_json)
    else:
        _tell_macro(done, output)
    raise typer.Exit(done.exit_code)


def _tell_macro(done: Report, output: Path | None) -> None:
    """The macro is in the file or on standard output; everything else is told on standard error."""
    from dsmcertfix.platforms.whole_file import write_whole
    from dsmcertfix.render import fleet_text
    from dsmcertfix.render.macro import macro

    fleet = done.fleet
    if fleet is None:
        return
    server = next((node.server for node in fleet.nodes if node.unusable is None), "")
    text = macro(fleet.nodes, server, fleet.results)
    if output is None:
        print_to(sys.stdout, text)
    else:
        write_whole(output, (f"{text}\n".encode("ascii"),))
    for line in fleet_text.left_out(fleet.nodes):
        print_to(sys.stderr, line)
    print_to(sys.stderr, f"admin-macro: {done.comment}")
