"""Certificates with private keys: every engine takes one out, and leaves all others byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsmbench import gskit
from dsmbench.dsmserv import LABEL
from dsmbench.formats import personal_keys
from dsmbench.identity import Identity
from dsmbench.instance import Version, made_database
from dsmcertfix.errors import EditFailed
from dsmcertfix.ibm.engines import Engine, GskitEngine, NativeEngine
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.ibm.key_database.certificate import describe, describe_all

OLD, OTHER, PEER = (Identity.make() for _ in range(3))
OTHER_LABEL = "from our CA"
VERSIONS: tuple[Version, ...] = (3, 4, 6)


@pytest.fixture(params=VERSIONS, ids=lambda version: f"version {version}")
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A private copy of a server's key database: its own as the default, another with a key, a peer's."""
    directory = tmp_path / "stage"
    directory.mkdir(mode=0o700)
    held = ((LABEL, OLD.pem), (OTHER_LABEL, OTHER.pem))
    files = dict(made_database(request.param, held, (("a peer", PEER.der),)))
    for name in ("cert.kdb", "cert.sth"):
        (directory / name).write_bytes(files[name])
    return directory / "cert.kdb"


@pytest.fixture(params=["gskit", "native"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "native":
        return NativeEngine()
    program = tmp_path / "gsk8" / "bin" / "gsk8capicmd_64"
    gskit.write_program(program)
    return GskitEngine(program)


def slots(database: Path) -> dict[str, bytes]:
    return {
        record.label: record.slot for record in kdb.read(database.read_bytes()).records if not record.deleted
    }


@pytest.mark.parametrize("label", [LABEL, OTHER_LABEL])
def test_a_certificate_with_its_key_goes_and_the_others_stay_as_they_are(
    label: str, copy: Path, engine: Engine
) -> None:
    before = slots(copy)
    engine.delete(copy, [describe({LABEL: OLD, OTHER_LABEL: OTHER}[label].der, label)])
    assert slots(copy) == {name: slot for name, slot in before.items() if name != label}
    kept = {OTHER_LABEL: OTHER.der, LABEL: OLD.der, "a peer": PEER.der}
    assert gskit.certificates(copy) == {name: der for name, der in kept.items() if name != label}
    left = {LABEL: OLD.der, OTHER_LABEL: OTHER.der}
    assert [der for der, _ in personal_keys(copy.read_bytes())] == [
        der for name, der in left.items() if name != label
    ]


def test_the_server_s_own_is_told_from_the_others_and_as_the_default(copy: Path) -> None:
    database = kdb.read(copy.read_bytes())
    assert {item.label: item.kind for item in describe_all(database)} == {
        LABEL: "personal",
        OTHER_LABEL: "personal",
        "a peer": "server",
    }
    assert [record.label for record in database.records if record.default] == [LABEL]


def test_another_certificate_under_that_label_is_refused(copy: Path, engine: Engine) -> None:
    before = copy.read_bytes()
    with pytest.raises(EditFailed):
        engine.delete(copy, [describe(PEER.der, LABEL)])
    assert copy.read_bytes() == before


def test_what_was_read_has_no_key_in_its_representation(copy: Path) -> None:
    content = copy.read_bytes()
    database = kdb.read(content)
    said = repr(database) + repr(describe_all(database))
    for _, key in personal_keys(content):
        assert repr(key)[2:-1] not in said and key.hex() not in said
