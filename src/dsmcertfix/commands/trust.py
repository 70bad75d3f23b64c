"""The use cases about a certificate that is looked at or handed over, not fetched: probe and trust."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from dsmcertfix.commands.contract import Confirm, Observe
from dsmcertfix.commands.cut_off import leaving
from dsmcertfix.commands.fix import Order, change
from dsmcertfix.commands.look import require_stores, site_policy
from dsmcertfix.commands.plan import allowed, foreign_told, plan_report, proving
from dsmcertfix.ibm.certificate_file import certificates_of_file
from dsmcertfix.ibm.client.messages import Handed
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import Inventory, Left
from dsmcertfix.planning.steps import Plan, RunOptions
from dsmcertfix.planning.trust import Handover, make_trust_plan
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host, Limits


@dataclass(frozen=True, slots=True)
class Wish:
    """Which server is to be trusted, by which file, in which stores (all that are used for it when none)."""

    server: str
    file: Path
    stores: tuple[Path, ...] = ()


def trust(
    host: Host,
    wish: Wish,
    how: RunOptions,
    limits: Limits,
    observe: Observe,
    confirm: Confirm | None,
) -> Report:
    """Every chosen store trusts the certificates of the file for that server, or is as it was.

    Raises as `fix` does, and NotFound or UsageError for a file that holds no certificate.
    """
    # `cat server.pem chain.pem` has one of them twice.
    given = dict.fromkeys(certificates_of_file(wish.file))
    handover = Handover(wish.server, tuple(describe(der, sha256(der).hexdigest()[:8]) for der in given))
    return change(
        host,
        Order("trust", how, Handed(wish.file, stored=True)),
        lambda left: _planned(host, wish, handover, how, limits, left),
        plan_report,
        limits,
        observe,
        confirm,
    )


def _planned(
    host: Host,
    wish: Wish,
    handover: Handover,
    how: RunOptions,
    limits: Limits,
    left: Left,
) -> tuple[Inventory, Plan]:
    how = allowed(host.platform, how)
    probe_s = limits.probe_s if how.preflight else None
    inventory = take_inventory(host.platform, wish.stores, probe_timeout_s=probe_s)
    inventory = leaving(foreign_told(host.platform, inventory), left, wish.stores)
    require_stores(inventory, wish.stores)
    site = site_policy(host, how.policy)
    plan = make_trust_plan(inventory, handover, how)
    plan = replace(plan, policy=site.policy if site is not None else None)
    return inventory, proving(host, inventory, plan, limits, named=True)
