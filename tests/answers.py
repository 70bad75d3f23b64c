"""What a command of the tool answered, held against the schema of its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator


@cache
def _schema() -> Draft202012Validator:
    text = files("dsmcertfix").joinpath("report.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered. `report` is its JSON, checked against the schema; empty without --json."""

    code: int
    stdout: str
    stderr: str
    report: Mapping[str, Any]

    @property
    def problem(self) -> str:
        """The code of the problem: of the run, or of the first store that has one; empty without one."""
        found = [self.report.get("problem"), *(store["problem"] for store in self.report["stores"])]
        return next((str(item["code"]) for item in found if item), "")

    def store(self, directory: Path) -> dict[str, Any]:
        """The report of the store in that directory."""
        (found,) = (store for store in self.report["stores"] if store["directory"] == str(directory))
        return dict(found)

    def notes(self, step: str) -> list[str]:
        """What the steps of that name had to say."""
        return [item["note"] for item in self.report["steps"] if item["step"] == step and item["note"]]

    def statuses(self, directory: Path) -> dict[str, str]:
        """Label to status of the certificates of a store."""
        return {item["label"]: item["status"] for item in self.store(directory)["certificates"]}


def checked(answer: Answer) -> Answer:
    """The answer with its JSON, which is one object, fits the schema and says the exit code."""
    assert "Traceback" not in answer.stderr, answer.stderr
    report = json.loads(answer.stdout)
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in _schema().iter_errors(report)]
    assert not errors, errors
    assert report["exit_code"] == answer.code
    assert report["changed"] == (
        report["outcome"] == "changed" or any(store["outcome"] == "changed" for store in report["stores"])
        or (report["command"] in ("rollback", "recover") and report["changed"])
    )  # fmt: skip
    return Answer(answer.code, answer.stdout, answer.stderr, report)
