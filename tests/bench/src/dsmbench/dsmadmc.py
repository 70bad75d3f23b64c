"""The played administrator's client: one command, or the commands of a macro, and their messages.

    python -m dsmbench.dsmadmc --state DIR --server NAME [--instance DIR] [OPTIONS] COMMAND
    python -m dsmbench.dsmadmc --state DIR --server NAME [--instance DIR] [OPTIONS] macro FILE

Options as IBM's program has them (-id=, -credentialsfile=, -dataonly=) are read over. A macro has one command
a line, comments between /* and */, and COMMIT; a server's macro that fails without one is not played. The
commands about certificates need the instance's directory.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dsmbench import gskit
from dsmbench.identity import Identity
from dsmbench.state import ServerState

_NAME = r'"?([^\s"]+)"?'
_SECURITY = r"sessionsecurity=(strict|transitional)"
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SYNTAX, _NOT_FOUND = 3, 11


class Console:
    """An administrator's session with one server."""

    def __init__(self, state: ServerState, instance: Path | None):
        self._state = state
        self._instance = instance
        self._commands: tuple[tuple[str, Callable[..., int]], ...] = (
            (rf"update node {_NAME} {_SECURITY}", self._update_node),
            (
                rf"update admin {_NAME} {_SECURITY}",
                lambda name, _: _said(f"ANR2071I Administrator {name} updated."),
            ),
            (
                rf"update server {_NAME} {_SECURITY}(?: forcesync=yes)?",
                lambda name, _: _said(f"ANR1662I Server {name} updated."),
            ),
            (r"select node_name, session_security, tcp_name from nodes .*", self._list_nodes),
            (rf"ping server {_NAME}", lambda name: _said(f"Ping for server '{name}'.")),
            (r'create certificate "([^"]+)" todate=\+(\d+) default=no', self._create),
            (r'set defaulttlscert "([^"]+)"', self._set_default),
            (r"commit", lambda: 0),
        )

    def run(self, command: str) -> int:
        """The command was carried out; the exit code that IBM documents."""
        for pattern, act in self._commands:
            found = re.fullmatch(pattern, command.strip(), re.IGNORECASE)
            if found is not None:
                return act(*found.groups())
        return _said(f"ANR2000E Unknown command - {command}.", _SYNTAX)

    def _update_node(self, name: str, security: str) -> int:
        node = name.upper()
        if node not in self._state.nodes:
            return _said(f"ANR2034E UPDATE NODE: No match found using this criteria. {node}", _NOT_FOUND)
        strict = security.upper() == "STRICT"
        self._state.update_node(node, session_security="STRICT" if strict else "TRANSITIONAL")
        return _said(f"ANR2063I Node {node} updated.")

    def _list_nodes(self) -> int:
        """As with -dataonly=yes -commadelimited; no node of a played server tells its host."""
        for name, node in self._state.nodes.items():
            print(f"{name},{node.session_security.capitalize()},")
        return 0

    def _create(self, label: str, _days: str) -> int:
        made, database = Identity.make(), self._database
        operation = {"op": "add-personal", "path": str(database), "label": label, "pem": made.pem.decode()}
        with _kept_owner(database):
            gskit.run([operation])
        exported = database.with_name(f"{label}.arm")
        exported.write_bytes(made.arm)
        return _said(f"The certificate {label} was created.")

    def _set_default(self, label: str) -> int:
        database = self._database
        with _kept_owner(database):
            gskit.run([{"op": "set-default", "path": str(database), "label": label}])
        return _said(f"The default certificate is {label}.")

    @property
    def _database(self) -> Path:
        assert self._instance is not None, "this needs --instance"
        return self._instance / "cert.kdb"


@contextmanager
def _kept_owner(path: Path) -> Iterator[None]:
    """What is done inside leaves the file its owner."""
    before = path.stat()
    yield
    if os.geteuid() == 0:
        os.chown(path, before.st_uid, before.st_gid)


def _said(text: str, code: int = 0) -> int:
    print(text)
    return code


def commands_of(macro: str) -> Iterator[str]:
    """The commands of a macro, without its comments."""
    yield from (line for line in _COMMENT.sub("", macro).splitlines() if line.strip())


def main() -> int:
    """The command line; returns the worst exit code."""
    words = sys.argv[1:]
    place = Path(words[words.index("--instance") + 1]) if "--instance" in words else None
    state = ServerState(Path(words[words.index("--state") + 1]) / words[words.index("--server") + 1])
    console = Console(state, place)
    if words[-2:-1] == ["macro"]:
        macro = Path(words[-1]).read_text(encoding="ascii")
        return max(map(console.run, commands_of(macro)), default=0)
    return console.run(words[-1])


if __name__ == "__main__":
    sys.exit(main())
