"""A binding to GSKit's key management, inside a process that was started for it (gskit.py).

The libraries find each other by LD_LIBRARY_PATH, which must be set before the process starts. As a program
it does what is asked of `gskit.run`. The signatures are not published; they were tried against GSKit 8 on
Linux x86-64.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from dsmbench.gskit import WINDOWS, GskitError, Operation, Version, library_directory

# The extension of the stand-in certificate of a secret key (seen in GSKit 8's own files).
SECRET_KEY = bytes.fromhex("061c2b06010483dceb937f83dceb937f83dceb937fabec2783b16402a709")


class _LabelNode(ctypes.Structure):
    pass


_LabelNode._fields_ = [("label", ctypes.c_char_p), ("next", ctypes.POINTER(_LabelNode))]


class _CertificateItem(ctypes.Structure):
    """The start of GSKit's certificate: its DER. What follows (serial, names, dates) is not used."""

    _fields_ = (("der", ctypes.c_void_p), ("length", ctypes.c_int))


class _CertificateNode(ctypes.Structure):
    _fields_ = (("item", ctypes.POINTER(_CertificateItem)), ("next", ctypes.c_void_p))


class _KeyItem(ctypes.Structure):
    """GSKit's entry, as seen in the memory of 64-bit systems; a `long` is shorter on Windows."""

    _pack_ = 4 if WINDOWS else 8
    _fields_ = (
        ("reserved", ctypes.c_long),
        ("label", ctypes.c_char_p),
        ("key_bits", ctypes.c_int),
        ("unknown", ctypes.c_int * (10 if WINDOWS else 11)),
        ("chain", ctypes.POINTER(_CertificateNode)),
    )


class Library:
    """The library, loaded and initialised. Raises OSError when the process was not started for it."""

    def __init__(self) -> None:
        directory = library_directory()
        name = "gsk8km_64.dll" if WINDOWS else "libgsk8km_64.so"
        if WINDOWS:
            os.add_dll_directory(str(directory))  # type: ignore[attr-defined,unused-ignore]
        self._calls = ctypes.CDLL(str(directory / name))
        self._calls.GSKKM_strerror.restype = ctypes.c_char_p
        self.call("Init")

    def call(self, name: str, *arguments: Any) -> None:
        """`GSKKM_<name>` was called and succeeded. Raises GskitError."""
        if code := getattr(self._calls, f"GSKKM_{name}")(*arguments):
            message = self._calls.GSKKM_strerror(code) or b"unknown error"
            raise GskitError(f"GSKKM_{name}", code, message.decode("ascii", "replace"))

    @contextmanager
    def opened(self, path: Path, password: str | None = None) -> Iterator[KeyDatabase]:
        """An open key database; without a password GSKit takes the stash beside it, which is `-stashed`."""
        handle = ctypes.c_int()
        secret = None if password is None else password.encode()
        self.call("OpenKeyDb", _native(path), secret, ctypes.byref(handle))
        try:
            yield KeyDatabase(self, handle)
        finally:
            self.call("CloseKeyDb", handle)

    def create(self, path: Path, password: str, version: Version, *, cas: bool) -> None:
        """A key database with the side files GSKit makes and a stash; with GSKit's roots in date if `cas`."""
        if version == 6:
            self._create_6(path, password, cas=cas)
        else:
            self._create_native(path, password, version)
            if not cas:
                with self.opened(path, password) as database:
                    for label in database.labels():
                        database.delete(label)
        self.stash(path, password)

    def _create_native(self, path: Path, password: str, version: Version) -> None:
        handle = ctypes.c_int()
        call = {3: "CreateNewKeyDb", 4: "CreateNewKeyDbFIPS"}[version]
        self.call(call, _native(path), password.encode(), ctypes.c_long(0), ctypes.byref(handle))
        self.call("CloseKeyDb", handle)

    def _create_6(self, path: Path, password: str, *, cas: bool) -> None:
        from dsmbench.formats import key_database, side_files

        secret = password.encode()
        if path.exists():
            raise GskitError("create", 9, "GSKKM_ERR_DATABASE_ALREADY_EXISTS")
        for suffix, content in {".kdb": key_database(6, secret), **side_files(6, secret)}.items():
            file = path.with_suffix(suffix)
            file.touch(0o600)
            file.write_bytes(content)
        if not cas:
            return
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as scratch:
            other = Path(scratch, "roots.kdb")
            self._create_native(other, password, 3)
            with self.opened(other, password) as source, self.opened(path, password) as target:
                for label in source.labels():
                    target.add(label, source.certificate(label))

    def stash(self, path: Path, password: str) -> None:
        """A 193-byte stash file lies beside the key database."""
        self.call("StashKeyDbPwd", _native(path), password.encode())


