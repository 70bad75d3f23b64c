"""The use cases that change nothing: where reading and deciding meet. Each ends in a Report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from dsmcertfix.commands.cut_off import cut_off_runs, known_cut_off, leaving
from dsmcertfix.errors import (
    ACTION_NEEDED,
    NotFound,
    NotPermitted,
    Problem,
)
from dsmcertfix.ibm.client.locate import is_passive, locate
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.model import Inventory, Store
from dsmcertfix.planning.assess import AssessedStore, assess
from dsmcertfix.planning.refusals import Proofs, first_refused, refused_for_want
from dsmcertfix.planning.selection import Chosen, Selection, choose
from dsmcertfix.report.result import (
    Report,
    decided,
    place_report,
    presented_reports,
    proof_report,
    store_report,
    with_excess,
)
from dsmcertfix.report.services import service_reports
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.wording import counted

if TYPE_CHECKING:
    # Loaded where there is a policy only.
    from dsmcertfix.commands.policy import Loaded
    from dsmcertfix.planning.policy import Policy


def locate_stores(host: Host) -> Report:
    """Every place looked at, and the stores found there."""
    cut = known_cut_off(host)
    located = locate(host.platform.places)
    problems = {path: item.problem for path, item in cut.left.items()}
    stores = tuple(
        store_report(AssessedStore(Store(item, problem=problems.get(item.directory, item.problem)), ()))
        for item in located.stores
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
    return cut.told(decided(with_excess(report, located.excess)))


def inspect(host: Host, named: tuple[Path, ...]) -> Report:
    """The certificates in each store. No server is asked."""
    cut = known_cut_off(host)
    inventory = leaving(take_inventory(host.platform, named), cut.left, named)
    require_stores(inventory, named)
    stores = tuple(store_report(item) for item in assess(inventory))
    total = sum(len(store.certificates) for store in stores)
    comment = f"{counted(total, 'certificate')} in {counted(len(stores), 'store')}"
    located = inventory.located
    warnings = (*located.warnings, *_unchecked(inventory))
    report = Report("inspect", host_name(), stores=stores, comment=comment, warnings=warnings)
    return cut.told(decided(with_excess(report, located.excess)))


def detect(
    host: Host, selection: Selection, limits: Limits, *, prove: bool = False, policy: Path | None = None
) -> Report:
    """Is action needed, for which store and certificate, and why; with `prove`, IBM's TLS is asked, too.

    The site's policy counts, that in the file `policy` or the machine's own. Raises as its `load` does.
    """
    site = site_policy(host, policy)
    cut = cut_off_runs(host)
    inventory = take_inventory(host.platform, selection.stores, probe_timeout_s=limits.probe_s)
    inventory = told_of_policy(leaving(inventory, cut.left, selection.stores), site)
    proofs: Proofs = {}
    if prove:
        from dsmcertfix.commands.proof import prove_stores

        proofs = prove_stores(host.platform, inventory, limits.probe_s)
    report = cut.told(detected(inventory, selection, proofs, site.policy if site else None))
    return report._replace(services=service_reports(host.platform))


def site_policy(host: Host, given: Path | None) -> Loaded | None:
    """The site's policy, None where there is none. Raises as `policy.load` does."""
    path = host.policy_file(given)
    if path is None:
        return None
    from dsmcertfix.commands.policy import load

    return load(host, path)


def told_of_policy(inventory: Inventory, site: Loaded | None) -> Inventory:
    """The inventory that says what is to be said of the policy."""
    if site is None or not site.warnings:
        return inventory
    located = inventory.located
    return inventory._replace(located=located._replace(warnings=(*located.warnings, *site.warnings)))


def detected(
    inventory: Inventory,
    selection: Selection,
    proofs: Proofs = MappingProxyType({}),
    policy: Policy | None = None,
) -> Report:
    """The same for facts that are known. Raises NotFound when there is no store."""
    require_stores(inventory, selection.stores)
    assessed = _assessed(inventory, selection, policy)
    chosen = choose(inventory, assessed, selection)
    problems = {each.item.store.id: each.problem for each in chosen if each.problem is not None}
    report = read_only_report("detect", inventory, assessed, problems)
    report = decided(_with_proofs(report, assessed, proofs))
    needed = _needed([each for each in chosen if each.problem is None])
    if needed:
        more = f" (and {len(needed) - 1} more)" if len(needed) > 1 else ""
        return report._replace(comment=f"action needed: {needed[0]}{more}", exit_code=ACTION_NEEDED)
    for item in assessed:
        proof = first_refused(item, proofs)
        if proof is not None:
            comment = f"action needed: {proof.reason}: the store in {item.store.directory}"
            return report._replace(comment=comment, exit_code=ACTION_NEEDED)
    if policy is not None and report.exit_code == 0:
        report = _held_against(policy, report, inventory)
    unknown = first_unchecked(assessed, inventory)
    if unknown is not None and report.exit_code == 0:
        return decided(report._replace(problem=unknown, comment=f"could not be checked: {unknown.message}"))
    healthy = f"no action needed: {counted(len(inventory.stores), 'store')} checked"
    problem = first_problem(report)
    return report._replace(comment=problem.message if problem else healthy)


