"""From options to what the use cases understand. Raises UsageError for what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from dsmcertfix.cli.arguments import PROBE_LIMIT_S
from dsmcertfix.errors import UsageError
from dsmcertfix.fingerprint import normalised, of_file
from dsmcertfix.host import Limits
from dsmcertfix.selection import Selection

if TYPE_CHECKING:
    from dsmcertfix.plan import EngineChoice, Policy


class Switches(NamedTuple):
    """How `fix` was told to depart from its usual way."""

    no_preflight: bool
    no_reconnect: bool
    keep_index: bool
    engine: str
    jobs: int = 1
    restart_services: bool = False


def selection(
    servers: list[str] | None,
    labels: list[str] | None,
    fingerprints: list[str] | None,
    stores: list[Path] | None,
    *,
    expired: bool,
    expires_within: int,
    whole: bool = False,
) -> Selection:
    """What was asked for. Raises UsageError for a fingerprint that is none."""
    return Selection(
        tuple(servers or ()),
        tuple(labels or ()),
        tuple(normalised(text) for text in fingerprints or ()),
        tuple(path.absolute() for path in stores or ()),
        expired,
        whole,
        expires_within,
    )


def policy(sha256: str | None, file: Path | None, switches: Switches) -> Policy:
    """How it is to be done. Raises UsageError and NotFound for an expected certificate that is none."""
    from dsmcertfix.plan import Policy

    if sha256 is not None and file is not None:
        raise UsageError("two-expectations", "give `--expect-sha256` or `--expect-file`, not both")
    expected = normalised(sha256) if sha256 is not None else of_file(file) if file is not None else None
    if expected is not None and switches.no_reconnect:
        raise UsageError(
            "expectation-without-reconnect",
            "`--no-reconnect` fetches no certificate that could be compared with the expected one",
        )
    return Policy(
        expected,
        not switches.no_preflight,
        not switches.no_reconnect,
        switches.keep_index,
        cast("EngineChoice", switches.engine),
        file.absolute() if file is not None else None,
        switches.jobs,
        switches.restart_services,
    )


def limits(timeout_s: float, wait_s: float = 0.0) -> Limits:
    """The time limits."""
    return Limits(timeout_s, min(timeout_s, PROBE_LIMIT_S), wait_s)
