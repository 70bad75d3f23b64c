"""Whether a program may be run with our rights: only root (or we ourselves) may be able to change it.

A program that somebody else can replace, or whose directory somebody else can rename, would run as root.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.system.unix.private import trusted_owners
from dsmcertfix.wording import quoted

_MOST_LINKS = 40


def require_trusted(program: Path, *, below: Path = Path("/")) -> Path:
    """`program` without symbolic links, where it and every directory above it can be changed by root only.

    The path that is returned is the one to run: the name may lead elsewhere by then. Our own user counts as
    root when we are not root, on AIX so does `bin`, who owns the system's programs. A sticky directory
    (/tmp) may be writable, because nobody can take away there what is not theirs. With `below`, the root
    directory of the machine looked at, absolute links lead below it; what is above it is checked too.

    Raises NotFound when there is nothing, NotPermitted with the path, the reason and the command that cures.
    """
    place, status = _walk(program, Path(os.path.realpath(below)))
    if not stat.S_ISREG(status.st_mode):
        raise NotPermitted("program-not-trusted", f"{program} is not a file")
    return place


def require_closed(directory: Path, *, below: Path = Path("/")) -> Path:
    """`directory` without symbolic links, if a program that is run with our rights may take libraries there.

    Nobody but root can put anything into it (sticky or not), or change what lies in it; links in it are
    followed. Raises as `require_trusted` does.
    """
    root = Path(os.path.realpath(below))
    place, status = _walk(directory, root)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _refused(place, "others may add to it", f"chmod go-w {quoted(place)}")
    try:
        names = os.listdir(place)
    except OSError as error:
        raise NotPermitted("program-not-trusted", f"{place} cannot be checked: {error.strerror}") from error
    for name in names:
        _walk(place / name, root)
    return place


def _walk(program: Path, root: Path) -> tuple[Path, os.stat_result]:
    """Where `program` is and what it is, after a check of everything on the way there."""
    trusted, links, current = trusted_owners(), 0, Path("/")
    _check(current, _look(current, program), trusted)
    parts = list(reversed(Path(os.path.abspath(program)).parts[1:]))
    while parts:
        part = parts.pop()
        if part == "..":
            current = current if current == root else current.parent
            continue
        path = current / part
        status = _look(path, program)
        if not stat.S_ISLNK(status.st_mode):
            _check(path, status, trusted)
            current = path
            continue
        links += 1
        _check_owner(path, status, trusted)
        target = _link(path, links)
        parts.extend(reversed([name for name in target.parts if name != "/"]))
        if target.is_absolute():
            current = root if current.is_relative_to(root) else Path("/")
    return current, _look(current, program)


def _look(path: Path, program: Path) -> os.stat_result:
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        where = "" if path == program else f" ({path} does not exist)"
        raise NotFound("program-not-found", f"{program} does not exist{where}") from error
    except OSError as error:
        raise NotPermitted(
            "program-not-trusted", f"{program} cannot be checked: {path}: {error.strerror}"
        ) from error


def _link(path: Path, links: int) -> Path:
    if links > _MOST_LINKS:
        raise NotPermitted("program-not-trusted", f"{path} leads through too many symbolic links")
    return Path(os.readlink(path))


def _check(path: Path, status: os.stat_result, trusted: frozenset[int]) -> None:
    _check_owner(path, status, trusted)
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not sticky:
        whose = "everyone" if status.st_mode & stat.S_IWOTH else f"group {status.st_gid}"
        raise _refused(path, f"{whose} may write to it", f"chmod go-w {quoted(path)}")


def _check_owner(path: Path, status: os.stat_result, trusted: frozenset[int]) -> None:
    if status.st_uid not in trusted:
        change = "chown -h root"
        raise _refused(path, f"it belongs to uid {status.st_uid}", f"{change} {quoted(path)}")


def _refused(path: Path, reason: str, cure: str) -> NotPermitted:
    return NotPermitted(
        "program-not-trusted",
        f"{path} can be changed by others than root: {reason}",
        hint=f"if that is not as it should be: {cure}",
    )
