"""The commands that change nothing: locate, inspect, detect, plan."""

from __future__ import annotations

import typer

from dsmcertfix.cli import formats as told
from dsmcertfix.cli import options as given
from dsmcertfix.cli.context import run
from dsmcertfix.cli.groups import Departing, Expecting, Selecting


def locate(
    context: typer.Context, network_homes: given.NetworkHomes = False, as_json: given.Json = False
) -> None:
    """List every place looked at, and the stores found there."""
    from dsmcertfix.commands.look import locate_stores

    run(context, "locate", told.plain(as_json), locate_stores, network_homes=network_homes)


def inspect(
    context: typer.Context,
    store: given.Stores = None,
    network_homes: given.NetworkHomes = False,
    as_json: given.Json = False,
) -> None:
    """List the certificates in each store. No server is asked."""
    from dsmcertfix.commands.look import inspect

    named = tuple(store or ())
    run(
        context,
        "inspect",
        told.plain(as_json),
        lambda host: inspect(host, named),
        network_homes=network_homes,
    )


def detect(
    context: typer.Context,
    *,
    selecting: Selecting,
    policy: given.PolicyFile = None,
    prove: given.Prove = False,
    timeout: given.AnswerTimeout = given.PROBE_LIMIT_S,
    network_homes: given.NetworkHomes = False,
    form: told.FormatOfDetect = told.DetectFormat.text,
    output: told.Output = None,
    exit_profile: told.ExitProfile = told.Profile.default,
    as_json: given.Json = False,
) -> None:
    """Tell whether action is needed, for which store and certificate, and why. Exit code 3 when it is."""
    from dsmcertfix.cli.choices import limits, selection
    from dsmcertfix.commands.look import detect

    wanted = selection(selecting)
    how = told.telling(form, as_json, exit_profile, output, warn_days=selecting.expires_within)
    run(
        context,
        "detect",
        how,
        lambda host: detect(host, wanted, limits(timeout), prove=prove, policy=policy),
        network_homes=network_homes,
    )


def plan(
    context: typer.Context,
    *,
    selecting: Selecting,
    whole_store: given.WholeStore = False,
    expecting: Expecting,
    policy: given.PolicyFile = None,
    spread: given.Spread = None,
    departing: Departing,
    network_homes: given.NetworkHomes = False,
    as_json: given.Json = False,
) -> None:
    """Show the steps that `fix` with the same options would take."""
    from dataclasses import replace

    from dsmcertfix.cli.choices import limits, run_options, selection, spread_s
    from dsmcertfix.commands.plan import plan_fix

    wanted = selection(selecting, whole=whole_store)
    how = replace(run_options(expecting, departing, policy), spread_s=spread_s(spread))
    run(
        context,
        "plan",
        told.plain(as_json),
        lambda host: plan_fix(host, wanted, how, limits(departing.timeout)),
        network_homes=network_homes,
    )
