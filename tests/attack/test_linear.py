"""Whatever a user can feed: twice as much takes about twice as long, never four times."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from dsmcertfix.ibm.client import (
    dsmc,
    messages,
    options,
    secrets,
    shown_options,
)
from dsmcertfix.ibm.client import (
    error_logs as error_log,
)
from dsmcertfix.ibm.server import options as server_options
from dsmcertfix.system.process.output import Completed
from dsmcertfix.system.unix import clues as unix_clues

SYS = Path("/x/dsm.sys")
AT_MOST_S = 30.0


def said(text: str) -> None:
    dsmc.read(Completed(0, text, "", timed_out=False, truncated=False))


def script(text: str) -> None:
    list(unix_clues.from_script(text, "", None))
    unix_clues.names_client(text)


def system_options(text: str) -> None:
    options.read_system_options(text.encode(), SYS)


def user_options(text: str) -> None:
    options.read_user_options(text.encode(), SYS)


def unit(text: str) -> None:
    settings = unix_clues.unit_settings(text)
    list(unix_clues.from_unit(settings, "", {"/e": text}))


def log(text: str) -> None:
    error_log.read(text.encode(), modified=datetime(2026, 1, 1))


def shown_lines(text: str) -> None:
    shown_options.shown(text.encode())


def server_ports(text: str) -> None:
    server_options.ports(text.encode())


def redacted(text: str) -> None:
    secrets.lines_without_secrets(text.splitlines())


FEEDS: list[tuple[Callable[[str], object], tuple[str, ...]]] = [
    (said, ("\n", "\r\n", " ", "\t", " \n", "\x0b", "Node Name", "SSL Information : ", "TLSv1 ", "TLS_")),
    (said, ("GSKit ", "ANS1592E ", "Session established with server ")),
    (script, ("A=$A$A\n", "A1=$A0$A0\n", "-optfile=", "A=", '="', "setenv ", "setenv\tA ", "$", 'A="')),
    (script, ("A='$", "dsmc ", "#\n", "\n", "-optf=a\n", "A=${A}\n")),
    (system_options, ("se a\n", "\n", "\r", "se ", "tcps x\n", "\0\n", 'PASSWORDDIR "')),
    (system_options, ("MYREPLICATIONSERVER a\n", "se a\nREPLSERVERNAME b\nMYREPLICATIONSERVER b\n")),
    (user_options, ("se a\n", "REPLSERVERNAME a\n", "\n", "x", "tcps x\n")),
    (
        unit,
        (
            "Environment=A=b\n",
            "EnvironmentFile=/e\n",
            "\\\n",
            "User=a\n",
            "Exec=-optfile=a\n",
            "Environment=",
        ),
    ),
    (log, ("ANS1592E x\n", "\n", "11/28/26 12:00:00 ANS1592E \n", " ", "-", "1\n")),
    (redacted, ("pas ", "-pa", "'-pa=", "entry:", "entry ", "option 'a ", "pas=\n", '"')),
    (messages.found_in, ("GSKit code ",)),
    (shown_lines, ("se a\n",)),
    (server_ports, ("TCPPORT 1\n",)),
]
READERS = [(read, part) for read, parts in FEEDS for part in parts]


def seconds(read: Callable[[str], object], text: str) -> float:
    """Processor time of this process: what else the machine does must not count."""
    start = time.process_time()
    read(text)
    return time.process_time() - start


@pytest.mark.parametrize(("read", "part"), READERS, ids=[f"{one.__name__}-{part!r}" for one, part in READERS])
def test_twice_as_much_takes_about_twice_as_long(read: Callable[[str], object], part: str) -> None:
    size = 8192
    took = 0.0
    # Large enough to measure, and no larger: what is quadratic must fail here, not run for hours.
    while took < 0.05 and size < 1 << 20:
        size *= 2
        took = seconds(read, part * (size // len(part)))
    if size >= 1 << 20:
        assert took < AT_MOST_S
        return
    once, twice = (
        min(seconds(read, part * (length // len(part))) for _ in range(3)) for length in (size, 2 * size)
    )
    assert twice < 3 * once + 0.05, f"{size} characters: {once:.2f} s, twice as many: {twice:.2f} s"
