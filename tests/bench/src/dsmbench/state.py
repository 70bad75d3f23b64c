"""What a played server knows, in files below one directory: its certificate, nodes, switches and log.

Every change is one file replaced under a lock, so a listening server sees at its next connection what a
command in another process changed. Nothing listens here.
"""

from __future__ import annotations

import hmac
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from dsmbench.identity import Identity
from dsmbench.locking import held
from dsmbench.passwords import default_password, token

SessionSecurity = Literal["TRANSITIONAL", "STRICT"]
Kind = Literal["serve", "hang", "silent", "no-tls", "close", "slow"]
Other = Literal["never", "every-second", "after"]
# A TRANSITIONAL node is locked by the first wrong password, a STRICT one by the fifth.
TOLERATED = {"TRANSITIONAL": 1, "STRICT": 5}


@dataclass(frozen=True, slots=True)
class Node:
    """A registered node. Without a password of its own it has `default_password` of its name."""

    session_security: SessionSecurity = "TRANSITIONAL"
    password: str | None = None
    locked: bool = False
    invalid_sign_ons: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a server treats a connection.

    hang: takes it and never says anything. silent: shakes hands over TLS, then says nothing. no-tls: speaks
    plain text. close: closes it at once. slow: waits `delay_s` before the handshake. `other` decides when the
    server presents its second certificate: with every second handshake, or after `count` of them, counted
    from when this was set.
    """

    kind: Kind = "serve"
    delay_s: float = 2.0
    other: Other = "never"
    count: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a server's log."""

    time: str
    what: Literal["handshake", "no-handshake", "session", "fetched", "refused"]
    node: str = ""
    reason: str = ""
    trusts: str = ""
    presented: str = ""


class ServerState:
    """The state of the server below `directory`."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.name = directory.name
        self._held = threading.local()

    @classmethod
    def create(
        cls, directory: Path, nodes: Mapping[str, Node | SessionSecurity], identity: Identity | None
    ) -> ServerState:
        """A new server with these nodes stands in `directory`, which must not have one.

        Without an identity that one is kept elsewhere.
        """
        directory.mkdir(parents=True, exist_ok=True)
        state = cls(directory)
        state._write("nodes.json", b"{}")
        state._write("behaviour.json", json.dumps(asdict(Behaviour())).encode())
        if identity is not None:
            state._write("identity.pem", identity.pem)
        for name, node in nodes.items():
            state.set_node(name, Node(node) if isinstance(node, str) else node)
        return state

    # --- certificates

    @property
    def identity(self) -> Identity:
        """What the server presents unless its behaviour says otherwise."""
        return Identity(self._read("identity.pem"))

    @property
    def other_identity(self) -> Identity:
        """The second certificate, for servers that present two; made when first asked for."""
        file = self.directory / "other.pem"
        with self._locked():
            if not file.exists():
                self._write("other.pem", Identity.make().pem)
        return Identity(self._read("other.pem"))

    def renew(self, identity: Identity | None = None) -> Identity:
        """The server has a new key and certificate, which is returned, from its next connection on."""
        fresh = identity or Identity.make()
        self._write("identity.pem", fresh.pem)
        return fresh

    # --- nodes

    @property
    def nodes(self) -> dict[str, Node]:
        """Node by upper-case name."""
        stored: dict[str, dict[str, Any]] = json.loads(self._read("nodes.json"))
        return {name: Node(**fields) for name, fields in stored.items()}

    def set_node(self, name: str, node: Node) -> None:
        """The node is registered, and is exactly this."""
        with self._locked():
            nodes = {**self.nodes, name.upper(): node}
            content = {known: asdict(fields) for known, fields in nodes.items()}
            self._write("nodes.json", json.dumps(content, indent=1).encode())

    def update_node(self, name: str, **changes: Any) -> Node:
        """The node has these fields changed, as by UPDATE NODE. Raises KeyError for an unknown node."""
        with self._locked():
            node = replace(self.nodes[name.upper()], **changes)
            self.set_node(name, node)
        return node

    def sign_on(self, name: str, proof: str, trusts: str, presented: str) -> dict[str, str]:
        """The answer to a client that wants a session, and every consequence for its node.

        "granted" for a client that trusts what was presented: its node is STRICT from then on. "fetch" for
        one that trusts nothing while its node is TRANSITIONAL. Otherwise "refused" with a reason.
        """
        with self._locked():
            answer = self._decide(name.upper(), proof, trusts, presented)
            match answer["answer"]:
                case "granted":
                    self.update_node(name, session_security="STRICT", invalid_sign_ons=0)
                    what: Literal["session", "fetched", "refused"] = "session"
                case "fetch":
                    what = "fetched"
                case _:
                    what = "refused"
        self.log(what, node=name.upper(), reason=answer.get("reason", ""), trusts=trusts, presented=presented)
        return {**answer, "server": self.name}

    def _decide(self, name: str, proof: str, trusts: str, presented: str) -> dict[str, str]:
        node = self.nodes.get(name)
        if node is None:
            return {"answer": "refused", "reason": "unknown-node"}
        if node.locked:
            return {"answer": "refused", "reason": "locked"}
        if trusts != presented and node.session_security == "STRICT":
            return {"answer": "refused", "reason": "strict"}
        right = token(name, default_password(name) if node.password is None else node.password)
        if not hmac.compare_digest(proof, right):
            wrong = node.invalid_sign_ons + 1
            self.update_node(name, invalid_sign_ons=wrong, locked=wrong >= TOLERATED[node.session_security])
            return {"answer": "refused", "reason": "password"}
        return {"answer": "granted" if trusts == presented else "fetch"}

    # --- switches and log

    @property
    def behaviour(self) -> Behaviour:
        """How the server treats its next connection."""
        return Behaviour(**json.loads(self._read("behaviour.json")))

    def behave(self, behaviour: Behaviour) -> None:
        """The server treats its connections so from now on, and counts handshakes anew."""
        self._write("behaviour.json", json.dumps(asdict(behaviour)).encode())

    def log(self, what: str, **fields: str) -> None:
        """One more line is in the log."""
        line = json.dumps({"time": datetime.now(timezone.utc).isoformat(), "what": what, **fields})
        with self._locked(), (self.directory / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    @property
    def events(self) -> list[Event]:
        """The log, oldest first."""
        file = self.directory / "log.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [Event(**json.loads(line)) for line in lines]

    # --- files

    def _read(self, name: str) -> bytes:
        with self._locked():  # Windows replaces no file that somebody reads
            return (self.directory / name).read_bytes()

    def _write(self, name: str, content: bytes) -> None:
        aside = self.directory / f".{name}.{os.getpid()}.{threading.get_ident()}"
        aside.write_bytes(content)
        aside.chmod(0o600)
        with self._locked():
            aside.replace(self.directory / name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One holder at a time, over threads and processes; may be entered again by its holder."""
        if getattr(self._held, "depth", 0):
            yield
            return
        with (self.directory / "lock").open("w") as file, held(file):
            self._held.depth = 1
            try:
                yield
            finally:
                self._held.depth = 0
