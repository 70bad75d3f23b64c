"""The use cases that change nothing: where reading and deciding meet. Each ends in a Report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from dsmcertfix.assess import AssessedStore, assess
from dsmcertfix.client.locate import locate
from dsmcertfix.errors import (
    ACTION_NEEDED,
    DsmcertfixError,
    Interrupted,
    NotFound,
    NotPermitted,
    Problem,
    Unrecovered,
    bug,
    exit_code,
)
from dsmcertfix.host import Host, Limits, host_name
from dsmcertfix.inventory import take_inventory
from dsmcertfix.model import Inventory, Store
from dsmcertfix.report import (
    Report,
    decided,
    place_report,
    presented_reports,
    store_report,
)
from dsmcertfix.selection import Selection, choose
from dsmcertfix.services import service_reports


def reported(command: str, work: Callable[[], Report]) -> Report:
    """The report of `work`; the report of its error, when it raises one of ours or has a bug.

    It says when the work was done.
    """
    report = _report_of(command, work)
    return replace(report, at=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")


def _report_of(command: str, work: Callable[[], Report]) -> Report:
    try:
        return work()
    except DsmcertfixError as error:
        problem = error.problem()
    except KeyboardInterrupt:
        problem = Interrupted("interrupted", "interrupted by Ctrl+C").problem()
    except Exception as error:
        problem = bug(error).problem()
    return Report(
        command,
        host_name(),
        comment=problem.message,
        exit_code=exit_code(problem, "unchanged"),
        problem=problem,
    )


def locate_stores(host: Host) -> Report:
    """Every place looked at, and the stores found there."""
    located = locate(host.platform.places)
    stores = tuple(
        store_report(AssessedStore(Store(item, problem=item.problem), ())) for item in located.stores
    )
    report = Report(
        "locate",
        host_name(),
        stores=stores,
        looked_at=tuple(place_report(place) for place in located.places),
        warnings=located.warnings,
        comment=f"{counted(len(stores), 'store')} in {counted(len(located.places), 'place')}",
        services=service_reports(host.platform),
    )
    return decided(report)


def inspect(host: Host, named: tuple[Path, ...]) -> Report:
    """The certificates in each store. No server is asked."""
    inventory = take_inventory(host.platform, named)
    require_stores(inventory, named)
    stores = tuple(store_report(item) for item in assess(inventory))
    total = sum(len(store.certificates) for store in stores)
    comment = f"{counted(total, 'certificate')} in {counted(len(stores), 'store')}"
    return decided(
        Report("inspect", host_name(), stores=stores, comment=comment, warnings=inventory.located.warnings)
    )


def detect(host: Host, selection: Selection, limits: Limits) -> Report:
    """Is action needed, for which store and certificate, and why."""
    require_recovered(host)
    inventory = take_inventory(host.platform, selection.stores, probe_timeout_s=limits.probe_s)
    return replace(detected(inventory, selection), services=service_reports(host.platform))


def detected(inventory: Inventory, selection: Selection) -> Report:
    """The same for facts that are known. Raises NotFound when there is no store."""
    require_stores(inventory, selection.stores)
    assessed = assess(inventory, selection.expires_within_days)
    chosen = choose(inventory, assessed, selection)
    affected = [(each.item, one) for each in chosen if each.problem is None for one in each.targets]
    problems = {each.item.store.id: each.problem for each in chosen if each.problem is not None}
    report = decided(read_only_report("detect", inventory, assessed, problems))
    if affected:
        first_store, first = affected[0]
        more = f" (and {len(affected) - 1} more)" if len(affected) > 1 else ""
        where = f"`{first.certificate.label}` in {first_store.store.directory}"
        comment = f"action needed: {where}: {first.reason}{more}"
        return replace(report, comment=comment, exit_code=ACTION_NEEDED)
    unknown = first_unchecked(assessed, inventory)
    if unknown is not None and report.exit_code == 0:
        return decided(replace(report, problem=unknown, comment=f"could not be checked: {unknown.message}"))
    healthy = f"no action needed: {counted(len(inventory.stores), 'store')} checked"
    first_problem = next((store.problem for store in report.stores if store.problem), None)
    return replace(report, comment=first_problem.message if first_problem else healthy)


def require_stores(inventory: Inventory, named: tuple[Path, ...]) -> None:
    """Raises NotFound when there is no store, or none where one was named, NotPermitted for a refused one."""
    if inventory.stores:
        return
    refused = [place for place in inventory.located.places if place.origin.area == "named" and place.refused]
    if named and refused:
        raise NotPermitted(
            "place-refused",
            f"`{refused[0].directory}` was not looked into",
            context=tuple(f"{place.directory}: {place.problem}" for place in refused),
            hint="Name the directory that is meant, without links of other users on the way.",
        )
    if named:
        raise NotFound(
            "store-not-found", "there is no dsmcert.kdb in " + ", ".join(f"`{path}`" for path in named)
        )
    raise NotFound(
        "no-store-found",
        "there is no dsmcert.kdb on this machine",
        hint="`dsmcertfix locate` lists every place that was looked at.",
    )


def require_recovered(host: Host) -> None:
    """Raises Unrecovered when an earlier run was cut off, and no run is at work that will see to it.

    Runs that this user may not see are not its own to recover.
    """
    if not host.has_runs():
        return
    from dsmcertfix.transaction.runs import cut_off

    host.require_state()
    runs = cut_off(host.state)
    if runs and not host.busy():
        # The run that was at work may have come to its end since; one that began since is no matter of ours.
        still = {run.id for run in cut_off(host.state)}
        runs = tuple(run for run in runs if run.id in still)
        if not runs:
            return
        raise Unrecovered(
            "run-cut-off",
            f"run {runs[0].id} was cut off and is not recovered",
            context=(f"journal: {runs[0].journal_path}",),
            hint="Run `dsmcertfix recover`; the next `fix` or `server renew` does it by itself, too.",
        )


def read_only_report(
    command: str, inventory: Inventory, assessed: tuple[AssessedStore, ...], problems: Mapping[str, Problem]
) -> Report:
    """What is there; `problems`, by the id of the store, tell why one cannot be worked on."""
    stores = []
    for item in assessed:
        store = store_report(item)
        stores.append(replace(store, problem=store.problem or problems.get(store.id)))
    return Report(
        command,
        host_name(),
        stores=tuple(stores),
        servers=presented_reports(inventory),
        warnings=inventory.located.warnings,
    )


def first_unchecked(assessed: tuple[AssessedStore, ...], inventory: Inventory) -> Problem | None:
    """Why a certificate could not be compared with its server's, where nothing else is known to be wrong."""
    for item in assessed:
        for one in item.certificates:
            if one.status == "not-checked" and one.server is not None:
                seen = inventory.presented_by(one.server)
                if seen is not None and seen.problem is not None:
                    return seen.problem
    return None


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
