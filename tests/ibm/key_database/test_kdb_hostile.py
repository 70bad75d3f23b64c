"""Files that are wrong in every way: each is refused by name, at no cost."""

from __future__ import annotations

import tracemalloc

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from dsmbench import certificates, formats
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.key_database import kdb

PASSWORD = b"correct horse"
HEADER_SIZE = 0x90  # of version 6
ONE = certificates.make(serial=1)
TWO = certificates.make(serial=2)
CA = certificates.make("some authority", ca=True)
PKCS12 = pkcs12.serialize_key_and_certificates(
    None, None, None, [x509.load_der_x509_certificate(ONE)], BestAvailableEncryption(PASSWORD)
)
PKCS7_DATA = bytes.fromhex("06092a864886f70d010701")
EMPTY = kdb.read(formats.key_database(6, PASSWORD))


def header(slot_size: int = 5000, count: int = 0) -> bytes:
    data = bytearray(formats.key_database(6, PASSWORD))
    data[0x10:0x18] = slot_size.to_bytes(4, "big") + count.to_bytes(4, "big")
    return bytes(data)


def patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


WHOLE = formats.key_database(
    6, PASSWORD, [formats.trusted(1, b"one", ONE, 600), formats.trusted(2, b"two", TWO, 600)], 600
)
DER_AT = HEADER_SIZE + 12


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        (formats.keepass_database(), "file-keepass"),
        (b"\x03\xd9\xa2\x9a", "file-keepass"),
        (PKCS12, "file-pkcs12"),
        (b"\x30" + PKCS7_DATA.rjust(47, b"\0"), "file-pkcs12"),
        (b"\x30" + PKCS7_DATA.rjust(48, b"\0"), "file-not-key-database"),
        (b"\x31" + PKCS12[1:], "file-not-key-database"),
        (ONE, "file-not-key-database"),
        (b"* dsm.opt\nSERVERNAME tsm01\n" * 20, "file-not-key-database"),
        (bytes(5000), "file-not-key-database"),
        (b"\xff" * 200, "file-not-key-database"),
        (formats.side_files(6, PASSWORD)[".rdb"], "file-not-key-database"),
        (formats.side_files(3, PASSWORD)[".crl"], "file-not-key-database"),
        (patched(WHOLE, 2, b"\x05"), "file-version-unknown"),
        (patched(WHOLE, 2, b"\x00"), "file-version-unknown"),
        (WHOLE + b"\0", "file-too-long"),
        (header(slot_size=0), "file-slot-size"),
        (header(slot_size=0, count=2**32 - 1), "file-slot-size"),
        (header(slot_size=1, count=2**32 - 1), "file-slot-size"),
        (header(slot_size=2**31), "file-slot-size"),
        (header(slot_size=2**31, count=1), "file-slot-size"),
        (header(slot_size=2**32 - 1, count=2**32 - 1), "file-slot-size"),
        (header(count=2**32 - 1), "file-cut-off"),
        (header(count=1), "file-cut-off"),
        (patched(WHOLE, DER_AT - 4, b"\xff\xff\xff\xff"), "record-too-long"),
        (patched(WHOLE, DER_AT - 4, (589).to_bytes(4, "big")), "record-too-long"),
        (patched(WHOLE, DER_AT - 4, bytes(4)), "record-malformed"),
        (patched(WHOLE, DER_AT, b"\x30\x80"), "record-malformed"),
        (patched(WHOLE, DER_AT, b"\x30\x84\xff\xff\xff\xff"), "record-malformed"),
        (patched(WHOLE, DER_AT, b"\x30\x85\0\0\0\0\1"), "record-malformed"),
        (patched(WHOLE, DER_AT, b"\x30\xff"), "record-malformed"),
        (patched(WHOLE, DER_AT, b"\x1f\x01"), "record-malformed"),
        (patched(WHOLE, DER_AT + 4, b"\x02\x82\xff\xff"), "record-malformed"),
    ],
)
def test_a_file_that_is_none_is_refused_by_name(data: bytes, code: str) -> None:
    with pytest.raises(StoreUnreadable) as caught:
        kdb.read(data)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("version", kdb.VERSIONS)
def test_a_file_cut_anywhere_is_refused(version: int) -> None:
    data = formats.key_database(version, PASSWORD, [formats.trusted(1, b"one", ONE, 600)], 600)
    for length in range(len(data)):
        with pytest.raises(StoreUnreadable) as caught:
            kdb.read(data[:length])
        expected = {"file-empty", "file-not-key-database", "file-cut-off"}
        assert caught.value.code in expected, length
        assert length < 2 or caught.value.code == "file-cut-off", length


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_changed_byte_leads_to_another_error(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    try:
        found = kdb.read(bytes(changed))
        kdb.verify(found, PASSWORD)
    except StoreUnreadable:
        return
    assert changed == WHOLE


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=588))
def test_no_record_leads_to_another_error(record: bytes) -> None:
    data = formats.key_database(6, PASSWORD, [formats.slot(record, 1, slot_size=600)], 600)
    try:
        found = kdb.read(data)
    except StoreUnreadable as error:
        assert error.code == "record-malformed"
    else:
        assert found.records[0].der == record


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_lead_to_another_error(data: bytes) -> None:
    with pytest.raises(StoreUnreadable):
        kdb.read(data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_changed_certificate_leads_to_another_error_when_it_is_added(data: st.DataObject) -> None:
    changed = bytearray(CA)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place] = data.draw(st.integers(0, 255))
    try:
        after = kdb.add(EMPTY, PASSWORD, label="x", certificate=bytes(changed))
    except EditFailed as error:
        assert error.code == "certificate-malformed"
    else:
        assert kdb.read(after).records[0].certificate == bytes(changed)


def test_nested_garbage_is_not_followed() -> None:
    nested = b""
    for _ in range(8000):
        nested = formats.der(0x30, nested)
    slot = formats.slot(formats.record(1, 1, nested, b"deep"), 1, slot_size=50_000)
    (record,) = kdb.read(formats.key_database(6, PASSWORD, [slot], 50_000)).records
    assert record.certificate == nested


def test_memory_stays_near_the_size_of_the_file() -> None:
    slots = [formats.slot(formats.der(0x30, b""), number, slot_size=256) for number in range(4000)]
    data = formats.key_database(6, PASSWORD, slots, 256)
    tracemalloc.start()
    kdb.read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * len(data)


def test_a_claim_of_many_records_costs_nothing() -> None:
    tracemalloc.start()
    with pytest.raises(StoreUnreadable):
        kdb.read(header(slot_size=256, count=2**32 - 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
