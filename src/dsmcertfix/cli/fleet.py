"""The commands for many machines: report and admin-macro. They read what was collected, touch no machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsmcertfix.cli import options as given
from dsmcertfix.cli.output import print_to, show

if TYPE_CHECKING:
    from dsmcertfix.report.result import Report

TITLE = "Certificates of the backup clients"
Results = Annotated[
    list[Path],
    typer.Argument(
        metavar="RESULTS...",
        help="Files or directories with what `detect --json` or `fix --json` printed; - is standard input.",
        show_default=False,
    ),
]
MacroFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the macro to FILE; with several servers to a file of its own for each, FILE-SERVER "
        "(`refused-SERVER.mac` unless given).",
    ),
]

Page = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the page to FILE.")]
Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write one line an endpoint to FILE.")
]
Inventory = Annotated[
    Path | None,
    typer.Option("--inventory", metavar="FILE", help="The hosts that are expected; others do not count."),
]
Gate = Annotated[
    float | None,
    typer.Option("--gate", metavar="PERCENT", min=0, max=100, help="Exit code 3 where fewer would go on."),
]
MaxAge = Annotated[
    int, typer.Option("--max-age", metavar="DAYS", min=0, max=36_500, help="Older results do not count.")
]
ToOpen = Annotated[
    Path | None,
    typer.Option("--to-open", metavar="FILE", help="Write the nodes that are STRICT and would be refused."),
]


def report(
    results: Results,
    output: Page = None,
    csv: Csv = None,
    inventory: Inventory = None,
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="What the page is called.")] = TITLE,
    as_json: given.Json = False,
) -> None:
    """Make one page of the results of many machines: their states, certificates and causes."""
    from datetime import datetime, timezone

    from dsmcertfix.commands.contract import reported
    from dsmcertfix.commands.fleet import Wanted, overview

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
    output: MacroFile = None,
    inventory: Annotated[
        Path | None,
        typer.Option("--inventory", metavar="FILE", help="The hosts that count, and which nodes are theirs."),
    ] = None,
    as_json: given.Json = False,
) -> None:
    """Write the macro for dsmadmc that lets exactly the refused nodes fetch the certificate once more."""
    from datetime import datetime, timezone

    from dsmcertfix.commands.contract import reported
    from dsmcertfix.commands.fleet import refused_nodes

    paths, now = (*collected, *(more or ())), datetime.now(timezone.utc)
    done = reported("admin-macro", lambda: refused_nodes(paths, server, inventory, now))
    if as_json or done.fleet is None:
        show(done, as_json=as_json)
    else:
        _tell_macro(done, output)
    raise typer.Exit(done.exit_code)


def forecast(
    results: Results,
    server: Annotated[
        str, typer.Option("--server", metavar="NAME", help="The server, as its clients call it.")
    ],
    certificate: Annotated[
        Path, typer.Option("--certificate", metavar="FILE", help="What it will present: NEW.arm.")
    ],
    inventory: Inventory = None,
    nodes: given.Nodes = None,
    gate: Gate = None,
    max_age: MaxAge = 30,
    output: Page = None,
    csv: Csv = None,
    to_open: ToOpen = None,
    as_json: given.Json = False,
) -> None:
    """Forecast from results whom a server would refuse if it switched to a new certificate today."""
    from datetime import datetime, timezone
    from fractions import Fraction

    from dsmcertfix.commands.contract import reported
    from dsmcertfix.commands.forecast import Asked, forecast_switch

    share = None if gate is None else Fraction(str(gate))
    asked = Asked(server, certificate, inventory, nodes, share, max_age, output, csv, to_open)
    now = datetime.now(timezone.utc)
    done = reported("forecast", lambda: forecast_switch(tuple(results), asked, now))
    show(done, as_json=as_json)
    raise typer.Exit(done.exit_code)


def _tell_macro(done: Report, output: Path | None) -> None:
    """The macro is in the file or on standard output; everything else is told on standard error.

    Where nodes of several servers were refused each server has a file of its own.
    """
    from dsmcertfix.fleet.macro import file_names, macro
    from dsmcertfix.report.render import fleet_text
    from dsmcertfix.system.output_file import write_whole
    from dsmcertfix.wording import printable

    fleet = done.fleet
    if fleet is None:
        return
    servers = tuple(dict.fromkeys(node.server for node in fleet.nodes if node.unusable is None)) or ("",)
    several: dict[str, str] = {}
    if len(servers) > 1:
        output = output or Path("refused.mac")
        several = file_names(servers, output.name)
    for server in servers:
        text = macro(fleet.nodes, server, fleet.results, inventory=fleet.inventory)
        file = output.parent / several[server] if output and several else output
        if file is None:
            print_to(sys.stdout, text)
            continue
        write_whole(file, (f"{text}\n".encode("ascii"),))
        if several:
            print_to(sys.stderr, f"written: {printable(str(file))}: run it on {printable(server)}")
    for line in (*fleet_text.left_out(fleet.nodes), *fleet_text.not_counted(fleet)):
        print_to(sys.stderr, line)
    print_to(sys.stderr, f"admin-macro: {printable(done.comment)}")
