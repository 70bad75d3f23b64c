"""Makes what lies beside this file, with the code of an old commit; README.md says how to run it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.endtoend import killing
from tests.endtoend.machine import Machine

from dsmbench.runtime import scratch

OUT = Path(sys.argv[1])
CALLED = "/endpoint"


def started(directory: Path) -> Machine:
    machine = Machine(directory)
    machine.stanzas("TSMA")
    machine.endpoint.store(certificates=machine.trusted("TSMA"))
    machine.renew("TSMA")
    return machine


def keep(machine: Machine, name: str) -> None:
    """State and store are below OUT."""
    shutil.rmtree(OUT / name, ignore_errors=True)
    shutil.copytree(machine.state / "runs", OUT / name / "state" / "runs")
    (OUT / name / "store").mkdir()
    for path in machine.ba.glob("dsmcert.*"):
        shutil.copy(path, OUT / name / "store" / path.name)
    for path in (OUT / name).rglob("*.json*"):
        path.write_text(path.read_text().replace(str(machine.directory), CALLED))


with scratch() as directory:
    machine = started(directory)
    for command in (("detect",), ("plan",), ("fix", "--yes")):
        told = machine.run(*command).stdout.replace(str(directory), CALLED)
        (OUT / f"{command[0]}.json").write_text(told)
    keep(machine, "finished")
    machine.stop()

for name, number in (("swapped", 13), ("fetched", 16)):
    with scratch() as directory:
        machine = started(directory)
        order = {"arguments": machine.argv("fix", "--yes", "--json")[3:], "kill": ["after", number]}
        told = json.dumps(order) + "\n"
        subprocess.run([sys.executable, killing.__file__], input=told, text=True, check=True)
        keep(machine, name)
        machine.stop()
