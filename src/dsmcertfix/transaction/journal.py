"""The journal of a run: what was about to be done, on disk before it was done.

Owns the file format: JSON Lines, one event a line, `schema` in the first. A reader skips unknown events and
fields, so that a journal of any release loads; a torn last line is an intention that never became an act.

The events are a chain: `prev` of each is the SHA-256 of the line before it, without its line end, and 64
zeros in the first. The hash of the last line (the head) stands for all of them. A torn line is no part of it,
and the journals of earlier releases have none.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from dsmcertfix import NamedTuple
from dsmcertfix.errors import Unrecovered
from dsmcertfix.system.private import sync_directory

SCHEMA = "dsmcertfix.journal/1"
FILE = "journal.jsonl"
FIRST = "0" * 64
"""What the first event has in place of a hash."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line: number, UTC time, kind ("step-started"), the store's id or None, and what belongs to it."""

    number: int
    at: datetime
    kind: str
    store: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """An open journal. After `append` returns, the event survives a power cut."""

    def __init__(self, path: Path, observe: Callable[[Event], None], events: tuple[Event, ...] = ()):
        self.path = path
        self._observe = observe
        self._events = list(events)
        flags = (
            os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        )
        self._handle = os.open(path, flags, 0o600)
        before = path.read_bytes() if events else b""
        self._torn = bool(events) and not before.endswith(b"\n")
        self._head = chain_of(before).head
        sync_directory(path.parent)

    @property
    def events(self) -> tuple[Event, ...]:
        """All events so far."""
        return tuple(self._events)

    def append(self, kind: str, store: str | None = None, **data: object) -> Event:
        """The event is on disk, and whoever watches has seen it. Raises OSError when the disk is full."""
        event = Event(len(self._events), datetime.now(timezone.utc), kind, store, data)
        self._write(event)
        self._tell(event)
        return event

    def note(self, kind: str, store: str | None = None, **data: object) -> Event:
        """The event is told, and on disk where that is possible: a full disk stands in no undo's way."""
        event = Event(len(self._events), datetime.now(timezone.utc), kind, store, data)
        with contextlib.suppress(OSError):
            self._write(event)
        self._tell(event)
        return event

    def _write(self, event: Event) -> None:
        line = {"n": event.number, "at": event.at.isoformat(), "event": event.kind, "store": event.store}
        line |= event.data
        if self._torn:
            # What was cut off may be whole but for its line end.
            self._head = chain_of(self.path.read_bytes()).head
        line["prev"] = self._head
        text = json.dumps({key: value for key, value in line.items() if value is not None}).encode()
        # A full disk may have cut the line before: it must not swallow this one too.
        rest = memoryview((b"\n" if self._torn else b"") + text + b"\n")
        self._torn = True
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        self._torn, self._head = False, sha256(text).hexdigest()
        os.fsync(self._handle)

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        # A terminal that is gone must neither stop a repair nor an undo.
        with contextlib.suppress(Exception):
            self._observe(event)

    def close(self) -> None:
        """Nothing more is written."""
        os.close(self._handle)


def read_journal(path: Path) -> tuple[Event, ...]:
    """The events of a journal, without a torn line.

    Raises Unrecovered when the file cannot be read or is of a newer format.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Unrecovered(
            "journal-unreadable", f"the journal `{path}` cannot be read: {error.strerror}"
        ) from error
    events = tuple(event for line in lines if (event := _event(line)) is not None)
    schema = events[0].data.get("schema", SCHEMA) if events else SCHEMA
    if schema != SCHEMA:
        raise Unrecovered(
            "journal-of-newer-release",
            f"the journal `{path}` has the format {schema}, which this release does not know",
        )
    return events


class Chain(NamedTuple):
    """Whether the events of a journal are as they were written, as far as the journal itself can tell.

    `chained` of `events` carry the hash of the one before; `head` is the hash of the last line. `broken_at`
    is the number of the first line (from 1) that does not fit what stands before it.
    """

    events: int
    chained: int
    head: str
    broken_at: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every event is in the chain, and none before the last was changed, moved or taken out."""
        return self.events > 0 and self.chained == self.events and self.broken_at is None


def chain_of(data: bytes) -> Chain:
    """The chain in the bytes of a journal. Never raises."""
    events, chained, head, broken_at = 0, 0, FIRST, None
    for number, line in enumerate(data.split(b"\n"), start=1):
        if _event(line) is None:
            continue
        events += 1
        told = json.loads(line).get("prev")
        if told is not None or chained:
            chained += 1
            if told != head and broken_at is None:
                broken_at = number
        head = sha256(line).hexdigest()
    return Chain(events, chained, head, broken_at)


def _event(line: bytes) -> Event | None:
    if not line.startswith(b"{"):
        return None
    try:
        data = json.loads(line)
        data.pop("prev", None)
        at = datetime.fromisoformat(data.pop("at"))
        number, kind, store = int(data.pop("n")), str(data.pop("event")), data.pop("store", None)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return Event(number, at, kind, store, data) if store is None or isinstance(store, str) else None
