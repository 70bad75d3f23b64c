"""The commands that change the machine, and those that tell what was changed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import confirmation, progress, run
from dsmcertfix.cli.formats import plain
from dsmcertfix.cli.groups import Departing, Expecting, Selecting, Showing

_LOOK_FIRST = "Look at the `plan` first, and get the server's cert256.arm for `--expect-file`"


def fix(
    context: typer.Context,
    *,
    selecting: Selecting,
    whole_store: given.WholeStore = False,
    yes: given.Yes = False,
    expecting: Expecting,
    policy: given.PolicyFile = None,
    departing: Departing,
    wait: given.Wait = 0.0,
    spread: given.Spread = None,
    jobs: given.Jobs = 1,
    restart_services: given.RestartServices = False,
    network_homes: given.NetworkHomes = False,
    dry_run: given.DryRun = False,
    showing: Showing,
) -> None:
    """Replace what is affected, each store as one transaction; put everything back where it fails."""
    from dsmcertfix.cli.choices import limits, require_policy, run_options, selection, spread_s
    from dsmcertfix.commands.fix import fix

    wanted = selection(selecting, whole=whole_store)
    how = run_options(expecting, departing, policy, unattended=yes)
    how = replace(how, jobs=jobs, restart_services=restart_services, spread_s=spread_s(spread))
    if dry_run:
        from dsmcertfix.commands.plan import plan_fix

        planned = partial(plan_fix, selection=wanted, how=how, limits=limits(departing.timeout))
        run(context, "plan", showing.telling(), planned, network_homes=network_homes)
    if not how.first_use and not how.pins:
        require_policy(context.obj.host(), policy)
    confirm = confirmation(yes, "Carry this out?", _LOOK_FIRST)
    time_limits = limits(departing.timeout, wait)
    run(
        context,
        "fix",
        showing.telling(),
        lambda host: fix(host, wanted, how, time_limits, progress(context), confirm),
        network_homes=network_homes,
    )


def rollback(
    context: typer.Context,
    *,
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The run to undo; the last one that changed a store."),
    ] = None,
    yes: given.Yes = False,
    wait: given.Wait = 0.0,
    showing: Showing,
) -> None:
    """Put every store that a run changed back as it was before it."""
    from dsmcertfix.cli.choices import limits
    from dsmcertfix.commands.rollback import rollback

    confirm = confirmation(yes, "Put these stores back?", "See with `history` what there is to go back to")
    time_limits = limits(given.PROGRAM_LIMIT_S, wait)
    run(
        context,
        "rollback",
        showing.telling(),
        lambda host: rollback(host, run_id, time_limits, progress(context), confirm),
    )


def recover(
    context: typer.Context,
    *,
    give_up: Annotated[
        str | None,
        typer.Option(
            "--give-up",
            metavar="ID",
            help="End this run where it cannot be undone: its stores stay as they are, its backup stays.",
        ),
    ] = None,
    wait: given.Wait = 0.0,
    showing: Showing,
) -> None:
    """Finish or undo a run that was cut off."""
    from dsmcertfix.cli.choices import limits
    from dsmcertfix.commands.recover import recover

    time_limits = limits(given.PROGRAM_LIMIT_S, wait)
    run(
        context,
        "recover",
        showing.telling(),
        lambda host: recover(host, time_limits, progress(context), give_up),
    )


def backups(context: typer.Context, as_json: given.Json = False) -> None:
    """List the backup sets, each verified by its hashes."""
    from dsmcertfix.commands.backups import backups

    run(context, "backups", plain(as_json), backups)


def history(
    context: typer.Context,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only this run, with each of its stores.")
    ] = None,
    as_json: given.Json = False,
) -> None:
    """List what was done here: when, by whom, what each run changed, and which can be undone."""
    from dsmcertfix.commands.history import history

    run(context, "history", plain(as_json), lambda host: history(host, run_id))


def verify(
    context: typer.Context,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The run; the newest one if it is not given.")
    ] = None,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HEX", help="What the system's log has as the head of its journal."),
    ] = None,
    as_json: given.Json = False,
) -> None:
    """Prove that a run's journal and backups are untouched, and print its evidence for a change ticket."""
    from dsmcertfix.commands.verify import verify

    run(context, "verify", plain(as_json), lambda host: verify(host, run_id, head))


def prune(
    context: typer.Context,
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="Only this run, and its sets even where they are the newest."),
    ] = None,
    keep: Annotated[int, typer.Option("--keep", metavar="N", min=1, help="Sets to keep of each store.")] = 3,
    yes: given.Yes = False,
    wait: given.Wait = 0.0,
    console_logs: given.ConsoleLogs = False,
    as_json: given.Json = False,
) -> None:
    """Remove old backup sets, or those of one run; never one of an open journal."""
    from dsmcertfix.cli.choices import limits
    from dsmcertfix.commands.backups import prune

    confirm = confirmation(yes, "Remove these backup sets?", "See with `backups` which sets there are")
    time_limits = limits(given.PROGRAM_LIMIT_S, wait)
    run(
        context,
        "prune",
        plain(as_json),
        lambda host: prune(host, run_id, keep, time_limits, progress(context), confirm),
    )
