"""What is said of a certificate, the odd and the broken ones included."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timezone
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.authorities import Made

from dsmbench import certificates, formats
from dsmcertfix.ibm.key_database import kdb, reading
from dsmcertfix.ibm.key_database.certificate import describe, describe_all
from dsmcertfix.ibm.key_database.record import SECRET_KEY

SERVER = certificates.make()
SHUFFLED = {key: certificates.SERVER[key] for key in ("OU", "CN", "C", "O")}
CA = certificates.make("authority", ca=True)


def patched(der: bytes, old: bytes, new: bytes, count: int = 1) -> bytes:
    assert old in der
    assert len(old) == len(new)
    return der.replace(old, new, count)


@pytest.mark.parametrize(
    ("der", "kind"),
    [
        (SERVER, "server"),
        (certificates.make(SHUFFLED), "server"),
        (certificates.make(ca=True), "server"),
        (certificates.make({**certificates.SERVER, "CN": "tsm self-signed certificate"}), "ca"),
        (certificates.make({"CN": "TSM Self-Signed Certificate"}), "ca"),
        (certificates.make(certificates.SERVER, issuer={"CN": "authority"}), "other"),
        (CA, "ca"),
        (certificates.make("self-signed"), "ca"),
        (certificates.make("self-signed", ca=False), "server"),
        (certificates.make("between", issuer={"CN": "root"}, ca=True), "ca"),
        (certificates.make("leaf", issuer={"CN": "root"}, ca=False), "other"),
        (certificates.make("leaf", issuer={"CN": "root"}), "other"),
        (b"", "unreadable"),
        (b"no certificate", "unreadable"),
        (SERVER[:-1], "unreadable"),
        (SERVER + b"\0", "unreadable"),
    ],
)
def test_the_kind_is_told_by_names_and_basic_constraints(der: bytes, kind: str) -> None:
    found = describe(der, "label")
    assert found.kind == kind
    assert (found.problem is None) == (kind != "unreadable")


def test_what_it_says_is_kept_as_facts() -> None:
    end = datetime(2027, 5, 17, 12, 30, 15, tzinfo=timezone.utc)
    der = certificates.make(serial=0x1FF, end=end)
    found = describe(der, "TSM server x")
    assert (found.label, found.sha256, found.der) == ("TSM server x", sha256(der).hexdigest(), der)
    assert sorted(found.subject.split(",")) == [
        "C=US",
        "CN=TSM Self-Signed Certificate",
        "O=TSM",
        "OU=TSM Network",
    ]
    assert found.issuer == found.subject
    assert (found.serial, found.not_before, found.not_after) == ("1ff", certificates.START, end)


def test_a_record_with_a_key_is_personal_whatever_it_says() -> None:
    assert describe(SERVER, "mine", personal=True).kind == "personal"
    assert describe(b"?", "mine", personal=True).kind == "unreadable"


@pytest.mark.parametrize(
    ("der", "named"),
    [
        (patched(SERVER, b"200101000000Z", b"201301000000Z"), "not before"),
        (patched(SERVER, b"400101000000Z", b"4001010000\xff0Z"), "not after"),
        (patched(SERVER, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"), "version"),
        (patched(SERVER, b"\x13\x02US", b"\x13\x02\xff\xfe", 2), "subject"),
    ],
)
def test_a_broken_part_makes_it_unreadable_and_says_which(der: bytes, named: str) -> None:
    found = describe(der, "broken")
    assert (found.kind, found.label, found.sha256, found.der) == (
        "unreadable",
        "broken",
        sha256(der).hexdigest(),
        der,
    )
    assert found.problem
    assert named in found.problem or found.problem.startswith("certificate: ")


def test_extensions_that_cannot_be_read_do_not_hide_a_server() -> None:
    broken = patched(certificates.make(ca=True), bytes.fromhex("0603551d13"), bytes.fromhex("0603551d0f"))
    assert describe(broken, "odd").kind == "server"
    leaf = certificates.make("leaf", issuer={"CN": "root"}, ca=True)
    assert (
        describe(patched(leaf, bytes.fromhex("30030101ff"), bytes.fromhex("3103010155")), "odd").kind
        == "other"
    )


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_changed_byte_makes_it_raise(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from([SERVER, CA])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    found = describe(bytes(changed), "changed")
    assert found.sha256 == sha256(changed).hexdigest()
    assert (found.kind == "unreadable") == bool(found.problem)


def test_a_key_database_is_described_in_its_order_without_what_was_deleted() -> None:
    der, key = certificates.with_key("me", b"secret")
    records = [
        formats.slot(formats.record(1, 1, CA, b"root"), 1),
        formats.slot(formats.record(2, 1, SERVER, b"gone"), 2, state=2),
        formats.slot(formats.record(3, 2, der + key, b"mine"), 3),
        formats.slot(formats.record(4, 2, formats.der(0x30, SECRET_KEY), b"1708990603_0"), 4),
        formats.slot(formats.record(5, 1, SERVER, b"server"), 5),
    ]
    found = describe_all(kdb.read(formats.key_database(6, b"secret", records)))
    assert [(each.label, each.kind) for each in found] == [
        ("root", "ca"),
        ("mine", "personal"),
        ("1708990603_0", "secret"),
        ("server", "server"),
    ]
    assert found[2].der == b""


def test_reading_a_store_does_not_load_the_certificate_library_before_it_is_needed() -> None:
    script = (
        "import sys; from dsmcertfix.ibm.key_database import certificate, kdb, stash; "
        "assert 'cryptography' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_how_a_key_is_used_is_known_without_the_library_s_word_for_it() -> None:
    """As its versions before 41 tell it."""
    elliptic, other = ec.generate_private_key(ec.SECP256R1()).public_key(), object()

    def used(algorithm: str, digest: hashes.HashAlgorithm | None, key: object) -> object:
        oid = SimpleNamespace(dotted_string=algorithm)
        below: Any = SimpleNamespace(signature_algorithm_oid=oid, signature_hash_algorithm=digest)
        return type(reading._parameters(below, key))

    assert used("1.2.840.10045.4.3.2", hashes.SHA256(), elliptic) is ec.ECDSA
    assert used("1.2.840.113549.1.1.11", hashes.SHA256(), other) is padding.PKCS1v15
    assert used("1.3.101.112", None, elliptic) is padding.PKCS1v15
    with pytest.raises(LookupError):
        used("1.2.840.113549.1.1.10", hashes.SHA256(), other)


def test_a_certificate_that_cannot_be_read_is_told_and_that_there_is_no_room_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = describe(b"\x30\x03\x02\x01\x01", "x")
    assert broken.kind == "unreadable" and broken.problem
    assert describe(Made("a").stored().der, "x").problem is None

    def full(_der: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("dsmcertfix.ibm.key_database.reading.load", full)
    with pytest.raises(MemoryError):
        describe(Made("b").stored().der, "x")


def test_what_is_wrong_with_a_certificate_is_told_with_it() -> None:
    whole = Made("a").stored()
    broken = describe(whole.der.replace(b"\x17\x0d", b"\x17\x0c", 1), "x")
    assert broken.kind == "unreadable" and broken.problem
