"""What follows a change, in a report: the site's programs that ran, and who keeps the old certificate."""

from __future__ import annotations

from dsmcertfix import NamedTuple


class HookReport(NamedTuple):
    """A program that the policy lets run after a change; `ended` is its exit code, None where it has none."""

    program: str
    ended: int | None = None
    problem: str | None = None


class HolderReport(NamedTuple):
    """A process that loaded IBM's API or client before the change: it goes on with what it read then."""

    pid: int
    name: str
    user: str
    library: str
