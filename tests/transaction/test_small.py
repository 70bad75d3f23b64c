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
    STANZA,
    STASH,
    UNIX,
    Machine,
    backed_up,
    database,
    fetching,
    kinds,
    machine,
    opened,
    plan_for,
    seen,
    tell,
    waiting,
)

from dsmcertfix.errors import (
    CannotReconnect,
    EditFailed,
    FailedSession,
    NotFound,
    NotPermitted,
    ReconnectFailed,
    Unrecovered,
)
from dsmcertfix.ibm.client import dsmc
from dsmcertfix.ibm.client.dsmc import Session
from dsmcertfix.ibm.engines import GskitEngine, NativeEngine
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.model import Presented, Programs, Proof, Server
from dsmcertfix.planning.steps import (
    AddCertificate,
    BackUp,
    MoveOut,
    Preflight,
    Prove,
    Restore,
    Stage,
    step_name,
)
from dsmcertfix.report.result import StoreReport
from dsmcertfix.system.process.run import Waits, waited
from dsmcertfix.transaction import executor, live, running, runs, staging, tools
from dsmcertfix.transaction.client import ClientTransaction, Tools
from dsmcertfix.transaction.ending import expire, finished_run, put_away_unreadable, remains
from dsmcertfix.transaction.executor import Run, Subject
from dsmcertfix.transaction.folding import store_data, store_from_data
from dsmcertfix.transaction.goal import Goal, goal_from
from dsmcertfix.transaction.journal import Event, chain_of
from dsmcertfix.transaction.rollback import Rollback
from dsmcertfix.transaction.runs import past_run, past_runs, store_started_data

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

    platform = SimpleNamespace(trusted=look, libraries_of=lambda program: {"LD_LIBRARY_PATH": "/opt/lib64"})
    host: Any = SimpleNamespace(platform=platform)
    found = tools.engines_for(host, programs, choice, LIMITS)
    for engine in found:
        if isinstance(engine, GskitEngine):
            assert (engine.program, engine.environment) == (
                programs.gsk8capicmd,
                {"LD_LIBRARY_PATH": "/opt/lib64"},
            )
    return [engine.name for engine in found]


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


def test_each_store_of_a_run_has_its_own_end(mine: Machine, tmp_path: Path) -> None:
    begun = store_started_data(mine.store)
    ends = {"s1": "changed", "s2": "rolled-back", "s3": None}
    made = [Event(0, AT, "run-started"), *(Event(1, AT, "store-started", store, begun) for store in ends)]
    made.append(Event(2, AT, "step-started", "s1", {"step": "swap", "live": True}))
    made += [Event(3, AT, "store-finished", one, {"outcome": end}) for one, end in ends.items() if end]
    stores = past_run(tmp_path, tuple(made)).stores
    assert {store.id: store.outcome for store in stores} == ends
    assert [store.live for store in stores] == [True, False, False]
    with pytest.raises(ValueError, match="not known: odd"):
        runs._located({**begun, "files": "odd"})


# --- and more --------------------------------------------------------------------------------------------


def test_an_event_of_another_kind_does_not_tidy_and_a_path_with_a_nul_is_none(tmp_path: Path) -> None:
    events = (Event(0, AT, "run-started"), Event(1, AT, "left-behind", "a"), Event(2, AT, "something", "a"))
    assert past_run(tmp_path, events).untidy == {"a"}
    assert runs._straight("/a/b") == Path("/a/b")
    for odd in ("a/b", "/a/../b", "/a\0b"):
        with pytest.raises(ValueError, match="whole path"):
            runs._straight(odd)


def test_of_a_broken_chain_the_first_line_is_told() -> None:
    line = '{{"n": {}, "at": "2031-01-01T00:00:00+00:00", "event": "x", "prev": "{}"}}'
    data = "\n".join(line.format(number, "0" * 64) for number in range(4)).encode()
    assert chain_of(data).broken_at == 2


def test_a_store_survives_the_journal_with_its_problem_and_outcome() -> None:
    problem = NotFound("a-code", "a message").problem()
    report = StoreReport("s1", "/store", problem=problem, outcome="changed")
    again = store_from_data(store_data(report))
    assert (again.problem, again.outcome) == (problem, "changed")


