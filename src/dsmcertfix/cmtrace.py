"""Lines as CMTrace, ConfigMgr's log viewer, reads them. Pure.

No specification was published; this is the form that ConfigMgr's own logs and many scripts have. The number
after the time is how many minutes UTC is ahead of the local time: -120 in Central European summer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

_TYPES = {"INFO": 1, "WARNING": 2, "ERROR": 3}
_END = "]LOG]!>"


def line(at: datetime, level: str, message: str, *, component: str, thread: int, source: str) -> str:
    """One line of such a log; `at` is aware, and is written in its own time zone."""
    ahead = -(at.utcoffset() or timedelta()) // timedelta(minutes=1)
    time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}{ahead:+04}"
    text = " ".join(message.replace(_END, "]LOG] !>").splitlines())
    return (
        f'<![LOG[{text}{_END}<time="{time}" date="{at:%m-%d-%Y}" component="{_attribute(component)}" '
        f'context="" type="{_TYPES.get(level, 1)}" thread="{thread}" file="{_attribute(source)}">'
    )


def _attribute(text: str) -> str:
    return text.replace('"', "'").replace("<", "(").replace(">", ")")
