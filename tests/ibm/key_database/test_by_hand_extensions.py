"""The extensions of a certificate read by ourselves: each row is one way to say something."""

from __future__ import annotations

import pytest
from tests.ibm.key_database.written import (
    CN,
    FALSE,
    NULL,
    TRUE,
    certificate,
    extension,
    number,
    oid,
    read,
    seq,
    theirs,
)

from dsmcertfix.ibm.key_database import by_hand
from dsmcertfix.ibm.key_database.der import encode
from dsmcertfix.ibm.key_database.parts import Extensions

GENERAL_NAMES = {
    "a mail address": encode(0x81, b"a@b"),
    "a host": encode(0x82, b"tsm1.example.com"),
    "a web address": encode(0x86, b"http://a/"),
    "four bytes of address": encode(0x87, bytes(4)),
    "sixteen bytes of address": encode(0x87, bytes(16)),
    "an identifier": oid("1.2.3", 0x88),
    "another kind": encode(0xA0, oid("1.2.3") + encode(0xA0, encode(0x0C, b"x"))),
    "a directory's name": encode(0xA4, CN),
}
BAD_GENERAL_NAMES = {
    "a host that is no ASCII": encode(0x82, "é".encode()),
    "five bytes of address": encode(0x87, bytes(5)),
    "eight bytes of address": encode(0x87, bytes(8)),
    "an identifier that ends early": encode(0x88, b"\x2a\x83"),
    "another kind with two values": encode(0xA0, oid("1.2.3") + encode(0xA0, NULL + NULL)),
    "another kind with more behind": encode(0xA0, oid("1.2.3") + encode(0xA0, NULL) + NULL),
    "another kind without a value": encode(0xA0, oid("1.2.3")),
    "two directory's names": encode(0xA4, CN + CN),
    "a tag that is not known": encode(0x89, b""),
}
HOST = encode(0x82, b"a")


def point(*parts: bytes) -> bytes:
    return seq(seq(*parts))


def full_name(*names: bytes) -> bytes:
    return encode(0xA0, encode(0xA0, b"".join(names)))


def policy(*qualifiers: bytes, kind: str = "1.2.3") -> bytes:
    return seq(oid(kind), *((seq(*qualifiers),) if qualifiers else ()))


def notice(*parts: bytes) -> bytes:
    return seq(oid("1.3.6.1.5.5.7.2.2"), seq(*parts))


