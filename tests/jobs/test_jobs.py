"""`fix --jobs N`: clients of different servers are waited for at the same time, and nothing else changes."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from tests.answers import Answer
from tests.endtoend.machine import ended, wait_until
from tests.jobs.conftest import MakeSeveral
from tests.jobs.several import Several

from dsmcertfix.transaction.journal import read_journal

FOUR = ("TSMA", "TSMB", "TSMC", "TSMD")


def journal_of(answer: Answer) -> Path:
    return Path(answer.report["journal"])


def events_of(answer: Answer, store: Path) -> list[tuple[str, object]]:
    """The journal's lines about one store, without what differs from run to run."""
    known = answer.store(store)["id"]
    events = read_journal(journal_of(answer))
    return [(event.kind, event.data.get("step")) for event in events if event.store == known]


def test_clients_of_different_servers_are_waited_for_at_the_same_time(several: MakeSeveral) -> None:
    made = several(*FOUR)
    made.meet(4)
    answer = made.machine.fix("--jobs", "4")
    assert answer.code == 0
    assert made.most_at_once == 4
    assert [made.is_new(number) for number in range(4)] == [True] * 4
    assert made.machine.left_behind() == []


def test_a_server_has_one_session_at_a_time_in_the_order_of_the_plan(several: MakeSeveral) -> None:
    made = several("TSMA", "TSMA", "TSMA")
    made.watch()
    answer = made.machine.fix("--jobs", "3")
    assert answer.code == 0
    assert made.most_at_once == 1
    planned = [name for what, name in made.notes if what == "begin"]
    steps = [item for item in answer.report["steps"] if item["step"] == "reconnect"]
    assert [item["text"].split()[3] for item in steps] == planned


def test_no_more_than_the_jobs_that_were_given_are_open_at_once(several: MakeSeveral) -> None:
    made = several(*FOUR)
    made.meet(2)
    answer = made.machine.fix("--jobs", "2")
    assert (answer.code, made.most_at_once) == (0, 2)


def test_without_it_one_store_comes_after_the_other(several: MakeSeveral) -> None:
    made = several(*FOUR[:2])
    made.watch()
    answer = made.machine.fix()
    assert (answer.code, made.most_at_once) == (0, 1)
    stores = [event.store for event in read_journal(journal_of(answer)) if event.store]
    assert stores == sorted(stores, key=stores.index)


def test_each_store_s_own_part_of_journal_and_report_is_as_if_it_were_alone(several: MakeSeveral) -> None:
    alone, together = several(*FOUR[:3]), several(*FOUR[:3])
    together.meet(3)
    one, other = alone.machine.fix(), together.machine.fix("--jobs", "3")
    assert (one.code, other.code, together.most_at_once) == (0, 0, 3)
    for mine, theirs in zip(alone.stores, together.stores, strict=True):
        assert events_of(one, mine) == events_of(other, theirs)
        told = [
            [(item["step"], item["state"]) for item in answer.report["steps"] if item["store"] == known]
            for answer, known in ((one, one.store(mine)["id"]), (other, other.store(theirs)["id"]))
        ]
        assert told[0] == told[1]
        assert {state for _, state in told[0]} == {"done"}


def test_one_that_fails_is_undone_and_disturbs_no_other(several: MakeSeveral) -> None:
    made = several(*FOUR[:3])
    made.machine.servers["TSMB"].update_node("NODE1", "STRICT")
    before = made.machine.seen(made.stores[1])
    made.meet(3)
    answer = made.machine.fix("--jobs", "3")
    assert answer.code == 21
    assert [answer.store(store)["outcome"] for store in made.stores] == ["changed", "rolled-back", "changed"]
    assert made.machine.seen(made.stores[1]) == before
    assert made.machine.left_behind() == []


def test_a_client_that_hangs_holds_up_no_other(several: MakeSeveral) -> None:
    made = several(*FOUR[:3])
    made.watch("case $3 in *TSMA*) exec sleep 300;; esac")
    answer = made.machine.fix("--jobs", "2", "--timeout", "20")
    assert answer.code == 21
    assert [answer.store(store)["outcome"] for store in made.stores] == ["rolled-back", "changed", "changed"]
    # The third one began when the second was done, long before the first was given up.
    assert [name[:4] for what, name in made.notes if what == "end"] == ["TSMB", "TSMC"]


def test_the_progress_says_which_store_a_line_is_about(several: MakeSeveral) -> None:
    made = several(*FOUR[:2])
    made.meet(2)
    lines = made.machine.text("fix", "--yes", "--trust-on-first-use", "--jobs", "2").stderr.splitlines()
    heads = [line for line in lines if line.endswith(":")]
    assert {head.rstrip(":") for head in heads} == {str(store) for store in made.stores}
    assert len(heads) > 2
    current = ""
    steps: dict[str, list[str]] = {}
    for line in lines:
        if line.endswith(":"):
            current = line
        elif line.startswith("  "):
            steps.setdefault(current, []).append(" ".join(line.split()[:2]))
    assert len(steps) == 2 and len({tuple(item) for item in steps.values()}) == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]
)
def test_a_signal_undoes_every_store_that_waits_and_begins_no_other(
    several: MakeSeveral, number: signal.Signals, code: int
) -> None:
    made = several(*FOUR)
    before = [made.machine.seen(store) for store in made.stores]
    made.linger()
    run = made.machine.start("fix", "--yes", "--trust-on-first-use", "--jobs", "3")
    wait_until(lambda: len(made.notes) == 3)
    answer = ended(run, number)
    assert answer.code == code
    assert [made.machine.seen(store) for store in made.stores] == before
    assert made.machine.left_behind() == []
    outcomes = [answer.store(store)["outcome"] for store in made.stores]
    assert outcomes == ["rolled-back"] * 3 + ["unchanged"]
    assert len(made.notes) == 3
    assert not running(made)
    # The journal is closed: nothing is left to recover.
    assert made.machine.run("recover").report["changed"] is False


def test_killed_while_they_wait_the_next_run_undoes_every_one(several: MakeSeveral) -> None:
    made = several(*FOUR[:3])
    before = [made.machine.seen(store) for store in made.stores]
    made.linger()
    run = made.machine.start("fix", "--yes", "--trust-on-first-use", "--jobs", "3")
    wait_until(lambda: len(made.notes) == 3)
    run.kill()
    run.communicate()
    stop(made)
    assert made.machine.run("detect").code == 31
    answer = made.machine.run("recover")
    assert (answer.code, answer.report["changed"]) == (0, True)
    assert [made.machine.seen(store) for store in made.stores] == before
    assert made.machine.left_behind() == []


def test_a_number_of_jobs_that_is_none_is_a_usage_error(several: MakeSeveral) -> None:
    made = several("TSMA")
    for number in ("0", "-1", "many", "65"):
        assert made.machine.fix("--jobs", number).code == 2
    assert made.machine.reconnects == []


def running(made: Several) -> list[int]:
    """Processes of the played client that are there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        if str(made.machine.endpoint.dsmc_program).encode() in text:
            found.append(int(path.parent.name))
    return found


def stop(made: Several) -> None:
    """The clients that a killed run left are gone."""
    for number in running(made):
        # One that is of another's group may have ended with it.
        with suppress(ProcessLookupError):
            os.killpg(os.getpgid(number), signal.SIGKILL)
    wait_until(lambda: not running(made))
