"""The use cases about a certificate that is looked at or handed over, not fetched: probe and trust."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from dsmcertfix.client.messages import Handed
from dsmcertfix.commands import require_stores
from dsmcertfix.errors import PlanOutdated, Problem, UsageError, exit_code
from dsmcertfix.fingerprint import certificates_of_file
from dsmcertfix.host import Host, Limits, host_name
from dsmcertfix.inventory import take_inventory
from dsmcertfix.model import Inventory, Server
from dsmcertfix.plan import Plan, Policy
from dsmcertfix.planning import leaving, nothing_to_do, plan_report
from dsmcertfix.repair import Confirm, Observe, Order, carry_out, recover_stores
from dsmcertfix.report import Report, presented_report
from dsmcertfix.store.certificate import describe
from dsmcertfix.tls import present
from dsmcertfix.trust_plan import Handover, make_trust_plan

DEFAULT_PORT = 1500
"""TCPPORT when a stanza does not say (TCPPORT option, 8.2.2 manual)."""


def server_named(text: str) -> Server:
    """HOST, HOST:PORT, an IPv6 address, or [IPv6]:PORT. Raises UsageError for anything else."""
    written = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^\s:\[\]]+))(?::([0-9]{1,9}))?", text)
    address, name, port = written.groups() if written else (text, None, None)
    if name is None and not _is_ipv6(address):
        raise UsageError("not-a-server", f"`{text}` is not HOST[:PORT]", hint="IPv6 with a port: [::1]:1500")
    number = int(port) if port else DEFAULT_PORT
    if not 0 < number < 65536:
        raise UsageError("not-a-port", f"{number} is not a port number")
    return Server(name or address, number)


def _is_ipv6(address: str) -> bool:
    import ipaddress

    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def probe(server: Server, limits: Limits) -> Report:
    """The certificate that the server presents now, with its chain; or why there is none."""
    seen = present(server, timeout_s=limits.probe_s)
    found = seen.certificate
    comment = f"{server} presents SHA-256 {found.sha256}" if found else ""
    if seen.problem is not None:
        comment = seen.problem.message
    return Report(
        "probe",
        host_name(),
        comment=comment,
        exit_code=exit_code(seen.problem, "unchanged"),
        servers=(presented_report(seen),),
        problem=seen.problem,
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """Which server is to be trusted, by which file, in which stores (all that are used for it when none)."""

    server: str
    file: Path
    stores: tuple[Path, ...] = ()


def trust(
    host: Host,
    wish: Wish,
    policy: Policy,
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
    shown: Plan | None = None
    if confirm is not None:
        inventory, shown = _planned(host, wish, handover, policy, limits)
        if shown.stores and not confirm(plan_report(inventory, shown)):
            raise UsageError("not-confirmed", "nothing was done: the plan was not confirmed")
    with host.alone(limits):
        left = recover_stores(host, observe)
        inventory, plan = _planned(host, wish, handover, policy, limits, left)
        if shown is not None and not plan.same_changes(shown):
            raise PlanOutdated(
                "plan-outdated",
                "the machine is no longer as it was when the plan was shown",
                hint="Run this again and look at the new plan.",
            )
        if not plan.stores:
            return nothing_to_do("trust", inventory, plan)
        handed = Handed(wish.file, stored=True)
        order = Order("trust", policy.engine, True, handed, restart_services=policy.restart_services)
        return carry_out(host, inventory, plan, order, limits, observe)


def _planned(
    host: Host,
    wish: Wish,
    handover: Handover,
    policy: Policy,
    limits: Limits,
    left: Mapping[Path, Problem] = MappingProxyType({}),
) -> tuple[Inventory, Plan]:
    probe_s = limits.probe_s if policy.preflight else None
    inventory = take_inventory(host.platform, wish.stores, probe_timeout_s=probe_s)
    require_stores(inventory, wish.stores)
    inventory = leaving(inventory, left)
    return inventory, make_trust_plan(inventory, handover, policy)
