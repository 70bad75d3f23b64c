"""What environments, service definitions and running clients say about where the client's files are.

Text in, clues out: systemd units, init scripts, shell profiles, inittab and launchd lists. Only files are
read, by a function that is handed in; no script is run and no shell is asked.
"""

from __future__ import annotations

import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.errors import NotFound
from dsmcertfix.system.base import Clue
from dsmcertfix.system.ibm_environment import from_environment

if TYPE_CHECKING:
    import psutil

CLIENT_PROGRAMS = frozenset(
    (
        *("dsmc", "dsmcad", "dsmadmc", "dsmj", "dsmagent", "dsmtrace", "dsmswitch"),
        *("dsmrecalld", "dsmmonitord", "dsmscoutd", "dsmrootd", "dsmwatchd", "dsmmigfs"),
    )
)
"""The client's and the space management client's programs; the kernel may cut a name after 15 characters."""

_CLIENT = re.compile(r"\bdsmcad|\bdsmc[\"']?\s+sched", re.IGNORECASE)
# Texts: `re` compiles each where it is first used.
_OPTFILE = r"""(?i)-optf[a-z]{0,3}=("[^"\n]*"|'[^'\n]*'|[^\s"']+)"""
_OPTFILE_WORD = r"(?is)-optf[a-z]{0,3}=(.+)\Z"
_VALUE = r"""("[^"\n]*"|'[^'\n]*'|[^\s;"']*)"""
_ASSIGNMENT = r"(?<![\w$.-])([A-Za-z_]\w*)=" + _VALUE + r"|\bsetenv[ \t]+(\w+)[ \t]+" + _VALUE
_LONGEST_SHELL_LINE = 4096
_FIRST_WORDS = 8
"""So many words of a command say which program it starts, be it by a shell."""


def names_client(text: str) -> bool:
    """Whether a service definition starts the client acceptor or the scheduler."""
    return _CLIENT.search(text) is not None


def option_files(text: str) -> Iterator[str]:
    """The values of every `-optfile=`, the whole argument quoted (`"-optfile=/a b"`) or only its value."""
    for line in text.splitlines():
        if "-optf" not in line.lower():
            continue
        words = _words(line) if len(line) <= _LONGEST_SHELL_LINE else []
        found = [match[1] for word in words if (match := re.match(_OPTFILE_WORD, word))]
        # A command within quotes (su -c "...") is one word.
        yield from found or (match[1].strip("\"'") for match in re.finditer(_OPTFILE, line))


class ShellVariables(NamedTuple):
    """The variables that a shell file sets to plain values, and which budgets it exceeds."""

    values: dict[str, str]
    exceeded: tuple[budgets.Budget, ...] = ()


def shell_variables(text: str) -> ShellVariables:
    """The variables of a shell file, earlier ones put in; what has no plain value is left out.

    `NAME=value`, `export NAME=value` and `setenv NAME value`, as in profiles, init scripts and the files that
    EnvironmentFile= names. What is over a budget is left out, too.
    """
    values: dict[str, str] = {}
    exceeded: dict[budgets.Budget, None] = {}
    expansions = 0
    for match in re.finditer(_ASSIGNMENT, without_comments(text)):
        name, written = match[1] or match[3], match[2] or match[4] or ""
        value = written.strip("\"'")
        if len(value) > budgets.VALUE.cap:
            exceeded[budgets.VALUE] = None
            continue
        if "$" in value and not written.startswith("'"):
            expansions += value.count("$")
            if expansions > budgets.EXPANSIONS.cap:
                exceeded[budgets.EXPANSIONS] = None
                continue
            value = Template(value).safe_substitute(values)
        if not value or re.search(r"[$`]", value):
            continue
        over = _over(name, value, values)
        if over is not None:
            exceeded[over] = None
        else:
            values[name] = value
    return ShellVariables(values, tuple(exceeded))


def _over(name: str, value: str, values: Mapping[str, str]) -> budgets.Budget | None:
    """The budget that the variable would exceed, None where it has room."""
    if len(value) > budgets.VALUE.cap:
        return budgets.VALUE
    is_full = name not in values and len(values) >= budgets.VARIABLES.cap
    return budgets.VARIABLES if is_full else None


