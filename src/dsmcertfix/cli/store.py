"""The commands about a store that is not in use: `store make`, `store save`, `store restore`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dsmcertfix.cli import formats as told
from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import confirmation, progress, run


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


def save(
    context: typer.Context,
    *,
    store: Annotated[Path, typer.Option("--store", metavar="DIR", help="Where the store is.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where it is saved; nothing is there yet.")
    ],
    as_json: given.Json = False,
) -> None:
    """Save a store before its client is upgraded or installed anew."""
    from dsmcertfix.commands.store_carry import save

    where = store.absolute(), output.absolute()
    run(context, "store save", told.plain(as_json), lambda host: save(host, *where))


def restore(
    context: typer.Context,
    *,
    saved: Annotated[Path, typer.Option("--from", metavar="DIR", help="What `store save` has made.")],
    store: Annotated[
        Path | None,
        typer.Option("--store", metavar="DIR", help="Where the store is to be; where it was, if not given."),
    ] = None,
    yes: given.Yes = False,
    wait: given.Wait = 0.0,
    as_json: given.Json = False,
) -> None:
    """Put a saved store back, after its client was upgraded or installed anew."""
    from dsmcertfix.cli.choices import limits
    from dsmcertfix.commands.store_carry import Parcel, restore

    parcel = Parcel(saved.absolute(), store.absolute() if store else None)
    confirm = confirmation(yes, "Put this store there?", "See with `inspect` what is there now")
    time_limits = limits(given.PROGRAM_LIMIT_S, wait)
    run(
        context,
        "store restore",
        told.plain(as_json),
        lambda host: restore(host, parcel, time_limits, progress(context), confirm),
    )


COMMANDS = (make, save, restore)
