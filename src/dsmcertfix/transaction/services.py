"""The client's services in a run: their restart, each intention in the journal first, and what was cut off.

A session reads the store anew each time, so nothing must be restarted for it; programs that keep a session or
a key database open go on with what they read, until they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsmcertfix.errors import Problem, ServiceDown
from dsmcertfix.report.services import ServiceReport, told
from dsmcertfix.system.base import ClientService, Platform
from dsmcertfix.transaction.journal import Event, Journal

RESTARTING, RESTARTED = "service-restarting", "service-restarted"


def restart_running(platform: Platform, journal: Journal, limit_s: float) -> tuple[ServiceReport, ...]:
    """Every service that was running runs again, the others are as they were; how each was treated."""
    found: dict[str, ServiceReport] = {}
    for service in platform.services():
        found[service.name] = told(service)
        if service.state == "running":
            found[service.name] = _restarted(platform, journal, service, limit_s)
    states = {service.name: service.state for service in platform.services()}
    return tuple(item._replace(state=states.get(name, item.state)) for name, item in found.items())


def _restarted(platform: Platform, journal: Journal, service: ClientService, limit_s: float) -> ServiceReport:
    try:
        journal.append(RESTARTING, None, service=service.name)
    except OSError as error:
        message = (
            f"the service {service.name} was left as it is: the journal cannot be written: {error.strerror}"
        )
        return told(service, ServiceDown("service-not-touched", message).problem(), was_restarted=True)
    problem = platform.restart(service.name, limit_s)
    data = problem.to_data() if problem is not None else None
    journal.note(RESTARTED, None, service=service.name, problem=data)
    return told(service, problem, was_restarted=True)


def cut_off_restarts(events: Iterable[Event]) -> tuple[str, ...]:
    """The services that a run stopped, or was about to, and that it does not say it started again."""
    left: dict[str, None] = {}
    for event in events:
        name = event.data.get("service")
        if isinstance(name, str) and event.kind == RESTARTING:
            left[name] = None
        elif isinstance(name, str) and event.kind == RESTARTED and not event.data.get("problem"):
            left.pop(name, None)
    return tuple(left)


def _not_known(name: str) -> Problem:
    message = f"the service {name} is not known on this system"
    return ServiceDown("client-service-not-known", message, hint="Start it by hand.").problem()


def start_again(platform: Platform, journal: Journal, names: Iterable[str], limit_s: float) -> list[Problem]:
    """Those services run; or why not. One that is none of the client's is not started, whoever names it."""
    problems = []
    wanted = tuple(names)
    known = {service.name for service in platform.services()} if wanted else set()
    for name in wanted:
        problem = platform.start(name, limit_s) if name in known else _not_known(name)
        if problem is not None:
            problems.append(problem)
        else:
            journal.note(RESTARTED, None, service=name)
    return problems
