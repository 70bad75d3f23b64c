"""Whether a key database is a whole renewal of another one; both are made by IBM's library."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dsmbench import formats, gskit
from dsmbench.identity import Identity
from dsmbench.instance import PASSWORD, Version, made_database
from dsmcertfix.errors import DsmcertfixError, SwapFailed, WrongCertificate
from dsmcertfix.ibm.server.instance import LABEL, LocatedInstance
from dsmcertfix.model import Certificate, Owner, ServerFile
from dsmcertfix.system.unix.directory import open_directory
from dsmcertfix.transaction.backup import Backup, make_backup
from dsmcertfix.transaction.server_checks import Contents, check_renewed, contents, is_renewed

OLD, NEW, PEER, CA_S, OTHER = (Identity.make() for _ in range(5))
NOW = datetime.now(timezone.utc)
VERSIONS: tuple[Version, ...] = (3, 4, 6)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"version {version}")
def version(request: pytest.FixtureRequest) -> Version:
    found: Version = request.param
    return found


@pytest.fixture
def before(tmp_path: Path, version: Version) -> Contents:
    directory = tmp_path / "before"
    directory.mkdir()
    personal = ((LABEL, OLD.pem), ("from our CA", CA_S.pem))
    files = dict(made_database(version, personal, (("a peer", PEER.der),)))
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return Contents(files["cert.kdb"], files["cert.sth"], OLD.der)


def renewed(before: Contents, directory: Path, new: Identity = NEW, *more: dict[str, str]) -> Contents:
    """What the server makes of it: its label is taken out, and it makes another one."""
    directory.mkdir()
    file = directory / "cert.kdb"
    file.write_bytes(before.database)
    file.with_suffix(".sth").write_bytes(before.stash)
    key = {"op": "add-personal", "path": str(file), "label": LABEL, "pem": new.pem.decode()}
    gskit.run(
        [
            {"op": "delete", "path": str(file), "label": LABEL},
            key,
            *({**one, "path": str(file)} for one in more),
        ]
    )
    return Contents(file.read_bytes(), before.stash, new.der)


def old_of(before: Contents) -> Certificate:
    found = before.labelled(LABEL)
    assert found is not None
    return found


def judged(before: Contents, now: Contents) -> Certificate:
    return check_renewed(before.database, now, old_of(before), NOW)


def code_of(before: Contents, now: Contents, kind: type[DsmcertfixError]) -> str:
    with pytest.raises(kind) as raised:
        judged(before, now)
    return raised.value.code


def test_a_renewal_by_ibm_s_library_is_whole(before: Contents, tmp_path: Path) -> None:
    new = judged(before, renewed(before, tmp_path / "now"))
    assert (new.der, new.label, new.kind) == (NEW.der, LABEL, "personal")


def test_the_old_one_is_no_renewal(before: Contents) -> None:
    assert code_of(before, before, WrongCertificate) == "server-key-not-new"


def test_a_new_certificate_for_the_old_key_is_none(before: Contents, tmp_path: Path) -> None:
    again = OLD.again()
    assert code_of(before, renewed(before, tmp_path / "now", again), WrongCertificate) == "server-key-not-new"


def test_without_the_label_there_is_none(before: Contents, tmp_path: Path) -> None:
    gone = {"op": "delete", "label": LABEL}
    now = renewed(before, tmp_path / "now", NEW, gone)
    assert code_of(before, now, WrongCertificate) == "server-made-none"


@pytest.mark.parametrize("arm", [None, OLD.der, PEER.der])
def test_the_exported_file_must_be_it(before: Contents, tmp_path: Path, arm: bytes | None) -> None:
    now = renewed(before, tmp_path / "now")
    assert code_of(before, Contents(now.database, now.stash, arm), WrongCertificate) == "arm-differs"


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)])
def test_it_must_be_valid_now(before: Contents, tmp_path: Path, days: tuple[int, int]) -> None:
    begins, ends = (NOW + timedelta(days=number) for number in days)
    now = renewed(before, tmp_path / "now", Identity.make(begins, ends))
    assert code_of(before, now, WrongCertificate) == "server-certificate-not-in-date"


@pytest.mark.parametrize("spoilt", ["another is gone", "another is there", "a peer is exchanged"])
def test_every_other_entry_must_be_as_it_was(before: Contents, tmp_path: Path, spoilt: str) -> None:
    der = gskit.adding(Path("x"), "somebody new", OTHER.der)
    more = {
        "another is gone": [{"op": "delete", "label": "from our CA"}],
        "another is there": [dict(der)],
        "a peer is exchanged": [
            {"op": "delete", "label": "a peer"},
            dict(gskit.adding(Path("x"), "a peer", OTHER.der)),
        ],
    }[spoilt]
    now = renewed(before, tmp_path / "now", NEW, *more)
    assert code_of(before, now, SwapFailed) == "server-entries-changed"


def test_another_entry_s_private_key_may_not_change(before: Contents, tmp_path: Path) -> None:
    now = renewed(before, tmp_path / "now")
    # One bit of the key of "from our CA", and codes that fit it again: only the bytes can tell.
    forged = formats.with_key_bit_turned(now.database, PASSWORD.encode(), CA_S.der)
    assert code_of(before, Contents(forged, now.stash, now.arm), SwapFailed) == "server-entries-changed"


def test_damage_is_no_renewal(before: Contents, tmp_path: Path) -> None:
    now = renewed(before, tmp_path / "now")
    cut = Contents(now.database[:-40], now.stash, now.arm)
    assert code_of(before, cut, SwapFailed) == "server-entries-changed"


class TestWhatLiesThere:
    """The same question asked of a directory and a backup, as `recover` asks it."""

    @pytest.fixture
    def backup(self, before: Contents, tmp_path: Path) -> Backup[ServerFile]:
        place = tmp_path / "before"
        path = tmp_path / "backup"
        path.mkdir(mode=0o700)
        with open_directory(place, ServerFile, "run", self.located(place).identity) as directory:
            return make_backup(directory, tuple(directory.fact(file) for file in ServerFile), path)

    @staticmethod
    def located(place: Path) -> LocatedInstance:
        info = place.stat()
        return LocatedInstance(place, (info.st_dev, info.st_ino), Owner(os.geteuid(), os.getegid(), "me"))

    def ask(self, backup: Backup[ServerFile], place: Path) -> Certificate | None:
        with open_directory(place, ServerFile, "run", self.located(place).identity) as directory:
            return is_renewed(backup, directory, LABEL)

    def test_a_whole_renewal_is_one(
        self, before: Contents, backup: Backup[ServerFile], tmp_path: Path
    ) -> None:
        renewed(before, tmp_path / "now")
        (tmp_path / "now" / "cert256.arm").write_bytes(NEW.arm)
        found = self.ask(backup, tmp_path / "now")
        assert found is not None and found.der == NEW.der

    @pytest.mark.parametrize("lacks", ["cert256.arm", "cert.sth", "cert.kdb"])
    def test_half_of_one_is_none(
        self, lacks: str, before: Contents, backup: Backup[ServerFile], tmp_path: Path
    ) -> None:
        renewed(before, tmp_path / "now")
        (tmp_path / "now" / "cert256.arm").write_bytes(NEW.arm)
        (tmp_path / "now" / lacks).unlink()
        assert self.ask(backup, tmp_path / "now") is None

    def test_what_was_backed_up_is_none(self, backup: Backup[ServerFile], tmp_path: Path) -> None:
        assert self.ask(backup, tmp_path / "before") is None

    def test_a_file_without_a_certificate_counts_as_none(self, before: Contents, tmp_path: Path) -> None:
        place = tmp_path / "before"
        (place / "cert256.arm").write_bytes(b"no certificate")
        with open_directory(place, ServerFile, "run", self.located(place).identity) as directory:
            assert contents(directory).arm is None
