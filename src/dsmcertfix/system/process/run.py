"""Runs a program, and is the only module that does.

Nothing of this process leaks into the program: input is closed, the environment is what the caller built
from a list (a frozen Python's LD_LIBRARY_PATH would lead IBM's programs to the wrong libraries, IT23560), no
descriptor is inherited, and signals have their default meaning. Nothing of the program
outlives the call, except what left its session on purpose (on Windows, where a job holds it, nothing at all).
Never a shell, never a search on PATH.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.model import Owner
from dsmcertfix.system.process.group import WINDOWS, apart, hold, let_go, own_libraries_hidden, signal_group
from dsmcertfix.system.process.output import Completed, Output
from dsmcertfix.system.process.signals import SignalsHeld
from dsmcertfix.wording import printable

if TYPE_CHECKING:
    from subprocess import Popen


_SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_MEBIBYTE = 1 << 20
_POLL_S = (0.002, 0.05)
_GRACE_S = 2.0
_DRAIN_S = 1.0
_TAIL = 1 << 16


T = TypeVar("T")
Waits = Generator[float, None, T]
"""What comes to an end later: it yields for how many seconds it may be left alone, and returns the result."""


def waited(waits: Waits[T]) -> T:
    """What it returned in the end; until then this process slept."""
    while True:
        try:
            pause_s = next(waits)
        except StopIteration as end:
            result: T = end.value
            return result
        time.sleep(pause_s)


def prepare() -> None:
    """What running programs needs is loaded: a process with an ordinary user's rights may not be able to."""
    import subprocess  # noqa: F401


def clean_environment(
    owner: Owner | None = None, *, additions: Mapping[str, str] | None = None, timezone: str | None = None
) -> dict[str, str]:
    """An environment built from a list: nothing of ours is in it. English messages, system programs only.

    HOME, USER and LOGNAME are `owner`'s (none without one); `additions` win. On Windows the user is always
    this process's.
    """
    environment = {"PATH": _SYSTEM_PATH, "LC_ALL": "C", "LANG": "C"}
    if WINDOWS:
        from dsmcertfix.system.win32 import environment as windows

        environment |= windows.clean()
    elif owner is not None:
        environment |= {"HOME": str(owner.home or Path("/")), "USER": owner.name, "LOGNAME": owner.name}
    if timezone is not None:
        environment["TZ"] = timezone
    return environment | dict(additions or {})


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    cwd: Path | int | None = None,
    user: Owner | None = None,
    output_limit: int = _MEBIBYTE,
    stdin: Path | bytes | None = None,
) -> Completed:
    """The program has ended, or was stopped after `timeout_s`, with everything it started in its session.

    It runs in `cwd` (the root directory unless given; on Unix it may be an open directory), as `user` when
    this process is root and `user` is not. Its new files are private, or readable to all when it runs for a
    user. `output_limit` is in bytes, for each of stdout and stderr: what is longer loses its middle. Its
    input is the file `stdin`, or these bytes (as many as a pipe takes at once: budgets.ACL), or closed.

    Raises NotFound or NotPermitted when the program cannot be started. Whatever else is raised meanwhile (a
    signal's exception too) is raised on after the program was stopped.
    """
    waits = running(
        argv, env=env, timeout_s=timeout_s, cwd=cwd, user=user, output_limit=output_limit, stdin=stdin
    )
    try:
        return waited(waits)
    finally:
        waits.close()


def running(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    cwd: Path | int | None = None,
    user: Owner | None = None,
    output_limit: int = _MEBIBYTE,
    stdin: Path | bytes | None = None,
) -> Waits[Completed]:
    """As `run`, for a caller that does other work while the program runs.

    The first `next` starts it. Closed or thrown into, the program is stopped first.
    """
    started = time.monotonic()
    # What runs for an owner makes files that others may read, as that owner's own session would: other users'
    # clients read the store in the installation directory.
    identity = {"umask": 0o077 if user is None else 0o022, **_identity(user)}
    finished = False
    with SignalsHeld() as held:
        with _input(stdin) as source:
            started_with = {**identity, **_working_in(cwd), "stdin": source}
            process, outputs = _start(argv, dict(env), started_with, output_limit)
        try:
            try:
                held.release()
                finished = yield from _ending(process, outputs, started + timeout_s)
            finally:
                returncode = _stop(process, at_once=finished)
            yield from _emptied(outputs, time.monotonic() + _DRAIN_S)
        finally:
            for output in outputs:
                output.close()
    return Completed(
        returncode=returncode if finished else None,
        stdout=outputs[0].text(),
        stderr=outputs[1].text(),
        timed_out=not finished,
        truncated=any(output.truncated for output in outputs),
    )


class Launched:
    """A program that was started and may outlive us: a server, or what starts one."""

    def __init__(self, process: Popen[bytes], output: Path):
        self._process = process
        self._output = output

    def ended(self) -> int | None:
        """Its status, None while it runs."""
        return self._process.poll()

    def tail(self, hide: Callable[[Iterable[str]], Iterable[str]], lines: int = 20) -> tuple[str, ...]:
        """The last lines that it and what it started said, none too wide, control characters escaped.

        `hide` takes out of the lines what nobody may see, before anything of them is cut off.
        """
        with suppress(OSError), self._output.open("rb") as file:
            start = max(0, self._output.stat().st_size - _TAIL)
            file.seek(start)
            said = file.read(_TAIL).decode("utf-8", "replace").splitlines()
            # The first line may begin in the middle of a secret.
            whole = (line.rstrip() for line in said[1 if start else 0 :] if line.strip())
            return tuple(printable(line)[:300] for line in hide(whole))[-lines:]
        return ()

    def terminate(self) -> None:
        """It was asked to end, with everything in its session. A server is never killed."""
        if self.ended() is None and not WINDOWS:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def leave(self) -> None:
        """It goes on without us."""
        self.ended()
        # So that nobody warns of a child that still runs.
        self._process.returncode = self._process.returncode or 0