def _assessed(inventory: Inventory, selection: Selection, policy: Policy | None) -> tuple[AssessedStore, ...]:
    if policy is None:
        return assess(inventory, selection.expires_within_days)
    from dsmcertfix.planning.policy_view import assess_under

    return assess_under(policy, inventory, selection.expires_within_days)


def _needed(chosen: list[Chosen]) -> list[str]:
    """What calls for action, and where: certificates, what the policy wants, passwords that expired."""
    lines = [
        f"`{one.certificate.label}` in {each.item.store.directory}: {one.reason}"
        for each in chosen
        for one in each.targets
    ]
    for each in chosen:
        changing = {one.sha256 for _, one in (*each.brought.adds, *each.brought.drops)}
        lines += [
            f"SHA-256 {told.sha256} of {told.name} is {told.standing} in {each.item.store.directory}: "
            f"{told.reason}"
            for told in each.brought.verdicts
            if told.sha256 in changing and told.standing != "fine"
        ]
    return lines + [each.item.problem.message for each in chosen if each.password and each.item.problem]


def _held_against(policy: Policy, report: Report, inventory: Inventory) -> Report:
    """The report that tells of a server that presents what the policy does not allow."""
    from dsmcertfix.planning.pins import unmet_problem
    from dsmcertfix.planning.policy_view import pins_by

    problem = unmet_problem(pins_by(policy, inventory), inventory)
    return decided(report._replace(problem=problem)) if problem is not None else report


def _with_proofs(report: Report, assessed: tuple[AssessedStore, ...], proofs: Proofs) -> Report:
    """The report with what IBM's TLS said of each store; its stores are those, in that order."""
    stores = tuple(
        store._replace(
            proofs=tuple(map(proof_report, proofs.get(store.id, ()))),
            notes=(*store.notes, *refused_for_want(item, proofs)),
        )
        for store, item in zip(report.stores, assessed, strict=True)
    )
    return report._replace(stores=stores)


def require_stores(inventory: Inventory, named: tuple[Path, ...]) -> None:
    """Raises NotFound when there is no store, or none where one was named, NotPermitted for a refused one.

    Where users had too much, what that was is raised instead: stores of theirs may not have been found. A
    passive node of a cluster (`is_passive`) needs none.
    """
    if inventory.stores:
        return
    if inventory.located.excess and not named:
        raise inventory.located.excess[0].error()
    refused = [place for place in inventory.located.places if place.origin.area == "named" and place.refused]
    if named and refused:
        raise NotPermitted(
            "place-refused",
            f"`{refused[0].directory}` was not looked into",
            context=tuple(f"{place.directory}: {place.problem}" for place in refused),
        )
    if named:
        raise NotFound(
            "store-not-found", "there is no dsmcert.kdb in " + ", ".join(f"`{path}`" for path in named)
        )
    if is_passive(inventory.located):
        return
    raise NotFound(
        "no-store-found",
        "there is no dsmcert.kdb on this machine",
        hint="`dsmcertfix locate` lists every place that was looked at.",
    )


def read_only_report(
    command: str, inventory: Inventory, assessed: tuple[AssessedStore, ...], problems: Mapping[str, Problem]
) -> Report:
    """What is there; `problems`, by the id of the store, tell why one cannot be worked on."""
    stores = []
    for item in assessed:
        store = store_report(item)
        stores.append(store._replace(problem=store.problem or problems.get(store.id) or item.problem))
    report = Report(
        command,
        host_name(),
        stores=tuple(stores),
        servers=presented_reports(inventory),
        warnings=(*inventory.located.warnings, *_unchecked(inventory)),
    )
    return with_excess(report, inventory.located.excess)


def _unchecked(inventory: Inventory) -> tuple[str, ...]:
    """What is told where certificates were read and no signature could be checked."""
    from dsmcertfix.ibm.key_database import reading

    told = any(store.certificates for store in inventory.stores) and reading.library() is None
    return (reading.UNCHECKED,) if told else ()


def first_problem(report: Report) -> Problem | None:
    """What is wrong first: with the machine, or else with a store."""
    return report.problem or next((store.problem for store in report.stores if store.problem), None)


def first_unchecked(assessed: tuple[AssessedStore, ...], inventory: Inventory) -> Problem | None:
    """Why a certificate could not be compared with its server's, where nothing else is known to be wrong."""
    for item in assessed:
        for one in item.certificates:
            if one.status == "not-checked" and one.server is not None:
                seen = inventory.presented_by(one.server)
                if seen is not None and seen.problem is not None:
                    return seen.problem
    return None
