"""What an entry of the catalogue of errors is, and the states in which a machine can be after an error."""

from __future__ import annotations

from dataclasses import dataclass

UNTOUCHED = "Nothing was changed."
PUT_BACK = "The store was put back: every file is as it was before, proved by its hash."
SAFE = "Nothing was changed, or the store was put back; `outcome` in the report says which."
OPEN = "A store may be in the middle of a change; its backup is intact."
BROKEN = "A store is not as it was; its backup is intact."
DOWN = "Every file is as it was before, proved by its hash; the server does not run."
SERVICE = "The stores are as the report says; a service that ran before may not run now."
KEPT = "Every store is as it was; a backup set that is not removed whole is no way back any more."

STATES = (UNTOUCHED, PUT_BACK, SAFE, OPEN, BROKEN, DOWN, SERVICE, KEPT)


@dataclass(frozen=True, slots=True)
class Entry:
    """One error of the tool: its code, which kinds of error carry it, what it means.

    `state` is the state in which the machine is then, `after` what to do next, with its command.
    """

    code: str
    kinds: tuple[str, ...]
    meaning: str
    state: str
    after: str


def entry(code: str, kinds: str, meaning: str, state: str, after: str) -> Entry:
    """An entry whose kinds are separated by blanks."""
    return Entry(code, tuple(kinds.split()), meaning, state, after)
