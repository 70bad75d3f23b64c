"""Where a client is started: it writes dsmerror.log there, unless ERRORLOGNAME or DSM_LOG is set."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from dsmcertfix.model import Owner
from dsmcertfix.system.unix.handles import passing


@contextlib.contextmanager
def starting_place(owner: Owner, program: Path) -> Iterator[Path]:
    """The owner's home, or the root directory where that is not theirs; on Windows the program's directory.

    The directory is changed before the rights are: so it is named by an open handle of what is the owner's
    own, where the system can, since the path may lead elsewhere by then.
    """
    if os.name == "nt":
        # Only administrators can put something into it, and it is where the client's log is looked for.
        yield program.parent
        return
    with contextlib.ExitStack() as stack:
        try:
            home = Path(os.path.realpath(owner.home or "/"))
            handle, way = stack.enter_context(passing(home))
        except OSError:
            yield Path("/")
            return
        theirs = way[-1].st_uid == owner.uid
        held = Path(f"/proc/self/fd/{handle}")
        yield (held if held.is_dir() else home) if theirs else Path("/")
