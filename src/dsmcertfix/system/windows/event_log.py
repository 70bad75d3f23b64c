"""The Application event log: one event a command, which says how it ended.

Fleets watch it by number: 100 and the exit code. EventCreate.exe, which the installer names for the source,
has a text for every number up to 1000.
"""

from __future__ import annotations

from collections.abc import Mapping

from dsmcertfix.system.win32 import events

SOURCE = "dsmcertfix"
FIRST_NUMBER = 100
_ERROR, _WARNING = 3, 4


class EventLog:
    """See `system.unix.system_log.SystemLog`; of a command's messages only its end is an event."""

    def write(self, priority: int, message: str, fields: Mapping[str, str]) -> bool:
        """Whether it is in the log now; False for what is no command's end."""
        if fields.get("event") != "ended":
            return False
        kind: events.Kind = "information"
        if priority <= _ERROR:
            kind = "error"
        elif priority == _WARNING:
            kind = "warning"
        lines = (f"{name}: {value}" for name, value in fields.items() if name != "event")
        try:
            events.report(SOURCE, kind, _number(fields), "\n".join((message, "", *lines)))
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Nothing is open between two events."""


def _number(fields: Mapping[str, str]) -> int:
    code = fields.get("exit_code", "")
    return FIRST_NUMBER + (int(code) if code.isdigit() else 0)
