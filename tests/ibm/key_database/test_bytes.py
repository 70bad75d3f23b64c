"""Lengths, numbers and limits at their edges, and that no secret is in a repr."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dsmbench import certificates, formats
from dsmcertfix import budgets
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.key_database import certificate, der, kdb, record, trusted
from dsmcertfix.ibm.key_database.parts import Extensions, Name

PASSWORD = b"a password of the tests"


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, "0400"),
        (1, "0401"),
        (127, "047f"),
        (128, "048180"),
        (255, "0481ff"),
        (256, "04820100"),
        (65535, "0482ffff"),
        (65536, "0483010000"),
    ],
)
def test_a_length_is_written_as_der_has_it_and_read_again(size: int, head: str) -> None:
    made = der.encode(4, b"x" * size)
    assert made == bytes.fromhex(head) + b"x" * size
    for cursor in (der.Cursor(made), der.Strict(made)):
        element = cursor.take()
        assert (element.tag, element.end - element.content) == (4, size)


@pytest.mark.parametrize(
    ("number", "content"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "0080"),
        (255, "00ff"),
        (256, "0100"),
        (32767, "7fff"),
        (32768, "008000"),
        (8388607, "7fffff"),
        (8388608, "00800000"),
        (2**64, "010000000000000000"),
    ],
)
def test_a_number_is_written_as_der_has_it(number: int, content: str) -> None:
    data = bytes.fromhex(content)
    assert der.encode_integer(number) == bytes((2, len(data))) + data


@pytest.mark.parametrize("head", ["0480", "0485", "04ff", "0481", "04", "", "04850000000000"])
def test_a_length_that_cannot_be_is_malformed(head: str) -> None:
    with pytest.raises(der.Malformed):
        der.Cursor(bytes.fromhex(head)).take()


@pytest.mark.parametrize("head", ["0401", "048101", "04820001", "0483000001", "048400000001"])
def test_a_length_of_up_to_four_bytes_is_taken_and_a_strict_reader_takes_the_shortest(head: str) -> None:
    data = bytes.fromhex(head) + b"xy"
    cursor = der.Cursor(data)
    assert (cursor.content(4), cursor.more) == (b"x", True)
    if len(head) == 4:
        assert der.Strict(data).content(4) == b"x"
    else:
        with pytest.raises(der.Malformed, match="longer than need be"):
            der.Strict(data).take()


@pytest.mark.parametrize(
    ("tag", "taken"), [(0x1E, True), (0x1F, False), (0x20, True), (0x3F, False), (0xBF, False)]
)
def test_a_tag_of_several_bytes_is_malformed(tag: int, taken: bool) -> None:
    cursor = der.Cursor(bytes((tag, 1, 0)))
    if taken:
        assert cursor.take() == der.Element(tag, 0, 2, 3)
    else:
        with pytest.raises(der.Malformed, match="a tag of several bytes"):
            cursor.take()


def test_what_lies_in_an_element_ends_with_it() -> None:
    outer = der.Cursor(bytes.fromhex("30030201050500"))
    inner = outer.enter(der.SEQUENCE)
    assert inner.begins_with(der.INTEGER) and not inner.begins_with(der.NULL)
    assert (inner.whole(der.INTEGER), inner.more, inner.begins_with(der.NULL)) == (b"\2\1\5", False, False)
    inner.close()
    with pytest.raises(der.Malformed, match="too early"):
        inner.take()
    with pytest.raises(der.Malformed, match="more than belongs there"):
        outer.close()
    with pytest.raises(der.Malformed, match="tag 05 where 02 or 03 belongs"):
        outer.take(der.INTEGER, der.BIT_STRING)
    assert outer.content(der.NULL) == b""
    for short in ("300402010500", "30030202050500"):
        with pytest.raises(der.Malformed, match="bytes announced"):
            der.Cursor(bytes.fromhex(short), 0, 5).enter().take()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", ""),
        ("a", "a"),
        ("#", "\\#"),
        ("#a", "\\#a"),
        ("a#", "a#"),
        (" ", "\\ "),
        (" a", "\\ a"),
        ("a ", "a\\ "),
        ("  ", "\\ \\ "),
        ("a,b", "a\\,b"),
        (b"\x01", "#01"),
        (b"", ""),
    ],
)
def test_a_name_is_written_as_rfc_4514_has_it(value: str | bytes, written: str) -> None:
    assert Name(((("2.5.4.3", value),),)).text == f"CN={written}"


def test_who_has_no_extensions_says_nothing_and_is_bound_by_nothing() -> None:
    assert Extensions() == Extensions(None, None, None, constrained=False, critical=())


def code(length: int, slot_size: int, count: int) -> str:
    try:
        kdb._check_length(length, slot_size, count)
    except StoreUnreadable as error:
        return error.code
    return ""


def test_the_slots_fill_the_file_and_are_of_a_size_that_can_be_and_not_too_many() -> None:
    smallest, largest, cap = 256, 1 << 24, budgets.RECORDS.cap
    assert code(smallest, smallest, 1) == code(largest, largest, 1) == code(0, smallest, 0) == ""
    assert code(smallest - 1, smallest - 1, 1) == code(largest + 1, largest + 1, 1) == "file-slot-size"
    assert code(smallest - 1, smallest, 1) == "file-cut-off"
    assert code(smallest + 1, smallest, 1) == "file-too-long"
    assert code(smallest * cap, smallest, cap) == ""
    assert code(smallest * (cap + 1), smallest, cap + 1) == "too-many-records"


def test_slots_grow_by_whole_thousands_up_to_the_largest() -> None:
    sizes = [kdb._grown(5000, needed) for needed in (1, 5000, 5001, 6000, 6001)]
    assert sizes == [5000, 5000, 6000, 6000, 7000]
    assert kdb._grown(216, 1 << 24) == 1 << 24
    with pytest.raises(EditFailed) as caught:
        kdb._grown(217, 1 << 24)
    assert (caught.value.code, caught.value.context) == ("record-too-large", ("16777216 bytes",))


def labelled() -> kdb.KeyDatabase:
    made = kdb.read(formats.key_database(6, PASSWORD))
    return kdb.read(kdb.add(made, PASSWORD, label="x", certificate=certificates.make()))


def test_a_label_over_its_budget_is_counted_and_cut_and_one_of_just_its_size_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = kdb.read(formats.key_database(6, PASSWORD))
    found = kdb.read(kdb.add(made, PASSWORD, label="12345", certificate=certificates.make()))
    for cap, long, shown in ((4, 1, "1234..."), (5, 0, "12345"), (6, 0, "12345")):
        monkeypatch.setattr(budgets, "LABEL", budgets.LABEL._replace(cap=cap))
        assert certificate.too_long(found) == long
        assert [item.label for item in certificate.describe_all(found)] == [shown]


def test_no_bytes_of_a_key_database_are_in_a_repr() -> None:
    found = labelled()
    (one,) = found.records
    told = repr(found) + repr(one)
    assert "\\x" not in told and "b'" not in told and 'b"' not in told
    assert isinstance(one, record.Record)


def test_the_sums_that_find_a_certificate_are_told_to_protect_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where SHA-1 may not protect anything, it may still do that."""
    asked: list[bool] = []

    def sha1(data: bytes, *, usedforsecurity: bool) -> object:
        asked.append(usedforsecurity)
        return hashlib.sha1(data, usedforsecurity=False)

    monkeypatch.setattr(trusted, "sha1", sha1)
    assert len(trusted.index(certificates.make()).hashes()) == 5 and asked == [False] * 5


def test_behind_a_record_stands_what_gskit_searches_by() -> None:
    """As the library takes the certificate apart."""
    made = certificates.make("searched", serial=0x1234)
    found = x509.load_der_x509_certificate(made)
    encoding = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    issuer_and_serial = formats.der(0x30, found.issuer.public_bytes() + bytes.fromhex("02021234"))
    hashed = (
        formats.der(3, b"\0" + found.signature),
        found.tbs_certificate_bytes,
        found.subject.public_bytes(),
        found.public_key().public_bytes(*encoding),
        issuer_and_serial,
    )
    sums = b"".join(b"\0\0\0\x14" + hashlib.sha1(part, usedforsecurity=False).digest() for part in hashed)
    for marked, flags in ((True, "03020780"), (False, "030100")):
        record = formats.der(
            0x30, b"\2\1\7" + formats.der(0xA1, made) + formats.der(0x1A, b"mine") + bytes.fromhex(flags)
        )
        head = bytes((0, 0, 0, 1, 0, 0, 0, 7)) + len(record).to_bytes(4, "big")
        written = trusted.compose(7, b"mine", made, trusted=marked)
        assert written == head + record + b"\0\0\0\4mine" + bytes(4) + sums
