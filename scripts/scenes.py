"""The machines and conversations of which docs/guide.md and docs/administrator.md show screens."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from dsmbench.endpoint import Endpoint
from dsmbench.identity import expired
from dsmbench.server import Server

SHOWN_ROOT = "/srv/pc"
"""What the screens call the played machine's root; as long as the real one, so that lines break the same."""

_NODE = "PC17"


@dataclass(frozen=True, slots=True)
class Machine:
    """A played machine below `root`, and what starts servers for it that stop with it."""

    endpoint: Endpoint
    serve: Callable[[str], Server]

    @property
    def root(self) -> Path:
        """Its root directory."""
        return self.endpoint.root


@dataclass(frozen=True, slots=True)
class Scene:
    """A conversation in a window so wide: what the machine is like, and what is answered to the question."""

    columns: int
    prepare: Callable[[Machine], None]
    answers: tuple[str, ...] = ("y",)


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine without stores; gone afterwards."""
    with ExitStack() as stack:
        root = _short_directory()
        stack.callback(rmtree, root)

        def serve(name: str) -> Server:
            server = stack.enter_context(Server(name, nodes={_NODE: "TRANSITIONAL", "ALICE": "TRANSITIONAL"}))
            server.state.renew(expired())
            return server

        yield Machine(Endpoint(root, client_mode="8.2.2"), serve)


def _short_directory() -> Path:
    """A new directory that all users can enter, with a name as long as SHOWN_ROOT."""
    for letter in "abcdefghijklmnopqrstuvwxyz":
        path = Path(f"/tmp/p{letter}")
        with suppress(FileExistsError):
            path.mkdir()
            path.chmod(0o755)
            assert len(str(path)) == len(SHOWN_ROOT)
            return path
    raise RuntimeError("no short name is free in /tmp")


def _trusting(made: Machine, name: str = "TSM01") -> Server:
    server = made.serve(name)
    made.endpoint.stanza(name, server, node=_NODE)
    made.endpoint.store(certificates=[made.endpoint.trusted(name, server)])
    return server


def renewed(made: Machine) -> None:
    """The server's certificate expired and was renewed."""
    _trusting(made).renew()


def strict(made: Machine) -> None:
    """The same, and the node is STRICT."""
    server = _trusting(made)
    server.renew()
    server.update_node(_NODE, "STRICT")


def healthy(made: Machine) -> None:
    """The client trusts what the server shows."""
    server = made.serve("TSM01")
    server.renew()
    made.endpoint.stanza("TSM01", server, node=_NODE)
    made.endpoint.store(certificates=[made.endpoint.trusted("TSM01", server)])


def not_renewed(made: Machine) -> None:
    """The certificate expired, and the server still shows it."""
    _trusting(made)


def unreachable(made: Machine) -> None:
    """The server does not answer."""
    server = _trusting(made)
    server.renew()
    server.stop()


def several(made: Machine) -> None:
    """Two servers, and stores of the client, of programs, and of a user."""
    endpoint = made.endpoint
    one, two = made.serve("TSM01"), made.serve("TSM02")
    alice = endpoint.user("alice")
    for name, server in (("TSM01", one), ("TSM02", two)):
        endpoint.stanza(name, server, node=_NODE)
    endpoint.stanza("TSM02_ALICE", two, node="ALICE", passworddir="/home/alice/adsm", owner=alice)
    endpoint.store(certificates=[endpoint.trusted("TSM01", one), endpoint.trusted("TSM02", two)])
    api = endpoint.add_api()
    endpoint.stanza("TSM01", one, node="API", directory=api)
    endpoint.store(api, certificates=[endpoint.trusted("TSM01", one)], version=3)
    endpoint.store(user=alice, certificates=[(endpoint.label("TSM02_ALICE"), two.certificate_der)])
    one.renew()
    two.renew()


SCENES: dict[str, Scene] = {
    "repair, 80 columns": Scene(80, renewed),
    "repair, 40 columns": Scene(40, renewed),
    "nothing is wrong": Scene(80, healthy, ()),
    "several servers": Scene(80, several),
    "the server refuses": Scene(80, strict),
    "the server was not renewed": Scene(80, not_renewed, ()),
    "the server does not answer": Scene(80, unreachable, ()),
}
"""By name, as in the page's marks."""


def as_shown(screen: str, root: Path) -> str:
    """The screen with the root that the page shows, where a line breaks within it, too."""
    broken = re.compile(rf"{re.escape(os.fspath(root.parent))}(\s+)/{re.escape(root.name)}")
    return broken.sub(r"/srv\1/pc", screen.replace(os.fspath(root), SHOWN_ROOT))
