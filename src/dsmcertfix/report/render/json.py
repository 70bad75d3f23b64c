"""A report as JSON: one object, on success and on failure alike, as `report.schema.json` describes it."""

from __future__ import annotations

import json
from typing import Any

from dsmcertfix.errors import Problem
from dsmcertfix.report.result import SCHEMA, Report


def render(report: Report) -> str:
    """The report as one JSON object, indented, ASCII, without a final line end."""
    return json.dumps({"schema": SCHEMA, **data(report)}, indent=2)


def data(value: Any) -> Any:
    """A report, or a part of one, as JSON-ready data."""
    if isinstance(value, Problem):
        from dsmcertfix.report.catalogue import next_step

        return {
            "code": value.code,
            "message": value.message,
            "context": list(value.context),
            "hint": value.hint or next_step(value.code),
            "session": data(value.session),
        }
    if hasattr(value, "__dataclass_fields__"):
        return {name: data(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: data(item) for name, item in zip(value._fields, value, strict=True)}
    if isinstance(value, tuple | list):
        return [data(item) for item in value]
    # What came from a file name or an option file may hold bytes that are no UTF-8.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
