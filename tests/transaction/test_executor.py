"""One transaction that goes well: a real store, real files, and engines that do their work or fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.transaction.kit import (
    NEW,
    PASSWORD,
    THREE,
    Breaking,
    Machine,
    fetching,
    held,
    kinds,
    labels,
    machine,
    plan_for,
    seen,
)

from dsmcertfix.errors import DsmcertfixError, EditFailed, ReconnectFailed, StoreUnreadable, exit_code
from dsmcertfix.ibm.engines import NativeEngine
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.model import Owner, Presented, Server, Stanza, StoreFile
from dsmcertfix.planning.steps import (
    AddCertificate,
    BackUp,
    CheckLive,
    CheckStaged,
    CheckStanza,
    Expected,
    MoveOut,
    Stage,
    StorePlan,
    Swap,
)
from dsmcertfix.transaction.backup import load_backup
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.journal import Journal, read_journal


def code(ended: Ended) -> str:
    return ended.problem.code if ended.problem else ""


def backup_of(journal: Journal) -> Path:
    (path,) = (journal.path.parent / "stores").glob("*/backup")
    return path


# --- what ends well --------------------------------------------------------------------------------------


def test_the_certificate_is_exchanged_and_every_other_record_is_byte_for_byte_the_same(mine: Machine) -> None:
    before = kdb.read(THREE).records
    ended, journal = mine.fix()
    assert ended == Ended("changed", None)
    after = kdb.read((mine.directory / "dsmcert.kdb").read_bytes())
    assert [record.label for record in after.records] == ["A", "C", "B"]
    assert [record.slot for record in after.records[:2]] == [before[0].slot, before[2].slot]
    assert after.records[2].certificate == NEW
    kdb.verify(after, PASSWORD)
    assert (mine.directory / "dsmcert.idx").read_bytes() == b"a new index"
    assert kinds(journal)[-2:] == ["store-finished", "run-finished"]


def test_nothing_of_the_run_is_left_beside_the_store_and_no_private_copy(mine: Machine) -> None:
    _, journal = mine.fix()
    assert sorted(path.name for path in mine.directory.iterdir()) == [
        "dsmcert.idx",
        "dsmcert.kdb",
        "dsmcert.sth",
    ]
    assert not list(journal.path.parent.glob("stores/*/stage"))


def test_the_backup_is_what_was_there(mine: Machine) -> None:
    _, journal = mine.fix()
    backup = load_backup(backup_of(journal), StoreFile)
    backup.verify()
    assert backup.content(StoreFile.KDB) == THREE


def test_every_step_is_on_disk_before_it_acts(mine: Machine) -> None:
    on_disk: dict[str, list[str]] = {}

    def engine_sees(directory: Path) -> None:
        journal = directory.parent.parent.parent / "journal.jsonl"
        on_disk["engine"] = [str(event.data.get("step")) for event in read_journal(journal)]
        raise EditFailed("no-luck", "no luck")

    mine.engines = (Breaking(engine_sees), NativeEngine())

    def reconnect(stanza: Stanza, owner: Owner) -> None:
        (journal,) = mine.state.glob("runs/*/journal.jsonl")
        on_disk["client"] = [str(event.data.get("step")) for event in read_journal(journal)]
        fetching(mine.directory)(stanza, owner)

    assert mine.fix(reconnect)[0].outcome == "changed"
    assert on_disk["engine"][-1] == "delete-label"
    assert on_disk["client"][-1] == "reconnect"
    assert on_disk["client"].count("swap") == 2


def test_the_client_finds_no_index_and_the_certificate_gone(mine: Machine) -> None:
    found: list[list[str]] = []

    def reconnect(stanza: Stanza, owner: Owner) -> None:
        found.append([*labels(mine.directory), *(path.name for path in mine.directory.glob("dsmcert.idx"))])
        fetching(mine.directory)(stanza, owner)

    mine.fix(reconnect)
    assert found == [["A", "C"]]


def test_the_client_signs_on_once_also_when_it_fails(mine: Machine) -> None:
    calls: list[str] = []

    def refused(stanza: Stanza, owner: Owner) -> DsmcertfixError:
        calls.append(stanza.name)
        return ReconnectFailed("client-refused", "refused")

    mine.fix(refused)
    assert calls == ["TSM1"]


# --- engines ---------------------------------------------------------------------------------------------


def refuse(directory: Path) -> None:
    raise EditFailed("gskit-timed-out", "it hangs")


def empty(directory: Path) -> None:
    (directory / "dsmcert.kdb").write_bytes(b"")


def remove_another(directory: Path) -> None:
    path = directory / "dsmcert.kdb"
    victim = kdb.read(path.read_bytes()).records[0]
    path.write_bytes(
        kdb.remove(kdb.read(path.read_bytes()), PASSWORD, label=victim.label, sha256=str(victim.sha256))
    )


def do_nothing(directory: Path) -> None:
    pass


def spoil_the_stash(directory: Path) -> None:
    (directory / "dsmcert.sth").write_bytes(b"spoilt")
    raise EditFailed("gskit-refused", "refused")


def too_much(directory: Path) -> None:
    raise StoreUnreadable("too-much-to-read", "it has too much")


BAD = [refuse, empty, remove_another, do_nothing, spoil_the_stash]


@pytest.mark.parametrize("act", BAD, ids=lambda act: act.__name__)
def test_the_other_engine_is_tried_and_it_is_said_which_did_it(
    mine: Machine, act: Callable[[Path], None]
) -> None:
    mine.engines = (Breaking(act, "gskit"), NativeEngine())
    ended, journal = mine.fix()
    assert ended.outcome == "changed"
    (note,) = (
        e.data["note"] for e in journal.events if e.kind == "step-done" and e.data["step"] == "delete-label"
    )
    assert note.startswith("gskit: ") and note.endswith("done by native")


@pytest.mark.parametrize("act", BAD, ids=lambda act: act.__name__)
def test_when_no_engine_succeeds_the_live_store_was_never_touched(
    mine: Machine, act: Callable[[Path], None]
) -> None:
    before, inode = seen(mine.directory), (mine.directory / "dsmcert.kdb").stat().st_ino
    mine.engines = (Breaking(act),)
    ended, journal = mine.fix()
    assert ended.outcome == "unchanged"
    assert ended.problem and exit_code(ended.problem, ended.outcome) == 15
    assert (seen(mine.directory), (mine.directory / "dsmcert.kdb").stat().st_ino) == (before, inode)
    assert "step-started swap" not in kinds(journal)


@pytest.mark.parametrize(("acts", "told"), [((too_much,), 14), ((too_much, refuse), 15)])
def test_a_store_with_too_much_for_each_engine_could_not_be_read(
    mine: Machine, acts: tuple[Callable[[Path], None], ...], told: int
) -> None:
    mine.engines = tuple(map(Breaking, acts))
    ended, _ = mine.fix()
    assert ended.problem and exit_code(ended.problem, ended.outcome) == told


def test_without_an_engine_the_store_is_untouched(mine: Machine) -> None:
    mine.engines = ()
    ended, _ = mine.fix()
    assert (ended.outcome, code(ended)) == ("unchanged", "no-engine")


def test_a_record_that_was_deleted_before_and_is_swept_out_now_is_no_change(tmp_path: Path) -> None:
    mine = machine(tmp_path)
    path = mine.directory / "dsmcert.kdb"
    content = kdb.read(path.read_bytes())
    marked = content.records[0].slot[:3] + b"\x02" + content.records[0].slot[4:]
    path.write_bytes(_with_slots([marked, *(record.slot for record in content.records[1:])]))

    def sweep(directory: Path) -> None:
        staged = directory / "dsmcert.kdb"
        staged.write_bytes(_with_slots([kdb.read(staged.read_bytes()).records[2].slot]))

    mine.engines = (Breaking(sweep, "sweeping"),)
    ended, _ = mine.fix()
    assert ended == Ended("changed", None)
    assert labels(mine.directory) == ["C", "B"]


def _with_slots(slots: list[bytes]) -> bytes:
    from dsmbench import formats

    return formats.key_database(6, PASSWORD, slots)


# --- stores of API applications, whole stores, rollback ---------------------------------------------------


def add_plan(mine: Machine) -> StorePlan:
    plan = plan_for(mine.read())
    server = Server("tsm1.example.com", 1500)
    removed = plan.targets[0].certificate
    new = held(NEW, "")
    add = AddCertificate(server, "B", new, "a-client-store")
    kept = tuple(item for item in plan.store.certificates if item.label != "B")
    steps = (
        *plan.steps[:3],
        add,
        CheckStaged((removed,), (new,)),
        Swap(),
        CheckLive((removed,), (Expected(server, (new.sha256,)),), kept),
    )
    return replace(plan, steps=steps)


def never(stanza: Stanza, owner: Owner) -> None:
    raise AssertionError("the client was not to be called")


def test_what_no_client_trusts_is_not_put_into_an_api_store(mine: Machine) -> None:
    before = seen(mine.directory)
    ended, _ = mine.carry_out(add_plan(mine), never)
    assert (ended.outcome, code(ended)) == ("unchanged", "certificate-not-proved")
    assert seen(mine.directory) == before


def test_what_a_person_handed_over_is_put_in(mine: Machine) -> None:
    plan = add_plan(mine)
    steps = tuple(
        replace(step, provider=None) if isinstance(step, AddCertificate) else step for step in plan.steps
    )
    ended, _ = mine.carry_out(replace(plan, steps=steps), never)
    assert ended == Ended("changed", None)
    assert labels(mine.directory) == ["A", "C", "B"]


def whole_plan(mine: Machine, *, waits: bool) -> StorePlan:
    store = mine.read()
    return StorePlan(store, "whole-store", (), (BackUp(), MoveOut(), CheckLive((), moved_out=waits)))


def test_a_whole_store_that_waits_for_the_next_session_is_gone(mine: Machine) -> None:
    ended, journal = mine.carry_out(whole_plan(mine, waits=True), never)
    assert ended == Ended("changed", None)
    assert list(mine.directory.iterdir()) == []
    load_backup(backup_of(journal), StoreFile).verify()


def test_a_rollback_brings_back_the_earlier_set(mine: Machine) -> None:
    before = seen(mine.directory)
    _, journal = mine.fix()
    ended, _ = mine.roll_back(backup_of(journal))
    assert ended == Ended("rolled-back", None)
    assert seen(mine.directory) == before


def test_a_rollback_can_be_rolled_back(mine: Machine) -> None:
    _, journal = mine.fix()
    after = seen(mine.directory)
    _, second = mine.roll_back(backup_of(journal))
    mine.roll_back(backup_of(second))
    assert seen(mine.directory) == after


@pytest.mark.parametrize("full", [False, True])
def test_a_rollback_that_fails_leaves_what_was_there_and_is_not_broken(
    mine: Machine, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    _, journal = mine.fix()
    before = seen(mine.directory)
    if full:
        real = os.write

        def write(handle: int, data: bytes) -> int:
            if str(mine.directory) in os.readlink(f"/proc/self/fd/{handle}"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(handle, data)

        monkeypatch.setattr(os, "write", write)
    else:
        (backup_of(journal) / "dsmcert.kdb").write_bytes(b"damaged")
    ended, _ = mine.roll_back(backup_of(journal))
    assert ended.outcome == "rolled-back"
    assert ended.problem is not None
    assert exit_code(ended.problem, ended.outcome) == 20
    assert seen(mine.directory) == before


def test_the_private_copy_and_the_backup_are_closed_to_others(mine: Machine) -> None:
    modes: list[int] = []

    def look(directory: Path) -> None:
        modes.extend(path.stat().st_mode & 0o077 for path in (directory, directory.parent / "backup"))
        raise EditFailed("x", "x")

    mine.engines = (Breaking(look), NativeEngine())
    mine.fix()
    assert modes == [0, 0]


def test_stage_needs_a_backup(mine: Machine) -> None:
    ended, _ = mine.carry_out(replace(plan_for(mine.read()), steps=(Stage(),)), never)
    assert (ended.outcome, code(ended)) == ("unchanged", "no-backup")


def test_the_servers_of_all_stanzas_are_asked_at_the_same_time_at_the_end(
    mine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dsmcertfix.transaction.client.check_stanza", lambda *_: None)
    asked: list[tuple[Server, ...]] = []

    def present(servers: tuple[Server, ...]) -> tuple[Presented, ...]:
        asked.append(servers)
        return tuple(map(Presented, servers))

    mine.present = present
    servers = [Server(f"s{number}.example.com", 1500) for number in range(3)]
    stanzas = [
        Stanza(server.address, mine.directory / "dsm.sys", 1, server) for server in (*servers, servers[0])
    ]
    plan = StorePlan(mine.read(), "label", (), tuple(map(CheckStanza, stanzas)))
    ended, _ = mine.carry_out(plan, fetching(mine.directory))
    assert ended.problem is None
    assert asked == [tuple(servers)]
