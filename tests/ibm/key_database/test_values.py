"""Numbers, bits and object identifiers in a certificate, at their edges."""

from __future__ import annotations

import pytest

from dsmcertfix.ibm.key_database import values
from dsmcertfix.ibm.key_database.der import Strict, encode


@pytest.mark.parametrize(
    ("content", "dotted"),
    [
        ("00", "0.0"),
        ("27", "0.39"),
        ("28", "1.0"),
        ("4f", "1.39"),
        ("50", "2.0"),
        ("7f", "2.47"),
        ("8100", "2.48"),
        ("8837", "2.999"),
        ("2a", "1.2"),
        ("550403", "2.5.4.3"),
        ("2a864886f70d010101", "1.2.840.113549.1.1.1"),
    ],
)
def test_the_first_two_numbers_of_an_identifier_are_told_apart(content: str, dotted: str) -> None:
    assert values.oid(Strict(encode(0x06, bytes.fromhex(content)))) == dotted


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("00", ""),
        ("0001", "01"),
        ("00ff", "ff"),
        ("0180", "80"),
        ("0780", "80"),
        ("07ff80", "ff80"),
        ("0000", "00"),
        ("0400", "00"),
    ],
)
def test_the_bits_are_those_behind_the_number_of_unused_ones(content: str, found: str) -> None:
    assert values.bits(Strict(encode(0x03, bytes.fromhex(content)))).hex() == found


@pytest.mark.parametrize("content", ["", "08", "0800", "ff00", "01", "07", "0101", "0740", "07ffc0"])
def test_bits_that_cannot_be_are_none(content: str) -> None:
    with pytest.raises(ValueError, match="bits that are none"):
        values.bits(Strict(encode(0x03, bytes.fromhex(content))))


@pytest.mark.parametrize(
    ("content", "number"),
    [
        ("00", 0),
        ("7f", 127),
        ("0080", 128),
        ("ff", -1),
        ("80", -128),
        ("ff7f", -129),
        ("7fffffff", 2**31 - 1),
    ],
)
def test_a_number_is_read_with_its_sign(content: str, number: int) -> None:
    element = encode(0x02, bytes.fromhex(content))
    assert values.integer(Strict(element)) == number
    if number >= 0:
        assert values.natural(Strict(element)) == number
    else:
        with pytest.raises(ValueError, match="out of range"):
            values.natural(Strict(element))


@pytest.mark.parametrize("content", ["", "0000", "007f", "ffff", "ff80"])
def test_a_number_that_is_longer_than_need_be_is_none(content: str) -> None:
    with pytest.raises(ValueError, match="a number that is none"):
        values.integer(Strict(encode(0x02, bytes.fromhex(content))))


def test_a_number_of_32_bits_is_out_of_range() -> None:
    with pytest.raises(ValueError, match="out of range"):
        values.natural(Strict(encode(0x02, bytes.fromhex("0080000000"))))