class KeyDatabase:
    """An open key database. Labels go in and come out as UTF-8; what is not UTF-8 survives as surrogates."""

    def __init__(self, library: Library, handle: ctypes.c_int):
        self._library = library
        self._handle = handle

    def labels(self) -> list[str]:
        """The labels in GSKit's own order."""
        first = ctypes.POINTER(_LabelNode)()
        self._library.call("GetKeyDbLabelList", self._handle, ctypes.byref(first))
        found, node = [], first
        while node:
            found.append(_text(node.contents.label))
            node = node.contents.next
        return found

    def add(self, label: str, der: bytes) -> None:
        """The certificate is in, as a trusted one. Raises GskitError, for one when GSKit does not like it."""
        self._library.call("StoreCACert", self._handle, der, len(der), _bytes(label))

    def delete(self, label: str) -> None:
        """The entry is gone. Raises GskitError when there is none."""
        self._library.call("DeleteKey", self._handle, _bytes(label))

    def certificate(self, label: str) -> bytes:
        """The DER of the entry's certificate. Raises GskitError when there is none."""
        entry = ctypes.POINTER(_KeyItem)()
        self._library.call("GetKeyItemByLabel", self._handle, _bytes(label), ctypes.byref(entry))
        item = entry.contents.chain.contents.item.contents
        return ctypes.string_at(item.der, item.length)

    def is_personal(self, label: str) -> bool:
        """Whether the entry has a private key, or is a secret key."""
        present = ctypes.c_int()
        self._library.call("IsPrivateKeyPresent", self._handle, _bytes(label), ctypes.byref(present))
        return bool(present.value)

    def is_trusted(self, label: str) -> bool:
        """Whether the entry is marked as trusted."""
        marked = ctypes.c_int()
        self._library.call("IsTrusted", self._handle, _bytes(label), ctypes.byref(marked))
        return bool(marked.value)

    def is_secret(self, label: str) -> bool:
        """Whether the entry is a secret key, which GSKit files behind a stand-in certificate."""
        return SECRET_KEY in self.certificate(label)

    def default(self) -> str | None:
        """The label of the default certificate; None when there is none."""
        entry = ctypes.POINTER(_KeyItem)()
        try:
            self._library.call("GetDefaultKeyItem", self._handle, ctypes.byref(entry))
        except GskitError:
            return None
        return _text(entry.contents.label) if entry else None

    def set_default(self, label: str) -> None:
        """The entry is the default one. GSKit writes it anew, behind all others."""
        self._library.call("SetDefaultKeyByLabel", self._handle, _bytes(label))

    def import_pfx(self, file: Path, password: str) -> None:
        """Certificate and key of a PKCS #12 file are in, under the label that they have there."""
        self._library.call("ImportKeysFromPFXFile", self._handle, os.fsencode(file), password.encode())

    def import_from(self, other: Path, label: str) -> None:
        """The entry of another key database is in, key and all; its stash opens it."""
        wanted = ctypes.pointer(_LabelNode(_bytes(label), None))
        self._library.call("ImportKeys", self._handle, os.fsencode(other), None, wanted)

    def add_secret(self, label: str, key: bytes) -> None:
        """A secret key is in, as the client keeps its passwords in TSM.KDB."""
        self._library.call("InsertSecretKey", self._handle, _bytes(label), key, len(key))


def _native(path: Path) -> bytes:
    """The path as the library takes it. Raises UnicodeEncodeError for what Windows' code page lacks."""
    return str(path).encode("mbcs") if WINDOWS else os.fsencode(path)


def _text(label: bytes) -> str:
    return label.decode("utf-8", "surrogateescape")


def _bytes(label: str) -> bytes:
    return label.encode("utf-8", "surrogateescape")


# --- the other end of gskit.run --------------------------------------------------------------------------


@cache
def _library() -> Library:
    return Library()


def entries(database: KeyDatabase) -> list[dict[str, Any]]:
    """What GSKit says of each entry, in its order."""
    default = database.default()
    return [_entry(database, label, default) for label in database.labels()]


def _entry(database: KeyDatabase, label: str, default: str | None) -> dict[str, Any]:
    """What GSKit says of an entry; its certificate by the fingerprint."""
    return {
        "label": label,
        "sha256": hashlib.sha256(database.certificate(label)).hexdigest(),
        "key": database.is_personal(label),
        "trusted": database.is_trusted(label),
        "default": label == default,
    }


def _perform(operation: Operation) -> Any:
    path, password = Path(operation["path"]), operation.get("password")
    if operation["op"] == "create":
        _library().create(path, operation["password"], operation["version"], cas=operation["cas"])
        return None
    with _library().opened(path, password) as database:
        match operation["op"]:
            case "add":
                database.add(operation["label"], base64.b64decode(operation["der"]))
            case "add-secret":
                database.add_secret(operation["label"], base64.b64decode(operation["key"]))
            case "add-personal":
                from dsmbench.personal import pfx

                with pfx(operation["label"], operation["pem"].encode()) as (file, secret):
                    database.import_pfx(file, secret)
            case "set-default":
                database.set_default(operation["label"])
            case "delete":
                database.delete(operation["label"])
            case "labels":
                return database.labels()
            case "entries":
                return entries(database)
            case "certificates":
                return [
                    (label, base64.b64encode(database.certificate(label)).decode())
                    for label in database.labels()
                ]
            case "open":
                return None
            case other:
                raise ValueError(f"no such operation: {other}")
    return None


def _main() -> None:
    try:
        reply: dict[str, Any] = {"results": [_perform(operation) for operation in json.load(sys.stdin)]}
    except GskitError as error:
        reply = {"error": (error.call, error.code, error.name)}
    json.dump(reply, sys.stdout)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        _main()
