"""The journal: what was appended is on disk, and whatever a crash leaves can be read."""

from __future__ import annotations

import errno
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from dsmcertfix.errors import Unrecovered
from dsmcertfix.report.catalogue import next_step
from dsmcertfix.transaction.journal import FIRST, SCHEMA, Event, Journal, chain_of, read_journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def begun(path: Path, *kinds: str) -> Journal:
    journal = Journal(path, lambda event: None)
    journal.append("run-started", schema=SCHEMA, run="r1")
    for kind in kinds:
        journal.append(kind, "s1", step="swap")
    return journal


def kinds(path: Path) -> list[str]:
    return [event.kind for event in read_journal(path)]


def test_what_was_appended_is_read_back(path: Path) -> None:
    journal = begun(path)
    journal.append("step-started", "s1", step="swap", live=True, note=None, text="é\udcff\n")
    journal.close()
    first, second = read_journal(path)
    assert (first.kind, first.store, first.data["run"]) == ("run-started", None, "r1")
    assert (second.number, second.store) == (1, "s1")
    assert second.data == {"step": "swap", "live": True, "text": "é\udcff\n"}
    assert second.at.tzinfo is not None


def test_a_journal_is_closed_to_others(path: Path) -> None:
    begun(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_observer_sees_every_event_after_it_is_on_disk(path: Path) -> None:
    on_disk: list[tuple[str, list[str]]] = []
    journal = Journal(path, lambda event: on_disk.append((event.kind, kinds(path))))
    journal.append("run-started", schema=SCHEMA)
    journal.append("step-started", "s1")
    journal.close()
    assert on_disk == [("run-started", ["run-started"]), ("step-started", ["run-started", "step-started"])]


def test_an_observer_that_fails_stops_nothing(path: Path) -> None:
    def broken(event: Event) -> None:
        raise OSError(errno.EIO, "the terminal is gone")

    journal = Journal(path, broken)
    journal.append("run-started", schema=SCHEMA)
    journal.note("undo-started", "s1")
    journal.close()
    assert kinds(path) == ["run-started", "undo-started"]


def test_an_event_is_synced_before_append_returns_and_the_name_before_anything(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, write = os.fsync, os.write

    def record(handle: int) -> None:
        calls.append("sync " + Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        fsync(handle)

    def recorded(handle: int, data: bytes) -> int:
        calls.append("write")
        return write(handle, data)

    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(os, "write", recorded)
    journal = begun(path)
    journal.close()
    assert calls == [f"sync {path.parent.name}", "write", "sync journal.jsonl"]


@pytest.mark.parametrize("size", [0, 1, 5, 40])
def test_a_torn_last_line_is_passed_over(path: Path, size: int) -> None:
    begun(path, "step-started", "step-done").close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:size])
    assert kinds(path) == ["run-started", "step-started"]


@pytest.mark.parametrize("size", [0, 1, 5, 40])
def test_after_a_torn_line_the_next_event_is_whole(path: Path, size: int) -> None:
    begun(path, "step-started", "step-done").close()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:size])
    journal = Journal(path, lambda event: None, read_journal(path))
    journal.append("run-finished", recovered=True)
    journal.close()
    assert kinds(path) == ["run-started", "step-started", "run-finished"]


def test_a_line_that_a_full_disk_cut_does_not_swallow_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = begun(path)
    write = os.write
    room = [10]

    def full(handle: int, data: bytes) -> int:
        taken = min(room[0], len(data))
        if not taken:
            raise OSError(errno.ENOSPC, "No space left on device")
        room[0] -= taken
        return write(handle, bytes(data)[:taken])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            journal.append("step-started", "s1")
        assert journal.note("undo-started", "s1").kind == "undo-started"
    journal.append("undo-done", "s1")
    journal.close()
    assert kinds(path) == ["run-started", "undo-done"]
    assert [event.kind for event in journal.events] == ["run-started", "undo-started", "undo-done"]


def test_a_device_that_is_full_refuses_the_event() -> None:
    journal = Journal.__new__(Journal)
    handle = os.open("/dev/full", os.O_WRONLY)
    journal.__dict__.update(
        path=Path("/dev/full"), _handle=handle, _events=[], _torn=False, _head=FIRST, _observe=print
    )
    with pytest.raises(OSError, match="No space left"):
        journal.append("step-started", "s1")
    journal.close()
    assert journal.events == ()


