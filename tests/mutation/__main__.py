"""usage: mutants.sh [--sample N] [--seed S] [--jobs N] [--only TEXT] [--forget]

Changes the code that decides and protects, one change at a time, and runs the fast tests that run
the changed lines.
Prints every change that no test noticed, and ends with 1 when less than 95 of 100 were.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.mutation import run, trials

TOP = Path(__file__).resolve().parents[2]
PROJECT = run.Project(
    top=TOP,
    source=TOP / "src" / "dsmcertfix",
    changed=(
        "errors.py",
        "planning/*.py",
        "ibm/key_database/*.py",
        "ibm/client/dsmc.py",
        "ibm/client/options.py",
        "ibm/tls.py",
        "system/holders.py",
        "system/locks.py",
        "system/private.py",
        "system/removing.py",
        "system/store_directory.py",
        "system/unix/access.py",
        "system/unix/directory.py",
        "system/unix/handles.py",
        "system/unix/private.py",
        "system/unix/trust.py",
        "transaction/*.py",
    ),
    tests=(
        "tests/jobs/test_together.py",
        "tests/planning",
        "tests/transaction",
        "tests/ibm",
        # These run IBM's programs, a second each.
        "--ignore=tests/ibm/engines/test_engines.py",
        "--ignore=tests/ibm/key_database/test_gskit_contract.py",
        "tests/system/unix",
        "tests/server/test_assess_instance.py",
        "tests/server/test_database_backup.py",
        "tests/server/test_kinds_of_files.py",
        "tests/server/test_macros.py",
        "tests/server/test_renew_plan.py",
        "tests/server/test_renewed.py",
        "tests/server/test_server_options.py",
        "tests/server/test_transaction.py",
        "tests/policy/test_policy_text.py",
        "tests/test_errors.py",
    ),
    kept=TOP / ".cache" / "mutants",
    equivalent=Path(__file__).with_name("equivalent.toml"),
)


def _asked() -> run.Asked:
    parser = argparse.ArgumentParser(prog="mutants.sh", description=__doc__.split("\n\n")[1])
    parser.add_argument("--sample", type=int, metavar="N", help="try so many of the changes, drawn at random")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="other ones (1 without it)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="children at the same time (2)")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only those with this in `FILE:LINE KIND: …`"
    )
    parser.add_argument("--forget", action="store_true", help="run again what an earlier run has tried")
    return run.Asked(**vars(parser.parse_args()))


def main() -> int:
    """The exit code."""
    if sys.argv[1:2] == ["alone"]:
        file, text, scratch, *tests = sys.argv[2:]
        return trials.run_alone(Path(file), Path(text), Path(scratch), tests)
    return run.carry_out(PROJECT, _asked())


if __name__ == "__main__":
    sys.exit(main())