def test_nothing_beside_a_broken_or_untouched_store_is_tidied(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[bool] = []
    real = live.tidy

    def tidy(*arguments: Any, touched: bool, seen: list[bool] = touched) -> bool:
        seen.append(touched)
        return real(*arguments, touched=touched)

    monkeypatch.setattr(executor, "tidy", tidy)
    plan = plan_for(mine.read())
    mine.carry_out(replace(plan, steps=(Stage(),)), lambda stanza, owner: None)

    def block(stanza: Any, owner: Any) -> ReconnectFailed:
        (mine.directory / "dsmcert.idx").unlink(missing_ok=True)
        (mine.directory / "dsmcert.idx").mkdir()
        return ReconnectFailed("client-refused", "refused")

    ended, _ = mine.fix(block)
    assert ended.outcome == "broken"
    (mine.directory / "dsmcert.idx").rmdir()
    assert touched == [False, False]


def test_what_a_client_proved_may_be_put_in_and_nothing_else(mine: Machine) -> None:
    plan, journal = plan_for(mine.read()), mine.begin()
    new = plan.store.certificates[0]
    run = Run("r", journal.path.parent, journal, mine.interrupts)
    transaction = ClientTransaction(plan, _no_tools(mine), run, tell)
    with pytest.raises(CannotReconnect) as raised:
        transaction._add("L", new, "client")
    assert raised.value.code == "certificate-not-proved"
    run.proved.add(("client", new.sha256))
    with pytest.raises((EditFailed, OSError)):
        transaction._add("L", new, "client")
    journal.close()


def test_an_index_that_is_not_that_of_the_set_goes_and_no_other_file(mine: Machine, tmp_path: Path) -> None:
    backup = backed_up(mine.store, tmp_path / "set")
    with opened(mine.store) as directory:
        live.drop_new_index(directory, backup)
        assert sorted(seen(mine.directory)) == ["dsmcert.idx", "dsmcert.kdb", "dsmcert.sth"]
        (mine.directory / "dsmcert.idx").write_bytes(b"half")
        (mine.directory / "dsmcert.sth").write_bytes(b"half")
        live.drop_new_index(directory, backup)
    assert sorted(seen(mine.directory)) == ["dsmcert.kdb", "dsmcert.sth"]


def test_a_run_that_is_none_cannot_be_put_away(mine: Machine) -> None:
    mine.fix()
    for name in ("nothing", "../runs", ""):
        with pytest.raises(NotFound):
            put_away_unreadable(mine.state, name)
    (run,) = past_runs(mine.state)
    assert not put_away_unreadable(mine.state, run.id) and past_runs(mine.state) == (run,)


def test_a_run_has_its_name_and_directory_and_its_journal_is_closed_behind_it(mine: Machine) -> None:
    places = SimpleNamespace(root=Path("/"))
    platform = SimpleNamespace(places=places, private_directory=UNIX.private_directory)
    host: Any = SimpleNamespace(platform=platform, state=mine.state)
    with running.running(host, "trust", mine.events.append, more="x") as run:
        assert run.directory == run.journal.path.parent and run.id == run.directory.name
        run.journal.append("something")
    header = mine.events[0].data
    assert (header["command"], header["root"], header["more"]) == ("trust", "/", "x")
    with pytest.raises(OSError, match="Bad file"):
        run.journal.append("something")


def test_without_a_client_nothing_reconnects(mine: Machine) -> None:
    platform = SimpleNamespace(trusted=lambda program: program)
    host: Any = SimpleNamespace(platform=platform)
    monkey = pytest.MonkeyPatch()
    monkey.setattr(tools, "prover", lambda platform, limits: None)
    try:
        made = tools.tools_for(host, Programs(None, None), "native", LIMITS)
        plan = plan_for(mine.read())
        error = waited(made.reconnect(STANZA, plan))
        assert error is not None and error.code == "no-client-program"
        asked: list[Any] = []

        def query(program: Path, stanza: Any, owner: Any, *, timeout_s: float) -> Waits[Session]:
            asked.append((program, stanza, owner, timeout_s))
            yield 0.0
            return Session(12, False, False, ("ANS1592E",))

        monkey.setattr(dsmc, "query_session", query)
        made = tools.tools_for(host, Programs(None, Path("/opt/dsmc")), "native", LIMITS)
        error = waited(made.reconnect(STANZA, plan))
        assert asked == [(Path("/opt/dsmc"), STANZA, plan.store.located.owner, 90.0)]
        assert error is not None and error.code == "client-not-connected"
    finally:
        monkey.undo()


def test_a_preflight_s_note_is_in_the_journal(mine: Machine) -> None:
    proof = Proof(Server("a", 1), "accepted", 0, "the proof")
    plan = plan_for(mine.read())
    steps = (Preflight(STANZA, None, proof), *plan.steps)
    _, journal = mine.carry_out(replace(plan, steps=steps), fetching(mine.directory))
    notes = {event.data.get("step"): event.data.get("note") for event in journal.events}
    assert notes["preflight"] == "the proof"


def test_a_goal_with_servers_survives_the_journal() -> None:
    goal = Goal(frozenset(), frozenset(), (frozenset({"a"}),), None, (Server("tsm.example.com", 1500),))
    data = {"removed": [], "kept": [], "expected": [["a"]], "servers": [["tsm.example.com", 1500]]}
    assert goal_from({"goal_given": data}) == goal


def test_no_session_is_tried_twice_where_the_plan_itself_put_the_certificate_in(mine: Machine) -> None:
    plan, journal = plan_for(mine.read()), mine.begin()
    run = Run("r", journal.path.parent, journal, mine.interrupts)
    held = plan.store.certificates[0]
    error = ReconnectFailed("client-not-connected", "refused")
    error.session = FailedSession("TSM1", None, None, "ANS1593E")
    asked: list[Any] = []

    def present(servers: tuple[Server, ...]) -> tuple[Presented, ...]:
        asked.append(servers)
        return tuple(Presented(server, (held,)) for server in servers)

    mine.present = present
    add = AddCertificate(Server("a", 1), "L", held, None)
    for steps, stanza in ((plan.steps, STANZA._replace(server=None)), ((add, *plan.steps), STANZA)):
        transaction = ClientTransaction(replace(plan, steps=steps), _no_tools(mine), run, tell)
        assert not transaction._fetched_by_another(error, stanza)
    assert asked == []
    transaction = ClientTransaction(plan, _no_tools(mine), run, tell)
    assert transaction._fetched_by_another(error, STANZA)
    journal.close()
