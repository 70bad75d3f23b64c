"""A renewal's transaction against a server that is played: what it waits for, and how it goes back."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.server.played import NEW, OLD, OTHER, Control, Scene, Started
from tests.transaction.calls import recorded

from dsmcertfix.errors import Busy, DsmcertfixError, Interrupted, ServerNotUp, SwapFailed, WrongCertificate
from dsmcertfix.ibm.certificate_file import certificates_in
from dsmcertfix.ibm.server.instance import LABEL
from dsmcertfix.model import Presented, Server
from dsmcertfix.planning.renew import AwaitCertificate, CheckRenewed, ServerSwap, StartServer, StopServer
from dsmcertfix.planning.steps import BackUp, Stage
from dsmcertfix.transaction import server as transactions
from dsmcertfix.transaction.executor import Ended
from dsmcertfix.transaction.server_checks import Contents

AT = Server("tsm1.example.com", 1500)


def code(ended: Ended) -> str:
    return ended.problem.code if ended.problem is not None else ""


BEGIN = (BackUp(), Stage())
WAIT = (StopServer(None), ServerSwap(), StartServer(None), AwaitCertificate(LABEL, None))


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(transactions, "_POLL_S", 0.001)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    return Scene(tmp_path)


def test_the_played_server_s_files_are_what_they_are_taken_for(scene: Scene) -> None:
    assert certificates_in(scene.there()["cert256.arm"]) == (OLD.der,)


# --- what is waited for ----------------------------------------------------------------------------------


def missing(scene: Scene, at: Server | None = None) -> str:
    return scene.transaction(at=at)._missing(LABEL, at)


def test_what_the_server_has_not_done_yet_is_told_until_it_has(scene: Scene) -> None:
    arm = scene.directory / "cert256.arm"
    arm.write_bytes(NEW.pem)
    assert missing(scene) == "cert256.arm holds another certificate than the key database"
    arm.unlink()
    assert missing(scene) == "cert256.arm has no certificate"
    arm.write_bytes(b"half")
    assert missing(scene) == "cert256.arm has no certificate"
    scene.makes()()
    assert missing(scene) == ""
    scene.keeper.running = False
    assert missing(scene) == "the server does not run"
    scene.keeper.running = None
    assert missing(scene) == ""
    assert scene.transaction()._missing("another label", None) == (
        "the key database has no certificate `another label`"
    )
    (scene.directory / "cert.kdb").unlink()
    assert "No such file" in missing(scene)


def test_where_it_presented_its_certificate_it_must_present_the_new_one(scene: Scene) -> None:
    scene.makes()()
    scene.keeper.running = False
    assert missing(scene, AT) == ""
    scene.seen = Presented
    assert missing(scene, AT) == f"{AT} presents nothing"
    down = ServerNotUp("x", "it is down").problem()
    scene.seen = lambda server: Presented(server, problem=down)
    assert missing(scene, AT) == "it is down"
    scene.seen = lambda server: Presented(server, (scene.made(OTHER),))
    with pytest.raises(WrongCertificate) as raised:
        missing(scene, AT)
    assert raised.value.code == "server-presents-another"


def test_between_two_looks_it_waits(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.keeper.limit_s = 9.0
    clock = SimpleNamespace(monotonic=count().__next__, sleep=lambda seconds: scene.makes()())
    monkeypatch.setattr(transactions, "time", clock)
    (scene.directory / "cert256.arm").unlink()
    scene.transaction()._await(LABEL, None)
    assert scene.there()["cert256.arm"] == NEW.pem


def test_a_renewal_that_goes_well_leaves_the_new_certificate_and_goes_on_without_us(scene: Scene) -> None:
    scene.keeper.makes = scene.makes()

    ended = scene.run(*BEGIN, *WAIT, CheckRenewed(scene.made(OLD)))
    assert ended == Ended("changed", None)
    assert scene.keeper.done == ["stop", "start"] and scene.keeper.started[0].left == 1
    notes = {
        event.data.get("step"): event.data.get("note") for event in scene.events if event.kind == "step-done"
    }
    assert notes["check-renewed"] == f"SHA-256 {scene.made(NEW).sha256}"
    assert str(notes["back-up"]).endswith("backup")
    assert scene.there()["cert256.arm"] == NEW.pem


def test_the_arm_of_before_is_away_when_the_server_starts(scene: Scene) -> None:
    there: list[list[str]] = []
    scene.keeper.makes = lambda: there.append(sorted(os.listdir(scene.directory)))
    scene.run(*BEGIN, *WAIT)
    assert "cert256.arm" not in there[0] and "cert.kdb" in there[0]


# --- the way back ----------------------------------------------------------------------------------------


def test_a_server_that_makes_none_is_stopped_its_files_come_back_and_it_runs_again(scene: Scene) -> None:
    before = scene.there()
    ended = scene.run(*BEGIN, *WAIT)
    assert (ended.outcome, code(ended)) == ("rolled-back", "server-not-up")
    assert ended.problem is not None
    assert ended.problem.context == ("missing: cert256.arm has no certificate", "it said so")
    assert scene.there() == before
    assert scene.keeper.done == ["stop", "start", "stop", "start", "asked: True"]
    assert scene.kinds()[-3:] == ["undo-started undo", "undo-done undo", "store-finished"]
    assert scene.keeper.started[-1].left == 1


def test_a_start_that_failed_is_told_at_once(scene: Scene) -> None:
    scene.keeper.limit_s = 60.0
    start = scene.keeper.start

    def fails() -> Started:
        found = start()
        if len(scene.keeper.started) == 1:
            found.error = ServerNotUp("start-failed", "the command failed")
        return found

    scene.keeper.start = fails  # type: ignore[method-assign]
    assert code(scene.run(*BEGIN, *WAIT)) == "start-failed"


def test_a_server_that_did_not_run_before_is_not_started_in_the_undo(scene: Scene) -> None:
    ended = scene.run(*BEGIN, *WAIT, running=False)
    assert ended.outcome == "rolled-back" and scene.keeper.done == ["stop", "start", "stop"]


def test_a_server_that_is_down_and_was_not_started_needs_no_stop(scene: Scene) -> None:
    scene.keeper.stop = lambda: setattr(scene.keeper, "running", False)  # type: ignore[method-assign]
    broken = CheckRenewed(scene.made(OLD))
    ended = scene.run(*BEGIN, StopServer(None), ServerSwap(), broken, running=False)
    assert ended.outcome == "rolled-back" and "stop" not in scene.keeper.done
    assert scene.kinds().count("undo-started undo") == 1


def test_a_server_that_cannot_be_stopped_again_keeps_its_files_and_that_is_told(scene: Scene) -> None:
    scene.keeper.makes = lambda: setattr(scene.keeper, "stops", Busy("server-runs", "it runs on"))
    ended = scene.run(*BEGIN, *WAIT)
    assert (ended.outcome, code(ended)) == ("broken", "server-not-stopped-again")
    assert ended.problem is not None
    assert ended.problem.message.endswith("could not be put back: it runs on")
    assert any(line.startswith("backup: ") for line in ended.problem.context)


def test_without_a_stop_command_it_is_asked_to_end(scene: Scene) -> None:
    scene.keeper.control = Control(stop=False)
    scene.keeper.ends = True
    scene.keeper.running = False
    ended = scene.run(*BEGIN, ServerSwap(), StartServer(None), AwaitCertificate(LABEL, None), running=False)
    assert ended.outcome == "rolled-back" and scene.keeper.done == ["start", "asked to end"]
    scene.keeper.ends = False


def test_a_start_command_that_does_not_end_keeps_the_files_where_they_are(scene: Scene) -> None:
    scene.keeper.next_rests = [False]
    ended = scene.run(*BEGIN, *WAIT, running=False)
    assert (ended.outcome, code(ended)) == ("broken", "server-not-stopped-again")
    assert ended.problem is not None and "the start command does not end" in ended.problem.message


def test_a_start_command_that_ends_after_the_stop_is_no_obstacle(scene: Scene) -> None:
    scene.keeper.next_rests = [False, True]
    ended = scene.run(*BEGIN, *WAIT, running=False)
    assert ended.outcome == "rolled-back"


@pytest.mark.parametrize("failure", [None, ServerNotUp("x", "the command failed", context=("its word",))])
def test_a_server_that_does_not_come_up_again_is_told_with_what_to_do(
    scene: Scene, failure: DsmcertfixError | None
) -> None:
    scene.keeper.comes_up = False
    start = scene.keeper.start

    def fails() -> Started:
        found = start()
        found.error = failure if len(scene.keeper.started) > 1 else None
        return found

    scene.keeper.start = fails  # type: ignore[method-assign]
    before = scene.there()
    ended = scene.run(*BEGIN, *WAIT)
    assert ended.problem is not None and scene.there() == before
    assert code(ended) == "server-not-started-again"
    why = "the command failed" if failure else "it did not come up within the time limit"
    assert ended.problem.message.endswith(f"the server does not run: {why}")
    assert ended.problem.context[: len(failure.context) if failure else 0] == (
        failure.context if failure else ()
    )
    assert any(line.startswith("undone because: ") for line in ended.problem.context)
    assert ended.problem.hint is not None and "(tried: systemctl start tsm)" in ended.problem.hint
    assert "as tsminst1 " in ended.problem.hint


def test_a_start_that_cannot_even_begin_is_told_and_without_a_command_none_is_named(scene: Scene) -> None:
    scene.keeper.control = Control(start=False)
    start = scene.keeper.start

    def fails() -> Started:
        if scene.keeper.started:
            raise Busy("no-start", "nobody starts it")
        return start()

    scene.keeper.start = fails  # type: ignore[method-assign]
    ended = scene.run(*BEGIN, *WAIT)
    assert ended.problem is not None and ended.problem.message.endswith("does not run: nobody starts it")
    assert ended.problem.hint is not None and "tried:" not in ended.problem.hint


def test_where_it_presented_its_certificate_it_does_so_again_after_the_undo(scene: Scene) -> None:
    scene.seen = Presented
    scene.run(*BEGIN, *WAIT, at=AT)
    assert scene.keeper.done[-1] == "asked: False"


def test_a_system_error_is_told_by_the_step(scene: Scene) -> None:
    transaction = scene.transaction()
    error = OSError(5, "Input/output error", "/file")
    for step, kind, name in (
        (ServerSwap(), SwapFailed, "live-step-failed"),
        (CheckRenewed(scene.made(OLD)), SwapFailed, "live-step-failed"),
        (StopServer(None), ServerNotUp, "server-not-reached"),
        (StartServer(None), ServerNotUp, "server-not-reached"),
        (AwaitCertificate(LABEL, None), ServerNotUp, "server-not-reached"),
        (BackUp(), DsmcertfixError, "backup-not-made"),
        (Stage(), DsmcertfixError, "private-copy-failed"),
    ):
        told = transaction._told(step, error)
        assert isinstance(told, kind) and told.code == name
        assert told.message.endswith(": Input/output error") and told.context == ("/file",)


def test_a_signal_while_it_waits_is_undone_and_what_was_started_is_left(scene: Scene) -> None:
    def signalled() -> None:
        scene.makes()()
        scene.keeper.limit_s, scene.keeper.makes = 60.0, lambda: None
        scene.seen = raising

    def raising(server: Server) -> Presented:
        scene.seen = lambda server: Presented(server, (scene.made(OLD),))
        raise Interrupted("interrupted", "Ctrl+C")

    scene.keeper.makes = signalled
    ended = scene.run(
        *BEGIN, StopServer(None), ServerSwap(), StartServer(None), AwaitCertificate(LABEL, AT), at=AT
    )
    assert code(ended) == "interrupted" and ended.outcome == "rolled-back"
    assert all(start.left <= 1 for start in scene.keeper.started) and scene.keeper.started[-1].left == 1


def test_the_new_arm_is_what_the_server_wrote_and_is_on_the_disk(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.keeper.makes = scene.makes()
    calls = recorded(monkeypatch)
    assert scene.run(*BEGIN, *WAIT).outcome == "changed"
    last = len(calls) - 1 - calls[::-1].index("rename cert256.arm cert256.arm.dsmcertfix-r1-aside")
    assert {"sync cert.kdb", "sync cert256.arm", "sync instance"} <= set(calls[last:])


def test_no_key_is_in_the_repr_of_what_is_compared() -> None:
    told = repr(Contents(b"a database", b"a stash", b"a certificate"))
    assert "database" not in told.replace("database=", "") and "stash" not in told and "b'" not in told
