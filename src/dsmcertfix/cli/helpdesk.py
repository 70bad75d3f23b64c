"""The commands of the help desk: explain, support-bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import confirmation, run
from dsmcertfix.cli.formats import plain
from dsmcertfix.cli.output import show_list

if TYPE_CHECKING:
    from dsmcertfix.report.result import Report


def explain(
    context: typer.Context,
    code: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODE]...", help="ANS1592E, 1592, GSKit 401, rc 21, server-not-renewed ..."),
    ] = None,
    as_json: given.Json = False,
) -> None:
    """Explain a code, or what the client's error logs say: the meaning, who must act, and how."""
    from dsmcertfix.commands.explain import explain

    run(context, "explain", plain(as_json), lambda host: explain(host, tuple(code or ())))


def support_bundle(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="The file to make; a name of its own, here, without it."
        ),
    ] = None,
    yes: given.Yes = False,
    timeout: given.AnswerTimeout = given.PROBE_LIMIT_S,
    network_homes: given.NetworkHomes = False,
    as_json: given.Json = False,
) -> None:
    """Put what the backup team needs into one zip: reports, journals, log, certificates; nothing secret."""
    from dsmcertfix.cli.choices import limits
    from dsmcertfix.commands.support_bundle import support_bundle

    ask = confirmation(yes, "Write these into the file?", "See in docs/guide.md what is put into the file")

    def confirm(report: Report) -> bool:
        if ask is not None:
            return ask(report)
        show_list(report)
        return True

    run(
        context,
        "support-bundle",
        plain(as_json),
        lambda host: support_bundle(host, output, limits(timeout), confirm),
        network_homes=network_homes,
    )
