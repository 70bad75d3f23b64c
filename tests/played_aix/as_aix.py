"""A played AIX, on Linux: runs dsmcertfix, or a script, in a Python that lacks what that of AIX lacks.

    python as_aix.py ROOT ARGUMENTS…
    python as_aix.py ROOT SCRIPT.py ARGUMENTS…

Taken away: extended attributes, getgrouplist, O_PATH, posix_fallocate, psutil, and /proc as Linux has it. A
directory, and whatever else is not open for writing, cannot be synced (EBADF). A mode that is set by fchmod
takes away an ACL. The system's programs aclget, aclput, lssrc, mount, … are those of ROOT, where it has them:
played ones (programs/). Everything else is this machine's: the file system, users, processes, `ps`.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

PLACES = ("/usr/bin/", "/usr/sbin/")
"""Where the played programs lie below ROOT, and are taken from there."""
MISSING = ("getgrouplist", "listxattr", "getxattr", "setxattr", "removexattr", "O_PATH", "posix_fallocate")
LOOKING = ("stat", "lstat", "open", "listdir", "scandir", "readlink", "access")
ACL = "user.played-acl"
"""The attribute in which the played aclput keeps an ACL."""

_fsync, _fchmod, _removexattr = os.fsync, os.fchmod, os.removexattr


def play(root: Path) -> None:
    """From now on this Python is that of a played AIX whose programs lie below `root`."""
    for name in MISSING:
        delattr(os, name)
    sys.modules["psutil"] = None  # type: ignore[assignment]
    os.fsync, os.fchmod = fsync, fchmod  # type: ignore[assignment]
    for name in LOOKING:
        setattr(os, name, looking(getattr(os, name), root))
    builtins.open = io.open = looking(io.open, root)
    subprocess.Popen = _popen(root)  # type: ignore[misc]
    sys.platform = "aix"


def fsync(handle: Any) -> None:
    """As AIX has it: only what is open for writing can be synced."""
    number = handle if isinstance(handle, int) else handle.fileno()
    if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    _fsync(number)


def fchmod(handle: int, mode: int) -> None:
    """As AIX has it: a mode in octal disables extended permissions (chmod, AIX 7.2)."""
    _fchmod(handle, mode)
    with suppress(OSError):
        _removexattr(handle, ACL)


def looking(real: Callable[..., Any], root: Path) -> Any:
    """The call, for which /proc has nothing, and the played programs are where the system's are."""

    def looked(path: Any = ".", *arguments: Any, **named: Any) -> Any:
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if text.startswith("/proc/") or text == "/proc":
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)
        return real(placed(text, root) if text.startswith(PLACES) else path, *arguments, **named)

    return looked


def placed(path: str, root: Path) -> str:
    """Where that program of the system lies."""
    played = f"{root}{path}"
    return (
        played if path.startswith(PLACES) and not path.startswith(f"{root}/") and _is_there(played) else path
    )


_lstat = os.lstat


def _is_there(path: str) -> bool:
    try:
        return bool(_lstat(path))
    except OSError:
        return False


def _popen(root: Path) -> Any:
    class Popen(subprocess.Popen[Any]):
        """Starts the played programs in place of the system's."""

        def __init__(self, args: Any, **options: Any):
            words = [placed(str(args[0]), root), *args[1:]] if isinstance(args, list | tuple) else args
            super().__init__(words, **options)

    return Popen


if __name__ == "__main__":
    play(Path(sys.argv[1]))
    del sys.argv[1]
    if sys.argv[1:] and sys.argv[1].endswith(".py"):
        del sys.argv[0]
        runpy.run_path(sys.argv[0], run_name="__main__")
    else:
        runpy.run_module("dsmcertfix", run_name="__main__", alter_sys=True)
