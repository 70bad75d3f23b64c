"""Prints the part of packaging/requirements.lock that some packages need, for pip's --require-hashes.

    python scripts/locked.py [--python 3.11] [--system Windows] [--machine AMD64] [--output FILE] NAME...

A NAME is a package, or `program`, `test`, `lint`, `docs` or `bench` for what pyproject.toml asks for under
that head. Conditions are judged for the Python and system that are named, not for those that this runs on,
which pip cannot do. Needs nothing but a Python with pip.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

TOP = Path(__file__).resolve().parent.parent
LOCK = TOP / "packaging" / "requirements.lock"


class Locked(NamedTuple):
    """A package of the lock: its pin, the condition it is needed under, its hashes, and who asks for it."""

    name: str
    version: str
    condition: str
    hashes: tuple[str, ...]
    wanted_by: frozenset[str]

    @property
    def pin(self) -> str:
        """As pip wants it."""
        return f"{self.name}=={self.version}"


def read(text: str) -> tuple[Locked, ...]:
    """Every package of the lock; one may be there in several versions, each for other Pythons or systems."""
    found = []
    for block in re.split(r"\n(?=[a-z0-9])", text):
        head = re.match(r"([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\\n", block)
        if head is not None:
            hashes = tuple(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block))
            askers = frozenset(re.findall(r"(?:# via|#  ) ([a-z0-9-]+)$", block, re.MULTILINE))
            found.append(Locked(head[1], head[2], head[3] or "", hashes, askers))
    return tuple(found)


def closed(lock: Iterable[Locked], names: Iterable[str], target: Mapping[str, str]) -> tuple[Locked, ...]:
    """The named packages and all that they need on the target, by name. Raises SystemExit for an unknown."""
    from pip._vendor.packaging.markers import Marker

    unknown = sorted(set(names) - {item.name for item in lock})
    if unknown:
        raise SystemExit(f"not in {LOCK.name}: {', '.join(unknown)}; run scripts/lock.sh")
    there = {
        item.name: item
        for item in lock
        if not item.condition or Marker(item.condition).evaluate(dict(target))
    }
    chosen = set(names) & there.keys()
    while more := {name for name in there.keys() - chosen if there[name].wanted_by & chosen}:
        chosen |= more
    return tuple(there[name] for name in sorted(chosen))


def needed(heads: Iterable[str], target: Mapping[str, str]) -> tuple[Locked, ...]:
    """As `closed`, by the names that the command line takes."""
    names = [name for head in heads for name in asked_for(head)]
    return closed(read(LOCK.read_text(encoding="utf-8")), names, target)


def target_of(python: str, system: str, machine: str) -> dict[str, str]:
    """The target as conditions know it."""
    windows = system == "Windows"
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "win32" if windows else system.lower(),
        "platform_system": system,
        "os_name": "nt" if windows else "posix",
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }


def asked_for(head: str) -> tuple[str, ...]:
    """The packages that pyproject.toml asks for under that head."""
    if head == "bench":
        return _names(_project("tests/bench/pyproject.toml")["dependencies"])
    project = _project("pyproject.toml")
    wanted = project["dependencies"] if head == "program" else project["optional-dependencies"].get(head)
    return _names(wanted) if wanted is not None else (head,)


def _project(path: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        from pip._vendor import tomli as tomllib

    found: dict[str, Any] = tomllib.loads((TOP / path).read_text(encoding="utf-8"))["project"]
    return found


def _names(requirements: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        re.split(r"[^A-Za-z0-9._-]", item, maxsplit=1)[0].lower().replace("_", "-") for item in requirements
    )


def requirements(packages: Iterable[Locked]) -> str:
    """The packages as pip's requirements, each with its hashes."""
    lines = (item.pin + "".join(f" \\\n    --hash={value}" for value in item.hashes) for item in packages)
    return "".join(f"{line}\n" for line in lines)


def main() -> None:
    """Prints the requirements, or writes them to a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", default=f"{sys.version_info[0]}.{sys.version_info[1]}", metavar="3.N")
    parser.add_argument("--system", default=platform.system())
    parser.add_argument("--machine", default=platform.machine())
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument("names", nargs="+", metavar="NAME")
    given = parser.parse_args()
    text = requirements(needed(given.names, target_of(given.python, given.system, given.machine)))
    if given.output is None:
        print(text, end="")
    else:
        given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
