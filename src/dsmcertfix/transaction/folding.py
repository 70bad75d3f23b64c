"""What the events of a journal tell, as a report: a pure fold, and a set of files as a journal keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from dsmcertfix.errors import Outcome, Problem, Unrecovered
from dsmcertfix.planning.policy import Standing
from dsmcertfix.report.lenient import fitting, mapping, objects, text, texts
from dsmcertfix.report.result import (
    CertificateReport,
    FileReport,
    ProofReport,
    Report,
    StepReport,
    StepState,
    StoreReport,
    VerdictReport,
    decided,
)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of a journal, as far as a report cares."""

    kind: str
    store: str | None
    data: Mapping[str, Any]


def fold(report: Report, events: Iterable[Happened]) -> Report:
    """What the events tell, added to a report that says only which command ran where.

    Pure, and lenient: an event or a field of another release is passed over.
    """
    stores: dict[str, StoreReport] = {}
    steps: list[StepReport] = []
    touched: dict[str, None] = {}
    ended: set[str] = set()
    for event in events:
        data = event.data
        if event.kind == "run-started":
            report = report._replace(run=text(data.get("run")))
        elif event.kind == "run-finished":
            report = report._replace(problem=Problem.from_data(data.get("problem")))
        elif event.store is None:
            continue
        elif event.kind == "store-started":
            stores[event.store] = store_from_data(data.get("report") or {"id": event.store, "directory": ""})
            ended.discard(event.store)
        elif event.kind == "store-finished":
            stores[event.store] = _finished(stores.get(event.store, StoreReport(event.store, "")), data)
            ended.add(event.store)
        elif event.kind in _STEP_STATES:
            _fold_step(steps, event)
            if event.kind == "step-started" and data.get("live"):
                touched[event.store] = None
    for store in dict.fromkeys((*stores, *touched)):
        if store not in ended:
            left = stores.get(store, StoreReport(store, ""))
            stores[store] = _cut_off(left, "broken" if store in touched else "unchanged")
    return decided(report._replace(stores=tuple(stores.values()), steps=tuple(steps)))


_STEP_STATES: Mapping[str, StepState] = {
    "step-started": "started",
    "step-done": "done",
    "step-failed": "failed",
    "undo-done": "undone",
}


def _fold_step(steps: list[StepReport], event: Happened) -> None:
    state = _STEP_STATES[event.kind]
    data = event.data
    step = StepReport(
        event.store or "", str(data.get("step")), str(data.get("text", "")), state, text(data.get("note"))
    )
    # Steps of other stores may stand in between: several may wait for their clients at the same time.
    places = (n for n in reversed(range(len(steps))) if steps[n].store == step.store)
    place = None if state == "started" else next(places, None)
    if place is None or steps[place].step != step.step:
        steps.append(step)
    else:
        steps[place] = step._replace(text=steps[place].text)


_OUTCOMES: Mapping[str, Outcome] = {outcome: outcome for outcome in get_args(Outcome)}


def _cut_off(store: StoreReport, outcome: Outcome) -> StoreReport:
    """A store whose end is not in the journal."""
    problem = Unrecovered(
        "run-cut-off",
        f"the run was cut off in the store in `{store.directory}`",
        hint="Run `dsmcertfix recover`.",
    )
    return store._replace(outcome=outcome, problem=problem.problem())


def _finished(store: StoreReport, data: Mapping[str, Any]) -> StoreReport:
    told = data.get("report")
    now = store_from_data(told) if told else store
    return store._replace(  # An outcome that this release does not know is none to rely on.
        outcome=_OUTCOMES.get(str(data.get("outcome")), "broken"),
        problem=Problem.from_data(data.get("problem")),
        files=now.files or store.files,
        certificates=now.certificates,
        notes=now.notes,
        proofs=now.proofs,
        policy=now.policy,
        backup=text(data.get("backup")),
    )


def store_data(store: StoreReport) -> dict[str, Any]:
    """A store as JSON-ready data, for a journal."""
    data = store._asdict()
    for name in ("files", "certificates", "proofs", "policy"):
        data[name] = [item._asdict() for item in data[name]]
    return data | {"problem": store.problem.to_data() if store.problem else None}


def store_from_data(data: object) -> StoreReport:
    """The store that `store_data` wrote, in this release or another; what has not its form is passed over."""
    told = mapping(data)
    known = fitting(StoreReport, told)
    known["files"] = tuple(
        FileReport(**{"name": "", "present": False, **fitting(FileReport, item)})
        for item in objects(told.get("files"))
    )
    known["certificates"] = tuple(
        CertificateReport(**{"label": "", "sha256": "", **fitting(CertificateReport, item)})
        for item in objects(told.get("certificates"))
    )
    known["proofs"] = tuple(
        ProofReport(**{"server": "", "answer": "not-made", **fitting(ProofReport, item)})
        for item in objects(told.get("proofs"))
        if item.get("answer") in ("accepted", "refused", "not-made")
    )
    known["policy"] = tuple(
        VerdictReport(
            **{
                "server": "",
                "name": "",
                "sha256": "",
                "label": "",
                "reason": "",
                **fitting(VerdictReport, item),
            }
        )
        for item in objects(told.get("policy"))
        if item.get("standing") in get_args(Standing)
    )
    for name in ("origin", "stanzas", "notes"):
        known[name] = texts(told.get(name))
    known["kind"] = "server" if told.get("kind") == "server" else "client"
    known["outcome"] = _OUTCOMES.get(str(told.get("outcome")), "unchanged")
    known["problem"] = Problem.from_data(told.get("problem"))
    return StoreReport(**({"id": "", "directory": ""} | known))
