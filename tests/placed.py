"""Which tests must not run at the same time: those that share a thing of which a machine has one.

Workers take single tests, in any order; tests of one group stay together, one after the other on one worker.
"""

from __future__ import annotations

import re
from hashlib import sha256

import pytest

WINDOWS_PACKAGE = "the Windows package"
SHARED = {
    "tests/unixpack/": "the packages, built once",
    "tests/faults/": "strace",
    "tests/fleet/test_browser": "chromium",
    "tests/guide/test_screens.py": "tmux",
    "tests/attack/test_network_homes.py": "a mount that never answers",
    "tests/endtoend_trust/test_probe.py::TestDefaultPort": "port 1500",
    "tests/windows_package/test_msi_source.py::test_the_built_msi": WINDOWS_PACKAGE,
    "tests/windows_package/test_signing.py": WINDOWS_PACKAGE,
}
"""The thing, for each beginning of a test's name. What takes longest stands first."""
_DIGEST = re.compile("[0-9a-f]{40,}")


def group_of(test: str) -> str | None:
    """The thing that the test shares with others, by its name; None for a test that shares nothing."""
    return next((thing for beginning, thing in SHARED.items() if test.startswith(beginning)), None)


def add_option(parser: pytest.Parser) -> None:
    """--seed: another order."""
    parser.addoption("--seed", help="run the files, and the tests of each, in an order that depends on this")


def shuffle(items: list[pytest.Item], seed: str) -> None:
    """The tests of a file stay together. The same seed gives the same order in every process."""

    def draw(name: str) -> str:
        return sha256(f"{seed} {name}".encode()).hexdigest()

    items.sort(key=lambda item: (draw(item.nodeid.partition("::")[0]), draw(item.nodeid)))


def order_by_thing(items: list[pytest.Item]) -> None:
    """Tests that share a thing stand together.

    They run first, so that the longest are not left over at the end; what waits for the tests for Windows
    to build their package runs last.
    """
    things = list(SHARED.values())
    turns = {}
    for item in items:
        thing = group_of(item.nodeid)
        turns[item] = len(things) if thing is None else things.index(thing)
        if thing == WINDOWS_PACKAGE:
            turns[item] = len(things) + 1
    items.sort(key=turns.__getitem__)


def name_of(value: object, argument: str) -> str | None:
    """What stands for a parameter in a test's name; None for pytest's own choice.

    Every worker must find the same names: keys, certificates and what is packed are others in each process.
    """
    made = isinstance(value, bytes) or (isinstance(value, str) and _DIGEST.fullmatch(value) is not None)
    return argument if made else None
