"""ACLs by the system's own programs, where Python has no calls for them: AIX, Solaris, macOS.

AIX's `aclget` and `aclput` read and set those of both its kinds (AIXC, NFS4). Elsewhere `ls` tells only
whether there is one, and a file that has one is refused, since it would be lost. A program works in the
file's open directory and is given its bare name: a path exchanged meanwhile leads it nowhere else.
"""

from __future__ import annotations

import errno
import os
import re

from dsmcertfix import budgets
from dsmcertfix.errors import BackupFailed, NotFound
from dsmcertfix.system.process.output import Completed
from dsmcertfix.system.process.run import clean_environment, run
from dsmcertfix.system.unix.opened import Opened
from dsmcertfix.wording import quoted

NAME = "system.aix_acl"
"""What stands for the ACL among the attributes that a backup keeps; its value is what `aclget` prints."""

ACLGET, ACLPUT = "/usr/bin/aclget", "/usr/bin/aclput"
LS = ("/usr/bin/ls", "/bin/ls")
_LIMIT_S = 20.0
# `ls -le` of AIX ends the mode with - or +, that of Solaris with a blank or +; macOS lists an ACL's entries
# below the line, and has @ for attributes of other kinds.
_NO_ACL = re.compile(r"\S{10}[-.@]?\s[^\n]*\n?\Z")
_NONE_AIXC = re.compile(
    r"\bACL_type\s+AIXC\b.*^\s*extended permissions\s+disabled\s*\Z", re.DOTALL | re.MULTILINE
)
"""What aclget prints of a file with nothing but its mode (AIX 7.2, "AIXC access control list type")."""


def attributes(file: Opened) -> tuple[tuple[str, bytes], ...]:
    """The ACL of the file, as one attribute; nothing where it has none besides its mode.

    Raises BackupFailed for one that could not be put on another file, and where nothing tells whether there
    is one.
    """
    text = _text(file)
    if text is not None:
        if _NONE_AIXC.search(text):
            return ()
        if os.path.lexists(ACLPUT) and len(text.encode()) <= budgets.ACL.cap:
            return ((NAME, text.encode()),)
        raise _not_kept(file)
    listed = _listed(file)
    if listed is None:
        raise BackupFailed(
            "acl-not-seen",
            f"nothing here tells whether `{file.path}` has an ACL, which would be lost",
            context=(f"asked: {ACLGET}, {', '.join(f'{program} -lde' for program in LS)}",),
            hint="Run it where the system's own programs are; or repair this store with IBM's programs.",
        )
    if not _NO_ACL.match(listed):
        raise _not_kept(file)
    return ()


def put(file: Opened, value: bytes) -> None:
    """The file has the ACL that `attributes` gave. Raises OSError where just that cannot be set."""
    try:
        ended = _run(file, ACLPUT, stdin=value)
    except NotFound as error:
        raise OSError(errno.ENOTSUP, error.message, str(file.path)) from error
    if ended.returncode != 0 or _text(file) != value.decode():
        said = next(iter(ended.tail(1)), f"it ended with {ended.returncode}")
        raise OSError(errno.EPERM, f"its ACL could not be set by {ACLPUT}: {said}", str(file.path))


def remove(file: Opened, mode: int) -> None:
    """The file has no ACL besides that mode. Raises OSError where a mode does not take it away (NFS4)."""
    os.fchmod(file.handle, mode)
    text = _text(file)
    if text is not None and not _NONE_AIXC.search(text):
        raise OSError(errno.EPERM, "its ACL could not be taken away", str(file.path))


def _text(file: Opened) -> str | None:
    """What aclget prints; None where there is none, or it fails: not every file system has ACLs."""
    try:
        ended = _run(file, ACLGET)
    except NotFound:
        return None
    return ended.stdout if ended.returncode == 0 and ended.stdout and not ended.truncated else None


def _listed(file: Opened) -> str | None:
    """What `ls` lists; None where it fails. Where it has no -e, -l alone marks ACLs (POSIX)."""
    for program in LS:
        try:
            ended = (_run(file, program, options) for options in ("-lde", "-ld"))
            return next((one.stdout for one in ended if one.returncode == 0), None)
        except NotFound:
            continue
    return None


def _run(file: Opened, program: str, *options: str, stdin: bytes | None = None) -> Completed:
    words = (program, *options, file.path.name)
    return run(words, env=clean_environment(), timeout_s=_LIMIT_S, cwd=file.directory, stdin=stdin)


def _not_kept(file: Opened) -> BackupFailed:
    return BackupFailed(
        "acl-not-kept",
        f"`{file.path}` has an ACL, and nothing here can put it on the file that takes its place",
        hint=f"Write it down (`ls -le {quoted(file.path)}`), take it away, run this again, and set it again.",
    )
