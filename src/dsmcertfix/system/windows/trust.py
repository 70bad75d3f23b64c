"""Windows: whether a program may be run with our rights: only the system and administrators may change it.

Besides the program, its directory counts: a library that lies beside a program is loaded before the system's.
"""

from __future__ import annotations

import os
from pathlib import Path

from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.system.win32 import files, security
from dsmcertfix.system.windows import who as windows_who
from dsmcertfix.wording import quoted


def require_trusted(program: Path) -> Path:
    """`program`, a path without links, if nobody but the system, administrators and we can change it.

    Nor any directory above it, nor what lies beside it. Raises NotFound when there is nothing, NotPermitted
    with the path and the reason.
    """
    for place in (*reversed(program.parents), program):
        # Whoever may add something to a directory further up takes nothing away there.
        mask = windows_who.FILL if place == program.parent else windows_who.EXCHANGE
        if place == program:
            mask = windows_who.WRITE
        elif place == place.parent:
            mask &= ~files.DELETE
        _require(place, program, mask)
    return program


def is_closed(directory: Path) -> bool:
    """Whether nobody but the system, administrators and we can put a library into that directory."""
    try:
        require_trusted(directory / "any.dll")
    except NotFound:
        return True
    except (NotPermitted, OSError):
        return False
    return True


def has_closed_libraries(directory: Path) -> bool:
    """Whether nobody else can put a library into that directory, or change what lies in it and below."""
    if not is_closed(directory):
        return False
    try:
        for parent, directories, files_there in os.walk(directory, onerror=_fail):
            for name in directories:
                _require(Path(parent, name), Path(parent, name, "any.dll"), windows_who.FILL)
            for name in files_there:
                _require(Path(parent, name), Path(parent, name), windows_who.WRITE)
    except (NotFound, NotPermitted, OSError):
        return False
    return True


def _fail(error: OSError) -> None:
    raise error


def _require(place: Path, program: Path, mask: int) -> None:
    try:
        with files.holding(str(place), files.READ_ATTRIBUTES | files.READ_CONTROL) as handle:
            found, descriptor = files.information(handle), security.descriptor_of(handle)
    except (FileNotFoundError, NotADirectoryError) as error:
        where = "" if place == program else f" ({place} does not exist)"
        raise NotFound("program-not-found", f"{program} does not exist{where}") from error
    except OSError as error:
        raise NotPermitted(
            "program-not-trusted", f"{program} cannot be checked: {place}: {error.strerror}"
        ) from error
    if found.attributes & files.REPARSE_POINT:
        raise NotPermitted("program-not-trusted", f"{place} is a link")
    if found.is_directory == (place == program):
        raise NotPermitted("program-not-trusted", f"{program} is not a file")
    if not windows_who.is_ours(descriptor.owner):
        raise _refused(place, f"it belongs to {windows_who.name(descriptor.owner)}")
    others = windows_who.others(descriptor, mask)
    if others:
        raise _refused(place, f"{', '.join(others)} may write to it")


def _refused(place: Path, reason: str) -> NotPermitted:
    return NotPermitted(
        "program-not-trusted",
        f"{place} can be changed by others than administrators: {reason}",
        hint=f"`icacls {quoted(place)}` shows who may; take that right away if it is not as it should be",
    )
