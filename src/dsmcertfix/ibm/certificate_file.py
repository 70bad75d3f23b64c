"""Fingerprints as people give them: pasted text, or the file that the server exported."""

from __future__ import annotations

import base64
import re
import unicodedata
from hashlib import sha256
from pathlib import Path

from dsmcertfix.errors import NotFound, UsageError
from dsmcertfix.ibm.key_database.reading import load

_LIMIT = 1024 * 1024
_BEGIN = rb"-----BEGIN (?:X509 )?CERTIFICATE-----"
_END = rb"-----END (?:X509 )?CERTIFICATE-----"


def normalised(text: str) -> str:
    """The SHA-256 in lower-case hex, from hex with colons or blanks, maybe behind a title that says SHA-256.

    Raises UsageError for anything else.
    """
    # A certificate dialog hands out invisible marks with the text (U+200E before the first digit, for one).
    bare = "".join(char for char in text if unicodedata.category(char) != "Cf")
    bare = re.sub(r"(?i)^[^:=]*\bsha-?256\b\W*(fingerprint\b)?[\s:=)]*", "", bare)
    bare = re.sub(r"[\s:.-]", "", bare).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", bare):
        raise UsageError(
            "not-a-fingerprint",
            f"`{text}` is not a SHA-256 fingerprint: 64 hex digits are needed",
        )
    return bare


def of_file(path: Path) -> str:
    """The fingerprint of the first certificate in a PEM or DER file (cert256.arm is PEM).

    Raises NotFound when there is no file, UsageError when it holds no certificate.
    """
    return sha256(certificates_of_file(path)[0]).hexdigest()


def certificates_of_file(path: Path) -> tuple[bytes, ...]:
    """Every certificate of a PEM or DER file, as DER, in the order of the file. Raises as `of_file` does."""
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT)
    except OSError as error:
        raise NotFound("certificate-file-not-found", f"`{path}` cannot be read: {error.strerror}") from error
    try:
        return certificates_in(content)
    except ValueError as error:
        raise UsageError(
            "not-a-certificate-file", f"`{path}` holds no certificate in PEM or DER form"
        ) from error


def certificates_in(content: bytes) -> tuple[bytes, ...]:
    """Every certificate of a file in PEM or DER form, as DER, spelled as GSKit reads it, too.

    Raises ValueError when there is none, or when one of them is none.
    """
    try:
        found = tuple(map(_decoded, re.split(_BEGIN, content)[1:])) or (content,)
        for der in found:
            load(der)
    except Exception as error:  # the parser raises whatever it meets, not ValueError alone
        raise ValueError("no certificate in PEM or DER form") from error
    return found


def _decoded(block: bytes) -> bytes:
    """What stands between the two lines of PEM. Raises ValueError."""
    text, *_ = re.split(_END, block, maxsplit=1)
    return base64.b64decode(b"".join(text.split()), validate=True)
