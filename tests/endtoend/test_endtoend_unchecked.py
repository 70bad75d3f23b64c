"""Where no signature can be checked a report says so, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine

from dsmcertfix.ibm.key_database.reading import UNCHECKED


def without_cryptography(directory: Path) -> dict[str, str]:
    """An environment in which Python finds a cryptography that is too old to be used."""
    old = directory / "old" / "cryptography"
    old.mkdir(parents=True)
    (old / "__init__.py").write_text('__version__ = "3.4.8"\n', encoding="utf-8")
    return {**os.environ, "PYTHONPATH": str(old.parent)}


@pytest.mark.parametrize("command", ["detect", "inspect"])
def test_a_report_without_cryptography_says_what_it_did_not_check(machine: Machine, command: str) -> None:
    environment = without_cryptography(machine.directory)
    assert UNCHECKED not in machine.run(command).report["warnings"]
    answer = machine.run(command, env=environment)
    assert answer.code == 0
    assert answer.report["warnings"].count(UNCHECKED) == 1
    told = " ".join(machine.text(command, env=environment).stdout.split())
    assert told.count("no signature was checked") == 1
