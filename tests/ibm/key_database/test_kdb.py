"""The key database on its own: reading, verifying, removing and adding."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsmbench import certificates, formats
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.key_database import codes, kdb
from dsmcertfix.ibm.key_database.record import SECRET_KEY

PASSWORD = b"correct horse"
VERSIONS = (3, 4, 6)
HEADER = {3: 0x50, 4: 0x58, 6: 0x90}
ONE = certificates.make(serial=1)
TWO = certificates.make(serial=2)
CA = certificates.make("some authority", ca=True)

FRESH = certificates.make("fresh")

BASIC_PLANE = st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])

versions = pytest.mark.parametrize("version", VERSIONS)


def database(version: int = 6, slots: Sequence[bytes] | None = None) -> kdb.KeyDatabase:
    if slots is None:
        entries = ((b"one", ONE), (b"two", TWO), (b"root", CA))
        slots = [formats.trusted(number, label, der) for number, (label, der) in enumerate(entries, start=1)]
    return kdb.read(formats.key_database(version, PASSWORD, slots))


def sha256(der: bytes) -> str:
    from hashlib import sha256

    return sha256(der).hexdigest()


def labels(found: kdb.KeyDatabase) -> list[str]:
    return [record.label for record in found.records]


class TestReading:
    @versions
    def test_a_key_database_is_read_without_its_password(self, version: int) -> None:
        found = database(version)
        assert (found.version, found.slot_size, len(found.salt)) == (version, 5000, 24)
        assert [(record.position, record.number, record.label) for record in found.records] == [
            (0, 1, "one"),
            (1, 2, "two"),
            (2, 3, "root"),
        ]
        assert [record.certificate for record in found.records] == [ONE, TWO, CA]
        assert {record.kind for record in found.records} == {"trusted"}

    @versions
    def test_an_empty_key_database_has_no_records(self, version: int) -> None:
        assert database(version, []).records == ()

    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            (b"plain", "plain"),
            ("größer".encode(), "größer"),
            ("größer".encode("latin-1"), "größer"),
            (b'"quoted" = , -dash', '"quoted" = , -dash'),
            (b"\x01\t\x1b[31m", "\x01\t\x1b[31m"),
            ("日本語 🔑".encode(), "日本語 🔑"),
            (b"x" * 2000, "x" * 2000),
            (b"", ""),
        ],
    )
    def test_a_label_is_utf_8_else_latin_1_and_its_bytes_are_kept(self, raw: bytes, text: str) -> None:
        (record,) = database(slots=[formats.trusted(1, raw, ONE)]).records
        assert (record.label, record.label_bytes) == (text, raw)

    def test_a_personal_certificate_is_told_from_a_trusted_one(self) -> None:
        der, key = certificates.with_key("me", PASSWORD)
        slot = formats.slot(formats.record(1, 2, der + key, b"mine"), 1)
        (record,) = database(slots=[slot]).records
        assert (record.kind, record.label, record.certificate) == ("personal", "mine", der)

    def test_a_secret_key_holds_no_certificate(self) -> None:
        stand_in = formats.der(0x30, SECRET_KEY)
        record = formats.record(1, 2, stand_in + formats.der(0x30, b""), b"1708990603_0")
        (found,) = database(slots=[formats.slot(record, 1)]).records
        assert (found.kind, found.label, found.certificate) == ("other", "1708990603_0", None)

    @pytest.mark.parametrize(
        ("record", "label"),
        [
            (formats.record(1, 7, b"what is this", b"odd"), "odd"),
            (formats.der(0x04, b"not even a sequence"), ""),
            (formats.der(0x30, b""), ""),
            (formats.der(0x30, formats.der(2, b"\1")), ""),
            (formats.der(0x30, formats.der(0x0C, b"x") + formats.der(2, b"\1")), ""),
        ],
    )
    def test_a_record_of_an_unknown_kind_is_stepped_over(self, record: bytes, label: str) -> None:
        found = database(slots=[formats.slot(record, 9), formats.trusted(10, b"one", ONE)])
        assert [(each.kind, each.certificate) for each in found.records] == [
            ("other", None),
            ("trusted", ONE),
        ]
        assert (found.records[0].label, found.records[0].der) == (label, record)

    def test_a_record_that_gskit_deleted_is_not_counted(self) -> None:
        gone = formats.slot(formats.record(1, 1, ONE, b"gone"), 1, state=2)
        found = database(slots=[gone, formats.trusted(2, b"two", TWO)])
        assert [(record.deleted, record.kind) for record in found.records] == [
            (True, "other"),
            (False, "trusted"),
        ]
        assert found.records[0].certificate is None

    def test_garbage_in_a_deleted_record_does_no_harm(self) -> None:
        gone = (2).to_bytes(4, "big") + b"\xff" * 4996
        assert database(slots=[gone]).records[0].deleted

    def test_neither_password_nor_contents_are_in_a_repr(self) -> None:
        text = repr(database())
        assert len(text) < 1000
        assert "salt" not in text
        assert "password" not in text


class TestVerifying:
    @versions
    def test_the_right_password_verifies(self, version: int) -> None:
        kdb.verify(database(version), PASSWORD)
        kdb.verify(database(version, []), PASSWORD)

    @versions
    @pytest.mark.parametrize("wrong", [b"", b"correct hors", b"correct horse "])
    def test_a_wrong_password_is_said_to_be_wrong(self, version: int, wrong: bytes) -> None:
        with pytest.raises(StoreUnreadable) as caught:
            kdb.verify(database(version), wrong)
        assert caught.value.code == "password-wrong"

    @versions
    def test_damage_anywhere_behind_the_verifier_is_told_from_a_wrong_password(self, version: int) -> None:
        data = formats.key_database(version, PASSWORD, [formats.trusted(1, b"one", ONE, 600)], 600)
        verifier_end = 0x30 + codes.SIZES[version]
        for at in [*range(verifier_end, HEADER[version]), HEADER[version] + 7, len(data) - 1]:
            damaged = bytearray(data)
            damaged[at] ^= 0x10
            with pytest.raises(StoreUnreadable) as caught:
                kdb.verify(kdb.read(bytes(damaged)), PASSWORD)
            assert caught.value.code == "integrity-wrong"

    @versions
    def test_no_message_holds_the_password(self, version: int) -> None:
        secret = b"Tr0ub4dor"
        with pytest.raises(StoreUnreadable) as caught:
            kdb.verify(database(version), secret)
        assert secret.decode() not in repr(caught.value.problem())


class TestRemoving:
    @versions
    def test_every_other_slot_stays_byte_for_byte(self, version: int) -> None:
        before = database(version)
        after = kdb.read(kdb.remove(before, PASSWORD, label="two", sha256=sha256(TWO)))
        kdb.verify(after, PASSWORD)
        assert [record.slot for record in after.records] == [before.records[0].slot, before.records[2].slot]
        assert (after.version, after.slot_size, after.salt) == (version, before.slot_size, before.salt)

    @versions
    def test_the_last_one_leaves_an_empty_key_database(self, version: int) -> None:
        before = database(version, [formats.trusted(1, b"one", ONE)])
        after = kdb.read(kdb.remove(before, PASSWORD, label="one", sha256=sha256(ONE).upper()))
        kdb.verify(after, PASSWORD)
        assert after.records == ()

    def test_of_one_label_only_the_named_certificate_goes(self) -> None:
        before = database(slots=[formats.trusted(1, b"one", ONE), formats.trusted(2, b"one", TWO)])
        after = kdb.read(kdb.remove(before, PASSWORD, label="one", sha256=sha256(ONE)))
        assert [record.certificate for record in after.records] == [TWO]

    def test_labels_that_differ_in_case_are_different(self) -> None:
        before = database(slots=[formats.trusted(1, b"Server", ONE), formats.trusted(2, b"SERVER", TWO)])
        after = kdb.read(kdb.remove(before, PASSWORD, label="SERVER", sha256=sha256(TWO)))
        assert labels(after) == ["Server"]

    @pytest.mark.parametrize(
        ("label", "fingerprint", "code"),
        [
            ("three", sha256(ONE), "label-not-found"),
            ("ONE", sha256(ONE), "label-not-found"),
            ("one ", sha256(ONE), "label-not-found"),
            ("one", sha256(TWO), "certificate-differs"),
            ("one", "", "certificate-differs"),
        ],
    )
    def test_what_is_not_there_is_not_removed(self, label: str, fingerprint: str, code: str) -> None:
        with pytest.raises(EditFailed) as caught:
            kdb.remove(database(), PASSWORD, label=label, sha256=fingerprint)
        assert caught.value.code == code

    def test_the_same_certificate_twice_under_one_label_is_left_alone(self) -> None:
        double = database(slots=[formats.trusted(1, b"one", ONE), formats.trusted(2, b"one", ONE)])
        with pytest.raises(EditFailed) as caught:
            kdb.remove(double, PASSWORD, label="one", sha256=sha256(ONE))
        assert caught.value.code == "label-ambiguous"

    def test_a_record_without_a_certificate_cannot_be_removed(self) -> None:
        gone = formats.slot(formats.record(1, 1, ONE, b"one"), 1, state=2)
        with pytest.raises(EditFailed) as caught:
            kdb.remove(database(slots=[gone]), PASSWORD, label="one", sha256=sha256(ONE))
        assert caught.value.code == "label-not-found"

    def test_nothing_is_written_with_a_wrong_password(self) -> None:
        with pytest.raises(StoreUnreadable) as caught:
            kdb.remove(database(), b"wrong", label="one", sha256=sha256(ONE))
        assert caught.value.code == "password-wrong"

    @settings(max_examples=30, deadline=None)
    @given(
        st.sampled_from(VERSIONS),
        st.lists(st.text(BASIC_PLANE, min_size=1, max_size=40), min_size=1, max_size=6, unique=True),
    )
    def test_add_and_remove_undo_each_other(self, version: int, names: list[str]) -> None:
        names = [name for name in names if "\0" not in name and name.isprintable()] or ["x"]
        ders = [certificates.make(serial=10 + place) for place in range(len(names))]
        data = formats.key_database(version, PASSWORD)
        steps = [data]
        for name, der in zip(names, ders, strict=True):
            steps.append(kdb.add(kdb.read(steps[-1]), PASSWORD, label=name, certificate=der))
        for name, der in reversed(list(zip(names, ders, strict=True))):
            assert steps.pop() != steps[-1]
            written = kdb.add(kdb.read(steps[-1]), PASSWORD, label=name, certificate=der)
            assert kdb.remove(kdb.read(written), PASSWORD, label=name, sha256=sha256(der)) == steps[-1]


class TestAdding:
    @versions
    def test_the_certificate_is_the_last_record_and_trusted(self, version: int) -> None:
        before = database(version)
        new = certificates.make(serial=4)
        after = kdb.read(kdb.add(before, PASSWORD, label="größer", certificate=new))
        kdb.verify(after, PASSWORD)
        assert [record.slot for record in after.records[:-1]] == [record.slot for record in before.records]
        last = after.records[-1]
        assert (last.kind, last.label, last.certificate, last.number) == ("trusted", "größer", new, 4)

    def test_slots_grow_when_the_record_does_not_fit(self) -> None:
        before = database()
        large = certificates.make(padding=6000)
        after = kdb.read(kdb.add(before, PASSWORD, label="large", certificate=large))
        kdb.verify(after, PASSWORD)
        assert after.slot_size == 7000
        for old, new in zip(before.records, after.records, strict=False):
            assert new.slot == old.slot + bytes(2000)

    @pytest.mark.parametrize(
        ("label", "certificate", "code"),
        [
            ("", CA, "label-unusable"),
            ("a\0b", CA, "label-unusable"),
            ("\udcff", CA, "label-unusable"),
            ("\U0001f511", CA, "label-unusable"),
            # GSKit would not open the file any more: a month 13, no date at all, a name in NumericString.
            ("other", FRESH.replace(b"200101000000Z", b"201301000000Z"), "certificate-malformed"),
            ("other", FRESH.replace(b"400101000000Z", b"abcdefghijklm"), "certificate-malformed"),
            ("other", FRESH.replace(b"\x0c\x05fresh", b"\x12\x05fresh"), "certificate-malformed"),
            ("one", certificates.make(serial=9), "label-taken"),
            ("other", ONE, "certificate-present"),
            ("other", certificates.make(serial=1), "serial-taken"),
            ("other", b"", "certificate-malformed"),
            ("other", b"-----BEGIN CERTIFICATE-----", "certificate-malformed"),
            ("other", CA[:-1], "certificate-malformed"),
            ("other", CA + b"\0", "certificate-malformed"),
            ("x" * (1 << 24), certificates.make(serial=9), "record-too-large"),
        ],
    )
    def test_what_gskit_would_refuse_is_refused(self, label: str, certificate: bytes, code: str) -> None:
        with pytest.raises(EditFailed) as caught:
            kdb.add(database(), PASSWORD, label=label, certificate=certificate)
        assert caught.value.code == code

    def test_nothing_is_added_with_a_wrong_password_nor_to_a_damaged_file(self) -> None:
        new, damaged = certificates.make(serial=9), database()._replace(integrity=bytes(48))
        for found, password, code in (
            (database(), b"wrong", "password-wrong"),
            (damaged, PASSWORD, "integrity-wrong"),
        ):
            with pytest.raises(StoreUnreadable) as caught:
                kdb.add(found, password, label="new", certificate=new)
            assert caught.value.code == code

    def test_a_label_in_another_case_is_free(self) -> None:
        after = kdb.add(database(), PASSWORD, label="ONE", certificate=certificates.make(serial=9))
        assert labels(kdb.read(after))[-1] == "ONE"

    def test_a_deleted_record_takes_no_label_and_no_number(self) -> None:
        gone = formats.slot(formats.record(9, 1, ONE, b"one"), 9, state=2)
        before = database(slots=[formats.trusted(1, b"two", TWO), gone])
        after = kdb.read(kdb.add(before, PASSWORD, label="one", certificate=ONE))
        assert [(record.number, record.deleted) for record in after.records] == [
            (1, False),
            (9, True),
            (2, False),
        ]

    def test_the_highest_number_ends_it(self) -> None:
        full = database(slots=[formats.slot(formats.record(1, 1, ONE, b"one"), 2**31 - 1)])
        with pytest.raises(EditFailed) as caught:
            kdb.add(full, PASSWORD, label="two", certificate=TWO)
        assert caught.value.code == "numbers-used-up"


class TestPassword:
    @versions
    def test_when_it_expires_is_read_and_it_is_set_anew_with_every_record_as_before(
        self, version: int
    ) -> None:
        whole = formats.key_database(version, PASSWORD, [formats.trusted(1, b"one", ONE)])
        assert kdb.read(whole).password_expires is None
        found = kdb.read(formats.rewritten(whole, PASSWORD, expires=86400))
        kdb.verify(found, PASSWORD)
        assert found.password_expires == datetime(1970, 1, 2, tzinfo=timezone.utc)
        kept = kdb.read(kdb.keep_password(found, PASSWORD))
        kdb.verify(kept, PASSWORD)
        assert (kept.password_expires, kept.salt, kept.records) == (None, found.salt, found.records)

    def test_it_is_not_kept_with_a_wrong_one(self) -> None:
        with pytest.raises(StoreUnreadable) as caught:
            kdb.keep_password(database(), b"wrong")
        assert caught.value.code == "password-wrong"

    def test_the_highest_bit_is_one_of_the_number(self) -> None:
        whole = formats.key_database(6, PASSWORD)
        far = kdb.read(formats.rewritten(whole, PASSWORD, expires=0x80000000)).password_expires
        assert far is not None and far.year == 2038


@pytest.mark.parametrize(
    ("flags", "trusted", "default"),
    [
        ("03020780", True, False),
        ("030206c0", True, True),
        ("03020640", False, True),
        ("030100", False, False),
        ("0300", False, False),
        ("", False, False),
    ],
)
def test_the_marks_of_a_record_are_bits_of_their_own(flags: str, trusted: bool, default: bool) -> None:
    slot = formats.trusted(1, b"one", ONE)
    plain = kdb.read(formats.key_database(6, PASSWORD, [slot])).records[0].der
    body = plain[4:-4] + bytes.fromhex(flags)
    record = plain[:2] + len(body).to_bytes(2, "big") + body
    marked = (slot[:8] + len(record).to_bytes(4, "big") + record).ljust(len(slot), b"\0")
    found = kdb.read(formats.key_database(6, PASSWORD, [marked])).records[0]
    assert (found.trusted, found.default, found.certificate) == (trusted, default, ONE)
