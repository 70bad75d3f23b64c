"""The targets for what a user, or who fills a foreign tree, writes: profiles, units, users, logs.

And for what comes back from the child that reads as the user, who may have made the answer up.
"""

from __future__ import annotations

import contextlib
import json
import os
import plistlib
import tempfile
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from tests.fuzz.draw import Draw

from dsmcertfix import budgets
from dsmcertfix.errors import BackupFailed, DsmcertfixError, InternalError, StoreUnreadable
from dsmcertfix.ibm.client import contents as client_contents
from dsmcertfix.ibm.client import error_logs, option_data, options, secrets, shareable, shown_options
from dsmcertfix.ibm.key_database import chain
from dsmcertfix.ibm.server import options as server_options
from dsmcertfix.model import StoreFile
from dsmcertfix.system.answers import TOLD, ChildDied, LimitReached, understood
from dsmcertfix.system.seen import Clue
from dsmcertfix.system.unix import clues
from dsmcertfix.system.unix.users import FileUsers
from dsmcertfix.transaction import backup

MODIFIED = datetime(2026, 3, 4, 12)
ANSWERS = (
    "data", "problem", "limit", "bytes", "memory", "kind", "code", "message", "context", "hint",
    "StoreUnreadable", "NotPermitted", "NotFound", "InternalError", "SwapFailed", "Unrecovered", "a-code",
)  # fmt: skip
MANIFEST_WORDS = (
    "schema", "dsmcertfix.backup/1", "directory", "/x", "made_at", "2026-01-02T03:04:05+00:00", "files",
    "file", "present", "size", "sha256", "mode", "uid", "gid", "mtime_ns", "xattrs", "security", "00",
    *(str(file.value) for file in StoreFile),
)  # fmt: skip


