"""Is the renewed key database of a server right? Comparisons of what is there with what was backed up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone

from dsmcertfix.errors import DsmcertfixError, EditFailed, StoreUnreadable, SwapFailed, WrongCertificate
from dsmcertfix.ibm.certificate_file import certificates_in
from dsmcertfix.ibm.key_database import certificate, kdb, trusted
from dsmcertfix.model import Certificate, ServerFile
from dsmcertfix.system.base import StoreDirectory
from dsmcertfix.transaction.backup import Backup
from dsmcertfix.transaction.checks import check_edit


@dataclass(frozen=True, slots=True)
class Contents:
    """A key database, its stash, and the certificate in cert256.arm (DER), None when it has none."""

    database: bytes = field(repr=False)
    stash: bytes = field(repr=False)
    arm: bytes | None = field(repr=False)

    def labelled(self, label: str) -> Certificate | None:
        """The certificate of that label that has a private key. Raises StoreUnreadable."""
        for item in certificate.describe_all(kdb.read(self.database)):
            if item.label == label and item.kind == "personal":
                return item
        return None


def contents(directory: StoreDirectory[ServerFile]) -> Contents:
    """What is there now. Raises as the directory does, and FileNotFoundError."""
    arm: bytes | None = None
    if directory.present(ServerFile.ARM):
        try:
            (arm, *_) = certificates_in(directory.read(ServerFile.ARM))
        except ValueError:
            arm = None
    return Contents(directory.read(ServerFile.KDB), directory.read(ServerFile.STH), arm)


def check_renewed(before: bytes, now: Contents, old: Certificate, at: datetime) -> Certificate:
    """The new certificate: it has a new key, is in date and in cert256.arm, and has replaced the old one.

    Every other entry is byte for byte as in `before`. Raises WrongCertificate and SwapFailed.
    """
    try:
        new = now.labelled(old.label)
        if new is None:
            raise WrongCertificate("server-made-none", f"the server made no certificate `{old.label}`")
        _require_new(new, old, at)
        if now.arm != new.der:
            raise WrongCertificate(
                "arm-differs",
                f"{ServerFile.ARM.value} and the key database have different certificates",
                context=(f"key database: SHA-256 {new.sha256}",),
            )
        check_edit(before, now.database, now.stash, ((old.label, old.der),), ((new.label, new.der),))
    except (EditFailed, StoreUnreadable) as error:
        raise SwapFailed(
            "server-entries-changed",
            f"the key database is not what it should be: {error.message}",
            context=error.context,
        ) from error
    return new


def _require_new(new: Certificate, old: Certificate, at: datetime) -> None:
    facts = (f"old: SHA-256 {old.sha256}", f"new: SHA-256 {new.sha256}")
    if trusted.index(new.der).public_key == trusted.index(old.der).public_key:
        raise WrongCertificate("server-key-not-new", "the new certificate has the old key", context=facts)
    starts, ends = new.not_before, new.not_after
    if (starts is not None and starts > at) or (ends is not None and ends < at):
        raise WrongCertificate(
            "server-certificate-not-in-date",
            f"the new certificate is valid from {starts} until {ends}, and not now",
            context=facts,
            hint="Check the clock of this machine.",
        )


def is_renewed(
    backup: Backup[ServerFile], directory: StoreDirectory[ServerFile], label: str
) -> Certificate | None:
    """The new certificate, where what is there is a whole renewal of what was backed up; None otherwise."""
    try:
        before = backup.content(ServerFile.KDB)
        was = Contents(before, b"", None).labelled(label)
        now = contents(directory)
        return check_renewed(before, now, was, datetime.now(timezone.utc)) if was is not None else None
    except (OSError, DsmcertfixError):
        return None
