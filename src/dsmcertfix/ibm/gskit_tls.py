"""IBM's own answer to "will this client trust this server": one handshake of GSKit's TLS client with a store.

Owns the calls of `libgsk8ssl_64.so` (`gsk8ssl_64.dll`); they run in a child, with limits, and as the store's
owner where that can be. No node, no password and no session: nothing is sent after the handshake, and no node
can be locked by it. The library is taken from where IBM's key database program is installed, by its path, and
only where nobody but the system can change it or what lies beside it.

The numbers are those of IBM's gskssl.h; those of TLS 1.2 and the signature algorithms were tried with GSKit
8.0.60 (docs/facts/test-bench.md). TLS 1.2 is spoken, and 1.3 where that GSKit can.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.model import Owner, Proof, Server
from dsmcertfix.system import ibm_libraries
from dsmcertfix.system.base import OwnerLimits, Platform, Task
from dsmcertfix.system.seen import NoAnswer
from dsmcertfix.wording import NO_GSKIT, not_proved, printable

_NAMES = ("libgsk8ssl_64.so", "libgsk8ssl.dylib", "gsk8ssl_64.dll")
_OTHERS = "*gsk8*"

# Key database and stash file, signature algorithms; the socket.
_FILE, _STASH, _SIGNATURES, _VERSION, _DESCRIPTOR = 201, 204, 245, 220, 300
# A client's session; SSL 2 and 3, TLS 1.0 and 1.1 off, TLS 1.2 on. An older GSKit does not know TLS 1.3.
_CHOICES = ((402, 507), (403, 511), (404, 513), (407, 519), (436, 0), (437, 0), (438, 1))
_TLS_13 = (4030, 1)
# Without them OpenSSL's servers take SHA-1, and refuse.
_ALGORITHMS = ",".join(
    f"GSK_TLS_SIGALG_{kind}_WITH_{digest}"
    for digest in ("SHA256", "SHA384", "SHA512")
    for kind in ("RSA", "ECDSA")
)

_DISTRUST = {
    8: "GSK_ERROR_CERT_VALIDATION",
    401: "GSK_ERROR_BAD_DATE",
    404: "GSK_ERROR_BAD_CERTIFICATE",
    405: "GSK_ERROR_UNSUPPORTED_CERTIFICATE_TYPE",
    413: "GSK_ERROR_BAD_CERT_SIG",
    414: "GSK_ERROR_BAD_CERT",
    417: "GSK_ERROR_SELF_SIGNED",
    447: "GSK_ERROR_CERTIFICATE_INVALIDSIGALG",
    458: "GSK_ERROR_INVALID_KEYSIZE",
}
"""What GSKit says of a server whose certificate it does not trust."""

_UNUSABLE = {
    103: "GSK_KEYFILE_INVALID_FORMAT",
    106: "GSK_BAD_FORMAT_OR_INVALID_PASSWORD",
    107: "GSK_KEYFILE_CERT_EXPIRED",
    408: "GSK_ERROR_BAD_KEYFILE_PASSWORD",
}
"""What GSKit says of a key database that it does not open; 107 also of a password that has expired."""

_ODDS = {
    406: "GSK_ERROR_IO",
    415: "GSK_ERROR_BAD_PEER",
    420: "GSK_ERROR_SOCKET_CLOSED",
    502: "GSK_WOULD_BLOCK",
    504: "GSK_ERROR_PROTOCOL_MISMATCH",
}
"""What it says when there was no handshake to judge by."""

_SPARE_S = 5.0
_MEMORY = 512 << 20
_ANSWER = 4096
_LONGEST_REASON = 200


def library(platform: Platform) -> Path | None:
    """The TLS library that is installed beside IBM's key database program; None where none may be loaded."""
    for program in platform.places.gsk8capicmd():
        for value in platform.libraries_of(program).values():
            directory = Path(value.split(os.pathsep)[0])
            for name in _NAMES:
                if (directory / name).is_file():
                    return directory / name
    return None


def prove(
    platform: Platform,
    found: Path | None,
    owner: Owner | None,
    database: Path,
    server: Server,
    limit_s: float,
) -> Proof:
    """What GSKit says of the server with that key database and the stash file beside it. Raises nothing.

    `found` is what `library` found. The owner is whose child it is, ours without one.
    """
    (proof,) = prove_all(platform, found, owner, ((database, server),), limit_s)
    return proof


