"""The protocol of one store as a model: journal, backup, swap, client, recovery.

    scripts/faults.sh model

Two runs of `fix`, of which the second finds what the first left, interleave with each other, with a user's
own session and with an administrator who exchanges the key database. Each is killed, and the power goes, at
every step. Every state that can be reached is healed by `recover` alone; what must hold then is in
`protocol_check.wrong`.

A file is its whole content: "old", "edited", "new", "theirs", "torn" or "gone". What is not synced is on the
disk as it is, as it was, or, where a client writes it, torn; each name by itself, but for a rename and the
link right before it, which come in their order. An administrator leaves a store alone from a run's swap to
the run's end. One who writes between the run's last look and the swap writes in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

MUTANTS = {
    "swap not announced": "the journal does not say that the swap begins",
    "no outcome": "the journal's `changed` is not written",
    "changed too early": "the journal says `changed` before the client's files are on the disk",
    "backup not synced": "the backup is not on the disk before the swap",
    "no lock": "a second run does not wait for the first",
    "undo not compared": "what was put back is not compared with the backup",
    "finished uncompared": "recover takes whatever it finds for what the client was to fetch",
    "torn index kept": "recover keeps the index file after a power cut",
    "theirs not kept": "recover keeps no copy of what somebody else put there",
    "aside not compared": "what the swap set aside is not compared with the backup",
    "aside not kept": "recover keeps no copy of what was set aside and is not the backup's",
}


class Files(NamedTuple):
    """Key database and index file."""

    kdb: str
    idx: str


GONE = Files("gone", "gone")


class Record(NamedTuple):
    """What a run keeps: its journal, of which `synced` events are on the disk, and its backup of `saved`."""

    events: tuple[str, ...] = ()
    synced: int = 0
    saved: Files = GONE
    backup: str = "none"


class State(NamedTuple):
    """`live` and `aside` are what a program sees, `on_disk` is what is certain of both.

    `at` is each run's next step, `on` the record that each works on, `latest` the one whose run changed the
    store last. `found` is what recover kept a copy of.
    """

    live: Files = Files("old", "old")
    aside: Files = GONE
    on_disk: tuple[Files, Files] = (Files("old", "old"), GONE)
    records: tuple[Record, Record] = (Record(), Record())
    at: tuple[str, str] = ("start", "start")
    on: tuple[int, int] = (0, 1)
    latest: int | None = None
    lock: int | None = None
    started_again: bool = False
    sessions: int = 1
    admins: int = 1
    faults: int = 1
    found: frozenset[str] = frozenset()

    def record(self, run: int) -> Record:
        """The one that the run works on."""
        return self.records[self.on[run]]

    def put(self, run: int, **changes: object) -> State:
        """With another record in its place."""
        records = list(self.records)
        records[self.on[run]] = self.record(run)._replace(**changes)  # type: ignore[arg-type]
        return self._replace(records=(records[0], records[1]))

    def to(self, run: int, step: str, **changes: object) -> State:
        """That run's next step is another one."""
        at = (step, self.at[1]) if run == 0 else (self.at[0], step)
        return self._replace(at=at, **changes)  # type: ignore[arg-type]


class Step(NamedTuple):
    """`event` is what was written to a journal: (whose, what)."""

    what: str
    state: State
    event: tuple[int, str] | None = None


JOURNALED = {
    "begin": ("run-started", "begin-store"),
    "begin-store": ("store-started", "back-up"),
    "backed-up": ("backed-up", "look-again"),
    "announce": ("swap", "link"),
    "announce-session": ("reconnect", "client"),
    "say-unchanged": ("store-finished unchanged", "say-finished"),
    "say-changed": ("store-finished changed", "finish"),
    "undo": ("undo-started", "restore-kdb"),
    "say-undone": ("undo-done", "say-rolled-back"),
    "say-rolled-back": ("store-finished rolled-back", "finish"),
    "say-broken": ("store-finished broken", "unlock"),
    "say-finished": ("run-finished", "recover"),
}
"""A step that writes to the journal and syncs it: the event, and the step after it."""
_SWAPPING = (
    "compare-aside",
    "put-back",
    "move",
    "sync-names",
    "announce-session",
    "client",
    "client-writes",
)
_ENDING = ("client-index", "check", "settle", "say-changed", "drop-index")
_UNDOING = ("keep-found", "undo", "restore-kdb", "restore-idx", "compare", "say-undone", "say-rolled-back")
LIVE = frozenset((*_SWAPPING, *_ENDING, *_UNDOING))
"""While a run is there, nobody but the client is at work in the store."""


def is_open(record: Record) -> bool:
    """Whether the run began and did not come to its end."""
    return bool(record.events) and record.events[-1] != "run-finished"


