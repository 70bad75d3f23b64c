"""The exit codes that a management console wants instead of the tool's own. Pure.

ConfigMgr takes 1618 for "fast retry": it runs the program again every two hours, ten times in all; everything
else that is not 0 is a failure (facts/packaging.md, 1.2 and 2.2).
"""

from __future__ import annotations

from typing import Literal

from dsmcertfix.errors import Busy, Problem

ProfileName = Literal["default", "configmgr"]

FAST_RETRY = 1618
"""ConfigMgr comes back later: for a run that found another one at work, or a file in use."""


def profiled(code: int, problem: Problem | None, profile: ProfileName) -> int:
    """The exit code of a command that ended in `code`, with that problem of the whole command.

    For ConfigMgr a machine without any store is a success: there is nothing to repair on it.
    """
    if profile == "default":
        return code
    if code == Busy.untouched:
        return FAST_RETRY
    return 0 if problem is not None and problem.code == "no-store-found" else code
