"""What recovery does beside the undo: what it keeps, whom it leaves alone, what it says and tidies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.calls import recorded
from tests.transaction.kit import UNIX, Machine, database, fetching, kinds, plan_for, seen

from dsmcertfix.errors import NotPermitted, SwapFailed, Unrecovered
from dsmcertfix.ibm import gskit_tls
from dsmcertfix.ibm.server.instance import LocatedInstance
from dsmcertfix.model import LocatedStore, Owner, Proof, Server, ServerFile, StoreFile
from dsmcertfix.transaction import live, recovery
from dsmcertfix.transaction.backup import Backup, load_backup, make_backup
from dsmcertfix.transaction.goal import Goal
from dsmcertfix.transaction.journal import Event, Journal, read_journal
from dsmcertfix.transaction.recovery import recover_run, tidy_runs
from dsmcertfix.transaction.runs import PastRun, StoreRun, cut_off, past_runs

FOUND, ANOTHER = database(), database(version=3)


class Killed(BaseException):
    """As if the power had gone: nothing tidies."""


def killed_at(mine: Machine, kind: str, step: str | None = None) -> PastRun:
    """A run whose process is gone once that event is on disk."""
    plan = plan_for(mine.read())

    def observe(event: Event) -> None:
        if (event.kind, event.data.get("step")) == (kind, step):
            raise Killed

    with pytest.raises(Killed):
        mine.carry_out(plan, fetching(mine.directory), observe=observe)
    (run,) = cut_off(mine.state)
    return run


def ignore(event: Event) -> None:
    pass


def record(run: PastRun) -> dict[str, Any]:
    return dict(next(e.data for e in read_journal(run.journal_path) if e.kind == "store-finished"))


# --- what somebody put there meanwhile --------------------------------------------------------------------


def test_what_a_run_itself_put_there_is_not_kept(mine: Machine) -> None:
    before = seen(mine.directory)
    run = killed_at(mine, "step-started", "reconnect")
    assert recover_run(UNIX, run, ignore) == ()
    assert not list(run.directory.glob("stores/*/found-*")) and seen(mine.directory) == before
    assert record(run)["problem"]["context"] == []


def test_the_old_set_that_is_there_again_is_not_kept(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "swap")
    assert recover_run(UNIX, run, ignore) == ()
    assert not list(run.directory.glob("stores/*/found-*"))


def test_what_somebody_made_meanwhile_is_kept_once_and_told(mine: Machine) -> None:
    before = seen(mine.directory)
    run = killed_at(mine, "step-started", "reconnect")
    (mine.directory / "dsmcert.kdb").write_bytes(FOUND)
    assert recover_run(UNIX, run, ignore) == ()
    (kept,) = run.directory.glob("stores/*/found-*")
    assert kept.name == "found-1" and (kept / "dsmcert.kdb").read_bytes() == FOUND
    assert seen(mine.directory) == before
    assert record(run)["problem"]["context"] == [f"what was there is kept in {kept}"]


def test_what_somebody_wrote_at_the_last_moment_is_kept_on_the_disk(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    (store,) = run.stores
    backup: Backup[Any] = load_backup(store.backup_path, StoreFile)
    (mine.directory / f"dsmcert.kdb.dsmcertfix-{run.id}-aside").write_bytes(FOUND)
    calls = recorded(monkeypatch)
    assert recovery._keep_what_lies_aside(UNIX, run, store, backup) is not None
    assert calls == ["mkdir found-1", f"sync {store.id}", "sync dsmcert.kdb", "sync found-1"]


def kept(mine: Machine, run: PastRun) -> Path | None:
    (store,) = run.stores
    backup: Backup[Any] = load_backup(store.backup_path, StoreFile)
    return recovery._keep_what_is_there(UNIX, run, store, backup)


def test_each_other_set_is_kept_by_its_own_number_and_the_same_one_once(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    for content, name in (
        (FOUND, "found-1"),
        (ANOTHER, "found-2"),
        (FOUND, "found-1"),
        (ANOTHER, "found-2"),
    ):
        (mine.directory / "dsmcert.kdb").write_bytes(content)
        path = kept(mine, run)
        assert path is not None and path.name == name
    (mine.directory / "dsmcert.kdb").unlink()
    assert kept(mine, run) is None


def test_that_no_copy_can_be_made_keeps_nobody_from_the_undo(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seen(mine.directory)
    for error in (OSError(28, "No space left"), NotPermitted("x", "no")):
        run = killed_at(mine, "step-started", "reconnect")
        (mine.directory / "dsmcert.kdb").write_bytes(FOUND)

        def fails(*arguments: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as patched:
            patched.setattr(recovery, "make_backup", fails)
            assert recover_run(UNIX, run, ignore) == ()
        assert seen(mine.directory) == before


# --- the journal -----------------------------------------------------------------------------------------


def test_a_journal_that_cannot_be_opened_is_told_and_the_run_stays_open(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    there = seen(mine.directory)

    def fails(*arguments: object) -> Journal:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(recovery, "Journal", fails)
        (left,) = recover_run(UNIX, run, ignore)
    assert left.problem.code == "journal-not-written"
    assert left.problem.message.endswith("could not be written: Read-only file system")
    assert seen(mine.directory) == there and cut_off(mine.state) != ()


def test_a_journal_that_is_full_at_its_end_is_told(mine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = killed_at(mine, "step-started", "stage")
    append = Journal.append

    def fails(journal: Journal, kind: str, *arguments: Any, **data: Any) -> Event:
        if kind == "run-finished":
            raise OSError(28, "No space left on device")
        return append(journal, kind, *arguments, **data)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", fails)
        (left,) = recover_run(UNIX, run, ignore)
    assert left.problem.code == "journal-not-written"
    assert recover_run(UNIX, cut_off(mine.state)[0], ignore) == () and cut_off(mine.state) == ()


def test_a_store_that_was_never_touched_is_told_as_unchanged_and_one_that_ended_not_again(
    mine: Machine,
) -> None:
    run = killed_at(mine, "step-started", "stage")
    assert recover_run(UNIX, run, ignore) == ()
    assert record(run)["outcome"] == "unchanged"
    assert not list(run.directory.glob("stores/*/stage"))
    events = len(read_journal(run.journal_path))
    assert recover_run(UNIX, past_runs(mine.state)[0], ignore) == ()
    assert len(read_journal(run.journal_path)) == events + 1


def test_what_keeps_a_store_from_coming_back_is_told_with_the_way_out(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    (store,) = run.stores
    (store.backup_path / "manifest.json").unlink()
    (left,) = recover_run(UNIX, run, ignore)
    assert left.problem.code == "backup-damaged" and left.located == store.located
    assert f"recover --give-up {run.id}`" in left.problem.context[-1]


# --- a server --------------------------------------------------------------------------------------------


@pytest.fixture
def renewal(tmp_path: Path) -> tuple[StoreRun, Backup[ServerFile]]:
    """A server's key database, and its set."""
    directory = tmp_path / "instance"
    directory.mkdir()
    (directory / "cert.kdb").write_bytes(FOUND)
    info = directory.stat()
    located = LocatedInstance(directory, (info.st_dev, info.st_ino), Owner(0, 0, "root"))
    (tmp_path / "set").mkdir()
    with UNIX.reading(located) as opened:
        facts = tuple(opened.fact(file) for file in ServerFile)
        backup = make_backup(opened, facts, tmp_path / "set")
    return StoreRun("i1", located, True, None, tmp_path / "set", False, frozenset({"server-swap"})), backup


