"""`systemctl`, played: start, stop and show, for the units of an endpoint that `Instance.add_unit` made."""

from __future__ import annotations

import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

UNITS = Path("etc/systemd/system")
ACTIVE = Path("run/dsmbench-active")


def main() -> int:
    """The command line; returns its exit code."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--bench-root", type=Path, required=True)
    given, words = parser.parse_known_args()
    root: Path = given.bench_root
    verb, unit = words[0], words[-1]
    file, mark = root / UNITS / unit, root / ACTIVE / unit
    if verb == "show":
        print(f"FragmentPath={file if file.exists() else ''}\nActiveState={_state(mark)}\nSourcePath=")
        return 0
    if not file.exists():
        sys.stderr.write(f"Failed to {verb} {unit}: Unit {unit} not found.\n")
        return 5
    if verb == "stop" and not mark.exists():
        return 0
    setting = {"start": "ExecStart", "stop": "ExecStop"}[verb]
    lines = file.read_text(encoding="utf-8").splitlines()
    command = next(line.partition("=")[2] for line in lines if line.startswith(f"{setting}="))
    program, *rest = shlex.split(command)
    done = subprocess.run([str(root / program.lstrip("/")), *rest], check=False)
    if done.returncode == 0:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch() if verb == "start" else mark.unlink()
    return done.returncode


def _state(mark: Path) -> str:
    return "active" if mark.exists() else "inactive"


if __name__ == "__main__":
    sys.exit(main())
