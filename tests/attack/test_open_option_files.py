"""A dsm.sys that somebody else could have written: its servers are not asked, and the cure is told."""

from __future__ import annotations

import re
import shlex
import socket
from pathlib import Path

import pytest
from tests.attack.scene import Scene

GROUP = 4343
REWRITES = """
import os, re, sys
path, port, how = sys.argv[1:]
text = re.sub(r"(?i)(TCPPort\\s+)[0-9]+", rf"\\g<1>{port}", open(path).read())
if how == "replace":
    os.remove(path)
with open(path, "w") as file:
    file.write(text)
os.chmod(path, 0o644)
"""


@pytest.fixture
def dsm_sys(scene: Scene) -> Path:
    return scene.machine.ba / "dsm.sys"


@pytest.mark.parametrize(
    ("place", "mode", "how"),
    [("file", 0o666, "write"), ("file", 0o646, "write"), ("directory", 0o777, "replace")],
)
def test_nobody_is_asked_who_stands_in_a_file_that_others_could_write(
    scene: Scene, dsm_sys: Path, place: str, mode: int, how: str
) -> None:
    scene.renew()
    before, genuine = scene.machine.seen(), dsm_sys.read_text()
    open_to_all = dsm_sys if place == "file" else dsm_sys.parent
    closed = open_to_all.stat().st_mode & 0o7777
    open_to_all.chmod(mode)
    with socket.create_server(("127.0.0.1", 0)) as attacker:
        attacker.setblocking(False)
        port = attacker.getsockname()[1]
        code = REWRITES if how == "replace" else REWRITES.rsplit("os.chmod", 1)[0]
        process = scene.as_user(scene.endpoint.user("mallory"), code, dsm_sys, str(port), how)
        assert process.communicate(timeout=60) == ("", "")
        assert str(port) in dsm_sys.read_text()
        answers = [scene.machine.run("detect"), scene.machine.run("plan"), scene.machine.fix()]
        with pytest.raises(BlockingIOError):
            attacker.accept()
    for answer in answers:
        told = answer.store(scene.machine.ba)["problem"]
        assert (answer.code, told["code"]) == (12, "option-file-open")
        assert not answer.report["changed"]
    assert scene.machine.seen() == before

    (cure,) = re.findall(r"`(chmod [^`]+)`", told["hint"])
    command, what, path = shlex.split(cure)
    assert (command, what, path) == ("chmod", "go-w", str(open_to_all))
    dsm_sys.unlink()
    dsm_sys.write_text(genuine)
    open_to_all.chmod(closed)
    answer = scene.machine.fix("--store", scene.machine.ba)
    assert (answer.code, answer.report["outcome"]) == (0, "changed")


def test_a_group_of_ordinary_users_counts_as_others_and_roots_own_does_not(
    scene: Scene, dsm_sys: Path
) -> None:
    import os

    for gid, problem in ((GROUP, "option-file-open"), (0, None)):
        os.chown(dsm_sys, 0, gid)
        dsm_sys.chmod(0o664)
        told = scene.machine.run("detect", "--store", scene.machine.ba).store(scene.machine.ba)["problem"]
        assert (told and told["code"]) == problem
