"""One transaction that fails: whatever fails and wherever, every file is as it was, or it is told."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.transaction.kit import (
    NEW,
    THREE,
    Breaking,
    Machine,
    database,
    fetching,
    kinds,
    labels,
    machine,
    plan_for,
    seen,
)

from dsmbench import certificates
from dsmcertfix.errors import CannotReconnect, DsmcertfixError, EditFailed, ReconnectFailed, exit_code
from dsmcertfix.ibm.engines import NativeEngine
from dsmcertfix.model import Owner, Proof, Server, Stanza, StoreFile
from dsmcertfix.planning.steps import CheckLive, Preflight, Prove, Reconnect, StorePlan, Swap
from dsmcertfix.transaction.backup import load_backup
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.interrupts import watching
from dsmcertfix.transaction.journal import Journal


def code(ended: Ended) -> str:
    return ended.problem.code if ended.problem else ""


def backup_of(journal: Journal) -> Path:
    (path,) = (journal.path.parent / "stores").glob("*/backup")
    return path


# --- what IBM's TLS says


def refusing(database: Path, owner: Owner | None, server: Server) -> Proof:
    return Proof(server, "refused", 414, "GSK_ERROR_BAD_CERT (414)")


class TestProofs:
    """A refusal of IBM's TLS counts, but not against a session that was granted."""

    def plan(self, mine: Machine, *, session: bool, copy: bool) -> StorePlan:
        plan = plan_for(mine.read())
        server = plan.targets[0].server or Server("", 0)
        steps = [step for step in plan.steps if session or not isinstance(step, Reconnect | CheckLive)]
        at = steps.index(Swap()) if copy else len(steps)
        return replace(plan, steps=(*steps[:at], Prove(server, copy=copy), *steps[at:]))

    def test_a_refused_copy_changes_nothing(self, mine: Machine) -> None:
        mine.prove, before = refusing, seen(mine.directory)
        ended, _ = mine.carry_out(self.plan(mine, session=False, copy=True), lambda stanza, owner: None)
        assert (ended.outcome, code(ended)) == ("unchanged", "copy-not-trusted")
        assert seen(mine.directory) == before

    def test_a_refused_store_is_put_back(self, mine: Machine) -> None:
        mine.prove, before = refusing, seen(mine.directory)
        ended, _ = mine.carry_out(self.plan(mine, session=False, copy=False), lambda stanza, owner: None)
        assert (ended.outcome, code(ended)) == ("rolled-back", "store-not-trusted")
        assert seen(mine.directory) == before

    def test_a_client_that_was_let_in_keeps_its_store(self, mine: Machine) -> None:
        mine.prove = refusing
        full = plan_for(mine.read())
        server = full.targets[0].server or Server("", 0)
        plan = replace(full, steps=(*full.steps, Prove(server)))
        ended, journal = mine.carry_out(plan, fetching(mine.directory))
        assert ended.outcome == "changed"
        (told,) = (
            event.data["report"]["proofs"] for event in journal.events if event.kind == "store-finished"
        )
        assert [proof["answer"] for proof in told] == ["refused"]


# --- what fails after the swap ---------------------------------------------------------------------------


def failing(error: DsmcertfixError) -> Callable[[Path], Callable[[Stanza, Owner], DsmcertfixError | None]]:
    return lambda directory: lambda stanza, owner: error


def raising(error: Exception) -> Callable[[Path], Callable[[Stanza, Owner], DsmcertfixError | None]]:
    def reconnect(stanza: Stanza, owner: Owner) -> None:
        raise error

    return lambda directory: reconnect


def spoiling(name: str, content: bytes | None) -> Callable[[Path], Callable[[Stanza, Owner], None]]:
    def make(directory: Path) -> Callable[[Stanza, Owner], None]:
        def reconnect(stanza: Stanza, owner: Owner) -> None:
            fetching(directory)(stanza, owner)
            if content is None:
                (directory / name).unlink()
            else:
                (directory / name).write_bytes(content)

        return reconnect

    return make


def fetches_another(directory: Path) -> Callable[[Stanza, Owner], DsmcertfixError | None]:
    return fetching(directory, certificates.make())


