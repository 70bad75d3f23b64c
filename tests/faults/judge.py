"""What became of a machine after a fault: the old set or the new set, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.scene import Scene, States, classify
from tests.faults.traced import Ended, Stage

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.transaction.backup import MANIFEST, Backup
from dsmcertfix.transaction.runs import backup_sets, past_runs

UNTOUCHED = frozenset(range(10, 17))
ROLLED_BACK = frozenset((20, 21, 22))
NOT_RESTORED = frozenset((30, 31))


@dataclass(frozen=True, slots=True)
class Sets:
    """What a store was before the command and what it is after it; `affected` is what `detect` says of it.

    `removing` is a command that takes old backups away: only the newest one must be there.
    """

    before: States
    after: States
    before_affected: bool = True
    after_affected: bool = False
    removing: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`became` is "old", "new", "both", or "client": the new set without what a client does without.

    `lost` and `wrong` say what must not be: data, or an answer.
    """

    became: str
    lost: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()


def after_error(scene: Scene, sets: Sets, ended: Ended, *, hopeless: bool) -> tuple[list[str], list[str]]:
    """What was lost and what was wrong when the run ended by itself, before anybody recovers.

    `hopeless` is a machine on which restoring may truly be impossible.
    """
    lost: list[str] = []
    wrong: list[str] = []
    became = classify(scene.states(), sets.before, sets.after)
    said = _said(ended)
    if ended.hung:
        wrong.append("it hung")
    elif ended.code in NOT_RESTORED and hopeless:
        if str(scene.state) not in ended.stdout:
            wrong.append("it does not say where the backup is")
    elif became == "mixture":
        lost.append(f"a mixture, and exit code {ended.code}")
    elif became in ("old", "both") and ended.code not in UNTOUCHED | ROLLED_BACK:
        wrong.append(f"exit code {ended.code} for the {became} set: {said}")
    elif became == "new" and ended.code != 0:
        wrong.append(f"exit code {ended.code} for the new set: {said}")
    if not ended.hung and not hopeless:
        wrong += scene.amiss()
    if "Traceback" in ended.stderr:
        wrong.append(f"a traceback: {ended.stderr.splitlines()[-1]}")
    return lost, wrong


def recovered(scene: Scene, sets: Sets, stage: Stage, *, again: bool) -> Verdict:
    """Recovers the machine and judges it; `again` repairs it once more, too."""
    verdict = _recovered(scene, sets, stage, spare=False)
    wrong = [*verdict.wrong, *_looked_at(scene, sets, stage, verdict)]
    if again and verdict.became != "mixture":
        wrong += _repairs(scene, stage)
    return Verdict(verdict.became, verdict.lost, tuple(wrong))


def after_power_cut(scene: Scene, sets: Sets, stage: Stage, *, look: bool) -> Verdict:
    """As `recovered`; but a store may lack what a client does without. `look` asks the server, too."""
    try:
        verdict = _recovered(scene, sets, stage, spare=True)
    except DsmcertfixError as error:
        return Verdict("mixture", (f"no journal or backup can be read: {error.message}",))
    wrong = [*verdict.wrong, *(_looked_at(scene, sets, stage, verdict) if look else ())]
    whole = verdict.became != "new" or classify(scene.states(), sets.before, sets.after) == "new"
    return Verdict(verdict.became if whole else "client", verdict.lost, tuple(wrong))


def _recovered(scene: Scene, sets: Sets, stage: Stage, *, spare: bool) -> Verdict:
    """After `recover`; with `spare` a store may lack what a client does without."""
    lost: list[str] = []
    wrong: list[str] = []
    ended = stage.run(scene.arguments("recover", "--json"))
    if ended.code != 0:
        wrong.append(f"recover ends with {ended.code}: {_said(ended)}")
    wrong += scene.untold(ended.stdout)
    became = classify(scene.states(), sets.before, sets.after, spare=spare)
    if became == "mixture":
        lost.append(f"a mixture: {_differing(scene, sets)}")
    wrong += [f"left behind: {path.name}" for path in scene.leftovers()]
    lost += _backups(scene, removing=sets.removing)
    if sets.removing:
        wrong += _prunes(scene, stage)
    wrong += unfinished(scene) if sets.removing else _journal(scene, sets, spare=spare)
    return Verdict(became, tuple(lost), tuple(wrong))


