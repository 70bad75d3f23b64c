"""Unix: work done in a child with another user's rights and with limits, and its answer.

Owns the child from fork to its end. Whoever the child works as may have made its answer up (`answers`), may
stop it, and may kill it.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NoReturn

from dsmcertfix.errors import NotPermitted
from dsmcertfix.model import Owner
from dsmcertfix.system import answers
from dsmcertfix.system.answers import ChildDied, LimitReached
from dsmcertfix.system.process.signals import SignalsHeld
from dsmcertfix.system.seen import OwnerLimits

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REAP_LIMIT_S = 5.0
_LOOK_S = 0.1
_GRACE_S = 0.5
"""What a child has at the end of its time to end a program that it runs."""
_CHUNK = 1 << 16
_ENCODINGS = ("ascii", "latin-1", "unicode_escape", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-be")

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def run(
    work: Callable[[], object],
    limits: OwnerLimits,
    *,
    owner: Owner | None = None,
    keep: Iterable[int] | None = (),
    directory: int | None = None,
) -> object:
    """What `work` returned in a child with the owner's uid, gid and groups (ours without one).

    That is JSON-ready data, in which bytes may stand. The child has no open file of ours but those in `keep`
    (every one when that is None), works in the open `directory` if one is given, and what it started in its
    process group ends with it.

    A signal's exception that comes meanwhile ends the child and is raised on; the end of this process ends
    it, too, where the system can tell a child of that.

    Raises what `work` raised, when that is an error of ours or OSError, InternalError for any other,
    LimitReached and ChildDied. No other thread may run: it could hold a lock that the child needs.
    """
    _load_encodings()
    control, parent = _process_control(), os.getpid()

    def answer(writer: int) -> None:
        if directory is not None:
            os.fchdir(directory)
        refused = _be(owner, limits, None if keep is None else {writer, *keep})
        _be_alone(control, parent)
        _answer(work if refused is None else refused, writer)

    return answers.understood(_forked(answer, limits))


def _forked(answer: Callable[[int], None], limits: OwnerLimits) -> bytes:
    """What `answer` wrote in a child, given its end of a pipe. Raises LimitReached and ChildDied."""
    reader, writer = os.pipe()
    grace_s = _GRACE_S if limits.file_size and not limits.finishes else 0.0
    deadline = time.monotonic() + limits.wall_s - grace_s
    with SignalsHeld() as held:
        child = os.fork()
        if child == 0:
            try:
                answer(writer)
            finally:
                # Nothing of what the parent does goes on here, whatever was raised.
                os._exit(1)
        try:
            os.close(writer)
            held.release()
            text = _read(reader, child, deadline, limits.answer)
            status = None if text else _status_of(child)
        finally:
            os.close(reader)
            _end(child, grace_s)
    if not text:
        raise _death(status)
    return text


def _load_encodings() -> None:
    """Python looks encodings up in files of ours, which the child may not be able to read."""
    for name in _ENCODINGS:
        codecs.lookup(name)


def _process_control() -> Callable[[int, int], object]:
    """Linux's prctl with two numbers; elsewhere what does nothing. Loaded here, not in the child's limits."""
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return lambda option, value: None
    return lambda option, value: prctl(option, *map(ctypes.c_ulong, (value, 0, 0, 0)))


# --- in the child


def _be(owner: Owner | None, limits: OwnerLimits, keep: set[int] | None) -> Callable[[], NoReturn] | None:
    """This process, the child, is the owner's, within the limits, with nothing open but `keep`.

    Where the system does not let it be the owner's, what raises that is returned, to be done instead of work.
    """
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN if limits.finishes else _stop)
    os.setsid()
    if keep is not None:
        _close_all_but(keep)
    _limit(limits)
    if owner is not None:
        try:
            os.setgroups(owner.groups)
            os.setgid(owner.gid)
            os.setuid(owner.uid)
        except OSError as error:
            return partial(_cannot_be, owner, error.strerror or str(error))
    os.umask(0o077)
    return None


def _cannot_be(owner: Owner, why: str) -> NoReturn:
    raise NotPermitted(
        "owner-not-in-reach", f"this process cannot act as uid {owner.uid}, who owns files here: {why}"
    )


def _be_alone(control: Callable[[int, int], object], parent: int) -> None:
    """Nobody traces what has a copy of our memory; nothing it starts becomes root; it ends with `parent`."""
    control(_PR_SET_DUMPABLE, 0)
    control(_PR_SET_NO_NEW_PRIVS, 1)
    control(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _stop(_number: int, _frame: object) -> NoReturn:
    # So that a program that runs in a session of its own is ended, too.
    raise SystemExit


def _close_all_but(keep: set[int]) -> None:
    open_now: set[int] = set()
    with contextlib.suppress(OSError):
        open_now = {int(name) for name in os.listdir("/dev/fd") if name.isdigit()}
    if not keep <= open_now:
        # There is no such directory here, or one that does not tell.
        open_now = set(range(1024))
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        if number not in keep:
            os.dup2(nothing, number)
    for number in open_now:
        if number > 2 and number not in keep:
            with contextlib.suppress(OSError):
                os.close(number)


def _limit(limits: OwnerLimits) -> None:
    wanted = {
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CORE": 0,
    }
    ours = _address_space()
    if ours is not None:
        wanted["RLIMIT_AS"] = ours + limits.memory
    else:
        # Where nothing tells what this process has mapped, what it has as data is limited.
        wanted["RLIMIT_DATA"] = _INTERPRETER + limits.memory
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        _, hard = resource.getrlimit(number)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # At the hard limit of CPU time the signal is one that anybody could have sent.
        most = least + 1 if name == "RLIMIT_CPU" and least != hard else least
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (least, most))


_INTERPRETER = 192 << 20
"""Bytes of data that Python with everything this program loads stays below."""


def _address_space() -> int | None:
    """Bytes that this process has mapped now, None where the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _answer(work: Callable[[], object], writer: int) -> None:
    for part in answers.answer_of(work):
        rest = memoryview(part)
        while rest:
            rest = rest[os.write(writer, rest) :]


