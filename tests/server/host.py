"""A machine with a server on it, and dsmcertfix at work there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from tests.answers import Answer
from tests.endtoend.machine import Machine

from dsmbench.formats import personal_keys
from dsmbench.identity import Identity
from dsmbench.instance import PASSWORD, Instance
from dsmbench.snapshot import Seen, snapshot
from dsmcertfix.ibm.key_database import kdb

LIMIT = ("--timeout", "120")
PEER, OTHER_S = "a peer", "TSM Server SelfSigned Key"


@cache
def identity(name: str, days: float = 40.0) -> Identity:
    """A key and certificate, made once: keys are slow to make."""
    return Identity.make(not_after=datetime.now(timezone.utc) + timedelta(days=days))


class ServerHost(Machine):
    """A machine with a server whose certificate expires in 40 days; a peer's and an older one are there."""

    def __init__(self, directory: Path, place: str = "", **options: Any):
        super().__init__(directory)
        facts = {
            "identity": identity("own"),
            "trusted": [(PEER, identity("peer").der)],
            "personal": [(OTHER_S, identity("older"))],
        }
        self.instance = Instance(self.endpoint, "TSM01", directory=place, **{**facts, **options})

    @property
    def commands(self) -> tuple[str, ...]:
        """How the server is stopped and started, by its script."""
        rc = self.instance.rc
        return ("--stop-command", f"{rc} stop", "--start-command", f"{rc} start")

    def server_renew(self, *arguments: str | Path) -> Answer:
        """`server renew --yes` with these arguments and the commands."""
        return self.run("server", "renew", "--yes", *LIMIT, *self.commands, *arguments)

    def inspect(self, *arguments: str | Path) -> Answer:
        """`server inspect`."""
        return self.run("server", "inspect", *arguments)

    def of_server(self) -> dict[str, Seen]:
        """Content, owner, mode and attributes of the server's key database and what it exported."""
        return snapshot(self.instance.directory, "cert*")

    def others(self) -> dict[str, bytes]:
        """Label to slot of every entry of the key database but the server's own."""
        records = kdb.read(self.instance.database.read_bytes()).records
        return {
            record.label: record.slot.rstrip(b"\0")
            for record in records
            if record.label in (PEER, OTHER_S) and not record.deleted
        }

    def stop(self) -> None:
        """Nothing runs any more."""
        self.instance.stop()
        super().stop()

    def where_secrets_are(self, secrets: Mapping[str, bytes]) -> list[str]:
        """Each of our own files that has a secret in it, but for the backups of key databases and stashes."""
        kept = {f"backup/{name}" for name in ("cert.kdb", "cert.sth")}
        return [
            f"{what} in {path}"
            for path in self.state.rglob("*")
            if path.is_file() and f"{path.parent.name}/{path.name}" not in kept
            for what, secret in secrets.items()
            if secret in path.read_bytes()
        ]

    def secrets(self) -> dict[str, bytes]:
        """The keys that are in the key database now, and its password, as they might be written somewhere."""
        found = {"the password": PASSWORD.encode()}
        for number, (_, key) in enumerate(personal_keys(self.instance.database.read_bytes())):
            found[f"key {number}"] = key[40:80]
            found[f"key {number} in hex"] = key[40:80].hex().encode()
        return found
