"""The ways in which the played client misbehaves on request. Everything it leaves running ends by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal, get_args

from dsmbench.lookup import STORE

DsmcTrouble = Literal[
    "hang",  # says its banner and sleeps
    "hang-hard",  # the same, deaf to SIGTERM, SIGINT and SIGHUP
    "crash",  # dies of SIGSEGV before it does anything
    "french",  # speaks French, in Latin-1, whatever LC_ALL says
    "french-no-codes",  # the same, without ANS codes
    "stderr-1mb",  # writes 1 MB to standard error, then works
    "stdout-1mb",  # writes 1 MB to standard output, then works
    "wrong-certificate",  # stores another certificate than the server presented
    "half-write",  # leaves half a key database after the fetch and fails
    "dies-half-way",  # leaves half a key database after the fetch and is killed
    "exit-0-but-fails",  # fails, and returns 0
    "claims-success",  # has its session, stores nothing
    "writes-elsewhere",  # stores the certificate in another directory
    "deletes-store",  # deletes key database and stash after the fetch and fails
    "meets-another",  # another session of it stores the certificate right before it does
    "opens-modes",  # leaves its store readable and writable by all after the fetch
    "spawns-lingering-child",  # leaves a child that holds its output open
    "prompts",  # asks for a password although one is stored
]
DsmcFalsehood = Literal[  # what nobody says that the real client does, or does not
    "needs-index",  # cannot open a key database without an index file
    "other-label",  # gives what it fetched a label that names no server
    "brings-back-stale",  # also stores, after the fetch, what lies in `STALE`
    "stores-authority",  # stores the last certificate of the chain, not the server's own
    "distrusts-added",  # trusts nothing that it did not fetch itself
    "no-tls-line",  # does not say which protocol and cipher a session has
    "saves-failover",  # rewrites its option file after a session, as the failover data that it got say
    "warns",  # has its session, and returns 8
]
_FAILOVER = """*** These options should not be changed manually
REPLSERVERNAME TARGET
   REPLTCPSERVERADDRESS 192.0.2.9
   REPLTCPPORT 1500
   REPLSSLPORT 1543
   REPLSERVERGUID 60.4a.40.e1.9a.01.11.e8.9d.27.00.0c.29.a2.9b.6c
