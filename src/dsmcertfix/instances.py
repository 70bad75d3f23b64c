"""The use case that looks at the servers of this host: their certificates, who trusts them, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from dsmcertfix.commands import counted, require_recovered
from dsmcertfix.errors import ACTION_NEEDED, NotFound
from dsmcertfix.host import Host, Limits, host_name
from dsmcertfix.inventory import take_inventory
from dsmcertfix.model import Presented
from dsmcertfix.report import Report, decided, presented_report
from dsmcertfix.server.around import around
from dsmcertfix.server.assess import AssessedInstance, assess_instance
from dsmcertfix.server.locate import instance_at, locate_instances
from dsmcertfix.server.model import Instance
from dsmcertfix.server.reading import backing_up, read_instance
from dsmcertfix.server.report import instance_report, key_database_report
from dsmcertfix.tls import ask_all

Presents = Callable[[Instance], tuple[Presented, ...]]


def inspect_servers(host: Host, named: Path | None, expires_within_days: int, limits: Limits) -> Report:
    """Every instance with its certificates, and what must be done. Exit code 3 when something must.

    Raises NotFound when there is no instance, Unrecovered when an earlier run was cut off.
    """
    require_recovered(host)
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
    return _judged(_told("server inspect", assessed, shown), assessed)


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
        return replace(report, comment=comment, exit_code=report.exit_code or ACTION_NEEDED)
    problem = next((store.problem for store in report.stores if store.problem), None)
    healthy = f"no action needed: {counted(len(assessed), 'instance')} checked"
    return replace(report, comment=problem.message if problem else healthy)
