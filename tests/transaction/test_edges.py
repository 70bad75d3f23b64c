"""What a transaction tells, keeps and asks, at its edges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.transaction.kit import NEW, STANZA, UNIX, Machine, fetching, held, plan_for, tell, waiting

from dsmbench import certificates
from dsmcertfix import budgets
from dsmcertfix.errors import BackupFailed, DsmcertfixError, SwapFailed
from dsmcertfix.ibm.client import dsmc
from dsmcertfix.ibm.client.reading import read_store
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import FileFact, Programs, Proof, Server, StoreFile
from dsmcertfix.planning.renew import StopServer, server_step_text
from dsmcertfix.planning.steps import CheckLive, Expected, Reconnect
from dsmcertfix.system.process.run import Waits, waited
from dsmcertfix.system.seen import Metadata
from dsmcertfix.transaction import backup, recovery, runs, server_checks, together, tools
from dsmcertfix.transaction.client import ClientTransaction, Tools
from dsmcertfix.transaction.executor import Run
from dsmcertfix.transaction.goal import Goal, is_repaired
from dsmcertfix.transaction.interrupts import Interrupts
from dsmcertfix.transaction.journal import Event
from dsmcertfix.transaction.server import ServerTransaction

AT = datetime.now(timezone.utc)
FOUND, OTHER = held(NEW, "").sha256, "e" * 64
ANY: Any = None


# --- the client's ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "note"),
    [((OTHER, FOUND), f"SHA-256 {FOUND}"), ((FOUND,), f"SHA-256 {FOUND}"), ((), None)],
    ids=["of two", "of one", "none"],  # drawn anew in each worker: no name for a test
)
def test_what_was_fetched_is_told_as_what_it_is(
    mine: Machine, expected: tuple[str, ...], note: str | None
) -> None:
    plan = plan_for(mine.read())
    assert STANZA.server is not None
    (check,) = (step for step in plan.steps if isinstance(step, CheckLive))
    wanted = replace(check, expected=(Expected(STANZA.server, expected),))
    plan = replace(plan, steps=tuple(wanted if step is check else step for step in plan.steps))
    ended, journal = mine.carry_out(plan, fetching(mine.directory))
    assert ended.outcome == "changed"
    notes = [
        event.data["note"]
        for event in journal.events
        if (event.kind, event.data.get("step")) == ("step-done", "check-live")
    ]
    assert notes == [note]


class Asked:
    """A transaction of a store, whose tools note what IBM's TLS is asked."""

    def __init__(self, mine: Machine, *, session: bool) -> None:
        plan = plan_for(mine.read())
        if not session:
            left = tuple(step for step in plan.steps if not isinstance(step, Reconnect))
            plan = replace(plan, steps=left)
        self.proved: list[tuple[object, ...]] = []

        def prove(*asked: Any) -> Proof:
            self.proved.append(asked)
            return Proof(asked[-1], "accepted", None, "accepted")

        tools = Tools(UNIX, (), waiting(ANY), lambda store: read_store(UNIX, store), ANY, prove)
        journal: Any = SimpleNamespace(path=mine.state / "journal")
        self.run = Run("run", mine.state, journal, Interrupts())
        self.transaction = ClientTransaction(plan, tools, self.run, tell)


@pytest.mark.parametrize("session", [False, True])
def test_only_a_session_proves_certificates_for_other_stores(mine: Machine, *, session: bool) -> None:
    asked = Asked(mine, session=session)
    asked.transaction._check_live(CheckLive((), (), mine.read().certificates))
    assert bool(asked.run.proved) is session


def test_the_live_store_is_proved_as_its_owner(mine: Machine) -> None:
    asked, one = Asked(mine, session=True), Server("one", 1)
    asked.transaction._prove(one)
    assert asked.proved == [(mine.directory / "dsmcert.kdb", mine.store.owner, one)]


def test_a_journal_that_cannot_be_written_is_told_by_how_far_the_store_is(mine: Machine) -> None:
    transaction = Asked(mine, session=True).transaction
    full = OSError(28, "No space left")
    assert type(transaction._not_journaled(full)) is BackupFailed
    transaction._live = True
    assert type(transaction._not_journaled(full)) is SwapFailed


@pytest.mark.parametrize(("mode", "anew"), [("whole-store", True), ("label", False)])
def test_a_client_s_failure_is_read_by_whether_the_store_was_made_anew(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, mode: Any, *, anew: bool
) -> None:
    told: list[bool] = []

    def session(*arguments: Any, **named: Any) -> Waits[Any]:
        yield 0.0

    def failure(*arguments: Any, anew: bool, **named: Any) -> DsmcertfixError | None:
        told.append(anew)
        return None

    monkeypatch.setattr(dsmc, "query_session", session)
    monkeypatch.setattr(dsmc, "failure", failure)
    monkeypatch.setattr(tools, "prover", lambda *arguments: ANY)
    host: Any = SimpleNamespace(platform=SimpleNamespace(trusted=lambda program: program))
    limits: Any = SimpleNamespace(program_s=1.0, probe_s=1.0)
    made = tools.tools_for(host, Programs(None, Path("/opt/dsmc")), "native", limits)
    waited(made.reconnect(STANZA, replace(plan_for(mine.read()), mode=mode)))
    assert told == [anew]