"""
"""As the manual of REPLSERVERNAME shows it (8.2.2), before the stanzas."""
NAMES: tuple[str, ...] = get_args(DsmcTrouble)
FALSEHOODS: tuple[str, ...] = get_args(DsmcFalsehood)
LINGER_S = 120
STALE = Path(".dsmbench", "stale.der")


class Trouble:
    """The switches of one run."""

    def __init__(self, names: tuple[str, ...], root: str):
        if unknown := set(names) - {*NAMES, *FALSEHOODS}:
            raise ValueError(f"no such trouble: {', '.join(sorted(unknown))}")
        self._names = names
        self._root = root

    @property
    def french(self) -> bool:
        """Whether the client speaks French."""
        return "french" in self._names or "french-no-codes" in self._names

    @property
    def codes(self) -> bool:
        """Whether its messages have codes."""
        return "french-no-codes" not in self._names

    @property
    def prompts(self) -> bool:
        """Whether it asks for a password although it has one."""
        return "prompts" in self._names

    @property
    def skips_the_fetch(self) -> bool:
        """Whether it does not store what it was given."""
        return "claims-success" in self._names

    @property
    def meets_another(self) -> bool:
        """Whether another session of it fetches, and is faster."""
        return "meets-another" in self._names

    @property
    def claims_to_trust(self) -> bool:
        """Whether it has its session over the connection that checks nothing, whatever its store holds."""
        return not {"claims-success", "wrong-certificate"}.isdisjoint(self._names)

    @property
    def fails_with_0(self) -> bool:
        """Whether it fails, and returns 0."""
        return "exit-0-but-fails" in self._names

    def before(self) -> None:
        """What goes wrong before the client has done anything."""
        if "stderr-1mb" in self._names:
            _flood(2)
        if "stdout-1mb" in self._names:
            _flood(1)
        if "spawns-lingering-child" in self._names:
            script = f"from dsmbench.trouble import linger; linger({str(self._root)!r})"
            child = subprocess.Popen([sys.executable, "-I", "-c", script], start_new_session=True)
            child.returncode = 0  # it is to outlive us
        if "hang-hard" in self._names:
            for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), signal.SIG_IGN)
        if "hang" in self._names or "hang-hard" in self._names:
            linger(self._root)
            sys.exit(12)
        if "crash" in self._names:
            _die("SIGSEGV")

    @property
    def silent_about_tls(self) -> bool:
        """Whether it does not say what kind of session it has."""
        return "no-tls-line" in self._names

    def after_session(self, option_file: Path, stanza: str) -> None:
        """What happens to the option file: its stanzas move down, and that one gets a failover server."""
        if "saves-failover" not in self._names:
            return
        text = option_file.read_text(encoding="utf-8")
        if _FAILOVER in text:
            return
        lines = text.splitlines(keepends=True)
        own = next(
            at for at, line in enumerate(lines) if line.upper().split()[:2] == ["SERVERNAME", stanza.upper()]
        )
        lines.insert(own + 1, "   MYREPLICATIONServer TARGET\n   MYPRIMARYServername PRIMARY\n")
        option_file.write_text(
            _FAILOVER + "".join(lines) + "*** end of automatically updated options\n", "utf-8"
        )

    @property
    def success(self) -> int:
        """The return code when all went well."""
        return 8 if "warns" in self._names else 0

    def label(self, usual: str) -> str:
        """The label of what is fetched."""
        return "certificate number 1" if "other-label" in self._names else usual

    def opened(self, directory: Path, *, empty: bool) -> None:
        """What goes wrong with a store that was opened. Raises Failure."""
        from dsmbench.texts import Failure

        database = directory / f"{STORE}.kdb"
        if "needs-index" in self._names and database.exists() and not database.with_suffix(".idx").exists():
            raise Failure("ANS1593E")
        if "distrusts-added" in self._names and not empty:
            raise Failure("ANS1592E")

    def store_directory(self, right: Path, home: Path) -> Path:
        """Where the client looks for its store."""
        return home / "IBM" / "Elsewhere" / "certs" if "writes-elsewhere" in self._names else right

    def fetched(self, chain: list[bytes]) -> bytes:
        """What the client stores when it was presented that chain."""
        if "stores-authority" in self._names:
            return chain[-1]
        if "wrong-certificate" not in self._names:
            return chain[0]
        from dsmbench.identity import Identity

        return Identity.make().der

    def after_fetch(self, directory: Path) -> None:
        """What goes wrong with the store after the fetch. Raises Failure for a client that notices."""
        from dsmbench.texts import Failure

        database = directory / f"{STORE}.kdb"
        if "opens-modes" in self._names:
            for file in directory.glob(f"{STORE}.*"):
                file.chmod(0o666)
        if "brings-back-stale" in self._names:
            from dsmbench import gskit

            gskit.add(database, "brought back", Path(self._root, STALE).read_bytes())
        if "half-write" in self._names or "dies-half-way" in self._names:
            os.truncate(database, database.stat().st_size // 2)
        if "dies-half-way" in self._names:
            _die("SIGKILL")
        if "deletes-store" in self._names:
            database.unlink()
            database.with_suffix(".sth").unlink()
        if "half-write" in self._names or "deletes-store" in self._names:
            raise Failure("ANS1592E")


def linger(root: str) -> None:
    """Two minutes have passed, or the endpoint's root is gone."""
    end = time.monotonic() + LINGER_S
    while Path(root).exists() and time.monotonic() < end:
        time.sleep(0.1)


def _flood(descriptor: int) -> None:
    line = b"the played client writes a great deal of this\n"
    with os.fdopen(os.dup(descriptor), "wb") as stream:
        stream.write(line * (2**20 // len(line) + 1))


def _die(name: str) -> None:
    """This process is dead of that signal; on Windows, of what comes nearest."""
    if sys.platform == "win32":
        access_violation = 0xC0000005 - (1 << 32)
        os._exit(access_violation if name == "SIGSEGV" else 1)
    import resource

    number = getattr(signal, name)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
