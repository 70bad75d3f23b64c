"""Unix: what is done as the owners of files, what it may take, and what each of them has cost so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from dsmcertfix import budgets
from dsmcertfix.errors import Busy, SwapFailed
from dsmcertfix.model import Owner
from dsmcertfix.system.accounts import Accounts, counted, excess
from dsmcertfix.system.answers import ChildDied, LimitReached, no_answer_told
from dsmcertfix.system.seen import EDITING, READING, OwnerLimits
from dsmcertfix.system.unix import child as unix_child

_WRITING = OwnerLimits(memory=512 << 20, cpu_s=60, file_size=64 << 20, open_files=256, finishes=True)
"""A swap is not to fail for want of anything but time."""


class Owners(Accounts):
    """What is done as each user, on that user's account.

    What the account keeps for live files cannot be taken by reading, and no change there can take all of it:
    there is always time for the way back.
    """

    def __init__(self) -> None:
        super().__init__()
        self._editing_s: defaultdict[int, float] = defaultdict(float)
        self._proving_s: defaultdict[int, float] = defaultdict(float)

    def read(
        self,
        owner: Owner,
        work: Callable[[], object],
        limits: OwnerLimits = READING,
        keep: int | None = None,
    ) -> object:
        """See `Platform.as_owner`, for an ordinary user; the open file `keep` is open in the child, too."""
        kept = () if keep is None else (keep,)
        with self.refusing(owner, limits):
            left = self.left_of(limits, owner)
            return counted(self.spent_s, owner, lambda: unix_child.run(work, left, owner=owner, keep=kept))

    def edit(self, owner: Owner, work: Callable[[], object], directory: int) -> None:
        """`work` was done in that open directory, by the owner.

        Raises as `read`, but is no reason to read no more: IBM's program may hang (IT41127), and then another
        engine has its turn.
        """
        left, edits_s = self.left_of(EDITING, owner), budgets.OWNER_EDITING_S.cap - self._editing_s[owner.uid]
        limits = left._replace(wall_s=min(left.wall_s, edits_s, budgets.OWNER_EDIT_S.cap))

        def edited() -> object:
            return unix_child.run(work, limits, owner=owner, keep=(directory,), directory=directory)

        try:
            counted(self.spent_s, owner, lambda: counted(self._editing_s, owner, edited))
        except (LimitReached, ChildDied) as error:
            raise excess(owner, error, EDITING) from error

    def write(self, owner: Owner, work: Callable[[], object]) -> None:
        """`work` was done with the owner's rights: the kernel refuses whatever a planted name would lead to.

        Raises what it raised, SwapFailed when its process died, Busy when it took half of what the user's
        account still had.
        """
        wall_s = (budgets.OWNER_S.cap - self.spent_s[owner.uid]) / 2
        limits = _WRITING._replace(wall_s=wall_s)
        try:
            # The run's lock stays open in the child: no other run begins while it writes.
            counted(self.spent_s, owner, lambda: unix_child.run(work, limits, owner=owner, keep=None))
        except LimitReached as error:
            raise Busy(
                "store-does-not-answer",
                f"the store of {owner.name} was not changed within {wall_s:.1f} seconds",
            ) from error
        except ChildDied as error:
            raise SwapFailed(
                "child-died", "the process that works in the user's store died", context=(str(error),)
            ) from error

    def prove(self, owner: Owner, work: Callable[[], object], limits: OwnerLimits) -> object:
        """See `apart`; all that is proved for one user has a time of its own."""
        left_s = budgets.OWNER_PROVING_S.cap - self._proving_s[owner.uid]
        limits = limits._replace(wall_s=min(limits.wall_s, left_s))
        return counted(self._proving_s, owner, lambda: apart(work, limits, owner))


def apart(work: Callable[[], object], limits: OwnerLimits, owner: Owner | None = None) -> object:
    """See `Platform.apart`; without an owner the child has our own rights."""
    with no_answer_told():
        return unix_child.run(work, limits, owner=owner)