def prove_all(
    platform: Platform,
    found: Path | None,
    owner: Owner | None,
    asked: tuple[tuple[Path, Server], ...],
    limit_s: float,
) -> tuple[Proof, ...]:
    """`prove` for several key databases of one owner and their servers: GSKit's start takes its time.

    Where one child for all gives no answer, each has one of its own.
    """
    if found is None:
        return tuple(_not_made(server, NO_GSKIT) for _, server in asked)
    # A child that is another user may not be able to load them.
    import ctypes  # noqa: F401
    import socket  # noqa: F401
    import struct  # noqa: F401

    wall_s = longest_s(limit_s) * len(asked)
    limits = OwnerLimits(memory=_MEMORY, cpu_s=20, wall_s=wall_s, open_files=64, answer=_ANSWER * len(asked))
    try:
        with platform.lent(tuple(database for database, _ in asked)) as databases:
            pairs = zip(databases, asked, strict=True)
            told = [[str(database), server.address, server.port] for database, (_, server) in pairs]
            answers = platform.apart(owner, Task(answers_of, str(found), told, limit_s), limits)
    except (NoAnswer, DsmcertfixError, OSError) as error:
        if len(asked) > 1:
            each = (prove_all(platform, found, owner, (one,), limit_s) for one in asked)
            return tuple(proof for (proof,) in each)
        return (_not_made(asked[0][1], str(error)),)
    each_s = answers if isinstance(answers, list) and len(answers) == len(asked) else [None] * len(asked)
    return tuple(_proof(server, answer) for (_, server), answer in zip(asked, each_s, strict=True))


def longest_s(limit_s: float) -> float:
    """How long a proof takes at most: the server has that limit to connect, and for each of its answers."""
    return 2 * limit_s + _SPARE_S


def _not_made(server: Server, reason: str) -> Proof:
    return Proof(server, "not-made", None, not_proved(reason))


def _proof(server: Server, answer: object) -> Proof:
    """What the child's answer means; it may be anything."""
    told: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
    step, code = told.get("step"), told.get("code")
    if type(code) is not int or step not in ("load", "connect", "environment", "handshake"):
        return _not_made(server, "its answer cannot be understood")
    if step == "load":
        return _not_made(server, "GSKit's library does not load")
    if step == "connect":
        return _not_made(server, f"{server} does not answer ({_reason(told) if code else 'in time'})")
    if code == 0 and step == "handshake":
        return Proof(server, "accepted", 0, f"IBM's TLS trusts {server} with it")
    refused = _DISTRUST if step == "handshake" else _UNUSABLE
    if code in refused:
        what = f"refuses {server} with it" if step == "handshake" else "does not open it"
        return Proof(server, "refused", code, f"IBM's TLS {what}: {refused[code]} ({code})")
    name = {**_ODDS, **_UNUSABLE, **_DISTRUST}.get(code, "GSKit's code")
    return _not_made(server, f"no handshake ({name} {code})")


def _reason(told: Mapping[str, Any]) -> str:
    return printable(str(told.get("reason")))[:_LONGEST_REASON]


# --- in the child


def answers_of(found: str, asked: list[tuple[str, str, int]], limit_s: float) -> object:
    """What GSKit says to each key database and server, in a process that has not loaded it before."""
    library = Path(found)
    calls = ibm_libraries.loaded(library, _OTHERS + library.suffix)
    return [
        _shake_hands(calls, Path(database), Server(address, port), limit_s)
        for database, address, port in asked
    ]


def _shake_hands(calls: Any, database: Path, server: Server, limit_s: float) -> dict[str, object]:
    import ctypes

    if calls is None:
        return {"step": "load", "code": 0}
    try:
        plain = _connected(server, limit_s)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = getattr(error, "strerror", None)
        return {"step": "connect", "code": getattr(error, "errno", None) or 0, "reason": reason or str(error)}
    environment = ctypes.c_void_p()
    code = _open(calls, environment, database)
    if code:
        plain.close()
        return {"step": "environment", "code": code}
    session = ctypes.c_void_p()
    code = (
        calls.gsk_secure_soc_open(environment, ctypes.byref(session))
        or calls.gsk_attribute_set_numeric_value(session, _DESCRIPTOR, plain.fileno())
        or calls.gsk_secure_soc_init(session)
    )
    # The close tells the server, too.
    calls.gsk_secure_soc_close(ctypes.byref(session))
    calls.gsk_environment_close(ctypes.byref(environment))
    plain.close()
    return {"step": "handshake", "code": code}


def _open(calls: Any, environment: Any, database: Path) -> int:
    """GSKit's code for the key database; 0 when it is open."""
    import ctypes

    code = int(calls.gsk_environment_open(ctypes.byref(environment)))
    texts = (
        (_FILE, os.fsencode(database)),
        (_STASH, os.fsencode(database.with_suffix(".sth"))),
        (_SIGNATURES, _ALGORITHMS.encode()),
    )
    for name, text in texts:
        code = code or calls.gsk_attribute_set_buffer(environment, name, text, 0)
    for name, choice in _CHOICES:
        code = code or calls.gsk_attribute_set_enum(environment, name, choice)
    calls.gsk_attribute_set_enum(environment, *_TLS_13)
    return code or int(calls.gsk_environment_init(environment))


def _connected(server: Server, limit_s: float) -> Any:
    """A blocking socket, as GSKit wants it, that gives up on a server that says nothing. Raises OSError."""
    import socket

    # As bytes: for a name of other letters Python would look an encoding up.
    address: Any = (server.address.encode("ascii"), server.port)
    plain = socket.create_connection(address, timeout=limit_s)
    ibm_libraries.give_up_after(limit_s, plain)
    return plain
