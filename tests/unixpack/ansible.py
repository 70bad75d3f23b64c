"""The controller of the Ansible tests: its programs, and the collection as installed from its archive."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.unixpack.places import alone

from dsmpack.places import TOP

LIMIT_S = 900
SOURCE = TOP / "packaging/ansible"


@dataclass(frozen=True, slots=True)
class Controller:
    """Ansible with a home of its own, which has the collection and nothing else."""

    programs: Path
    home: Path

    @property
    def collection(self) -> Path:
        """The installed collection."""
        return self.home / "collections/ansible_collections/dsmcertfix/storage_protect"

    def run(
        self, program: str, *words: str | Path, cwd: Path | None = None, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """The program has ended, whatever it said."""
        environment = {
            "PATH": f"{self.programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(self.home / "collections"),
            "ANSIBLE_HOME": str(self.home / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
            # What stands for sudo is run even where the controller is root already.
            "ANSIBLE_BECOME_ALLOW_SAME_USER": "1",
            # Wherever pip fetches from on this machine; the rest of the environment stays outside.
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT_"))},
            **settings,
        }
        return subprocess.run(
            [str(self.programs / program), *map(str, words)],
            cwd=cwd or self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )


def controller(home: Path, *, oldest: Path | None = None) -> Controller:
    """Ansible is there, and the collection is built and installed below `home`, without any network.

    With a Python 3.10 as `oldest` it is the oldest Ansible that the collection serves.
    """
    tools = (
        "ansible-oldest-environment ansible-core"
        if oldest
        else "ansible-environment ansible-core ansible-lint"
    )
    script = f'. scripts/environment.sh; tools {tools} >&2; echo "$python"'
    with alone("ansible"):
        python = subprocess.run(
            ["bash", "-c", f"set -e -- scripts; cd '{TOP}'; {script}"],
            env={**os.environ, "DSMCERTFIX_PYTHON": str(oldest)} if oldest else None,
            stdout=subprocess.PIPE,
            text=True,
            timeout=LIMIT_S,
            check=True,
        ).stdout.strip()
    made = Controller(Path(python).parent, home)
    for words in (
        ("collection", "build", str(SOURCE), "--output-path", str(home)),
        (
            "collection",
            "install",
            "--offline",
            "-p",
            str(home / "collections"),
            "dsmcertfix-storage_protect-*",
        ),
    ):
        expanded = [str(*home.glob(word)) if "*" in word else word for word in words]
        done = made.run("ansible-galaxy", *expanded)
        assert done.returncode == 0, done.stdout + done.stderr
    return made


def recap(said: str) -> Mapping[str, Mapping[str, int]]:
    """What `PLAY RECAP` counts for each host."""
    lines = re.findall(r"^(\S+)\s+: (ok=.*)$", said.rpartition("PLAY RECAP")[2], re.MULTILINE)
    return {
        host: {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", counts)}
        for host, counts in lines
    }
