"""The installed program repairs: three servers in one store, refusals, programs that hang, files in use."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from dsmbench import gskit
from dsmbench.identity import fingerprint
from dsmbench.made import Version
from dsmbench.server import Server
from dsmbench.snapshot import Seen

assert sys.platform == "win32"

from tests.shown import not_shown
from tests.windows.installed.msi import STATE
from tests.windows.tool import Tool

from dsmbench.windows import WindowsEndpoint
from dsmbench.windows_holding import held
from dsmcertfix.ibm.key_database import kdb

NAMES = ("TSM01", "TSM02", "TSM03")
LABEL = "TSM server {} self-signed key"


@dataclass(frozen=True, slots=True)
class Scene:
    """A client with three servers, each with an option file and a node of its own, and one store."""

    endpoint: WindowsEndpoint
    servers: dict[str, Server]

    def store(self, version: Version) -> None:
        """The client's store trusts all three."""
        trusted = [self.endpoint.trusted(name, server) for name, server in self.servers.items()]
        self.endpoint.store(certificates=trusted, version=version)

    @property
    def database(self) -> Path:
        """The store's key database."""
        return self.endpoint.ba_directory / "dsmcert.kdb"

    def slots(self) -> dict[str, bytes]:
        """Label to the raw slot in the key database."""
        return {record.label: record.slot for record in kdb.read(self.database.read_bytes()).records}

    def held(self) -> dict[str, str]:
        """Label to fingerprint, as IBM's library reads the store."""
        return {label: fingerprint(der) for label, der in gskit.certificates(self.database).items()}

    def seen(self) -> dict[str, Seen]:
        """Every file of the client's directory."""
        return self.endpoint.snapshot(self.endpoint.ba_directory, "*")

    def reconnects(self) -> list[list[str]]:
        """The arguments of each run of dsmc.exe."""
        return [run.arguments for run in self.endpoint.runs if run.program == "dsmc.exe"]


@pytest.fixture
def scene() -> Iterator[Scene]:
    """The client, without a store yet."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(Server(name)) for name in NAMES}
        endpoint = stack.enter_context(WindowsEndpoint())
        for name, server in servers.items():
            file = endpoint.option_file(server, node=f"PC_{name}", name=option_file(name))
            endpoint.add_service(f"TSM Scheduler {name}", option_file=file)
        yield Scene(endpoint, servers)


def option_file(name: str) -> str:
    """The client's own option file for the first server, another one for each of the others."""
    return "dsm.opt" if name == NAMES[0] else f"dsm {name}.opt"


@pytest.mark.parametrize("version", [3, 4, 6])
def test_of_three_servers_in_one_store_only_the_renewed_one_is_replaced(
    tool: Tool, scene: Scene, version: Version
) -> None:
    scene.store(version)
    before = scene.slots()
    new = fingerprint(scene.servers["TSM02"].renew())
    assert tool.run("detect").code == 3

    answer = tool.fix("--expect-sha256", new)

    assert (answer.code, answer.report["outcome"], answer.notes("delete-label")) == (
        0,
        "changed",
        ["done by gskit"],
    )
    after = scene.slots()
    assert sorted(after) == sorted(before)
    for name in ("TSM01", "TSM03"):
        assert after[LABEL.format(name)] == before[LABEL.format(name)]
    assert scene.held()[LABEL.format("TSM02")] == new
    option = scene.endpoint.ba_directory / option_file("TSM02")
    assert scene.reconnects() == [["query", "session", f"-optfile={option}"]]
    assert {run.dll_directory for run in scene.endpoint.runs} == {""}
    assert list(scene.endpoint.ba_directory.glob("*dsmcertfix*")) == []
    assert not Path(os.environ["LOCALAPPDATA"], "dsmcertfix").exists(), "its state is in a profile"
    assert (STATE / "runs").is_dir()
    assert scene.endpoint.dsmc("query", "session", f"-optfile={option}").returncode == 0

    if version == 4:
        seen = scene.seen()
        again = tool.fix()
        assert (again.code, again.report["outcome"], again.report["changed"]) == (0, "unchanged", False)
        assert scene.seen() == seen
        back = tool.run("rollback", "--yes")
        assert (back.code, scene.slots()) == (0, before)


def test_a_strict_node_is_rolled_back_with_the_advice_for_the_server(tool: Tool, scene: Scene) -> None:
    scene.store(4)
    scene.servers["TSM02"].renew()
    scene.servers["TSM02"].update_node("PC_TSM02", "STRICT")
    before = store_files(scene)
    answer = tool.fix()
    assert (answer.code, answer.report["outcome"]) == (21, "rolled-back")
    assert "UPDATE NODE PC_TSM02 SESSIONSECURITY=TRANSITIONAL" in str(answer.report)
    assert store_files(scene) == before


def test_a_server_that_is_down_leaves_everything_untouched(tool: Tool, scene: Scene) -> None:
    scene.store(4)
    scene.servers["TSM02"].stop()
    before = store_files(scene)
    assert tool.fix("--server", "TSM02").code == 16
    assert tool.text("detect").code == 16
    assert (store_files(scene), scene.reconnects()) == (before, [])


def test_a_hanging_gsk8capicmd_is_left_behind_and_the_copy_is_edited_natively(
    tool: Tool, scene: Scene
) -> None:
    scene.store(4)
    new = fingerprint(scene.servers["TSM02"].renew())
    scene.endpoint.misbehave(gsk8capicmd="hang")
    answer = tool.fix("--timeout", "20")
    assert answer.code == 0
    (note,) = answer.notes("delete-label")
    assert "did not finish -delete within 20 seconds" in note
    assert note.endswith("; done by native")
    assert scene.held()[LABEL.format("TSM02")] == new


def test_a_key_database_that_another_program_holds_is_busy_and_untouched(tool: Tool, scene: Scene) -> None:
    scene.store(4)
    scene.servers["TSM02"].renew()
    before = store_files(scene)
    with held(scene.database):
        native = tool.fix()
        for_the_console = tool.text("fix", "--yes", "--trust-on-first-use", "--exit-profile", "configmgr")
    assert (native.code, native.report["changed"]) == (11, False)
    assert for_the_console.code == 1618
    assert store_files(scene) == before
    assert tool.fix().code == 0


def test_the_program_starts_itself_once_more_to_parse_what_is_a_users_and_to_prove(
    tool: Tool, scene: Scene
) -> None:
    scene.store(4)
    trusted = [scene.endpoint.trusted(name, server) for name, server in scene.servers.items()]
    hers = scene.endpoint.store(user=scene.endpoint.user("alice"), certificates=trusted).resolve()
    answer = tool.run("detect", "--prove")
    assert (answer.code, answer.problem) == (0, "")
    for place in (scene.endpoint.ba_directory, hers):
        assert {proof["answer"] for proof in answer.store(place)["proofs"]} == {"accepted"}


def test_programs_do_not_search_the_folder_of_the_frozen_tool_for_their_libraries() -> None:
    not_shown("Wine hands no SetDllDirectory down to a child; on Windows the runs above tell of it")


def store_files(scene: Scene) -> dict[str, Seen]:
    """What there is to see of the store."""
    return scene.endpoint.snapshot(scene.endpoint.ba_directory)
