"""Lengths, numbers and limits at their edges, and that no secret is in a repr."""

from __future__ import annotations

import hashlib

import pytest

from dsmbench import certificates, formats
from dsmcertfix import budgets
from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm.key_database import certificate, der, kdb, record, trusted
from dsmcertfix.ibm.key_database.parts import Name

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


@pytest.mark.parametrize("head", ["0480", "0485", "04ff", "0481", "04", ""])
def test_a_length_that_cannot_be_is_malformed(head: str) -> None:
    with pytest.raises(der.Malformed):
        der.Cursor(bytes.fromhex(head)).take()


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


def code(length: int, slot_size: int, count: int) -> str:
    try:
        kdb._check_length(length, slot_size, count)
    except StoreUnreadable as error:
        return error.code
    return ""


def test_the_slots_fill_the_file_and_are_of_a_size_that_can_be_and_not_too_many() -> None:
    smallest, largest, cap = kdb._MIN_SLOT_SIZE, kdb._MAX_SLOT_SIZE, budgets.RECORDS.cap
    assert code(smallest, smallest, 1) == code(largest, largest, 1) == code(0, smallest, 0) == ""
    assert code(smallest - 1, smallest - 1, 1) == code(largest + 1, largest + 1, 1) == "file-slot-size"
    assert code(smallest - 1, smallest, 1) == "file-cut-off"
    assert code(smallest + 1, smallest, 1) == "file-too-long"
    assert code(smallest * cap, smallest, cap) == ""
    assert code(smallest * (cap + 1), smallest, cap + 1) == "too-many-records"


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
