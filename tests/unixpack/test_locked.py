"""What is shipped, built and tested is the one lock's, and the lock fits what is asked for."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dsmpack.places import LOCK, TOP
from dsmpack.wheels import MACHINES, PYTHONS, locked, pins


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("locked", TOP / "scripts" / "locked.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["locked"] = module
    spec.loader.exec_module(module)
    return module


SCRIPT = _load()
HEAD = r"^(?:dependencies|test|fuzz|docs|lint) = \[(.*?)\]$"
HEADS = ("program", "test", "fuzz", "lint", "docs", "bench")


@pytest.fixture(scope="module")
def lock() -> Sequence[Any]:
    found: Sequence[Any] = SCRIPT.read(LOCK.read_text(encoding="utf-8"))
    return found


def _wanted() -> list[Requirement]:
    """Everything that pyproject.toml, the bench and tools.in ask for."""
    texts = (TOP / "packaging" / "tools.in").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in texts if line and not line.startswith("#")]
    for path in ("pyproject.toml", "tests/bench/pyproject.toml"):
        text = (TOP / path).read_text(encoding="utf-8")
        for block in re.findall(HEAD, text, re.MULTILINE | re.DOTALL):
            wanted += re.findall(r'"([^"]+)"', block)
    return list(map(Requirement, wanted))


def test_everything_that_is_asked_for_is_locked_at_a_version_that_fits(
    lock: Sequence[Any],
) -> None:
    wanted = _wanted()
    assert len(wanted) >= 25
    for item in wanted:
        versions = [one.version for one in lock if one.name == canonicalize_name(item.name)]
        assert any(map(item.specifier.contains, versions)), item


def test_every_locked_package_has_hashes_and_an_asker_and_no_index_is_named(
    lock: Sequence[Any],
) -> None:
    text = LOCK.read_text(encoding="utf-8")
    assert len(lock) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    assert all(item.hashes for item in lock)
    assert "://" not in text
    asked = {canonicalize_name(item.name) for item in _wanted()}
    names = {item.name for item in lock}
    assert [item.name for item in lock if item.name not in asked and not item.wanted_by & names] == []


def test_no_script_installs_a_package_without_its_hash() -> None:
    calls = [
        (path.name, call)
        for place in ("scripts", "packaging", ".ci")
        for path in sorted((TOP / place).rglob("*"))
        if path.suffix in {"", ".sh", ".ps1", ".py", ".cmd"} and path.is_file()
        for call in _calls_of_pip(path)
    ]
    assert {name for name, _ in calls} == {"environment.sh", "make.sh", "build.ps1", "wheels.py"}
    for call in calls:
        assert "--no-deps" in call[1], call
        # Our own packages have no hash.
        assert "--require-hashes" in call[1] or "--no-build-isolation" in call[1], call


def _calls_of_pip(path: Path) -> list[str]:
    """Each line that installs or fetches with pip, joined with those that belong to it."""
    lines = path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    more = 7 if path.suffix == ".py" else 1
    return [
        "\n".join(lines[at : at + more])
        for at, line in enumerate(lines)
        if re.search(r"\bpip\b.*\b(?:install|download|wheel)\b", line) and not line.startswith("#")
    ]


@pytest.mark.parametrize("head", HEADS)
def test_every_head_has_what_it_asks_for_and_what_that_needs(head: str) -> None:
    # The program needs tomli where Python does not read TOML itself, the linters a newer one.
    target = SCRIPT.target_of("3.10" if head == "program" else "3.11", "Linux", "x86_64")
    found = {item.name for item in SCRIPT.needed([head], target)}
    assert set(SCRIPT.asked_for(head)) <= found
    assert (head != "program") or {"cffi", "rich"} <= found


def test_conditions_are_judged_for_the_system_that_is_named() -> None:
    linux = {
        item.name for item in SCRIPT.needed(["pyinstaller"], SCRIPT.target_of("3.11", "Linux", "x86_64"))
    }
    windows = {
        item.name for item in SCRIPT.needed(["pyinstaller"], SCRIPT.target_of("3.11", "Windows", "AMD64"))
    }
    assert windows - linux == {"pefile", "pywin32-ctypes"}


def test_of_two_versions_the_one_for_that_python_is_taken() -> None:
    found = {
        python: {item.name: item.version for item in SCRIPT.needed(["ansible-core"], target)}
        for python in ("3.10", "3.11")
        for target in [SCRIPT.target_of(python, "Linux", "x86_64")]
    }
    assert found["3.10"].keys() == found["3.11"].keys()
    assert found["3.10"]["ansible-core"].startswith("2.16.")
    assert not found["3.11"]["ansible-core"].startswith("2.16.")


def test_a_package_that_is_not_locked_is_told_with_the_cure() -> None:
    command = [sys.executable, str(TOP / "scripts" / "locked.py"), "no-such-package"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == "not in requirements.lock: no-such-package; run scripts/lock.sh\n"


def test_the_program_needs_the_same_versions_on_every_machine_and_python_but_for_tomli() -> None:
    for machine in MACHINES:
        found = {python: set(pins(locked(machine, python))) for python in PYTHONS}
        first, others = found.pop("3.10"), list(found.values())
        assert all(other == others[0] for other in others)
        assert {pin.partition("==")[0] for pin in first ^ others[0]} == {"tomli"}
