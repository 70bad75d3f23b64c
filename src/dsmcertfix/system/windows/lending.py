"""Windows: copies of key databases, for a child that may not open the files themselves.

A child has only the rights of every user, and IBM's library takes nothing but a path.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from dsmcertfix.system.base import SIZE_LIMIT, Places
from dsmcertfix.system.win32 import files, machine, security

_ENDINGS = (".kdb", ".sth")


@contextlib.contextmanager
def lent(places: Places, databases: tuple[Path, ...]) -> Iterator[tuple[Path, ...]]:
    """Where copies of these key databases are, each beside its stash file, as long as the block lasts.

    They are SYSTEM's and administrators', and we may read them. Raises OSError.
    """
    top = _temporary() / f"dsmcertfix-{secrets.token_hex(8)}"
    _make(top)
    try:
        yield tuple(_copy(places, database, top / str(number)) for number, database in enumerate(databases))
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _temporary() -> Path:
    """Where nobody but us and the system can exchange a directory that we make."""
    local = None if security.is_administrator() else machine.folder("LocalAppData")
    return Path(local or machine.windows_directory(), "Temp")


def _copy(places: Places, database: Path, directory: Path) -> Path:
    _make(directory)
    for ending in _ENDINGS:
        # Without one of the two, IBM's library says so itself.
        with contextlib.suppress(FileNotFoundError):
            content = places.read(database.with_suffix(ending), SIZE_LIMIT).data
            (directory / f"store{ending}").write_bytes(content)
    return directory / "store.kdb"


def _make(directory: Path) -> None:
    own = security.own_sid()
    closed = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
    ours = (
        f"O:BA{closed}(A;OICI;FRFX;;;{own})"
        if security.is_administrator()
        else f"{closed}(A;OICI;FA;;;{own})"
    )
    with security.descriptor(ours) as made:
        files.make_directory(str(directory), made)