def fetches_nothing(directory: Path) -> Callable[[Stanza, Owner], None]:
    return lambda stanza, owner: None


def puts_the_old_one_back(directory: Path) -> Callable[[Stanza, Owner], None]:
    def reconnect(stanza: Stanza, owner: Owner) -> None:
        (directory / "dsmcert.kdb").write_bytes(THREE)

    return reconnect


FAILURES = [
    (failing(ReconnectFailed("node-is-strict", "refused")), "node-is-strict", 21),
    (failing(CannotReconnect("no-client-program", "gone")), "no-client-program", 21),
    (raising(ReconnectFailed("client-hangs", "hangs")), "client-hangs", 21),
    (raising(OSError(errno.EIO, "Input/output error")), "client-not-run", 21),
    (raising(KeyError("a bug")), "internal-error", 1),
    (fetches_another, "unexpected-certificate", 22),
    (fetches_nothing, "certificate-not-fetched", 22),
    (puts_the_old_one_back, "certificate-came-back", 20),
    (spoiling("dsmcert.kdb", b"half a file"), "store-damaged", 20),
    (spoiling("dsmcert.kdb", None), None, None),
    (spoiling("dsmcert.sth", None), "store-damaged", 20),
    (spoiling("dsmcert.sth", b"x" * 129), "store-damaged", 20),
    (spoiling("dsmcert.kdb", database(("B", NEW))), "certificate-lost", 20),
]


@pytest.mark.parametrize(("client", "problem", "exits"), FAILURES)
def test_whatever_fails_after_the_swap_every_file_is_as_it_was(
    mine: Machine,
    client: Callable[[Path], Callable[[Stanza, Owner], DsmcertfixError | None]],
    problem: str | None,
    exits: int | None,
) -> None:
    before = seen(mine.directory)
    ended, journal = mine.fix(client(mine.directory))
    assert ended.outcome == "rolled-back"
    assert seen(mine.directory) == before
    assert ended.problem is not None
    if problem is not None:
        assert (code(ended), exit_code(ended.problem, ended.outcome)) == (problem, exits)
    assert kinds(journal)[-4:] == ["undo-started undo", "undo-done undo", "store-finished", "run-finished"]
    backup = load_backup(backup_of(journal), StoreFile)
    backup.verify()


def test_a_certificate_that_ran_out_is_not_accepted(tmp_path: Path) -> None:
    mine = machine(tmp_path)
    stale = certificates.make(end=certificates.START.replace(year=2021))
    ended, _ = mine.carry_out(plan_for(mine.read(), new=stale), fetching(mine.directory, stale))
    assert (ended.outcome, code(ended)) == ("rolled-back", "certificate-not-valid")


@pytest.mark.parametrize("name", ["dsmcert.kdb", "dsmcert.idx", "dsmcert.rdb"])
def test_when_the_undo_is_impossible_it_is_told_and_the_backup_is_intact(mine: Machine, name: str) -> None:
    before = seen(mine.directory)

    def block(stanza: Stanza, owner: Owner) -> DsmcertfixError:
        (mine.directory / name).unlink(missing_ok=True)
        (mine.directory / name).mkdir()
        return ReconnectFailed("client-refused", "refused")

    ended, journal = mine.fix(block)
    assert ended.outcome == "broken"
    assert ended.problem is not None and exit_code(ended.problem, ended.outcome) == 30
    told = "\n".join(ended.problem.context)
    assert str(mine.directory / name) in told
    assert str(backup_of(journal)) in told
    assert "undone because: refused" in told
    load_backup(backup_of(journal), StoreFile).verify()
    assert all(seen(mine.directory)[other] == before[other] for other in before if other != name)
    assert kinds(journal)[-1] == "store-finished"


def test_when_the_directory_itself_is_gone_it_is_told_and_nothing_is_raised(mine: Machine) -> None:
    def vanish(stanza: Stanza, owner: Owner) -> None:
        mine.directory.rename(mine.directory.parent / "elsewhere")

    ended, _ = mine.fix(vanish)
    assert (ended.outcome, code(ended)) == ("broken", "not-restored")