@cache
def _scratch() -> Path:
    directory = tempfile.TemporaryDirectory(prefix="dsmcertfix-fuzz-")
    _kept.append(directory)
    for name in ("etc", "set"):
        (Path(directory.name) / name).mkdir()
    return Path(directory.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _within(found: Iterable[Clue], data: bytes) -> None:
    """No clue is longer than what was read, or than a value may be."""
    assert all(len(clue.value) <= max(budgets.VALUE.cap, len(data)) for clue in found)


def shell_file(data: bytes) -> None:
    """A profile or an init script gives clues within the budgets."""
    text = _text(data)
    found = clues.shell_variables(text)
    assert len(found.values) <= budgets.VARIABLES.cap
    assert all(len(value) <= budgets.VALUE.cap for value in found.values.values())
    assert not any("$" in value or "`" in value for value in found.values.values())
    _within(clues.from_script(text, "script", None), data)
    clues.names_client(text)


def unit(data: bytes) -> None:
    """A systemd unit with a drop-in, both of the same text, gives clues; so does its environment file."""
    text = _text(data)
    settings = clues.unit_settings(text) * 2
    named = {value.lstrip("-"): text for name, value in settings if name == "EnvironmentFile"}
    _within(clues.from_unit(settings, "unit", named), data)


def launchd_list(data: bytes) -> None:
    """A property list of any format gives clues, or none."""
    _within(clues.from_launchd(data, "list"), data)


def shell_files() -> list[bytes]:
    """Profiles, init scripts and an inittab as they are found."""
    return [
        b"export DSMI_CONFIG=/a/dsm.opt\nexport DSMI_DIR=$HOME/x DSMI_LOG='/l o g'\nA=1; B=$A$A\nC=${B}x\n",
        b'setenv DSM_DIR /opt/x\n# DSM_LOG=/no\nsetenv DSM_CONFIG "/a b/dsm.opt"\n',
        b"#!/bin/sh\nDSM_DIR=/opt/tivoli/tsm/client/ba/bin\nexport DSM_DIR\n"
        b"cd $DSM_DIR && ./dsmcad -optfile=/x\n",
        b'tsm:2:once:/usr/bin/dsmc sched "-optfile=/a b/c" >/dev/null 2>&1\n'
        b"su - u -c 'dsmc sched -optf=/d'\n",
        b"A1=$A0$A0\nA2=$A1$A1\nA3=$A2$A2\nX=`id`\nY=$$\nZ=${\n",
    ]


def units() -> list[bytes]:
    """Units as they are found."""
    return [
        b'[Unit]\nDescription=x\n[Service]\nUser=u\nEnvironment=DSM_DIR=/a "DSM_LOG=/b c"\n'
        b"EnvironmentFile=-/etc/x\nExecStart=/opt/dsmcad -optfile=/c\n",
        b'[Service]\nExecStart=dsmc sched \\\n  "-optfile=/a b" \\\n# no\n'
        b"DSMI_CONFIG=/y\nEnvironmentFile=/z\n",
    ]


def launchd_lists() -> list[bytes]:
    """The three formats of a property list, one of them with what is shared in it."""
    content = {
        "Label": "com.ibm.dsmcad", "UserName": "u", "ProgramArguments": ["/x/dsmcad", "-optfile=/a"],
        "EnvironmentVariables": {"DSM_DIR": "/a", "DSM_LOG": "/b"},
    }  # fmt: skip
    shared: list[object] = ["x"]
    for _ in range(4):
        shared = [shared, shared]
    many = {"ProgramArguments": [shared], "EnvironmentVariables": {"DSM_DIR": shared}}
    made = [plistlib.dumps(one, fmt=fmt) for one in (content, many) for fmt in plistlib.PlistFormat]
    return [*made, b"<?xml version='1.0'?><!DOCTYPE plist [<!ENTITY a 'b'>]><plist><dict>&a;</dict></plist>"]


def user_files(data: bytes) -> None:
    """etc/passwd and etc/group of a tree give users: whole paths for homes, numbers that systems know."""
    passwd, _, group = data.partition(b"\n\n")
    (_scratch() / "etc" / "passwd").write_bytes(passwd)
    (_scratch() / "etc" / "group").write_bytes(group)
    users = FileUsers(_scratch())
    for user in users.all():
        assert user.name and user.home.startswith("/") and "\0" not in user.home
        assert all(0 <= number < 2**32 for number in (user.uid, user.gid, *user.groups))
        known = users.owner(user.uid)
        assert known is not None and known.uid == user.uid
        users.is_private(user.uid, user.gid)


def users_of_trees() -> list[bytes]:
    """A passwd, an empty line, a group."""
    return [
        b"root:x:0:0:root:/root:/bin/sh\nu:x:1000:1000::/home/u:/bin/sh\nv:x:1001:100:a,b:/home/v:\n\n"
        b"u:x:1000:\nusers:x:100:u,v\n",
        b"+nis::::::\n#x\n:x:1:1::/:\nn:x:-2:-2::/n:\nm:x:4294967294:99999999999::/m:\n\ng:*:1:u\n+:::\n",
    ]


def error_log(data: bytes) -> None:
    """Every log gives codes; nothing that is told of it is long."""
    for cut in (False, True):
        found = error_logs.read(data, modified=MODIFIED, cut=cut)
        assert all(len(entry.line) <= 300 for entry in found)
    secrets.lines_without_secrets(_text(data).splitlines(), secrets.secret_words(_text(data[:40]).split()))


def given_away(data: bytes) -> None:
    """What the support bundle takes of option files, journals and logs can be made of any bytes."""
    assert shown_options.shown(data).isprintable() or "\n" in shown_options.shown(data)
    for line in shareable.journal(data).splitlines():
        json.loads(line)
    shareable.log(data)


def logs() -> list[bytes]:
    """Lines of dsmerror.log in more than one format, of a journal and of a run's log."""
    lines = (
        b"03/04/2026 12:13:14 ANS1592E Failed to initialize SSL protocol.\r\n"
        b"04.03.2026 12:13:14 ANS1579E GSKit function gsk_secure_soc_init failed with 414: x\n"
        b"2026-03-04 01:02:03 PM ANS1036S The option 'PASSWORD secret' was found.\nEntry : \nx y\n"
    )
    utf16 = lines.decode().encode("utf-16")
    said = b'{"event": "x", "problem": {"context": ["dsmc: set password OLD NEW", "it said: ANS1592E"]}}\n'
    return [
        lines,
        utf16,
        said,
        b'at=1 context="dsmc: VMCPW x \\" y" context=z\n',
        b"-password='x y' SET PASS a b\n",
    ]


def manifest(data: bytes) -> None:
    """A manifest is a whole set's, or the set is refused."""
    _read_manifest(data)


def manifest_values(data: bytes) -> None:
    """The same of JSON with our own words in the wrong places."""
    draw = Draw(data)
    files = []
    for file in StoreFile:
        item = {
            "file": file.value,
            "present": draw.number(4) != 0,
            "size": 1,
            "sha256": "0",
            "mode": 384,
            "uid": 0,
            "gid": 0,
        }
        item |= {draw.one_of(MANIFEST_WORDS): draw.value(MANIFEST_WORDS) for _ in range(draw.number(3))}
        files.append(item)
    whole = {"directory": "/x", "made_at": "2026-01-02T03:04:05+00:00", "files": files}
    whole |= {draw.one_of(MANIFEST_WORDS): draw.value(MANIFEST_WORDS) for _ in range(draw.number(3))}
    _read_manifest(json.dumps(whole).encode())


def _read_manifest(data: bytes) -> None:
    (_scratch() / "set" / backup.MANIFEST).write_bytes(data)
    with contextlib.suppress(BackupFailed):
        found = backup.load_backup(_scratch() / "set", StoreFile)
        assert {item.fact.file for item in found.files} == set(StoreFile)
        for content in found.contents().values():
            assert isinstance(content, (bytes, BackupFailed))


def manifests() -> list[bytes]:
    """A manifest of each state of a file."""
    files: list[dict[str, object]] = [
        {"file": file.value, "present": True, "size": 1, "sha256": "00", "mode": 0o600, "uid": 0, "gid": 0,
         "mtime_ns": 1, "xattrs": {"user.x": "eA=="}}
        for file in StoreFile
    ]  # fmt: skip
    files[-1] = {"file": files[-1]["file"], "present": False}
    whole = {
        "schema": backup.SCHEMA,
        "directory": "/x",
        "made_at": "2026-01-02T03:04:05+00:00",
        "files": files,
    }
    return [json.dumps(whole).encode(), b"[]", b"{"]


def child_answer(data: bytes) -> None:
    """An answer is data or an error that such work can have, whoever made it up."""
    head, mark, rest = data.partition(b"\0\0")
    for text in (data, len(head).to_bytes(8, "big") + head + (rest if mark else b"")):
        _understood(text)


def child_values(data: bytes) -> None:
    """The same of JSON with the words of answers in the wrong places."""
    draw = Draw(data)
    content = {draw.one_of(ANSWERS): draw.value(ANSWERS) for _ in range(1 + draw.number(2))}
    if draw.number(2):
        kind = draw.one_of(ANSWERS)
        problem = {"kind": kind, "code": draw.one_of(ANSWERS), "message": draw.text()}
        problem |= {draw.one_of(ANSWERS): draw.value(ANSWERS) for _ in range(draw.number(3))}
        content = {"problem": problem}
    head = json.dumps(content).encode()
    _understood(len(head).to_bytes(8, "big") + head + b"x" * draw.number(20))


def _understood(text: bytes) -> None:
    try:
        understood(text)
    except InternalError as error:
        assert error.problem().kind in TOLD
    except DsmcertfixError as error:
        assert error.problem().kind in TOLD
        error.problem().to_data()
    except (ChildDied, LimitReached):
        pass


def told(data: bytes) -> None:
    """What is made of a child's answer is in its form, and every name in it could be a file's."""
    draw = Draw(data)
    if draw.number(2):
        stanza = option_data.of_system(options.read_system_options(_STANZA, _SYS))
        value = _changed(json.loads(json.dumps(stanza)), draw)
        with contextlib.suppress(*_OTHER_DATA):
            for found in option_data.to_system(_answered(value), _SYS).stanzas:
                texts = (found.name, found.node, found.passworddir, found.errorlogname, *found.failover)
                for text in filter(None, texts):
                    assert "\0" not in os.fsencode(text).decode("latin-1")
        with contextlib.suppress(*_OTHER_DATA):
            option_data.to_user(_answered(value), _SYS)
        return
    value = _changed(json.loads(json.dumps(_CONTENTS)), draw)
    with contextlib.suppress(*_OTHER_DATA):
        contents = client_contents._from_data(_answered(value), StoreFile)
        for item in contents.certificates:
            os.fsencode(item.label)
            chain.in_date(item, MODIFIED.replace(tzinfo=timezone.utc))
    for setting, clue, because in clues.told(_answered([[draw.value(ANSWERS, 0)] * draw.number(5)])):
        os.fsencode(setting + clue + because)


_SYS = Path("/x/dsm.sys")
_STANZA = b"SE A\nTCPS x\nPASSWORDDIR /x\nMYREPLICATIONS B\nERRORLOGNAME /e\nNODE N\nSE B\nTCPS y\n"
_OTHER_DATA = (ValueError, TypeError, KeyError, AttributeError, ChildDied)
_CONTENTS = {
    "facts": [[file.value, True, 1, "00", 384, 0, 0] for file in StoreFile],
    "version": 6, "default": None, "too_long": 0, "password_expires": "2026-01-02T03:04:05+00:00",
    "problem": None,
    "certificates": [
        {"label": "l", "sha256": "00", "subject": "s", "issuer": "i", "serial": "1", "kind": "server",
         "not_before": "2026-01-02T03:04:05+00:00", "not_after": "0001-01-01T00:00:00+14:00",
         "der": {"bytes": 0}, "problem": None, "trusted": True}
    ],
}  # fmt: skip


def _answered(value: object) -> Any:
    """The value as it comes out of an answer in which a child tells it."""
    head = json.dumps({"data": value}).encode()
    return understood(len(head).to_bytes(8, "big") + head)


def _changed(value: Any, draw: Draw) -> Any:
    """The value with something else in some places."""
    if draw.number(12) == 1:
        odd: tuple[object, ...] = ("\ud800", "\0", "\udcff", -1, 10**30, [], {}, "0001-01-01T00:00:00+14:00")
        return odd[draw.number(len(odd))] if draw.number(2) else draw.value(ANSWERS)
    if isinstance(value, dict):
        return {key: _changed(item, draw) for key, item in value.items()}
    return [_changed(item, draw) for item in value] if isinstance(value, list) else value


def answers() -> list[bytes]:
    """The JSON of answers, with what follows it behind two NULs."""
    problem = {"problem": StoreUnreadable("a-code", "text", context=("x",), hint="y").problem().to_data()}
    return [
        json.dumps({"data": [1, {"bytes": 3}, {"bytes": 0}]}).encode() + b"\0\0abc",
        json.dumps(problem).encode(), b'{"limit": "memory"}', b'{"data": {"bytes": -1}}\0\0', b"[" * 2000,
        (5).to_bytes(8, "big") + b'{"data": 1}',
    ]  # fmt: skip


def server_file(data: bytes) -> None:
    """Every dsmserv.opt gives ports."""
    assert all(0 < port < 65536 for port in server_options.ports(data))


def server_files() -> list[bytes]:
    """As an instance has it."""
    return [b"COMMMETHOD TCPIP\nTCPPORT 1500\nSSLTCPPORT 1543\n* TCPP 1\n", b"commm shared\ntcpp '1501'\n"]
