"""What a certificate says: a `Certificate` from DER that may be anything.

What reads it is loaded with the first certificate (reading.py).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from dsmcertfix import budgets
from dsmcertfix.ibm.key_database import reading
from dsmcertfix.ibm.key_database.chain import signing_rules
from dsmcertfix.ibm.key_database.kdb import KeyDatabase
from dsmcertfix.ibm.key_database.parts import Name, Reading
from dsmcertfix.ibm.key_database.record import Record
from dsmcertfix.model import Certificate, CertificateKind

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
    if reading.library() is None:
        from dsmcertfix.ibm.key_database import by_hand  # noqa: F401


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
    fingerprint = sha256(der).hexdigest()
    try:
        found = reading.load(der)
    except MemoryError:
        # Whoever reads it may not have more: that is no fault of the certificate.
        raise
    except Exception as error:  # the parser raises whatever it meets
        problem = f"certificate: {error or type(error).__name__}"
        return Certificate("", fingerprint, "", "", "", None, None, "unreadable", der, problem=problem)
    return Certificate(
        "",
        fingerprint,
        found.subject.text,
        found.issuer.text,
        f"{found.serial:x}",
        found.not_before,
        found.not_after,
        "personal" if personal else _kind(found, der),
        der,
    )


def _kind(found: Reading, der: bytes) -> CertificateKind:
    rules = signing_rules(der)
    if found.issuer.same(found.subject):
        leaf = rules.ca is False or rules.signs is False
        return "server" if leaf or _is_server(found.subject) else "ca"
    return "ca" if rules.ca else "other"


def _is_server(subject: Name) -> bool:
    return len(subject.attributes) == len(_SERVER) and set(subject.attributes) == _SERVER