def launch(argv: Sequence[str], *, env: Mapping[str, str], output: Path) -> Launched:
    """The program runs in a session of its own, from the root directory, with input closed.

    What it says goes to `output`, a new private file, since it may go on when we are gone. Its new files are
    readable to all, as those of a program that somebody starts by hand. Raises as `run` does.
    """
    import subprocess

    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with SignalsHeld():
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                cwd=Path("/"),
                env=dict(env),
                start_new_session=True,
                umask=0o022,
            )
    except OSError as error:
        raise _start_failed(error, argv[0], Path("/")) from error
    finally:
        os.close(handle)
    return Launched(process, output)


def _identity(user: Owner | None) -> dict[str, Any]:
    """What makes the program run as `user`: nothing when that is who we are."""
    if user is None or not hasattr(os, "geteuid") or user.uid == os.geteuid():
        return {}
    if os.geteuid() != 0:
        raise NotPermitted(
            "cannot-run-as-user",
            f"a program would have to run as {user.name} (uid {user.uid})",
            hint=f"run dsmcertfix as root, or as {user.name}",
        )
    # extra_groups is never empty: left out, root's own groups stay; empty, Python 3.12.0 keeps them
    # (CVE-2023-6507).
    return {"user": user.uid, "group": user.gid, "extra_groups": sorted({user.gid, *user.groups})}


@contextmanager
def _input(given: Path | bytes | None) -> Iterator[int]:
    """The handle from which a program reads. Raises NotFound where the file cannot be read."""
    import subprocess

    if given is None:
        yield subprocess.DEVNULL
        return
    try:
        handle = (
            _holding(given)
            if isinstance(given, bytes)
            else os.open(given, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        )
    except OSError as error:
        raise NotFound("input-not-found", f"`{given!r}` cannot be read: {error.strerror}") from error
    try:
        yield handle
    finally:
        os.close(handle)


def _holding(content: bytes) -> int:
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(content)
    return reader


def _start(
    argv: Sequence[str], env: dict[str, str], given: dict[str, Any], output_limit: int
) -> tuple[Popen[bytes], tuple[Output, ...]]:
    import subprocess

    if not Path(argv[0]).is_absolute():
        raise ValueError(f"{argv[0]!r} is not an absolute path: programs are not searched for")
    try:
        with own_libraries_hidden():
            process = subprocess.Popen(
                argv,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=env,
                **apart(),
                **given,
            )
            hold(process)
    except OSError as error:
        raise _start_failed(error, argv[0], given.get("cwd")) from error
    pipes = (process.stdout, process.stderr)
    return process, tuple(Output(pipe, output_limit) for pipe in pipes if pipe is not None)


def _working_in(place: Path | int | None) -> dict[str, Any]:
    return (
        {"preexec_fn": partial(os.fchdir, place)} if isinstance(place, int) else {"cwd": place or Path("/")}
    )


def _start_failed(error: OSError, program: str, cwd: Path | None) -> NotFound | NotPermitted:
    reason = error.strerror or str(error)
    if str(error.filename) == str(cwd) and error.errno != errno.ENOEXEC:
        place = f"{program} cannot be started in {cwd}: {reason}"
        if error.errno == errno.ENOENT:
            return NotFound("directory-not-found", place)
        return NotPermitted("directory-not-permitted", place)
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        missing = "its interpreter is missing" if Path(program).exists() else reason
        return NotFound("program-not-found", f"{program} cannot be started: {missing}")
    return NotPermitted(
        "program-not-executable",
        f"{program} cannot be started: {reason}",
        hint=f"check that {program} is executable, made for this system, and not on a noexec file system",
    )


def _ending(process: Popen[bytes], outputs: Sequence[Output], deadline: float) -> Waits[bool]:
    """Whether the program has ended before `deadline`. Its number stays taken until `_status`."""
    shortest_s, longest_s = _POLL_S
    pause_s = shortest_s
    while not _ended(process):
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            return False
        said_something = sum(output.take() for output in outputs)
        pause_s = shortest_s if said_something else min(pause_s * 1.5, longest_s)
        yield 0.0 if said_something else min(pause_s, left_s)
    return True


def _emptied(outputs: Sequence[Output], deadline: float) -> Waits[None]:
    """Every output was read to its end, or `deadline` has come: somebody may still hold one."""
    while not all(output.at_end() for output in outputs) and time.monotonic() < deadline:
        if not sum(output.take() for output in outputs):
            yield _POLL_S[0]


def _ended(process: Popen[bytes]) -> bool:
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    try:
        # WNOWAIT: a process number that was given back could be another's when the group is signalled.
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _stop(process: Popen[bytes], *, at_once: bool) -> int | None:
    """Nothing is left of the program's group; its status, or None when there is none.

    The group is asked first unless `at_once`. A second signal's exception meanwhile cuts the asking short,
    not the stopping. What not even SIGKILL ends (it waits for a dead file system) is left to the system.
    """
    try:
        if not at_once:
            signal_group(process, signal.SIGTERM)
            waited(_ending(process, (), time.monotonic() + _GRACE_S))
    finally:
        signal_group(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        ended = waited(_ending(process, (), time.monotonic() + _GRACE_S))
        status = _status(process) if ended else None
        let_go(process)
    return status


def _status(process: Popen[bytes]) -> int | None:
    """The exit status of a program that has ended, None when somebody else has fetched it."""
    fetched_by_other = False
    if hasattr(os, "waitid"):
        try:
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            fetched_by_other = True
    # poll() takes a status that it cannot get for 0.
    status = process.poll()
    return None if fetched_by_other else status
