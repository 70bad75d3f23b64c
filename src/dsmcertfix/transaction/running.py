"""A run from its first event to its last: the frame that every command has which changes the machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator

from dsmcertfix.errors import Outcome
from dsmcertfix.system.host import Host, host_name
from dsmcertfix.transaction.ending import expire
from dsmcertfix.transaction.executor import Run
from dsmcertfix.transaction.interrupts import watching
from dsmcertfix.transaction.journal import Event
from dsmcertfix.transaction.runs import new_run


@contextlib.contextmanager
def running(host: Host, command: str, observe: Callable[[Event], None], **header: object) -> Iterator[Run]:
    """A new run of that command, with the `header` in its journal's first event.

    Until the end of the block its journal is open, and a signal that would end us is held back. Call it only
    while alone.
    """
    about = {"command": command, "host": host_name(), "root": str(host.platform.places.root)}
    with watching() as interrupts:
        journal = new_run(host.platform, host.state, observe, about | header)
        try:
            yield Run(journal.path.parent.name, journal.path.parent, journal, interrupts)
        finally:
            journal.close()


def finish(host: Host, run: Run, outcomes: Collection[Outcome]) -> None:
    """The run is at its end, unless one of its sets is broken; the older sets that are not kept are gone."""
    if "broken" not in outcomes:
        run.journal.note("run-finished")
    expire(host.state, host.sets_kept, run.journal)
