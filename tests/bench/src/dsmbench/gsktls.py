"""The TLS client of IBM's GSKit 8, as the client of Storage Protect uses it: what it trusts, IBM's library
trusts.

`Connection` is one TLS connection with a key database and its stash; `judge` says what the library answers to
one. Both need a process that was started for the library (gskit.py). The library remembers a key database by
its path: what is to be judged anew needs a fresh process or a fresh path.

The numbers are those of IBM's gskssl.h as its documentation and public programs show them, those of 8.0.60
(TLS 1.2, signature algorithms) were found by trial. TLS 1.2 and 1.3 are spoken, and `judge` asks over each.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dsmbench import gskit

KEYRING_FILE, KEYRING_STASH_FILE, CONNECT_CIPHER, CONNECT_TYPE, VERSION, SIGNATURES = (
    201,
    204,
    244,
    208,
    220,
    245,
)
DESCRIPTOR = 300
SESSION_TYPE, CLIENT_SESSION = 402, 507
PARTNER, CERTIFICATE_DER = 700, 600
OLD = ((403, 511), (404, 513), (407, 519), (436, 0), (437, 0))
"""SSL 2 and 3 and TLS 1.0 and 1.1 off."""
TLS_12, TLS_13 = (438, 1), (4030, 1)
EACH = ((TLS_12, (4030, 0)), ((438, 0), TLS_13))
"""TLS 1.2 alone, and 1.3 alone."""
ALGORITHMS = ",".join(
    f"GSK_TLS_SIGALG_{kind}_WITH_{digest}"
    for digest in ("SHA256", "SHA384", "SHA512")
    for kind in ("RSA", "ECDSA")
)
"""Without them OpenSSL's servers take SHA-1, and refuse."""
DISTRUST = (8, 414)
"""What the client says of a server whose certificate does not verify: GSK_ERROR_CERT_VALIDATION, BAD_CERT."""
PATIENCE_S = 30.0

Protocols = tuple[tuple[int, int], ...]


class Refused(Exception):
    """GSKit's TLS client gave up: `code` is its number, `name` its own word for it, `step` what failed.

    `step` is "environment" for a key database that it does not take, "handshake" for a server.
    """

    def __init__(self, step: str, code: int, name: str):
        super().__init__(f"{name} ({code}) at the {step}")
        self.step = step
        self.code = code
        self.name = name


class Verdict(NamedTuple):
    """What GSKit says of a store and a server: 0 for a server that it trusts, else its code and name."""

    code: int
    name: str
    step: str = "handshake"

    @property
    def trusted(self) -> bool:
        """Whether the client would talk to the server."""
        return self.code == 0


def judge(host: str, port: int, key_database: Path) -> Verdict:
    """GSKit's answer to the server, with that key database and its stash, by every version of TLS.

    Raises OSError without a server, RuntimeError when the versions do not give the same answer.
    """
    answers = {_answered(host, port, key_database, versions) for versions in EACH}
    if len(answers) > 1:
        raise RuntimeError(f"{key_database} and port {port}: {answers}")
    return answers.pop()


def _answered(host: str, port: int, key_database: Path, versions: Protocols) -> Verdict:
    try:
        with Connection(host, port, key_database, versions):
            return Verdict(0, "GSK_OK")
    except Refused as refused:
        return Verdict(refused.code, refused.name, refused.step)


def version() -> str:
    """The version that the library gives itself, as 8.0.60.5."""
    calls = _library()
    environment = ctypes.c_void_p()
    calls.gsk_environment_open(ctypes.byref(environment))
    try:
        return _text(environment, VERSION)
    finally:
        calls.gsk_environment_close(ctypes.byref(environment))


