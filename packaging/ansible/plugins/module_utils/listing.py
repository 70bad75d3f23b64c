# Copyright: The dsmcertfix authors
# SPDX-License-Identifier: Apache-2.0
"""The certificates of a node as lines of text, for the diff. Pure; nothing here is a secret."""

from typing import Any, Dict, List

Report = Dict[str, Any]


def now(report: Report) -> str:
    """The certificates in every store, a line each."""
    return "".join(
        _line(store["directory"], one)
        for store in report["stores"]
        for one in sorted(store["certificates"], key=lambda one: one["label"])
        if one["status"] != "pending"
    )


def planned(report: Report) -> str:
    """The certificates as they will be when the plan in the report was carried out."""
    return "".join(line for store in report["stores"] for line in _lines_after(report, store))


def _lines_after(report: Report, store: Dict[str, Any]) -> List[str]:
    steps = [step for step in report["steps"] if step["store"] == store["id"]]
    kept = [one for one in store["certificates"] if one["status"] != "pending"]
    gone = [one for one in kept if _is_taken_out(one["label"], steps)]
    servers = [server for server in report["servers"] if server["sha256"] and _is_asked(server, steps)]
    fetched = [
        {
            "label": f"(fetched from {server['stanzas'][0]})",
            "not_after": server["not_after"],
            "sha256": server["sha256"],
        }
        for server in servers
        if server["sha256"] not in {one["sha256"] for one in kept if one not in gone}
    ]
    left = [one for one in kept if one not in gone]
    return [_line(store["directory"], one) for one in sorted(left + fetched, key=lambda one: one["label"])]


def _is_asked(server: Dict[str, Any], steps: List[Dict[str, Any]]) -> bool:
    names = server["stanzas"]
    return any(f"reconnect once to {name} " in step["text"] for step in steps for name in names)


def _is_taken_out(label: str, steps: List[Dict[str, Any]]) -> bool:
    return any(
        step["step"] == "move-out" or (step["step"] == "delete-label" and f"`{label}`" in step["text"])
        for step in steps
    )


def _line(directory: str, one: Dict[str, Any]) -> str:
    until = (one["not_after"] or "unknown")[:10]
    return f"{directory}: {one['label']}, valid until {until}, SHA-256 {one['sha256']}\n"
