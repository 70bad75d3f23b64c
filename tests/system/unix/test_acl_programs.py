"""ACLs by programs: what they print, as the manuals of AIX, Solaris and macOS have it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsmcertfix import budgets
from dsmcertfix.errors import BackupFailed
from dsmcertfix.system.seen import Metadata
from dsmcertfix.system.unix import access, acl_programs
from dsmcertfix.system.unix.opened import Opened

AIXC = """*
* ACL_type   AIXC
*
attributes: {attributes}
base permissions
    owner(root):  rw-
    group(system):  r--
    others:  ---
extended permissions
    {extended}
"""
NFS4 = "*\n* ACL_type   NFS4\n*\n*\n* Owner: root\n* Group: system\n*\ns:(OWNER@):\ta\trwpRWxDaAdcCs\n"
ENABLED = "enabled\n    permit   r--     u:dhs"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """A file of a system without calls for attributes, and whose programs are below `tmp_path`."""
    for name in ("listxattr", "getxattr", "setxattr", "removexattr"):
        monkeypatch.delattr(os, name)
    for name in ("ACLGET", "ACLPUT"):
        monkeypatch.setattr(acl_programs, name, str(tmp_path / name.lower()))
    monkeypatch.setattr(acl_programs, "LS", (str(tmp_path / "none"), str(tmp_path / "ls")))
    store = tmp_path / "store"
    store.mkdir()
    path = store / "dsmcert.kdb"
    path.write_bytes(b"content")
    path.chmod(0o640)
    handle, directory = os.open(path, os.O_RDWR), os.open(store, os.O_RDONLY)
    access.prepare()
    yield Opened(handle, directory, path)
    os.close(handle)
    os.close(directory)


def program(file: Opened, name: str, text: str) -> None:
    """There is such a program of the system, a shell's."""
    path = file.path.parents[1] / name
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def aclget(file: Opened, text: str) -> None:
    """It prints that; aclput exchanges it for what it is given."""
    (file.path.parents[1] / "acl").write_text(text, encoding="utf-8")
    program(file, "aclget", '[ "$1" = dsmcert.kdb ] && [ -f "$1" ] && cat ../acl')
    program(file, "aclput", "cat >../acl")


@pytest.mark.parametrize(
    ("text", "has_one"),
    [
        (AIXC.format(attributes="", extended="disabled"), False),
        (AIXC.format(attributes="SUID", extended="disabled"), False),
        (AIXC.format(attributes="", extended=ENABLED), True),
        (AIXC.format(attributes="", extended="disabled\n    permit   r--     u:dhs"), True),
        (NFS4, True),
    ],
)
def test_what_aclget_prints_is_kept_where_it_is_more_than_the_mode(
    file: Opened, text: str, has_one: bool
) -> None:
    aclget(file, text)
    assert access.attributes(file) == (((acl_programs.NAME, text.encode()),) if has_one else ())


def test_a_new_file_is_given_the_acl_whatever_its_mode_was(file: Opened) -> None:
    aclget(file, AIXC.format(attributes="", extended=ENABLED))
    like = Metadata(0o600, os.geteuid(), os.getegid(), None, access.attributes(file))
    aclget(file, AIXC.format(attributes="", extended="disabled"))
    access.apply(file, like)
    assert access.attributes(file) == like.xattrs
    assert access.is_kept(file, like)


def test_an_acl_that_the_program_does_not_set_is_an_error_and_the_file_its_owners_alone(file: Opened) -> None:
    aclget(file, AIXC.format(attributes="", extended=ENABLED))
    like = Metadata(0o640, os.geteuid(), os.getegid(), None, access.attributes(file))
    aclget(file, AIXC.format(attributes="", extended="disabled"))
    for text in ("cat >/dev/null", "cat >/dev/null; echo no such user dhs >&2; exit 1"):
        program(file, "aclput", text)
        with pytest.raises(PermissionError, match="its ACL could not be set by"):
            access.apply(file, like)
        os.fchmod(file.handle, 0o640)
        access.keep(file, like)
        assert os.fstat(file.handle).st_mode & 0o777 == 0o600


def test_an_acl_that_a_mode_does_not_take_away_keeps_a_file_closed(file: Opened) -> None:
    aclget(file, NFS4)
    like = Metadata(0o640, os.geteuid(), os.getegid(), None)
    with pytest.raises(PermissionError, match="could not be taken away"):
        access.apply(file, like)
    access.keep(file, like)
    assert os.fstat(file.handle).st_mode & 0o777 == 0o600


def test_an_acl_of_another_system_cannot_be_set(file: Opened) -> None:
    aclget(file, AIXC.format(attributes="", extended="disabled"))
    like = Metadata(0o640, os.geteuid(), os.getegid(), None, (("system.posix_acl_access", b""),))
    with pytest.raises(OSError, match="no attribute"):
        access.apply(file, like)


def test_an_acl_longer_than_a_pipe_takes_is_refused(file: Opened) -> None:
    text = AIXC.format(attributes="", extended=ENABLED) + "    permit   r--     u:x\n" * budgets.ACL.cap
    aclget(file, text[: budgets.ACL.cap])
    assert access.attributes(file)
    aclget(file, text[: budgets.ACL.cap + 1])
    with pytest.raises(BackupFailed) as raised:
        access.attributes(file)
    assert raised.value.code == "acl-not-kept"


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("-rw-r------ 1 root system 7 Nov  1 10:00 dsmcert.kdb", None),
        ("-rw-r-----   1 root     root           7 Nov  1 10:00 dsmcert.kdb", None),
        ("-rw-r-----@  1 root  wheel  7 Nov  1 10:00 dsmcert.kdb", None),
        ("-rw-r-----+ 1 root system 7 Nov  1 10:00 dsmcert.kdb", "acl-not-kept"),
        ("-rw-r-----@  1 root  wheel  7 Nov  1 10:00 dsmcert.kdb\n 0: user:eve allow read", "acl-not-kept"),
        ("nonsense", "acl-not-kept"),
        (None, "acl-not-seen"),
    ],
    ids=["AIX", "Solaris", "macOS", "AIX with", "macOS with", "nonsense", "fails"],
)
def test_where_there_is_no_aclget_ls_decides(file: Opened, listed: str | None, code: str | None) -> None:
    program(file, "ls", "exit 2" if listed is None else f"cat <<'END'\n{listed}\nEND")
    if code is None:
        assert access.attributes(file) == ()
        return
    with pytest.raises(BackupFailed) as raised:
        access.attributes(file)
    assert raised.value.code == code
    (file.path.parents[1] / "ls").unlink()
    with pytest.raises(BackupFailed, match="nothing here tells whether"):
        access.attributes(file)


def test_an_ls_without_that_option_decides_by_its_mark(file: Opened) -> None:
    for sign, has_one in ((".", False), ("+", True)):
        line = f"-rw-r-----{sign} 1 root root 7 Nov  1 10:00 dsmcert.kdb"
        program(file, "ls", f'[ "$1" = -ld ] || exit 2\necho "{line}"')
        if has_one:
            with pytest.raises(BackupFailed, match="has an ACL"):
                access.attributes(file)
        else:
            assert access.attributes(file) == ()


def test_the_other_call_of_that_name_on_aix_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(ctypes, "CDLL", never)
    monkeypatch.delattr(os, "O_PATH")
    assert access._birth_time(0) is None
