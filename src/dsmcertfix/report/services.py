"""The client's services in a report."""

from __future__ import annotations

from typing import Literal

from dsmcertfix import NamedTuple
from dsmcertfix.errors import Problem
from dsmcertfix.system.base import ClientService, Platform

ServiceAction = Literal["none", "restarted", "failed"]


class ServiceReport(NamedTuple):
    """A service of the client: its state is that at the end of the command.

    `name` is what the system calls it, `display` what people see. `problem` says why it was not restarted.
    """

    name: str
    display: str
    state: str
    account: str = ""
    option_files: tuple[str, ...] = ()
    action: ServiceAction = "none"
    problem: Problem | None = None


def service_reports(platform: Platform, *, asked: bool = False) -> tuple[ServiceReport, ...]:
    """The client's services and their states, untouched; none where only programs know, unless `asked`."""
    if not (asked or platform.services_at_hand):
        return ()
    return tuple(told(service) for service in platform.services())


def told(
    service: ClientService, problem: Problem | None = None, *, was_restarted: bool = False
) -> ServiceReport:
    """The service, and what became of its restart, if one was tried."""
    return ServiceReport(
        service.name,
        service.display,
        service.state,
        service.account,
        service.option_files,
        ("failed" if problem is not None else "restarted") if was_restarted else "none",
        problem,
    )
