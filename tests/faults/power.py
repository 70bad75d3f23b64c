"""What a power cut leaves of a run, by two models of a file system, and the tree that it leaves.

Both lose whatever was not synced, wholly or in part. "ordered" is ext4 as it is mounted by default: names
reach the disk in their order, all of them with each sync of anything; a file's content reaches it late. "any"
promises what POSIX does: a content is on the disk when that file was synced, a name when its directory was,
and the rest in any order.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.faults.recorded import END, Bytes, Entry, Names, Node, Owned, Recording, Synced, apply

Model = Literal["ordered", "any"]
MODELS: tuple[Model, ...] = ("ordered", "any")
Left = Literal["all", "none", "zeros", "torn-512", "torn-4096"]
"""What is left of what was written since the file's last sync. "zeros": as long, and nothing of it."""
PARTS: tuple[Left, ...] = ("none", "zeros", "torn-512", "torn-4096")
SUBSETS = 3


@dataclass(frozen=True, slots=True)
class State:
    """After `cut` operations the power went: which of them are on the disk, and what is left of files."""

    cut: int
    names: frozenset[int]
    left: tuple[tuple[Node, Left], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """One of the states of a case, at a place from 0 to 1 among all: each recording has its own number."""

    place: float

    def of(self, states: Sequence[State]) -> State:
        """The state at that place."""
        return states[int(self.place * len(states))]

    def __str__(self) -> str:
        return f"power cut at {self.place:.6f} of its states"


def cuts(count: int, seed: int) -> list[Cut]:
    """So many, spread at random; the same for a seed."""
    rng = random.Random(seed)
    return [Cut(rng.random()) for _ in range(count)]


def states(recording: Recording, seed: int) -> list[State]:
    """Every kind of state after every operation, those that look the same but once; the same for a seed."""
    rng = random.Random(seed)
    found: dict[object, State] = {}
    for cut in range(1, len(recording.operations) + 1):
        done = recording.operations[:cut]
        dirty = _dirty(done)
        written = _written_so_far(done, dirty)
        for model in MODELS:
            durable, pending = _names(done, model)
            for names in _choices(pending, model, rng):
                kept = frozenset((*durable, *names))
                for left in _lefts(dirty):
                    found.setdefault((kept, written, left), State(cut, kept, left))
    return list(found.values())


def _names(done: Sequence[object], model: Model) -> tuple[list[int], list[int]]:
    """Which changes of names are on the disk for certain, and which may be."""
    durable: list[int] = []
    pending: list[int] = []
    synced: set[Node] = set()
    any_sync = False
    for number in range(len(done) - 1, -1, -1):
        operation = done[number]
        if isinstance(operation, Synced):
            synced.add(operation.node)
            any_sync = True
        elif isinstance(operation, Names):
            directories = {entry[0] for entry, _ in operation.changes}
            safe = any_sync if model == "ordered" else directories <= synced
            (durable if safe else pending).append(number)
    return durable, pending[::-1]


def _choices(pending: list[int], model: Model, rng: random.Random) -> list[tuple[int, ...]]:
    if model == "ordered":
        return [tuple(pending[:count]) for count in range(len(pending) + 1)]
    few = [tuple(one for one in pending if one != gone) for gone in pending]
    single = [(one,) for one in pending]
    drawn = [tuple(one for one in pending if rng.random() < 0.5) for _ in range(SUBSETS)]
    return [tuple(pending), (), *few, *single, *drawn]


def _dirty(done: Sequence[object]) -> list[Node]:
    """The files with something written since their last sync."""
    dirty: dict[Node, None] = {}
    for operation in done:
        if isinstance(operation, Bytes):
            dirty[operation.node] = None
        elif isinstance(operation, Synced):
            dirty.pop(operation.node, None)
    return list(dirty)


def _lefts(dirty: list[Node]) -> Iterator[tuple[tuple[Node, Left], ...]]:
    yield ()
    if len(dirty) > 1:
        yield tuple((node, "none") for node in dirty)
    for node in dirty:
        for part in PARTS:
            yield ((node, part),)


def _written_so_far(done: Sequence[object], dirty: list[Node]) -> object:
    """The same for two cuts between which nothing was written or synced that can still be lost."""
    last: dict[object, int] = {}
    for number, operation in enumerate(done):
        if isinstance(operation, Bytes):
            last[operation.node] = number
        elif isinstance(operation, Owned):
            last["owned"] = number
        elif isinstance(operation, Synced) and operation.node in dirty:
            last[operation.node, "synced"] = number
    return tuple(last.items())


def leave(recording: Recording, state: State, beside: Path) -> None:
    """The tree, which is as before the run, is as the power cut leaves it. `beside` is free for use."""
    entries = dict(recording.entries)
    for number in sorted(state.names):
        operation = recording.operations[number]
        assert isinstance(operation, Names)
        apply(entries, operation)
    placed = dict(_placed(recording.root, recording.area, _inside(entries)))
    before = dict(_placed(recording.root, recording.area, _inside(recording.entries)))
    lasting = {node for path, node in before.items() if placed.get(path) is node}
    beside.mkdir()
    held: dict[Node, Path] = {}
    for path, node in before.items():
        if placed.get(path) is not node and not node.is_directory:
            held.setdefault(node, beside / str(len(held)))
            os.replace(path, held[node])
    for path in sorted((path for path, node in before.items() if node.is_directory), reverse=True):
        if path not in placed:
            path.rmdir()
    for path, node in placed.items():
        if before.get(path) is not node:
            _put(path, node, held, known=node in lasting, before=before)
    shutil.rmtree(beside)
    first: dict[Node, Path] = {}
    for path, node in placed.items():
        first.setdefault(node, path)
    for node, content in _contents(recording, state, first):
        first[node].write_bytes(content)
    for operation in recording.operations[: state.cut]:
        if isinstance(operation, Owned) and operation.node in first:
            _give(first[operation.node], operation)


def _put(path: Path, node: Node, held: dict[Node, Path], *, known: bool, before: dict[Path, Node]) -> None:
    if node in held:
        os.link(held[node], path)
    elif node.is_directory:
        path.mkdir()
        path.chmod(node.mode)
        os.chown(path, node.uid, node.gid)
    elif known:
        os.link(next(old for old, one in before.items() if one is node), path)
    else:
        path.touch()
        path.chmod(node.mode)
        os.chown(path, node.uid, node.gid)
        # A second name of it is a link.
        held[node] = path


def _inside(entries: dict[Entry, Node]) -> dict[Node, list[tuple[str, Node]]]:
    inside: dict[Node, list[tuple[str, Node]]] = {}
    for (directory, name), node in entries.items():
        inside.setdefault(directory, []).append((name, node))
    return inside


def _placed(
    node: Node, path: Path, inside: dict[Node, list[tuple[str, Node]]]
) -> Iterator[tuple[Path, Node]]:
    """What lies where, directories before what is in them."""
    for name, child in inside.get(node, ()):
        yield path / name, child
        if child.is_directory:
            yield from _placed(child, path / name, inside)


def _contents(recording: Recording, state: State, first: dict[Node, Path]) -> Iterator[tuple[Node, bytes]]:
    """The files whose content is another one than before the run."""
    left = dict(state.left)
    done = recording.operations[: state.cut]
    writes: dict[Node, list[Bytes]] = {}
    safe: dict[Node, int] = {}
    for operation in done:
        if isinstance(operation, Bytes):
            writes.setdefault(operation.node, []).append(operation)
        elif isinstance(operation, Synced):
            safe[operation.node] = len(writes.get(operation.node, ()))
    for node, all_of_it in writes.items():
        if node in first:
            old = first[node].read_bytes()
            synced = _written(old, all_of_it[: safe.get(node, 0)])
            yield node, _part(synced, _written(synced, all_of_it[safe.get(node, 0) :]), left.get(node, "all"))


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


def _part(old: bytes, new: bytes, left: Left) -> bytes:
    match left:
        case "all":
            return new
        case "none":
            return old
        case "zeros":
            same = _same(old, new)
            return new[:same] + bytes(len(new) - same)
        case "torn-512" | "torn-4096":
            size = int(left.removeprefix("torn-"))
            # Of the sectors that differ the first half is there.
            place = _same(old, new) // size * size
            place += max(0, (len(new) - place) // size // 2) * size
            return new[:place] + old[place:]


def _same(old: bytes, new: bytes) -> int:
    """How many bytes at their beginnings are the same."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(old), len(new)))


def _give(path: Path, owned: Owned) -> None:
    mode, uid, gid = owned.given
    if mode != -1:
        path.chmod(mode)
    if (uid, gid) != (-1, -1):
        os.chown(path, uid, gid)
    if owned.attribute is not None:
        os.setxattr(path, *owned.attribute)
