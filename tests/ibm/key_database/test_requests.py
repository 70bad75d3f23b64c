"""The file of certificate requests, dsmcert.rdb: GSKit opens it together with the key database."""

from __future__ import annotations

import pytest

from dsmbench import formats
from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm.key_database import kdb

PASSWORD = b"correct horse"

versions = pytest.mark.parametrize("version", kdb.VERSIONS)


def requests(version: int) -> bytes:
    return formats.side_files(version, PASSWORD)[".rdb"]


def refusal(data: bytes, password: bytes = PASSWORD) -> StoreUnreadable:
    with pytest.raises(StoreUnreadable) as caught:
        kdb.verify_requests(data, password)
    assert caught.value.code == "requests-damaged"
    assert caught.value.hint is not None and "--whole-store" in caught.value.hint
    return caught.value


@versions
def test_requests_open_with_the_password_of_their_key_database(version: int) -> None:
    kdb.verify_requests(requests(version), PASSWORD)


@versions
def test_requests_of_another_password_are_not_of_this_key_database(version: int) -> None:
    error = refusal(requests(version), b"another one")
    assert error.context == ("The password in the stash file does not open the key database.",)
    assert "another one" not in repr(error.problem())


@versions
def test_requests_with_a_changed_byte_are_damaged(version: int) -> None:
    changed = bytearray(requests(version))
    changed[-1] ^= 1
    assert refusal(bytes(changed)).context == (
        "The key database is damaged: its integrity code does not match.",
    )


@versions
def test_another_file_of_gskit_s_is_no_file_of_requests(version: int) -> None:
    for other in (formats.key_database(version, PASSWORD), formats.side_files(version, PASSWORD)[".crl"]):
        assert refusal(other).context == ("This file is not one of IBM's key databases.",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "The key database is an empty file."),
        (requests(6)[:40], "The key database ends inside its header."),
        (requests(6) + b"\0", "The key database has bytes left over behind its slots."),
    ],
)
def test_what_is_wrong_with_the_bytes_of_requests_is_told(data: bytes, why: str) -> None:
    assert refusal(data).context == (why,)
