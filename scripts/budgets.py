"""One of 50 users exceeds a budget while the stores of the others are repaired; prints what that costs a run.

The others' client is a quick one, which puts a store in place that was prepared before; the attacker's is the
bench's, which signs on.

python scripts/budgets.py [--users N] [--times N,N] [ATTACK...]
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from bench_fix import SESSION  # noqa: E402
from tests.endtoend.machine import Machine  # noqa: E402

from dsmbench import certificates  # noqa: E402
from dsmbench.endpoint import User  # noqa: E402
from dsmbench.runtime import scratch  # noqa: E402
from dsmcertfix import budgets  # noqa: E402
from dsmcertfix.ibm.key_database import kdb, stash, trusted  # noqa: E402
from dsmcertfix.ibm.key_database.certificate import describe_all  # noqa: E402

OUTPUT = "report.json"
FIRST_UID = 31001
WATCH = """
import os, sys
opened = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
actions = [(os.POSIX_SPAWN_OPEN, 1, sys.argv[1], opened, 0o600)]
actions.append((os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0o600))
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=actions)
_, status, used = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss)
"""
"""Exit code and most memory (KiB) of a program: it begins with the size of its parent, and this is small."""


class Scene:
    """A machine of so many users, each with a store and a stanza of their own; the last one attacks."""

    def __init__(self, directory: Path, users: int):
        self.machine = Machine(directory)
        self.machine.stanzas("TSMA")
        self.stores = [self._user(number) for number in range(users)]
        self.attacker: User = self.machine.endpoint.user(f"user{users - 1:02}")
        self.store = self.stores.pop()
        self.saved = {path.name: path.read_bytes() for path in self.store.iterdir()}
        self.prepared = directory / "prepared"
        quick = (
            f'cat "{self.prepared}/${{3#-se=}}/dsmcert.kdb" >"$HOME/IBM/SpectrumProtect/certs/dsmcert.kdb"'
        )
        said = "; ".join(f"echo '{line}'" for line in SESSION)
        name = self.attacker.name.upper()
        self.machine.before_dsmc(f'[ "$3" = -se={name} ] || {{ {quick} && {{ {said}; exit 0; }}; }}')

    def _user(self, number: int) -> Path:
        name = f"user{number:02}"
        endpoint, server = self.machine.endpoint, self.machine.server("TSMA")
        # Nobody's in the tests: some of them end all processes of a user.
        user = endpoint.user(name, FIRST_UID + number)
        endpoint.stanza(
            name.upper(), server, node=f"NODE_{name.upper()}", passworddir=f"/home/{name}/adsm", owner=user
        )
        return endpoint.store(user=user, certificates=[endpoint.trusted(name.upper(), server)])

    @contextmanager
    def attacked(self, attack: Callable[[Scene, int], None], times: int) -> Iterator[None]:
        """The attack is prepared; afterwards the attacker's files are as before, all stores affected anew."""
        attack(self, times)
        for path in sorted(self.attacker.home.rglob("*")):
            os.lchown(path, self.attacker.uid, self.attacker.gid)
        self.machine.renew("TSMA")
        self.machine.servers["TSMA"].update_node(f"NODE_{self.attacker.name.upper()}", "TRANSITIONAL")
        server = self.machine.server("TSMA").certificate_der
        for number, store in enumerate(self.stores):
            self._prepare(f"USER{number:02}", store, server)
        try:
            yield
        finally:
            for name in ("sqllib", "tsm"):
                shutil.rmtree(self.attacker.home / name, ignore_errors=True)
            shutil.rmtree(self.store)
            self.store.mkdir()
            for name, content in self.saved.items():
                (self.store / name).write_bytes(content)

    def _prepare(self, name: str, store: Path, certificate: bytes) -> None:
        """What that user's client puts in place: the store with that certificate."""
        password = stash.password((store / "dsmcert.sth").read_bytes())
        before, label = (store / "dsmcert.kdb").read_bytes(), self.machine.endpoint.label(name)
        old = ((one.label, one.sha256) for one in describe_all(kdb.read(before)) if one.label == label)
        without = kdb.remove_all(kdb.read(before), password, old)
        prepared = self.prepared / name / "dsmcert.kdb"
        prepared.parent.mkdir(parents=True, exist_ok=True)
        prepared.write_bytes(kdb.add(kdb.read(without), password, label=label, certificate=certificate))

    def profile(self, text: str) -> None:
        """The attacker is a Db2 instance owner with that profile."""
        (self.attacker.home / "sqllib").mkdir()
        (self.attacker.home / "sqllib/userprofile").write_text(text, encoding="utf-8")

    def options(self, parts: Iterator[str]) -> None:
        """The attacker's profile leads to a dsm.sys of these parts."""
        self.profile(f"export DSMI_DIR=/home/{self.attacker.name}/tsm\n")
        (self.attacker.home / "tsm").mkdir()
        with (self.attacker.home / "tsm/dsm.sys").open("w", encoding="utf-8") as file:
            file.writelines(parts)

    def labelled(self, added: Mapping[str, bytes]) -> None:
        """The attacker's store has these certificates besides its own, by their labels."""
        path = self.store / "dsmcert.kdb"
        found, password = (
            kdb.read(path.read_bytes()),
            stash.password((self.store / "dsmcert.sth").read_bytes()),
        )
        new = [
            trusted.compose(number + 100, label.encode(), der)
            for number, (label, der) in enumerate(added.items())
        ]
        size = max([found.slot_size, *map(len, new)])
        slots = [slot.ljust(size, b"\0") for slot in (*(record.slot for record in found.records), *new)]
        path.write_bytes(kdb._write(found, password, slots, size))


