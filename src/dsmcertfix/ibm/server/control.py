"""Stops and starts a server, and tells whether it runs: its process is believed, no command's exit code."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dsmcertfix.errors import (
    Busy,
    DsmcertfixError,
    Interrupted,
    NotFound,
    ServerNotUp,
    Terminated,
    UsageError,
)
from dsmcertfix.ibm.client.secrets import IT_SAID, lines_without_secrets, secret_words
from dsmcertfix.ibm.server.instance import Command, Control, LocatedInstance, Service
from dsmcertfix.ibm.server.reading import is_running
from dsmcertfix.system import systemd
from dsmcertfix.system.base import Platform
from dsmcertfix.system.process.run import Launched, clean_environment, launch
from dsmcertfix.system.servers import Servers

_POLL_S = 0.1
_AFTER_FAILURE_S = 10.0
_APPEARS_WITHIN_S = 20.0
_ON_ITS_WAY_S = 60.0

APPEARS_AFTER_S = 3.0
"""So long after what starts a server has ended, or was cut off, that server may still appear."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who stops and starts one server. `limit_s` is for each; what commands say goes to files in `logs`.

    Those files are closed to others, and have everything, passwords too: only `_said` tells of it.
    """

    platform: Platform
    located: LocatedInstance
    control: Control
    limit_s: float
    logs: Path

    def runs(self) -> bool | None:
        """Whether the server runs; None when that cannot be seen."""
        return is_running(self.platform.servers(), self.located)

    def stop(self) -> None:
        """The server does not run. Raises Busy when it still does at the end, with what the command said.

        Interrupted and Terminated come out when it is seen where the command led: a server that goes down
        after we have left stays down.
        """
        command = self.control.stop
        if command is None:
            raise self._still_runs("there is no command to stop it with", ())
        end = time.monotonic() + self.limit_s
        launched = self._launch(command, self.logs / "stop.log")
        try:
            self._waited(lambda: launched.ended() is not None, end)
            if not self._down(launched, end):
                status = launched.ended()
                how = "does not end" if status is None else f"ended with {status}"
                raise self._still_runs(f"the stop command {how}", _said(launched, command))
        except (Interrupted, Terminated) as error:
            end = min(end, time.monotonic() + _ON_ITS_WAY_S)
            self._waited(lambda: launched.ended() is not None or self.runs() is False, end)
            if self._down(launched, end) or launched.ended() not in (None, 0):
                raise
            told = "the stop command may still stop the server: see that it runs afterwards"
            raise type(error)(error.code, error.message, context=(told,), hint=error.hint) from error
        finally:
            launched.leave()

    def _down(self, launched: Launched, end: float) -> bool:
        """Whether the server is down, at the latest then, or shortly after its stop command failed."""
        if launched.ended() not in (None, 0):
            # A command that halts the server may fail because its session ends: the process decides.
            end = min(end, time.monotonic() + _AFTER_FAILURE_S)
        return self._waited(lambda: self.runs() is False, end)

    def start(self) -> Start:
        """The start command, where there is one, runs or has run."""
        command = self.control.start
        return Start(self, self._launch(command, self.start_log) if command is not None else None)

    @property
    def start_log(self) -> Path:
        """What the start command says."""
        return self.logs / "start.log"

    def _launch(self, command: Command, log: Path) -> Launched:
        return launch(_words(command, self.platform), env=clean_environment(), output=log)

    def asked_to_end(self, start: Start | None) -> bool:
        """The server that we started was asked to end, with all of its session; whether it did."""
        if start is None or start.launched is None:
            return False
        start.launched.terminate()
        return self._waited(lambda: self.runs() is False, time.monotonic() + self.limit_s)

    def _still_runs(self, why: str, said: tuple[str, ...]) -> Busy:
        how = "may still run, this user cannot see it" if self.runs() is None else "still runs"
        return Busy(
            "server-not-stopped", f"the server of `{self.located.directory}` {how}: {why}", context=said
        )

    def _waited(self, holds: Callable[[], bool], end: float) -> bool:
        while not holds():
            if time.monotonic() >= end:
                return False
            time.sleep(_POLL_S)
        return True


class Start:
    """A start of the server. `launched` is the command, None where somebody else is to start it."""

    def __init__(self, keeper: Keeper, launched: Launched | None):
        self.launched = launched
        self._keeper = keeper
        self._down_since: float | None = None

    def came_up(self, also: Callable[[], bool]) -> bool:
        """Whether the server runs, and `also` holds, within the time limit."""
        end = time.monotonic() + self._keeper.limit_s

        def up() -> bool:
            return self._keeper.runs() is not False and also()

        while not up():
            if self.failure() is not None or time.monotonic() >= end:
                return up()
            time.sleep(_POLL_S)
        return True

    def failure(self) -> DsmcertfixError | None:
        """Why the server will not come up: its start command ended, and it does not run.

        After success it has its time: what starts a server may end before that is there.
        """
        status = self.launched.ended() if self.launched is not None else None
        if status is None or self._keeper.runs():
            self._down_since = None
            return None
        now = time.monotonic()
        self._down_since = self._down_since or now
        if status == 0 and now - self._down_since < _APPEARS_WITHIN_S:
            return None
        return ServerNotUp(
            "server-not-started",
            f"the start command ended with {status}, and the server does not run",
            context=self.said(),
        )

    def come_to_rest(self) -> bool:
        """What was started is there, or does not come: its command ended, and no server appeared since.

        A command that goes on without a server is asked to end; False when it does not.
        """
        if self.launched is None:
            return True
        patience = time.monotonic() + min(self._keeper.limit_s, _APPEARS_WITHIN_S)
        quiet_since: float | None = None
        asked = False
        while self._keeper.runs() is False:
            now = time.monotonic()
            if self.launched.ended() is not None:
                quiet_since = quiet_since or now
                if now - quiet_since >= APPEARS_AFTER_S:
                    return True
            elif now >= patience:
                if asked:
                    return False
                self.launched.terminate()
                asked, patience = True, now + _AFTER_FAILURE_S
            time.sleep(_POLL_S)
        return True

    def said(self) -> tuple[str, ...]:
        """What the command, and what it started, said last, without what may be a password."""
        command = self._keeper.control.start
        return _said(self.launched, command) if self.launched and command else ()

    def leave(self) -> None:
        """What was started goes on without us."""
        if self.launched is not None:
            self.launched.leave()


def require_stopped(servers: Servers, located: LocatedInstance) -> None:
    """Raises Busy while the server runs, or may run: nothing is exchanged under it."""
    if is_running(servers, located) is not False:
        raise Busy("server-runs", f"the server of `{located.directory}` runs")


def own_command(text: str, option: str, servers: Servers) -> Command:
    """The command that a person gave: split as a shell does, but never given to one.

    A program without a path is looked for in the system's directories only. Raises UsageError and NotFound.
    """
    try:
        words = servers.words(text)
    except ValueError as error:
        raise UsageError("command-not-readable", f"{option}: {error}") from error
    if not words:
        raise UsageError("command-not-readable", f"{option}: it is empty")
    found = servers.program(words[0])
    if found is None:
        raise NotFound("command-not-found", f"{option}: there is no program `{words[0]}`")
    return Command((str(found), *words[1:]), f"the command of {option}, {found.name}")


def service_control(service: Service, platform: Platform, *, running: bool) -> Control:
    """How that service stops and starts its server; `running` is whether the server runs.

    Raises NotFound when the system's service manager is not there or does not know that very file, Busy when
    the server was started in another way, NotPermitted when others could have changed the program.
    """
    after: tuple[str, ...] = (service.name,)
    match service.kind:
        case "script":
            program, told, after = platform.trusted(service.file), str(service.file), ()
        case "service":
            program, told = platform.trusted(service.file), service.file.stem
        case "unit":
            program, told = _systemctl(service, platform, running=running), "systemctl"
    stop, start = (
        Command((str(program), verb, *after), f"`{' '.join((told, verb, *after))}`", found=True)
        for verb in ("stop", "start")
    )
    return Control(stop, start)


def _systemctl(service: Service, platform: Platform, *, running: bool) -> Path:
    """The service manager's program, once it has said that it would stop this unit, and no other's.

    Below another root the unit of the same name may be one of this machine's.
    """
    for found in systemd.programs(platform.places):
        program = platform.trusted(found)
        told = systemd.shown(program, service.name)
        if str(service.file) not in (told.get("FragmentPath"), told.get("SourcePath")):
            continue
        if running and told.get("ActiveState") in ("inactive", "failed"):
            raise Busy("server-not-by-service", f"the server runs, but {service.name} did not start it")
        return program
    raise NotFound(
        "unit-not-known", f"the system does not say that it starts `{service.name}` by {service.file}"
    )


def _said(launched: Launched, command: Command) -> tuple[str, ...]:
    """The last lines of what was said, without what may be a password: a shell may repeat its commands."""
    secrets = () if command.found else secret_words(command.words[1:])
    said = launched.tail(lambda lines: lines_without_secrets(lines, secrets))
    return tuple(f"{IT_SAID}{line}" for line in said)


def _words(command: Command, platform: Platform) -> tuple[str, ...]:
    """What is run. Raises NotPermitted when others could have changed a program that was found."""
    program, *words = command.words
    if not command.found:
        return command.words
    return (str(platform.trusted(Path(program))), *words)
