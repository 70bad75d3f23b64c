"""A played machine under attack: its users, and the canaries that show what was read, changed or revealed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.answers import Answer
from tests.endtoend.machine import Machine

from dsmbench.endpoint import User
from dsmbench.runtime import runtime

SECRET = "q7Zr-canary-V4x"
FILES = ("dsmcert.kdb", "dsmcert.sth", "dsmcert.idx", "dsmcert.rdb", "dsmcert.crl")
LONG_AGO_NS = 10**18


@dataclass(frozen=True, slots=True)
class Canary:
    """A file or directory as it was. A read would show in the time of access, a chown or link in ctime."""

    path: Path
    info: os.stat_result
    content: bytes

    @classmethod
    def of(cls, path: Path) -> Canary:
        content = path.read_bytes() if path.is_file() else b""
        # An access time before the time of change is renewed by a read even with relatime.
        os.utime(path, ns=(LONG_AGO_NS, path.stat().st_mtime_ns))
        return cls(path, path.lstat(), content)

    def require_untouched(self) -> None:
        now = self.path.lstat()
        names = ["st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ino"]
        # Another name of the same file is its user's, to exchange and to lose.
        names += [] if self.info.st_nlink > 1 and stat.S_ISREG(now.st_mode) else ["st_nlink", "st_ctime_ns"]
        if stat.S_ISREG(now.st_mode):
            names.append("st_atime_ns")
        changed = [name for name in names if getattr(now, name) != getattr(self.info, name)]
        assert not changed, f"{self.path}: {changed}"
        assert not self.path.is_file() or self.path.read_bytes() == self.content


class Scene:
    """Root's store and bob's and carol's trust TSMA. `vault` is root's alone.

    In the vault lies a whole store that would be affected too, and a file with a secret.
    """

    def __init__(self, directory: Path):
        self.machine = Machine(directory)
        self.endpoint = self.machine.endpoint
        self.machine.stanzas("TSMA")
        self.trusted = self.machine.trusted("TSMA")
        self.endpoint.store(certificates=self.trusted)
        self.bob = self.endpoint.user("bob")
        self.bobs = self.store_of(self.bob)
        self.stanza_of(self.bob)
        self.carols = self.store_of(self.endpoint.user("carol"))
        self.vault = self.machine.root / "etc/vault"
        self.endpoint.store(self.vault, certificates=self.trusted, version=6)
        for name in ("dsmcert.rdb", "dsmcert.crl", "shadow", "dsm.opt", "TSM.KDB"):
            (self.vault / name).write_text(f"{SECRET} SErvername {SECRET}\n")
        (self.vault / "dsm.sys").write_text(f"SErvername {SECRET}\n  TCPServeraddress {SECRET}\n")
        nested = self.vault / "IBM/SpectrumProtect"
        nested.mkdir(parents=True)
        shutil.copytree(self.vault, nested / "certs", ignore=shutil.ignore_patterns("IBM"))
        shutil.copytree(nested, self.vault / "SpectrumProtect")
        self._canaries: tuple[Canary, ...] = ()
        self._others = {hashlib.sha256(file.read_bytes()).hexdigest() for file in self.bobs.iterdir()}

    def user_alone(self, name: str) -> User:
        """A user whose number no test beside this one has: whose processes are counted, or ended."""
        return self.endpoint.user(name, 40_000 + os.getpid() % 20_000)

    def store_of(self, user: User) -> Path:
        """A store of the user's in its home, trusting TSMA."""
        return self.endpoint.store(user=user, certificates=self.trusted)

    def stanza_of(self, user: User) -> None:
        """A stanza and a stored password of the user's own, for TSMA."""
        name = user.name.upper()
        place = f"/home/{user.name}/adsm"
        self.endpoint.stanza(
            name, self.machine.server("TSMA"), node=f"NODE_{name}", passworddir=place, owner=user
        )

    def renew(self) -> None:
        """TSMA has a new certificate, and the nodes may fetch it."""
        self.machine.renew("TSMA")
        for name in ("TSMA", "BOB"):
            self.machine.servers["TSMA"].update_node(f"NODE_{name}", "TRANSITIONAL")

    def close_vault(self) -> None:
        """From now on nothing in the vault may change, be read, or be told."""
        self.vault.chmod(0o700)
        for path in sorted(self.vault.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)
        self._canaries = tuple(Canary.of(path) for path in (self.vault, *sorted(self.vault.rglob("*"))))

    def require_untouched(self, *answers: Answer) -> None:
        """The vault is as it was; nothing of it stands in an answer or in the state directory."""
        for canary in self._canaries:
            canary.require_untouched()
        hashes = [hashlib.sha256(canary.content).hexdigest() for canary in self._canaries if canary.content]
        told = [SECRET, *(item for item in hashes if item not in self._others)]
        for answer in answers:
            for text in told:
                assert text not in answer.stdout + answer.stderr
        for path in self.machine.state.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert SECRET.encode() not in content, path
                assert not any(text.encode() in content for text in told), path

    def as_user(self, user: User, code: str, *arguments: str | Path) -> subprocess.Popen[str]:
        """A Python program that the user runs; whoever starts it also ends it."""
        python = runtime()
        return subprocess.Popen(
            [str(python.python), "-I", "-c", code, *map(str, arguments)],
            env={"LD_LIBRARY_PATH": str(python.libraries), "HOME": str(user.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd="/",
            user=user.uid,
            group=user.gid,
            extra_groups=[],
        )


def give(user: User, *paths: Path) -> None:
    """The paths themselves are the user's, links too."""
    for path in paths:
        os.lchown(path, user.uid, user.gid)


def links_to(target: Path, path: Path, user: User) -> None:
    """In place of what was at `path` is a link of the user's."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    point_to(target, path, user)


def point_to(target: Path, path: Path, user: User) -> None:
    """A link of the user's, relative: it leads there for whoever follows it, however the root is called."""
    path.symlink_to(os.path.relpath(target, path.parent))
    give(user, path)


def traced(argv: Sequence[str], output: Path, calls: str, **options: object) -> list[str]:
    """What strace saw of those calls while the program ran, in every process; a line for each call."""
    words = ["strace", "-f", "-qq", "-s", "400", "-v", "-e", f"trace={calls}", "-o", str(output), *argv]
    subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120, **options)  # type: ignore[call-overload]
    return whole_calls(output.read_text(encoding="utf-8", errors="replace").splitlines())


_BEGUN, _RESUMED = (
    re.compile(r"(\d+) +(.*) <unfinished \.\.\.>"),
    re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)"),
)


def whole_calls(lines: Sequence[str]) -> list[str]:
    """strace's lines, put together where another process's call came in between."""
    whole: list[str] = []
    begun: dict[str, int] = {}
    for line in lines:
        if (match := _RESUMED.fullmatch(line)) and match[1] in begun:
            whole[begun.pop(match[1])] += match[2]
            continue
        match = _BEGUN.fullmatch(line)
        if match:
            begun[match[1]] = len(whole)
        whole.append(f"{match[1]} {match[2]}" if match else line)
    return whole


PYTHON = sys.executable
