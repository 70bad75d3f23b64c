"""The stash file on its own; GSKit's own stash files are read in test_gskit_contract.py."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmbench import formats
from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm.key_database import stash

# A stash that GSKit 8 wrote for the password below.
PASSWORD = b"Of no use 1"
WRITTEN = bytes.fromhex(
    "2c6068b8849f6bcceb592d79f5fb557988cd62832cdc1999a8651266b930cfd86ce87043faba8c56225129480c7bcc9e"
    "108fb206f4c1458e343236b51e2c82975b5c9d0f1212dbce444920d435edf447f27f1b0067ae55b19048ef40b61b2722"
    "aa3a9e42d9dc88b80091c4f86943e6d8c0f8a76b1d02dc1fe3bee17c7d40f81e5d5e535bab179afd475aa5a48c6e6e30"
    "595dfd091ca1de6c8a2b970ded8d15b45dff70a283f1f4dcec01ac7ee247fefdf22d4578dee3af342cdd6db3239af23a"
    "30"
)

# Another, of the one kind in 256 whose first hash already has the byte that ends GSKit's search for a key.
RARE_PASSWORD = b"correct horse"
RARE = bytes.fromhex(
    "790b0553fa32bbfe74ba4f7561ff94b7952ded8a19122c77a2f848043b39d04c002b6f218364fc6b63ce02100088a01d"
    "ae472b1a936c15002a8e6891ce8029b0df0dce39956965a4bb904882ea9b84573b030db5bcc565987c0d597754a84b7e"
    "665bc80f1bb037a7400eef7bacec8b5f6047db9a62af37709106c36760e29ec51a0fb804094d9acf0149616a7167b14f"
    "bfbde34c3d80a62e3acb014043ef6e830bb208eeadcb5002ad0d08dae146fc9b2c108435ccfb05699c07e766ee3aa2fe"
    "cf"
)


@given(st.binary(min_size=1, max_size=128).filter(lambda secret: b"\0" not in secret))
def test_an_old_stash_gives_its_password(secret: bytes) -> None:
    assert stash.password(formats.old_stash(secret)) == secret


@pytest.mark.parametrize("at", [len(PASSWORD) + 1, 60, 128])
def test_the_last_nul_ends_the_password(at: int) -> None:
    changed = bytearray(formats.old_stash(PASSWORD))
    changed[at] = 0xF5
    found = stash.password(bytes(changed))
    assert len(found) == at and found.startswith(PASSWORD + b"\0"[: at - len(PASSWORD)])


def test_a_stash_of_today_gives_its_password() -> None:
    assert stash.password(WRITTEN) == PASSWORD


def test_a_stash_whose_key_seems_to_be_found_at_once_gives_its_password() -> None:
    assert sha256(RARE[:64]).digest()[8] == 3
    assert stash.password(RARE) == RARE_PASSWORD


def test_every_changed_byte_of_its_key_is_noticed() -> None:
    for at in range(64):
        changed = bytearray(WRITTEN)
        changed[at] ^= 1
        with pytest.raises(StoreUnreadable) as caught:
            stash.password(bytes(changed))
        assert caught.value.code == "stash-damaged"


@pytest.mark.parametrize("whole", [WRITTEN, formats.old_stash(PASSWORD)])
def test_a_stash_cut_anywhere_is_refused(whole: bytes) -> None:
    for length in set(range(len(whole))) - {129}:
        with pytest.raises(StoreUnreadable) as caught:
            stash.password(whole[:length])
        assert caught.value.code == ("stash-size" if length else "stash-empty")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "stash-empty"),
        (b"\xf5" * 129, "stash-damaged"),
        (b"x" * 129, "stash-damaged"),
        (bytes(193), "stash-damaged"),
        (WRITTEN + b"\n", "stash-size"),
    ],
)
def test_what_is_no_stash_is_refused_by_name(data: bytes, code: str) -> None:
    with pytest.raises(StoreUnreadable) as caught:
        stash.password(data)
    assert caught.value.code == code


@given(
    st.binary(min_size=129, max_size=129) | st.binary(min_size=193, max_size=193) | st.binary(max_size=300)
)
def test_no_bytes_lead_to_another_error(data: bytes) -> None:
    try:
        assert stash.password(data)
    except StoreUnreadable as error:
        assert error.code.startswith("stash-")


def test_no_message_holds_the_password() -> None:
    changed = bytearray(formats.old_stash(PASSWORD))
    with pytest.raises(StoreUnreadable) as caught:
        stash.password(bytes(changed[:128]))
    assert PASSWORD.decode() not in repr(caught.value.problem())


def test_a_stash_whose_key_is_not_found_in_time_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    draws, state = 1, sha256(sha256(WRITTEN[:64]).digest()).digest()
    while state[8] != 3:
        draws, state = draws + 1, sha256(state).digest()
    monkeypatch.setattr(stash, "_MOST_DRAWS", draws)
    assert stash.password(WRITTEN) == PASSWORD
    monkeypatch.setattr(stash, "_MOST_DRAWS", draws - 1)
    with pytest.raises(StoreUnreadable) as caught:
        stash.password(WRITTEN)
    assert caught.value.context == ("its key cannot be found",)


def test_why_a_stash_is_damaged_is_told() -> None:
    for data, reason in (
        (b"\xf5" * 129, "no password in it"),
        (b"x" * 129, "no password in it"),
        (bytes(193), "its checksum does not match"),
    ):
        with pytest.raises(StoreUnreadable) as caught:
            stash.password(data)
        assert caught.value.context == (reason,)