def _looked_at(scene: Scene, sets: Sets, stage: Stage, verdict: Verdict) -> list[str]:
    affected = sets.after_affected if verdict.became == "new" else sets.before_affected
    return _detects(scene, stage, affected=affected)


def _said(ended: Ended) -> str:
    try:
        report: Mapping[str, Any] = json.loads(ended.stdout)
    except ValueError:
        return ended.stderr[-300:]
    problems = [report.get("problem"), *(store["problem"] for store in report["stores"])]
    return "; ".join(f"{item['code']}: {item['message']}" for item in problems if item)[:300]


def _differing(scene: Scene, sets: Sets) -> str:
    told = []
    for now, before, after in zip(scene.states(), sets.before, sets.after, strict=True):
        for name in sorted(now.names | before.names | after.names):
            there = "is" if name in now.files else "is not"
            same = "as" if now.files.get(name) == before.files.get(name) else "not as"
            told.append(f"{name} {there} there, {same} before")
    return ", ".join(told)


def _backups(scene: Scene, *, removing: bool) -> list[str]:
    """Damaged sets, and runs that touched the store and have no set."""
    found: list[str] = []
    if not scene.state.is_dir():
        return found
    for run, _, backup in backup_sets(scene.state):
        if not isinstance(backup, Backup):
            found.append(f"backup of {run.id} is damaged: {backup.message}")
    touching = [(run, store) for run in past_runs(scene.state) for store in run.stores if store.live]
    for run, store in touching[-1:] if removing else touching:
        if not (store.backup_path / MANIFEST).exists():
            found.append(f"run {run.id} touched the store and has no backup")
    return found


def unfinished(scene: Scene) -> list[str]:
    """Runs whose journal is open."""
    runs = past_runs(scene.state) if scene.state.is_dir() else ()
    return [f"the journal of {run.command} is open" for run in runs if not run.finished]


def _journal(scene: Scene, sets: Sets, *, spare: bool) -> list[str]:
    """Journals that are open, or that say something else of a store than is."""
    if not scene.state.is_dir():
        return []
    runs = past_runs(scene.state)
    found = unfinished(scene)
    if any(run.command == "rollback" for run in runs):
        return found
    for place, *three in zip(scene.stores, scene.states(), sets.before, sets.after, strict=True):
        is_new = classify(*((state,) for state in three), spare=spare) == "new"
        fixes = [store.outcome for run in runs for store in run.stores if store.located.directory == place]
        if fixes and (fixes[-1] == "changed") != is_new:
            found.append(f"the journal says {fixes[-1]} of {place}, and new is {is_new}")
    return found


def _detects(scene: Scene, stage: Stage, *, affected: bool) -> list[str]:
    ended = stage.run(scene.arguments(*scene.look, "--json"))
    expected = 3 if affected else 0
    return (
        [] if ended.code == expected else [f"{' '.join(scene.look)} ends with {ended.code}: {_said(ended)}"]
    )


def _prunes(scene: Scene, stage: Stage) -> list[str]:
    ended = stage.run(scene.arguments("prune", "--yes", "--keep", "1", "--json"))
    return [] if ended.code == 0 else [f"prune ends with {ended.code}: {_said(ended)}"]


def _repairs(scene: Scene, stage: Stage) -> list[str]:
    scene.forgive()
    ended = stage.run(scene.arguments(*scene.repair, "--json"))
    return [] if ended.code == 0 else [f"{' '.join(scene.repair)} ends with {ended.code}: {_said(ended)}"]
