"""When a machine has its turn, where a rollout is spread over hours: fixed by its name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from dsmcertfix.planning.steps import Plan, Reconnect


def delay_s(host: str, spread_s: float) -> float:
    """How long the machine waits: the same from run to run, evenly spread over all names."""
    share = int.from_bytes(sha256(host.casefold().encode("utf-8", "surrogateescape")).digest()[:6], "big")
    return spread_s * share / (1 << 48)


def signs_on(plans: Iterable[Plan]) -> bool:
    """Whether any of the plans begins a session: only those must not coincide."""
    return any(isinstance(step, Reconnect) for plan in plans for item in plan.stores for step in item.steps)


def in_words(seconds: float) -> str:
    """The time for people: "1 h 12 min", "45 s"."""
    minutes, left = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "min"), (left if not hours else 0, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"
