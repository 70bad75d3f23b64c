"""Machines made of namespaces: a program sees other directories in places of this machine, or another root.

Nothing is mounted where anybody else sees it, and nothing outlives the program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shlex import quote

from tests.shown import not_shown


@dataclass(frozen=True, slots=True)
class View:
    """What a program sees: `binds` are places and the directories that stand there; `empty` are empty places.

    With `root` that directory is its root. Without `network` not even loopback is up. `options` are words for
    `mount` of the empty places, `more` lines of shell that mount the rest. With `users` it is root of a user
    namespace in which there is nobody else.
    """

    binds: Mapping[str, Path] = field(default_factory=dict)
    empty: Sequence[str] = ()
    root: Path | None = None
    host_name: str = ""
    network: bool = True
    options: str = "mode=755"
    more: Sequence[str] = ()
    users: bool = False

    def argv(self, *words: str | Path, **environment: str) -> list[str]:
        """The command line that runs the program so, with that environment and nothing else in it."""
        script = "\n".join(["set -e", *self._lines(), 'exec "$@"'])
        alone = ["--user", "--map-root-user"] if self.users else []
        apart = [*alone, "--mount", "--uts", *([] if self.network else ["--net"])]
        into = ["/usr/sbin/chroot", str(self.root)] if self.root else []
        settings = [f"{name}={value}" for name, value in environment.items()]
        clean = [*into, "/usr/bin/env", "-i", *settings, *map(str, words)]
        return ["/usr/bin/unshare", *apart, "/bin/sh", "-c", script, "sh", *clean]

    def _lines(self) -> list[str]:
        below = str(self.root or "")
        lines = [f"hostname {quote(self.host_name)}"] if self.host_name else []
        for place in self.empty:
            lines.append(f"mount -t tmpfs -o {quote(self.options)} none {quote(below + place)}")
        for place, source in self.binds.items():
            lines.append(f"mount --bind {quote(str(source))} {quote(below + place)}")
        lines += self.more
        if self.root:
            lines += [
                f"mount -t proc none {quote(below + '/proc')}",
                f"mount --rbind /dev {quote(below + '/dev')}",
            ]
        return lines


@cache
def _work() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    argv = View(empty=("/var/cache",), host_name="elsewhere").argv("/bin/true")
    return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def require() -> None:
    """This process can make namespaces; else the test is listed as not shown."""
    if not _work():
        not_shown("only root, where mount namespaces can be made, can give a program another machine to see")
