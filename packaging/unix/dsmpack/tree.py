"""What a package installs, as a tree of files: the same for deb and rpm but for the places of a few."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dsmpack import onedir, pages
from dsmpack.archive import gz, set_times
from dsmpack.places import NAME, TOP, UNIX

MAINTAINER = "dsmcertfix authors <dsmcertfix@example.invalid>"
"""Whoever builds for others puts an address of their own here."""
SUMMARY = "repairs the trust of IBM Storage Protect clients in their servers"
DESCRIPTION = (
    "After a server's certificate was renewed, finds every dsmcert.kdb on the\n"
    "machine, backs it up, takes out only the affected certificate, lets the\n"
    "client fetch the new one, proves it, and puts everything back otherwise."
)


UNITS = (f"{NAME}-detect.service", f"{NAME}-detect.timer")
"""The daily look, which is off until an administrator enables it: no script of a package does."""


def make(root: Path, *, zsh: str, licences: str) -> None:
    """Everything is below `root`; `zsh` and `licences` are the places that differ."""
    share = root / "usr/share"
    shutil.copytree(onedir.program(), root / "opt" / NAME, symlinks=True)
    (root / "usr/bin").mkdir(parents=True)
    (root / "usr/bin" / NAME).symlink_to(f"/opt/{NAME}/{NAME}")
    made = pages.texts()
    for place, content in {
        share / f"man/man1/{NAME}.1.gz": gz(made.manual.encode()),
        share / f"bash-completion/completions/{NAME}": made.bash.encode(),
        share / zsh: made.zsh.encode(),
        share / f"fish/vendor_completions.d/{NAME}.fish": made.fish.encode(),
        share / f"doc/{NAME}/changelog.gz": gz((TOP / "CHANGELOG.md").read_bytes()),
        share / licences: (TOP / "LICENSE").read_bytes(),
        root / f"usr/lib/tmpfiles.d/{NAME}.conf": (UNIX / "package/tmpfiles.conf").read_bytes(),
        **{root / f"usr/lib/systemd/system/{unit}": (UNIX / "package" / unit).read_bytes() for unit in UNITS},
    }.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for path in root.rglob("*"):
        if not path.is_symlink():
            program = path.stat().st_mode & 0o100 and ".so" not in path.name
            path.chmod(0o755 if path.is_dir() or program else 0o644)
    set_times(root)


def homepage() -> str:
    """The project's address as pyproject.toml has it; scripts/release.sh puts the real one in."""
    text = (TOP / "pyproject.toml").read_text(encoding="utf-8")
    (found,) = re.findall(r'^Homepage = "([^"]+)"', text, re.MULTILINE)
    return str(found)


def state_directory_script() -> str:
    """The lines of shell that make the state directory after an installation."""
    return (UNIX / "package/make-state-directory.sh").read_text(encoding="utf-8")
