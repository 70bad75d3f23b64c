"""Each budget at its cap, where all counts, and one above it, where what is left out is told."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.attack.scene import Scene, give
from tests.attack.test_option_files import client_of, owned

from dsmbench.endpoint import User
from dsmcertfix import budgets
from dsmcertfix.ibm.client import options
from dsmcertfix.ibm.client.shown_options import shown
from dsmcertfix.system.unix import clues as unix_clues
from dsmcertfix.system.unix.places import UnixPlaces

SYS = Path("/x/dsm.sys")
BOMB = "A0=aaaaaaaaaaaaaaaa\n" + "".join(f"A{n}=$A{n - 1}$A{n - 1}\n" for n in range(1, 33))


def told(budget: budgets.Budget, warnings: object) -> bool:
    return budget.exceeded() in str(warnings)


def test_every_budget_has_a_figure_and_its_reason() -> None:
    assert all(item.cap > 0 and len(item.reason) > 20 and item.what for item in budgets.BUDGETS)
    assert len({item.what for item in budgets.BUDGETS}) == len(budgets.BUDGETS) >= 15


@pytest.mark.parametrize("more", [0, 1])
def test_lines_of_an_option_file(more: int) -> None:
    lines = ["* x"] * (budgets.LINES.cap - 2 + more) + ["se A", "tcps a"]
    for end in ("\n", "\r\n", "\r"):
        for last in ("", end):
            found = options.read_system_options((end.join(lines) + last).encode(), SYS)
            assert told(budgets.LINES, found.warnings) is bool(more)
            assert [item.server is not None for item in found.stanzas] == [not more]
            assert told(budgets.LINES, shown((end.join(lines) + last).encode())) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("option", ["NODENAME", "PASSWORDDIR", "TCPSERVERADDRESS", "SERVERNAME"])
def test_bytes_of_a_value(option: str, more: int) -> None:
    value = "v" * (budgets.VALUE.cap + more)
    found = options.read_system_options(f"se A\n{option} {value}\nse B\n".encode(), SYS)
    assert told(budgets.VALUE, found.warnings) is bool(more)
    assert (value in str(found.stanzas)) == (not more)
    assert found.stanzas[-1].name == "B", "what comes after it counts"


@pytest.mark.parametrize("more", [0, 1])
def test_failover_servers_of_a_stanza(more: int) -> None:
    names = [f"R{n}" for n in range(budgets.FAILOVER.cap + more)]
    text = "se A\n" + "".join(f"MYREPLICATIONSERVER {name}\n" for name in names) + "tcps a\n"
    found = options.read_system_options(text.encode(), SYS)
    assert told(budgets.FAILOVER, found.warnings) is bool(more)
    assert found.stanzas[0].failover == tuple(names[: budgets.FAILOVER.cap])
    assert found.stanzas[0].server


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("budget", [budgets.STANZAS, budgets.STANZAS_OF_A_USER])
def test_stanzas_of_an_option_file(budget: budgets.Budget, more: int) -> None:
    found = options.read_system_options(b"se A\n" * (budget.cap + more), SYS, budget)
    assert len(found.stanzas) == budget.cap
    assert told(budget, found.warnings) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_users_of_a_tree(tmp_path: Path, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "USERS", budgets.USERS._replace(cap=5))
    (tmp_path / "etc").mkdir()
    users = (f"u{number}:x:{number}:1::/h{number}:\n" for number in range(1, 6 + more))
    (tmp_path / "etc/passwd").write_text("".join(users))
    places = UnixPlaces(tmp_path)
    assert len(places.homes()) == 5
    assert told(budgets.USERS, places.not_entered()) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_running_clients_of_a_user(
    scene: Scene, mallory: User, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "CLIENTS_OF_A_USER", budgets.CLIENTS_OF_A_USER._replace(cap=2))
    with ExitStack() as running:
        for number in range(2 + more):
            running.enter_context(client_of(scene, mallory, DSM_DIR=f"/home/mallory/{number}"))
        found = list(unix_clues.from_processes(scene.machine.root))
    assert sum(clue.setting == "DSM_DIR" for clue in found) == 2
    assert told(budgets.CLIENTS_OF_A_USER, found) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("where", ["cmdline", "environ"])
def test_bytes_of_what_a_client_was_started_with(
    scene: Scene, mallory: User, where: str, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budgets, "COMMAND", budgets.COMMAND._replace(cap=16 << 10))
    text = "x" * (budgets.COMMAND.cap if more else budgets.COMMAND.cap // 2)
    arguments, settings = ((text,), {}) if where == "cmdline" else ((), {"X": text})
    with client_of(scene, mallory, *arguments, DSM_DIR="/home/mallory/tsm", **settings):
        found = list(unix_clues.from_processes(scene.machine.root))
    assert any(clue.setting == "DSM_DIR" for clue in found) is not bool(more)
    assert told(budgets.COMMAND, found) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_variables_of_a_shell_file(more: int) -> None:
    text = "".join(f"A{n}=x\n" for n in range(budgets.VARIABLES.cap + more)) + "A0=y\n"
    found = unix_clues.shell_variables(text)
    assert len(found.values) == budgets.VARIABLES.cap
    assert found.values["A0"] == "y", "what is there already may change"
    assert (budgets.VARIABLES in found.exceeded) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_expansions_in_a_shell_file(more: int) -> None:
    text = "A=x\n" + "B=$A\n" * (budgets.EXPANSIONS.cap + more) + "C=c\n"
    found = unix_clues.shell_variables(text)
    assert found.values == {"A": "x", "B": "x", "C": "c"}
    assert (budgets.EXPANSIONS in found.exceeded) is bool(more)


@pytest.mark.parametrize("more", [0, 1])
def test_the_value_of_a_shell_variable_written_or_put_in(more: int) -> None:
    size = budgets.VALUE.cap + more
    written = unix_clues.shell_variables(f"A={'v' * size}\nB=b\n")
    put_in = unix_clues.shell_variables(f"H={'v' * (budgets.VALUE.cap // 2)}\nA=${{H}}$H{'.' * more}\nB=b\n")
    for found in (written, put_in):
        assert ("A" in found.values) == (not more)
        assert found.values["B"] == "b"
        assert (budgets.VALUE in found.exceeded) is bool(more)


def test_a_profile_that_doubles_its_variables_is_read_as_far_as_they_are_short() -> None:
    assert len(BOMB) < 600
    found = unix_clues.shell_variables(BOMB + "DSMI_CONFIG=/c\n")
    assert max(map(len, found.values.values())) <= budgets.VALUE.cap
    assert found.values["DSMI_CONFIG"] == "/c"
    clues = list(unix_clues.from_script(BOMB, "profile", "mallory"))
    assert [clue.setting for clue in clues] == ["left-out"]
    assert told(budgets.VALUE, clues)


@pytest.fixture
def mallory(scene: Scene) -> User:
    """A user with a store of her own, whose server presents another certificate now."""
    user = scene.user_alone("mallory")
    scene.store_of(user)
    scene.renew()
    return user


def require_repaired(scene: Scene, *arguments: str) -> str:
    """root's store and bob's are repaired, whatever else there is; what was warned of."""
    answer = scene.machine.fix(*arguments)
    for directory in (scene.machine.ba, scene.bobs):
        assert answer.store(directory)["outcome"] == "changed", answer.store(directory)["problem"]
    return str(answer.report["warnings"])


def test_a_profile_that_takes_all_memory_costs_nobody_his_repair(scene: Scene, mallory: User) -> None:
    owned(mallory, mallory.home / "sqllib/userprofile", BOMB)
    assert told(budgets.VALUE, require_repaired(scene))


def test_a_users_millions_of_stanzas_cost_nobody_his_repair(scene: Scene, mallory: User) -> None:
    text = "se a\ntcps 127.0.0.1\ntcpp 1\n"
    owned(mallory, mallory.home / "tsm/dsm.sys", text * (budgets.OPTION_FILE.cap // len(text)))
    owned(mallory, mallory.home / "big/dsm.sys", "se a\n" * (budgets.OPTION_FILE.cap // 5 + 1))
    give(mallory, mallory.home)
    with (
        client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"),
        client_of(scene, mallory, DSM_DIR="/home/mallory/big"),
    ):
        warnings = require_repaired(scene)
    assert f"tsm/dsm.sys: {budgets.STANZAS_OF_A_USER.exceeded()}" in warnings
    assert f"big/dsm.sys is not read: larger than {budgets.OPTION_FILE.cap} bytes" in warnings


def test_a_user_who_names_hundreds_of_option_files_is_heard_as_far_as_the_budget(
    scene: Scene, mallory: User
) -> None:
    files = [f"-optfile=/home/mallory/{n}.opt" for n in range(300)]
    with client_of(scene, mallory, *files):
        warnings = require_repaired(scene)
    assert told(budgets.CLUES_OF_A_USER, warnings)
    assert f"/{budgets.CLUES_OF_A_USER.cap - 1}.opt" in warnings
    assert f"/{budgets.CLUES_OF_A_USER.cap}.opt" not in warnings
