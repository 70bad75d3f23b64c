"""What an engine is: something that edits the private copy of a key database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.model import Certificate

if TYPE_CHECKING:
    from dsmcertfix.store.kdb import KeyDatabase


class Engine(Protocol):
    """Edits a key database in a private directory, with its stash file beside it. Never a live store.

    Whatever an engine raises, the private copy may be half-written and is thrown away by the caller.
    """

    @property
    def name(self) -> str:
        """The name by which a plan, a journal and `--engine` know it."""
        ...

    def delete(self, database: Path, certificate: Certificate) -> None:
        """`certificate` (label and fingerprint) is gone from the copy at `database`, and nothing else is.

        Raises StoreUnreadable, and EditFailed when there is no such certificate or it could not be deleted.
        """
        ...

    def add(self, database: Path, label: str, der: bytes) -> None:
        """The copy at `database` also holds the certificate `der` (X.509 DER) as trusted, under `label`.

        Raises StoreUnreadable, and EditFailed when the label is taken or the certificate could not be added.
        """
        ...


def read_copy(database: Path) -> tuple[KeyDatabase, bytes]:
    """The private copy's key database and its password. Raises StoreUnreadable."""
    from dsmcertfix.store import kdb, stash

    try:
        content = database.read_bytes()
        stashed = database.with_suffix(".sth").read_bytes()
    except FileNotFoundError as error:
        raise StoreUnreadable("store-incomplete", f"the private copy has no {error.filename}") from error
    return kdb.read(content), stash.password(stashed)