class Connection:
    """A TLS connection to a server that GSKit trusts with that key database; closed at the end of `with`.

    Raises Refused when it does not, and OSError when there is no server.
    """

    def __init__(self, host: str, port: int, key_database: Path, versions: Protocols = (TLS_12, TLS_13)):
        self._versions = versions
        self._calls = _library()
        self._environment = ctypes.c_void_p()
        self._session = ctypes.c_void_p()
        self._plain: socket.socket | None = None
        try:
            self._open(key_database)
            self._plain = _connected(host, port)
            self._shake_hands(self._plain)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing of it is open any more."""
        if self._session:
            self._calls.gsk_secure_soc_close(ctypes.byref(self._session))
        if self._environment:
            self._calls.gsk_environment_close(ctypes.byref(self._environment))
        if self._plain is not None:
            self._plain.close()

    def _open(self, key_database: Path) -> None:
        calls, environment = self._calls, self._environment
        self._require("environment", calls.gsk_environment_open(ctypes.byref(environment)))
        files = ((KEYRING_FILE, key_database), (KEYRING_STASH_FILE, key_database.with_suffix(".sth")))
        buffers = [*((name, _native(file)) for name, file in files), (SIGNATURES, ALGORITHMS.encode())]
        for name, value in buffers:
            self._require("environment", calls.gsk_attribute_set_buffer(environment, name, value, 0))
        for name, choice in ((SESSION_TYPE, CLIENT_SESSION), *OLD, *self._versions):
            self._require("environment", calls.gsk_attribute_set_enum(environment, name, choice))
        self._require("environment", calls.gsk_environment_init(environment))

    def _shake_hands(self, plain: socket.socket) -> None:
        calls, session = self._calls, self._session
        self._require("handshake", calls.gsk_secure_soc_open(self._environment, ctypes.byref(session)))
        descriptor = calls.gsk_attribute_set_numeric_value(session, DESCRIPTOR, plain.fileno())
        self._require("handshake", descriptor)
        self._require("handshake", calls.gsk_secure_soc_init(session))

    def _require(self, step: str, code: int) -> None:
        if code:
            raise Refused(step, code, self._calls.gsk_strerror(code).decode("ascii", "replace"))

    @property
    def presented(self) -> bytes:
        """The DER of the certificate that the server presented."""
        found, count = ctypes.POINTER(_Element)(), ctypes.c_int()
        arguments = (PARTNER, ctypes.byref(found), ctypes.byref(count))
        self._require("handshake", self._calls.gsk_attribute_get_cert_info(self._session, *arguments))
        elements = (found[at] for at in range(count.value))
        return next(
            ctypes.string_at(each.data, each.length) for each in elements if each.name == CERTIFICATE_DER
        )

    @property
    def cipher(self) -> str:
        """Protocol and cipher in the client's form."""
        version = "TLSv1.3" if _text(self._session, CONNECT_TYPE) == "TLSV13" else "TLSv1.2"
        return f"{version} {_text(self._session, CONNECT_CIPHER)}"

    def sendall(self, data: bytes) -> None:
        """The server has all of it. Raises OSError."""
        while data:
            written = ctypes.c_int()
            if code := self._calls.gsk_secure_soc_write(
                self._session, data, len(data), ctypes.byref(written)
            ):
                raise ConnectionResetError(f"GSKit: {code}")
            data = data[written.value :]

    def recv(self, size: int) -> bytes:
        """What the server sent, at most so many bytes; nothing when it went away. Raises OSError."""
        buffer, read = ctypes.create_string_buffer(size), ctypes.c_int()
        if code := self._calls.gsk_secure_soc_read(self._session, buffer, size, ctypes.byref(read)):
            raise ConnectionResetError(f"GSKit: {code}")
        return buffer.raw[: read.value]


class _Element(ctypes.Structure):
    """One fact that GSKit has of a certificate, as seen in memory: closer together on Windows."""

    _pack_ = 4 if gskit.WINDOWS else 8
    _fields_ = (("name", ctypes.c_int), ("data", ctypes.c_void_p), ("length", ctypes.c_int))


@cache
def _library() -> ctypes.CDLL:
    directory = gskit.library_directory()
    if gskit.WINDOWS:
        os.add_dll_directory(str(directory))  # type: ignore[attr-defined,unused-ignore]
    calls = ctypes.CDLL(str(directory / ("gsk8ssl_64.dll" if gskit.WINDOWS else "libgsk8ssl_64.so")))
    calls.gsk_strerror.restype = ctypes.c_char_p
    return calls


def _text(handle: ctypes.c_void_p, name: int) -> str:
    value, length = ctypes.c_char_p(), ctypes.c_int()
    _library().gsk_attribute_get_buffer(handle, name, ctypes.byref(value), ctypes.byref(length))
    return (value.value or b"").decode("ascii", "replace")


def _native(path: Path) -> bytes:
    return str(path).encode("mbcs") if gskit.WINDOWS else os.fsencode(path)


def _connected(host: str, port: int) -> socket.socket:
    """A blocking socket, as GSKit wants it, that gives up on a server that says nothing."""
    plain = socket.create_connection((host, port), timeout=PATIENCE_S)
    plain.settimeout(None)
    limit: Any = struct.pack("ll", int(PATIENCE_S), 0)
    if sys.platform == "win32":
        limit = int(PATIENCE_S * 1000)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        plain.setsockopt(socket.SOL_SOCKET, option, limit)
    return plain


def version_of_the_library() -> str:
    """`version`, for a process that was not started for the library."""
    return str(_answer([]).pop("version"))


def judge_all(pairs: Sequence[tuple[str, int, Path]]) -> list[Verdict]:
    """GSKit's answer to each server with that key database, from one fresh process, in the order given.

    No path may be given twice for two contents. Raises CalledProcessError when a server is not there.
    """
    asked = [(host, port, str(path)) for host, port, path in pairs]
    return [Verdict(*each) for each in _answer(asked)["verdicts"]]


def _answer(asked: Sequence[tuple[str, int, str]]) -> dict[str, Any]:
    import subprocess

    answer = subprocess.run(
        [*gskit.interpreter(), "-m", "dsmbench.gsktls"],
        input=json.dumps(asked).encode(),
        env={**os.environ, **gskit.environment()},
        stdout=subprocess.PIPE,
        timeout=gskit.TIMEOUT_S + len(asked),
        check=True,
    )
    reply: dict[str, Any] = json.loads(answer.stdout)
    return reply


if __name__ == "__main__":
    verdicts = [judge(host, port, Path(path)) for host, port, path in json.load(sys.stdin)]
    json.dump({"version": version(), "verdicts": verdicts}, sys.stdout)