def test_a_server_is_busy_with_few_clients_that_hang_only_when_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Server("one", 1)
    monkeypatch.setattr(together, "_servers", lambda plan: {one})
    cap = budgets.SESSIONS_OF_A_SERVER.cap

    def busy(hanging: int, holding: int) -> bool:
        working: Any = [
            SimpleNamespace(plan=None, holds_up=number < holding) for number in range(hanging + holding)
        ]
        return together._busy(working) == {one}

    assert [busy(cap - 1, 0), busy(cap, 0), busy(cap + 1, 0), busy(0, 1)] == [False, True, True, True]


# --- what a journal and a goal tell ----------------------------------------------------------------------


def test_a_server_of_which_nothing_was_expected_asks_for_nothing(mine: Machine) -> None:
    now = mine.read()
    kept = frozenset((item.label, item.sha256) for item in now.certificates if item.label != "B")
    (new,) = (item.sha256 for item in now.certificates if item.label == "B")
    for expected, repaired in (
        ((frozenset((new,)), frozenset()), True),
        ((frozenset((new,)), frozenset((OTHER,))), False),
    ):
        assert is_repaired(Goal(frozenset(), kept, expected), now, AT) is repaired


def test_the_owner_of_a_store_is_read_as_it_was_told() -> None:
    told = {"owner": {"uid": 1, "gid": 2, "name": "me"}, "directory": "/a", "identity": [3, 4]}
    owner = runs._located(told).owner
    assert (owner.uid, owner.gid) == (1, 2)


def test_a_store_whose_beginning_cannot_be_written_is_told_as_unchanged(mine: Machine) -> None:
    noted: list[tuple[object, ...]] = []

    def full(*arguments: object, **data: object) -> Event:
        raise OSError(28, "No space left")

    def note(kind: str, store: str, **data: object) -> None:
        noted.append((kind, data.get("outcome")))

    journal: Any = SimpleNamespace(path=mine.state / "runs" / "x" / "journal", append=full, note=note)
    assert runs.begin_store(journal, "a", mine.store, {}) is not None
    assert noted == [("store-started", None), ("store-finished", "unchanged")]


def test_what_windows_keeps_of_a_file_is_in_the_manifest() -> None:
    fact = FileFact(StoreFile.KDB, True, 1, "a" * 64)
    for security in ("O:SYD:", None):
        saved = backup.SavedFile(fact, Metadata(0, 0, 0, 1, (), security))
        told = backup._saved_to(saved)
        assert told.get("security") == security
        again = backup._saved_from(told, StoreFile).metadata
        assert again is not None and again.security == security


# --- a server's ------------------------------------------------------------------------------------------


def test_a_new_certificate_without_a_first_or_a_last_day_is_in_date() -> None:
    old, new = (describe(certificates.make(), "") for _ in range(2))
    server_checks._require_new(new._replace(not_before=None, not_after=None), old, AT)


def test_a_step_of_a_renewal_is_told_in_its_words() -> None:
    stop = StopServer(None)
    assert ServerTransaction._text(ANY, stop) == server_step_text(stop) != ""


@pytest.mark.parametrize(
    ("launched", "runs_now", "stopped"), [(None, False, 0), (object(), False, 1), (None, True, 1)]
)
def test_a_server_is_stopped_before_the_way_back_where_it_runs_or_is_kept_up(
    launched: object, runs_now: bool, stopped: int
) -> None:
    noted: list[tuple[str, ...]] = []
    stops: list[int] = []
    keeper = SimpleNamespace(
        control=SimpleNamespace(stop=object()), runs=lambda: runs_now, stop=lambda: stops.append(1)
    )
    start = SimpleNamespace(launched=launched, come_to_rest=lambda: True)
    played: Any = SimpleNamespace(_start=start, _keeper=keeper, _note=lambda *words: noted.append(words))
    ServerTransaction._before_undo(played)
    assert len(stops) == stopped
    assert noted == [("undo-started", "stop the server again")] * stopped


@pytest.mark.parametrize(
    ("started", "renewed", "done"),
    [
        ({"server-swap"}, object(), True),
        ({"server-swap"}, None, False),
        ({"stop-server"}, object(), False),
    ],
)
def test_a_renewal_that_was_cut_off_is_finished_where_the_server_has_made_all_of_it(
    monkeypatch: pytest.MonkeyPatch, started: set[str], renewed: object, *, done: bool
) -> None:
    made_sure: list[tuple[object, ...]] = []

    @contextmanager
    def reading(located: object) -> Iterator[str]:
        yield "the directory"

    monkeypatch.setattr(recovery, "is_renewed", lambda *about: renewed)
    monkeypatch.setattr(recovery, "read_instance", lambda *about: about[-1])
    monkeypatch.setattr(recovery, "key_database_report", lambda instance, more: f"report of {instance}")
    platform: Any = SimpleNamespace(
        reading=reading, servers=lambda: None, in_store=lambda *about: made_sure.append(about[:2])
    )
    store: Any = SimpleNamespace(started=frozenset(started))
    located: Any = "the instance"
    report: Any = recovery._renewed(platform, store, located, ANY, "the run")
    assert report == ("report of the instance" if done else None)
    assert made_sure == ([("the instance", "the run")] if done else [])
