"""The commands about the site's policy: `policy check`, `policy make`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import formats as told
from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import run

File = Annotated[Path, typer.Argument(metavar="FILE", help="The policy, a file in TOML.")]
Servers = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[HOST[:PORT]]...", help="The servers; those of this machine's stanzas if none is given."
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--file",
        metavar="[SERVER=]ARM",
        help="A cert256.arm that may be put in: the server's new one, say. May be given more than once.",
    ),
]


def check(context: typer.Context, file: File, as_json: given.Json = False) -> None:
    """Tell whether a policy makes sense: line and column of what does not, and what is hardly meant."""
    from dsmcertfix.commands.policy import check

    run(context, "policy check", told.plain(as_json), lambda host: check(host, file))


def make(
    context: typer.Context,
    servers: Servers = None,
    file: Files = None,
    timeout: given.ServerTimeout = given.PROBE_LIMIT_S,
    output: told.Output = None,
    as_json: given.Json = False,
) -> None:
    """Write a policy from what servers present now, to be compared with their cert256.arm and signed off."""
    from dsmcertfix.cli.choices import file_of_server
    from dsmcertfix.commands.policy_make import MakeWish, make
    from dsmcertfix.commands.probe import server_named
    from dsmcertfix.system.host import Limits

    wish = MakeWish(tuple(map(server_named, servers or ())), tuple(map(file_of_server, file or ())))
    run(
        context,
        "policy make",
        told.telling(told.ChangeFormat.text, as_json, output=output),
        lambda host: make(host, wish, Limits(timeout, timeout)),
    )


COMMANDS = (check, make)
