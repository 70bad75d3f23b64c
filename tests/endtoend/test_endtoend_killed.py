"""Killed at any event of the journal: afterwards the old set is there or the new one, and the backup."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.answers import Answer, checked
from tests.endtoend.machine import Machine

from dsmbench.runtime import scratch
from dsmbench.snapshot import Seen
from dsmcertfix.model import StoreFile
from dsmcertfix.transaction.backup import load_backup

KILLING = Path(__file__).with_name("killing.py")
Files = dict[str, Seen]


class Victim:
    """A machine with one store to repair, whose repair is killed again and again."""

    def __init__(self, directory: Path, owner: str):
        self.machine = Machine(directory)
        self.endpoint = self.machine.endpoint
        user = self.endpoint.user(owner) if owner != "root" else None
        place = f"/home/{owner}/adsm" if user else None
        self.machine.stanzas("TSMA", passworddir=place, owner=user)
        made = self.endpoint.store(user=user, certificates=self.machine.trusted("TSMA"))
        self.directory = made
        self.user = user
        self.new = self.machine.renew("TSMA")
        self.old = self.seen()
        self._kept = directory / "kept"
        shutil.copytree(made, self._kept, ignore=lambda _, names: [n for n in names if not _is_store(n)])
        self._commands = subprocess.Popen(
            [sys.executable, *self.machine.started(KILLING)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def seen(self) -> Files:
        """All files in the store's directory that are, or were made beside, the store's."""
        return self.machine.seen(self.directory)

    def renewed(self) -> None:
        """Everything is as in the beginning."""
        for file in self.directory.glob("dsmcert.*"):
            file.unlink()
        who = self.user or self.endpoint.superuser
        for file in self._kept.iterdir():
            target = self.directory / file.name
            shutil.copy2(file, target)
            shutil.chown(target, who.uid, who.gid)
        shutil.rmtree(self.machine.state, ignore_errors=True)
        self.machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
        assert self.seen() == self.old

    def stop(self) -> None:
        """Nothing of this runs any more."""
        self.machine.stop()
        with self._commands:
            if self._commands.stdin is not None:
                self._commands.stdin.close()

    def killed(self, when: str, number: int, *arguments: str) -> Answer:
        """The command was killed there; its code is -9, or it came to its end before."""
        return self._ask(arguments, [when, number])

    def run(self, *arguments: str) -> Answer:
        """The command has ended; its JSON fits the schema."""
        return checked(self._ask((*arguments, "--json"), None))

    def _ask(self, arguments: tuple[str, ...], kill: list[str | int] | None) -> Answer:
        assert self._commands.stdin is not None
        assert self._commands.stdout is not None
        words = self.machine.argv(*arguments)[3:]
        self._commands.stdin.write(json.dumps({"arguments": words, "kill": kill}) + "\n")
        self._commands.stdin.flush()
        answer = json.loads(self._commands.stdout.readline())
        return Answer(answer["code"], answer["stdout"], answer["stderr"], {})

    def signs_on(self) -> bool:
        """Whether the client gets a session now."""
        session = self.endpoint.dsmc("query", "session", "-se=TSMA", user=self.user)
        return session.returncode == 0

    def is_old(self) -> bool:
        """Whether every file is as before."""
        return self.seen() == self.old

    def is_new(self) -> bool:
        """Whether the store holds the new certificate, whole and in the same hands."""
        seen = self.seen()
        who = {(file.uid, file.gid, file.mode) for file in self.old.values()}
        return (
            set(seen) == set(self.old)
            and {(file.uid, file.gid, file.mode) for file in seen.values()} == who
            and self.machine.held(self.directory) == {self.endpoint.label("TSMA"): self.new}
        )

    def require_backup(self) -> None:
        """Whatever backup set there is, is intact."""
        for manifest in self.machine.state.rglob("manifest.json"):
            load_backup(manifest.parent, StoreFile).verify()

    def require_whole(self) -> str:
        """The store is the old one or the new one, nothing lies beside it; says which."""
        assert self.machine.left_behind() == []
        if self.is_old():
            return "old"
        assert self.is_new(), self.seen()
        return "new"


def _is_store(name: str) -> bool:
    return name.startswith("dsmcert.")


@pytest.fixture(scope="module")
def victims() -> Iterator[dict[str, Victim]]:
    """One of root's and one of alice's."""
    with scratch() as directory:
        made = {owner: Victim(directory / owner, owner) for owner in ("root", "alice")}
        yield made
        for victim in made.values():
            victim.stop()


MODES = {"label": ("--engine", "native"), "whole-store": ("--whole-store",)}
POINTS = 60


def sweep(victim: Victim, mode: str, after: str) -> list[str]:
    """Kills a fix at one event after the other until it survives; what was left each time."""
    fix = ("fix", "--yes", "--trust-on-first-use", *MODES[mode])
    states: list[str] = []
    # Before the next fix only half of the points: each of its runs has a session.
    points = ("before", "after") if after == "recover" else ("after",)
    for number, when in itertools.product(range(POINTS), points):
        victim.renewed()
        died = victim.killed(when, number, *fix)
        if died.code == 0:
            assert (victim.require_whole(), number > 12) == ("new", True)
            return states
        assert died.code == -signal.SIGKILL, died.stderr
        if after == "recover":
            answer = victim.run("recover")
            assert answer.code == 0, (number, when, answer.report)
            states.append(victim.require_whole())
        else:
            # Also where a session that was granted before the kill made the node STRICT: it is not undone.
            answer = victim.run("fix", "--yes", "--trust-on-first-use", *MODES[mode])
            states.append(victim.require_whole())
            assert (answer.code, states[-1]) == (0, "new"), (number, when, answer.report)
        victim.require_backup()
    raise AssertionError("the fix never came to its end")


@pytest.mark.parametrize("after", ["recover", "fix"])
@pytest.mark.parametrize("mode", MODES)
def test_a_fix_killed_at_any_event_leaves_the_old_store_or_the_new_one(
    victims: dict[str, Victim], mode: str, after: str
) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda victim: sweep(victim, mode, after), victims.values()))
    for states in done:
        if after == "recover":
            # Put back until the client has signed on, and never again afterwards.
            assert states == sorted(states, key=["old", "new"].index)
            assert {"old", "new"} == set(states)


def test_until_it_is_recovered_detect_and_plan_say_so(victims: dict[str, Victim]) -> None:
    victim = victims["root"]
    victim.renewed()
    for number in (3, 14):
        assert (
            victim.killed("after", number, "fix", "--yes", "--trust-on-first-use", *MODES["label"]).code
            == -signal.SIGKILL
        )
        for command in ("detect", "plan"):
            answer = victim.run(command)
            assert (answer.code, answer.problem) == (31, "run-cut-off")
        assert victim.run("recover").code == 0
        assert victim.run("detect").code == 3
    assert victim.is_old()


def test_recovering_twice_is_as_good_as_once(victims: dict[str, Victim]) -> None:
    victim = victims["alice"]
    victim.renewed()
    assert (
        victim.killed("after", 14, "fix", "--yes", "--trust-on-first-use", *MODES["label"]).code
        == -signal.SIGKILL
    )
    first = victim.run("recover")
    assert (first.code, first.report["changed"]) == (0, True)
    second = victim.run("recover")
    assert (second.code, second.report["changed"], victim.require_whole()) == (0, False, "old")


@pytest.mark.parametrize(("fix_killed_after", "ends"), [(14, "old"), (16, "new")])
def test_a_recovery_killed_at_any_event_is_finished_by_the_next(
    victims: dict[str, Victim], fix_killed_after: int, ends: str
) -> None:
    victim = victims["root"]
    for number, when in itertools.product(range(POINTS), ("before", "after")):
        victim.renewed()
        died = victim.killed(
            "after", fix_killed_after, "fix", "--yes", "--trust-on-first-use", *MODES["label"]
        )
        assert died.code == -signal.SIGKILL
        died = victim.killed(when, number, "recover")
        assert victim.run("recover").code == 0
        assert victim.require_whole() == ends
        if died.code == 0:
            assert number >= 1
            return
    raise AssertionError("the recovery never came to its end")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("owner", ["root", "alice"])
def test_a_client_that_signed_on_after_the_kill_keeps_its_new_certificate(
    victims: dict[str, Victim], owner: str, mode: str
) -> None:
    victim = victims[owner]
    victim.renewed()
    # The old set is away, and no session was begun.
    after = 14 if mode == "label" else 8
    assert (
        victim.killed("after", after, "fix", "--yes", "--trust-on-first-use", *MODES[mode]).code
        == -signal.SIGKILL
    )
    assert victim.signs_on()
    works = victim.machine.held(victim.directory)
    assert works == {victim.endpoint.label("TSMA"): victim.new}
    answer = victim.run("fix", "--yes", "--trust-on-first-use", *MODES[mode])
    assert (answer.code, victim.require_whole()) == (0, "new")
    # The node is STRICT now: with the old set back it would be locked out.
    assert victim.signs_on()


def test_of_what_recover_puts_the_old_set_over_a_copy_is_kept(victims: dict[str, Victim]) -> None:
    victim = victims["alice"]
    victim.renewed()
    assert (
        victim.killed("after", 14, "fix", "--yes", "--trust-on-first-use", *MODES["label"]).code
        == -signal.SIGKILL
    )
    # Another server than the one that was seen before: nobody said that this one may be trusted.
    victim.new = victim.machine.renew("TSMA")
    assert victim.signs_on()
    fetched = (victim.directory / "dsmcert.kdb").read_bytes()
    for _ in range(2):
        assert victim.run("recover").code == 0
        assert victim.require_whole() == "old"
    (kept,) = victim.machine.state.glob("runs/*/stores/*/found-*")
    assert (kept / "dsmcert.kdb").read_bytes() == fetched
    assert kept.stat().st_mode & 0o077 == 0
    told = next(victim.machine.state.glob("runs/*/journal.jsonl")).read_text()
    assert f"what was there is kept in {kept}" in told


@pytest.mark.parametrize("owner", ["root", "alice"])
def test_a_rollback_killed_at_any_event_leaves_one_of_the_two_sets(
    victims: dict[str, Victim], owner: str
) -> None:
    victim = victims[owner]
    victim.renewed()
    assert victim.run("fix", "--yes", "--trust-on-first-use", *MODES["label"]).code == 0
    fixed = victim.seen()
    kept = victim.machine.directory / "kept-state"
    shutil.copytree(victim.machine.state, kept)
    content = {file.name: file.read_bytes() for file in victim.directory.glob("dsmcert.*") if file.suffix}
    try:
        for number, when in itertools.product(range(POINTS), ("before", "after")):
            died = victim.killed(when, number, "rollback", "--yes")
            assert victim.run("recover").code == 0
            assert victim.machine.left_behind() == []
            assert victim.seen() in (fixed, victim.old)
            if died.code == 0:
                assert (number > 4, victim.is_old()) == (True, True)
                return
            shutil.rmtree(victim.machine.state)
            shutil.copytree(kept, victim.machine.state)
            for name, data in content.items():
                (victim.directory / name).write_bytes(data)
    finally:
        shutil.rmtree(kept)
    raise AssertionError("the rollback never came to its end")
