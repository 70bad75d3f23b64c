"""Completion in the real shells: what Tab offers is what `--help` lists."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.shown import not_shown
from tests.unixpack.test_pages import COMMANDS, PROGRAM, options_of_help

from dsmpack.pages import Texts

FIRST = {name for name in COMMANDS if " " not in name}
OWN = {name.partition(" ")[2] for name in COMMANDS if name.startswith("server ")}
LIMIT_S = 300.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TERM": "dumb"}


def _said(argv: list[str], home: Path) -> str:
    return subprocess.run(
        argv,
        env={**ENVIRONMENT, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    ).stdout


def _require(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        not_shown(f"there is no {shell}")
    return found


@pytest.fixture
def bash(texts: Texts, tmp_path: Path) -> Path:
    """A script that prints what Tab offers after its arguments, the last of which is the word begun."""
    script = tmp_path / "offered"
    end = 'COMP_WORDS=(dsmcertfix "$@"); COMP_CWORD=$#; _dsmcertfix; printf "%s\\n" "${COMPREPLY[@]}"\n'
    # compopt works only while readline completes.
    script.write_text(f"{texts.bash}\ncompopt() {{ :; }}\n{end}", encoding="utf-8")
    return script


def _bash(script: Path, *words: str) -> set[str]:
    return set(_said([_require("bash"), str(script), *words], script.parent).split())


@pytest.mark.parametrize("command", [PROGRAM, *COMMANDS])
def test_bash_offers_the_options_of_the_help(command: str, bash: Path) -> None:
    assert _bash(bash, *command.split(), "-") == options_of_help(command)


def test_bash_offers_commands_choices_and_directories(bash: Path, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    assert {word for word in _bash(bash, "") if word[0] != "-"} == FIRST
    assert {word for word in _bash(bash, "server", "") if word[0] != "-"} == OWN
    assert _bash(bash, "server", "inspect", "--js") == {"--json"}
    assert _bash(bash, "--root", "/", "pro") == {"probe"}
    assert _bash(bash, "--root", "=", "/", "pro") == {"probe"}
    assert _bash(bash, "fix", "--engine", "") == {"auto", "gskit", "native"}
    assert _bash(bash, "fix", "--engine", "=", "na") == {"native"}
    assert _bash(bash, "fix", "--engine", "=") == {"auto", "gskit", "native"}
    assert _bash(bash, "fix", "--store", str(tmp_path / "pl")) == {str(tmp_path / "place")}
    assert _bash(bash, "fix", "--server", "") == set()


@pytest.mark.parametrize("command", [PROGRAM, *COMMANDS])
def test_fish_offers_the_options_of_the_help(command: str, texts: Texts, tmp_path: Path) -> None:
    fish = _require("fish")
    script = tmp_path / "dsmcertfix.fish"
    script.write_text(texts.fish, encoding="utf-8")
    asked = f"source {script}; complete -C 'dsmcertfix {command} -'; complete -C 'dsmcertfix {command} --'"
    offered = {
        line.split("\t")[0] for line in _said([fish, "--no-config", "-c", asked], tmp_path).splitlines()
    }
    assert offered == options_of_help(command)


def test_fish_offers_commands_and_choices(texts: Texts, tmp_path: Path) -> None:
    fish = _require("fish")
    script = tmp_path / "dsmcertfix.fish"
    script.write_text(texts.fish, encoding="utf-8")

    def offered(line: str) -> set[str]:
        said = _said([fish, "--no-config", "-c", f"source {script}; complete -C '{line}'"], tmp_path)
        return {found.split("\t")[0] for found in said.splitlines()}

    assert offered("dsmcertfix ") == FIRST
    assert offered("dsmcertfix server ") == OWN
    assert offered("dsmcertfix fix --engine ") == {"auto", "gskit", "native"}
    assert offered("dsmcertfix fix --server ") == set()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two runs, and what is none; and a client's dsm.sys."""
    for name in (*IDS, "lock", "2-no-run"):
        (tmp_path / ".local/state/dsmcertfix/runs" / name).mkdir(parents=True)
    lines = (
        "SErvername  TSM01",
        "\tSERVERNAME TSM_02\t",
        "* SErvername NONE",
        "TCPServeraddress host",
        "se $(id)",
    )
    (tmp_path / "dsm.sys").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


IDS = {"20261114T101500Z-0a1b2c", "20261115T101500Z-ffffff"}
STANZAS = {"TSM01", "TSM_02"}
LABELS = {f"TSM server {stanza} self-signed key" for stanza in STANZAS}


