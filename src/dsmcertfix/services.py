"""The client's services as they are told of."""

from __future__ import annotations

from dsmcertfix.errors import Problem
from dsmcertfix.platforms.base import ClientService, Platform
from dsmcertfix.service_report import ServiceReport


def service_reports(platform: Platform) -> tuple[ServiceReport, ...]:
    """The client's services and their states, untouched."""
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