def assignments(text: str) -> dict[str, str]:
    """The values of `shell_variables`."""
    return shell_variables(text).values


def from_script(text: str, because: str, user: str | None) -> Iterator[Clue]:
    """The clues in an init script, a shell profile or an inittab."""
    yield from _from_variables(text, because, user)
    for value in option_files(without_comments(text)):
        if "$" not in value and "`" not in value:
            yield Clue("optfile", value, because, user)


def _from_variables(text: str, because: str, user: str | None) -> Iterator[Clue]:
    found = shell_variables(text)
    yield from from_environment(found.values, because, user)
    for budget in found.exceeded:
        yield Clue("left-out", budget.exceeded(), because, user)


def without_comments(text: str) -> str:
    """The text without its comments; a line of an inittab of AIX that begins with a colon is one."""
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", ":")))


def told(data: object) -> Iterator[tuple[str, str, str]]:
    """Setting, value and reason of each clue, as far as what a child told of clues has that form."""
    for item in data if isinstance(data, list) else ():
        if isinstance(item, list) and list(map(type, item)) == [str, str, str]:
            setting, value, because = item
            yield setting, value, because


def unit_settings(text: str) -> list[tuple[str, str]]:
    """The `Name=value` lines of a systemd unit or drop-in, continued lines joined, comments left out."""
    settings: list[tuple[str, str]] = []
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        name, sign, value = line.strip().partition("=")
        if sign and name[:1] not in ("#", ";"):
            settings.append((name.strip(), value.strip()))
    return settings


def from_unit(
    settings: Iterable[tuple[str, str]], because: str, environment_file: Mapping[str, str]
) -> Iterator[Clue]:
    """The clues in the settings of one unit with its drop-ins.

    `environment_file` maps the path in each EnvironmentFile= to that file's text.
    """
    settings, texts = list(settings), dict(environment_file)
    user = next((value for name, value in reversed(settings) if name == "User" and value), None)
    for name, value in settings:
        if name == "Environment" and len(value) > budgets.VALUE.cap:
            # Taking a long word apart is not linear in its length.
            yield Clue("left-out", budgets.VALUE.exceeded(), because, user)
        elif name == "Environment":
            pairs = (word.partition("=") for word in _words(value))
            yield from from_environment({key: text for key, _, text in pairs}, because, user)
        elif name == "EnvironmentFile":
            # Each once, however often the unit names it.
            text = texts.pop(value.lstrip("-"), "")
            yield from _from_variables(text, because, user)
        elif name.startswith("Exec"):
            for path in option_files(value):
                yield Clue("optfile", path, because, user)


def from_launchd(data: bytes, because: str) -> Iterator[Clue]:
    """The clues in a launchd property list that starts the client."""
    import plistlib

    try:
        content = plistlib.loads(data)
    except Exception:  # a damaged list raises whatever its parser meets
        return
    if not isinstance(content, dict):
        return
    # A list in a list may stand for more text than any memory holds, in a file of 200 bytes.
    words = [word for word in _as_list(content.get("ProgramArguments")) if isinstance(word, str)]
    named = [content.get("Program"), *words[:_FIRST_WORDS]]
    short = [word for word in named if isinstance(word, str) and len(word) <= budgets.VALUE.cap]
    if not names_client(" ".join(short)):
        return
    user = content.get("UserName")
    owner = user if isinstance(user, str) else None
    environment = content.get("EnvironmentVariables")
    if isinstance(environment, dict):
        values = {key: value for key, value in environment.items() if isinstance(value, str)}
        yield from from_environment(values, because, owner)
    for word in words:
        if match := re.match(_OPTFILE_WORD, word):
            yield Clue("optfile", match[1], because, owner)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=False)
    except ValueError:
        return text.split()


