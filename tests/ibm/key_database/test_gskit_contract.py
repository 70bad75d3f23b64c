"""Our reading and writing of key databases against IBM's own library, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

import pytest

from dsmbench import certificates, formats, gskit
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.key_database import kdb, stash

PASSWORD = "correct horse"
LABELS = (
    "plain",
    "TSM server tsm01 self-signed key",
    "größer, = ü",
    "-dash",
    "Plain",
    ' "quoted" ',
    "tab\tbell\a",
    "x" * 300,
    "日本語",
)

Version = Literal[3, 4, 6]
Made = Callable[..., Path]


@pytest.fixture(params=[3, 4, 6])
def version(request: pytest.FixtureRequest) -> Version:
    chosen: Version = request.param
    return chosen


@pytest.fixture
def make(tmp_path: Path, version: Version) -> Made:
    """A key database that GSKit filled with those labels and certificates; a new one with every call."""
    count = iter(range(100))

    def made(entries: Sequence[tuple[str, bytes]] = (), *, cas: bool = False) -> Path:
        path = tmp_path / f"{next(count)}" / "dsmcert.kdb"
        path.parent.mkdir()
        create = {"op": "create", "path": str(path), "password": PASSWORD, "version": version, "cas": cas}
        gskit.run([create, *(gskit.adding(path, label, der) for label, der in entries)])
        return path

    return made


@pytest.fixture(scope="module")
def entries() -> list[tuple[str, bytes]]:
    return [(label, certificates.make(serial=number)) for number, label in enumerate(LABELS, start=1)]


def read(path: Path) -> kdb.KeyDatabase:
    """The key database, verified with the password from GSKit's stash."""
    found = kdb.read(path.read_bytes())
    kdb.verify(found, stash.password(path.with_suffix(".sth").read_bytes()))
    return found


def secret(path: Path) -> bytes:
    return stash.password(path.with_suffix(".sth").read_bytes())


def slots(path: Path) -> list[bytes]:
    return [record.slot for record in read(path).records]


def contents(path: Path) -> list[tuple[str, bytes | None]]:
    return [(record.label, record.certificate) for record in read(path).records]


def fingerprint(der: bytes) -> str:
    return sha256(der).hexdigest()


Entries = list[tuple[str, bytes]]


class TestWeReadWhatGskitWrote:
    def test_its_stash_gives_the_password(self, make: Made) -> None:
        assert secret(make()).decode() == PASSWORD

    def test_every_label_and_certificate_is_read_in_its_order(
        self, make: Made, version: Version, entries: Entries
    ) -> None:
        path = make(entries)
        assert contents(path) == entries == list(gskit.certificates(path).items())
        assert read(path).version == version

    def test_its_authorities_are_read(self, make: Made) -> None:
        path = make(cas=True)
        # How many they are depends on the day: GSKit leaves out what has expired.
        found = contents(path)
        assert found
        assert found == list(gskit.certificates(path).items())
        assert {record.kind for record in read(path).records} == {"trusted"}

    def test_large_certificates_in_larger_slots_are_read(self, make: Made) -> None:
        entries = [("small", certificates.make()), ("large", certificates.make(padding=9000))]
        path = make(entries)
        assert contents(path) == entries
        assert read(path).slot_size == 10_000

    def test_a_secret_key_is_told_from_certificates(self, make: Made) -> None:
        path = make([("one", certificates.make())])
        gskit.run(
            [{"op": "add-secret", "path": str(path), "label": "1708990603_0", "key": "c2VjcmV0IGtleSE="}]
        )
        found = [(record.kind, record.label, record.certificate is None) for record in read(path).records]
        assert found == [("trusted", "one", False), ("other", "1708990603_0", True)]

    def test_a_damaged_file_is_refused_by_both(self, make: Made, entries: Entries) -> None:
        path = make(entries[:2])
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(StoreUnreadable, match="damaged"):
            read(path)
        with pytest.raises(gskit.GskitError, match="GSKKM_ERR_DATABASE_CORRUPTION"):
            gskit.certificates(path)

    @pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0"])
    def test_a_file_of_another_length_is_refused_by_both(
        self, make: Made, entries: Entries, change: Callable[[bytes], bytes]
    ) -> None:
        path = make(entries[:2])
        path.write_bytes(change(path.read_bytes()))
        with pytest.raises(StoreUnreadable):
            read(path)
        with pytest.raises(gskit.GskitError):
            gskit.certificates(path)