def lines(scene: Scene, times: int) -> None:
    scene.options("se a\n" for _ in range(budgets.LINES.cap * times))


def stanzas(scene: Scene, times: int) -> None:
    port = SILENT.getsockname()[1]
    count = budgets.STANZAS_OF_A_USER.cap * times
    text = "se S{0}\n tcps 127.{1}.{2}.{3}\n tcpp {4}\n passworddir /home/x\n"
    scene.options(text.format(n, n >> 16, n >> 8 & 255, n & 255, port) for n in range(256, count + 256))


def expansions(scene: Scene, times: int) -> None:
    chain = "".join(f"A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 33))
    scene.profile("A0=a\n" + chain * (budgets.EXPANSIONS.cap * times // 64 + 1))


def variables(scene: Scene, times: int) -> None:
    scene.profile("".join(f"V{n}=x\n" for n in range(budgets.VARIABLES.cap * times)))


def value(scene: Scene, times: int) -> None:
    scene.options(iter(("se A\ntcps a.example.com\nnodename ", "n" * (budgets.VALUE.cap * times), "\n")))


def made(labels: Iterable[str]) -> dict[str, bytes]:
    """A certificate for each label."""
    return {label: certificates.make(serial=number + 1000) for number, label in enumerate(labels)}


def records(scene: Scene, times: int) -> None:
    count = budgets.RECORDS.cap * times
    scene.labelled(made(f"root {n}" for n in range(min(count, 2 * budgets.RECORDS.cap) - 1)))
    if count > 2 * budgets.RECORDS.cap:
        # Sparse: it costs the attacker nothing.
        os.truncate(scene.store / "dsmcert.kdb", count * 5000)


def store_file(scene: Scene, times: int) -> None:
    """A key database of nearly that size, of what takes longest to read; above that, sparse."""
    count = budgets.STORE_FILE.cap // 80_000
    ders = [certificates.of_many_names(3000, serial) for serial in range(1, count)]
    scene.labelled({f"root {serial}": der for serial, der in enumerate(ders)})
    if times > 1:
        os.truncate(scene.store / "dsmcert.kdb", budgets.STORE_FILE.cap * times)


def label(scene: Scene, times: int) -> None:
    scene.labelled(made(["l" * (budgets.LABEL.cap * times)]))


def deletions(scene: Scene, times: int) -> None:
    name, count = scene.attacker.name.upper(), budgets.GSKIT_DELETIONS.cap * times
    scene.labelled(made(f"{name} number {n}" for n in range(min(count, 2 * budgets.RECORDS.cap))))


def names(scene: Scene, times: int) -> None:
    (scene.store / "dsmcert.kdb.dsmcertfix-x-aside").hardlink_to(scene.store / "dsmcert.kdb")
    for number in range(budgets.NAMES.cap * min(times, 15)):
        os.close(os.open(scene.store / f"dsmcert.kdb.dsmcertfix-{number}", os.O_CREAT | os.O_WRONLY, 0o600))


def nothing(scene: Scene, times: int) -> None:
    """The same run without an attack."""


ATTACKS = (
    nothing,
    lines,
    stanzas,
    expansions,
    variables,
    value,
    records,
    store_file,
    label,
    deletions,
    names,
)
SILENT = socket.create_server(("0.0.0.0", 0), backlog=4096)


def measured(scene: Scene, attack: Callable[[Scene, int], None], times: int) -> tuple[str, bool]:
    """A row of the table, and whether all others were repaired."""
    from json import loads

    with scene.attacked(attack, times):
        before, start = _size(scene.machine.state), time.monotonic()
        output = scene.machine.directory / OUTPUT
        argv = scene.machine.argv("fix", "--yes", *EXTRA, "--engine", "native", "--json")
        words = [sys.executable, "-I", "-c", WATCH, str(output), *argv]
        watched = subprocess.run(words, capture_output=True, check=True, encoding="utf-8").stdout
        code, most = map(int, watched.split())
        took_s, disk = time.monotonic() - start, _size(scene.machine.state) - before
        report = loads(output.read_text(encoding="utf-8"))
        outcomes = {store["directory"]: store["outcome"] for store in report["stores"]}
        repaired = sum(outcomes.get(str(store)) == "changed" for store in scene.stores)
        own = next((s for s in report["stores"] if s["directory"] == str(scene.store)), None)
        told = (own or {}).get("problem") or {}
        hers = told.get("code") or (own or {}).get("outcome")
    shown = f"{min(times, 15)} x" if attack is names else f"{times} x"
    row = (attack.__name__, shown, f"{took_s:.1f}", f"{most / 1024:.0f}", f"{disk / 1e6:.1f}")
    return f"| {' | '.join(row)} | {repaired} of {len(scene.stores)} | {hers} | {code} |", repaired == len(
        scene.stores
    )


def _size(directory: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in directory.rglob("*") if path.is_file())


EXTRA = ("--trust-on-first-use",)


def main() -> None:
    """Prints the table; ends with 1 when a store of somebody else was not repaired."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--times", default="1,10,1000")
    parser.add_argument("attacks", nargs="*")
    asked = parser.parse_args()
    chosen = [one for one in ATTACKS if not asked.attacks or one.__name__ in asked.attacks]
    wanted = [(one, int(times)) for one in chosen for times in asked.times.split(",")]
    # Without an attack every run is the same.
    wanted = [(one, times) for place, (one, times) in enumerate(wanted) if one is not nothing or place == 0]
    print(
        "| budget | exceeded | seconds | MiB at most | MB of disk | others repaired | the user's own | exit |"
    )
    print("| --- | ---: | ---: | ---: | ---: | --- | --- | ---: |", flush=True)
    good = True
    with scratch() as directory:
        scene = Scene(directory, asked.users)
        try:
            for attack, times in wanted:
                row, all_repaired = measured(scene, attack, times)
                good = good and all_repaired
                print(row, flush=True)
        finally:
            scene.machine.stop()
    sys.exit(not good)


if __name__ == "__main__":
    main()
