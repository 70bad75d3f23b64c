"""IBM's own key database program as an engine: `gsk8capicmd_64` edits the private copy.

The password never passes through here (`-stashed`, never `-pw`). The program can hang on a key database of an
earlier client level (APAR IT41127), which is why each run has a time limit.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dsmcertfix import budgets
from dsmcertfix.errors import EditFailed, NotFound, NotPermitted, StoreUnreadable
from dsmcertfix.ibm.client.secrets import GSKIT_SAID
from dsmcertfix.ibm.key_database.chain import trusted
from dsmcertfix.model import Certificate
from dsmcertfix.system.process.output import Completed
from dsmcertfix.system.process.run import clean_environment, run

if TYPE_CHECKING:
    from dsmcertfix.ibm.key_database.kdb import KeyDatabase

_TROUBLE = re.compile(r"\bCTGSK\d{4}[EWS]\b")
# What reaches the program unchanged under LC_ALL=C and is neither an option nor quoting.
_SAFE_LABEL = re.compile(r"(?![-@ ])[ -~]{1,255}(?<! )\Z")
_UNSAFE = ('"', "\\")


@dataclass(frozen=True, slots=True)
class GskitEngine:
    """Edits with the program at `program`, which the caller has found worthy of trust.

    `environment` is what leads the program to its libraries, nothing else. `timeout_s` is for each run.
    """

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 60.0
    name: str = "gskit"

    def delete(self, database: Path, certificates: Sequence[Certificate]) -> None:
        """See Engine. Raises EditFailed also when a label is not safe on a command line, and for too many.

        The program deletes one label a run; the time limit is for all of them.
        """
        from dsmcertfix.ibm.key_database import kdb

        if len(certificates) > budgets.GSKIT_DELETIONS.cap:
            raise EditFailed(
                "too-many-labels-for-gskit",
                f"gsk8capicmd deletes one label a run, and {len(certificates)} are to go",
                context=(f"at most {budgets.GSKIT_DELETIONS.cap} runs",),
            )
        labels = [_require_safe(item.label) for item in certificates]
        # The program goes by the label alone; what is under it must be the certificate that is meant.
        read, password = read_copy(database)
        kdb.remove_all(read, password, ((item.label, item.sha256) for item in certificates))
        end = time.monotonic() + self.timeout_s
        for label in labels:
            self._edit(database, "-delete", label, until=end)

    def add(self, database: Path, label: str, der: bytes) -> None:
        """See Engine. Raises EditFailed also when the label is not safe on a command line."""
        _require_safe(label)
        file = database.with_name("added.arm")
        try:
            file.write_text(_armoured(der), encoding="ascii")
            self._edit(database, "-add", label, "-file", str(file), "-format", "ascii")
        finally:
            file.unlink(missing_ok=True)

    def _edit(self, database: Path, action: str, label: str, *more: str, until: float | None = None) -> None:
        """The program said that it did `action`, and the key database has changed. Raises EditFailed.

        `until` is the monotonic time at which it is stopped, when others have taken some of the limit.
        """
        before = database.read_bytes()
        argv = [str(self.program), "-cert", action, "-db", str(database), "-stashed", "-label", label, *more]
        try:
            completed = run(
                argv,
                env=clean_environment(additions={"HOME": str(database.parent), **self.environment}),
                timeout_s=self.timeout_s if until is None else max(0.0, until - time.monotonic()),
                cwd=database.parent,
            )
        except (NotFound, NotPermitted) as error:
            raise EditFailed("gskit-not-runnable", error.message, hint=error.hint) from error
        self._require_success(completed, action, label)
        if database.read_bytes() == before:
            raise _failed(
                "gskit-changed-nothing", f"reported success for {action} and did nothing", completed
            )

    def _require_success(self, completed: Completed, action: str, label: str) -> None:
        if completed.timed_out:
            raise _failed(
                "gskit-timed-out",
                f"did not finish {action} within {self.timeout_s:g} seconds and was stopped",
                completed,
                hint="APAR IT41127: it can hang on a key database from before a client upgrade. Use "
                "`--engine native`.",
            )
        if completed.returncode != 0 or _TROUBLE.search(completed.stdout + completed.stderr):
            raise _failed(
                "gskit-refused",
                f"refused {action} of {label!r} (return code {completed.returncode})",
                completed,
            )


def _failed(code: str, what: str, completed: Completed, hint: str | None = None) -> EditFailed:
    said = tuple(f"{GSKIT_SAID}{line}" for line in completed.tail())
    return EditFailed(code, f"gsk8capicmd {what}", context=said, hint=hint)


def _require_safe(label: str) -> str:
    if not _SAFE_LABEL.match(label) or any(character in label for character in _UNSAFE):
        raise EditFailed(
            "label-not-safe-for-gskit",
            f"the label {label!r} cannot be given to gsk8capicmd on its command line",
        )
    return label


def _armoured(der: bytes) -> str:
    """The certificate as GSKit's `-format ascii` reads it."""
    text = base64.b64encode(der).decode("ascii")
    lines = (text[start : start + 64] for start in range(0, len(text), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))


class Engine(Protocol):
    """Edits a key database in a private directory, with its stash file beside it. Never a live store.

    Whatever an engine raises, the private copy may be half-written and is thrown away by the caller.
    """

    @property
    def name(self) -> str:
        """The name by which a plan, a journal and `--engine` know it."""
        ...

    def delete(self, database: Path, certificates: Sequence[Certificate]) -> None:
        """They (label and fingerprint) are gone from the copy at `database`, and nothing else is.

        Raises StoreUnreadable, and EditFailed when one of them is not there or could not be deleted.
        """
        ...

    def add(self, database: Path, label: str, der: bytes) -> None:
        """The copy at `database` also holds the certificate `der` (X.509 DER) as trusted, under `label`.

        Raises StoreUnreadable, and EditFailed when the label is taken or the certificate could not be added.
        """
        ...


def read_copy(database: Path) -> tuple[KeyDatabase, bytes]:
    """The private copy's key database and its password. Raises StoreUnreadable."""
    from dsmcertfix.ibm.key_database import kdb, stash

    try:
        content = database.read_bytes()
        stashed = database.with_suffix(".sth").read_bytes()
    except FileNotFoundError as error:
        raise StoreUnreadable("store-incomplete", f"the private copy has no {error.filename}") from error
    return kdb.read(content), stash.password(stashed)


@dataclass(frozen=True, slots=True)
class NativeEngine:
    """Edits without any program. See Engine."""

    name: str = "native"

    def delete(self, database: Path, certificates: Sequence[Certificate]) -> None:
        """See Engine."""
        from dsmcertfix.ibm.key_database import kdb

        read, password = read_copy(database)
        named = ((item.label, item.sha256) for item in certificates)
        _write(database, kdb.remove_all(read, password, named))

    def add(self, database: Path, label: str, der: bytes) -> None:
        """See Engine."""
        from dsmcertfix.ibm.key_database import kdb
        from dsmcertfix.ibm.key_database.certificate import describe, describe_all

        read, password = read_copy(database)
        new = describe(der, label)
        # As GSKit marks it: by what it can verify now.
        marked = bool(trusted((*describe_all(read), new), (new,), datetime.now(timezone.utc)))
        _write(database, kdb.add(read, password, label=label, certificate=der, marked=marked))


def _write(database: Path, content: bytes) -> None:
    """The key database is `content`, on disk, or it is what it was."""
    new = database.with_name(f"{database.name}.new")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(database)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
