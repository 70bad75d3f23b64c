"""The wheels that are shipped: those of the dependencies, by their hashes, and our own.

Owns which machines and Pythons the one file serves.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dsmpack.places import CACHE, LOCK, TOP, run

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
GLIBC = "2_17"
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")


def pip_target(machine: str, python: str) -> list[str]:
    """pip's options for a machine with the oldest glibc that is served, and a Python."""
    platforms = (f"manylinux_{GLIBC}_{machine}", f"manylinux2014_{machine}")
    named = [word for platform in platforms for word in ("--platform", platform)]
    return ["--only-binary", ":all:", "--python-version", python, *named]


def locked(machine: str, python: str) -> str:
    """What dsmcertfix needs on that machine and Python, as pip's requirements with hashes."""
    target = ("--system", "Linux", "--machine", machine, "--python", python)
    return run(sys.executable, TOP / "scripts" / "locked.py", *target, "program")


def pins(requirements: str) -> tuple[str, ...]:
    """The requirements without their hashes."""
    return tuple(line.split()[0] for line in requirements.splitlines() if "==" in line)


def of_dependencies() -> Path:
    """A directory with all dependencies' wheels for every machine and Python, checked by their hashes."""
    wanted = hashlib.sha256(LOCK.read_bytes() + repr((PYTHONS, MACHINES, GLIBC)).encode())
    directory = CACHE / f"wheels-{wanted.hexdigest()[:16]}"
    if directory.exists():
        return directory
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        aside = Path(scratch, "wheels")
        # Two at a time: pip waits for the index half of its time.
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(
                lambda target: _download(aside, *target),
                [(machine, python) for machine in MACHINES for python in PYTHONS],
            ):
                pass
        aside.rename(directory)
    return directory


def _download(directory: Path, machine: str, python: str) -> None:
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download")
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(locked(machine, python), encoding="utf-8")
        how = ("--no-deps", "--require-hashes", "--dest", directory, "-r", wanted)
        run(*pip, *how, *pip_target(machine, python))


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
