"""The played client's store: `dsmcert.*` in a directory, read and written by IBM's own library."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import Literal

from dsmbench import gskit
from dsmbench.gskit_library import Library
from dsmbench.lookup import STORE
from dsmbench.texts import Failure


def certificates(directory: Path) -> dict[str, bytes]:
    """Label to DER; nothing when there is no key database. Raises Failure when it cannot be opened."""
    file = directory / f"{STORE}.kdb"
    if not file.exists():
        return {}
    try:
        if not gskit.ready():
            return gskit.certificates(file)
        with Library().opened(file) as database:
            return {label: database.certificate(label) for label in database.labels()}
    except gskit.GskitError as error:
        raise Failure("ANS1593E") from error


def add(directory: Path, label: str, der: bytes, version: Literal[3, 4, 6]) -> None:
    """The certificate is in the store under that label, the store is there if it was not, the index is new.

    Raises Failure when the store cannot be written.
    """
    file = directory / f"{STORE}.kdb"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if file.exists():
            gskit.add(file, label, der)
        else:
            _make(directory, label, der, version)
        _write_index(directory)
    except (gskit.GskitError, OSError) as error:
        raise Failure("ANS1593E") from error


def _make(directory: Path, label: str, der: bytes, version: Literal[3, 4, 6]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch, f"{STORE}.kdb")
        create = {
            "op": "create",
            "path": str(made),
            "password": secrets.token_urlsafe(24),
            "version": version,
        }
        gskit.run([{**create, "cas": False}, gskit.adding(made, label, der)])
        for file in sorted(Path(scratch).iterdir()):
            _write(directory / file.name, file.read_bytes())


def _write_index(directory: Path) -> None:
    content = (directory / f"{STORE}.kdb").read_bytes()
    _write(directory / f"{STORE}.idx", b"played index\0" + hashlib.sha256(content).digest())


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
