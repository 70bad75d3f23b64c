"""How the client's services are told of: which there are, in which state, and what became of them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dsmcertfix.errors import Problem

ServiceAction = Literal["none", "restarted", "failed"]


class ServiceReport(NamedTuple):
    """A service of the client: its state is that at the end of the command.

    `name` is what the system calls it, `display` what people see. `problem` says why it was not restarted.
    """

    name: str
    display: str
    state: str
    account: str = ""
    option_files: tuple[str, ...] = ()
    action: ServiceAction = "none"
    problem: Problem | None = None