PAGE = seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"http://a/"))
SINCE, UNTIL = encode(0x80, b"20200101000000Z"), encode(0x81, b"20210101000000Z")
EXTENSIONS = {
    "a CA": ("2.5.29.19", seq(TRUE)),
    "no CA": ("2.5.29.19", seq()),
    "a CA above two": ("2.5.29.19", seq(TRUE, number(2))),
    "a CA above many": ("2.5.29.19", seq(TRUE, number((1 << 31) - 1))),
    "a key that signs": ("2.5.29.15", encode(0x03, b"\x02\x04")),
    "a key that signs not": ("2.5.29.15", encode(0x03, b"\x07\x80")),
    "a key of no use": ("2.5.29.15", encode(0x03, b"\x00")),
    "a key of a use that nobody knows": ("2.5.29.15", encode(0x03, b"\x00\x80\x01")),
    "a key that agrees, in one direction": ("2.5.29.15", encode(0x03, b"\x00\x09")),
    "a key that agrees, in the other": ("2.5.29.15", encode(0x03, b"\x07\x08\x80")),
    "the key's identifier": ("2.5.29.14", encode(0x04, b"12")),
    "the authority's key": ("2.5.29.35", seq(encode(0x80, b"12"))),
    "the authority's name and number": ("2.5.29.35", seq(encode(0xA1, HOST), number(5, 0x82))),
    "nothing of the authority": ("2.5.29.35", seq()),
    "a purpose": ("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1"))),
    "two purposes": ("2.5.29.37", seq(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"))),
    "where to ask": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.3.6.1.5.5.7.48.1"), HOST))),
    "where revocation lists are": ("2.5.29.31", point(full_name(HOST))),
    "where they are, and who makes them": ("2.5.29.31", point(full_name(HOST), encode(0xA2, HOST))),
    "where the newest are": ("2.5.29.46", point(full_name(HOST))),
    "a policy": ("2.5.29.32", seq(policy())),
    "two policies": ("2.5.29.32", seq(policy(), policy(kind="1.2.4"))),
    "a policy with a page": ("2.5.29.32", seq(policy(PAGE))),
    "a policy with a text": ("2.5.29.32", seq(policy(notice(encode(0x0C, "é".encode()))))),
    "a policy with an old text": ("2.5.29.32", seq(policy(notice(encode(0x1A, b" ~"))))),
    "a policy with a wide text": ("2.5.29.32", seq(policy(notice(encode(0x1E, b"\0a"))))),
    "a policy with an empty notice": ("2.5.29.32", seq(policy(notice()))),
    "a policy is asked for": ("2.5.29.36", seq(number(0, 0x80))),
    "policies are not mapped": ("2.5.29.36", seq(number(1, 0x81))),
    "both": ("2.5.29.36", seq(number(1, 0x80), number(2, 0x81))),
    "any policy is forbidden": ("2.5.29.54", number(1)),
    "a template": ("1.3.6.1.4.1.311.21.7", seq(oid("1.2.3"))),
    "a template of a version": ("1.3.6.1.4.1.311.21.7", seq(oid("1.2.3"), number(1), number(2))),
    "a period": ("2.5.29.16", seq(SINCE, UNTIL)),
    "a period that begins": ("2.5.29.16", seq(SINCE)),
    "a period that ends": ("2.5.29.16", seq(UNTIL)),
    "names that are allowed": ("2.5.29.30", seq(encode(0xA0, seq(HOST)))),
    "names that are not": ("2.5.29.30", seq(encode(0xA1, seq(HOST) + seq(encode(0x81, b"b"))))),
    "both kinds of names": ("2.5.29.30", seq(encode(0xA0, seq(HOST)), encode(0xA1, seq(HOST)))),
    "names of directories": ("2.5.29.30", seq(encode(0xA0, seq(encode(0xA4, CN))))),
    "what nobody knows": ("1.2.3.4.5", b"\xff"),
    **{f"another name: {name}": ("2.5.29.17", seq(value)) for name, value in GENERAL_NAMES.items()},
    "two other names": ("2.5.29.17", seq(HOST, HOST)),
    "another name of the issuer": ("2.5.29.18", seq(HOST)),
}
BAD_EXTENSIONS = {
    "a CA that is said not to be": ("2.5.29.19", seq(FALSE)),
    "a CA by another truth": ("2.5.29.19", seq(encode(0x01, b"\x01"))),
    "a CA above less than none": ("2.5.29.19", seq(TRUE, encode(0x02, b"\xff"))),
    "a CA with more behind": ("2.5.29.19", seq(TRUE, number(1), number(1))),
    "a CA with more behind all": ("2.5.29.19", seq(TRUE) + NULL),
    "a CA with a length of two bytes": ("2.5.29.19", b"\x30\x81\x03" + TRUE),
    "a path length without a CA": ("2.5.29.19", seq(number(1))),
    "a use of the key without bits": ("2.5.29.15", encode(0x03, b"")),
    "a use with unused bits of nothing": ("2.5.29.15", encode(0x03, b"\x01")),
    "a use with eight unused bits": ("2.5.29.15", encode(0x03, b"\x08\x00")),
    "a use whose unused bit is set": ("2.5.29.15", encode(0x03, b"\x03\x04")),
    "a direction without agreement": ("2.5.29.15", encode(0x03, b"\x00\x01")),
    "the other direction without": ("2.5.29.15", encode(0x03, b"\x07\x00\x80")),
    "an identifier of another kind": ("2.5.29.14", encode(0x03, b"12")),
    "an identifier with more behind": ("2.5.29.14", encode(0x04, b"12") + NULL),
    "the authority with more behind": ("2.5.29.35", seq(encode(0x80, b"12"), NULL)),
    "the authority's number alone": ("2.5.29.35", seq(number(5, 0x82))),
    "no purpose": ("2.5.29.37", seq()),
    "a purpose that is none": ("2.5.29.37", seq(NULL)),
    "where to ask, and more": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.2.3"), HOST, HOST))),
    "where to ask whom": ("1.3.6.1.5.5.7.1.1", seq(seq(oid("1.2.3")))),
    "lists nowhere": ("2.5.29.31", seq()),
    "lists with more behind the name": ("2.5.29.31", point(encode(0xA0, encode(0xA0, HOST) + NULL))),
    "lists with more behind": ("2.5.29.31", point(full_name(HOST), encode(0xA2, HOST), NULL)),
    "lists with no maker": ("2.5.29.31", point(full_name(HOST), encode(0xA2, b""))),
    "no policy": ("2.5.29.32", seq()),
    "a policy with more behind": ("2.5.29.32", seq(seq(oid("1.2.3"), seq(PAGE), NULL))),
    "twice the same policy": ("2.5.29.32", seq(policy(), policy())),
    "a policy with no qualifier": ("2.5.29.32", seq(seq(oid("1.2.3"), seq()))),
    "a page that is no ASCII": (
        "2.5.29.32",
        seq(policy(seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"\xe9")))),
    ),
    "a page with more behind": (
        "2.5.29.32",
        seq(policy(seq(oid("1.3.6.1.5.5.7.2.1"), encode(0x16, b"a"), NULL))),
    ),
    "a text that nobody sees": ("2.5.29.32", seq(policy(notice(encode(0x1A, b"\x1f"))))),
    "a text that nobody sees, above": ("2.5.29.32", seq(policy(notice(encode(0x1A, b"\x7f"))))),
    "a text of another kind": ("2.5.29.32", seq(policy(notice(encode(0x04, b"a"))))),
    "a text that is no ASCII": ("2.5.29.32", seq(policy(notice(encode(0x16, "é".encode()))))),
    "a notice with more behind": ("2.5.29.32", seq(policy(notice(encode(0x0C, b"a"), NULL)))),
    "constraints that say nothing": ("2.5.29.36", seq()),
    "constraints with more behind": ("2.5.29.36", seq(number(1, 0x80), NULL)),
    "constraints in another order": ("2.5.29.36", seq(number(1, 0x81), number(1, 0x80))),
    "a constraint below none": ("2.5.29.36", seq(encode(0x80, b"\xff"))),
    "any policy below none": ("2.5.29.54", encode(0x02, b"\xff")),
    "any policy with more behind": ("2.5.29.54", number(1) + NULL),
    "a template without": ("1.3.6.1.4.1.311.21.7", seq()),
    "a template of three versions": ("1.3.6.1.4.1.311.21.7", seq(oid("1.2.3"), *[number(1)] * 3)),
    "a period without ends": ("2.5.29.16", seq()),
    "a period of a moment": ("2.5.29.16", seq(SINCE, encode(0x81, SINCE[2:]))),
    "a period with more behind": ("2.5.29.16", seq(SINCE, UNTIL, NULL)),
    "a period whose end is no date": ("2.5.29.16", seq(encode(0x80, b"20200101"))),
    "names that say nothing": ("2.5.29.30", seq()),
    "no name in the list": ("2.5.29.30", seq(encode(0xA0, b""))),
    "names with more behind": ("2.5.29.30", seq(encode(0xA0, seq(HOST)), NULL)),
    "a name with more behind": ("2.5.29.30", seq(encode(0xA0, seq(HOST, HOST)))),
    "names with a wildcard": ("2.5.29.30", seq(encode(0xA0, seq(encode(0x82, b"*.a"))))),
    "names that are four bytes of address": ("2.5.29.30", seq(encode(0xA0, seq(encode(0x87, bytes(4)))))),
    "names that are identifiers": ("2.5.29.30", seq(encode(0xA0, seq(oid("1.2.3", 0x88))))),
    "names that are no ASCII": ("2.5.29.30", seq(encode(0xA0, seq(encode(0x82, "é".encode()))))),
    "names of no kind": ("2.5.29.30", seq(encode(0xA0, seq(NULL)))),
    **{f"another name: {name}": ("2.5.29.17", seq(value)) for name, value in BAD_GENERAL_NAMES.items()},
    "no other name": ("2.5.29.17", seq()),
}
BY_THE_LIBRARY_ALONE = {
    "lists nowhere",
    "lists with no maker",
    "no policy",
    "twice the same policy",
    "a policy with no qualifier",
    "names that are identifiers",
    "names that are no ASCII",
    "a text that nobody sees",
    "a text that nobody sees, above",
    "a period of a moment",
    "another name: a host that is no ASCII",
    "another name: eight bytes of address",
    "no other name",
}


