"""The commands that change nothing: locate, inspect, detect, plan."""

from __future__ import annotations

import typer

from dsmcertfix.cli import arguments as given
from dsmcertfix.cli import telling as told
from dsmcertfix.cli.context import run

TIMEOUT_S = 120.0


def locate(
    context: typer.Context, network_homes: given.NetworkHomes = False, as_json: given.Json = False
) -> None:
    """List every place looked at, and the stores found there."""
    from dsmcertfix.commands import locate_stores

    run(context, "locate", as_json, locate_stores, network_homes=network_homes)


def inspect(
    context: typer.Context,
    store: given.Stores = None,
    network_homes: given.NetworkHomes = False,
    as_json: given.Json = False,
) -> None:
    """List the certificates in each store. No server is asked."""
    from dsmcertfix.commands import inspect

    named = tuple(store or ())
    run(context, "inspect", as_json, lambda host: inspect(host, named), network_homes=network_homes)


def detect(
    context: typer.Context,
    server: given.Servers = None,
    label: given.Labels = None,
    fingerprint: given.Fingerprints = None,
    expired: given.Expired = False,
    expires_within: given.ExpiresWithin = 0,
    store: given.Stores = None,
    timeout: given.AnswerTimeout = given.PROBE_LIMIT_S,
    network_homes: given.NetworkHomes = False,
    form: told.FormatOfDetect = told.DetectFormat.text,
    output: told.Output = None,
    exit_profile: told.ExitProfile = told.Profile.default,
    as_json: given.Json = False,
) -> None:
    """Tell whether action is needed, for which store and certificate, and why. Exit code 3 when it is."""
    from dsmcertfix.cli.wishes import limits, selection
    from dsmcertfix.commands import detect

    wanted = selection(server, label, fingerprint, store, expired=expired, expires_within=expires_within)
    how = told.telling(form, as_json, exit_profile, output, warn_days=expires_within)
    run(
        context,
        "detect",
        as_json,
        lambda host: detect(host, wanted, limits(timeout)),
        network_homes=network_homes,
        how=how,
    )


def plan(
    context: typer.Context,
    server: given.Servers = None,
    label: given.Labels = None,
    fingerprint: given.Fingerprints = None,
    expired: given.Expired = False,
    expires_within: given.ExpiresWithin = 0,
    store: given.Stores = None,
    whole_store: given.WholeStore = False,
    expect_sha256: given.ExpectSha256 = None,
    expect_file: given.ExpectFile = None,
    no_preflight: given.NoPreflight = False,
    no_reconnect: given.NoReconnect = False,
    keep_index: given.KeepIndex = False,
    engine: given.Engine = given.EngineName.auto,
    timeout: given.Timeout = TIMEOUT_S,
    network_homes: given.NetworkHomes = False,
    as_json: given.Json = False,
) -> None:
    """Show the steps that `fix` with the same options would take."""
    from dsmcertfix.cli.wishes import Switches, limits, policy, selection
    from dsmcertfix.planning import plan_fix

    wanted = selection(
        server, label, fingerprint, store, expired=expired, expires_within=expires_within, whole=whole_store
    )
    switches = Switches(no_preflight, no_reconnect, keep_index, engine.value)
    how = policy(expect_sha256, expect_file, switches)
    run(
        context,
        "plan",
        as_json,
        lambda host: plan_fix(host, wanted, how, limits(timeout)),
        network_homes=network_homes,
    )