def test_bash_offers_runs_stanzas_and_labels(bash: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "DSM_DIR", str(home))
    for words in (
        ("rollback", ""),
        ("history", "2"),
        ("verify", ""),
        ("prune", "2026"),
        ("recover", "--give-up", ""),
    ):
        assert {word for word in _bash(bash, *words) if word[0] != "-"} == IDS, words
    assert _bash(bash, "rollback", "20261115") == {"20261115T101500Z-ffffff"}
    for command in ("detect", "plan", "fix", "trust"):
        assert _bash(bash, command, "--server", "") == STANZAS
    assert _bash(bash, "fix", "--server", "TSM_") == {"TSM_02"}
    assert _bash(bash, "admin-macro", "--server", "") == set()
    for begun in ("", "TSM\\ server\\ TSM", '"TSM server ', "'T"):
        quoted = begun[:1] in ('"', "'") and begun != ""
        said = _said([_require("bash"), str(bash), "fix", "--label", begun], bash.parent)
        labels = {label if quoted else label.replace(" ", "\\ ") for label in LABELS}
        assert {*said.splitlines()} == labels, begun
    assert _bash(bash, "server", "macro", "certificate", "--label", "") == set()


def test_fish_offers_runs_stanzas_and_labels(
    texts: Texts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "DSM_DIR", str(home))
    fish = _require("fish")
    script = home / "dsmcertfix.fish"
    script.write_text(texts.fish, encoding="utf-8")

    def offered(line: str) -> set[str]:
        said = _said([fish, "--no-config", "-c", f"source {script}; complete -C '{line}'"], home)
        return {found.split("\t")[0] for found in said.splitlines()}

    assert offered("dsmcertfix rollback ") == IDS
    assert offered("dsmcertfix recover --give-up ") == IDS
    assert offered("dsmcertfix fix --server ") == STANZAS
    assert offered("dsmcertfix detect --label ") == LABELS


def test_zsh_offers_runs_stanzas_and_labels(
    texts: Texts, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "DSM_DIR", str(home))
    with _zsh(texts, home) as terminal:
        terminal.type("dsmcertfix rollback 20261114\t\n")
        terminal.wait_for("<rollback|20261114T101500Z-0a1b2c>")
        terminal.type("dsmcertfix fix --server TSM_\t\n")
        terminal.wait_for("<fix|--server|TSM_02>")
        terminal.type("dsmcertfix fix --label TSM\\ server\\ TSM_\t\n")
        terminal.wait_for("<fix|--label|TSM server TSM_02 self-signed key>")


class Terminal:
    """A zsh at a terminal, typed at by a test."""

    def __init__(self, descriptor: int):
        self._descriptor = descriptor
        self.seen = ""

    def type(self, text: str) -> None:
        """The text was typed."""
        os.write(self._descriptor, text.encode())

    def wait_for(self, text: str) -> None:
        """The text is on the screen. Fails when it is not within some minutes."""
        end = time.monotonic() + LIMIT_S
        while text not in self.seen:
            assert time.monotonic() < end, self.seen
            if select.select([self._descriptor], [], [], 0.1)[0]:
                self.seen += os.read(self._descriptor, 65536).decode("utf-8", "replace")


@contextmanager
def _zsh(texts: Texts, directory: Path) -> Iterator[Terminal]:
    """zsh with our completion, and a program of that name that shows its arguments."""
    shell = _require("zsh")
    (directory / "_dsmcertfix").write_text(texts.zsh, encoding="utf-8")
    process, descriptor = pty.fork()
    if process == 0:
        os.execve(shell, [shell, "-f", "-i"], {**ENVIRONMENT, "HOME": str(directory)})
    terminal = Terminal(descriptor)
    try:
        terminal.type(
            f"PS1=; unsetopt zle_bracketed_paste; fpath=({directory} $fpath); autoload -Uz compinit; "
            f"compinit -u -D; dsmcertfix() {{ print -r -- \"<${{(j:|:)@}}>\" }}; print READ''Y\n"
        )
        terminal.wait_for("READY")
        yield terminal
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(descriptor)


def test_zsh_completes_commands_options_and_choices(texts: Texts, tmp_path: Path) -> None:
    with _zsh(texts, tmp_path) as terminal:
        terminal.type("dsmcertfix det\t\n")
        terminal.wait_for("<detect>")
        terminal.type("dsmcertfix fix --eng\tna\t\n")
        terminal.wait_for("<fix|--engine=native>")
        terminal.type("dsmcertfix --root / fix --keep\t\n")
        terminal.wait_for("<--root|/|fix|--keep-index>")
        terminal.type("dsmcertfix serv\tinsp\t--js\t\n")
        terminal.wait_for("<server|inspect|--json>")
        terminal.type("dsmcertfix --stat\t/ prune --ke\t3\n")
        terminal.wait_for("<--state-dir=/|prune|--keep=3>")


@pytest.mark.parametrize("command", [PROGRAM, *COMMANDS])
def test_zsh_knows_the_options_of_the_help(command: str, texts: Texts) -> None:
    part = texts.zsh.partition("_arguments -C")[2] if not command else texts.zsh
    for word in command.split():
        part = re.split(rf"\n +{word}\) _arguments", part, maxsplit=1)[1]
    part = re.split(r"'1: :->command'|;;", part)[0]
    listed = [line.strip() for line in part.splitlines() if line.strip().startswith("'")]
    found = {
        line.partition("[")[0].split(")")[-1].strip("'*=")
        for line in listed
        if not line.strip("'*").startswith(":")
    }
    assert found == options_of_help(command)
