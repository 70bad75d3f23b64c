"""Made-up instances for the pure tests. No file is behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.facts import certificate

from dsmcertfix.ibm.server.instance import LABEL, Arm, Instance, LocatedInstance, Service
from dsmcertfix.model import Certificate, FileFact, Owner, ServerFile

OWNER = Owner(1100, 1100, "tsminst1", Path("/home/tsminst1"))
DIRECTORY = Path("/home/tsminst1/tsminst1")
UNIT = Service("unit", "tsminst1.service", Path("/etc/systemd/system/tsminst1.service"))


def own(name: str = "own", *, label: str = LABEL, days: float | None = 3000) -> Certificate:
    """A certificate with a private key."""
    return certificate(label, name, kind="personal", days=days)


def arm(held: Certificate, name: str = ServerFile.ARM.value) -> Arm:
    return Arm(name, held._replace(label=name, kind="server"), word_of=OWNER.uid)


def instance(*certificates: Certificate, **changes: Any) -> Instance:
    """An instance that runs and holds those; its cert256.arm and its default are the first unless told."""
    first = certificates[0] if certificates else None
    facts = {
        "files": tuple(FileFact(file, file is not ServerFile.CRL) for file in ServerFile),
        "version": 4,
        "certificates": certificates,
        "default": first.label if first else None,
        "arms": (arm(first),) if first else (),
        "ports": (1500,),
        "running": True,
        **changes,
    }
    return Instance(LocatedInstance(DIRECTORY, (1, 9), OWNER, ("named",)), **facts)
