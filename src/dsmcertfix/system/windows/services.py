"""The client's services on Windows: which there are, and their restart.

A service is the client's by its program, whatever it is called: names are chosen when it is installed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import PureWindowsPath

from dsmcertfix.errors import Problem, ServiceDown
from dsmcertfix.system.base import ClientService
from dsmcertfix.system.win32 import services
from dsmcertfix.system.win32.calls import code_of
from dsmcertfix.system.win32.services import State
from dsmcertfix.system.windows import clues as windows_clues
from dsmcertfix.wording import quoted

_PAUSE_S = 0.2


def client_services(known: Iterator[windows_clues.Service]) -> tuple[ClientService, ...]:
    """The services among those of the registry that are the client's, with their states now."""
    names = {item.name.lower(): item for item in services.listed()}
    found = []
    for service in known:
        listed = names.get(service.name.lower())
        if service.is_clients and listed is not None:
            files = tuple(
                clue.value for clue in windows_clues.from_service(service) if clue.setting == "optfile"
            )
            found.append(
                ClientService(listed.name, listed.display, listed.state, service.account, tuple(files))
            )
    return tuple(found)


def restart(name: str, limit_s: float) -> Problem | None:
    """The service, and those that need it, were stopped and run again; or why not.

    What was running before runs afterwards, if Windows can make it run at all within `limit_s` seconds.
    """
    deadline = time.monotonic() + limit_s
    stopped: list[str] = []
    problem: Problem | None = None
    try:
        # Those that need it are named in the order in which they must go.
        for item in (*services.dependents(name), name):
            stopped.append(item)
            _stop(item, deadline)
    except OSError as error:
        problem = _failed(name, error)
    # Two ends: half of the time is for each.
    return start(tuple(reversed(stopped or [name])), limit_s) or problem


def start(names: tuple[str, ...], limit_s: float) -> Problem | None:
    """Every one of these services runs, in that order; or why one does not. All are tried."""
    deadline = time.monotonic() + limit_s
    problem: Problem | None = None
    for name in names:
        try:
            _start(name, deadline)
        except OSError as error:
            problem = problem or _failed(name, error)
    return problem


def _stop(name: str, deadline: float) -> None:
    try:
        services.stop(name)
    except OSError as error:
        if code_of(error) != services.NOT_ACTIVE:
            raise
    _wait(name, "stopped", deadline)


def _start(name: str, deadline: float) -> None:
    if services.state(name) == "running":
        return
    try:
        services.start(name)
    except OSError as error:
        if code_of(error) != services.ALREADY_RUNNING or services.state(name) != "running":
            raise
    _wait(name, "running", deadline)


def _wait(name: str, wanted: State, deadline: float) -> None:
    while (now := services.state(name)) != wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(0, f"it is still {now}")
        if wanted == "running" and now == "stopped":
            raise OSError(0, "it ended at once")
        time.sleep(_PAUSE_S)


def _failed(name: str, error: OSError) -> Problem:
    return ServiceDown(
        "service-not-restarted",
        f"the service {name} was to be restarted and does not run as it should: {error.strerror}",
        context=(f"service: {name}",),
        hint=f"Start it by hand: `sc.exe start {quoted(PureWindowsPath(name))}`; "
        "the stores are as the report says.",
    ).problem()