def outcome(record: Record) -> str | None:
    """The last one told; none once an undo began."""
    told = [event for event in record.events if event.startswith(("store-finished", "undo-started"))]
    return told[-1].partition(" ")[2] or None if told else None


def steps(state: State, run: int, mutant: str = "") -> Iterator[Step]:
    """What the run may do next."""
    step = state.at[run]
    whose = state.on[run]
    if step.startswith("sync "):
        record = state.record(run)
        yield Step("sync the journal", state.put(run, synced=len(record.events)).to(run, step[5:]))
    elif step in JOURNALED:
        event, following = JOURNALED[step]
        skipped = {"announce": "swap not announced", "say-changed": "no outcome"}.get(step)
        if mutant and mutant == skipped:
            yield Step("nothing is written", state.to(run, following))
            return
        written = state.put(run, events=(*state.record(run).events, event))
        written = written._replace(latest=whose if event == "swap" else state.latest)
        yield Step(event, written.to(run, f"sync {following}"), (whose, event))
    else:
        for acts in (_around, _swapping, _restoring):
            yield from (Step(step, following) for following in acts(state, run, step, mutant))


def _around(state: State, run: int, step: str, mutant: str) -> Iterator[State]:
    """What comes before the live store is touched, and after."""
    record = state.record(run)
    match step:
        case "start" if state.lock is None or mutant == "no lock":
            yield state.to(run, "recover", lock=run)
        case "recover":
            yield _next_to_recover(state, run)
        case "look":
            yield state.to(run, "begin" if state.live.kdb == "old" else "unlock")
        case "back-up":
            yield state.put(run, saved=state.live, backup="written").to(run, "sync-backup")
        case "sync-backup":
            kept = "written" if mutant == "backup not synced" else "kept"
            yield state.put(run, backup=kept).to(run, "backed-up")
        case "look-again":
            yield state.to(run, "announce" if state.live == record.saved else "say-unchanged")
        case "finish":
            yield state.to(run, "say-finished", aside=GONE, on_disk=(state.on_disk[0], GONE))
        case "unlock":
            yield state.to(run, "over", lock=None if state.lock == run else state.lock)
        case "judge" | "drop-index" | "keep-found":
            yield _recovered(state, run, step, mutant)


def _next_to_recover(state: State, run: int) -> State:
    """The run turns to what another one left, or to its own work."""
    on = list(state.on)
    other = 1 - run
    on[run] = other if is_open(state.records[other]) else run
    state = state._replace(on=(on[0], on[1]))
    if on[run] == other:
        return state.to(run, "judge")
    return state.to(run, "unlock" if state.record(run).events else "look")


def _swapping(state: State, run: int, step: str, mutant: str) -> Iterator[State]:
    """The live store, up to the moment at which the new set counts."""
    live, aside = state.live, state.aside
    match step:
        case "link":
            yield state.to(run, "rename", aside=aside._replace(kdb=live.kdb))
        case "rename":
            yield state.to(run, "compare-aside", live=live._replace(kdb="edited"))
        case "compare-aside":
            same = aside.kdb == state.record(run).saved.kdb or mutant == "aside not compared"
            yield state.to(run, "move" if same else "put-back")
        case "put-back":
            back = live._replace(kdb=aside.kdb)
            yield state.to(run, "say-unchanged", live=back, aside=GONE, on_disk=(back, GONE))
        case "move":
            gone = state._replace(aside=aside._replace(idx=live.idx), live=live._replace(idx="gone"))
            yield gone.to(run, "sync-names")
        case "sync-names":
            yield state.to(run, "announce-session", on_disk=(live, aside))
        case "client":
            # It is refused; or it fetches, unless another session did.
            yield state.to(run, "undo")
            fetches = live.kdb == "edited"
            begun = state._replace(live=live._replace(kdb="torn")) if fetches else state
            yield begun.to(run, "client-writes" if fetches else "check")
        case "client-writes":
            yield state.to(run, "client-index", live=live._replace(kdb="new"))
        case "client-index":
            yield state.to(run, "check", live=live._replace(idx="new"))
        case "check":
            early = "say-changed" if mutant == "changed too early" else "settle"
            yield state.to(run, early if live.kdb == "new" else "undo")
        case "settle":
            yield state.to(run, "say-changed", on_disk=(live, state.on_disk[1]))


def _restoring(state: State, run: int, step: str, mutant: str) -> Iterator[State]:
    """The way back."""
    match step:
        case "restore-kdb" | "restore-idx":
            yield from _restore(state, run, step)
        case "compare":
            same = state.live == state.record(run).saved or mutant == "undo not compared"
            settled = state._replace(on_disk=(state.live, state.aside))
            # A run tells that it is broken; `recover` leaves the journal as it is, for the next try.
            broken = "say-broken" if state.on[run] == run else "unlock"
            yield settled.to(run, "say-undone" if same else broken)


