"""What runs first in dsmcertfix.pyz: may this Python run it? Is `__main__` there.

Understood by every Python 3.6 and newer, so that an old one is told and not tripped.
"""

import importlib.util
import os
import sys

_OLDEST = (3, 10)
_CANNOT_RUN = 127


def _start() -> None:
    if sys.version_info[:2] < _OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write(
            f"dsmcertfix.pyz: {sys.executable} is Python {found}\n"
            "hint: Python 3.10 or newer can run this file\n"
            "state: Nothing was changed.\n"
        )
        sys.exit(_CANNOT_RUN)
    if not sys.flags.isolated and sys.executable:
        # Somebody named a Python: no PYTHON* variable and nothing of the user's has a say there either.
        os.execv(sys.executable, [sys.executable, "-I", *sys.argv])
    # Bytecode for this very Python, where the file has it (dsmpack/pyz.py); else it compiles at each start.
    sys.path.insert(0, sys.path[0] + "/bytecode/" + importlib.util.MAGIC_NUMBER.hex())
    from dsmcertfix.cli import program

    program()


if __name__ == "__main__":
    _start()
