"""Each guard of a transaction holds alone: what it refuses is refused before anything live is touched."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from tests.transaction.calls import recorded
from tests.transaction.kit import (
    NEW,
    PASSWORD,
    STASH,
    THREE,
    UNIX,
    A,
    B,
    C,
    Machine,
    database,
    fetching,
    kinds,
    machine,
    seen,
    tell,
)

from dsmbench import certificates
from dsmcertfix.errors import Busy, DsmcertfixError, EditFailed, FailedSession, ReconnectFailed
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import Owner, Presented, Stanza
from dsmcertfix.system.process.run import waited
from dsmcertfix.transaction import live
from dsmcertfix.transaction.checks import check_edit
from dsmcertfix.transaction.executor import Ended, Run, Subject
from dsmcertfix.transaction.journal import Event
from dsmcertfix.transaction.rollback import Rollback


def code(ended: Ended) -> str:
    return ended.problem.code if ended.problem else ""


def backup_of(mine: Machine) -> Path:
    (path,) = mine.state.glob("runs/*/stores/*/backup")
    return path


# --- the private copy ------------------------------------------------------------------------------------


def test_a_private_copy_that_changed_after_its_edit_never_becomes_the_store(mine: Machine) -> None:
    before = seen(mine.directory)

    def spoil(event: Event) -> None:
        if (event.kind, event.data.get("step")) == ("step-done", "delete-label"):
            (copy,) = mine.state.glob("runs/*/stores/*/stage/dsmcert.kdb")
            copy.write_bytes(database(("A", A)))

    ended, journal = mine.fix(observe=spoil)
    assert (ended.outcome, code(ended)) == ("unchanged", "other-records-changed")
    assert seen(mine.directory) == before
    assert "step-started swap" not in kinds(journal)


LEFT = kdb.remove(kdb.read(THREE), PASSWORD, label="B", sha256=sha256(B).hexdigest())
GONE = [("B", B)]


def test_an_edit_that_did_what_it_should_is_no_error() -> None:
    check_edit(THREE, LEFT, STASH, GONE, [])
    check_edit(LEFT, kdb.add(kdb.read(LEFT), PASSWORD, label="N", certificate=NEW), STASH, [], [("N", NEW)])


@pytest.mark.parametrize(
    ("after", "removed", "added", "why"),
    [
        (THREE, GONE, [], "other-records-changed"),
        (database(("C", C), ("A", A)), GONE, [], "other-records-changed"),
        (database(("A", A), ("C", C), ("D", NEW)), GONE, [], "other-records-changed"),
        (database(("A", A), ("C", C), version=3), GONE, [], "version-changed"),
        (LEFT, GONE, [("N", NEW)], "certificate-not-added"),
    ],
)
def test_an_edit_that_did_something_else_is_refused(
    after: bytes, removed: list[tuple[str, bytes]], added: list[tuple[str, bytes]], why: str
) -> None:
    with pytest.raises(EditFailed) as raised:
        check_edit(THREE, after, STASH, removed, added)
    assert raised.value.code == why


def test_an_edit_whose_codes_are_wrong_is_refused() -> None:
    """Each byte of the header, and some of the rest, is another one."""
    for number in (*range(60), *range(60, len(LEFT), 97)):
        after = LEFT[:number] + bytes([LEFT[number] ^ 1]) + LEFT[number + 1 :]
        with pytest.raises(DsmcertfixError):
            check_edit(THREE, after, STASH, GONE, [])


def test_an_edit_under_another_password_is_refused() -> None:
    other = STASH[:3] + bytes([STASH[3] ^ 1]) + STASH[4:]
    with pytest.raises(DsmcertfixError):
        check_edit(THREE, LEFT, other, GONE, [])


def test_what_was_put_in_without_trust_is_refused() -> None:
    after = kdb.add(kdb.read(LEFT), PASSWORD, label="N", certificate=NEW, marked=False)
    with pytest.raises(EditFailed) as raised:
        check_edit(LEFT, after, STASH, [], [("N", NEW)])
    assert raised.value.code == "certificate-not-trusted"


# --- the rollback ----------------------------------------------------------------------------------------


def rolled_back(
    mine: Machine, ready: Callable[[], None] = lambda: None, *, read_only: str = "", mounted: str = ""
) -> Ended:
    """A rollback in which files with these endings are mounts, or lie where nothing can be written."""
    now = mine.read()
    files = tuple(
        fact._replace(read_only=fact.file.value[-3:] in read_only, mounted=fact.file.value[-3:] in mounted)
        for fact in now.files
    )
    backup = backup_of(mine)
    journal = mine.begin()
    run = Run(journal.path.parent.name, journal.path.parent, journal, mine.interrupts)
    subject = Subject(now.located, files)
    rollback = Rollback(subject, backup, UNIX, run, lambda: tell(mine.read()), ready)
    try:
        return waited(rollback.run())
    finally:
        journal.close()


def test_a_damaged_set_is_refused_before_a_rollback_moves_anything(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine.fix()
    (backup_of(mine) / "dsmcert.idx").write_bytes(b"damaged")
    before = seen(mine.directory)
    inode = (mine.directory / "dsmcert.kdb").stat().st_ino
    calls = recorded(monkeypatch)
    ended = rolled_back(mine, lambda: None)
    assert code(ended) == "backup-damaged"
    assert seen(mine.directory) == before and (mine.directory / "dsmcert.kdb").stat().st_ino == inode
    assert not [call for call in calls if call.startswith(("link", "rename")) and "dsmcertfix-" in call]


@pytest.mark.parametrize(
    ("read_only", "mounted", "told"),
    [
        ("kdb sth idx", "", "store-read-only"),
        ("kdb", "", "store-read-only"),
        # As it is in the backup: it is not written.
        ("sth", "sth", ""),
        # The repair's index file has to go; the key database is written in its place.
        ("", "idx", "store-files-mounted"),
        ("idx", "", "store-read-only"),
        ("", "kdb sth", ""),
    ],
)
def test_what_a_mount_keeps_from_being_as_it_was_is_refused_before_it_is_saved(
    mine: Machine, read_only: str, mounted: str, told: str
) -> None:
    (mine.directory / "dsmcert.idx").unlink()
    mine.fix()
    first = backup_of(mine)
    ended = rolled_back(mine, read_only=read_only, mounted=mounted)
    assert (ended.outcome, code(ended)) == ("unchanged" if told else "rolled-back", told)
    if told:
        assert backup_of(mine) == first


@pytest.mark.parametrize(("times", "outcome"), [(1, "unchanged"), (2, "rolled-back")])
def test_a_rollback_waits_for_who_is_in_the_way_before_it_saves_and_before_it_restores(
    mine: Machine, times: int, outcome: str
) -> None:
    mine.fix()
    before = seen(mine.directory)
    asked: list[int] = []

    def ready() -> None:
        asked.append(1)
        if len(asked) == times:
            raise Busy("backup-is-running", "a backup runs")

    ended = rolled_back(mine, ready)
    assert (ended.outcome, code(ended)) == (outcome, "backup-is-running")
    assert len(asked) == times and seen(mine.directory) == before


# --- who may use the store afterwards ---------------------------------------------------------------------


def test_who_could_use_the_files_can_use_those_that_the_client_made_anew_and_nobody_else(
    mine: Machine,
) -> None:
    before = {path.name: path.stat().st_mode for path in mine.directory.iterdir()}

    def reconnect(stanza: Stanza, owner: Owner) -> None:
        fetching(mine.directory)(stanza, owner)
        for path in mine.directory.glob("dsmcert.???"):
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
            path.chmod(0o666)

    ended, _ = mine.fix(reconnect)
    assert ended == Ended("changed", None)
    assert {path.name: path.stat().st_mode for path in mine.directory.iterdir()} == before


# --- the end ---------------------------------------------------------------------------------------------


def test_the_success_is_on_record_only_after_what_the_client_wrote_is_on_the_disk(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = recorded(monkeypatch)
    ended, _ = mine.fix()
    assert ended.outcome == "changed"
    last = len(calls) - 1 - calls[::-1].index("rename dsmcert.idx dsmcert.idx.dsmcertfix-" + run_of(mine))
    synced = calls[last:]
    live = [synced.index(f"sync {name}") for name in ("dsmcert.kdb", "dsmcert.sth", "dsmcert.idx")]
    journaled = [number for number, call in enumerate(synced) if call == "sync journal.jsonl"]
    # Its own line, and that of the run's end.
    assert max(live) < synced.index("sync store", max(live)) < journaled[-2]


def run_of(mine: Machine) -> str:
    (journal,) = mine.state.glob("runs/*/journal.jsonl")
    return f"{journal.parent.name}-aside"


def test_what_is_kept_of_a_failure_does_not_hang_on_the_store_being_readable(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(store: object) -> dict[str, object]:
        raise ZeroDivisionError

    def reconnect(stanza: Stanza, owner: Owner) -> ReconnectFailed:
        monkeypatch.setattr("tests.transaction.kit.store_report", unreadable)
        return ReconnectFailed("client-refused", "refused")

    before = seen(mine.directory)
    ended, journal = mine.fix(reconnect)
    assert (ended.outcome, code(ended)) == ("rolled-back", "client-refused")
    assert kinds(journal)[-2:] == ["store-finished", "run-finished"]
    assert seen(mine.directory) == before


def test_a_store_that_cannot_be_put_back_is_told_once(mine: Machine) -> None:
    def block(stanza: Stanza, owner: Owner) -> ReconnectFailed:
        (mine.directory / "dsmcert.idx").unlink(missing_ok=True)
        (mine.directory / "dsmcert.idx").mkdir()
        return ReconnectFailed("client-refused", "refused")

    ended, _ = mine.fix(block)
    assert ended.problem is not None
    assert ended.problem.message == f"the store in `{mine.directory}` could not be put back whole"


# --- what the journal tells ------------------------------------------------------------------------------


def test_the_journal_tells_where_the_set_is_which_step_failed_and_why(mine: Machine) -> None:
    ended, journal = mine.fix(lambda stanza, owner: ReconnectFailed("client-refused", "refused"))
    told = {(event.kind, event.data.get("step")): event.data for event in journal.events}
    assert told["step-done", "back-up"]["note"] == str(backup_of(mine))
    failed = told["step-failed", "reconnect"]
    assert (failed["note"], failed["problem"]["code"]) == ("refused", "client-refused")
    assert told["step-done", "check-staged"]["note"] is None
    done = told["step-done", "delete-label"]["note"]
    assert done == "done by native"
    end = told["store-finished", None]
    assert end["backup"] == str(backup_of(mine)) and end["outcome"] == "rolled-back"
    assert ended.problem is not None and end["problem"] == ended.problem.to_data()


def test_what_the_new_store_is_and_who_lost_access_to_it_is_in_the_journal(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "access_lost", lambda directory, backup: ("somebody lost access",))
    _, journal = mine.fix()
    (end,) = (event.data for event in journal.events if event.kind == "store-finished")
    assert end["report"]["notes"][-1] == "somebody lost access"
    assert not any(len(note) == 1 for note in end["report"]["notes"])
    assert "swap" in {event.data.get("step") for event in journal.events if event.data.get("live")}
    check = next(
        e.data for e in journal.events if (e.kind, e.data.get("step")) == ("step-done", "check-live")
    )
    assert check["note"] == f"SHA-256 {sha256(NEW).hexdigest()}"


# --- a session that another one overtook ------------------------------------------------------------------


def overtaken(mine: Machine, code: str | None, *, answers: bool = True, held: bytes = NEW) -> int:
    """How often the client was asked, where its first session fails with that code beside another's fetch."""
    asked: list[int] = []
    mine.present = lambda servers: tuple(
        Presented(server, (describe(NEW, ""),) if answers else ()) for server in servers
    )

    def reconnect(stanza: Stanza, owner: Owner) -> ReconnectFailed | None:
        asked.append(1)
        if len(asked) > 1:
            return None
        fetching(mine.directory, held)(stanza, owner)
        error = ReconnectFailed("client-not-connected", "refused")
        error.session = FailedSession("TSM1", None, None, code) if code else None
        return error

    mine.fix(reconnect)
    return len(asked)


@pytest.mark.parametrize("code", ["ANS1593E", "ANS1592E"])
def test_a_client_that_failed_over_what_another_session_put_there_signs_on_once_more(
    mine: Machine, code: str
) -> None:
    assert overtaken(mine, code) == 2


def test_any_other_failure_is_not_tried_twice(tmp_path: Path) -> None:
    """A wrong password locks a node."""
    assert overtaken(machine(tmp_path / "1"), "ANS1025E") == 1
    assert overtaken(machine(tmp_path / "2"), None) == 1
    assert overtaken(machine(tmp_path / "3"), "ANS1593E", answers=False) == 1
    assert overtaken(machine(tmp_path / "4"), "ANS1593E", held=certificates.make()) == 1
