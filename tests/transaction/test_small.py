"""Small parts of a transaction: engines, the end of a run, what goes with time, the copy's password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.transaction.kit import (
    PASSWORD,
    STASH,
    UNIX,
    Machine,
    database,
    kinds,
    machine,
    plan_for,
    tell,
    waiting,
)

from dsmcertfix.errors import EditFailed, NotFound, NotPermitted, Unrecovered
from dsmcertfix.ibm.engines import NativeEngine
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.model import Programs, Server
from dsmcertfix.planning.steps import BackUp, MoveOut, Prove, Restore, step_name
from dsmcertfix.transaction import running, staging, tools
from dsmcertfix.transaction.client import ClientTransaction, Tools
from dsmcertfix.transaction.ending import expire, finished_run, remains
from dsmcertfix.transaction.executor import Run, Subject
from dsmcertfix.transaction.journal import Event
from dsmcertfix.transaction.rollback import Rollback
from dsmcertfix.transaction.runs import past_run, past_runs

LIMITS: Any = SimpleNamespace(program_s=90.0, probe_s=1.0)
GSKIT = Programs(Path("/opt/gsk8capicmd_64"), None)


@pytest.fixture
def mine(tmp_path: Path) -> Machine:
    return machine(tmp_path)


# --- engines ---------------------------------------------------------------------------------------------


def engines(choice: Any, programs: Programs, *, trusted: bool = True) -> list[str]:
    def look(program: Path) -> Path:
        if not trusted:
            raise NotPermitted("program-not-trusted", "others can change it")
        return program

    platform = SimpleNamespace(trusted=look, libraries_of=lambda program: (Path("/opt/lib64"),))
    host: Any = SimpleNamespace(platform=platform)
    return [engine.name for engine in tools.engines_for(host, programs, choice, LIMITS)]


def test_ibm_s_program_comes_first_where_it_is_and_can_be_trusted() -> None:
    native = NativeEngine().name
    first, second = engines("auto", GSKIT)
    assert first != native and second == native
    assert engines("gskit", GSKIT) == [first]
    assert engines("native", GSKIT) == engines("auto", Programs(None, None)) == [native]
    assert engines("auto", GSKIT, trusted=False) == [native]
    with pytest.raises(EditFailed) as raised:
        engines("gskit", Programs(None, None))
    assert raised.value.code == "gskit-not-found"
    with pytest.raises(NotPermitted):
        engines("gskit", GSKIT, trusted=False)


def test_a_client_that_others_can_change_is_refused_and_none_is_no_problem() -> None:
    asked: list[Path] = []
    host: Any = SimpleNamespace(platform=SimpleNamespace(trusted=asked.append))
    tools.require_client(host, Programs(None, None))
    assert asked == []
    tools.require_client(host, Programs(None, Path("/opt/dsmc")))
    assert asked == [Path("/opt/dsmc")]


# --- the password of the copy -----------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    content = database()
    ends = int((datetime.now(timezone.utc) - timedelta(days=1)).timestamp())
    read = kdb.read(content)
    aged = read.prefix[:4] + ends.to_bytes(4, "big") + read.prefix[8:]
    path = tmp_path / "dsmcert.kdb"
    path.write_bytes(
        kdb._write(replace(read, prefix=aged), PASSWORD, [r.slot for r in read.records], read.slot_size)
    )
    (tmp_path / "dsmcert.sth").write_bytes(STASH)
    return path


def test_the_copy_s_password_does_not_expire_afterwards_and_its_records_are_the_same(copy: Path) -> None:
    before = kdb.read(copy.read_bytes())
    assert before.password_expires is not None
    staging._keep_password(copy)
    after = kdb.read(copy.read_bytes())
    assert after.password_expires is None and after.records == before.records
    kdb.verify(after, PASSWORD)


@pytest.mark.parametrize("what", ["password", "records"])
def test_a_password_that_was_not_kept_is_told(copy: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    other = copy.read_bytes() if what == "password" else kdb.keep_password(kdb.read(_more()), PASSWORD)
    monkeypatch.setattr(kdb, "keep_password", lambda read, password: other)
    with pytest.raises(EditFailed) as raised:
        staging._keep_password(copy)
    assert raised.value.code == "password-not-kept"


def _more() -> bytes:
    from dsmbench import certificates

    return database(("more", certificates.make()))


def test_the_staged_copy_is_the_one_with_the_kept_password(mine: Machine, copy: Path) -> None:
    mine.directory.joinpath("dsmcert.kdb").write_bytes(copy.read_bytes())
    stage = mine.state.parent / "stage"
    UNIX.private_directory(stage)
    staged = staging.Staged(stage, mine.store, (), UNIX)
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        (stage / name).write_bytes((copy.parent / name).read_bytes())
    staged.keep_password()
    assert kdb.read((stage / "dsmcert.kdb").read_bytes()).password_expires is None


# --- the end of a run -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "finished"),
    [((), True), (("changed",), True), (("broken",), False), (("changed", "broken"), False)],
)
def test_a_run_is_finished_unless_a_set_is_broken(mine: Machine, outcomes: Any, finished: bool) -> None:
    journal = mine.begin()
    host: Any = SimpleNamespace(state=mine.state, sets_kept=5)
    running.finish(host, SimpleNamespace(journal=journal), outcomes)  # type: ignore[arg-type]
    journal.close()
    assert ("run-finished" in kinds(journal)) is finished


def test_what_goes_with_time_is_in_the_journal_and_the_newest_runs_stay(mine: Machine) -> None:
    for _ in range(4):
        mine.fix()
        mine.directory.joinpath("dsmcert.kdb").write_bytes(database())
        (run,) = list(past_runs(mine.state))[-1:]
        mine.roll_back(run.stores[0].backup_path)
    before = [run.id for run in past_runs(mine.state)]
    journal = mine.begin()
    expire(mine.state, 2, journal)
    journal.close()
    left = [run.id for run in past_runs(mine.state)]
    removed = [str(event.data["run"]) for event in journal.events if event.kind == "run-removed"]
    assert removed and set(before) - set(left) == set(removed)
    assert before[-1] in left


def test_a_run_is_found_by_its_id_and_only_once_it_is_finished(mine: Machine) -> None:
    _, journal = mine.fix()
    assert finished_run(mine.state, journal.path.parent.name).id == journal.path.parent.name
    with pytest.raises(NotFound):
        finished_run(mine.state, "nothing")
    _, journal = mine.fix(finish=False)
    with pytest.raises(Unrecovered) as raised:
        finished_run(mine.state, journal.path.parent.name)
    assert raised.value.code == "run-not-finished"


def test_an_empty_directory_and_one_with_the_mark_are_remains_and_nothing_else(mine: Machine) -> None:
    mine.fix()
    runs = mine.state / "runs"
    (runs / "empty").mkdir()
    (runs / "marked").mkdir()
    (runs / "marked" / "removed.jsonl").write_bytes(b"")
    (runs / "a file").write_bytes(b"")
    assert [path.name for path in remains(mine.state)] == ["empty", "marked"]


# --- errors by the step -----------------------------------------------------------------------------------


def test_a_system_error_in_a_rollback_is_told_by_the_step(mine: Machine) -> None:
    with _rollback(mine) as rollback:
        for step, code in ((Restore(Path("/set")), "live-step-failed"), (BackUp(), "backup-not-made")):
            told = rollback._told(step, OSError(5, "Input/output error", "/file"))
            assert told.code == code and told.context == ("/file",)
            assert told.message.endswith(": Input/output error")
        assert rollback._text(Restore(Path("/set"))) and rollback._text(BackUp())


@contextlib.contextmanager
def _rollback(mine: Machine) -> Iterator[Any]:
    now, journal = mine.read(), mine.begin()
    run = Run("r", journal.path.parent, journal, mine.interrupts)
    yield Rollback(Subject(now.located, now.files), Path("/set"), UNIX, run, dict, lambda: None)
    journal.close()


def test_a_system_error_in_a_client_s_transaction_is_told_by_the_step(mine: Machine) -> None:
    plan, journal = plan_for(mine.read()), mine.begin()
    run = Run("r", journal.path.parent, journal, mine.interrupts)
    transaction = ClientTransaction(plan, _no_tools(mine), run, tell)
    codes = {step_name(step): transaction._told(step, OSError(5, "x", "/file")).code for step in plan.steps}
    journal.close()
    assert codes == {
        "back-up": "backup-not-made",
        "stage": "private-copy-failed",
        "delete-label": "private-copy-failed",
        "check-staged": "private-copy-failed",
        "swap": "live-step-failed",
        "reconnect": "client-not-run",
        "check-live": "live-step-failed",
    }
    told = transaction._told(Prove(Server("a", 1)), OSError(5, "the reason", "/file"))
    assert (told.code, told.context) == ("live-step-failed", ("/file",))
    assert told.message.endswith(": the reason")
    assert transaction._told(Prove(Server("a", 1), copy=True), OSError(5, "x")).code == "private-copy-failed"
    assert transaction._told(MoveOut(), OSError("odd")).message.endswith(": odd")


def _no_tools(mine: Machine) -> Tools:

    return Tools(
        UNIX, (), waiting(lambda stanza, owner: None), lambda _: mine.read(), mine.present, mine.prove
    )


# --- journals --------------------------------------------------------------------------------------------

AT = datetime(2031, 1, 1, tzinfo=timezone.utc)


def test_a_run_is_called_by_its_first_event_and_by_no_other(tmp_path: Path) -> None:
    def told(kind: str, **data: Any) -> tuple[str, str | None]:
        run = past_run(tmp_path, (Event(0, AT, kind, None, data),))
        return run.command, run.undoes

    assert told("run-started", command="trust", undoes="r0") == ("trust", "r0")
    assert told("something", command="trust", undoes="r0") == ("fix", None)
    assert told("run-started") == ("fix", None)


def test_what_was_left_and_tidied_since_is_not_untidy(tmp_path: Path) -> None:
    def untidy(*events: tuple[str, str | None]) -> frozenset[str]:
        made = [Event(0, AT, "run-started"), *(Event(1, AT, kind, store) for kind, store in events)]
        return frozenset(past_run(tmp_path, tuple(made)).untidy)

    assert untidy(("left-behind", "a"), ("left-behind", None), ("left-behind", "b"), ("tidied", "a")) == {"b"}
    assert untidy(("tidied", "a"), ("left-behind", "a")) == {"a"}
