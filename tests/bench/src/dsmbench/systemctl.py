"""`systemctl`, played: show, start, stop and try-restart, for the units of an endpoint.

A forking unit is started and stopped by its commands; what a simple one starts is its process.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
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
    verb, unit = next(word for word in words if not word.startswith("-")), words[-1]
    file, mark = root / UNITS / unit, root / ACTIVE / unit
    if verb == "show":
        print(f"FragmentPath={file if file.exists() else ''}\nActiveState={_state(mark)}\nSourcePath=")
        return 0
    if not file.exists():
        sys.stderr.write(f"Failed to {verb} {unit}: Unit {unit} not found.\n")
        return 5
    status = 0
    if _state(mark) == "active" and verb in ("stop", "try-restart"):
        status = _stop(root, file, mark)
        if verb == "stop" or status:
            return status
    elif verb != "start":
        return 0
    return _start(root, file, mark)


def _start(root: Path, file: Path, mark: Path) -> int:
    mark.parent.mkdir(parents=True, exist_ok=True)
    if "Type=simple" in file.read_text(encoding="utf-8"):
        process = subprocess.Popen(
            _command(root, file, "ExecStart"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        mark.write_text(str(process.pid), encoding="utf-8")
        process.returncode = 0  # it is to outlive us: no warning that it still runs
        return 0
    status = subprocess.run(_command(root, file, "ExecStart"), check=False).returncode
    if status == 0:
        mark.touch()
    return status


def _stop(root: Path, file: Path, mark: Path) -> int:
    if number := mark.read_text(encoding="utf-8"):
        os.kill(int(number), signal.SIGTERM)
        while _runs(number):
            time.sleep(0.01)
        status = 0
    else:
        status = subprocess.run(_command(root, file, "ExecStop"), check=False).returncode
    if status == 0:
        mark.unlink()
    return status


def _command(root: Path, file: Path, setting: str) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    program, *rest = shlex.split(
        next(line for line in lines if line.startswith(f"{setting}="))[len(setting) + 1 :]
    )
    return [str(root / program.lstrip("/")), *rest]


def _state(mark: Path) -> str:
    if not mark.exists():
        return "inactive"
    number = mark.read_text(encoding="utf-8")
    return "active" if not number or _runs(number) else "failed"


def _runs(number: str) -> bool:
    """Whether the process is there, and more than what its parent has not fetched yet."""
    try:
        status = Path(f"/proc/{number}/status").read_text(encoding="utf-8")
    except OSError:
        return False
    return "\nState:\tZ" not in status


if __name__ == "__main__":
    sys.exit(main())
