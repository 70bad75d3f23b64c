"""Which tests must not run at the same time: those that share a thing of which a machine has one.

Workers take single tests, in any order; tests of one group stay together, one after the other on one worker.
"""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

WINDOWS_PACKAGE = "the Windows package"
BUILT = ("deb", "materials", "planted_library", "reproducible", "rpm", "signed", "tarball")
SHARED = {
    **{f"tests/unixpack/test_{name}.py": "the packages, built once" for name in BUILT},
    "tests/unixpack/test_ansible.py": "Ansible and its collection, installed once",
    "tests/faults/test_protocol.py": "the model's states, found once",
    "tests/faults/test_power.py::TestOnExt4": "loop devices",
    "tests/fleet/test_browser": "chromium",
    "tests/attack/test_network_homes.py": "a mount that never answers",
    "tests/endtoend_trust/test_probe.py::TestDefaultPort": "port 1500",
    "tests/windows_package/test_msi_source.py::test_the_built_msi": WINDOWS_PACKAGE,
    "tests/windows_package/test_signing.py": WINDOWS_PACKAGE,
}
"""The thing, for each beginning of a test's name."""
LONG = (
    "tests/unixpack/test_ansible_renew.py",
    "tests/unixpack/test_ansible_ssh.py",
    "tests/unixpack/test_platforms.py",
    *(f"tests/unixpack/test_{name}.py" for name in BUILT),
    "tests/unixpack/test_ansible.py",
    "tests/unixpack/test_release.py",
    "tests/unixpack/test_pyz.py",
    "tests/faults/",
    "tests/fleet/test_simulation.py",
    "tests/fleet/test_renewal_demo.py",
    "tests/fleet/test_browser",
    "tests/guide/test_screens.py",
    "tests/judge/",
)
"""What takes long, the longest first: it begins before all others."""
_DIGEST = re.compile("[0-9a-f]{40,}")


def group_of(test: str) -> str | None:
    """The thing that the test shares with others, by its name; None for a test that shares nothing."""
    return next((thing for beginning, thing in SHARED.items() if test.startswith(beginning)), None)


def add_option(parser: pytest.Parser) -> None:
    """--seed: another order. --part: a share of the tests."""
    parser.addoption("--seed", help="run the files, and the tests of each, in an order that depends on this")
    parser.addoption("--part", metavar="K/N", help="run one of N parts of the tests alone; K begins at 1")


def shuffle(items: list[pytest.Item], seed: str) -> None:
    """The tests of a file stay together. The same seed gives the same order in every process."""

    def draw(name: str) -> str:
        return sha256(f"{seed} {name}".encode()).hexdigest()

    items.sort(key=lambda item: (draw(item.nodeid.partition("::")[0]), draw(item.nodeid)))


def in_part(test: str, part: str) -> bool:
    """Whether the test is in that part, "K/N". Every test is in one of the N, whatever the others are.

    Raises ValueError for anything else.
    """
    which, _, count = part.partition("/")
    if not 1 <= int(which) <= int(count):
        raise ValueError(f"--part {part}: there is no such part")
    return int(sha256(test.encode()).hexdigest(), 16) % int(count) == int(which) - 1


def order_by_length(items: list[pytest.Item]) -> None:
    """What takes longest runs first, so that nothing of it is left over at the end.

    Tests that share a thing stand together; what waits for the tests for Windows to build their package runs
    last.
    """

    def turn(item: pytest.Item) -> tuple[int, int]:
        thing = group_of(item.nodeid)
        long = next((at for at, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG))
        if thing == WINDOWS_PACKAGE:
            return len(LONG) + 1, 0
        return long, len(things) if thing is None else things.index(thing)

    things = list(SHARED.values())
    items.sort(key=turn)


def name_of(value: object, argument: str) -> str | None:
    """What stands for a parameter in a test's name; None for pytest's own choice.

    Every worker must find the same names: keys, certificates and what is packed are others in each process.
    """
    made = isinstance(value, bytes) or (isinstance(value, str) and _DIGEST.fullmatch(value) is not None)
    return argument if made else None