@pytest.mark.parametrize(
    "behind",
    [
        bytes(128),
        bytes(2) + b"x" * 126,
        bytes(10) + b"x" * 118,
        bytes(60) + b"x" * 68,
        b"\0xxx\0" + b"x" * 123,
    ],
    ids=["all", "two", "ten", "sixty", "a later one"],
)
def test_a_stash_with_more_than_one_nul_opens_where_it_does_for_gskit(
    make: Made, entries: Entries, behind: bytes
) -> None:
    path = make(entries[:1])
    hidden = (PASSWORD.encode() + behind)[:129]
    path.with_suffix(".sth").write_bytes(bytes(byte ^ 0xF5 for byte in hidden))
    try:
        gskit.certificates(path)
    except gskit.GskitError as error:
        assert error.name == "GSKKM_ERR_DATABASE_INVALID_PASSWORD"
        with pytest.raises(StoreUnreadable) as caught:
            read(path)
        assert caught.value.code == "password-wrong"
    else:
        assert read(path).records


class TestWhatGskitCallsAnInvalidPassword:
    @pytest.fixture
    def path(self, make: Made, entries: Entries) -> Path:
        return make(entries[:1])

    @pytest.fixture(autouse=True)
    def refused(self, path: Path) -> Iterator[None]:
        yield
        with pytest.raises(gskit.GskitError, match="GSKKM_ERR_DATABASE_INVALID_PASSWORD"):
            gskit.certificates(path)

    def test_a_missing_stash_file(self, path: Path) -> None:
        path.with_suffix(".sth").unlink()

    def test_a_request_file_with_another_password(self, path: Path, version: Version) -> None:
        path.with_suffix(".rdb").write_bytes(formats.side_files(version, b"another")[".rdb"])
        read(path)

    def test_a_file_that_is_no_key_database(self, path: Path) -> None:
        path.write_bytes(b"x" * 3000)
        with pytest.raises(StoreUnreadable, match="not one of IBM's key databases"):
            read(path)


class TestWhatGskitDoesWhenItDeletes:
    def test_the_other_slots_stay_byte_for_byte_in_order_and_number(
        self, make: Made, entries: Entries
    ) -> None:
        path = make(entries)
        before = read(path)
        gskit.delete(path, LABELS[3])
        after = read(path)
        assert [record.slot for record in after.records] == [
            record.slot for record in before.records if record.label != LABELS[3]
        ]
        assert [record.number for record in after.records] == [1, 2, 3, 5, 6, 7, 8, 9]

    def test_the_version_stays_and_the_salt_is_new(
        self, make: Made, version: Version, entries: Entries
    ) -> None:
        path = make(entries)
        before = read(path)
        gskit.delete(path, "plain")
        after = read(path)
        assert (after.version, after.slot_size) == (version, before.slot_size)
        assert after.salt != before.salt

    def test_a_record_left_behind_as_deleted_is_not_shown_and_goes_with_the_next(
        self, make: Made, version: Version, entries: Entries
    ) -> None:
        path = make(entries[:3])
        first, second, third = slots(path)
        marked = (2).to_bytes(4, "big") + second[4:]
        path.write_bytes(formats.key_database(version, PASSWORD.encode(), [first, marked, third]))
        assert list(gskit.certificates(path)) == [LABELS[0], LABELS[2]]
        gskit.add(path, "new", certificates.make())
        assert slots(path)[:3] == [first, marked, third]
        gskit.delete(path, LABELS[0])
        assert slots(path)[:-1] == [third]


class TestGskitReadsWhatWeRemovedFrom:
    def test_the_other_certificates_are_there(self, make: Made, entries: Entries) -> None:
        path = make(entries)
        for label, der in entries[::2]:
            path.write_bytes(kdb.remove(read(path), secret(path), label=label, sha256=fingerprint(der)))
        assert list(gskit.certificates(path).items()) == entries[1::2]

    def test_the_file_is_what_gskit_would_have_written_but_for_the_salt(
        self, make: Made, entries: Entries
    ) -> None:
        path = make(entries)
        label, der = entries[1]
        ours = kdb.read(kdb.remove(read(path), secret(path), label=label, sha256=fingerprint(der)))
        gskit.delete(path, label)
        theirs = read(path)
        assert ours.records == theirs.records
        assert ours.prefix[:0x18] == theirs.prefix[:0x18]

    def test_an_emptied_one_can_be_filled_again(self, make: Made, entries: Entries) -> None:
        path = make(entries[:1])
        label, der = entries[0]
        path.write_bytes(kdb.remove(read(path), secret(path), label=label, sha256=fingerprint(der)))
        assert gskit.certificates(path) == {}
        gskit.add(path, label, der)
        assert contents(path) == entries[:1]


