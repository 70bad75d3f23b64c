"""The played dsmc, again and again: a session for each line of standard input, and its return code on a line.

Each session is a process of its own, as each run of dsmc is, forked from this one: what costs most of a run,
Python's start, is paid once. IBM's library is loaded anew by each, because it remembers key databases. What
the client says goes nowhere. Linux and AIX only.
"""

from __future__ import annotations

import os
import sys

from dsmbench import gskit, gsktls
from dsmbench.dsmc import Client, Words, surroundings, words
from dsmbench.lookup import Surroundings
from dsmbench.trouble import Trouble


def _session(found: Surroundings, given: Words) -> int:
    """The return code of one session. Raises nothing: a process that dies has its signal, negative."""
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
        try:
            code = Client(found, Trouble(found.config.dsmc, found.config.root)).run(given)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Sessions until standard input ends."""
    found, arguments = surroundings(sys.argv[1:])
    given = words(arguments)
    assert gskit.ready() and gsktls.DISTRUST
    for _ in sys.stdin:
        sys.stdout.write(f"{_session(found, given)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
