"""What a certificate says: a `Certificate` from DER that may be anything.

`cryptography` is imported where it is used: it costs more start-up time than all the rest. It reads many
parts only when asked for them, so each part is asked for by itself, and one that cannot be read hides no
other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from dsmcertfix import budgets
from dsmcertfix.ibm.key_database.chain import load, quiet, signing_rules
from dsmcertfix.ibm.key_database.kdb import KeyDatabase
from dsmcertfix.ibm.key_database.record import Record
from dsmcertfix.model import Certificate, CertificateKind

if TYPE_CHECKING:
    from cryptography import x509

T = TypeVar("T")

_REMEMBERED = 65536
"""Certificates that are read once however many stores hold them; more than a machine has."""

# The subject of every server's own certificate (IT42905), by the dotted names of C, O, OU and CN.
_SERVER = {
    ("2.5.4.6", "US"),
    ("2.5.4.10", "TSM"),
    ("2.5.4.11", "TSM Network"),
    ("2.5.4.3", "TSM Self-Signed Certificate"),
}


def prepare() -> None:
    """What describing needs is loaded: a process with an ordinary user's rights may not be able to."""
    from cryptography import exceptions, x509  # noqa: F401
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa  # noqa: F401


def describe(der: bytes, label: str, *, personal: bool = False) -> Certificate:
    """The certificate under that label; `personal` says that its record has a private key. Never raises.

    Kind "server" is a self-signed one with the subject that all servers share, or that may sign no others,
    "ca" any other self-signed one or one that says that it is a CA, "unreadable" one of which `problem` says
    what could not be read.
    Self-signed is one that names itself as issuer: the signature of an old one may be of a kind that is no
    longer checked.
    """
    return _described(der, personal)._replace(label=label)


def describe_all(database: KeyDatabase) -> tuple[Certificate, ...]:
    """What a key database shows, in its order. Records that GSKit deleted are left out. Never raises.

    A label over its budget is cut: it can be shown, and nothing can be deleted by it.
    """
    return tuple(_describe_record(record) for record in database.records if not record.deleted)


def too_long(database: KeyDatabase) -> int:
    """How many of those labels are over their budget."""
    cap = budgets.LABEL.cap
    return sum(len(record.label_bytes) > cap for record in database.records if not record.deleted)


def _describe_record(record: Record) -> Certificate:
    label, cap = record.label, budgets.LABEL.cap
    if len(record.label_bytes) > cap:
        label = f"{label[:cap]}..."
    if record.certificate is None:
        return Certificate(label, sha256(record.der).hexdigest(), "", "", "", None, None, "secret")
    found = describe(record.certificate, label, personal=record.kind == "personal")
    return found if record.trusted else found._replace(trusted=False)


@lru_cache(maxsize=_REMEMBERED)
def _described(der: bytes, personal: bool) -> Certificate:
    """The certificate under no label: machines hold the same few certificates in many stores."""
    with quiet():
        return _describe(der, personal=personal)


def _describe(der: bytes, *, personal: bool) -> Certificate:
    fingerprint = sha256(der).hexdigest()
    problems: list[str] = []
    found = _attempt(problems, "certificate", lambda: load(der), None)
    if found is None:
        problem = "; ".join(problems)
        return Certificate("", fingerprint, "", "", "", None, None, "unreadable", der, problem=problem)
    subject = _attempt(problems, "subject", lambda: _text(found.subject), "")
    issuer = _attempt(problems, "issuer", lambda: _text(found.issuer), "")
    serial = _attempt(problems, "serial number", lambda: f"{found.serial_number:x}", "")
    not_before = _attempt(problems, "not before", lambda: found.not_valid_before_utc, None)
    not_after = _attempt(problems, "not after", lambda: found.not_valid_after_utc, None)
    kind: CertificateKind = _attempt(
        problems, "kind", lambda: _kind(found, der, personal=personal), "unreadable"
    )
    return Certificate(
        "",
        fingerprint,
        subject,
        issuer,
        serial,
        not_before,
        not_after,
        "unreadable" if problems else kind,
        der,
        problem="; ".join(problems) or None,
    )


def _attempt(problems: list[str], what: str, get: Callable[[], T], otherwise: T) -> T:
    """What `get` returns; when it raises, `otherwise`, and `problems` has one more line."""
    try:
        return get()
    except MemoryError:
        # Whoever reads it may not have more: that is no fault of this part alone.
        raise
    except Exception as error:  # the parser raises whatever it meets
        problems.append(f"{what}: {error or type(error).__name__}")
        return otherwise


def _text(name: x509.Name) -> str:
    return name.rfc4514_string()


def _kind(found: x509.Certificate, der: bytes, *, personal: bool) -> CertificateKind:
    if personal:
        return "personal"
    rules = signing_rules(der)
    if found.issuer == found.subject:
        leaf = rules.ca is False or rules.signs is False
        return "server" if leaf or _is_server(found.subject) else "ca"
    return "ca" if rules.ca else "other"


def _is_server(subject: x509.Name) -> bool:
    attributes = [(attribute.oid.dotted_string, attribute.value) for attribute in subject]
    return len(attributes) == len(_SERVER) and set(attributes) == _SERVER
