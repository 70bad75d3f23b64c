"""What AIX and Solaris lack or do in another way, played: the calls are missing, or end as they do there."""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.runtime import scratch
from dsmcertfix.errors import NotPermitted
from dsmcertfix.system import private
from dsmcertfix.system.unix import in_place, mounts
from dsmcertfix.system.unix.mounts import Mount
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix
from dsmcertfix.system.unix.private import UnixGuard
from dsmcertfix.system.unix.users import SystemUsers

BIN = 2
AIX = """\
  node       mounted        mounted over    vfs       date        options
-------- ---------------  ---------------  ------ ------------ ---------------
         /dev/hd4         /                jfs2   Nov 01 10:00 rw,log=/dev/hd8
         /proc            /proc            procfs Nov 01 10:00 rw
nfs1     /export/home     /home/far        nfs3   Nov 01 10:01 bg,hard,intr
         /etc/auto        /home/auto       autofs Nov 01 10:01 rw,ignore
"""
MNTTAB = "rpool/ROOT\t/\tzfs\tdev=1\t1\nnfs1:/home\t/home/far\tnfs\trw\t2\n-hosts\t/net\tautofs\tnosuid\t3\n"
NO_SYNC = """
import errno, fcntl, os, sys
real = os.fsync
def fsync(handle):
    handle = handle if isinstance(handle, int) else handle.fileno()
    if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    real(handle)
os.fsync = fsync
for name in ("getgrouplist", "listxattr", "getxattr", "setxattr", "removexattr", "posix_fallocate"):
    delattr(os, name)
from dsmcertfix.system.unix import mounts
mounts.TABLE = "/no/such/table"
from dsmcertfix.cli import main
main()
"""


def as_on_aix(real: Callable[[int], None]) -> Callable[[int], None]:
    """`fsync` that refuses what is not open for writing."""

    def fsync(handle: int) -> None:
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(handle)

    return fsync


def test_a_users_groups_are_found_without_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = SystemUsers().owner(os.geteuid())
    monkeypatch.delattr(os, "getgrouplist")
    found = SystemUsers().owner(os.geteuid())
    assert found is not None and expected is not None
    assert {*found.groups} == {*expected.groups} and found.groups[0] == expected.groups[0]
    with_members = next((group for group in grp.getgrall() if group.gr_mem), None)
    if with_members is not None:
        from dsmcertfix.system.unix import users

        assert with_members.gr_gid in [*users._groups_of(with_members.gr_mem[0], 0)]


def test_names_and_contents_are_synced_as_far_as_the_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", as_on_aix(synced.append))
    private.sync_directory(tmp_path)
    assert synced == []

    @contextmanager
    def opened(how: int) -> Iterator[int]:
        handle = os.open(file, how)
        yield handle
        os.close(handle)

    in_place.sync(opened)
    assert len(synced) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        private.sync_names(987654)

    def fails(_handle: int) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="broken"):
        private.sync_directory(tmp_path)


@pytest.mark.parametrize(("system", "taken"), [("aix", True), ("linux", False)])
def test_a_state_directory_below_what_is_bins_is_taken_on_aix(
    system: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        not_shown("giving a directory to another user needs root")
    monkeypatch.setattr(sys, "platform", system)
    with scratch() as var:
        os.chown(var, BIN, BIN)
        var.chmod(0o755)
        if taken:
            UnixGuard().require_anchored(var / "lib/dsmcertfix")
        else:
            with pytest.raises(NotPermitted, match="belongs to uid 2"):
                UnixGuard().require_anchored(var / "lib/dsmcertfix")


def test_mounts_are_read_where_there_is_no_mountinfo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "TABLE", str(tmp_path / "none"))
    (tmp_path / "mnttab").write_text(MNTTAB, encoding="utf-8")
    monkeypatch.setattr(mounts, "MNTTAB", str(tmp_path / "mnttab"))
    far = [mount for mount in mounts.mounted() if mount.is_network]
    assert far == [Mount("/home/far", "nfs"), Mount("/net", "autofs")]
    monkeypatch.setattr(mounts, "MNTTAB", str(tmp_path / "none"))
    monkeypatch.setitem(sys.modules, "psutil", None)
    program = tmp_path / "mount"
    program.write_text(f"#!/bin/sh\ncat <<'EOF'\n{AIX}EOF\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(mounts, "MOUNT", str(program))
    assert mounts.mounted() == (
        *(Mount("/", "jfs2"), Mount("/proc", "procfs"), Mount("/home/far", "nfs3")),
        Mount("/home/auto", "autofs"),
    )
    monkeypatch.setattr(mounts, "MOUNT", str(tmp_path / "none"))
    assert mounts.mounted() == ()


def test_a_python_that_lacks_what_that_of_aix_lacks_repairs_a_store_and_takes_it_back() -> None:
    with scratch() as directory:
        machine = Machine(directory)
        try:
            machine.stanzas("TSMA")
            machine.endpoint.store(certificates=machine.trusted("TSMA"))
            new = machine.renew("TSMA")
            for words in (("locate",), ("fix", "--yes", "--trust-on-first-use"), ("rollback", "--yes")):
                argv = [sys.executable, "-c", NO_SYNC, *machine.argv(*words)[3:]]
                answer = machine.of(argv)
                assert answer.code == 0, (words, answer)
                if words[0] == "fix":
                    machine.require_proved("TSMA", new)
        finally:
            machine.stop()


def test_a_directory_of_the_system_s_that_is_missing_is_made_open_and_only_our_own_closed() -> None:
    with scratch() as root:
        (root / "var").mkdir()
        unix = Unix(UnixPlaces(root, trust_root=True))
        for _ in range(2):
            unix.private_directory(unix.state_directory())
        lib, ours = (path.stat().st_mode & 0o777 for path in (root / "var/lib", root / "var/lib/dsmcertfix"))
        assert (lib, ours) == (0o755, 0o700)
