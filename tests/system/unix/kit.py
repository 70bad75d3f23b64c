"""The key database of a store in a directory, and what a test of it needs."""

from __future__ import annotations

import os
from typing import Any

from tests.shown import not_shown

from dsmcertfix.model import StoreFile
from dsmcertfix.system.seen import Metadata
from dsmcertfix.system.unix.directory import UnixDirectory

KDB = StoreFile.KDB
STRANGER = 54321


def as_root() -> None:
    """The test needs root, or is listed as not shown."""
    if os.geteuid() != 0:
        not_shown("giving a file to another user needs root")


def like(directory: UnixDirectory[StoreFile], **changes: Any) -> Metadata:
    """What the key database is, but for these changes."""
    return directory.metadata(KDB)._replace(**changes)
