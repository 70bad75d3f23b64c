"""A played machine with several stores, each with a stanza of its own; the client's runs can be watched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.endtoend.machine import Machine

ALICE = "/home/alice/adsm"


class Several:
    """`servers` names, for each store, its server. The last store is alice's, so that children are forked."""

    def __init__(self, directory: Path, servers: Sequence[str]):
        self.machine = Machine(directory, client_mode="8.2.2")
        self.stores: list[Path] = []
        self._notes = directory / "notes"
        self._notes.touch()
        self._notes.chmod(0o666)
        endpoint = self.machine.endpoint
        for number, name in enumerate(servers):
            last = number == len(servers) - 1
            user = endpoint.user("alice") if last else None
            place = ALICE if last else f"/opt/store{number}/adsm"
            stanza = f"{name}_{number}"
            endpoint.stanza(
                stanza, self.machine.server(name), node=f"NODE{number}", passworddir=place, owner=user
            )
            trusted = (endpoint.label(stanza), self.machine.server(name).certificate_der)
            self.stores.append(endpoint.store(None if user else place, user=user, certificates=[trusted]))
        self.new = {name: self.machine.renew(name) for name in dict.fromkeys(servers)}
        self._servers = tuple(servers)

    def watch(self, before: str = "") -> None:
        """From now on the client notes when it begins and ends; `before` is a line of shell in between."""
        program = self.machine.endpoint.dsmc_program
        *first, last = program.read_text(encoding="utf-8").strip().split("\n")
        note = f"echo {{}} $3 >> '{self._notes}'"
        lines = (note.format("begin"), before, last.removeprefix("exec "), "code=$?", note.format("end"))
        program.write_text("\n".join((*first, *lines, "exit $code")) + "\n", encoding="utf-8")

    def meet(self, number: int) -> None:
        """From now on a client goes on only when so many have begun."""
        count = f"$(grep -c begin '{self._notes}')"
        self.watch(f'while [ "{count}" -lt {number} ]; do sleep 0.02; done')

    def linger(self) -> None:
        """From now on a client never comes to its session."""
        self.watch("sleep 300")

    @property
    def notes(self) -> list[tuple[str, str]]:
        """("begin" or "end", stanza) as the client noted it."""
        lines = self._notes.read_text(encoding="utf-8").splitlines()
        return [(line.split()[0], line.split("=")[-1]) for line in lines]

    @property
    def most_at_once(self) -> int:
        """How many clients ran at the same time at most."""
        running = most = 0
        for what, _ in self.notes:
            running += 1 if what == "begin" else -1
            most = max(most, running)
        return most

    def forgive(self) -> None:
        """Every node can fetch a certificate."""
        for number, name in enumerate(self._servers):
            self.machine.servers[name].update_node(f"NODE{number}", "TRANSITIONAL")

    def is_new(self, number: int) -> bool:
        """Whether the store holds the new certificate of its server, and nothing else."""
        return set(self.machine.held(self.stores[number]).values()) == {self.new[self._servers[number]]}
