"""What a power cut leaves of a run, by three models of a file system.

All lose what was not synced, wholly or in part. With "ext4" (as it is mounted by default) and "xfs" the
changes of names, owners, modes and attributes reach the disk in their order, and a sync of something brings
all of them up to the last one that was about it; a file's content reaches the disk at any time. Of "xfs" a
file can be as long as it was written and hold zeros. "any" promises what POSIX does: a content, owner or mode
is on the disk when that file was synced, a name when its directory was, and all else in any order. The models
allow more than these file systems do: ext4 writes a content out, for one, before that file replaces another.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import combinations
from typing import Literal

from tests.faults.recorded import END, Bytes, Names, Operation, Owned, Recording, Synced, apply
from tests.faults.tree import Attributes, Leaf, Node, Tree, placed

Model = Literal["ext4", "xfs", "any"]
MODELS: tuple[Model, ...] = ("ext4", "xfs", "any")
Left = Literal["none", "zeros", "torn-512", "torn-4096", "late-512", "late-4096"]
"""What is left of what was written since the last sync. "zeros": as long, and nothing of it; "torn": the
first half of its sectors; "late": the second half of them."""
_TORN: tuple[Left, ...] = ("none", "torn-512", "torn-4096")
PARTS: dict[Model, tuple[Left, ...]] = {
    "ext4": _TORN,
    "xfs": (*_TORN, "zeros"),
    "any": (*_TORN, "zeros", "late-512", "late-4096"),
}
FULLY = 4
"""Of so many changes that may be lost every combination is tried; of more none, all, each alone, all but each
one, and `DRAWN` that are drawn."""
DRAWN = 3

GROUPS = {
    "journal": "*/journal.jsonl",
    "backup": "*/backup*",
    "directories of the run": "state*/runs*",
    "new file beside the store": "root/*dsmcertfix-*new*",
    "files of the store": "root/*/dsmcert.???",
    "names in the store": "root/*",
}
"""The syncs, by where what they sync lies; the first that fits."""


@dataclass(frozen=True, slots=True)
class State:
    """After `cut` operations the power went: which changes of names and owners are on the disk, and what is
    left of files.
    """

    cut: int
    kept: tuple[int, ...]
    left: tuple[tuple[Node, Left], ...]


Derived = tuple[State, frozenset[Model]]
"""A state, and the models by which it may be left."""


@dataclass(slots=True)
class States:
    """Those of a recording: how many were derived by each model, and the distinct ones."""

    derived: Counter[Model] = field(default_factory=Counter)
    distinct: dict[int, Derived] = field(default_factory=dict)

    def chosen(self, count: int, seed: int) -> list[Derived]:
        """So many of the distinct ones, half of them as ext4 or XFS leaves them; the same for a seed."""
        rng = random.Random(seed)
        ordered = [one for one in self.distinct.values() if one[1] != {"any"}]
        others = [one for one in self.distinct.values() if one[1] == {"any"}]
        rng.shuffle(ordered)
        rng.shuffle(others)
        half = max(count // 2, count - len(others))
        first = ordered[:half]
        return first + others[: count - len(first)]


def states(recording: Recording, seed: int) -> States:
    """Every kind of state after every operation; the same for a seed."""
    rng = random.Random(seed)
    found = States()
    disk = _Disk(recording)
    for cut in range(1, len(recording.operations) + 1):
        disk.advance()
        for model in MODELS:
            durable, pending = disk.pending(model)
            for some in _choices(pending, model, rng):
                kept = tuple(sorted((*durable, *some)))
                for left in _lefts(disk.dirty, model):
                    found.derived[model] += 1
                    key = disk.key(kept, dict(left))
                    state, models = found.distinct.get(key) or (State(cut, kept, left), frozenset())
                    found.distinct[key] = state, models | {model}
    return found


def tree(recording: Recording, state: State) -> Tree:
    """What is on the disk."""
    disk = _Disk(recording)
    for _ in range(state.cut):
        disk.advance()
    return dict(disk.told(disk.place(state.kept), dict(state.left)))


def without(recording: Recording, group: str) -> Recording:
    """The same, but that nothing of this group was synced; what was not is in no other group before it."""
    entries = dict(recording.entries)
    stay: list[Operation] = []
    for operation in recording.operations:
        if isinstance(operation, Names):
            apply(entries, operation)
        if isinstance(operation, Synced):
            paths = [path for path, node in placed(recording.root, entries) if node is operation.node]
            if any(_group(path) == group for path in paths):
                continue
        stay.append(operation)
    return replace(recording, operations=stay)


def _group(path: str) -> str | None:
    return next((group for group, pattern in GROUPS.items() if fnmatch(path, pattern)), None)


Place = list[tuple[str, Node, tuple[Owned, ...]]]


class _Disk:
    """After so many operations of a recording: what may be lost of each of them."""

    def __init__(self, recording: Recording):
        self._recording = recording
        self._entries = dict(recording.entries)
        self._count = 0
        self._touched: dict[Node, int] = {}
        self._reached = -1
        self._writes: dict[Node, list[Bytes]] = {}
        self._safe: dict[Node, int] = {}
        self._contents: dict[tuple[Node, int, int, Left | None], bytes] = {}
        self._outlines: dict[tuple[int, ...], tuple[int, tuple[Node, ...]]] = {}
        self._ever = {one.node for one in recording.operations if isinstance(one, Bytes)}
        self.dirty: list[Node] = []

    def advance(self) -> None:
        """One operation more was done."""
        operation = self._recording.operations[self._count]
        match operation:
            case Names(changes):
                for entry, node in changes:
                    for one in (entry[0], node, self._entries.get(entry)):
                        if one is not None:
                            self._touched[one] = self._count
                apply(self._entries, operation)
            case Bytes(node):
                self._touched[node] = self._count
                self._writes.setdefault(node, []).append(operation)
            case Owned(node):
                self._touched[node] = self._count
            case Synced(node):
                self._reached = max(self._reached, self._touched.get(node, -1))
                self._safe[node] = len(self._writes.get(node, ()))
        self._count += 1
        self.dirty = [
            node for node, all_of_it in self._writes.items() if len(all_of_it) > self._safe.get(node, 0)
        ]

    def pending(self, model: Model) -> tuple[list[int], list[int]]:
        """Which changes of names and owners are on the disk for certain, and which may be."""
        durable: list[int] = []
        pending: list[int] = []
        synced: set[Node] = set()
        for number in range(self._count - 1, -1, -1):
            match self._recording.operations[number]:
                case Synced(node):
                    synced.add(node)
                    continue
                case Names(changes):
                    safe = {entry[0] for entry, _ in changes} <= synced
                case Owned(node):
                    safe = node in synced
                case _:
                    continue
            if model != "any":
                safe = number <= self._reached
            (durable if safe else pending).append(number)
        return durable[::-1], pending[::-1]

    def place(self, kept: tuple[int, ...]) -> Place:
        """What lies where, and what was done to its owner and mode."""
        entries = dict(self._recording.entries)
        owned: dict[Node, list[Owned]] = {}
        for number in kept:
            match self._recording.operations[number]:
                case Names() as names:
                    apply(entries, names)
                case Owned(node) as one:
                    owned.setdefault(node, []).append(one)
        found = placed(self._recording.root, entries)
        return [(path, node, tuple(owned.get(node, ()))) for path, node in found]

    def key(self, kept: tuple[int, ...], left: dict[Node, Left]) -> int:
        """The same for states that are the same in every path, byte, mode, owner and attribute."""
        names, written = self._outline(kept)
        contents = tuple(self._content(node, left.get(node)) for node in written)
        return hash((names, contents))

    def _outline(self, kept: tuple[int, ...]) -> tuple[int, tuple[Node, ...]]:
        """All that differs between states but the contents of these files, which the run wrote."""
        if kept not in self._outlines:
            place = self.place(kept)
            first: dict[Node, int] = {}
            names = []
            for number, (path, node, owned) in enumerate(place):
                content = None if node in self._ever else node.content
                same = first.setdefault(node, number)
                names.append((path, same, content, node.kind, _about(node, owned), node.mtime_ns))
            self._outlines[kept] = hash(tuple(names)), tuple(node for node in first if node in self._ever)
        return self._outlines[kept]

    def told(self, place: Place, left: dict[Node, Left]) -> Iterator[tuple[str, Leaf]]:
        """Path and leaf of all that is on the disk."""
        first: dict[Node, int] = {}
        for number, (path, node, owned) in enumerate(place):
            mode, uid, gid, attributes = _about(node, owned)
            content = self._content(node, left.get(node))
            mtime = node.mtime_ns if content == node.content else None
            same = first.setdefault(node, number)
            yield path, Leaf(same, node.kind, mode, uid, gid, content, attributes, mtime)

    def _content(self, node: Node, left: Left | None) -> bytes:
        writes, safe = self._writes.get(node), self._safe.get(node, 0)
        if writes is None:
            return node.content
        key = node, safe, len(writes), left
        if key not in self._contents:
            synced = _written(node.content, writes[:safe])
            self._contents[key] = _part(synced, _written(synced, writes[safe:]), left)
        return self._contents[key]


def _about(node: Node, owned: Sequence[Owned]) -> tuple[int, int, int, Attributes]:
    """Mode, owner, group and attributes of what all this was done to."""
    mode, uid, gid, attributes = node.mode, node.uid, node.gid, dict(node.attributes)
    for one in owned:
        changed, user, group = one.given
        mode = mode if changed == -1 else changed
        uid, gid = (uid if user == -1 else user), (gid if group == -1 else group)
        if one.attribute is not None:
            attributes[one.attribute[0]] = one.attribute[1]
    return mode, uid, gid, tuple(sorted(attributes.items()))


def _choices(pending: list[int], model: Model, rng: random.Random) -> Iterator[tuple[int, ...]]:
    if model != "any":
        yield from (tuple(pending[:count]) for count in range(len(pending) + 1))
    elif len(pending) <= FULLY:
        for count in range(len(pending) + 1):
            yield from combinations(pending, count)
    else:
        yield from ((), tuple(pending))
        yield from ((one,) for one in pending)
        yield from (tuple(one for one in pending if one != gone) for gone in pending)
        yield from (tuple(one for one in pending if rng.random() < 0.5) for _ in range(DRAWN))


def _lefts(dirty: list[Node], model: Model) -> Iterator[tuple[tuple[Node, Left], ...]]:
    yield ()
    if len(dirty) > 1:
        yield tuple((node, "none") for node in dirty)
    for node in dirty:
        for part in PARTS[model]:
            yield ((node, part),)


def _written(content: bytes, writes: Sequence[Bytes]) -> bytes:
    made = bytearray(content)
    for one in writes:
        if one.content is None:
            del made[one.offset :]
            made.extend(bytes(one.offset - len(made)))
        else:
            place = len(made) if one.offset == END else one.offset
            made.extend(bytes(max(0, place - len(made))))
            made[place : place + len(one.content)] = one.content
    return bytes(made)


def _part(old: bytes, new: bytes, left: Left | None) -> bytes:
    if left is None:
        return new
    if left == "none":
        return old
    same = _same(old, new)
    if left == "zeros":
        return new[:same] + bytes(len(new) - same)
    how, _, size = left.partition("-")
    place = same // int(size) * int(size)
    place += max(0, (len(new) - place) // int(size) // 2) * int(size)
    if how == "torn":
        return new[:place] + old[place:]
    return old[:place] + bytes(max(0, place - len(old))) + new[place:]


def _same(old: bytes, new: bytes) -> int:
    """How many bytes at their beginnings are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(old), len(new)))