def test_a_bug_in_the_undo_is_told_as_a_broken_store(mine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from dsmcertfix.transaction import live

    def bug(backup: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(live, "restoring", bug)
    ended, _ = mine.fix(fetches_nothing(mine.directory))
    assert ended.outcome == "broken"


# --- what changes before the swap ------------------------------------------------------------------------


def test_a_store_that_changes_before_the_swap_is_left_as_the_other_one_left_it(mine: Machine) -> None:
    def meanwhile(directory: Path) -> None:
        (mine.directory / "dsmcert.kdb").write_bytes(database(("A", NEW)))
        raise EditFailed("x", "x")

    mine.engines = (Breaking(meanwhile), NativeEngine())
    ended, journal = mine.fix()
    assert (ended.outcome, code(ended)) == ("unchanged", "store-changed")
    assert labels(mine.directory) == ["A"]
    assert "step-started swap" not in kinds(journal)


def test_a_store_that_changed_since_the_plan_is_not_even_backed_up(mine: Machine) -> None:
    plan = plan_for(mine.read())
    (mine.directory / "dsmcert.idx").write_bytes(b"a client was here")
    ended, _ = mine.carry_out(plan, fetching(mine.directory))
    assert (ended.outcome, code(ended)) == ("unchanged", "store-changed-meanwhile")


def test_a_preflight_that_failed_ends_it_before_anything(mine: Machine) -> None:
    plan = plan_for(mine.read())
    problem = CannotReconnect("server-not-reachable", "nobody answers").problem()
    plan = replace(plan, steps=(Preflight(None, problem), *plan.steps))
    before = seen(mine.directory)
    ended, journal = mine.carry_out(plan, fetching(mine.directory))
    assert ended == Ended("unchanged", problem)
    assert exit_code(problem, "unchanged") == 16
    assert not list(journal.path.parent.glob("stores/*"))
    assert seen(mine.directory) == before


# --- signals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "exits"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("when", ["engine", "client"])
def test_a_signal_is_acted_on_and_everything_is_as_it_was(
    mine: Machine, when: str, number: int, exits: int
) -> None:
    before = seen(mine.directory)

    def hit(*_: object) -> None:
        os.kill(os.getpid(), number)

    with watching() as interrupts:
        mine.interrupts = interrupts
        if when == "engine":
            mine.engines = (Breaking(hit),)
            ended, _ = mine.fix()
        else:
            ended, _ = mine.fix(lambda stanza, owner: hit())
    assert seen(mine.directory) == before
    assert ended.problem is not None and exit_code(ended.problem, ended.outcome) == exits


def test_a_signal_between_two_steps_is_acted_on_at_the_next(mine: Machine) -> None:
    before = seen(mine.directory)

    def observe(event: object) -> None:
        if getattr(event, "kind", "") == "step-done" and getattr(event, "data", {}).get("step") == "swap":
            os.kill(os.getpid(), signal.SIGTERM)

    with watching() as interrupts:
        mine.interrupts = interrupts
        ended, _ = mine.fix(observe=observe)
    assert (ended.outcome, code(ended)) == ("rolled-back", "terminated")
    assert seen(mine.directory) == before


# --- a full disk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", range(20))
def test_the_disk_is_full_from_some_write_on(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Whatever the write: the old set or the new one, and the answer says which."""
    before = seen(mine.directory)
    plan = plan_for(mine.read())
    real, left = os.write, [writes]

    def write(handle: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        return real(handle, data)

    def fills(journal: Journal) -> None:
        monkeypatch.setattr(os, "write", write)

    ended, journal = mine.carry_out(plan, fetching(mine.directory), prepare=fills)
    monkeypatch.setattr(os, "write", real)
    # Seventeen writes, and the store counts as changed.
    if writes > 16:
        assert ended.outcome == "changed"
        assert labels(mine.directory) == ["A", "C", "B"]
        return
    assert ended.outcome in ("unchanged", "rolled-back")
    assert ended.problem is not None
    assert exit_code(ended.problem, ended.outcome) in ((14, 15) if ended.outcome == "unchanged" else (20, 21))
    assert seen(mine.directory) == before
    finished = next(event for event in journal.events if event.kind == "store-finished")
    assert finished.data["outcome"] == ended.outcome
