"""dsmcertfix's own command line, run in this process: elsewhere the start of Python is the longest part."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.answers import Answer, checked

from dsmcertfix.cli import main
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.system.win32 import files, security

STATE = Path(r"C:\ProgramData\dsmcertfix")
NAMES = ("dsmcert.kdb", "dsmcert.sth", "dsmcert.idx", "dsmcert.rdb", "dsmcert.crl")


def text(*arguments: object) -> Answer:
    """The command's text."""
    stdout, stderr, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["dsmcertfix", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.argv = before
    return Answer(code, stdout.getvalue(), stderr.getvalue(), {})


def run(*arguments: object) -> Answer:
    """The command's JSON."""
    return checked(text(*arguments, "--json"))


def fix(*arguments: object) -> Answer:
    """`fix --yes` with these options."""
    return run("fix", "--yes", "--trust-on-first-use", *arguments)


@contextlib.contextmanager
def no_state() -> Iterator[Path]:
    """The machine's state directory is not there, and is not there afterwards either."""
    assert not STATE.exists(), f"{STATE} is there, and no test made it"
    try:
        yield STATE
    finally:
        shutil.rmtree(STATE, ignore_errors=True)


def seen(directory: Path) -> dict[str, tuple[bytes, int, str, int]]:
    """Content, attributes, owner with DACL, and time of everything that the directory holds of a store."""
    return {
        path.name: _seen(path)
        for path in sorted(directory.iterdir())
        if path.name.startswith("dsmcert") and path.suffix != ".exe"
    }


def _seen(path: Path) -> tuple[bytes, int, str, int]:
    access = files.READ_ATTRIBUTES | files.READ_CONTROL
    with files.holding(str(path), access) as handle:
        found = files.information(handle)
        attributes = found.attributes & ~(files.ARCHIVE | files.NORMAL)
        sddl = security.sddl_of(handle)
    return Path(files.extended(str(path))).read_bytes(), attributes, sddl, found.written_ns


def slots(directory: Path) -> dict[str, bytes]:
    """Label to the raw slot in the key database."""
    content = Path(files.extended(str(directory / "dsmcert.kdb"))).read_bytes()
    return {record.label: record.slot for record in kdb.read(content).records if not record.deleted}


def open_to_all(path: Path) -> None:
    """Everyone may do everything with it."""
    access = files.READ_CONTROL | files.WRITE_DAC | files.WRITE_OWNER
    with files.holding(str(path), access) as handle:
        owner = security.descriptor_of(handle).owner
        security.set_security(handle, f"O:{owner}D:(A;OICI;FA;;;{owner})(A;OICI;FA;;;WD)")
