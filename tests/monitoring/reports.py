"""The reports of `detect` in every state that a machine can be in."""

from __future__ import annotations

from dsmcertfix.errors import (
    ACTION_NEEDED,
    CannotReconnect,
    DsmcertfixError,
    InternalError,
    Interrupted,
    NotFound,
    NotPermitted,
    StoreUnreadable,
    Unrecovered,
    UsageError,
)
from dsmcertfix.report.result import CertificateReport, PresentedReport, Report, StoreReport

AT = "2026-11-24T04:43:14Z"
HOME = "/home/alice/IBM/StorageProtect/certs"


def certificate(name: str = "TSM01", status: str = "ok", days: int | None = 3648) -> CertificateReport:
    """A server's certificate as a store holds it."""
    return CertificateReport(
        f"TSM server {name} self-signed key",
        f"{sum(name.encode()):064x}",
        "CN=TSM Self-Signed Certificate",
        not_before="2016-11-21T00:00:00Z",
        not_after="2036-11-20T00:00:00Z",
        days_left=days,
        kind="server",
        status=status,
        reason={
            "ok": f"{name} presents it",
            "replaced": f"{name} presents another certificate now",
            "expired": "it expired on 2026-11-14",
            "expiring": "it expires on 2026-12-10",
            "ca": "a root or CA certificate: touched only when named",
        }.get(status, "the server was not asked"),
    )


def store(*certificates: CertificateReport, directory: str = HOME) -> StoreReport:
    """A store in a user's home."""
    return StoreReport(
        "0123456789", directory, ("a home",), "alice", ("TSM01",), 6, certificates=certificates
    )


def report(*certificates: CertificateReport, **fields: object) -> Report:
    """What `detect` found in one store."""
    told = Report("detect", "host1", stores=(store(*certificates),), at=AT)
    return told._replace(**fields)  # type: ignore[arg-type]


def failed(error: DsmcertfixError) -> Report:
    """What `detect` says when it ended in that error."""
    return Report(
        "detect", "host1", comment=error.message, exit_code=error.untouched, problem=error.problem(), at=AT
    )


HEALTHY = report(certificate(), comment=f"no action needed: 1 store checked in {HOME}")
REPLACED = report(
    certificate(),
    certificate("TSM02", "replaced", -10),
    comment=f"action needed: in {HOME}",
    exit_code=ACTION_NEEDED,
)
EXPIRED = report(certificate("TSM02", "expired", -10), exit_code=ACTION_NEEDED)
EXPIRING = report(certificate("TSM02", "expiring", 16), exit_code=ACTION_NEEDED)
CUT_OFF = failed(Unrecovered("run-cut-off", "run X was cut off", context=("journal: /var/lib/x",)))
ABSENT = failed(NotFound("no-store-found", "there is no dsmcert.kdb on this machine"))
NO_ANSWER = report(certificate(status="not-checked"))._replace(
    exit_code=CannotReconnect.untouched,
    problem=CannotReconnect("server-timed-out", f"tsm01:1500 did not answer; asked for {HOME}").problem(),
    servers=(PresentedReport("tsm01:1500", ("TSM01",)),),
)
UNREADABLE = failed(StoreUnreadable("file-cut-off", f"`{HOME}/dsmcert.kdb` is cut off"))
NOT_PERMITTED = failed(NotPermitted("store-not-readable", f"`{HOME}` cannot be read"))
NO_SUCH_STORE = failed(NotFound("store-not-found", f"there is no dsmcert.kdb in {HOME}"))
USAGE = failed(UsageError("usage", "No such option: --x"))
BUG = failed(InternalError("internal-error", f"a bug in dsmcertfix: {HOME}"))
INTERRUPTED = failed(Interrupted("interrupted", "interrupted by Ctrl+C"))

HEALTHY_STATES = {"healthy": HEALTHY, "absent": ABSENT}
NEEDED_STATES = {"replaced": REPLACED, "expired": EXPIRED, "expiring": EXPIRING, "cut-off": CUT_OFF}
UNKNOWN_STATES = {
    "no-answer": NO_ANSWER,
    "unreadable": UNREADABLE,
    "not-permitted": NOT_PERMITTED,
    "no-such-store": NO_SUCH_STORE,
    "usage": USAGE,
    "bug": BUG,
    "interrupted": INTERRUPTED,
}
STATES = HEALTHY_STATES | NEEDED_STATES | UNKNOWN_STATES
