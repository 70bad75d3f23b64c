"""The wheels that are shipped: those of the dependencies, by their hashes, and our own.

Owns what the one file holds, and which machines and Pythons are looked up in the lock.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

from dsmpack.places import CACHE, TOP, run

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
COMPILED = frozenset(("cffi", "cryptography", "psutil", "pycparser"))
"""What the one file leaves to the node: what is not Python alone, and what only that needs."""
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")


def locked(machine: str, python: str) -> str:
    """What dsmcertfix needs on that machine and Python, as pip's requirements with hashes."""
    target = ("--system", "Linux", "--machine", machine, "--python", python)
    return run(sys.executable, TOP / "scripts" / "locked.py", *target, "program")


def pins(requirements: str) -> tuple[str, ...]:
    """The requirements without their hashes."""
    return tuple(line.split()[0] for line in requirements.splitlines() if "==" in line)


def pure() -> str:
    """What the one file holds besides our own, with hashes: what any Python needs, but nothing compiled."""
    wanted: dict[str, list[str]] = {}
    for python in PYTHONS:
        for line in locked(MACHINES[0], python).splitlines():
            if "==" in line:
                block = wanted[line] = [line]
            else:
                block.append(line)
    kept = {pin: block for pin, block in wanted.items() if pin.partition("==")[0] not in COMPILED}
    names = [pin.partition("==")[0] for pin in kept]
    if len(set(names)) != len(names):
        raise SystemExit(f"the lock has several versions of what is in the one file: {names}")
    return "\n".join(line for _, block in sorted(kept.items()) for line in block) + "\n"


def of_dependencies() -> Path:
    """A directory with the wheels of `pure`, checked by their hashes."""
    requirements = pure()
    directory = CACHE / f"wheels-{hashlib.sha256(requirements.encode()).hexdigest()[:16]}"
    if directory.exists():
        return directory
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(requirements, encoding="utf-8")
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download")
        how = ("--no-deps", "--require-hashes", "--dest", Path(scratch, "wheels"), "-r", wanted)
        # "any" has no wheel for one kind of machine.
        run(*pip, *how, "--only-binary", ":all:", "--platform", "any", "--python-version", PYTHONS[0])
        Path(scratch, "wheels").rename(directory)
    return directory


def of_dsmcertfix(directory: Path) -> Path:
    """Our own wheel, made in `directory` from a copy of the source: nothing else is written."""
    source = directory / "source"
    shutil.copytree(TOP / "src", source / "src", ignore=NOT_SOURCE)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TOP / name, source)
    for path in (source, *source.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel")
    run(*pip, "--no-deps", "--no-build-isolation", "--wheel-dir", directory, source)
    shutil.rmtree(source)
    (wheel,) = directory.glob("dsmcertfix-*.whl")
    return wheel
