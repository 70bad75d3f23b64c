"""What a user may put into a key database: at the cap it is repaired, above it that user is told so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.attack.scene import Scene

from dsmbench import certificates, formats
from dsmbench.endpoint import User
from dsmcertfix import budgets
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.engines import GskitEngine
from dsmcertfix.ibm.key_database import kdb, stash
from dsmcertfix.ibm.key_database.certificate import describe, describe_all

PASSWORD = b"a password of the tests"
DER = certificates.make(serial=77)


@pytest.fixture
def mallory(scene: Scene) -> User:
    """A user with a store of her own."""
    user = scene.endpoint.user("mallory")
    scene.store_of(user)
    scene.stanza_of(user)
    return user


def of_slots(count: int) -> bytes:
    slot = formats.slot(formats.der(0x30, b""), 1, slot_size=256)
    return formats.key_database(6, PASSWORD, [slot] * count, 256)


def test_records_at_the_cap_are_read_and_one_more_is_not() -> None:
    assert len(kdb.read(of_slots(budgets.RECORDS.cap)).records) == budgets.RECORDS.cap
    with pytest.raises(StoreUnreadable) as caught:
        kdb.read(of_slots(budgets.RECORDS.cap + 1))
    assert caught.value.code == "too-many-records"


def with_labels(store: Path, labels: list[str], subject: Mapping[str, str] | str) -> None:
    """The store has these labels besides its own, each with a certificate of its own."""
    path = store / "dsmcert.kdb"
    content, password = path.read_bytes(), stash.password((store / "dsmcert.sth").read_bytes())
    for number, label in enumerate(labels):
        der = certificates.make(subject, serial=1000 + number)
        content = kdb.add(kdb.read(content), password, label=label, certificate=der)
    path.write_bytes(content)


@pytest.mark.parametrize("more", [0, 1])
def test_a_label_at_the_cap_is_one_and_a_longer_one_is_its_users_problem(
    scene: Scene, mallory: User, more: int
) -> None:
    store = scene.endpoint.home_store(mallory)
    label = "ü" + "x" * (budgets.LABEL.cap - 2 + more)
    with_labels(store, [label], "another")
    scene.renew()
    answer = scene.machine.fix()
    ended = answer.store(store)
    assert (ended["problem"] or {}).get("code") == ("label-too-long" if more else None)
    assert ended["outcome"] == ("unchanged" if more else "changed")
    assert any(one["label"] == label for one in ended["certificates"]) == (not more)
    assert any(note.startswith("done by") for note in answer.notes("delete-label"))
    for other in (scene.machine.ba, scene.bobs):
        assert answer.store(other)["outcome"] == "changed"


def test_a_label_of_many_kilobytes_is_shown_cut() -> None:
    size = 100_000
    slots = [formats.trusted(1, b"x" * 60_000, DER, size)]
    (shown,) = describe_all(kdb.read(formats.key_database(6, PASSWORD, slots, size)))
    assert shown.label == "x" * budgets.LABEL.cap + "..."


def test_gskit_is_not_run_for_more_labels_than_its_budget(tmp_path: Path) -> None:
    program = tmp_path / "gsk8capicmd_64"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    some = [describe(DER, f"L{number}") for number in range(budgets.GSKIT_DELETIONS.cap + 1)]
    with pytest.raises(EditFailed) as caught:
        GskitEngine(program).delete(tmp_path / "dsmcert.kdb", some)
    assert caught.value.code == "too-many-labels-for-gskit"
    assert not (tmp_path / "ran").exists()


def require_gone_in_one_edit(scene: Scene, store: Path, name: str, count: int) -> str:
    """So many certificates of that server's went in one edit, and none else; says by which engine."""
    labels = [f"{name} number {number}" for number in range(count)]
    with_labels(store, labels, certificates.SERVER)
    kept = set(scene.machine.held(store)) - {*labels, scene.endpoint.label(name)}
    scene.renew()
    answer = scene.machine.fix("--store", store)
    assert (answer.code, answer.store(store)["outcome"]) == (0, "changed")
    notes = answer.notes("delete-label")
    assert len(notes) >= count
    assert set(notes) == {notes[0]}, "one edit, told with each label"
    assert set(scene.machine.held(store)) == kept | {scene.endpoint.label(name)}
    return str(notes[0])


@pytest.mark.parametrize("more", [0, 1, 200 - budgets.GSKIT_DELETIONS.cap])
def test_all_affected_certificates_of_a_store_go_in_one_edit(scene: Scene, more: int) -> None:
    # With the one that the store has.
    count = budgets.GSKIT_DELETIONS.cap - 1 + more
    note = require_gone_in_one_edit(scene, scene.machine.ba, "TSMA", count)
    assert note.endswith("done by native" if more else "done by gskit")
    assert ("gsk8capicmd deletes one label a run" in note) is bool(more)


def test_what_ibm_s_program_has_no_time_for_in_a_user_s_store_goes_natively(
    scene: Scene, mallory: User
) -> None:
    store = scene.endpoint.home_store(mallory)
    note = require_gone_in_one_edit(scene, store, "MALLORY", budgets.GSKIT_DELETIONS.cap - 1)
    in_time, too_late = (
        "done by gskit",
        "what belongs to mallory takes more time than is allowed; done by native",
    )
    assert note in (in_time, f"gskit: {too_late}")
