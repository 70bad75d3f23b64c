"""What each exit code says about the machine, and what to do next. Data only; meanings are in `errors`."""

from __future__ import annotations

from dataclasses import dataclass

from dsmcertfix.errors import MEANINGS


@dataclass(frozen=True, slots=True)
class Exit:
    """One exit code of the tool."""

    code: int
    meaning: str
    state: str
    after: str


_UNTOUCHED, _BEFORE = "untouched", "as before"
_FINISHED = "stores finished before stay changed, the others as before"

_ROWS: dict[int, tuple[str, str]] = {
    0: ("as it should be; `changed` in the report says which", "nothing"),
    1: (_BEFORE, "report it, with the message and the journal"),
    2: (
        _UNTOUCHED,
        "read the message (`fix --yes` must be told which certificate to expect); `--help` lists the options",
    ),
    3: (_UNTOUCHED, "`dsmcertfix plan`, then `dsmcertfix fix`; for a server `dsmcertfix server renew`"),
    10: (
        _UNTOUCHED,
        "`dsmcertfix locate` lists every place, `inspect` every label; "
        "no client at all: nothing to repair here",
    ),
    11: (
        _UNTOUCHED,
        "run it again later, or give `--wait SECONDS`; for a server `--stop-command` and `--start-command`",
    ),
    12: (
        _UNTOUCHED,
        "run as root (on Windows as administrator) or as the store's owner; "
        "if a link or a foreign file is named, see who made it",
    ),
    13: (_UNTOUCHED, "look at the new `plan`; a client or an administrator is at work there"),
    14: (
        _UNTOUCHED,
        "the message names the file; make room on the disk, or let `--whole-store` make a damaged store anew",
    ),
    15: (_UNTOUCHED, "try the other one of `--engine native` and `--engine gskit`; then report it"),
    16: (
        _UNTOUCHED,
        "do what the message says: start or renew the server, store the password, compare the fingerprints, "
        "or give `--no-reconnect`",
    ),
    20: (_BEFORE, "the message names the cause (disk full, file system read-only); remove it, run again"),
    21: (
        _BEFORE,
        "the message has the client's or the server's words and the advice, "
        "for a STRICT node the command for the server's administrator",
    ),
    22: (
        _BEFORE,
        "compare both fingerprints with the server's `cert256.arm`; "
        "if neither fits, call your security people",
    ),
    30: (
        "a store is not as it was, its backup is intact; or a server's files are, and it does not run",
        "remove what is in the way, then `dsmcertfix recover`; or copy the files from the backup; "
        "start a server that the message names",
    ),
    31: (
        "perhaps in the middle of a change; the backup is intact",
        "`dsmcertfix recover`; the next `fix` does it too",
    ),
    32: (
        "the stores are as the report says; a service that ran before may not run now",
        "start the service by the command that the message has",
    ),
    130: (_FINISHED, "run it again"),
    143: (_FINISHED, "run it again"),
}

EXITS: dict[int, Exit] = {code: Exit(code, MEANINGS[code], *row) for code, row in _ROWS.items()}
"""Every exit code."""
