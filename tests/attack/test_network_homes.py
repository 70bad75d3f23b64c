"""Homes on other machines' file systems are left alone unless asked for; a dead one costs only seconds."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from tests.attack.hanging import never_answering
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.endpoint import AS_ROOT
from dsmbench.runtime import scratch
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import Located
from dsmcertfix.system.unix import mounts
from dsmcertfix.system.unix.mounts import Barrier, Mount, read_table
from dsmcertfix.system.unix.places import UnixPlaces

CERTS = "IBM/SpectrumProtect/certs"
MOUNTINFO = r"""
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 27 0:45 / /home rw,relatime shared:7 - nfs4 filer:/export/home rw,vers=4.2
31 27 0:46 / /srv/two\040words rw master:1 propagate_from:2 - cifs //filer/share rw
32 27 0:47 / /mnt/old\134slash rw - autofs /etc/auto.misc rw,direct
nonsense
33 27 0:48 / /tmp rw -
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with alice's store in her home, and carol's in one that no passwd lists."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\nalice:x:20001:20001::/home/alice:/bin/sh\n")
    for name in ("alice", "carol"):
        store = tmp_path / "home" / name / CERTS
        store.mkdir(parents=True)
        (store / "dsmcert.kdb").write_bytes(b"kdb")
        if os.geteuid() == 0:
            for path in (store.parents[2], *store.parents[2].rglob("*")):
                os.chown(path, 20001, 20001)
    return tmp_path


def looked(root: Path, *table: tuple[str, str], network_homes: bool = False) -> Located:
    """What locate says of the machine with these mounts, as (path on the machine, type)."""
    mounted = [Mount("/", "ext4"), *(Mount(f"{root}{point}", kind) for point, kind in table)]
    places = UnixPlaces(root, "linux", {}, network_homes=network_homes, mounted=lambda: mounted)
    return locate(places)


def homes(located: Located) -> dict[str, str | None]:
    """Whose home has a store (None), or why it was not looked into."""
    found: dict[str, str | None] = {}
    for place in located.places:
        if place.directory.endswith("/IBM/SpectrumProtect/certs") and "/home/" in place.directory:
            found[place.directory.split("/")[-4]] = None if place.found else place.problem
    return found


def test_the_mount_table_is_read_with_its_escapes_and_whatever_else_stands_there() -> None:
    assert read_table(MOUNTINFO) == (
        Mount("/", "ext4"),
        Mount("/home", "nfs4"),
        Mount("/srv/two words", "cifs"),
        Mount("/mnt/old\\slash", "autofs"),
    )


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "afs", "autofs", "fuse.sshfs", "fuse.anything"),
        *("fuse", "glusterfs", "fuse.glusterfs", "ceph", "lustre", "gpfs", "mmfs", "9p", "virtiofs"),
    ],
)
def test_a_home_on_such_a_file_system_is_left_alone_and_named(root: Path, kind: str) -> None:
    located = looked(root, ("/home", kind))
    assert located.stores == ()
    reason = f"{kind} at {root}/home is left alone; `--network-homes` looks into it"
    assert homes(located) == {"alice": reason}
    assert reason in located.warnings


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "zfs", "jfs2", "ufs", "apfs", "tmpfs", "fuseblk"])
def test_a_home_on_a_disk_of_this_machine_is_looked_into(root: Path, kind: str) -> None:
    assert homes(looked(root, ("/home", kind))) == {"alice": None, "carol": None}


def test_network_homes_are_looked_into_when_asked_for(root: Path) -> None:
    assert homes(looked(root, ("/home", "nfs4"), network_homes=True)) == {"alice": None, "carol": None}


def test_only_the_homes_that_lie_there_are_left_alone(root: Path) -> None:
    found = homes(looked(root, ("/home/alice", "nfs")))
    assert found["carol"] is None
    assert "nfs at" in (found["alice"] or "")


def test_a_home_that_nobody_lists_is_left_alone_where_it_is_mounted(root: Path) -> None:
    found = homes(looked(root, ("/home/carol", "fuse.sshfs")))
    assert found["alice"] is None
    assert "fuse.sshfs at" in (found["carol"] or "")


def test_a_local_home_below_an_automounter_is_looked_into(root: Path) -> None:
    found = homes(looked(root, ("/home", "autofs"), ("/home/alice", "ext4")))
    assert found == {"alice": None}


def test_what_an_automounter_has_not_mounted_is_never_touched(root: Path) -> None:
    (root / "home/alice").rename(root / "moved")
    (root / "home/alice").symlink_to("/moved")  # whoever looks finds a store
    located = looked(root, ("/home", "autofs"))
    assert located.stores == ()


