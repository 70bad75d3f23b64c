"""What the campaigns and the making of their targets found: each input, as small as it goes."""

from __future__ import annotations

import json
import plistlib
import time
import tracemalloc
from pathlib import Path

import pytest

from dsmcertfix import budgets
from dsmcertfix.errors import BackupFailed
from dsmcertfix.fleet import table
from dsmcertfix.ibm.client import error_logs, option_data, options
from dsmcertfix.ibm.client.option_files import find_option_files
from dsmcertfix.model import StoreFile
from dsmcertfix.system import answers
from dsmcertfix.system.unix import clues
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.users import FileUsers
from dsmcertfix.transaction import backup

SYS = Path("/x/dsm.sys")


def test_a_small_launchd_list_does_not_stand_for_more_text_than_memory_holds() -> None:
    shared: object = "dsmcad"
    for _ in range(6):
        shared = [shared] * 10
    content = {
        "ProgramArguments": [shared, "dsmcad", "-optfile=/a"],
        "EnvironmentVariables": {"DSM_DIR": shared},
    }
    data = plistlib.dumps(content, fmt=plistlib.FMT_BINARY)
    assert len(data) < 250
    began = time.process_time()
    assert [(clue.setting, clue.value) for clue in clues.from_launchd(data, "")] == [("optfile", "/a")]
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("text", ["x" * 200_000, '"' * 200_000, "=" * 40_000])
def test_a_long_text_of_a_result_fits_into_a_cell_that_spreadsheets_and_readers_take(text: str) -> None:
    told = table.cell(text)
    assert len(told) == 32_767 and told.endswith("...")


def test_a_long_value_of_a_unit_is_left_out_and_told_of() -> None:
    cap = budgets.VALUE.cap
    for length, told in ((cap, "DSM_DIR"), (cap + 1, "left-out")):
        value = f"DSM_DIR=/{'a' * (length - len('DSM_DIR=/'))}"
        assert [clue.setting for clue in clues.from_unit([("Environment", value)], "", {})] == [told]


@pytest.mark.parametrize("text", ["\ud800", "a\udfff", "\udc00", {"\udbff": 1}])
def test_an_answer_with_a_text_that_no_file_can_be_called_is_none(text: object) -> None:
    head = json.dumps({"data": [text]}).encode()
    with pytest.raises(answers.ChildDied):
        answers.understood(len(head).to_bytes(8, "big") + head)


@pytest.mark.parametrize("text", ["ä", "\udcff", "\U0001f600", "\\ud800"])
def test_an_answer_has_any_name_that_a_file_can_have(text: str) -> None:
    head = json.dumps({"data": [text]}).encode()
    assert answers.understood(len(head).to_bytes(8, "big") + head) == [text]


@pytest.mark.parametrize("field", ["name", "node", "passworddir", "errorlogname"])
def test_no_child_tells_of_a_path_with_a_nul(field: str) -> None:
    data = option_data.of_system(options.read_system_options(b"SE A\nTCPS x\n", SYS))
    stanzas = data["stanzas"]
    assert isinstance(stanzas, list)
    stanzas[0][field] = "/x\0y"
    with pytest.raises(ValueError, match="NUL"):
        option_data.to_system(data, SYS)


def test_no_name_that_a_child_made_up_ends_the_reading_of_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `explain` looks for them: a relative ERRORLOGNAME is put behind directories as it is told."""
    data = option_data.of_system(options.read_system_options(b"SE A\nTCPS x\nERRORLOGNAME e\n", SYS))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/dsm.sys").write_text("SE A\n")
    places = UnixPlaces(tmp_path, "linux", {})
    places.client_directories = lambda: (("ba", tmp_path / "bin"),)  # type: ignore[method-assign]
    data["stanzas"][0]["errorlogname"] = "e\0"  # type: ignore[index]
    monkeypatch.setattr(UnixPlaces, "is_ours", lambda self, uid: False)
    monkeypatch.setattr(UnixPlaces, "as_user", lambda self, uid, work, limits=None: data)
    assert "has not the form" in " ".join(find_option_files(places, ()).warnings)
    assert error_logs.read_error_logs(places).logs == ()


def test_a_manifest_that_is_deeper_than_any_is_damaged(tmp_path: Path) -> None:
    (tmp_path / backup.MANIFEST).write_bytes(b"[" * 100_000)
    with pytest.raises(BackupFailed) as raised:
        backup.load_backup(tmp_path, StoreFile)
    assert raised.value.code == "backup-damaged"


@pytest.mark.parametrize("name", ["passwd", "group"])
@pytest.mark.parametrize("part", [b"\n", b":\n", b"a,", b":", b"g:x:1:aa,bb\n"], ids=repr)
def test_users_of_a_tree_take_no_more_memory_than_they_may(tmp_path: Path, name: str, part: bytes) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / name).write_bytes(part * ((8 << 20) // len(part)))
    tracemalloc.start()
    try:
        FileUsers(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 100 << 20
    finally:
        tracemalloc.stop()


def test_no_more_users_of_a_tree_are_read_than_the_budget_has(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    cap = budgets.USERS.cap
    lines = (f"u{number}:x:{number}:1::/h:\n" for number in range(1, cap + 2))
    (tmp_path / "etc/passwd").write_text("".join(lines))
    (tmp_path / "etc/group").write_text(f"u1:x:1:\ng:x:7:u1,u1, u2,,x\nlong:x:8:{'u1,' * 30_000}\n")
    users = FileUsers(tmp_path)
    assert sum(1 for _ in users.all()) == cap
    one, two = users.owner(1), users.owner(2)
    assert one is not None and one.groups == (1, 7) and two is not None and two.groups == (1, 7)
    assert users.is_private(1, 1)
