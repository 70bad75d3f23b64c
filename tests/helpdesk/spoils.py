"""The secrets of a played machine, and a search for them that no encoding escapes."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.key_database import stash

LEAST = 4
"""Characters of the shortest secret that is searched for: less is found everywhere by chance."""

_WINDOW = 24
_KEY_DATABASE = b"\x37\x48"


@dataclass(frozen=True, slots=True)
class Secret:
    """Bytes that nobody else may see, and whose they are."""

    what: str
    data: bytes


def of_machine(*directories: Path) -> tuple[Secret, ...]:
    """Stash files with the passwords in them, TSM.* files, private keys: whatever lies below those."""
    return tuple(secret for top in directories for path in top.rglob("*") for secret in _of_file(path))


def _of_file(path: Path) -> Iterator[Secret]:
    if path.is_symlink() or not path.is_file():
        return
    content = path.read_bytes()
    name = path.name.lower()
    if name.endswith(".sth") or name.startswith("tsm.") or name == "cert.kdb":
        yield Secret(str(path), content)
    if name.endswith(".sth"):
        with contextlib.suppress(DsmcertfixError):
            yield Secret(f"password in {path}", stash.password(content))
    if name == "tsm.kdb":
        for key, proof in json.loads(content).items():
            yield Secret(f"password of {key} in {path}", str(proof).encode())
    if name.endswith(".kdb") and content.startswith(_KEY_DATABASE):
        # The certificates in it are no secret; how it is made safe from changes is.
        yield Secret(f"head of {path}", content[0x18:0x58])
    for found in re.finditer(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END[^\n]*", content, re.DOTALL):
        yield from _of_key(found[0], path)


def _of_key(pem: bytes, path: Path) -> Iterator[Secret]:
    """The secret numbers of a key: the modulus beside them is in every certificate."""
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    for name in ("d", "p", "q"):
        number: int = getattr(numbers, name)
        yield Secret(f"private key in {path}, {name}", number.to_bytes((number.bit_length() + 7) // 8, "big"))


def found_in(bundle: Path, secrets: tuple[Secret, ...]) -> list[str]:
    """Which secrets are in the zip: in its own bytes, and in each file in it."""
    texts = {"the zip itself": bundle.read_bytes()}
    with zipfile.ZipFile(bundle) as opened:
        texts |= {info.filename: opened.read(info) for info in opened.infolist()}
        texts |= {f"name of {info.filename}": info.filename.encode() for info in opened.infolist()}
        texts["comment"] = opened.comment
    found = []
    for secret in secrets:
        for form, wanted in forms(secret.data):
            found += [f"{secret.what} as {form} in {name}" for name, text in texts.items() if wanted in text]
    return found


def forms(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The ways in which bytes can be written down. Of a longer secret a part is enough."""
    for at in range(0, max(1, len(data) - _WINDOW + 1), _WINDOW):
        yield from _forms_of(data[at : at + _WINDOW])


def _forms_of(part: bytes) -> Iterator[tuple[str, bytes]]:
    assert len(part) >= LEAST, part
    if len(set(part)) < LEAST:
        return  # filled with one byte: no secret
    yield "bytes", part
    yield "bytes, backwards", part[::-1]
    yield "bytes, turned as in a stash", bytes(byte ^ 0xF5 for byte in part)
    yield "hex", part.hex().encode()
    yield "HEX", part.hex().upper().encode()
    yield "Python's repr", repr(part)[2:-1].encode()
    yield "JSON", json.dumps(part.decode("latin-1"))[1:-1].encode()
    yield "URL", quote(part).encode()
    for shift in range(3):
        # Whatever stands before it: the middle is the same.
        coded = base64.b64encode(b"x" * shift + part)
        yield f"base64, {shift}", coded[4 if shift else 0 : len(coded) // 4 * 4 - 4]
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le"):
        yield encoding, part.decode("latin-1").encode(encoding)
