"""The use case that looks at the servers of this host: their certificates, who trusts them, what to do."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from dsmcertfix.commands.cut_off import cut_off_runs
from dsmcertfix.errors import ACTION_NEEDED, NotFound, Problem
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.ibm.server.instance import Instance
from dsmcertfix.ibm.server.locate import instance_at, locate_instances
from dsmcertfix.ibm.server.reading import backing_up, read_instance
from dsmcertfix.ibm.tls import ask_all
from dsmcertfix.model import Inventory, Presented, Server, Stanza, Store
from dsmcertfix.planning.assess import AssessedStore, assess
from dsmcertfix.planning.assess_server import Around, AssessedInstance, assess_instance, presents_another
from dsmcertfix.planning.fix import make_plan
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import Plan, RunOptions
from dsmcertfix.report.instance import instance_report, key_database_report
from dsmcertfix.report.result import Report, decided, presented_report
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.wording import counted, plain, quoted

Presents = Callable[[Instance], tuple[Presented, ...]]


def inspect_servers(host: Host, named: Path | None, expires_within_days: int, limits: Limits) -> Report:
    """Every instance with its certificates, and what must be done. Exit code 3 when something must.

    Raises NotFound when there is no instance.
    """
    cut = cut_off_runs(host)
    instances = read_instances(host, named)
    inventory = take_inventory(host.platform)
    presents = asking(instances, limits)
    assessed = tuple(
        assess_instance(
            item,
            inventory.at,
            expires_within_days,
            around(
                item,
                inventory,
                backing_up(host.platform.places, item.located, inventory.located.stanzas),
                presents(item),
                limits,
            ),
        )
        for item in instances
    )
    shown = tuple(seen for item in instances for seen in presents(item))
    return cut.told(_judged(_told("server inspect", assessed, shown), assessed))


def read_instances(host: Host, named: Path | None) -> tuple[Instance, ...]:
    """The instances of the host as they are now, or the named one. Raises NotFound when there is none."""
    places = host.platform.places
    servers = host.platform.servers()
    located = (instance_at(places, named),) if named else locate_instances(places, servers)
    if not located:
        raise NotFound(
            "no-server-instance",
            "no server instance was found on this machine",
            hint="Name its directory with `--instance DIR`.",
        )
    return tuple(read_instance(host.platform, servers, item) for item in located)


def asking(instances: tuple[Instance, ...], limits: Limits) -> Presents:
    """Asks the servers that run, or may, for what they present; tells what each answered."""
    asked = [item for item in instances if item.running is not False]
    servers = tuple(dict.fromkeys(server for item in asked for server in item.servers))
    answers = {seen.server: seen for seen in ask_all(servers, timeout_s=limits.probe_s)()}
    return lambda instance: tuple(
        answers[server] for server in instance.servers if instance in asked and server in answers
    )


def look_again(host: Host, instance: Instance, expires_within_days: int) -> AssessedInstance:
    """The same instance as it is now, by itself."""
    now = read_instance(host.platform, host.platform.servers(), instance.located)
    return assess_instance(now, datetime.now(timezone.utc), expires_within_days)


def _told(command: str, assessed: tuple[AssessedInstance, ...], shown: tuple[Presented, ...]) -> Report:
    return Report(
        command,
        host_name(),
        stores=tuple(key_database_report(item.instance, item.certificates) for item in assessed),
        servers=tuple(presented_report(seen) for seen in shown),
        instances=tuple(instance_report(item) for item in assessed),
    )


def _judged(report: Report, assessed: tuple[AssessedInstance, ...]) -> Report:
    report = decided(report)
    action = [(item.instance.directory, line) for item in assessed for line in item.action]
    if action:
        more = f" (and {len(action) - 1} more)" if len(action) > 1 else ""
        comment = f"action needed in {action[0][0]}: {action[0][1]}{more}"
        # What could not be read weighs more than what must be done.
        return report._replace(comment=comment, exit_code=report.exit_code or ACTION_NEEDED)
    problem = next((store.problem for store in report.stores if store.problem), None)
    healthy = f"no action needed: {counted(len(assessed), 'instance')} checked"
    return report._replace(comment=problem.message if problem else healthy)


def around(
    instance: Instance,
    inventory: Inventory,
    backing_up: frozenset[Stanza],
    presented: tuple[Presented, ...],
    limits: Limits,
) -> Around:
    """What is around the instance, judged by the certificate that it has for itself.

    Stanzas that lead to the port of the instance are asked what they lead to.
    """
    own = instance.presented
    if own is None or presents_another(own, presented) is not None:
        return Around(inventory.stores, backing_up, presented)
    leading = _leading(instance, inventory, limits)
    leading |= {stanza.server for stanza in backing_up if stanza.server is not None}
    facts = inventory._replace(presented=tuple(Presented(server, (own,)) for server in leading))
    judged = assess(facts)
    ways = dict(_ways(facts, judged, backing_up, leading))
    return Around(inventory.stores, backing_up, presented, leading, judged, ways)


def _leading(instance: Instance, inventory: Inventory, limits: Limits) -> frozenset[Server]:
    """The servers of stanzas that are this instance: here, or what answers presents its certificate."""
    own = instance.presented
    named = dict.fromkeys(stanza.server for stanza in inventory.located.stanzas)
    at_port = [server for server in named if server is not None and server.port in instance.ports]
    here = frozenset(server for server in at_port if _is_loopback(server.address))
    others = tuple(server for server in at_port if server not in here)
    if own is None or instance.running is False:
        return here
    answers = ask_all(others, timeout_s=limits.probe_s)()
    same = (seen for seen in answers if seen.certificate and seen.certificate.sha256 == own.sha256)
    return here | {seen.server for seen in same}


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.casefold() == "localhost"


def _ways(
    facts: Inventory,
    judged: tuple[AssessedStore, ...],
    backing_up: frozenset[Stanza],
    leading: frozenset[Server],
) -> Iterator[tuple[str, str]]:
    """The way of each store that may need one: of thousands in homes it is a few, and each way is a plan."""
    wanted = [
        item.store
        for item in judged
        if any(use.stanza in backing_up for use in item.store.located.stanzas)
        or any(one.server in leading for one in item.affected)
    ]
    if not wanted:
        return
    whole = make_plan(facts, Selection(), RunOptions())
    for store in wanted:
        yield store.id, _way(store, facts, leading, whole)


def _way(store: Store, facts: Inventory, leading: frozenset[Server], whole: Plan) -> str:
    """How the store comes to trust what those servers present: a command that is not refused.

    `whole` is the plan for all stores.
    """
    alone = f"`dsmcertfix fix --store {quoted(store.directory)}`"
    is_planned, problem = _planned(
        store, make_plan(facts._replace(stores=(store,)), Selection(), RunOptions())
    )
    if not is_planned:
        stanzas = (use.stanza for use in store.located.stanzas if use.stanza.server in leading)
        name = plain(next((stanza.name for stanza in stanzas), None), "<stanza>")
        return f"`dsmcertfix trust --server {name} --file cert256.arm`"
    if problem is None:
        return alone
    _, with_others = _planned(store, whole)
    if with_others is None:
        return "`dsmcertfix fix`"
    return f"{alone} would be refused: {problem.message}. {problem.hint or ''}".rstrip()


def _planned(store: Store, plan: Plan) -> tuple[bool, Problem | None]:
    """Whether `fix` would work on the store, and what it would be refused for."""
    planned = (*((item.store, item.problem) for item in plan.stores),)
    refused = (*((item.store, item.problem) for item in plan.refused),)
    found = [problem for other, problem in (*planned, *refused) if other is store]
    return bool(found), next(iter(found), None)
