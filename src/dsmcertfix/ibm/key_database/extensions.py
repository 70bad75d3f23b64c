"""What the extensions of a certificate say, read by ourselves (by_hand.py).

Each that `cryptography` reads is read in every byte, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dsmcertfix.ibm.key_database import der
from dsmcertfix.ibm.key_database.der import Malformed, Strict
from dsmcertfix.ibm.key_database.parts import Extensions
from dsmcertfix.ibm.key_database.values import BMP_STRING, bits, integer, moment, name, natural, oid, text

_VISIBLE = re.compile(r"[ -~]*")


def read(fields: Strict) -> Extensions | None:
    """What they say; None where one is twice there, or cannot be read.

    Raises Malformed where the list of them cannot.
    """
    if not fields.more:
        return Extensions()
    outer = fields.enter(0xA3)
    listed = outer.enter(der.SEQUENCE)
    outer.close()
    found: dict[str, bytes] = {}
    critical, twice = [], not listed.more
    while listed.more:
        one = listed.enter(der.SEQUENCE)
        kind = oid(one)
        if one.begins_with(der.BOOLEAN):
            # False is what holds without one, so DER has no other value.
            if one.content() != b"\xff":
                raise Malformed("a truth value that is none")
            critical.append(kind)
        twice = twice or kind in found
        found[kind] = one.content(der.OCTET_STRING)
        one.close()
    said: dict[str, Any] = {}
    try:
        for kind, content in found.items():
            if kind in _READERS:
                cursor = Strict(content)
                said.update(_READERS[kind](cursor) or {})
                cursor.close()
    except ValueError:
        return None
    if not _OF_THE_LIBRARY.isdisjoint(found):
        return None
    return None if twice else Extensions(**said, critical=tuple(critical))


def _basic_constraints(cursor: Strict) -> dict[str, Any]:
    inner = cursor.enter(der.SEQUENCE)
    ca = inner.begins_with(der.BOOLEAN)
    if ca and inner.content() != b"\xff":
        raise Malformed("a truth value that is none")
    length = natural(inner) if ca and inner.more else None
    inner.close()
    return {"ca": ca, "path_length": length}


def _key_usage(cursor: Strict) -> dict[str, Any]:
    first, second = (bits(cursor) + b"\0\0")[:2]
    # Only what agrees on keys can say in which direction.
    if (first & 0x01 or second & 0x80) and not first & 0x08:
        raise Malformed("a key usage that contradicts itself")
    return {"signs": bool(first & 0x04)}


def _each(cursor: Strict, item: Callable[[Strict], object], tag: int = der.SEQUENCE) -> list[object]:
    """What `item` returns for each of a list, which is not empty."""
    inner = cursor.enter(tag)
    found = [item(inner)]
    while inner.more:
        found.append(item(inner))
    return found


def _ascii(content: bytes) -> None:
    content.decode("ascii")


def _general_name(cursor: Strict, *, addresses: tuple[int, ...] = (4, 16)) -> None:
    """One is passed over that is known in every byte."""
    whole = cursor.whole()
    inside = Strict(whole)
    match whole[0]:
        case 0x81 | 0x82 | 0x86:
            _ascii(inside.content())
        case 0x87:
            if len(inside.content()) not in addresses:
                raise Malformed("an address that is none")
        case 0x88:
            oid(inside, 0x88)
        case 0xA0:
            pair = inside.enter()
            oid(pair)
            value = pair.enter(0xA0)
            value.take()
            value.close()
            pair.close()
        case 0xA4:
            explicit = inside.enter()
            name(explicit.enter(der.SEQUENCE))
            explicit.close()
        case _:
            raise Malformed("a general name that is not known")


def _names(cursor: Strict) -> None:
    _each(cursor, _general_name)


def _key_identifier(cursor: Strict) -> None:
    cursor.take(der.OCTET_STRING)


def _authority_key(cursor: Strict) -> None:
    inner = cursor.enter(der.SEQUENCE)
    if inner.begins_with(0x80):
        inner.take()
    if inner.more:
        _each(inner, _general_name, 0xA1)
        integer(inner, 0x82)
    inner.close()


def _purposes(cursor: Strict) -> None:
    _each(cursor, oid)


def _access(cursor: Strict) -> None:
    def one(descriptions: Strict) -> None:
        pair = descriptions.enter(der.SEQUENCE)
        oid(pair)
        _general_name(pair)
        pair.close()

    _each(cursor, one)


def _distribution_points(cursor: Strict) -> None:
    def one(points: Strict) -> None:
        point = points.enter(der.SEQUENCE)
        name = point.enter(0xA0)
        _each(name, _general_name, 0xA0)
        name.close()
        if point.more:
            _each(point, _general_name, 0xA2)
        point.close()

    _each(cursor, one)


def _policies(cursor: Strict) -> None:
    def one(policies: Strict) -> str:
        policy = policies.enter(der.SEQUENCE)
        kind = oid(policy)
        if policy.more:
            _each(policy, _qualifier)
        policy.close()
        return kind

    found = _each(cursor, one)
    if len(set(found)) != len(found):
        raise Malformed("twice the same policy")


def _qualifier(qualifiers: Strict) -> None:
    pair = qualifiers.enter(der.SEQUENCE)
    match oid(pair):
        case "1.3.6.1.5.5.7.2.1":
            _ascii(pair.content(0x16))
        case "1.3.6.1.5.5.7.2.2":
            notice = pair.enter(der.SEQUENCE)
            if notice.more:
                whole = notice.whole(0x0C, 0x16, der.VISIBLE_STRING, BMP_STRING)
                said = text(Strict(whole))
                if whole[0] == der.VISIBLE_STRING and not _VISIBLE.fullmatch(said):
                    raise Malformed("a text that is none")
                if whole[0] == 0x16:
                    said.encode("ascii")
            notice.close()
        case _:
            raise Malformed("a qualifier that is not known")
    pair.close()


def _policy_constraints(cursor: Strict) -> None:
    inner = cursor.enter(der.SEQUENCE)
    if not inner.more:
        raise Malformed("constraints that say nothing")
    for tag in (0x80, 0x81):
        if inner.begins_with(tag):
            natural(inner, tag)
    inner.close()


def _any_policy(cursor: Strict) -> None:
    natural(cursor)


def _microsofts_template(cursor: Strict) -> None:
    inner = cursor.enter(der.SEQUENCE)
    oid(inner)
    for _ in range(2):
        if inner.more:
            natural(inner)
    inner.close()


def _period(cursor: Strict) -> None:
    inner = cursor.enter(der.SEQUENCE)
    if not inner.more:
        raise Malformed("a period without ends")
    ends = [moment(inner.content()) for tag in (0x80, 0x81) if inner.begins_with(tag)]
    if len(ends) == 2 and ends[0] >= ends[1]:
        raise Malformed("a period that ends before it begins")
    inner.close()


def _name_constraints(cursor: Strict) -> dict[str, Any]:
    def one(trees: Strict) -> None:
        tree = trees.enter(der.SEQUENCE)
        if not any(map(tree.begins_with, (0x81, 0x82, 0x86, 0xA4))):
            raise Malformed("a constraint that is not known")
        base = tree.whole()
        if base[0] == 0x82 and b"*" in base:
            raise Malformed("a constraint with a wildcard")
        _general_name(Strict(base))
        tree.close()

    inner = cursor.enter(der.SEQUENCE)
    if not inner.more:
        raise Malformed("constraints that say nothing")
    for tag in (0xA0, 0xA1):
        if inner.begins_with(tag):
            _each(inner, one, tag)
    inner.close()
    return {"constrained": True}


_READERS: dict[str, Callable[[Strict], dict[str, Any] | None]] = {
    "2.5.29.14": _key_identifier,
    "2.5.29.15": _key_usage,
    "2.5.29.16": _period,
    "2.5.29.17": _names,
    "2.5.29.18": _names,
    "2.5.29.19": _basic_constraints,
    "2.5.29.30": _name_constraints,
    "2.5.29.31": _distribution_points,
    "2.5.29.32": _policies,
    "2.5.29.35": _authority_key,
    "2.5.29.36": _policy_constraints,
    "2.5.29.37": _purposes,
    "2.5.29.46": _distribution_points,
    "2.5.29.54": _any_policy,
    "1.3.6.1.5.5.7.1.1": _access,
    "1.3.6.1.5.5.7.1.11": _access,
    "1.3.6.1.4.1.311.21.7": _microsofts_template,
}

# What `cryptography` reads and this does not: others of certificates, and those of revocation lists.
_OF_THE_LIBRARY = frozenset(
    (
        *(f"2.5.29.{number}" for number in (20, 21, 24, 27, 28, 29)),
        *(f"1.3.6.1.4.1.11129.2.4.{number}" for number in (2, 3, 5)),
        *("1.3.6.1.5.5.7.1.24", "1.3.6.1.5.5.7.48.1.5", "1.3.36.8.3.3"),
    )
)
