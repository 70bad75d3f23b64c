"""What of the lines that IBM's programs and others wrote may be given away: codes, and known texts. Pure.

An allowlist: whatever else such a line says stays here, for nobody can list how a password may get into it
(`set password OLD NEW`, `VMCPW x`, a command that a shell repeats).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from dsmcertfix.ibm.client.message_table import MESSAGES
from dsmcertfix.ibm.client.messages import found_in
from dsmcertfix.ibm.client.secrets import DSMC_SAID, GSKIT_SAID, IT_SAID

NOT_SHOWN = "(not shown)"
_SAID = (DSMC_SAID, GSKIT_SAID, IT_SAID)
_CONTEXT = re.compile(r'(?<= context=)(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\S+)')


def known_text(said: str) -> str:
    """The codes in what a program said, each with its meaning in the table; else that it is not shown."""
    told = (f"{code}: {MESSAGES[code].meaning}" if code in MESSAGES else code for code in found_in(said))
    return "; ".join(told) or NOT_SHOWN


def context(lines: Iterable[str]) -> list[str]:
    """The lines of a problem: what a program said in known texts, all others as they are."""
    told: list[str] = []
    for line in lines:
        said = next((mark for mark in _SAID if line.startswith(mark)), None)
        told.append(line if said is None else f"{said}{known_text(line[len(said) :])}")
    return told


_LEFT_OUT = json.dumps({"event": "left-out"})


def journal(data: bytes) -> bytes:
    """A journal whose problems say only what may be given away; a line that is none is left out."""
    lines = []
    for line in data.splitlines():
        try:
            lines.append(json.dumps(_without_said(json.loads(line))))
        except (ValueError, RecursionError):
            lines.append(_LEFT_OUT)
    return "".join(f"{line}\n" for line in lines).encode()


def log(data: bytes) -> bytes:
    """The lines of a log, in which the context of a problem is in known texts alone."""
    lines = data.decode("utf-8", "backslashreplace").splitlines()
    shown = (_CONTEXT.sub(lambda match: json.dumps(known_text(match[0])), line) for line in lines)
    return "".join(f"{line}\n" for line in shown).encode("utf-8", "backslashreplace")


def _without_said(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _of_field(key, item) for key, item in value.items()}
    return [_without_said(item) for item in value] if isinstance(value, list) else value


def _of_field(key: str, value: Any) -> Any:
    if key == "context" and isinstance(value, list):
        return context(str(line) for line in value)
    return _without_said(value)
