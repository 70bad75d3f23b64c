"""Certificates that GSKit reads though they are no good DER, made with real keys and real signatures."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from dsmbench import formats, gskit
from dsmbench.formats import der
from dsmbench.made import PASSWORD, made_store
from dsmcertfix.ibm.key_database import spelling
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.key_database.chain import is_self_signed, trusted
from dsmcertfix.ibm.key_database.der import Malformed
from dsmcertfix.ibm.key_database.spelling import respelled
from dsmcertfix.ibm.key_database.trusted import unopenable

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AT = datetime(2026, 6, 1, tzinfo=timezone.utc)
NAME = x509.Name(
    [
        x509.RelativeDistinguishedName(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "b", _type=_ASN1Type.PrintableString),
                x509.NameAttribute(NameOID.COMMON_NAME, "tsmXone", _type=_ASN1Type.PrintableString),
            ]
        )
    ]
)
STRICT = (
    x509.CertificateBuilder()
    .subject_name(NAME)
    .issuer_name(NAME)
    .public_key(KEY.public_key())
    .serial_number(7)
    .not_valid_before(datetime(2020, 1, 1))
    .not_valid_after(datetime(2040, 1, 1))
    .sign(KEY, hashes.SHA256())
)
TEXT, OTHER = bytes.fromhex("300e06035504031307") + b"tsmXone", bytes.fromhex("3008060355040a130162")
FIRST_DAY, LAST_DAY = b"\x17\x0d200101000000Z", b"\x17\x0d400101000000Z"
ALGORITHM = der(0x30, bytes.fromhex("06092a864886f70d01010b0500"))


def signed(old: bytes, new: bytes) -> bytes:
    """The certificate with something else in its signed part, and signed as it then is."""
    part = STRICT.tbs_certificate_bytes
    assert old in part
    part = der(0x30, part[4:].replace(old, new))
    signature = KEY.sign(part, padding.PKCS1v15(), hashes.SHA256())
    return der(0x30, part + ALGORITHM + der(3, b"\0" + signature))


def from_day(written: bytes) -> bytes:
    """The same with another first day, as UTCTime."""
    return signed(der(0x30, FIRST_DAY + LAST_DAY), der(0x30, der(0x17, written) + LAST_DAY))


ODD = {
    "a character that PrintableString has not": (signed(b"tsmXone", b"tsm@*_e"), "tsm@*_e"),
    "T61String": (signed(b"\x13\x07tsmXone", b"\x14\x07ts\xe4Xone"), "ts\xe4Xone"),
    "an RDN in another order": (signed(OTHER + TEXT, TEXT + OTHER), "tsmXone"),
    "a date without seconds": (from_day(b"2001010000Z"), "tsmXone"),
    "a date with an offset": (from_day(b"200101020000+0200"), "tsmXone"),
}
UNOPENABLE = {
    "month 13": from_day(b"201301000000Z"),
    "letters": from_day(b"2001xx000000Z"),
    "nothing": from_day(b""),
    "no certificate": b"no certificate",
    "bytes behind it": STRICT.public_bytes(Encoding.DER) + b"\0",
}
OPENED = {
    "a string of a type that GSKit does not give out": signed(b"\x13\x07tsmXone", b"\x12\x07tsmXone"),
    "a day that the month has not": from_day(b"200230000000Z"),
}


def store_with(certificate: bytes, directory: Path) -> Path:
    """A key database that has this certificate marked as trusted, which IBM's library would not add."""
    files = dict(made_store(4, False, ()))
    slot = formats.trusted(1, b"TSM server A self-signed key", certificate)
    files["dsmcert.kdb"] = formats.key_database(4, PASSWORD.encode(), [slot])
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory / "dsmcert.kdb"


@pytest.mark.parametrize("odd", ODD)
def test_what_gskit_reads_is_read_and_trusted_by_the_signature_over_its_own_bytes(odd: str) -> None:
    certificate, name = ODD[odd]
    found = describe(certificate, "label")
    assert (found.kind, found.problem, found.der) == ("ca", None, certificate)
    assert f"CN={name}" in found.subject and found.subject == found.issuer
    assert found.not_before == datetime(2020, 1, 1, tzinfo=timezone.utc)
    assert is_self_signed(found)
    assert trusted((found,), (found,), AT).chain == (found,)
    forged = describe(certificate[:-1] + bytes((certificate[-1] ^ 1,)), "label")
    assert not trusted((forged,), (forged,), AT)


@pytest.mark.parametrize("odd", ODD)
def test_gskit_opens_such_a_key_database_and_trusts_its_server(odd: str, tmp_path: Path) -> None:
    certificate, _ = ODD[odd]
    assert list(gskit.certificates(store_with(certificate, tmp_path)).values()) == [certificate]
    assert unopenable(certificate) is None


@pytest.mark.parametrize("what", UNOPENABLE)
def test_what_keeps_ibm_s_programs_from_opening_the_file_is_known_and_trusted_by_nobody(
    what: str, tmp_path: Path
) -> None:
    found = describe(UNOPENABLE[what], "label")
    assert found.kind == "unreadable"
    trust = trusted((found,), (found,), AT)
    assert (trust.chain, [flaw.kind for flaw in trust.flaws]) == ((), ["unreadable"])
    with pytest.raises(gskit.GskitError, match="OpenKeyDb: GSKKM_ERR_ASN"):
        gskit.certificates(store_with(found.der, tmp_path))
    assert unopenable(found.der) is not None


@pytest.mark.parametrize("what", OPENED)
def test_what_ibm_s_programs_open_all_the_same_is_not_called_unopenable(what: str, tmp_path: Path) -> None:
    (labels,) = gskit.run([{"op": "labels", "path": str(store_with(OPENED[what], tmp_path))}])
    assert labels == ["TSM server A self-signed key"]
    assert unopenable(OPENED[what]) is None


def test_the_strict_certificate_stays_as_it_is() -> None:
    strict = STRICT.public_bytes(Encoding.DER)
    assert describe(respelled(strict), "").subject == describe(strict, "").subject
    with pytest.raises(Malformed):
        respelled(strict + b"\0")


@pytest.mark.parametrize("date", [b"000229120000Z", b"500101000000Z", b"491231235959Z", b"991231235959Z"])
def test_a_date_of_two_digits_is_of_its_century(date: bytes) -> None:
    value = b"\x17" + bytes([len(date)]) + date
    assert spelling._date(value) == value