Runs = Any


def states(monkeypatch: pytest.MonkeyPatch, *answers: bool | None) -> list[bool | None]:
    """Whether the server runs: each answer in turn, the last one for good."""
    left = list(answers)
    monkeypatch.setattr(
        recovery, "is_running", lambda servers, located: left.pop(0) if len(left) > 1 else left[0]
    )
    monkeypatch.setattr(type(UNIX), "servers", lambda self: None, raising=False)
    monkeypatch.setattr(recovery, "_POLL_S", 0.001)
    return left


@pytest.mark.parametrize("check", [recovery._require_stopped, recovery._require_still_stopped])
def test_a_server_that_runs_with_other_files_is_not_disturbed(
    renewal: Any, monkeypatch: pytest.MonkeyPatch, check: Any
) -> None:
    store, backup = renewal
    for runs in (True, None):
        states(monkeypatch, runs)
        check(UNIX, store, backup)
    (store.located.directory / "cert.kdb").write_bytes(b"another")
    states(monkeypatch, False)
    check(UNIX, store, backup)
    for runs in (True, None):
        states(monkeypatch, runs)
        with pytest.raises(Unrecovered) as raised:
            check(UNIX, store, backup)
        assert raised.value.code == "server-at-work"
    (store.located.directory / "cert.kdb").unlink()
    store.located.directory.rmdir()
    with pytest.raises(Unrecovered):
        check(UNIX, store, backup)


