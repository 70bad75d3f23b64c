"""The commands that change the machine: fix, rollback, recover, prune; and backups, which lists."""

from __future__ import annotations

from typing import Annotated

import typer

from dsmcertfix.cli import arguments as given
from dsmcertfix.cli import telling as told
from dsmcertfix.cli.context import confirmation, progress, run
from dsmcertfix.cli.look import TIMEOUT_S


def fix(
    context: typer.Context,
    server: given.Servers = None,
    label: given.Labels = None,
    fingerprint: given.Fingerprints = None,
    expired: given.Expired = False,
    expires_within: given.ExpiresWithin = 0,
    store: given.Stores = None,
    whole_store: given.WholeStore = False,
    yes: given.Yes = False,
    expect_sha256: given.ExpectSha256 = None,
    expect_file: given.ExpectFile = None,
    no_preflight: given.NoPreflight = False,
    no_reconnect: given.NoReconnect = False,
    keep_index: given.KeepIndex = False,
    engine: given.Engine = given.EngineName.auto,
    timeout: given.Timeout = TIMEOUT_S,
    wait: given.Wait = 0.0,
    jobs: given.Jobs = 1,
    restart_services: given.RestartServices = False,
    network_homes: given.NetworkHomes = False,
    form: told.FormatOfChange = told.ChangeFormat.text,
    exit_profile: told.ExitProfile = told.Profile.default,
    console_logs: given.ConsoleLogs = False,
    as_json: given.Json = False,
) -> None:
    """Replace what is affected, each store as one transaction; put everything back where it fails."""
    from dsmcertfix.cli.wishes import Switches, limits, policy, selection
    from dsmcertfix.repair import fix

    wanted = selection(
        server, label, fingerprint, store, expired=expired, expires_within=expires_within, whole=whole_store
    )
    switches = Switches(no_preflight, no_reconnect, keep_index, engine.value, jobs, restart_services)
    how = policy(expect_sha256, expect_file, switches)
    tells = told.telling(form, as_json, exit_profile)
    confirm = confirmation(yes, "Carry this out?", "Look at the `plan` first")
    time_limits = limits(timeout, wait)
    run(
        context,
        "fix",
        as_json,
        lambda host: fix(host, wanted, how, time_limits, progress(context), confirm),
        network_homes=network_homes,
        how=tells,
    )


def rollback(
    context: typer.Context,
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The run to undo; the last one that changed a store."),
    ] = None,
    yes: given.Yes = False,
    wait: given.Wait = 0.0,
    form: told.FormatOfChange = told.ChangeFormat.text,
    exit_profile: told.ExitProfile = told.Profile.default,
    console_logs: given.ConsoleLogs = False,
    as_json: given.Json = False,
) -> None:
    """Put every store that a run changed back as it was before it."""
    from dsmcertfix.cli.wishes import limits
    from dsmcertfix.housekeeping import rollback

    tells = told.telling(form, as_json, exit_profile)
    confirm = confirmation(yes, "Put these stores back?", "See with `backups` what there is to go back to")
    time_limits = limits(TIMEOUT_S, wait)
    run(
        context,
        "rollback",
        as_json,
        lambda host: rollback(host, run_id, time_limits, progress(context), confirm),
        how=tells,
    )


def recover(
    context: typer.Context,
    wait: given.Wait = 0.0,
    form: told.FormatOfChange = told.ChangeFormat.text,
    exit_profile: told.ExitProfile = told.Profile.default,
    console_logs: given.ConsoleLogs = False,
    as_json: given.Json = False,
) -> None:
    """Finish or undo a run that was cut off."""
    from dsmcertfix.cli.wishes import limits
    from dsmcertfix.housekeeping import recover

    tells, time_limits = told.telling(form, as_json, exit_profile), limits(TIMEOUT_S, wait)
    run(context, "recover", as_json, lambda host: recover(host, time_limits, progress(context)), how=tells)


def backups(context: typer.Context, as_json: given.Json = False) -> None:
    """List the backup sets, each verified by its hashes."""
    from dsmcertfix.housekeeping import backups

    run(context, "backups", as_json, backups)


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
    from dsmcertfix.cli.wishes import limits
    from dsmcertfix.housekeeping import prune

    confirm = confirmation(yes, "Remove these backup sets?", "See with `backups` which sets there are")
    time_limits = limits(TIMEOUT_S, wait)
    run(
        context,
        "prune",
        as_json,
        lambda host: prune(host, run_id, keep, time_limits, progress(context), confirm),
    )
