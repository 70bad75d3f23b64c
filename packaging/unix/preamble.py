"""What runs first in dsmcertfix.pyz, before PEX: may this Python run it, and where may it be unpacked?

Owns the cache directory. Root's is below /var/cache, never below a HOME that `sudo` or `su` kept from
somebody else; whoever could write there could run code as root. Nothing of the environment can make PEX run
other code. Understood by every Python 3.6 and newer, so that an old one is told and not tripped.
"""

import os
import stat
import sys

_PYTHONS = ((3, 10), (3, 13))
_MACHINES = ("x86_64", "aarch64")
_GLIBC = (2, 17)
_OUR_VARIABLE = "DSMCERTFIX_CACHE"
_NOT_PERMITTED, _NO_ROOM, _CANNOT_RUN = 12, 14, 127


def _end(code: int, message: str, hint: str) -> None:
    sys.stderr.write(f"dsmcertfix.pyz: {message}\nhint: {hint}\nstate: Nothing was changed.\n")
    sys.stderr.flush()
    os._exit(code)


def _require_a_fitting_machine() -> None:
    """This Python and this machine are among those whose libraries are in the file; else the process ends."""
    version, machine = sys.version_info[:2], os.uname().machine
    if not _PYTHONS[0] <= version <= _PYTHONS[1] or sys.implementation.name != "cpython":
        found = f"{sys.implementation.name} {version[0]}.{version[1]}"
        _end(_CANNOT_RUN, f"{sys.executable} is {found}", "Python 3.10 to 3.13 (CPython) can run this file")
    try:
        name, number = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        glibc = tuple(int(part) for part in number.split(".")[:2])
    except (ValueError, OSError):
        name, glibc = "", (0, 0)
    if machine not in _MACHINES or name != "glibc" or glibc < _GLIBC:
        _end(
            _CANNOT_RUN,
            f"there are no libraries in this file for {sys.platform} on {machine} with {name or 'no glibc'}",
            "Linux on x86-64 or aarch64 with glibc 2.17 or newer; elsewhere install from the source",
        )


def _wanted() -> str:
    """Where the file is to be unpacked."""
    given = os.environ.get(_OUR_VARIABLE)
    if given:
        return os.path.abspath(given)
    if os.geteuid() == 0:
        return "/var/cache/dsmcertfix"
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.path.abspath(base), "dsmcertfix")


def _above(path: str) -> "list[str]":
    """The path and every directory above it."""
    found = [path]
    while found[-1] != os.path.dirname(found[-1]):
        found.append(os.path.dirname(found[-1]))
    return found


def _why_not(path: str) -> str:
    """Why somebody else could exchange what is at `path`, or above it; empty when nobody could."""
    us = os.geteuid()
    if os.lstat(path).st_uid != us:
        return "it is not ours"
    for place in _above(path) + _above(os.path.realpath(path)):
        info = os.lstat(place)
        if info.st_uid not in (0, us):
            return f"{place} belongs to uid {info.st_uid}"
        # A group of one's own (umask 002) is nobody else.
        others = stat.S_IWOTH | (0 if us and info.st_gid == os.getegid() else stat.S_IWGRP)
        if stat.S_ISDIR(info.st_mode) and info.st_mode & others and not info.st_mode & stat.S_ISVTX:
            return f"others may write into {place}"
    return ""


def _cache() -> str:
    """The directory to unpack into: ours, closed, and executable; else the process ends."""
    path = _wanted()
    hint = f"name another directory, which only you can write: {_OUR_VARIABLE}=DIR"
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        why = _why_not(path)
        if not why and os.statvfs(path).f_flag & os.ST_NOEXEC:
            why = "its file system is mounted noexec"
    except OSError as error:
        why = str(error.strerror)
    if why:
        _end(_NOT_PERMITTED, f"cannot unpack into {path}: {why}", hint)
    return path


def _tell_what_failed(kind: type, error: BaseException, _traceback: object) -> None:
    """The last word on an error of the unpacking: no traceback, a code of ours."""
    denied = isinstance(error, PermissionError)
    _end(
        _NOT_PERMITTED if denied else _NO_ROOM,
        f"cannot unpack into {os.environ['PEX_ROOT']}: {kind.__name__}: {error}",
        f"make room there, or name another directory: {_OUR_VARIABLE}=DIR",
    )


if __name__ == "__main__":
    _require_a_fitting_machine()
    if os.path.isfile(sys.argv[0]):
        # The first of PEX's own two stages: what the second reads was not set by us yet.
        for _name in [name for name in os.environ if name.startswith(("PEX_", "__PEX_"))]:
            del os.environ[_name]
        os.umask(0o077)
        os.environ["PEX_ROOT"] = _cache()
        os.environ["PEX_IGNORE_RCFILES"] = "1"
    sys.excepthook = _tell_what_failed
