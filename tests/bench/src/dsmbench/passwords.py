"""The played client's stored passwords: TSM.* in a PASSWORDDIR, in a form of the bench's own.

What is stored is no password but the proof that the played server wants.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

FILES = ("TSM.KDB", "TSM.sth", "TSM.IDX")


def default_password(node: str) -> str:
    """The password of a node that nobody gave one."""
    return f"password of {node.upper()}"


def token(node: str, password: str) -> str:
    """What a client proves its password with."""
    return hashlib.sha256(f"{node.upper()}\0{password}".encode()).hexdigest()


def stored(directory: Path, node: str, stanza: str) -> str | None:
    """The proof of the password stored for that node and stanza; None without one that can be read.

    A password file that the bench did not write counts as one with the node's default password.
    """
    try:
        content = (directory / "TSM.KDB").read_bytes()
        (directory / "TSM.sth").read_bytes()
    except OSError:
        return None
    try:
        proofs = json.loads(content)
    except ValueError:
        return token(node, default_password(node))
    found = proofs.get(_key(node, stanza))
    return found if isinstance(found, str) else None


def store(directory: Path, node: str, stanza: str, proof: str) -> None:
    """The proof is stored in that PASSWORDDIR for that node and stanza, if the directory lets us."""
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
        database = directory / "TSM.KDB"
        proofs: dict[str, str] = {}
        with suppress(OSError, ValueError):
            proofs = json.loads(database.read_bytes())
        database.write_text(json.dumps({**proofs, _key(node, stanza): proof}), encoding="utf-8")
        for name in FILES:
            file = directory / name
            if not file.exists():
                file.write_bytes(b"played " + name.encode())
            file.chmod(0o600)


def _key(node: str, stanza: str) -> str:
    return f"{node.upper()} {stanza.upper()}"
