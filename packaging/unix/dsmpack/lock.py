"""Writes requirements.txt and build-requirements.txt: a version of each package, its wheels by their hashes.

    packaging/unix/build.sh lock

One version serves every Python, so it is the newest that the oldest Python can have; and where one wheel
serves them all (abi3), only that one is listed. No host of an index stands in the files.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsmpack.places import BUILD_REQUIREMENTS, REQUIREMENTS, TOP, run
from dsmpack.wheels import MACHINES, PYTHONS, pip_target

BUILD_TOOLS = ("pex>=2.105", "pyinstaller>=6.22.3", "setuptools>=77")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that pip would install, and what its package requires, with the conditions."""

    package: str
    version: str
    file: str
    sha256: str
    requires: tuple[str, ...]

    @property
    def pin(self) -> str:
        """As it stands in a requirements file."""
        return f"{self.package}=={self.version}"

    @property
    def serves_every_python(self) -> bool:
        """Whether no other Python has another wheel."""
        return self.file.split("-")[-2] in ("none", "abi3")


def write() -> None:
    """Both files are written anew."""
    _write(REQUIREMENTS, "what dsmcertfix needs", dependencies())
    _write(BUILD_REQUIREMENTS, "what builds it", BUILD_TOOLS)


def dependencies() -> tuple[str, ...]:
    """What pyproject.toml asks for."""
    # tomllib came with Python 3.11.
    text = (TOP / "pyproject.toml").read_text(encoding="utf-8")
    block = text.partition("\ndependencies = [\n")[2].partition("\n]")[0]
    return tuple(line.strip().strip('",') for line in block.splitlines() if line.strip())


def _write(file: Path, what: str, wanted: Sequence[str]) -> None:
    hashes: dict[str, set[str]] = {}
    for machine in MACHINES:
        oldest = _closed(wanted, machine)
        bound = [wheel.pin for wheel in oldest if not wheel.serves_every_python]
        others = [wheel for python in PYTHONS[1:] for wheel in _resolved(bound, machine, python)]
        for wheel in (*oldest, *(wheel for wheel in others if wheel.pin in bound)):
            hashes.setdefault(wheel.pin, set()).add(wheel.sha256)
    lines = [
        f"# Made by `packaging/unix/build.sh lock`: {what}, for Python {PYTHONS[0]} to {PYTHONS[-1]}",
        f"# on Linux ({', '.join(MACHINES)}).",
    ]
    for pin in sorted(hashes):
        lines.append(pin + "".join(f" \\\n    --hash=sha256:{value}" for value in sorted(hashes[pin])))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _closed(wanted: Sequence[str], machine: str) -> list[Wheel]:
    """What the oldest Python needs. pip judges conditions by the Python that it runs on, so we do it, too."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    there = {
        "python_version": PYTHONS[0],
        "python_full_version": f"{PYTHONS[0]}.0",
        "platform_machine": machine,
        "extra": "",
    }
    while True:
        found = _resolved(wanted, machine, PYTHONS[0])
        required = [Requirement(text) for wheel in found for text in wheel.requires]
        needed = {
            canonicalize_name(item.name): f"{item.name}{item.specifier}"
            for item in required
            if item.marker is None or item.marker.evaluate(there)
        }
        missing = [needed[name] for name in sorted(needed.keys() - {wheel.package for wheel in found})]
        if not missing:
            return found
        wanted = (*wanted, *missing)


def _resolved(wanted: Sequence[str], machine: str, python: str) -> list[Wheel]:
    if not wanted:
        return []
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        how = ("--dry-run", "--ignore-installed", "--target", scratch, "--report", report)
        run(*pip, *how, *pip_target(machine, python), *wanted)
        return [_wheel(item) for item in json.loads(report.read_bytes())["install"]]


def _wheel(item: dict[str, Any]) -> Wheel:
    from packaging.utils import canonicalize_name

    about, where = item["metadata"], item["download_info"]
    return Wheel(
        canonicalize_name(about["name"]),
        about["version"],
        where["url"].rpartition("/")[2],
        where["archive_info"]["hashes"]["sha256"],
        tuple(about.get("requires_dist") or ()),
    )