def test_a_server_that_was_started_a_moment_ago_is_waited_for(
    renewal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, backup = renewal
    (store.located.directory / "cert.kdb").write_bytes(b"another")
    left = states(monkeypatch, False, False, True)
    recovery._require_stopped(UNIX, store, backup)
    assert left == [False, True]
    started = StoreRun(*(*_fields(store)[:6], frozenset({"start-server"})))
    states(monkeypatch, False, False, True)
    with pytest.raises(Unrecovered):
        recovery._require_stopped(UNIX, started, backup)
    monkeypatch.setattr(recovery, "APPEARS_AFTER_S", 0.01)
    states(monkeypatch, False)
    recovery._require_stopped(UNIX, started, backup)


def _fields(store: StoreRun) -> list[Any]:
    return [getattr(store, name) for name in StoreRun.__dataclass_fields__]


def test_a_client_s_store_hangs_on_no_server(mine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = killed_at(mine, "step-started", "reconnect")
    (store,) = run.stores
    states(monkeypatch, True)
    (mine.directory / "dsmcert.kdb").write_bytes(b"another")
    backup: Backup[Any] = load_backup(store.backup_path, StoreFile)
    recovery._require_stopped(UNIX, store, backup)
    recovery._require_still_stopped(UNIX, store, backup)


# --- what finished runs left behind -----------------------------------------------------------------------


def left_behind(mine: Machine, monkeypatch: pytest.MonkeyPatch) -> PastRun:
    def fails(directory: object) -> None:
        raise SwapFailed("left-behind", "it stays")

    with monkeypatch.context() as patched:
        patched.setattr(live, "finish", fails)
        mine.fix()
    (run,) = past_runs(mine.state)
    assert run.finished and run.untidy == {run.stores[0].id}
    assert [path for path in mine.directory.iterdir() if "dsmcertfix" in path.name]
    return run


def test_what_a_finished_run_left_is_removed_and_said_so(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = left_behind(mine, monkeypatch)
    tidy_runs(UNIX, mine.state, ignore)
    assert not [path for path in mine.directory.iterdir() if "dsmcertfix" in path.name]
    (run,) = past_runs(mine.state)
    assert run.untidy == frozenset()
    events = read_journal(run.journal_path)
    assert (events[-1].kind, events[-1].store) == ("tidied", run.stores[0].id)
    tidy_runs(UNIX, mine.state, ignore)
    assert read_journal(run.journal_path) == events


def test_a_run_that_was_cut_off_is_not_tidied(mine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = left_behind(mine, monkeypatch).journal_path
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    (run,) = past_runs(mine.state)
    assert run.untidy and not run.finished
    tidy_runs(UNIX, mine.state, ignore)
    assert [path for path in mine.directory.iterdir() if "dsmcertfix" in path.name]


def test_a_run_that_is_not_finished_or_left_nothing_is_not_tidied(mine: Machine) -> None:
    mine.fix()
    (run,) = past_runs(mine.state)
    before = read_journal(run.journal_path)
    planted = mine.directory / f"dsmcert.kdb.dsmcertfix-{run.id}-aside"
    planted.write_bytes(b"")
    tidy_runs(UNIX, mine.state, ignore)
    assert planted.exists() and read_journal(run.journal_path) == before


def test_what_cannot_be_removed_yet_stays_told_and_keeps_nobody_from_the_rest(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = left_behind(mine, monkeypatch)
    mine.directory.rename(mine.directory.parent / "elsewhere")
    tidy_runs(UNIX, mine.state, ignore)
    (run,) = past_runs(mine.state)
    assert run.untidy

    def fails(*arguments: object) -> Journal:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(recovery, "Journal", fails)
    tidy_runs(UNIX, mine.state, ignore)


def test_a_good_run_tells_of_nothing_left_behind(mine: Machine) -> None:
    _, journal = mine.fix()
    assert not {"left-behind", "tidied"} & set(kinds(journal))


# --- what a client has done meanwhile ---------------------------------------------------------------------


def goal(mine: Machine, *removed: str) -> Goal:
    held = {item.label: item.sha256 for item in mine.read().certificates}
    kept = frozenset((label, sha256) for label, sha256 in held.items() if label != "B")
    return Goal(frozenset((label, held[label]) for label in removed), kept, (frozenset(),))


def test_a_store_that_is_not_what_it_was_to_be_is_not_finished(mine: Machine) -> None:
    run = killed_at(mine, "step-started", "check-live")
    (store,) = run.stores
    backup: Backup[Any] = load_backup(store.backup_path, StoreFile)
    journal = Journal(run.journal_path, ignore, read_journal(run.journal_path))
    try:
        for wanted, finished in ((None, False), (goal(mine, "B"), False), (goal(mine), True)):
            aimed = replace(store, goal=wanted)
            assert isinstance(store.located, LocatedStore)
            found = recovery._repaired(UNIX, aimed, store.located, backup, journal)
            assert (found is not None) is finished
    finally:
        journal.close()


@pytest.mark.parametrize(
    ("answer", "finished"), [("accepted", True), ("refused", False), ("not-made", False)]
)
@pytest.mark.parametrize("rebooted", [True, False])
def test_what_a_run_put_in_itself_is_finished_only_where_ibm_s_tls_accepts_it(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, answer: Any, finished: bool, rebooted: bool
) -> None:
    run = killed_at(mine, "step-started", "check-live")
    (store,) = run.stores
    backup: Backup[Any] = load_backup(store.backup_path, StoreFile)
    one = Server("tsm1.example.com", 1500)
    monkeypatch.setattr(gskit_tls, "library", lambda platform: Path("/lib"))
    monkeypatch.setattr(gskit_tls, "prove", lambda *arguments: Proof(one, answer, 0, "the reason"))
    monkeypatch.setattr(recovery, "started_after", lambda at: rebooted)
    journal = Journal(run.journal_path, ignore, read_journal(run.journal_path))
    assert isinstance(store.located, LocatedStore)
    aimed = replace(store, goal=replace(goal(mine), servers=(one,)))
    found = recovery._repaired(UNIX, aimed, store.located, backup, journal)
    journal.close()
    assert (found is not None) is finished
    # After a reboot nobody can tell whether the index that the client made is whole.
    assert (mine.directory / "dsmcert.idx").exists() is not (finished and rebooted)
