"""The client's services on Unix: systemd's units and init scripts that start it, their states, their restart.

A service is the client's by the program that it starts, whatever it is called. Only programs that nobody but
root can change are run.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.errors import DsmcertfixError, Problem, ServiceDown
from dsmcertfix.system import systemd
from dsmcertfix.system.base import ClientService
from dsmcertfix.system.process.run import clean_environment, launch, run
from dsmcertfix.system.unix import clues as unix_clues
from dsmcertfix.system.unix import subsystems
from dsmcertfix.system.unix.places import UnixPlaces

Trusted = Callable[[Path], Path]
"""The program without symbolic links, where root alone can change it; raises as `Platform.trusted` does."""

_PAUSE_S = 0.1
_STATUS_S = 20.0
_APPEARS_WITHIN_S = 5.0
_STATES = {"active": "running", "inactive": "stopped", "failed": "stopped"}
_TELLS_STATUS = re.compile(r"^\s*\(?[\w|\"' -]*\bstatus\b[\w|\"' -]*\)", re.MULTILINE)
_STARTS_CLIENT = re.compile(r"""(?:^|[\s"'=/])(?<!init\.d/)(?:rc\.)?(?:dsmcad(?![\w.-])|dsmc["']?\s+sched)""")
_NOTHING = Path(os.devnull)


class Unit(NamedTuple):
    """A unit that systemd knows, by that systemctl."""

    program: Path
    name: str

    def state(self) -> str:
        """Running, stopped, or what systemd says."""
        told = systemd.shown(self.program, self.name).get("ActiveState", "unknown")
        return _STATES.get(told, told)

    def restart(self, limit_s: float) -> None:
        """It was stopped and runs again. Where it does not run it is left so."""
        # For stop and start. It is systemd that does it, whatever becomes of us.
        self._do("try-restart", 2 * limit_s)

    def start(self, limit_s: float) -> None:
        """It was started."""
        self._do("start", limit_s)

    def _do(self, verb: str, limit_s: float) -> None:
        words = (str(self.program), "--no-ask-password", verb, self.name)
        ended = run(words, env=clean_environment(), timeout_s=limit_s)
        if ended.timed_out:
            raise TimeoutError(0, f"`systemctl {verb}` did not end within {limit_s:.0f} seconds")
        if ended.returncode != 0:
            said = (ended.stderr.strip().splitlines() or [""])[-1]
            raise OSError(0, f"`systemctl {verb}` ended with {ended.returncode}: {said}")

    @property
    def by_hand(self) -> str:
        """The command that starts it."""
        return f"systemctl start {self.name}"


class Script(NamedTuple):
    """An init script; no systemd has made a unit of it."""

    program: Path
    tells_status: bool

    def state(self) -> str:
        """As LSB has it: `status` ends in 0 for what runs, and in 3 for what does not."""
        if not self.tells_status:
            return "unknown"
        ended = run((str(self.program), "status"), env=clean_environment(), timeout_s=_STATUS_S)
        return {0: "running", 3: "stopped"}.get(
            -1 if ended.returncode is None else ended.returncode, "unknown"
        )

    def restart(self, limit_s: float) -> None:
        """It was stopped and started."""
        ended = run((str(self.program), "stop"), env=clean_environment(), timeout_s=limit_s)
        if ended.returncode != 0 and self.state() == "running":
            raise OSError(0, f"`{self.program} stop` ended with {ended.returncode}")
        self.start(limit_s)

    def start(self, limit_s: float) -> None:
        """It was started. What it starts goes on without us, with nobody to read what it says."""
        deadline = time.monotonic() + limit_s
        started = launch((str(self.program), "start"), env=clean_environment(), output=_NOTHING)
        while (status := started.ended()) is None:
            if time.monotonic() > deadline:
                started.leave()
                raise TimeoutError(0, f"`{self.program} start` did not end within {limit_s:.0f} seconds")
            time.sleep(_PAUSE_S)
        if status != 0:
            raise OSError(0, f"`{self.program} start` ended with {status}")

    @property
    def by_hand(self) -> str:
        """The command that starts it."""
        return f"{self.program} start"


class Controlled(NamedTuple):
    """A subsystem of AIX's System Resource Controller, whose other programs lie beside that lssrc."""

    lssrc: Path
    name: str

    def state(self) -> str:
        """Running, stopped, or what lssrc says."""
        return subsystems.state(self.lssrc, self.name)

    def restart(self, limit_s: float) -> None:
        """It was stopped, and is starting."""
        self._do("stopsrc", limit_s)
        deadline = time.monotonic() + limit_s
        while (now := self.state()) != "stopped":
            if time.monotonic() > deadline:
                raise TimeoutError(0, f"it is {now}, {limit_s:.0f} seconds after it was to stop")
            time.sleep(_PAUSE_S)
        self.start(limit_s)

    def start(self, limit_s: float) -> None:
        """It is starting."""
        self._do("startsrc", limit_s)

    def _do(self, name: str, limit_s: float) -> None:
        program = self.lssrc.with_name(name)
        ended = run((str(program), "-s", self.name), env=clean_environment(), timeout_s=limit_s)
        if ended.returncode != 0:
            said = next(iter(ended.tail(1)), "")
            raise OSError(0, f"`{name} -s {self.name}` ended with {ended.returncode}: {said}")

    @property
    def by_hand(self) -> str:
        """The command that starts it."""
        return f"startsrc -s {self.name}"


Service = Unit | Script | Controlled


def client_services(places: UnixPlaces, trusted: Trusted) -> tuple[ClientService, ...]:
    """The services that start the client, with their states now."""
    return tuple(ClientService(name, name, _state(one)) for name, one in _found(places, trusted))


def restart(places: UnixPlaces, trusted: Trusted, name: str, limit_s: float) -> Problem | None:
    """The service was stopped and runs again; or why not."""
    return _done(places, trusted, name, lambda one: one.restart(limit_s), limit_s)


def start(places: UnixPlaces, trusted: Trusted, name: str, limit_s: float) -> Problem | None:
    """The service runs; or why not."""
    return _done(places, trusted, name, lambda one: one.start(limit_s), limit_s)


def _done(
    places: UnixPlaces, trusted: Trusted, name: str, act: Callable[[Service], None], limit_s: float
) -> Problem | None:
    one = dict(_found(places, trusted)).get(name)
    if one is None:
        message = f"the service {name} is not known on this system"
        return ServiceDown("client-service-not-known", message, hint="Start it by hand.").problem()
    try:
        act(one)
        _wait_until_it_runs(one, limit_s)
    except (OSError, DsmcertfixError) as error:
        why = error.message if isinstance(error, DsmcertfixError) else error.strerror
        return ServiceDown(
            "service-not-restarted",
            f"the service {name} was to be restarted and does not run as it should: {why}",
            context=(f"service: {name}",),
            hint=f"Start it by hand: `{one.by_hand}`; the stores are as the report says.",
        ).problem()
    return None


def _wait_until_it_runs(one: Service, limit_s: float) -> None:
    begun = time.monotonic()
    while (now := one.state()) != "running":
        # A script may end before what it started can be seen.
        if time.monotonic() - begun > (min(limit_s, _APPEARS_WITHIN_S) if now == "stopped" else limit_s):
            raise TimeoutError(0, f"it is {now}")
        time.sleep(_PAUSE_S)


def _state(one: Service) -> str:
    try:
        return one.state()
    except DsmcertfixError:
        return "unknown"


def _found(places: UnixPlaces, trusted: Trusted) -> Iterator[tuple[str, Service]]:
    """What starts the client, by its name, where root alone can change who starts it."""
    lssrc = places.starters.lssrc()
    for known in places.starters.subsystems():
        if lssrc is not None and known.starts_client:
            yield known.name, Controlled(lssrc, known.name)
    systemctl = _trusted_one(systemd.programs(places), trusted)
    units = {
        name: paths
        for name, paths in places.starters.units()
        if any(map(_STARTS_CLIENT.search, _starts(places, paths)))
    }
    for name, paths in units.items():
        # A second name of a unit, and a unit of this machine where another root was given, has another file.
        if systemctl and systemd.shown(systemctl, name).get("FragmentPath") in {str(path) for path in paths}:
            yield name, Unit(systemctl, name)
    for path in places.starters.scripts():
        text = unix_clues.without_comments(places.text(path) or "")
        if path.parent.name != "init.d" or not _STARTS_CLIENT.search(text):
            continue
        name = f"{path.name}.service"
        if systemctl and systemd.shown(systemctl, name).get("SourcePath") == str(path):
            yield name, Unit(systemctl, name)
        elif name not in units and (program := _trusted_one((path,), trusted)) is not None:
            yield path.name, Script(program, _TELLS_STATUS.search(text) is not None)


def _starts(places: UnixPlaces, paths: list[Path]) -> Iterator[str]:
    """The commands of a unit. One that only comes after the client, or needs it, is not the client's."""
    for path in paths:
        settings = unix_clues.unit_settings(places.text(path) or "")
        yield from (value for key, value in settings if key == "ExecStart")


def _trusted_one(programs: Iterator[Path] | tuple[Path, ...], trusted: Trusted) -> Path | None:
    for program in programs:
        try:
            return trusted(program)
        except DsmcertfixError:
            continue
    return None
