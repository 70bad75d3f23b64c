"""From options to what the use cases understand. Raises UsageError for what makes no sense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dsmcertfix.cli.options import PROBE_LIMIT_S
from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.certificate_file import normalised, of_file
from dsmcertfix.planning.selection import Selection
from dsmcertfix.system.host import Host, Limits

if TYPE_CHECKING:
    from dsmcertfix.cli.groups import Departing, Expecting, Selecting
    from dsmcertfix.planning.pins import Pin
    from dsmcertfix.planning.steps import RunOptions


def selection(asked: Selecting, *, whole: bool = False) -> Selection:
    """What was asked for. Raises UsageError for a fingerprint that is none."""
    return Selection(
        tuple(asked.server or ()),
        tuple(asked.label or ()),
        tuple(normalised(text) for text in asked.fingerprint or ()),
        tuple(path.absolute() for path in asked.store or ()),
        asked.expired,
        whole,
        asked.expires_within,
    )


def run_options(
    expecting: Expecting, departing: Departing, policy: Path | None = None, *, unattended: bool = False
) -> RunOptions:
    """How it is to be done; what nobody expects is trusted where a person is asked, or says so.

    Raises UsageError and NotFound for an expected certificate that is none.
    """
    from dsmcertfix.planning.steps import RunOptions

    pins = (*map(_pin, expecting.expect_sha256 or ()), *map(_pin_of_file, expecting.expect_file or ()))
    if pins and departing.no_reconnect:
        raise UsageError(
            "expectation-without-reconnect",
            "`--no-reconnect` fetches no certificate that could be compared with the expected one",
        )
    return RunOptions(
        pins,
        expecting.trust_on_first_use or not (pins or unattended),
        not departing.no_preflight,
        not departing.no_reconnect,
        departing.keep_index,
        departing.engine.value,
        policy=policy,
    )


def spread_s(given: str | None) -> float | None:
    """The time in seconds. Raises UsageError for what is none."""
    from dsmcertfix.planning.policy_text import span_s

    seconds = span_s(given) if given is not None else None
    if given is not None and seconds is None:
        raise UsageError("not-a-time", f"`{given}` is no time of at most a day, as `4h` or `30m`")
    return seconds


def require_policy(host: Host, given: Path | None) -> None:
    """Raises UsageError where nobody is asked, and neither options nor a policy say what to expect."""
    if host.policy_file(given) is None:
        raise UsageError(
            "nothing-expected",
            "nobody said which certificate to expect: `fix --yes` would trust whoever answers",
        )


def _pin(text: str) -> Pin:
    """From HEX, as people paste it, or SERVER=HEX. Raises UsageError for anything else."""
    from dsmcertfix.planning.pins import Pin

    try:
        return Pin(normalised(text))
    except UsageError:
        server, between, rest = text.rpartition("=")
        if not between or not server.strip():
            raise
        return Pin(normalised(rest), server.strip())


def _pin_of_file(text: str) -> Pin:
    """From FILE, or SERVER=FILE where no file has the whole as its name. Raises as `of_file` does."""
    from dsmcertfix.planning.pins import Pin

    server, file = file_of_server(text)
    return Pin(of_file(file), server, file.absolute())


def file_of_server(text: str) -> tuple[str | None, Path]:
    """From FILE, or SERVER=FILE where no file has the whole as its name."""
    server, between, rest = text.partition("=")
    whole = not between or not server.strip() or Path(text).exists()
    return (None, Path(text)) if whole else (server.strip(), Path(rest))


def limits(timeout_s: float, wait_s: float = 0.0) -> Limits:
    """The time limits."""
    return Limits(timeout_s, min(timeout_s, PROBE_LIMIT_S), wait_s)
