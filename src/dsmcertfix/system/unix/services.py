"""Finds the service definitions and profiles that start the client, and reads their clues."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dsmcertfix.system.base import Clue
from dsmcertfix.system.unix import clues as unix_clues
from dsmcertfix.system.unix.subsystems import Subsystem

TextReader = Callable[[Path], str | None]
"""The text of a small regular file, None when there is none that may be read."""


def from_units(
    directories: Iterable[Path], text_of: TextReader, below: Callable[[str], Path]
) -> Iterator[Clue]:
    """The clues of every systemd unit that starts the client, with its drop-ins and environment files.

    The same unit in several directories counts as one, whichever of them systemd would take.
    """
    for name, paths in units_in(directories):
        texts = [text for path in paths if (text := text_of(path)) is not None]
        if any(map(unix_clues.names_client, texts)):
            settings = [pair for text in texts for pair in unix_clues.unit_settings(text)]
            named = {value.lstrip("-") for key, value in settings if key == "EnvironmentFile"}
            environment = {path: text_of(below(path)) or "" for path in named}
            yield from unix_clues.from_unit(settings, f"systemd unit {name}", environment)


def units_in(directories: Iterable[Path]) -> Iterator[tuple[str, list[Path]]]:
    """Every unit of a service in these directories: its name, and its files with its drop-ins."""
    files: dict[str, list[Path]] = defaultdict(list)
    for directory in directories:
        for path in _entries(directory):
            if path.name.endswith(".service"):
                files[path.name].append(path)
            elif path.name.endswith(".service.d"):
                files[path.name[:-2]] += [item for item in _entries(path) if item.suffix == ".conf"]
    yield from files.items()


def from_scripts(paths: Iterable[Path], text_of: TextReader) -> Iterator[Clue]:
    """The clues of every script that starts the client."""
    for path in paths:
        text = text_of(path)
        if text is not None and unix_clues.names_client(text):
            yield from unix_clues.from_script(text, f"script {path}", None)


def from_subsystem(one: Subsystem, user: str | None) -> Iterator[Clue]:
    """The clues of a subsystem of AIX's System Resource Controller that starts the client."""
    if unix_clues.names_client(one.command):
        for value in unix_clues.option_files(one.command):
            yield Clue("optfile", value, f"SRC subsystem {one.name}", user)


def scripts_named(inittab: str) -> Iterator[str]:
    """The scripts below /etc, and the rc scripts elsewhere, that an inittab starts; comments have no name."""
    for line in unix_clues.without_comments(inittab).splitlines():
        name, *_, command = line.split(":", 3) if line.count(":") >= 3 else ("", "")
        program = command.split()[0] if name and command.split() else ""
        if program.startswith("/etc/") or os.path.basename(program).startswith("rc."):
            yield program


def scripts_in(directory: Path, prefix: str = "") -> list[Path]:
    """What a directory has, in order, as far as its name begins so; nothing where there is no directory."""
    return [path for path in _entries(directory) if path.name.startswith(prefix)]


def from_launchd(directory: Path, text_of: TextReader) -> Iterator[Clue]:
    """The clues of every launchd list in a directory that starts the client."""
    for path in _entries(directory):
        text = text_of(path) if path.suffix == ".plist" else None
        if text is not None:
            data = text.encode("utf-8", "surrogateescape")
            yield from unix_clues.from_launchd(data, f"launchd list {path}")


DB2_FILES = ("userprofile", "tsmdbmgr.opt")
"""What `from_db2_profile` reads of a Db2 instance's sqllib directory."""


def from_db2_profile(sqllib: Path, user: str, text_of: TextReader) -> Iterator[Clue]:
    """The clues of a Db2 instance that is backed up through the API.

    A Spectrum Protect server's own instance is one; its tsmdbmgr.opt may lie beside its profile.
    """
    profile = text_of(sqllib / "userprofile")
    if profile is not None:
        yield from unix_clues.from_script(profile, f"Db2 profile {sqllib / 'userprofile'}", user)
    option_file = sqllib / "tsmdbmgr.opt"
    if text_of(option_file) is not None:
        yield Clue("DSMI_CONFIG", str(option_file), f"Db2 instance of {user}", user)


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory / name for name in os.listdir(directory))
    except OSError:
        return []