def test_homes_are_recognised_behind_a_link_of_roots(root: Path) -> None:
    (root / "export").mkdir()
    (root / "home").rename(root / "export/home")
    (root / "home").symlink_to("/export/home")
    found = homes(looked(root, ("/export/home", "nfs4")))
    assert "nfs4 at" in (found["alice"] or "")


def test_a_passworddir_in_a_network_home_is_left_alone_too_and_one_elsewhere_is_not(root: Path) -> None:
    directory = root / "opt/tivoli/tsm/client/ba/bin"
    directory.mkdir(parents=True)
    first = f"se A\n tcps a\n passworddir /home/alice/{CERTS}\n"
    (directory / "dsm.sys").write_text(f"{first}se B\n tcps b\n passworddir /net/b\n")
    (root / "net/b").mkdir(parents=True)
    (root / "net/b/dsmcert.kdb").write_bytes(b"kdb")
    located = looked(root, ("/home", "nfs"), ("/net", "nfs"))
    assert [store.directory for store in located.stores] == [root / "net/b"]


def test_two_thousand_homes_cost_no_more_because_some_are_elsewhere(root: Path) -> None:
    lines = [f"u{number}:x:{30000 + number}:1::/home/u{number}:/bin/sh\n" for number in range(2000)]
    with (root / "etc/passwd").open("a") as file:
        file.writelines(lines)
    for number in range(2000):
        (root / f"home/u{number}").mkdir()
    table = [(f"/home/u{number}", "nfs4") for number in range(0, 2000, 2)]
    start = time.process_time()
    looked(root, *table)
    assert time.process_time() - start < 5


def test_a_barrier_asks_each_silent_file_system_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    def silent(point: str, limit_s: float) -> bool:
        asked.append((point, limit_s))
        return False

    monkeypatch.setattr(mounts, "answers", silent)
    barrier = Barrier([Mount("/", "ext4"), Mount("/net", "nfs"), Mount("/auto", "autofs")])
    for _ in range(3):
        assert barrier.before("/net", "a/b") == "nfs at /net does not answer"
        assert barrier.before("/auto", "x") is None
        assert barrier.before("/auto/x", "") == "automounted at /auto/x does not answer"
        assert barrier.before("/local", "") is None
    assert [point for point, _ in asked] == ["/net", "/auto/x"]
    assert all(limit_s <= mounts.PROBE_S for _, limit_s in asked)
    assert barrier.told == ("nfs at /net does not answer", "automounted at /auto/x does not answer")


# A file system that hangs for real


@pytest.mark.parametrize(
    "arguments", [("locate",), ("locate", "--network-homes"), ("detect", "--network-homes")]
)
def test_a_home_that_never_answers_costs_seconds_and_the_others_are_told(arguments: tuple[str, ...]) -> None:
    if not AS_ROOT:
        not_shown("a file system that never answers: it needs root to mount one")
    with scratch() as directory:
        machine = Machine(directory)
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        dead = machine.endpoint.user("dead")
        start = time.monotonic()
        machine.run(*arguments)
        between = time.monotonic()
        with never_answering(dead.home):
            answer = machine.run(*arguments)
            took_s = time.monotonic() - between
        machine.stop()
    # More than it takes on the same machine, busy as it may be, where every home answers.
    assert took_s - (between - start) < 3 * mounts.PROBE_S
    assert [store["directory"] for store in answer.report["stores"]] == [str(machine.ba)]
    wanted = "does not answer" if "--network-homes" in arguments else "is left alone"
    assert any(f"{dead.home} {wanted}" in warning for warning in answer.report["warnings"])
    if arguments[0] == "locate":
        told = [item["problem"] for item in answer.report["looked_at"] if str(dead.home) in item["directory"]]
        assert told
        assert all(wanted in problem for problem in told)


def test_a_password_directory_that_never_answers_stops_nobody() -> None:
    if not AS_ROOT:
        not_shown("a file system that never answers: it needs root to mount one")
    with scratch() as directory:
        machine = Machine(directory)
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        point = machine.root / "mnt/dead"
        point.mkdir(parents=True)
        machine.endpoint.stanza(
            "DEAD", machine.server("TSMA"), node="DEAD", passworddir="/mnt/dead/certs", password=None
        )
        with never_answering(point, "fuse"):
            answer = machine.run("detect")
        machine.stop()
    assert answer.code == 0
    assert any("does not answer" in warning for warning in answer.report["warnings"])