def from_processes(root: Path) -> Iterator[Clue]:
    """The clues that running clients carry.

    With another root only programs and scripts below it count, and what they name below it is taken as
    written on that machine. A process whose own root is elsewhere (a container) is not this machine's.
    """
    suspects = _possible_clients()
    if suspects is not None and not suspects:
        return
    from dsmcertfix.system import processes

    psutil = processes.library()
    had: Counter[int] = Counter()
    for number in suspects if suspects is not None else _all_processes():
        try:
            process = psutil.Process(number)
            if suspects is None and not _names_client(process.cmdline()):
                continue
            # A program that runs as root by its own right (setuid) has the name and environment its user
            # gave it.
            word_of = next((uid for uid in process.uids() if uid != 0), None)
            if word_of is not None:
                had[word_of] += 1
            if word_of is None or had[word_of] <= budgets.CLIENTS_OF_A_USER.cap:
                yield from _from_process(process, root, word_of)
            else:
                yield Clue("left-out", budgets.CLIENTS_OF_A_USER.exceeded(), f"uid {word_of}")
        except (psutil.Error, OSError):
            # It ended, or it is somebody else's and we are not root.
            continue


def _possible_clients() -> list[int] | None:
    """The processes with a client program's name in their command line; None where no files tell.

    At most moments there is none, and psutil, which takes longer to load than the rest of `locate` to run,
    need not be loaded.
    """
    if not os.path.exists("/proc/self/cmdline"):
        return None
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb", buffering=0) as file:
                    said = file.read(budgets.COMMAND.cap).decode("utf-8", "replace")
                if _names_client(said.replace("\0", " ").split(" ")):
                    found.append(int(name))
            except OSError:
                # It ended, or it is not ours to look at.
                continue
    return found


def _all_processes() -> list[int]:
    """Every process; none where the system tells of none."""
    from dsmcertfix.system.holders import process_ids

    try:
        return process_ids()
    except NotFound:
        return []


def _names_client(words: Iterable[str]) -> bool:
    return not CLIENT_PROGRAMS.isdisjoint(word.rpartition("/")[2] for word in words)


def _too_long(number: int, name: str) -> bytes | None:
    """The beginning of that file of the process where it is over its budget; None where it is not."""
    try:
        with open(f"/proc/{number}/{name}", "rb", buffering=0) as file:
            start = file.read(budgets.COMMAND.cap + 1)
    except OSError:
        # Where there are no such files (AIX, macOS), the system has limits of that size.
        return None
    return start if len(start) > budgets.COMMAND.cap else None


def _from_process(process: psutil.Process, root: Path, word_of: int | None) -> Iterator[Clue]:
    cut = _too_long(process.pid, "cmdline")
    command = process.cmdline() if cut is None else os.fsdecode(cut).split("\0")
    program = _client_program(process, command, root)
    if program is None or (str(root) == "/" and not _shares_root(process.pid)):
        return
    because = f"running {program} (process {process.pid})"
    if cut is not None or _too_long(process.pid, "environ") is not None:
        yield Clue("left-out", budgets.COMMAND.exceeded(), because)
        return
    user = process.username()
    found = [
        Clue("optfile", match[1], because, user)
        for word in command
        if (match := re.match(_OPTFILE_WORD, word))
    ]
    found += from_environment(process.environ(), because, user)
    for clue in found:
        yield Clue(clue.setting, as_written(clue.value, root), because, user, word_of)


def _client_program(process: psutil.Process, command: list[str], root: Path) -> str | None:
    """The name of the client that runs: the process's program, or the script of an interpreter."""
    words = [word for place, word in enumerate(command[:2]) if place == 0 or word.startswith("/")]
    if not any(Path(word).name in CLIENT_PROGRAMS for word in words):
        return None
    if str(root) != "/":
        # In a changed root the command line does not say where the program lies, the kernel does.
        words = [word for word in (*words, process.exe()) if _is_below(word, root)]
    return next((Path(word).name for word in words if Path(word).name in CLIENT_PROGRAMS), None)


def _is_below(path: str, root: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _shares_root(pid: int) -> bool:
    try:
        theirs, ours = os.stat(f"/proc/{pid}/root"), os.stat("/")
    except OSError:
        # No such file system here (AIX, macOS), or no right to look.
        return True
    return (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino)


def as_written(path: str, root: Path) -> str:
    """A path that may be a real one below `root`, as it is written on that machine."""
    real = Path(path)
    return f"/{real.relative_to(root)}" if str(root) != "/" and real.is_relative_to(root) else path
