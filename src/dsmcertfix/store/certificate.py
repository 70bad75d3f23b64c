"""What a certificate says: a `Certificate` from DER that may be anything.

`cryptography` is imported where it is used: it costs more start-up time than all the rest. It reads many
parts only when asked for them, so each part is asked for by itself, and one that cannot be read hides no
other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from dsmcertfix.model import Certificate, CertificateKind
from dsmcertfix.store.kdb import KeyDatabase
from dsmcertfix.store.record import Record

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


def describe(der: bytes, label: str, *, personal: bool = False) -> Certificate:
    """The certificate under that label; `personal` says that its record has a private key. Never raises.

    Kind "server" is a self-signed one with the subject that all servers share, "ca" any other self-signed
    one or one that may sign others, "unreadable" one of which `problem` says what could not be read.
    Self-signed is one that names itself as issuer: the signature of an old one may be of a kind that is no
    longer checked.
    """
    return _described(der, personal)._replace(label=label)


def describe_all(database: KeyDatabase) -> tuple[Certificate, ...]:
    """What a key database shows, in its order. Records that GSKit deleted are left out. Never raises."""
    return tuple(_describe_record(record) for record in database.records if not record.deleted)


def _describe_record(record: Record) -> Certificate:
    if record.certificate is None:
        return Certificate(record.label, sha256(record.der).hexdigest(), "", "", "", None, None, "secret")
    return describe(record.certificate, record.label, personal=record.kind == "personal")


@lru_cache(maxsize=_REMEMBERED)
def _described(der: bytes, personal: bool) -> Certificate:
    """The certificate under no label: machines hold the same few certificates in many stores."""
    with warnings.catch_warnings():
        # cryptography warns of odd serial numbers; they are reported, not judged.
        warnings.simplefilter("ignore")
        return _describe(der, personal=personal)


def _describe(der: bytes, *, personal: bool) -> Certificate:
    from cryptography import x509

    fingerprint = sha256(der).hexdigest()
    problems: list[str] = []
    found = _attempt(problems, "certificate", lambda: x509.load_der_x509_certificate(der), None)
    if found is None:
        problem = "; ".join(problems)
        return Certificate("", fingerprint, "", "", "", None, None, "unreadable", der, problem=problem)
    subject = _attempt(problems, "subject", lambda: _text(found.subject), "")
    issuer = _attempt(problems, "issuer", lambda: _text(found.issuer), "")
    serial = _attempt(problems, "serial number", lambda: f"{found.serial_number:x}", "")
    not_before = _attempt(problems, "not before", lambda: found.not_valid_before_utc, None)
    not_after = _attempt(problems, "not after", lambda: found.not_valid_after_utc, None)
    kind: CertificateKind = _attempt(problems, "kind", lambda: _kind(found, personal=personal), "unreadable")
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
    except Exception as error:  # the parser raises whatever it meets
        problems.append(f"{what}: {error or type(error).__name__}")
        return otherwise


def _text(name: x509.Name) -> str:
    return name.rfc4514_string()


def _kind(found: x509.Certificate, *, personal: bool) -> CertificateKind:
    if personal:
        return "personal"
    if found.issuer == found.subject:
        return "server" if _is_server(found.subject) else "ca"
    return "ca" if _may_sign(found) else "other"


def _is_server(subject: x509.Name) -> bool:
    attributes = [(attribute.oid.dotted_string, attribute.value) for attribute in subject]
    return len(attributes) == len(_SERVER) and set(attributes) == _SERVER


def _may_sign(found: x509.Certificate) -> bool:
    """What the basic constraints say; no when there are none, or extensions that cannot be read."""
    from cryptography import x509

    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
