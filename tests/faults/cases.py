"""The commands that are spoilt, and the machines they start from."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.judge import Sets
from tests.faults.recorded import Recording, record
from tests.faults.scene import SERVER, ClientScene, Mode, Scene, States, Whose
from tests.faults.server_scene import ServerScene
from tests.faults.traced import Fault, Point, Stage, points

from dsmcertfix.transaction.journal import read_journal

CUTS = ("linked", "swapped", "reconnected", "finished")
SERVER_CUTS = ("linked", "swapped", "started", "finished")
RENEW = "server renew"
TRIES = 3
"""So often a command is recorded: strace holds each process up, and some have a time limit."""
_PROBLEM = re.compile(r'"(?:code|message|note)": "[^"]*"')


@dataclass(frozen=True, slots=True)
class Case:
    """A command on a machine: "recover" after a cut, or another one that changes it."""

    command: str
    mode: Mode
    whose: Whose
    cut: str = ""

    def __str__(self) -> str:
        after = f" after {self.cut}" if self.cut else ""
        return f"{self.command}{after}, {self.mode}, {self.whose}"

    @property
    def words(self) -> tuple[str, ...]:
        """The command line."""
        if self.command == RENEW:
            return ("server", "renew", "--yes", "--json", "--engine", "native")
        if self.command == "fix":
            # One engine for the one, another for the other.
            engine = () if self.whose == "root" else ("--engine", "native")
            whole = ("--whole-store",) if self.mode == "whole" else ()
            jobs = ("--jobs", "2") if self.whose == "both" else ()
            return ("fix", "--yes", "--trust-on-first-use", "--json", *engine, *whole, *jobs)
        if self.command == "trust":
            return ("trust", "--server", SERVER, "--yes", "--json")
        more = {"rollback": ("--yes",), "prune": ("--yes", "--keep", "1"), "recover": ()}[self.command]
        return (self.command, *more, "--json")

    @property
    def change(self) -> Case:
        """The command that changes the same machine in the first place."""
        if self.whose == "server":
            return Case(RENEW, self.mode, self.whose)
        return Case("trust" if self.command == "trust" else "fix", self.mode, self.whose)


class Workshop:
    """The machines of one worker, made when first asked for."""

    def __init__(self, directory: Path, servers: Path):
        self._directory = directory
        self._servers = servers
        self._scenes: dict[str, Scene] = {}
        self._new: dict[Case, States] = {}
        self._points: dict[Case, tuple[Point, ...]] = {}
        self._begins: dict[Case, States] = {}
        self._durations: dict[Case, float] = {}
        self._recordings: dict[Case, Recording] = {}
        self.stage = Stage(directory)

    def scene(self, whose: Whose) -> Scene:
        """The machine whose stores belong to those users."""
        if whose not in self._scenes:
            place = self._directory / whose
            server = whose == "server"
            self._scenes[whose] = ServerScene(place) if server else ClientScene(place, whose, self._servers)
        return self._scenes[whose]

    def area(self, whose: Whose) -> Path:
        """Below it is all that counts."""
        return self.scene(whose).directory / "live"

    def points(self, case: Case) -> tuple[Point, ...]:
        """What can be spoilt in that case, recorded once."""
        if case not in self._points:
            scene = self.ready(case)
            ended = self.stage.run(scene.arguments(*case.words), record=True)
            if ended.code != 0:
                raise RuntimeError(f"{case} ends with {ended.code} unspoilt: {ended.stdout}{ended.stderr}")
            self._points[case] = points(ended, self.area(case.whose))
        return self._points[case]

    def recording(self, case: Case) -> Recording:
        """What the command does to files, recorded once."""
        tries = 0
        while case not in self._recordings:
            scene = self.ready(case)
            code, found = record(self._directory, self.area(case.whose), scene.arguments(*case.words))
            tries += 1
            if code == 0:
                self._recordings[case] = found
            elif tries == TRIES:
                said = _PROBLEM.findall((self._directory / "stdout").read_text())
                raise RuntimeError(f"{case} ends with {code} undisturbed: {said}")
        return self._recordings[case]

    def ready(self, case: Case) -> Scene:
        """The machine stands as the case begins."""
        scene = self.scene(case.whose)
        spot = self._spot(case)
        if not scene.kept(spot):
            self._prepare(case, scene)
            scene.keep(spot)
        scene.reset(spot)
        return scene

    def _spot(self, case: Case) -> str:
        return "fresh" if case == case.change else f"{case.command}-{case.mode}-{case.cut}"

    def duration_s(self, case: Case) -> float:
        """How long the command takes undisturbed, measured once."""
        if case not in self._durations:
            scene = self.ready(case)
            began = time.monotonic()
            self._succeed(scene, case.words)
            self._durations[case] = time.monotonic() - began
        return self._durations[case]

    def sets(self, case: Case) -> Sets:
        """What the store may be after it."""
        scene = self.scene(case.whose)
        match case.command:
            case "rollback":
                return Sets(scene.old, self._prepared(case))
            case "prune":
                return Sets(self._prepared(case), self._prepared(case), before_affected=False, removing=True)
            case _:
                return Sets(scene.old, self._new_state(case))

    def _prepared(self, case: Case) -> States:
        """The store as the case begins: every byte of it."""
        if case not in self._begins:
            self._begins[case] = self.ready(case).states()
        return self._begins[case]

    def _new_state(self, case: Case) -> States:
        change = case.change
        if change not in self._new:
            self._succeed(self.ready(change), change.words)
            self._new[change] = self.scene(case.whose).states()
        return self._new[change]

    def _succeed(self, scene: Scene, words: tuple[str, ...]) -> None:
        scene.forgive()
        ended = self.stage.run(scene.arguments(*words))
        if ended.code != 0:
            raise RuntimeError(f"{words} ends with {ended.code}: {ended.stdout}{ended.stderr}")

    def _prepare(self, case: Case, scene: Scene) -> None:
        fix = case.change
        match case.command:
            case "rollback":
                self._succeed(self.ready(fix), fix.words)
                if isinstance(scene, ServerScene):
                    scene.stop()
            case "prune":
                self._succeed(self.ready(fix), fix.words)
                self._succeed(scene, ("rollback", "--yes"))
                self._succeed(scene, fix.words)
            case _:
                cut = Fault(self._cut(fix, case.cut), "kill")
                ended = self.stage.run(self.ready(fix).arguments(*fix.words), cut)
                if ended.code != -9:
                    raise RuntimeError(f"{case}: the run was not cut off: {ended}")
                scene.settle()

    def _cut(self, fix: Case, cut: str) -> Point:
        """Where a repair is cut off for `recover` to have something to do."""
        found = self.points(fix)
        store = f'/{os.path.relpath(self.scene(fix.whose).store, self.area(fix.whose))}>, "'
        renames = [point for point in found if point.call == "renameat" and store in point.what]
        match cut:
            case "linked":
                return renames[0]
            case "finished":
                ours = [point for point in found if point.call == "unlinkat" and "-aside" in point.what]
                return ours[-1] if fix.mode == "label" else ours[-5]
            case "swapped" if fix.command == RENEW:
                return self._journal_write(fix, "server-swap", lambda step: step == "server-swap")
            case "started":
                return self._journal_write(fix, "start-server", lambda step: step == "start-server")
            case "swapped":
                return self._journal_write(fix, "reconnect", lambda step: step != "reconnect")
            case _:
                return self._journal_write(fix, "reconnect", lambda step: step == "reconnect")

    def _journal_write(self, fix: Case, until: str, fits: Callable[[str], bool]) -> Point:
        """The write of the last line that says that such a step was done, up to that step."""
        scene = self.ready(fix)
        self._succeed(scene, fix.words)
        (journal,) = scene.state.glob("runs/*/journal.jsonl")
        lines = [(event.kind, str(event.data.get("step"))) for event in read_journal(journal)]
        last = lines.index(("step-done", until))
        done = [n for n, (kind, step) in enumerate(lines[: last + 1]) if kind == "step-done" and fits(step)]
        writes = [p for p in self.points(fix) if p.call == "write" and "journal.jsonl" in p.what]
        return writes[done[-1]]