# --- in the parent


def _read(reader: int, child: int, deadline: float, most: int) -> bytes:
    """What the child said until its end. Raises LimitReached, and ChildDied when somebody stopped it."""
    parts: list[bytes] = []
    size = 0
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise LimitReached("time")
        ready, _, _ = select.select([reader], [], [], min(left_s, _LOOK_S))
        if not ready:
            # Looked at once more: what it said last may have come between the wait and its end.
            if _rests(child) and not select.select([reader], [], [], 0)[0]:
                break
            continue
        part = os.read(reader, _CHUNK)
        if not part:
            break
        parts.append(part)
        size += len(part)
        if size > most:
            raise LimitReached("what it has to tell")
    return b"".join(parts)


def _rests(child: int) -> bool:
    """Whether the child has ended, its pipe held open by others, or was stopped. Raises ChildDied then."""
    if not hasattr(os, "waitid"):
        return False
    seen = os.waitid(os.P_PID, child, os.WEXITED | os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
    if seen is not None and seen.si_code == os.CLD_STOPPED:
        # Whoever did so could keep us for as long as we wait.
        raise ChildDied("it was stopped")
    return seen is not None


def _status_of(child: int) -> int | None:
    """The number of the signal that ended the child, negative; or its status; None when nobody can tell."""
    seen = _wait(child, _REAP_LIMIT_S)
    if seen is None:
        return None
    return seen.si_status if seen.si_code == os.CLD_EXITED else -seen.si_status


def _wait(child: int, limit_s: float) -> os.waitid_result | None:
    """How the child ended, None when it did not within that time. Its number and its group's stay taken."""
    end = time.monotonic() + limit_s
    while hasattr(os, "waitid") and time.monotonic() < end:
        seen = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if seen is not None:
            return seen
        time.sleep(0.002)
    return None


def _end(child: int, grace_s: float) -> None:
    """The child and its group are gone, or do not even die: what holds them shall not hold us.

    In `grace_s` it can end a program that it runs.
    """
    # At the first signal it asks the program to end, at the second it ends it.
    for _ in range(2) if grace_s else ():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGTERM)
        if _wait(child, grace_s / 2) is not None:
            break
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child, signal.SIGKILL)
    end = time.monotonic() + _REAP_LIMIT_S
    while os.waitpid(child, os.WNOHANG) == (0, 0) and time.monotonic() < end:
        time.sleep(0.001)


_BY_LIMIT = {getattr(signal, "SIGXCPU", None): "CPU time", getattr(signal, "SIGXFSZ", None): "file size"}


def _death(status: int | None) -> LimitReached | ChildDied:
    if status is not None and -status in _BY_LIMIT:
        return LimitReached(_BY_LIMIT[signal.Signals(-status)])
    return ChildDied("nobody knows how" if status is None else f"status {status}")
