"""Whole commands on a played AIX: those of what only AIX has, and some that Linux passes, too.

All of the latter are run by the command in docs/install-aix.md.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.shown import not_shown

HERE = Path(__file__).parent
TOP = HERE.parents[1]
SOME = (
    "tests/endtoend/test_endtoend_trusted.py",
    "tests/endtoend/test_endtoend_one_label.py::TestThreeServers::"
    "test_only_the_certificate_of_the_named_server_is_replaced",
    "tests/endtoend/test_endtoend_undo.py",
)


def on_aix(*tests: str) -> None:
    """These tests pass where every machine is a played AIX."""
    try:
        os.setxattr(HERE / "as_aix.py", "user.dsmcertfix-test", b"")
        os.removexattr(HERE / "as_aix.py", "user.dsmcertfix-test")
    except OSError:
        not_shown("the played ACLs: this file system has no attributes of users")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests],
        env={**inherited, "DSMBENCH_SYSTEM": "aix"},
        cwd=TOP,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_acls_subsystems_and_scripts_of_aix_are_seen() -> None:
    on_aix("tests/played_aix/on_aix.py")


@pytest.mark.parametrize("tests", SOME, ids=lambda name: name.rpartition("/")[2])
def test_what_is_repaired_on_linux_is_repaired_on_aix(tests: str) -> None:
    on_aix(tests)
