"""Trees that stand for machines, and what is asked of the stores in them.

Trees are real. Where the tests do not run as root, files "of another user" have that owner only in what lstat
and fstat answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import Located, LocatedStore, Stanza
from dsmcertfix.system.unix.places import UnixPlaces

AS_ROOT = os.geteuid() == 0
BA, API = "opt/tivoli/tsm/client/ba/bin", "opt/tivoli/tsm/client/api/bin64"
DBBKAPI = "opt/tivoli/tsm/server/bin/dbbkapi"
CERTS = "IBM/SpectrumProtect/certs"
ALICE, BOB, NOBODY = 20001, 20002, 29999
PASSWD = f"""\
root:x:0:0::/root:/bin/sh
alice:x:{ALICE}:{ALICE}::/home/alice:/bin/sh
bob:x:{BOB}:{BOB}::/home/bob:/bin/sh
"""
DSM_SYS = """\
DEFAULTSERVER TSM02
SErvername TSM01
  TCPServeraddress tsm01.example.com
SErvername TSM02
  TCPServeraddress tsm02.example.com
  PASSWORDDIR /var/certs
"""


class Machine:
    """A tree that stands for a machine; everything in it is root's unless it is given to somebody."""

    def __init__(self, root: Path, give: Callable[[Path, int], None]):
        self.root = root
        self._give = give
        self.environ: dict[str, str] = {}
        root.mkdir()
        self._give(root, 0)
        self.file("etc/passwd", PASSWD)

    def directory(self, path: str, uid: int = 0) -> Path:
        made = self.root / path
        for missing in [item for item in reversed((made, *made.parents)) if not item.exists()]:
            missing.mkdir()
            self._give(missing, uid)
        self._give(made, uid)
        return made

    def file(self, path: str, text: str = "", uid: int = 0) -> Path:
        made = self.directory(str(Path(path).parent), uid) / Path(path).name
        made.write_text(text)
        self._give(made, uid)
        return made

    def store(self, path: str, uid: int = 0) -> Path:
        return self.file(f"{path}/dsmcert.kdb", "kdb", uid).parent

    def link(self, path: str, target: str, uid: int = 0) -> Path:
        made = self.directory(str(Path(path).parent)) / Path(path).name
        made.symlink_to(target)
        self._give(made, uid)
        return made

    def give(self, path: str, uid: int) -> None:
        self._give(self.root / path, uid)

    def locate(self, *named: Path, system: str = "linux") -> Located:
        return locate(UnixPlaces(self.root, system, self.environ), named=named)


def giver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, int], None]:
    """Gives a file of a tree to a user, or lets it look so where that needs root."""
    if AS_ROOT:
        return lambda path, uid: os.lchown(path, uid, uid)
    owners: dict[tuple[int, int], int] = {}
    lstat, fstat = os.lstat, os.fstat

    def answered(info: os.stat_result) -> os.stat_result:
        uid = owners.get((info.st_dev, info.st_ino))
        return info if uid is None else os.stat_result((*info[:4], uid, uid, *info[6:10]))

    def give(path: Path, uid: int) -> None:
        info = lstat(path)
        owners[info.st_dev, info.st_ino] = uid

    monkeypatch.setattr(os, "lstat", lambda path, **kwargs: answered(lstat(path, **kwargs)))
    monkeypatch.setattr(os, "fstat", lambda handle: answered(fstat(handle)))
    return give


def only(located: Located) -> LocatedStore:
    (store,) = located.stores
    return store


def areas(store: LocatedStore) -> set[str]:
    return {origin.area for origin in store.origins}


def users(store: LocatedStore) -> dict[str, bool]:
    return {use.stanza.name: use.certain for use in store.stanzas}


def named(located: Located, name: str) -> Stanza:
    return next(stanza for stanza in located.stanzas if stanza.name == name)
