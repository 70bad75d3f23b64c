"""Reads certificates: by `cryptography` where the machine has one that can be used, else by ourselves.

Owns what is known about that library and its versions: no other module of `src` imports it. It is loaded with
the first certificate: it costs more start-up time than all the rest. Where there is none, an older one than
36, or one that does not load, `by_hand` reads, which refuses whatever the library refuses. Signatures are not
checked then: nothing counts as signed by another.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timezone
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dsmcertfix.ibm.key_database.parts import Extensions, Name, Reading
from dsmcertfix.ibm.key_database.spelling import respelled, signed_part

if TYPE_CHECKING:
    from cryptography import x509

_REMEMBERED = 65536
_FLOOR = 36
"""The first version that gives everything asked for here (RHEL 9 and SLES 15 have 36 and 41)."""

UNCHECKED = (
    "no signature was checked, so no chain to a CA could be proved: this Python has no cryptography of "
    f"version {_FLOOR} or newer"
)
"""What a report says once of certificates that were read without it."""


@lru_cache(maxsize=1)
def library() -> str | None:
    """The version of `cryptography` that reads; None where none is there that can."""
    try:
        with quiet():
            import cryptography

            if int(cryptography.__version__.partition(".")[0]) < _FLOOR:
                return None
            from cryptography import exceptions, x509  # noqa: F401
            from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa  # noqa: F401
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except (
        BaseException
    ):  # one that was built for something else: its Rust part panics, which is no Exception
        return None
    return str(cryptography.__version__)


@contextmanager
def quiet() -> Iterator[None]:
    """No warning of an odd certificate comes through: it is reported, not judged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@lru_cache(maxsize=_REMEMBERED)
def load(der: bytes) -> Reading:
    """The certificate, or where GSKit reads more than the parser, what it says in strict DER (spelling.py).

    Each is parsed once. Raises whatever the parser meets; never warns, of odd serial numbers for one.
    """
    if library() is not None:
        return _read(_parsed(der))
    from dsmcertfix.ibm.key_database import by_hand

    try:
        return by_hand.read(der)
    except ValueError as strict:
        try:
            return by_hand.read(respelled(der))
        except ValueError:
            raise strict from None


@lru_cache(maxsize=_REMEMBERED)
def signed(issuer: bytes, other: bytes) -> bool | None:
    """Whether the key of the first certificate signed the second; None where that cannot be checked here."""
    if library() is None:
        return None
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

    try:
        below, key = _parsed(other), _parsed(issuer).public_key()
        signature, content = below.signature, signed_part(other)
        parameters, digest = _parameters(below, key), below.signature_hash_algorithm
    except Exception:  # one of the two is no certificate, or of a kind that is not known
        return None
    try:
        match key:
            case rsa.RSAPublicKey():
                key.verify(signature, content, parameters, digest)  # type: ignore[arg-type]
            case ec.EllipticCurvePublicKey():
                key.verify(signature, content, parameters)
            case dsa.DSAPublicKey():
                key.verify(signature, content, digest)  # type: ignore[arg-type]
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, content)
            case _:
                return False
    except (InvalidSignature, TypeError, ValueError, AttributeError):
        return False
    except UnsupportedAlgorithm:
        return None
    return True


def _parameters(below: x509.Certificate, key: object) -> Any:
    """How the key is used. Raises LookupError for what versions before 41 do not tell."""
    if hasattr(below, "signature_algorithm_parameters"):
        return below.signature_algorithm_parameters
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    if below.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10":
        raise LookupError("the parameters of RSASSA-PSS")
    digest = below.signature_hash_algorithm
    elliptic = isinstance(key, ec.EllipticCurvePublicKey)
    return ec.ECDSA(digest) if elliptic and digest is not None else padding.PKCS1v15()


@lru_cache(maxsize=_REMEMBERED)
def _parsed(der: bytes) -> x509.Certificate:
    with quiet():
        try:
            return _with_names(der)
        except MemoryError:
            # Another spelling would take more of what there is no more of.
            raise
        except Exception as strict:  # the parser raises whatever it meets
            try:
                return _with_names(respelled(der))
            except Exception:
                raise strict from None


def _with_names(der: bytes) -> x509.Certificate:
    """The certificate. Raises for a name that cannot be read, too: the parser reads those later."""
    from cryptography import x509

    found = x509.load_der_x509_certificate(der)
    _ = found.subject, found.issuer
    return found


def _read(found: x509.Certificate) -> Reading:
    with quiet():
        if hasattr(found, "not_valid_after_utc"):
            begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
        else:  # before 42
            begins = found.not_valid_before.replace(tzinfo=timezone.utc)
            ends = found.not_valid_after.replace(tzinfo=timezone.utc)
        names = _name(found.subject), _name(found.issuer)
        return Reading(*names, found.serial_number, begins, ends, _extensions(found))


def _name(name: x509.Name) -> Name:
    return Name(tuple(tuple((item.oid.dotted_string, item.value) for item in part) for part in name.rdns))


def _extensions(found: x509.Certificate) -> Extensions | None:
    from cryptography import x509

    try:
        given = tuple(found.extensions)
    except MemoryError:
        raise
    except Exception:  # the parser raises whatever it meets
        return None
    ca = length = signs = None
    for item in given:
        if isinstance(item.value, x509.BasicConstraints):
            ca, length = item.value.ca, item.value.path_length
        elif isinstance(item.value, x509.KeyUsage):
            signs = item.value.key_cert_sign
    constrained = any(isinstance(item.value, x509.NameConstraints) for item in given)
    critical = tuple(item.oid.dotted_string for item in given if item.critical)
    return Extensions(ca, length, signs, constrained, critical)
