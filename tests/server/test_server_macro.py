"""`server macro`: the macro alone on standard output, or in a file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.answers import Answer, checked


def run(directory: Path, *words: str | Path) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "dsmcertfix", "--state-dir", directory / "state", "server", "macro", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, {})


def test_what_is_printed_is_what_dsmadmc_reads(tmp_path: Path) -> None:
    answer = run(tmp_path, "transitional", "--node", "WS01", "--admin", "ADM", "--peer", "TSM02")
    assert (answer.code, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert [line for line in lines if not line.startswith("/*")] == [
        'UPDATE NODE "WS01" SESSIONSECURITY=TRANSITIONAL',
        "COMMIT",
        'UPDATE ADMIN "ADM" SESSIONSECURITY=TRANSITIONAL',
        "COMMIT",
        'UPDATE SERVER "TSM02" SESSIONSECURITY=TRANSITIONAL',
        "COMMIT",
    ]


def test_lists_add_to_the_names_and_nobody_is_named_twice(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes("\ufeffWS01\r\nWS02\r\nadmin ADM\r\n".encode())
    second.write_text("WS02\nWS03\n")
    answer = checked(run(tmp_path, "strict", "--node", "WS01", "--from", first, "--from", second, "--json"))
    macro = answer.report["macro"]
    assert [name for name in ("WS01", "WS02", "WS03", "ADM") if macro.count(f'"{name}"') == 1] == [
        "WS01",
        "WS02",
        "WS03",
        "ADM",
    ]
    assert answer.report["comment"] == "a macro for 3 nodes, 1 administrator"


def test_a_file_has_the_same(tmp_path: Path) -> None:
    file = tmp_path / "peers.mac"
    answer = run(tmp_path, "forcesync", "--peer", "TSM02", "--output", file)
    assert (answer.code, answer.stdout) == (0, "")
    assert file.read_text() == run(tmp_path, "forcesync", "--peer", "TSM02").stdout


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("transitional",), 2, "macro-without-names"),
        (("transitional", "--node", "A*"), 2, "not-a-server-s-name"),
        (("certificate",), 2, "macro-without-label"),
        (("strict", "--from", "/nonexistent"), 10, "input-not-found"),
    ],
)
def test_nothing_is_printed_for_what_cannot_be_made(
    tmp_path: Path, words: tuple[str, ...], code: int, problem: str
) -> None:
    answer = run(tmp_path, *words)
    assert (answer.code, answer.stdout) == (code, "")
    assert f"[{problem}]" in answer.stderr and "hint: " in answer.stderr


def test_a_kind_that_there_is_not_is_a_wrong_command_line(tmp_path: Path) -> None:
    answer = run(tmp_path, "relaxed")
    assert answer.code == 2 and "transitional" in answer.stderr


def test_no_directory_is_made_for_it(tmp_path: Path) -> None:
    assert run(tmp_path, "certificate", "--label", "TSM2027").code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [("certificate", "--node", "a"), ("transitional", "--node", "a", "--label", "X")], ids=str
)
def test_an_option_that_would_be_left_out_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    words = (*words, "--label", "X") if words[0] == "certificate" else words
    answer = run(tmp_path, *words)
    assert (answer.code, answer.stdout) == (2, "")
    assert "[option-not-for-this-macro]" in answer.stderr


def test_nobody_is_sent_to_an_option_that_there_is_not(tmp_path: Path) -> None:
    (hint,) = (line for line in run(tmp_path, "strict").stderr.splitlines() if line.startswith("hint:"))
    options = set(re.findall(r"`(--[a-z-]+)`", hint))
    assert options and options <= set(re.findall(r"--[a-z-]+", run(tmp_path, "--help").stdout))


# --- from the server's own list, with a way back

LISTING = "WEB1,Strict,web1\nDB1,Transitional,db1\nAPP1,Strict,app1\n"


def test_only_nodes_of_another_value_are_changed_and_a_way_back_lies_beside(tmp_path: Path) -> None:
    listing, output = tmp_path / "nodes.csv", tmp_path / "open.mac"
    listing.write_bytes(LISTING.encode("utf-16"))
    answer = run(tmp_path, "transitional", "--nodes", listing, "--output", output)
    assert (answer.code, answer.stdout) == (0, "")
    assert re.findall(r"^UPDATE .*$", output.read_text(), re.MULTILINE) == [
        'UPDATE NODE "WEB1" SESSIONSECURITY=TRANSITIONAL',
        'UPDATE NODE "APP1" SESSIONSECURITY=TRANSITIONAL',
    ]
    assert re.findall(r"^UPDATE .*$", (tmp_path / "open.undo.mac").read_text(), re.MULTILINE) == [
        'UPDATE NODE "WEB1" SESSIONSECURITY=STRICT',
        'UPDATE NODE "APP1" SESSIONSECURITY=STRICT',
    ]


def test_the_played_server_is_as_it_was_after_both_macros(tmp_path: Path) -> None:
    from dsmbench.state import ServerState

    nodes = {"WEB1": "STRICT", "DB1": "TRANSITIONAL", "APP1": "STRICT", "REST": "STRICT"}
    state = ServerState.create(tmp_path / "servers" / "TSM01", nodes, None)  # type: ignore[arg-type]

    def admin(macro: Path) -> str:
        words = (
            "-m",
            "dsmbench.dsmadmc",
            "--state",
            tmp_path / "servers",
            "--server",
            "TSM01",
            "macro",
            macro,
        )
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    def values() -> dict[str, str]:
        return {name: node.session_security for name, node in state.nodes.items()}

    asking, listing, names = (tmp_path / name for name in ("nodes.mac", "nodes.csv", "names.txt"))
    assert run(tmp_path, "nodes", "--output", asking).code == 0
    listing.write_text(admin(asking))
    names.write_text("WEB1\nDB1\n")
    words = ("transitional", "--nodes", listing, "--from", names, "--output", tmp_path / "open.mac")
    assert run(tmp_path, *words).code == 0
    admin(tmp_path / "open.mac")
    assert values() == {**nodes, "WEB1": "TRANSITIONAL"}
    admin(tmp_path / "open.undo.mac")
    assert values() == nodes


def test_a_way_back_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    listing = tmp_path / "nodes.csv"
    listing.write_text(LISTING)
    (tmp_path / "open.undo.mac").write_text("what was")
    answer = run(tmp_path, "transitional", "--nodes", listing, "--output", tmp_path / "open.mac")
    assert answer.code == 12 and "[way-back-exists]" in answer.stderr
    assert (tmp_path / "open.undo.mac").read_text() == "what was" and not (tmp_path / "open.mac").exists()


def test_the_json_has_both_macros(tmp_path: Path) -> None:
    listing = tmp_path / "nodes.csv"
    listing.write_text(LISTING)
    answer = checked(run(tmp_path, "strict", "--nodes", listing, "--json"))
    assert 'UPDATE NODE "DB1" SESSIONSECURITY=STRICT' in answer.report["macro"]
    assert 'UPDATE NODE "DB1" SESSIONSECURITY=TRANSITIONAL' in answer.report["undo"]
    assert answer.report["macro"].count("UPDATE") == answer.report["undo"].count("UPDATE") == 1


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("transitional", "--nodes", "{}"), 2, "no-way-back"),
        (("transitional", "--nodes", "{}", "--node", "NOBODY", "--json"), 2, "node-not-at-the-server"),
        (("transitional", "--nodes", "{}", "--node", "DB1", "--json"), 10, "nodes-as-wanted"),
        (("transitional", "--nodes", "{}", "--admin", "ADM", "--json"), 2, "option-not-for-this-macro"),
        (("transitional", "--nodes", "{}", "--label", "X", "--json"), 2, "option-not-for-this-macro"),
        (("forcesync", "--nodes", "{}", "--peer", "TSM02", "--json"), 2, "option-not-for-this-macro"),
        (("nodes", "--node", "WEB1", "--json"), 2, "option-not-for-this-macro"),
        (("transitional", "--nodes", "/nonexistent", "--json"), 10, "input-not-found"),
    ],
)
def test_what_has_no_way_back_is_not_made(
    tmp_path: Path, words: tuple[str, ...], code: int, problem: str
) -> None:
    listing = tmp_path / "nodes.csv"
    listing.write_text(LISTING)
    answer = run(tmp_path, *(word.format(listing) for word in words))
    assert (answer.code, list(tmp_path.iterdir())) == (code, [listing])
    assert problem in answer.stdout + answer.stderr