def test_events_and_fields_of_another_release_are_kept_or_passed_over(path: Path) -> None:
    at = "2031-01-01T00:00:00+00:00"
    lines = [
        {"n": 0, "at": at, "event": "run-started", "schema": SCHEMA, "colour": "blue"},
        {"n": 1, "at": at, "event": "moon-landed", "store": "s1", "deep": {"er": [1]}},
        "just a text",
        {"n": "x", "at": at, "event": "bad-number"},
        {"n": 2, "at": "yesterday", "event": "bad-time"},
        {"n": 3, "at": at},
        {"n": 4, "at": at, "event": "run-finished"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + "[" * 100_000 + "\n\xff\n")
    assert kinds(path) == ["run-started", "moon-landed", "run-finished"]


@pytest.mark.parametrize("schema", ["dsmcertfix.journal/2", "something-else"])
def test_a_newer_format_is_refused_with_the_way_out(path: Path, schema: str) -> None:
    at = "2031-01-01T00:00:00+00:00"
    path.write_text(json.dumps({"n": 0, "at": at, "event": "run-started", "schema": schema}) + "\n")
    with pytest.raises(Unrecovered) as raised:
        read_journal(path)
    assert raised.value.code == "journal-of-newer-release"
    assert schema in raised.value.message and next_step(raised.value.code)


def test_an_empty_journal_has_no_events(path: Path) -> None:
    path.write_bytes(b"")
    assert read_journal(path) == ()


def test_a_journal_that_cannot_be_read_is_an_error_of_ours(path: Path) -> None:
    path.mkdir()
    with pytest.raises(Unrecovered) as raised:
        read_journal(path)
    assert raised.value.code == "journal-unreadable"


def test_a_journal_is_never_written_through_a_link(path: Path) -> None:
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(OSError, match=r"symbolic|levels"):
        Journal(path, lambda event: None)
    assert not (path.parent / "elsewhere").exists()


# --- the chain


def test_each_event_carries_the_hash_of_the_one_before(path: Path) -> None:
    begun(path, "step-started", "step-done").close()
    lines = path.read_bytes().splitlines()
    told = [json.loads(line)["prev"] for line in lines]
    assert told == [FIRST, *(sha256(line).hexdigest() for line in lines[:-1])]
    chain = chain_of(path.read_bytes())
    assert chain.is_whole and chain.events == 3 and chain.head == sha256(lines[-1]).hexdigest()
    assert "prev" not in read_journal(path)[0].data


@pytest.mark.parametrize("size", [0, 1, 5, 40, 10_000])
def test_a_torn_line_breaks_no_chain(path: Path, size: int) -> None:
    begun(path, "step-started", "step-done").close()
    lines = path.read_bytes().splitlines(keepends=True)
    # With all of it but its line end: then it is an event.
    path.write_bytes(b"".join(lines[:-1]) + lines[-1].rstrip(b"\n")[:size])
    journal = Journal(path, lambda event: None, read_journal(path))
    journal.append("run-finished")
    journal.close()
    assert chain_of(path.read_bytes()).is_whole


@pytest.mark.parametrize("change", ["a letter", "taken out", "moved", "put in", "first", "without a hash"])
def test_whoever_changes_an_event_breaks_the_chain(path: Path, change: str) -> None:
    begun(path, "step-started", "step-done", "run-finished").close()
    one, two, three, four = path.read_bytes().splitlines(keepends=True)
    bare = {name: value for name, value in json.loads(two).items() if name != "prev"}
    path.write_bytes(
        b"".join(
            {
                "a letter": (one, two.replace(b"swap", b"swop"), three, four),
                "taken out": (one, three, four),
                "moved": (one, three, two, four),
                "put in": (one, two, two, three, four),
                "first": (two, three, four),
                "without a hash": (one, json.dumps(bare).encode() + b"\n", three, four),
            }[change]
        )
    )
    chain = chain_of(path.read_bytes())
    assert not chain.is_whole and chain.broken_at is not None


@pytest.mark.parametrize("name", ["broken", "changed", "cut-off", "rolled-back"])
def test_a_journal_from_before_the_chain_loads_and_goes_on(path: Path, name: str) -> None:
    old = Path(__file__).parents[1] / "data" / "journals" / f"0.1.0-{name}.jsonl"
    path.write_bytes(old.read_bytes())
    before = read_journal(path)
    assert before and chain_of(path.read_bytes()).chained == 0
    journal = Journal(path, lambda event: None, before)
    journal.append("run-finished", recovered=True)
    journal.append("run-finished", recovered=True)
    journal.close()
    chain = chain_of(path.read_bytes())
    assert (chain.chained, chain.broken_at, chain.is_whole) == (2, None, False)
    assert len(read_journal(path)) == len(before) + 2


def test_a_journal_without_an_event_has_no_chain_that_is_whole(path: Path) -> None:
    chain = chain_of(b"")
    assert (chain.events, chain.head, chain.broken_at, chain.is_whole) == (0, FIRST, None, False)


def test_of_a_broken_chain_the_first_line_is_told() -> None:
    line = '{{"n": {}, "at": "2031-01-01T00:00:00+00:00", "event": "x", "prev": "{}"}}'
    data = "\n".join(line.format(number, "0" * 64) for number in range(4)).encode()
    assert chain_of(data).broken_at == 2