@pytest.mark.parametrize(("kind", "content"), EXTENSIONS.values(), ids=EXTENSIONS.keys())
def test_each_extension_is_read_as_the_library_reads_it(kind: str, content: bytes) -> None:
    der = certificate(extension(kind, content))
    found = read(der)
    assert found is not None
    assert found == theirs(der)


@pytest.mark.parametrize("name", BAD_EXTENSIONS)
def test_an_extension_that_the_library_refuses_is_refused(name: str) -> None:
    der = certificate(extension(*BAD_EXTENSIONS[name]))
    # The certificate is read for all that: nothing counts that its extensions would say.
    assert by_hand.read(der).extensions is None
    assert (theirs(der) is not None) == (name in BY_THE_LIBRARY_ALONE)


@pytest.mark.parametrize(
    "kind",
    [
        *(f"2.5.29.{number}" for number in (20, 21, 24, 27, 28, 29)),
        *(f"1.3.6.1.4.1.11129.2.4.{number}" for number in (2, 3, 5)),
        *("1.3.6.1.5.5.7.1.24", "1.3.6.1.5.5.7.48.1.5", "1.3.36.8.3.3"),
    ],
)
def test_extensions_that_the_library_alone_knows_are_refused_whatever_they_say(kind: str) -> None:
    assert by_hand.read(certificate(extension(kind, encode(0x04, b"")))).extensions is None


def test_what_extensions_say_is_kept() -> None:
    der = certificate(
        extension("2.5.29.19", seq(TRUE, number(3)), TRUE),
        extension("2.5.29.15", encode(0x03, b"\x02\x04"), TRUE),
        extension("2.5.29.30", seq(encode(0xA0, seq(HOST)))),
    )
    assert by_hand.read(der).extensions == Extensions(
        ca=True, path_length=3, signs=True, constrained=True, critical=("2.5.29.19", "2.5.29.15")
    )
