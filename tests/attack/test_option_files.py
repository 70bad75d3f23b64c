"""Root reads option files of users, and follows what their clients say, without being led or heard."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.attack.scene import SECRET, Scene, give, point_to

from dsmbench.endpoint import User

CLIENT = "import time\nprint('up', flush=True)\ntime.sleep(900)\n"
ESCAPES = "\x1b]0;owned\x07\x1b[31mEVIL\x1b[0m"


@contextlib.contextmanager
def client_of(scene: Scene, user: User, *arguments: str, **environment: str) -> Iterator[None]:
    """Meanwhile the user runs a program that is called dsmc, with those arguments and settings."""
    program = user.home / "dsmc"
    program.write_text(CLIENT)
    give(user, program)
    code = "import os, sys; os.environ.update(x.split('=', 1) for x in sys.argv[1].split('\\n') if x);"
    code += "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    settings = "\n".join(f"{name}={value}" for name, value in environment.items())
    process = scene.as_user(user, code, settings, program, *arguments)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n", process.stderr and process.stderr.read()
        yield
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def mallory(scene: Scene) -> User:
    """A user with a store of her own."""
    user = scene.endpoint.user("mallory")
    scene.store_of(user)
    return user


def owned(user: User, path: Path, text: str) -> Path:
    """A file of the user's, in directories of the user's."""
    for directory in reversed([parent for parent in path.parents if not parent.exists()]):
        directory.mkdir()
        give(user, directory)
    path.write_text(text)
    give(user, path)
    return path


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        ((), {"DSM_DIR": "/etc/vault"}),
        ((), {"DSMI_DIR": "/etc/vault"}),
        ((), {"DSM_CONFIG": "/etc/vault/dsm.opt"}),
        ((), {"DSMI_CONFIG": "/etc/vault/shadow"}),
        (("-optfile=/etc/vault/shadow",), {}),
        (("-optfile=/home/mallory/../../etc/vault/dsm.opt",), {}),
    ],
    ids=["DSM_DIR", "DSMI_DIR", "DSM_CONFIG", "DSMI_CONFIG", "optfile", "dots"],
)
def test_a_users_client_leads_to_nothing_of_roots(
    scene: Scene, mallory: User, arguments: tuple[str, ...], environment: dict[str, str]
) -> None:
    scene.close_vault()
    with client_of(scene, mallory, *arguments, **environment):
        answers = [scene.machine.run("locate"), scene.machine.run("detect"), scene.machine.text("locate")]
    scene.require_untouched(*answers)
    vaults = [item for item in answers[0].report["looked_at"] if item["directory"].endswith("/etc/vault")]
    assert vaults or any("vault" in warning for warning in answers[0].report["warnings"]), "it was seen"
    assert all(not item["found"] for item in vaults)
    assert str(scene.vault) not in str(answers[0].report["stores"])


def test_a_users_client_is_believed_where_it_names_what_is_the_users(scene: Scene, mallory: User) -> None:
    text = "SErvername OWN\n TCPServeraddress localhost\n PASSWORDDIR /home/mallory/certs\n"
    owned(mallory, mallory.home / "tsm/dsm.sys", text)
    store = scene.endpoint.store("/home/mallory/certs", owner=mallory, certificates=scene.trusted)
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"):
        report = scene.machine.run("locate").report
    (found,) = (item for item in report["stores"] if item["directory"] == str(store))
    assert "OWN" in found["stanzas"]


def test_a_dsm_sys_of_a_user_cannot_send_root_to_the_vault(scene: Scene, mallory: User) -> None:
    text = "SErvername EVIL\n TCPServeraddress localhost\n PASSWORDDIR /etc/vault\n PASSWORDAccess generate\n"
    owned(mallory, mallory.home / "tsm/dsm.sys", text)
    scene.close_vault()
    scene.renew()
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"):
        answers = [scene.machine.run("locate"), scene.machine.fix("--whole-store", "--server", "EVIL")]
        answers.append(scene.machine.fix())
    scene.require_untouched(*answers)
    assert answers[-1].store(scene.machine.ba)["outcome"] == "changed"
    assert "EVIL" not in answers[-1].store(scene.machine.ba)["stanzas"]
    assert "EVIL" not in answers[-1].store(scene.bobs)["stanzas"]


@pytest.mark.parametrize("kind", ["link", "fifo", "device", "directory", "link to fifo", "hard link"])
@pytest.mark.parametrize("name", ["dsm.sys", "dsm.opt"])
def test_an_option_file_that_is_none_is_neither_read_nor_waited_for(
    scene: Scene, mallory: User, name: str, kind: str
) -> None:
    directory = mallory.home / "tsm"
    directory.mkdir()
    path = directory / name
    if kind == "link":
        point_to(scene.vault / name, path, mallory)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        os.mknod(path, 0o020666, os.makedev(1, 5))
    elif kind == "directory":
        path.mkdir()
    elif kind == "hard link":
        path.hardlink_to(scene.vault / name)
    else:
        os.mkfifo(directory / "fifo")
        give(mallory, directory / "fifo")
        point_to(directory / "fifo", path, mallory)
    give(mallory, directory)
    scene.close_vault()
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm", DSM_CONFIG=f"/home/mallory/tsm/{name}"):
        start = time.monotonic()
        answer = scene.machine.run("locate")
        assert time.monotonic() - start < 20
    scene.require_untouched(answer)
    assert any(str(path) in warning for warning in answer.report["warnings"])


def test_what_users_write_cannot_steer_a_terminal(scene: Scene, mallory: User) -> None:
    text = f"SErvername {ESCAPES}\n TCPServeraddress {ESCAPES}\n TCPPort {ESCAPES}\n NODename {ESCAPES}\n"
    text += f" PASSWORDDIR /home/mallory/{ESCAPES}\n PASSWORDAccess {ESCAPES}\n"
    owned(mallory, mallory.home / "tsm/dsm.sys", text)
    owned(mallory, mallory.home / f"tsm/{ESCAPES.replace('/', '')}.opt", f"SErvername {ESCAPES}\n")
    scene.endpoint.store(
        f"/home/mallory/{ESCAPES}", owner=mallory, certificates=[(f"TSM {ESCAPES}", scene.trusted[0][1])]
    )
    (mallory.home / f"tsm/{ESCAPES}").mkdir()
    scene.renew()
    optfile = f"-optfile=/home/mallory/tsm/{ESCAPES}.opt"
    with client_of(scene, mallory, optfile, DSM_DIR="/home/mallory/tsm"):
        commands = (
            ("locate",),
            ("inspect",),
            ("detect",),
            ("plan",),
            ("--verbose", "fix", "--yes", "--trust-on-first-use"),
        )
        answers = [scene.machine.text(*command) for command in commands]
        answers += [scene.machine.text(*command, "--json") for command in commands[:-1]]
    for answer in answers:
        said = answer.stdout + answer.stderr
        assert not [char for char in said if char != "\n" and not char.isprintable()]
    assert "EVIL" in answers[0].stdout


def test_a_store_that_root_names_in_a_users_directory_is_refused_where_a_link_leads_on(
    scene: Scene, mallory: User
) -> None:
    store = scene.endpoint.home_store(mallory)
    store.rename(store.with_name("moved"))
    point_to(scene.vault, store, mallory)
    scene.close_vault()
    answers = [scene.machine.run(command, "--store", store) for command in ("inspect", "detect", "plan")]
    answers += [scene.machine.fix("--store", store), scene.machine.fix("--store", store, "--whole-store")]
    assert [(answer.code, answer.problem) for answer in answers] == [(12, "place-refused")] * 5
    scene.require_untouched(*answers)


def test_a_secret_beside_the_options_is_never_told(scene: Scene, mallory: User) -> None:
    text = f"SErvername OWN\n TCPServeraddress localhost\n PASSword {SECRET}\n ENCRYPTKEY {SECRET}\n"
    text += f" PASSWORDDIR\n NODename\n TCPPort {SECRET}\n PASSWORDAccess {SECRET}\n"
    owned(mallory, mallory.home / "tsm/dsm.sys", text)
    owned(mallory, mallory.home / "tsm/dsm.opt", f"PASSWORD {SECRET}\nSErvername OWN\n")
    scene.close_vault()
    scene.renew()
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"):
        answers = [scene.machine.run("locate"), scene.machine.fix()]
    scene.require_untouched(*answers)
