"""The registry of this machine, read only: keys and values in both of their views."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

View = Literal[64, 32]

_VIEW_FLAGS = {64: 0x0100, 32: 0x0200}
_READ = 0x20019
_MOST = 100_000


@cache
def _winreg() -> Any:
    return importlib.import_module("winreg")


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry. Keys are written `HKLM\\SOFTWARE\\…` or `HKU\\S-1-5-…\\Environment`."""

    def values(self, key: str, view: View = 64) -> dict[str, str]:
        """The text values of a key by their names, lists of texts joined by NUL; empty without such a key."""
        found: dict[str, str] = {}
        with _Key(key, view) as handle:
            for name, value in handle.values():
                if isinstance(value, str):
                    found[name] = value
                elif isinstance(value, list):
                    found[name] = "\0".join(map(str, value))
                elif isinstance(value, int):
                    found[name] = str(value)
        return found

    def names(self, key: str, view: View = 64) -> tuple[str, ...]:
        """The names of the keys below a key; empty without such a key."""
        with _Key(key, view) as handle:
            return tuple(handle.names())


class _Key:
    """An open key, or one that is not there or not ours to read: then it is empty."""

    def __init__(self, key: str, view: View):
        self._root, _, self._path = key.partition("\\")
        self._access = _READ | _VIEW_FLAGS[view]
        self._handle: Any = None

    def __enter__(self) -> _Key:
        roots = {"HKLM": _winreg().HKEY_LOCAL_MACHINE, "HKU": _winreg().HKEY_USERS}
        try:
            self._handle = _winreg().OpenKey(roots[self._root], self._path, 0, self._access)
        except OSError:
            self._handle = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            self._handle.Close()

    def values(self) -> Iterator[tuple[str, Any]]:
        for number in range(_MOST if self._handle is not None else 0):
            try:
                name, value, _ = _winreg().EnumValue(self._handle, number)
            except OSError:
                return
            yield name, value

    def names(self) -> Iterator[str]:
        for number in range(_MOST if self._handle is not None else 0):
            try:
                yield _winreg().EnumKey(self._handle, number)
            except OSError:
                return
