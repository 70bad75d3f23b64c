"""The commands about a store that is not in use: `store make`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import formats as told
from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import run


class Version(str, Enum):
    """The version of a key database that is made."""

    three = "3"
    four = "4"


def make(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Option("--server", metavar="NAME", help="The stanza's name.")],
    file: Annotated[Path, typer.Option("--file", metavar="ARM", help="The server's cert256.arm.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Where the store is made; it holds none yet."),
    ],
    version: Annotated[
        Version, typer.Option("--key-database", help="The version of the key database.")
    ] = Version.four,
    as_json: given.Json = False,
) -> None:
    """Make a new store that trusts a server, for an image or a client that is installed anew."""
    from dsmcertfix.commands.store_make import StoreWish, make

    wish = StoreWish(server, file.absolute(), output.absolute(), int(version.value))
    run(context, "store make", told.plain(as_json), lambda host: make(host, wish))


COMMANDS = (make,)
