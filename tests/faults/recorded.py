"""What a run and the clients that it starts do to the files below a directory, call by call, byte by byte."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.strace import LINE, as_bytes, as_handle, decoded, path_at, tokens
from tests.faults.traced import LIMIT_S, call, hold_back, redirect
from tests.faults.tree import Entries, Entry, Node, read

CALLS = (
    *("open", "openat", "creat", "write", "pwrite64", "writev", "pwritev", "lseek", "truncate", "ftruncate"),
    *("fsync", "fdatasync", "sync", "syncfs", "dup", "dup2", "dup3", "fcntl", "sendfile", "copy_file_range"),
    *("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"),
    *("symlink", "symlinkat", "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "lchown"),
    *(
        "fsetxattr",
        "setxattr",
        "fremovexattr",
        "removexattr",
        "setresuid",
        "setresgid",
        "setreuid",
        "setregid",
        "close",
    ),
    *("setuid", "setgid"),
    *("clone", "clone3", "fork", "vfork"),
)
END = -1


@dataclass(frozen=True, slots=True)
class Names:
    """Entries change together: what has the name afterwards, None for nothing."""

    changes: tuple[tuple[Entry, Node | None], ...]


@dataclass(frozen=True, slots=True)
class Bytes:
    """`content` stands at `offset`, or at the end of what is there; with None the file has `offset` bytes."""

    node: Node
    offset: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Owned:
    """Mode, owner or an attribute: (name, value) for None, or (mode, uid, gid) with -1 for what stays."""

    node: Node
    given: tuple[int, int, int] = (-1, -1, -1)
    attribute: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Synced:
    """What was done to the file, or the names of the directory, so far is on the disk."""

    node: Node


Operation = Names | Bytes | Owned | Synced


@dataclass(slots=True)
class Recording:
    """The tree before (`root` and the entries below it) and what was done to it, in order."""

    area: Path
    root: Node
    entries: Entries
    operations: list[Operation] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    node: Node
    at: int
    appends: bool


@dataclass(slots=True)
class _Process:
    handles: dict[int, _Open] = field(default_factory=dict)
    uid: int = 0
    gid: int = 0


def record(directory: Path, area: Path, arguments: Sequence[str]) -> tuple[int, Recording]:
    """The command has ended; its exit code, and what it did below `area`."""
    for old in directory.glob("calls.*"):
        old.unlink()
    recording = Recording(area, *read(area))
    waits, go = os.pipe()

    def work() -> int:
        os.close(go)
        redirect(directory)
        os.chdir("/")
        os.read(waits, 1)
        return call(arguments)

    pid = hold_back(work)
    strace = ["strace", "-ff", "-y", "-xx", "-s", "33554432", "-ttt", "-o", str(directory / "calls")]
    trace = subprocess.Popen(
        [*strace, "-e", "trace=" + ",".join(f"?{name}" for name in CALLS), "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert trace.stderr is not None
    said = trace.stderr.readline()
    if "attached" not in said:
        raise RuntimeError(f"strace: {said}")
    os.write(go, b"g")
    os.close(go)
    os.close(waits)
    _, status = os.waitpid(pid, 0)
    # A server that the run started goes on, untraced.
    trace.terminate()
    trace.communicate(timeout=LIMIT_S)
    _Reader(recording, pid).read(directory)
    return os.waitstatus_to_exitcode(status), recording


class _Reader:
    """Follows names and handles through the calls of all processes."""

    def __init__(self, recording: Recording, first: int):
        self._recording = recording
        self._entries = dict(recording.entries)
        self._processes = {first: _Process()}

    def read(self, directory: Path) -> None:
        """Every call is in the recording."""
        lines: list[tuple[float, int, re.Match[str]]] = []
        for path in directory.glob("calls.*"):
            pid = int(path.suffix[1:])
            for line in path.read_text().splitlines():
                match = LINE.match(line)
                if match and match[4] not in ("?", "-1"):
                    lines.append((float(match[1]), pid, match))
        lines.sort(key=lambda item: item[:2])
        for _, pid, match in lines:
            self._call(pid, match)

    def _call(self, pid: int, match: re.Match[str]) -> None:
        name, text, answer = match[2], match[3], int(match[4])
        process = self._processes.setdefault(pid, _Process())
        if name in ("clone", "clone3", "fork", "vfork"):
            shared = "CLONE_FILES" in text
            same = process if shared else _Process(dict(process.handles), process.uid, process.gid)
            self._processes[answer] = same
            return
        given = list(tokens(text))
        handler = getattr(self, f"_{name}", None)
        if handler is None:
            # What is not followed must not change anything: the model would not know.
            if str(self._recording.area) in " ".join(map(str, given)):
                raise RuntimeError(f"{name} is not followed: {given}")
        else:
            for operation in handler(process, given, answer, decoded(match[5] or "")):
                self._recording.operations.append(operation)
                if isinstance(operation, Names):
                    apply(self._entries, operation)

    # --- where

    def _entry(self, path: Path) -> Entry | None:
        """The name's place, when it lies below the area."""
        parent = Path(os.path.realpath(path.parent))
        if self._recording.area not in (parent, *parent.parents):
            return None
        node = self._recording.root
        for name in parent.relative_to(self._recording.area).parts:
            found = self._entries.get((node, name))
            if found is None:
                return None
            node = found
        return node, path.name

    def _node(self, path: Path) -> Node | None:
        if path == self._recording.area:
            return self._recording.root
        entry = self._entry(path)
        return self._entries.get(entry) if entry else None

    def _of(self, process: _Process, handle: tuple[int, Path]) -> _Open | None:
        number, path = handle
        if self._recording.area not in path.parents and path != self._recording.area:
            return None
        found = process.handles.get(number)
        if found is not None:
            return found
        node = self._node(path)
        return None if node is None else _Open(node, 0, appends=False)

    # --- calls: what is yielded is recorded

    def _openat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        flags = str(given[2])
        process.handles.pop(answer, None)
        path = Path(at.removesuffix(" (deleted)"))
        entry = self._entry(path)
        node = (
            self._recording.root
            if path == self._recording.area
            else self._entries.get(entry)
            if entry
            else None
        )
        if node is None and entry is not None and "O_CREAT" in flags:
            node = Node("file", int(str(given[3]), 8) & ~0o022, process.uid, process.gid)
            yield Names(((entry, node),))
        elif node is not None and "O_TRUNC" in flags:
            yield Bytes(node, 0, None)
        if node is not None:
            process.handles[answer] = _Open(node, 0, "O_APPEND" in flags)

    def _write(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            content = as_bytes(given[1])[:answer]
            yield Bytes(opened.node, END if opened.appends else opened.at, content)
            opened.at += len(content)

    def _pwrite64(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            yield Bytes(opened.node, int(str(given[3])), as_bytes(given[1])[:answer])

    def _lseek(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            opened.at = answer
        yield from ()

    def _ftruncate(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            yield Bytes(opened.node, int(str(given[1])), None)

    def _dup(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = process.handles.get(as_handle(given[0])[0]) if isinstance(given[0], tuple) else None
        process.handles.pop(answer, None)
        if opened is not None:
            process.handles[answer] = opened
        yield from ()

    _dup2 = _dup3 = _dup

    def _fcntl(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        if str(given[1]).startswith("F_DUPFD"):
            yield from self._dup(process, given, answer, at)

    def _fsync(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            yield Synced(opened.node)

    _fdatasync = _fsync

    def _renameat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        source, target = self._entry(path_at(given[0], given[1])), self._entry(path_at(given[2], given[3]))
        if source is not None and target is not None:
            yield Names(((target, self._entries[source]), (source, None)))

    _renameat2 = _renameat

    def _rename(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        yield from self._renameat(process, [None, given[0], None, given[1]], answer, at)

    def _linkat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        source, target = self._entry(path_at(given[0], given[1])), self._entry(path_at(given[2], given[3]))
        if source is not None and target is not None:
            yield Names(((target, self._entries[source]),))

    def _unlinkat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        entry = self._entry(path_at(given[0], given[1]))
        if entry is not None:
            yield Names(((entry, None),))

    def _unlink(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        yield from self._unlinkat(process, [None, given[0]], answer, at)

    _rmdir = _unlink

    def _mkdirat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        entry = self._entry(path_at(given[0], given[1]))
        if entry is not None:
            mode = int(str(given[2]), 8) & ~0o022
            yield Names(((entry, Node("directory", mode, process.uid, process.gid)),))

    def _mkdir(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        yield from self._mkdirat(process, [None, *given], answer, at)

    def _fchmod(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            yield Owned(opened.node, (int(str(given[1]), 8), -1, -1))

    def _chmod(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        node = self._node(Path(os.fsdecode(as_bytes(given[0]))))
        if node is not None:
            yield Owned(node, (int(str(given[1]), 8), -1, -1))

    def _fchown(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            yield Owned(opened.node, (-1, int(str(given[1])), int(str(given[2]))))

    def _fchownat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        node = self._node(path_at(given[0], given[1]))
        if node is not None:
            yield Owned(node, (-1, int(str(given[2])), int(str(given[3]))))

    def _fchmodat(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        node = self._node(path_at(given[0], given[1]))
        if node is not None:
            yield Owned(node, (int(str(given[2]), 8), -1, -1))

    def _fsetxattr(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        opened = self._of(process, as_handle(given[0]))
        if opened is not None:
            yield Owned(opened.node, attribute=(os.fsdecode(as_bytes(given[1])), as_bytes(given[2])))

    def _close(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        if isinstance(given[0], tuple):
            process.handles.pop(given[0][0], None)
        yield from ()

    def _setuid(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        # The second of two or three is the one that counts.
        process.uid = int(str(given[:2][-1]))
        yield from ()

    def _setgid(self, process: _Process, given: list[object], answer: int, at: str) -> Iterator[Operation]:
        process.gid = int(str(given[:2][-1]))
        yield from ()

    _setreuid = _setresuid = _setuid
    _setregid = _setresgid = _setgid


def apply(entries: Entries, names: Names) -> None:
    for entry, node in names.changes:
        if node is None:
            entries.pop(entry, None)
        else:
            entries[entry] = node
