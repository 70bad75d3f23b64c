"""IBM's own key database program as an engine: `gsk8capicmd_64` edits the private copy.

The password never passes through here (`-stashed`, never `-pw`). The program can hang on a key database of an
earlier client level (APAR IT41127), which is why each run has a time limit.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dsmcertfix.client.engine import read_copy
from dsmcertfix.errors import EditFailed, NotFound, NotPermitted
from dsmcertfix.model import Certificate
from dsmcertfix.process import clean_environment, run
from dsmcertfix.process_output import Completed

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

    def delete(self, database: Path, certificate: Certificate) -> None:
        """See Engine. Raises EditFailed also when the label is not safe on a command line."""
        from dsmcertfix.store import kdb

        label = _require_safe(certificate.label)
        # The program goes by the label alone; what is under it must be the certificate that is meant.
        read, password = read_copy(database)
        kdb.remove(read, password, label=label, sha256=certificate.sha256)
        self._edit(database, "-delete", label)

    def add(self, database: Path, label: str, der: bytes) -> None:
        """See Engine. Raises EditFailed also when the label is not safe on a command line."""
        _require_safe(label)
        file = database.with_name("added.arm")
        try:
            file.write_text(_armoured(der), encoding="ascii")
            self._edit(database, "-add", label, "-file", str(file), "-format", "ascii")
        finally:
            file.unlink(missing_ok=True)

    def _edit(self, database: Path, action: str, label: str, *more: str) -> None:
        """The program said that it did `action`, and the key database has changed. Raises EditFailed."""
        before = database.read_bytes()
        argv = [str(self.program), "-cert", action, "-db", str(database), "-stashed", "-label", label, *more]
        try:
            completed = run(
                argv,
                env=clean_environment(additions={"HOME": str(database.parent), **self.environment}),
                timeout_s=self.timeout_s,
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
    said = tuple(f"gsk8capicmd: {line}" for line in completed.tail())
    return EditFailed(code, f"gsk8capicmd {what}", context=said, hint=hint)


def _require_safe(label: str) -> str:
    if not _SAFE_LABEL.match(label) or any(character in label for character in _UNSAFE):
        raise EditFailed(
            "label-not-safe-for-gskit",
            f"the label {label!r} cannot be given to gsk8capicmd on its command line",
            hint="Use `--engine native`.",
        )
    return label


def _armoured(der: bytes) -> str:
    """The certificate as GSKit's `-format ascii` reads it."""
    text = base64.b64encode(der).decode("ascii")
    lines = (text[start : start + 64] for start in range(0, len(text), 64))
    return "\n".join(("-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""))
