"""IBM's GSKit 8, the real library, as it comes with the `ibm_db` wheel.

Where its libraries lie, and `create`, `add`, `delete`, `certificates` and the batch `run`, which do their
work in a fresh process (gskit_library.py): one that is started with LD_LIBRARY_PATH, by which the libraries
find each other. A fresh process also because GSKit remembers a key database by its path: what another program
wrote meanwhile, it would not see.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

Version = Literal[3, 4, 6]
Operation = Mapping[str, Any]

WINDOWS = sys.platform == "win32"
LIBRARY_PATH = "PATH" if WINDOWS else "LD_LIBRARY_PATH"
TIMEOUT_S = 60.0


class GskitError(Exception):
    """GSKit refused: `name` is its own (GSKKM_ERR_...), `code` its number, `call` what was asked of it."""

    def __init__(self, call: str, code: int, name: str):
        super().__init__(f"{call}: {name} ({code})")
        self.call = call
        self.code = code
        self.name = name


_used: list[Path] = []


def use(directory: Path) -> None:
    """This process takes GSKit's libraries from there."""
    _used[:] = [directory]


def library_directory() -> Path:
    """Where GSKit's libraries lie: inside the wheel, unless told otherwise. `ibm_db` itself is not imported.

    Raises FileNotFoundError when the wheel is not installed.
    """
    from importlib.util import find_spec

    if _used:
        return _used[0]
    spec = find_spec("clidriver")
    below = Path("bin", "icc64") if WINDOWS else Path("lib", "icc")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (directory := Path(location) / below).is_dir():
            return directory
    raise FileNotFoundError("GSKit is not here: pip install ibm_db")


def environment() -> dict[str, str]:
    """What must be in the environment before a process that uses `gskit_library.Library` starts."""
    directory = str(library_directory())
    inherited = os.environ.get(LIBRARY_PATH)
    return {LIBRARY_PATH: f"{directory}{os.pathsep}{inherited}" if WINDOWS and inherited else directory}


def ready() -> bool:
    """Whether this process was started with `environment()`."""
    return str(library_directory()) in os.environ.get(LIBRARY_PATH, "").split(os.pathsep)


def create(path: Path, password: str, version: Version = 3, *, cas: bool = False) -> None:
    """A key database of that version stands at `path` with its stash, .rdb and .crl. See `Library.create`."""
    run([{"op": "create", "path": str(path), "password": password, "version": version, "cas": cas}])


def add(path: Path, label: str, der: bytes) -> None:
    """The certificate was added as trusted, with the stashed password. Raises GskitError."""
    run([adding(path, label, der)])


def delete(path: Path, label: str) -> None:
    """The entry was deleted, with the stashed password. Raises GskitError."""
    run([{"op": "delete", "path": str(path), "label": label}])


def certificates(path: Path) -> dict[str, bytes]:
    """What GSKit finds with the stashed password: label to DER, in its order. Raises GskitError."""
    (found,) = run([{"op": "certificates", "path": str(path)}])
    return {label: base64.b64decode(der) for label, der in found}


def adding(path: Path, label: str, der: bytes) -> Operation:
    """The operation "add" for `run`."""
    return {"op": "add", "path": str(path), "label": label, "der": base64.b64encode(der).decode()}


def run(operations: Sequence[Operation]) -> list[Any]:
    """Does several operations in one fresh process, in order, and returns their results.

    An operation is {"op": "create" | "add" | "add-secret" | "add-personal" | "set-default" | "delete" |
    "certificates" | "labels" | "entries" | "open",
    "path": ...} and the arguments of the method of that name, bytes in base64; "password" is optional but
    for "create". Raises GskitError at the first that fails: those before it are done.
    """
    import subprocess

    answer = subprocess.run(
        [*interpreter(), "-m", "dsmbench.gskit_library"],
        input=json.dumps(list(operations)).encode(),
        env={**os.environ, **environment()},
        stdout=subprocess.PIPE,
        timeout=TIMEOUT_S,
        check=True,
    )
    reply = json.loads(answer.stdout)
    if "error" in reply:
        raise GskitError(*reply["error"])
    results: list[Any] = reply["results"]
    return results


def write_program(path: Path, *, config: Path | None = None) -> None:
    """`path` is an executable that is `gsk8capicmd_64` to whoever calls it, whatever the environment.

    `config` names the bench's configuration file, whose "gsk8capicmd" key makes it misbehave.
    """
    from dsmbench import runtime

    option = () if config is None else ("--bench-config", config)
    runtime.write_program(path, "dsmbench.gsk8capicmd", *option)


def interpreter() -> list[str]:
    """This Python, deaf to the environment and the current directory."""
    return [sys.executable, "-I"]
