"""A part of `scripts/differential.sh`: random key databases, read and written by us and by IBM's library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsmbench import gskit

TOP = Path(__file__).parents[2]
SPOILED = """
from tests.judge import differential
from dsmcertfix.ibm.key_database import kdb
added = kdb.add
def spoiled(database, password, *, label, certificate):
    return added(database, password, {words})
kdb.add = spoiled
raise SystemExit(differential.main(2, 5))
"""
"""Two key databases while `kdb.add` does something else."""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=TOP,
        env={**os.environ, **gskit.environment()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_they_read_and_write_random_key_databases_alike() -> None:
    done = run("-m", "tests.judge.differential", "6", "7")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Seed 7: 6 key databases")
    assert done.stdout.endswith(": 0 differences\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    ["label=label + ' ', certificate=certificate", "label=label, certificate=certificate, marked=False"],
)
def test_a_writer_that_errs_is_noticed(words: str) -> None:
    done = run("-c", SPOILED.format(words=words))
    assert done.returncode == 1
    assert "DIFFERENT: 5-0: " in done.stdout
