"""The registry as a builder needs it: values below HKLM, and the keys made for them gone again."""

from __future__ import annotations

import sys
from contextlib import suppress

assert sys.platform == "win32"
import winreg

Value = str | int | list[str]
HKLM = winreg.HKEY_LOCAL_MACHINE


def set_value(
    key: str, name: str, value: Value, *, expands: bool = False, view: int = winreg.KEY_WOW64_64KEY
) -> str:
    """The value is set below HKLM; returns the topmost key that had to be made for it, or nothing.

    `view` is KEY_WOW64_64KEY, or KEY_WOW64_32KEY for what a 32-bit program sees.
    """
    made = _topmost_missing(key, view)
    kind = {str: winreg.REG_EXPAND_SZ if expands else winreg.REG_SZ, int: winreg.REG_DWORD}
    with winreg.CreateKeyEx(HKLM, key, 0, winreg.KEY_SET_VALUE | view) as opened:
        winreg.SetValueEx(opened, name, 0, kind.get(type(value), winreg.REG_MULTI_SZ), value)
    return made


def delete_tree(key: str, *, view: int = winreg.KEY_WOW64_64KEY) -> None:
    """The key below HKLM and all below it are gone."""
    with suppress(FileNotFoundError):
        with winreg.OpenKeyEx(HKLM, key, 0, winreg.KEY_READ | view) as opened:
            below = [winreg.EnumKey(opened, at) for at in range(winreg.QueryInfoKey(opened)[0])]
        for name in below:
            delete_tree(rf"{key}\{name}", view=view)
        winreg.DeleteKeyEx(HKLM, key, view, 0)


def _topmost_missing(key: str, view: int) -> str:
    parts = key.split("\\")
    chain = ["\\".join(parts[: length + 1]) for length in range(len(parts))]
    return next((part for part in chain if not _exists(part, view)), "")


def _exists(key: str, view: int) -> bool:
    with suppress(FileNotFoundError), winreg.OpenKeyEx(HKLM, key, 0, winreg.KEY_READ | view):
        return True
    return False
