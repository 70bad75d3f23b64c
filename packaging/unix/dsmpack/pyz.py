"""dsmcertfix.pyz: one file for any node with Python 3.10 to 3.13 on Linux x86-64 or aarch64.

A PEX with the wheels of both machines and all four Pythons. Before its zip stands launcher.sh instead of
PEX's first line, and before PEX's own code preamble.py.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from dsmpack import materials, wheels
from dsmpack.places import CACHE, NAME, UNIX, run, version

FILE = f"{NAME}.pyz"


def build(output: Path) -> Path:
    """The file is in `output`, executable."""
    dependencies = wheels.of_dependencies()
    with tempfile.TemporaryDirectory(prefix="dsmpack-") as name:
        scratch = Path(name)
        ours = wheels.of_dsmcertfix(scratch)
        pex = scratch / FILE
        _pex(pex, scratch, dependencies, ours)
        made = scratch / "with-launcher"
        _with_launcher(pex, made)
        made.chmod(0o755)
        return Path(shutil.move(made, output / FILE))


def _pex(file: Path, scratch: Path, dependencies: Path, ours: Path) -> None:
    targets = [
        word
        for machine in wheels.MACHINES
        for python in wheels.PYTHONS
        for word in ("--platform", _platform(machine, python))
    ]
    requirements = scratch / "requirements.txt"
    requirements.write_text("\n".join([*_pins(), f"{NAME}=={version()}"]) + "\n", encoding="utf-8")
    run(
        *(sys.executable, "-m", "pex", "--pex-root", CACHE / "pex", "--no-emit-warnings"),
        # Every wheel is on the disk, named by a requirement; nothing is asked of an index.
        *("-r", requirements, "--no-index", "-f", dependencies, "-f", ours.parent),
        *("--no-build", "--intransitive", "--venv", "--script", NAME, "--python-shebang", "/bin/sh"),
        *("--preamble-file", UNIX / "preamble.py", "--output-file", file),
        *targets,
    )


def _pins() -> list[str]:
    """What is packed, in order; what only some Pythons need (tomli) with its condition."""
    pins: dict[str, dict[str, None]] = {}
    for machine in wheels.MACHINES:
        for python in wheels.PYTHONS:
            for pin in wheels.pins(wheels.locked(machine, python)):
                pins.setdefault(pin, {})[python] = None
    lines = []
    for pin, pythons in sorted(pins.items()):
        condition = " or ".join(f"python_version == '{python}'" for python in pythons)
        lines.append(pin if len(pythons) == len(wheels.PYTHONS) else f"{pin} ; {condition}")
    return lines


def _platform(machine: str, python: str) -> str:
    # 2014 is glibc 2.17; by that name PEX also takes wheels for older ones.
    return f"manylinux2014_{machine}-cp-{python}.0-cp{python.replace('.', '')}"


def _with_launcher(pex: Path, made: Path) -> None:
    """`made` is the same zip with our launcher before it; times are gone, the order is the same."""
    with zipfile.ZipFile(pex) as before, made.open("wb") as file:
        file.write((UNIX / "launcher.sh").read_bytes())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as after:
            for item in before.infolist():
                content = before.read(item)
                fresh = zipfile.ZipInfo(item.filename, (1980, 1, 1, 0, 0, 0))
                fresh.external_attr = item.external_attr
                fresh.compress_type = zipfile.ZIP_DEFLATED
                after.writestr(fresh, content)
            bill = zipfile.ZipInfo(materials.FILE, (1980, 1, 1, 0, 0, 0))
            after.writestr(bill, materials.text(with_python=False))
