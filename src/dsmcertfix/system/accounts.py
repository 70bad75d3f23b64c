"""What each user has cost a run so far, on any system: who took too much is read no more, and told."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from dsmcertfix.errors import Problem, StoreUnreadable
from dsmcertfix.model import Owner
from dsmcertfix.system.answers import ChildDied, LimitReached
from dsmcertfix.system.seen import OwnerLimits


class Accounts:
    """One account of `budgets.OWNER_S` for each user. `spent_s` are the seconds so far, by uid."""

    def __init__(self) -> None:
        self.spent_s: defaultdict[int, float] = defaultdict(float)
        self._refused: dict[int, StoreUnreadable] = {}

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Whose files were read no more, and why."""
        return tuple(error.problem() for error in self._refused.values())

    def left_of(self, limits: OwnerLimits, owner: Owner) -> OwnerLimits:
        """What of these limits the user has left. Raises StoreUnreadable for one who is read no more."""
        if owner.uid in self._refused:
            raise self._refused[owner.uid]
        return limits._replace(wall_s=limits.wall_s - self.spent_s[owner.uid])

    @contextlib.contextmanager
    def refusing(self, owner: Owner, limits: OwnerLimits) -> Iterator[None]:
        """Whoever takes too much inside, or ends the child, is read no more: StoreUnreadable is raised."""
        try:
            yield
        except (LimitReached, ChildDied) as error:
            self._refused[owner.uid] = excess(owner, error, limits)
            raise self._refused[owner.uid] from error


def counted(account: defaultdict[int, float], owner: Owner, work: Callable[[], object]) -> object:
    """What `work` returned; its seconds are on that account."""
    begun = time.monotonic()
    try:
        return work()
    finally:
        account[owner.uid] += time.monotonic() - begun


def excess(owner: Owner, error: LimitReached | ChildDied, limits: OwnerLimits) -> StoreUnreadable:
    """The problem of a user whose child was ended."""
    if isinstance(error, ChildDied):
        return StoreUnreadable(
            "reading-was-ended",
            f"what belongs to {owner.name} could not be read: the process that does so was ended",
            context=(str(error),),
            hint=f"See what ends processes of {owner.name}, then run this again.",
        )
    return StoreUnreadable(
        "too-much-to-read",
        f"what belongs to {owner.name} takes more {error} than is allowed",
        context=(f"limits: {limits.wall_s:g} s in a run, {limits.memory >> 20} MiB",),
        hint=f"See what {owner.name} has in option files, profiles and stores: no client makes such files.",
    )
