"""What only a played AIX has: ACLs by programs, subsystems, its inittab. Run by test_played_aix.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import PLAYED_ACL, Machine

from dsmbench.endpoint import AS_ROOT
from dsmbench.places import AIX, BA

DSMCAD = f"/{BA}/dsmcad"
SUBSYSTEM = ":{}:0:0:/dev/console:/dev/console:/dev/console:-O:-Q:-S:0:0:20:15:9:-d:20::"
LS = """#!/bin/sh
# ls of a played AIX.
echo "-rw-------{}  1 root     system   1 Nov 01 10:00 $2"
"""


def test_these_run_on_a_played_aix_only() -> None:
    assert AIX


def program(machine: Machine, name: str, text: str | None) -> None:
    """The system's program is that, or gone."""
    path = machine.root / "usr/bin" / name
    path.unlink(missing_ok=True)
    if text is not None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


@pytest.mark.parametrize("whose", ["root", "alice"])
def test_an_acl_is_kept_by_repair_and_rollback(make_machine: MakeMachine, whose: str) -> None:
    machine = make_machine()
    user = machine.endpoint.user("alice") if whose == "alice" else None
    machine.stanzas("TSMA", passworddir="/home/alice/adsm" if user else None, owner=user)
    place = machine.endpoint.store(user=user, certificates=machine.trusted("TSMA"))
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        (place / name).chmod(0o640)
        os.setxattr(place / name, *PLAYED_ACL)
    before = machine.seen(place)
    new = machine.renew("TSMA")
    assert machine.fix().code == 0
    machine.require_proved("TSMA", new, place)
    after = machine.seen(place)
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        assert (after[name].mode, after[name].xattrs) == (before[name].mode, before[name].xattrs) != (0, ())
    assert machine.run("rollback", "--yes").code == 0
    assert machine.seen(place) == before


@pytest.mark.parametrize(
    ("aclget", "ls", "code"),
    [
        (True, None, "acl-not-kept"),
        (False, LS.format("+"), "acl-not-kept"),
        (False, LS.format("-") + 'echo " 0: user:eve allow read"\n', "acl-not-kept"),
        (False, "#!/bin/sh\nexit 2\n", "acl-not-seen"),
    ],
    ids=["no aclput", "ls with a plus", "ls with entries", "ls fails"],
)
def test_an_acl_that_would_be_lost_is_refused_before_anything_is_touched(
    machine: Machine, aclget: bool, ls: str | None, code: str
) -> None:
    os.setxattr(machine.ba / "dsmcert.kdb", *PLAYED_ACL)
    program(machine, "aclput", None)
    if not aclget:
        program(machine, "aclget", None)
    if ls is not None:
        program(machine, "ls", ls)
    before = machine.seen()
    machine.renew("TSMA")
    answer = machine.fix()
    assert (answer.code, answer.report["outcome"]) == (14, "unchanged")
    assert answer.store(machine.ba)["problem"]["code"] == code
    assert machine.seen() == before
    assert machine.reconnects == []


@pytest.mark.parametrize("sign", ["-", " ", "@"])
def test_where_ls_shows_no_acl_the_store_is_repaired(machine: Machine, sign: str) -> None:
    for name in ("aclget", "aclput"):
        program(machine, name, None)
    program(machine, "ls", LS.format(sign))
    new = machine.renew("TSMA")
    assert machine.fix().code == 0
    machine.require_proved("TSMA", new)


def subsystem(machine: Machine, name: str, arguments: str, path: str = DSMCAD) -> None:
    """The System Resource Controller knows it, and it runs."""
    etc = machine.root / "etc"
    with (etc / "subsystems").open("a", encoding="utf-8") as file:
        file.write(f"{name}::{arguments}{SUBSYSTEM.format(path)}\n")
    (etc / f"subsystem-{name}").write_text("active\n", encoding="utf-8")


def test_a_subsystem_that_starts_the_client_is_a_clue_and_a_service(machine: Machine) -> None:
    other = machine.root / "data/other"
    machine.endpoint.stanza("TSMB", machine.server("TSMB"), node="NODE_B", directory=other)
    machine.endpoint.option_file("TSMB", directory=other)
    subsystem(machine, "dsmcad", "-optfile=/data/other/dsm.opt")
    subsystem(machine, "watch", "dsmcad", "/usr/bin/watcher")
    subsystem(machine, "odd:one", "-optfile=/data/odd.opt")
    told = {place["directory"]: place for place in machine.run("locate").report["looked_at"]}
    assert str(other) in told, told
    machine.renew("TSMA")
    answer = machine.fix("--restart-services")
    assert answer.code == 0
    services = [(item["name"], item["state"], item["action"]) for item in answer.report["services"]]
    assert services == [("dsmcad", "running", "restarted")]


def test_a_program_that_others_can_change_is_not_asked(machine: Machine) -> None:
    subsystem(machine, "dsmcad", "")
    (machine.root / "usr/bin/lssrc").chmod(0o777)
    machine.renew("TSMA")
    assert machine.fix("--restart-services").report["services"] == []


def test_the_script_that_an_inittab_starts_is_read(machine: Machine) -> None:
    etc = machine.root / "etc"
    (etc / "inittab").write_text(
        ": a comment, as AIX has them\n:old:2:once:/etc/rc.old\nadsm:2:once:/etc/rc.adsm > /dev/null 2>&1\n"
        "hers:2:once:/etc/rc.hers\n",
        encoding="utf-8",
    )
    for name in ("adsm", "hers", "old"):
        script = f"#!/bin/ksh\nexport DSM_DIR=/data/{name}\n{DSMCAD}\n"
        (etc / f"rc.{name}").write_text(script, encoding="utf-8")
    if AS_ROOT:
        os.chown(etc / "rc.hers", 4711, 4711)
    told = " ".join(place["directory"] for place in machine.run("locate").report["looked_at"])
    assert "/data/adsm" in told and "/data/old" not in told
    assert ("/data/hers" in told) != AS_ROOT


def test_the_root_directory_is_that_of_an_aix(machine: Machine) -> None:
    assert Path(BA) == Path("usr/tivoli/tsm/client/ba/bin64")
    looked = {place["directory"] for place in machine.run("locate").report["looked_at"]}
    assert str(machine.root / "etc/security/adsm") in looked