class TestGskitReadsWhatWeAdded:
    def test_it_lists_shows_and_deletes_them(self, make: Made, entries: Entries) -> None:
        path = make()
        for label, der in entries:
            path.write_bytes(kdb.add(read(path), secret(path), label=label, certificate=der))
        assert list(gskit.certificates(path).items()) == entries
        gskit.run([{"op": "delete", "path": str(path), "label": label} for label in LABELS[1:]])
        assert contents(path) == entries[:1]

    def test_every_slot_is_what_gskit_would_have_written(self, make: Made, entries: Entries) -> None:
        theirs, ours = make(entries), make()
        for label, der in entries:
            ours.write_bytes(kdb.add(read(ours), secret(ours), label=label, certificate=der))
        assert slots(ours) == slots(theirs)

    def test_its_own_authorities_are_written_as_it_writes_them(self, make: Made) -> None:
        theirs, ours = make(cas=True), make()
        for label, der in gskit.certificates(theirs).items():
            ours.write_bytes(kdb.add(read(ours), secret(ours), label=label, certificate=der))
        assert slots(ours) == slots(theirs)

    @pytest.mark.parametrize("padding", [4500, 4700, 6000, 30_000])
    def test_slots_grow_as_they_do_there(self, make: Made, padding: int) -> None:
        entries = [("small", certificates.make()), ("large", certificates.make(padding=padding))]
        theirs, ours = make(entries), make(entries[:1])
        ours.write_bytes(kdb.add(read(ours), secret(ours), label="large", certificate=entries[1][1]))
        assert slots(ours) == slots(theirs)

    def test_a_record_that_just_fits_leaves_the_slots_alone(self, make: Made) -> None:
        start = len(make_record("x", certificates.make(padding=4400)))
        for padding in range(4400 + 5000 - start - 3, 4400 + 5000 - start + 4):
            entries = [("x", certificates.make(padding=padding))]
            theirs, ours = make(entries), make()
            ours.write_bytes(kdb.add(read(ours), secret(ours), label="x", certificate=entries[0][1]))
            assert slots(ours) == slots(theirs)

    @pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (0, 2, 1), (1, 0), (2,), ()])
    def test_the_new_number_is_the_one_gskit_would_give(
        self, make: Made, version: Version, entries: Entries, order: tuple[int, ...]
    ) -> None:
        made = slots(make(entries[:3]))
        ours, theirs = make(), make()
        data = formats.key_database(version, PASSWORD.encode(), [made[place] for place in order])
        theirs.write_bytes(data)
        gskit.add(theirs, "new", entries[4][1])
        ours.write_bytes(kdb.add(kdb.read(data), secret(ours), label="new", certificate=entries[4][1]))
        assert slots(ours) == slots(theirs)

    def test_numbers_above_127_are_written_as_it_writes_them(
        self, make: Made, version: Version, entries: Entries
    ) -> None:
        for number in (126, 127, 255, 32_767, 2**31 - 2):
            ours, theirs = make(), make()
            first = formats.slot(formats.record(1, 1, entries[0][1], b"first"), number)
            data = formats.key_database(version, PASSWORD.encode(), [first])
            theirs.write_bytes(data)
            gskit.add(theirs, "new", entries[1][1])
            ours.write_bytes(kdb.add(kdb.read(data), secret(ours), label="new", certificate=entries[1][1]))
            assert slots(ours) == slots(theirs)

    def test_what_it_refuses_we_refuse(self, make: Made, entries: Entries) -> None:
        path = make(entries[:1])
        label, der = entries[0]
        for name, certificate, code, theirs in (
            (label, entries[1][1], "label-taken", "DUPLICATE_KEY_LABEL"),
            ("other", der, "certificate-present", "DUPLICATE_KEY_SIGNATURE"),
            ("other", certificates.make(serial=1), "serial-taken", "DUPLICATE_KEY_ISSUER_AND_SERIAL_NUMBER"),
            ("other", b"no certificate", "certificate-malformed", "GSKKM_ERR_ASN"),
            ("other", der[:-1], "certificate-malformed", "GSKKM_ERR_ASN"),
            ("", entries[1][1], "label-unusable", "GSKKM_ERR_NULL_PARAMETER"),
        ):
            with pytest.raises(EditFailed) as caught:
                kdb.add(read(path), secret(path), label=name, certificate=certificate)
            assert caught.value.code == code
            with pytest.raises(gskit.GskitError, match=theirs):
                gskit.add(path, name, certificate)


def make_record(label: str, der: bytes) -> bytes:
    from dsmcertfix.ibm.key_database import trusted

    return trusted.compose(1, label.encode(), der)