def _restore(state: State, run: int, step: str) -> Iterator[State]:
    """A file is as it was saved: it was so, or comes from aside, or from the backup; or it fails, once."""
    name = step.removeprefix("restore-")
    following = "restore-idx" if name == "kdb" else "compare"
    record = state.record(run)
    wanted, now, aside = (getattr(files, name) for files in (record.saved, state.live, state.aside))
    if now == wanted:
        yield state.to(run, following)
        return
    if state.faults:
        yield state.to(run, following, faults=0)
    if aside == wanted:
        state = state._replace(aside=state.aside._replace(**{name: "gone"}))
    elif record.backup not in ("written", "kept"):
        yield state.to(run, following)
        return
    yield state.to(run, following, live=state.live._replace(**{name: wanted}))


def _recovered(state: State, run: int, step: str, mutant: str) -> State:
    """What `recover` decides of a run that was cut off."""
    record, live = state.record(run), state.live
    if step == "drop-index":
        torn_maybe = state.started_again and live.idx != record.saved.idx and mutant != "torn index kept"
        return state.to(run, "settle", live=live._replace(idx="gone") if torn_maybe else live)
    if step == "keep-found":
        kept = live.kdb == "theirs" and record.saved.kdb != "theirs" and mutant != "theirs not kept"
        return state.to(run, "undo", found=state.found | {"theirs"} if kept else state.found)
    told = outcome(record)
    if state.aside.kdb == "theirs" and record.saved.kdb != "theirs" and mutant != "aside not kept":
        state = state._replace(found=state.found | {"theirs"})
    if "swap" not in record.events or told == "unchanged":
        ended = told is not None or "store-started" not in record.events
        return state.to(run, "say-finished" if ended else "say-unchanged")
    if told in ("changed", "rolled-back"):
        return state.to(run, "finish")
    if live.kdb == "new" or mutant == "finished uncompared":
        return state.to(run, "drop-index")
    return state.to(run, "keep-found")


def others(state: State) -> Iterator[Step]:
    """What a user and an administrator may do."""
    if state.sessions and state.live.kdb == "edited":
        fetched = Files("new", state.live.idx if state.live.idx != "gone" else "new")
        yield Step("a user's session", state._replace(live=fetched, sessions=0))
    if state.admins and not any(step.removeprefix("sync ") in LIVE for step in state.at):
        written = state._replace(live=state.live._replace(kdb="theirs"), admins=0)
        if "rename" in state.at:
            # The file has two names.
            written = written._replace(aside=state.aside._replace(kdb="theirs"))
        yield Step("an administrator", written._replace(on_disk=(written.live, state.on_disk[1])))


def crashes(state: State) -> Iterator[Step]:
    """Each run killed, and what a power cut leaves."""
    for run in (0, 1):
        if state.at[run] not in ("start", "over"):
            lock = None if state.lock == run else state.lock
            yield Step(f"kill {run}", state.to(run, "over", lock=lock))
    if any(step not in ("start", "over") for step in state.at):
        yield from (Step("power cut", left) for left in power_cut(state))


def power_cut(state: State) -> Iterator[State]:
    """Everything that may be on the disk."""
    lives, asides = (
        [Files(*names) for names in product(*map(_left, seen, certain))]
        for seen, certain in zip((state.live, state.aside), state.on_disk, strict=True)
    )
    first, second = (list(_records(record)) for record in state.records)
    at = tuple("start" if step == "start" else "over" for step in state.at)
    # A rename is not before the link that it follows: the file that it replaced has one name at least.
    linked = state.aside.kdb == "theirs"
    for (live, aside), (one, other) in product(product(lives, asides), product(first, second)):
        if linked and live.kdb != state.on_disk[0].kdb and aside.kdb != state.aside.kdb:
            continue
        yield state._replace(
            live=live,
            aside=aside,
            on_disk=(live, aside),
            records=(one, other),
            at=(at[0], at[1]),
            on=(0, 1),
            lock=None,
            started_again=True,
        )


def _left(now: str, safe: str) -> list[str]:
    return list(dict.fromkeys((now, safe, *(("torn",) if now != safe and now in ("new", "torn") else ()))))


def _records(record: Record) -> Iterator[Record]:
    backups = ("torn", "kept") if record.backup == "written" else (record.backup,)
    for backup, count in product(backups, range(record.synced, len(record.events) + 1)):
        yield record._replace(events=record.events[:count], synced=count, backup=backup)
