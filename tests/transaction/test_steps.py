"""What single steps of a client's transaction and of a rollback do, and how an error is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.transaction.kit import STANZA, UNIX, Machine, fetching, plan_for, tell, waiting

from dsmcertfix.errors import CannotReconnect, EditFailed, FailedSession, ReconnectFailed
from dsmcertfix.model import Presented, Proof, Server
from dsmcertfix.planning.steps import AddCertificate, BackUp, MoveOut, Preflight, Prove, Restore, step_name
from dsmcertfix.transaction.client import ClientTransaction, Tools
from dsmcertfix.transaction.executor import Run, Subject
from dsmcertfix.transaction.rollback import Rollback


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


def test_a_preflight_s_note_is_in_the_journal(mine: Machine) -> None:
    proof = Proof(Server("a", 1), "accepted", 0, "the proof")
    plan = plan_for(mine.read())
    steps = (Preflight(STANZA, None, proof), *plan.steps)
    _, journal = mine.carry_out(replace(plan, steps=steps), fetching(mine.directory))
    notes = {event.data.get("step"): event.data.get("note") for event in journal.events}
    assert notes["preflight"] == "the proof"


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
