"""What a builder leaves on a Windows machine, written down before it is made, so that it can go away."""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import psutil

assert sys.platform == "win32"

from dsmbench import windows_registry, windows_services
from dsmbench.windows_registry import Value

PATIENCE_S = 10.0


class Traces:
    """The record in `directory`, which is made; what an earlier record there names is gone first."""

    def __init__(self, directory: Path):
        self._file = directory / "made.json"
        self._directory = directory
        self._made: dict[str, list[str]] = {"paths": [], "keys": [], "services": []}
        if self._file.exists():
            self._made = json.loads(self._file.read_bytes())
            self.remove()
        directory.mkdir(parents=True, exist_ok=True)
        self._made = {"paths": [], "keys": [], "services": []}

    def note_path(self, path: Path) -> None:
        """That file or directory goes away at the end."""
        self._note("paths", str(path))

    def note_service(self, name: str) -> None:
        """That service goes away at the end."""
        self._note("services", name)

    def set_value(self, key: str, name: str, value: Value, *, expands: bool = False) -> None:
        """The registry has the value; what had to be made for it goes away at the end."""
        if made := windows_registry.set_value(key, name, value, expands=expands):
            self._note("keys", made)

    def remove(self) -> None:
        """All that is noted is gone, and the record too."""
        for name in self._made["services"]:
            with suppress(OSError, psutil.Error):
                windows_services.remove(name)
        for key in reversed(self._made["keys"]):
            windows_registry.delete_tree(key)
        for path in (*reversed(self._made["paths"]), str(self._directory)):
            _remove_tree(path)

    def _note(self, kind: str, what: str) -> None:
        self._made[kind].append(what)
        self._file.write_text(json.dumps(self._made), encoding="utf-8")


def _remove_tree(path: str) -> None:
    """The directory is gone, however long the paths below it and whoever lets go of its files last."""
    import time

    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            shutil.rmtree(rf"\\?\{path}")
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
