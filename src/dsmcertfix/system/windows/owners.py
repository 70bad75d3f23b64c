"""Windows: what is done in children on the owners' accounts; one at a time, of the user whose turn it is."""

from __future__ import annotations

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.model import Owner
from dsmcertfix.system.accounts import Accounts, counted
from dsmcertfix.system.seen import READING, OwnerLimits, Task
from dsmcertfix.system.windows.child import Child


class Owners(Accounts):
    """See `Accounts`. A child costs the start of a program, so it stays until another user's is needed."""

    def __init__(self) -> None:
        super().__init__()
        self._child: Child | None = None
        self._whose: tuple[int, OwnerLimits] | None = None

    def read(self, owner: Owner, task: Task, limits: OwnerLimits = READING) -> object:
        """See `Platform.as_owner`, for an ordinary user. The child's start is not on the user's account."""
        with self.refusing(owner, limits):
            left = self.left_of(limits, owner)
            child = self._child_of(owner, limits)
            try:
                child.load(task)
                return counted(self.spent_s, owner, lambda: child.ask(task, left.wall_s))
            except (DsmcertfixError, OSError):
                # The task's own, and the child waits for the next one.
                raise
            except BaseException:
                self._end()
                raise

    def _child_of(self, owner: Owner, limits: OwnerLimits) -> Child:
        if self._child is None or self._whose != (owner.uid, limits):
            self._end()
            self._child, self._whose = Child(limits), (owner.uid, limits)
        return self._child

    def _end(self) -> None:
        if self._child is not None:
            self._child.close()
        self._child = None
