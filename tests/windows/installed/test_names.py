"""The installed program, and names as they occur: blanks, umlauts, long paths, another drive, every encoding.

A frozen program has its own settings for texts (`X utf8`) and its own manifest (long paths).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dsmbench.identity import fingerprint
from dsmbench.server import Server

assert sys.platform == "win32"

from tests.windows.command import slots
from tests.windows.tool import Tool

from dsmbench.windows import WindowsEndpoint
from dsmcertfix.system.win32 import files

PLACE = Path(r"D:\Prögramme (x64)\Tivoli Größe\baclient")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_client_on_another_drive_is_repaired_by_an_option_file_in_that_encoding(
    tool: Tool, tsm01: Server, encoding: str
) -> None:
    with WindowsEndpoint(ba_directory=PLACE) as endpoint:
        # The node has an umlaut: decoded in another way, it is one that the server does not know.
        file = endpoint.option_file(
            tsm01, node="BÜRO1", name="büro süd.opt", directory=PLACE / "Außenstelle", encoding=encoding
        )
        endpoint.add_service("TSM Scheduler Büro", option_file=file)
        store = endpoint.store(certificates=[endpoint.trusted("TSM01", tsm01)])
        new = fingerprint(tsm01.renew())
        answer = tool.fix("--expect-sha256", new)
        assert (answer.code, answer.store(store)["outcome"]) == (0, "changed")
        assert [item["sha256"] for item in answer.store(store)["certificates"]] == [new]
        assert endpoint.runs[-1].arguments == ["query", "session", f"-optfile={file}"]
        assert tsm01.sessions[-1].what == "session"


def test_a_store_below_more_than_260_characters_that_a_service_names_is_found_edited_and_brought_back(
    tool: Tool, endpoint: WindowsEndpoint, tsm01: Server
) -> None:
    endpoint.option_file(tsm01, node="PC1")
    long = endpoint.ba_directory
    for number in range(6):
        long = long / f"{number} ein langer Name mit Ümlauten und Leerzeichen, fünfzig"
    Path(files.extended(str(long))).mkdir(parents=True)
    made = endpoint.store(endpoint.ba_directory / "short", certificates=[endpoint.trusted("TSM01", tsm01)])
    for file in made.iterdir():
        file.replace(files.extended(str(long / file.name)))
    endpoint.add_service("TSM Scheduler", environment={"DSM_DIR": str(long)})
    before = slots(long)
    tsm01.renew()
    assert str(long) in [store["directory"] for store in tool.run("locate").report["stores"]]
    answer = tool.fix("--no-reconnect")
    assert (answer.code, answer.store(long)["outcome"], slots(long)) == (0, "changed", {})
    assert (tool.run("rollback", "--yes").code, slots(long)) == (0, before)
