"""The running processes that loaded IBM's API, or are IBM's client: they keep what they read of a store.

Known by the files that they have mapped, on Linux from /proc/PID/maps; where that cannot be seen, by name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dsmcertfix import NamedTuple
from dsmcertfix.errors import NotFound
from dsmcertfix.system import processes

if TYPE_CHECKING:
    import psutil

_API = re.compile(r"(?:lib)?Api(?:TSM|DS)(?:64)?\.(?:so|a|dylib)\b|(?:tsmapi(?:64)?|dsmapi\w*)\.dll\Z", re.I)
_PROGRAMS = frozenset(("dsmc", "dsmcad", "dsmj", "dsmagent", "dsmcsvc", "dsmwebcl"))
_MAPS_LIMIT = 8 << 20


class Holder(NamedTuple):
    """A process, and the file of IBM's that it has open, or its own name."""

    pid: int
    name: str
    user: str
    library: str


def holders(before: float, root: Path = Path("/")) -> tuple[Holder, ...]:
    """The processes that began before that time (in seconds since 1970), but for this one.

    With another root those whose file lies below it.
    """
    psutil = processes.library()
    found = []
    try:
        numbers = process_ids()
    except NotFound:
        return ()
    for pid in numbers:
        try:
            process = psutil.Process(pid)
            name, began = process.name(), process.create_time()
        except (psutil.Error, OSError):
            continue
        if pid == os.getpid() or began >= before:
            continue
        library = next(_ibm_files(pid, root), None)
        if library is None and str(root) == "/" and name.lower().removesuffix(".exe") in _PROGRAMS:
            library = name
        if library is not None:
            found.append(Holder(pid, name, _user_of(process), library))
    return tuple(found)


def process_ids() -> list[int]:
    """The running processes. Raises NotFound where the system does not tell of any (no /proc)."""
    try:
        return list(processes.library().pids())
    except (IndexError, OSError) as error:
        raise NotFound("processes-not-seen", "no processes can be seen here") from error


def _user_of(process: psutil.Process) -> str:
    """Whose the process is; empty where the system does not tell."""
    try:
        return str(process.username())
    except (processes.library().Error, OSError, KeyError):
        return ""


def _ibm_files(pid: int, root: Path) -> Iterator[str]:
    """The mapped files of the process that are IBM's API; nothing where the system does not tell."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
            lines = file.read(_MAPS_LIMIT).splitlines()
    except OSError:
        return
    for line in lines:
        path = line.split(None, 5)[-1]
        if path.startswith("/") and _API.search(os.path.basename(path)) and Path(path).is_relative_to(root):
            yield path
