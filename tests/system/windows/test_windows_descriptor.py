"""Security descriptors read from bytes, and their texts compared. On every system."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmcertfix.system.win32.descriptor import (
    ADMINISTRATORS,
    SYSTEM,
    Allowed,
    Descriptor,
    comparable,
    read_descriptor,
    settable,
    sid_bytes,
)

ANNA = "S-1-5-21-1111111111-2222222222-3333333333-1001"
FULL, READ, WRITE = 0x1F01FF, 0x120089, 0x2


def ace(sid: str, mask: int, kind: int = 0, flags: int = 0, before_sid: bytes = b"") -> bytes:
    body = struct.pack("<I", mask) + before_sid + sid_bytes(sid)
    return struct.pack("<BBH", kind, flags, len(body) + 4) + body


def descriptor(owner: str, aces: Sequence[bytes] | None, *, present: bool = True) -> bytes:
    """The bytes as Windows keeps them: head, owner, DACL. No ACEs for no DACL."""
    who = sid_bytes(owner)
    acl = b""
    if aces is not None:
        acl = struct.pack("<BBHHH", 2, 0, 8 + sum(map(len, aces)), len(aces), 0) + b"".join(aces)
    at = 20 + len(who)
    control = 0x8000 | (0x0004 if present else 0)
    return struct.pack("<BBHIIII", 1, 0, control, 20, 0, 0, at if acl else 0) + who + acl


def test_owner_and_what_everybody_is_allowed_are_read() -> None:
    data = descriptor(SYSTEM, [ace(ADMINISTRATORS, FULL), ace(ANNA, READ)])
    assert read_descriptor(data) == Descriptor(SYSTEM, (Allowed(ADMINISTRATORS, FULL), Allowed(ANNA, READ)))


def test_what_is_denied_or_only_for_what_will_be_made_there_allows_nothing() -> None:
    data = descriptor(SYSTEM, [ace(ANNA, FULL, kind=1), ace(ANNA, FULL, flags=0x0B), ace(ANNA, READ)])
    assert read_descriptor(data).granted(WRITE) == frozenset()


def test_entries_with_conditions_and_for_object_types_count_too() -> None:
    types = struct.pack("<I", 3) + bytes(32)
    data = descriptor(SYSTEM, [ace(ANNA, WRITE, kind=9), ace(ADMINISTRATORS, WRITE, 5, 0, types)])
    assert read_descriptor(data).granted(WRITE) == {ANNA, ADMINISTRATORS}


@pytest.mark.parametrize("owners", ["S-1-3-4", "S-1-3-0"])
def test_rights_of_the_owner_are_the_owners(owners: str) -> None:
    assert read_descriptor(descriptor(ANNA, [ace(owners, FULL)])).granted(WRITE) == {ANNA}


def test_without_a_dacl_nothing_restricts_anybody() -> None:
    assert read_descriptor(descriptor(SYSTEM, None)).allowed is None
    assert read_descriptor(descriptor(SYSTEM, [ace(ANNA, READ)], present=False)).allowed is None


def test_with_an_empty_dacl_nobody_is_allowed_anything() -> None:
    assert read_descriptor(descriptor(SYSTEM, [])).allowed == ()


@pytest.mark.parametrize("data", [b"", b"\1", descriptor(SYSTEM, [ace(ANNA, READ)])[:-3]])
def test_bytes_that_are_cut_off_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="security descriptor"):
        read_descriptor(data)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_or_read(data: bytes) -> None:
    try:
        read_descriptor(data)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("sid", ["", "S-1", "X-1-5-18", "S-1-5-99999999999", "S-1-x"])
def test_a_text_that_is_no_sid_is_refused(sid: str) -> None:
    with pytest.raises((ValueError, struct.error)):
        sid_bytes(sid)


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("O:BAD:(A;;FA;;;SY)", "O:BAD:(A;;FA;;;SY)"),
        ("O:BAD:AI(A;ID;FA;;;SY)", "O:BAD:(A;ID;FA;;;SY)"),
        ("O:BAD:PAI(A;;FA;;;SY)", "O:BAD:P(A;;FA;;;SY)"),
        ("O:BAD:ARAI(A;ID;FA;;;SY)", "O:BAD:(A;ID;FA;;;SY)"),
        ("O:BAD:", "O:BAD:"),
    ],
)
def test_the_flags_that_windows_sets_by_itself_do_not_count(written: str, compared: str) -> None:
    assert comparable(written) == compared
    assert comparable(settable(compared)) == compared


def test_inherited_entries_are_asked_to_stay_inherited() -> None:
    assert settable("O:BAD:(A;ID;FA;;;SY)") == "O:BAD:ARAI(A;ID;FA;;;SY)"
    assert settable("O:BAD:(A;OICIID;FA;;;SY)") == "O:BAD:ARAI(A;OICIID;FA;;;SY)"
    for own in ("O:BAD:(A;OICI;FA;;;SY)", "O:BAD:P(A;;FA;;;SY)"):
        assert settable(own) == own
