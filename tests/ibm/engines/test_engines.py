"""What every engine that edits a key database keeps to. GSKit makes them, and reads the results."""

from __future__ import annotations

import json
import os
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest

from dsmbench import gskit
from dsmbench.identity import Identity
from dsmcertfix.errors import EditFailed, StoreUnreadable
from dsmcertfix.ibm.engines import Engine, GskitEngine, NativeEngine
from dsmcertfix.ibm.key_database import kdb
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import Certificate

LABELS = ("TSM server A self-signed key", "TSM server B self-signed key", "CN=R3,O=Let's Encrypt,C=US")
VERSIONS: tuple[Literal[3, 4, 6], ...] = (3, 4, 6)
KDB = "dsmcert.kdb"
PATIENT_S = 60.0
"""What does its work has done it by then, however busy the machine is."""
Template = Callable[[Literal[3, 4, 6]], Path]


@pytest.fixture(scope="module")
def identities() -> tuple[Identity, ...]:
    return tuple(Identity.make() for _ in range(4))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, identities: tuple[Identity, ...]) -> Template:
    """Makes one store a version, once."""
    made: dict[int, Path] = {}

    def make(version: Literal[3, 4, 6]) -> Path:
        if version not in made:
            made[version] = tmp_path_factory.mktemp(f"version{version}")
            file = made[version] / "dsmcert.kdb"
            gskit.create(file, "a password", version)
            pairs = zip(LABELS, identities, strict=False)
            gskit.run([gskit.adding(file, label, identity.der) for label, identity in pairs])
        return made[version]

    return make


@pytest.fixture(params=VERSIONS, ids=lambda version: f"version {version}")
def copy(request: pytest.FixtureRequest, template: Template, tmp_path: Path) -> Path:
    """A private copy of a store with the three certificates, as a transaction stages it."""
    directory = tmp_path / "staged"
    directory.mkdir(mode=0o700)
    for name in ("dsmcert.kdb", "dsmcert.sth"):
        shutil.copy(template(request.param) / name, directory / name)
    return directory


@pytest.fixture
def held(identities: tuple[Identity, ...]) -> tuple[Certificate, ...]:
    return tuple(describe(one.der, label) for label, one in zip(LABELS, identities, strict=False))


def records(directory: Path) -> list[bytes]:
    return [record.der for record in kdb.read((directory / "dsmcert.kdb").read_bytes()).records]


class EngineContract(ABC):
    """Inherited by the tests of each engine."""

    @pytest.fixture
    @abstractmethod
    def engine(self, tmp_path: Path) -> Engine: ...

    @pytest.mark.parametrize("index", range(3))
    def test_a_deleted_certificate_is_gone_and_the_others_are_untouched(
        self, index: int, engine: Engine, copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        before = records(copy)
        engine.delete(copy / KDB, [held[index]])
        assert records(copy) == before[:index] + before[index + 1 :]
        assert gskit.certificates(copy / "dsmcert.kdb") == {
            one.label: one.der for one in held if one is not held[index]
        }

    def test_the_last_certificate_can_go_too(
        self, engine: Engine, copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        for certificate in held:
            engine.delete(copy / KDB, [certificate])
        assert gskit.certificates(copy / "dsmcert.kdb") == {}

    def test_several_go_in_one_call(self, engine: Engine, copy: Path, held: tuple[Certificate, ...]) -> None:
        before = records(copy)
        engine.delete(copy / KDB, [held[2], held[0]])
        assert records(copy) == [before[1], *before[3:]]
        assert gskit.certificates(copy / "dsmcert.kdb") == {one.label: one.der for one in held[1:2]}

    def test_of_several_none_goes_when_one_is_not_there(
        self, engine: Engine, copy: Path, held: tuple[Certificate, ...], identities: tuple[Identity, ...]
    ) -> None:
        unknown = describe(identities[3].der, "another label")
        self.refused(copy, lambda: engine.delete(copy / KDB, [held[0], unknown]))

    def test_the_version_stays(self, engine: Engine, copy: Path, held: tuple[Certificate, ...]) -> None:
        before = kdb.read((copy / "dsmcert.kdb").read_bytes()).version
        engine.delete(copy / KDB, [held[0]])
        assert kdb.read((copy / "dsmcert.kdb").read_bytes()).version == before

    def test_a_certificate_that_was_added_is_trusted_by_ibm_s_library(
        self, engine: Engine, copy: Path, identities: tuple[Identity, ...]
    ) -> None:
        before = records(copy)
        engine.add(copy / KDB, "the new one", identities[3].der)
        assert records(copy)[: len(before)] == before
        assert gskit.certificates(copy / "dsmcert.kdb")["the new one"] == identities[3].der

    def test_a_certificate_can_be_exchanged_under_its_label(
        self,
        engine: Engine,
        copy: Path,
        held: tuple[Certificate, ...],
        identities: tuple[Identity, ...],
    ) -> None:
        engine.delete(copy / KDB, [held[1]])
        engine.add(copy / KDB, held[1].label, identities[3].der)
        assert gskit.certificates(copy / "dsmcert.kdb")[held[1].label] == identities[3].der

    def test_a_label_that_is_not_there_is_refused(
        self, engine: Engine, copy: Path, identities: tuple[Identity, ...]
    ) -> None:
        self.refused(copy, lambda: engine.delete(copy / KDB, [describe(identities[0].der, "another label")]))

    def test_a_label_whose_certificate_is_another_is_refused(
        self, engine: Engine, copy: Path, identities: tuple[Identity, ...]
    ) -> None:
        self.refused(copy, lambda: engine.delete(copy / KDB, [describe(identities[3].der, LABELS[0])]))

    def test_a_label_that_is_taken_is_refused(
        self, engine: Engine, copy: Path, identities: tuple[Identity, ...]
    ) -> None:
        self.refused(copy, lambda: engine.add(copy / KDB, LABELS[0], identities[3].der))

    def test_what_is_no_certificate_is_refused(self, engine: Engine, copy: Path) -> None:
        self.refused(copy, lambda: engine.add(copy / KDB, "nonsense", b"no certificate"))

    def test_another_stash_is_refused(
        self, engine: Engine, copy: Path, held: tuple[Certificate, ...], tmp_path: Path
    ) -> None:
        gskit.create(tmp_path / "other.kdb", "another password")
        shutil.copy(tmp_path / "other.sth", copy / "dsmcert.sth")
        self.refused(copy, lambda: engine.delete(copy / KDB, [held[0]]))

    def test_a_missing_stash_is_refused(
        self, engine: Engine, copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        (copy / "dsmcert.sth").unlink()
        self.refused(copy, lambda: engine.delete(copy / KDB, [held[0]]))

    def test_a_damaged_key_database_is_refused(
        self, engine: Engine, copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        content = (copy / "dsmcert.kdb").read_bytes()
        (copy / "dsmcert.kdb").write_bytes(content[:-1])
        self.refused(copy, lambda: engine.delete(copy / KDB, [held[0]]))

    def test_nothing_else_is_left_in_the_directory(
        self,
        engine: Engine,
        copy: Path,
        held: tuple[Certificate, ...],
        identities: tuple[Identity, ...],
    ) -> None:
        engine.delete(copy / KDB, [held[0]])
        engine.add(copy / KDB, "the new one", identities[3].der)
        assert {one.name for one in copy.iterdir()} <= {
            f"dsmcert.{end}" for end in ("kdb", "sth", "rdb", "crl")
        }

    def refused(self, copy: Path, act: Callable[[], None]) -> None:
        before = (copy / "dsmcert.kdb").read_bytes()
        with pytest.raises((EditFailed, StoreUnreadable)):
            act()
        assert (copy / "dsmcert.kdb").read_bytes() == before


class TestNative(EngineContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return NativeEngine()

    def test_it_takes_labels_that_no_command_line_can_carry(
        self, engine: Engine, copy: Path, identities: tuple[Identity, ...]
    ) -> None:
        engine.add(copy / KDB, "-db", identities[3].der)
        engine.delete(copy / KDB, [describe(identities[3].der, "-db")])
        assert "-db" not in gskit.certificates(copy / "dsmcert.kdb")

    def test_a_directory_that_cannot_be_written_leaves_the_copy_whole(
        self, engine: Engine, copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        before = (copy / "dsmcert.kdb").read_bytes()
        (copy / "dsmcert.kdb.new").mkdir()
        with pytest.raises(OSError, match=r"dsmcert\.kdb\.new"):
            engine.delete(copy / KDB, [held[0]])
        assert (copy / "dsmcert.kdb").read_bytes() == before


class TestGskit(EngineContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        program = tmp_path / "gsk8" / "bin" / "gsk8capicmd_64"
        gskit.write_program(program)
        return GskitEngine(program)


class TestGskitAsItMayBe:
    """IBM's library behind a program with the faults that have been seen."""

    @pytest.fixture
    def copy(self, template: Template, tmp_path: Path) -> Path:
        return Path(shutil.copytree(template(6), tmp_path / "staged"))

    def engine(self, trouble: str, tmp_path: Path, timeout_s: float = PATIENT_S) -> GskitEngine:
        config, program = tmp_path / "config.json", tmp_path / "gsk8" / "bin" / "gsk8capicmd_64"
        config.write_text(json.dumps({"gsk8capicmd": trouble}))
        gskit.write_program(program, config=config)
        return GskitEngine(program, timeout_s=timeout_s)

    @pytest.mark.parametrize("trouble", ["french", "stderr-1mb", "spawns-lingering-child"])
    def test_what_does_its_work_has_done_it(
        self, trouble: str, copy: Path, held: tuple[Certificate, ...], tmp_path: Path
    ) -> None:
        started = time.monotonic()
        self.engine(trouble, tmp_path).delete(copy / KDB, [held[0]])
        assert time.monotonic() - started < PATIENT_S / 2
        assert set(gskit.certificates(copy / "dsmcert.kdb")) == {one.label for one in held[1:]}

    @pytest.mark.parametrize(
        ("trouble", "code"),
        [
            ("hang -delete", "gskit-timed-out"),
            ("crash", "gskit-refused"),
            ("half-write", "gskit-refused"),
            ("exit-0-but-fails", "gskit-changed-nothing"),
        ],
    )
    def test_what_does_not_is_a_failed_edit(
        self, trouble: str, code: str, copy: Path, held: tuple[Certificate, ...], tmp_path: Path
    ) -> None:
        with pytest.raises(EditFailed) as raised:
            limit_s = 2 if trouble.startswith("hang") else PATIENT_S
            self.engine(trouble, tmp_path, limit_s).delete(copy / KDB, [held[0]])
        assert raised.value.code == code


class TestGskitInTrouble:
    """The program does not do what it should. It is a small script here."""

    @pytest.fixture
    def copy(self, template: Template, tmp_path: Path) -> Path:
        return Path(shutil.copytree(template(4), tmp_path / "staged"))

    @pytest.fixture
    def misbehaving(self, tmp_path: Path) -> Callable[..., GskitEngine]:
        def write(script: str, timeout_s: float = PATIENT_S) -> GskitEngine:
            program = tmp_path / "gsk8capicmd_64"
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
            return GskitEngine(program, {"LD_LIBRARY_PATH": str(tmp_path)}, timeout_s=timeout_s)

        return write

    def failure(self, engine: GskitEngine, copy: Path, certificate: Certificate) -> EditFailed:
        with pytest.raises(EditFailed) as raised:
            engine.delete(copy / KDB, [certificate])
        return raised.value

    def test_a_hang_is_ended_and_the_known_cause_named(
        self, misbehaving: Callable[..., GskitEngine], copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        started = time.monotonic()
        error = self.failure(misbehaving("echo half a line; exec sleep 600", 3), copy, held[0])
        assert time.monotonic() - started < PATIENT_S
        assert error.code == "gskit-timed-out" and error.hint is not None and "IT41127" in error.hint
        assert "gsk8capicmd: half a line" in error.context

    @pytest.mark.parametrize(
        "script",
        ["echo CTGSK2043W Something; exit 40", "echo 'CTGSK3029W Nothing by that label'", "kill -SEGV $$"],
    )
    def test_a_refusal_is_told_in_its_own_words(
        self,
        script: str,
        misbehaving: Callable[..., GskitEngine],
        copy: Path,
        held: tuple[Certificate, ...],
    ) -> None:
        error = self.failure(misbehaving(script), copy, held[0])
        assert error.code == "gskit-refused"
        assert ("CTGSK" in script) == any("CTGSK" in line for line in error.context)

    def test_success_that_changed_nothing_is_none(
        self, misbehaving: Callable[..., GskitEngine], copy: Path, held: tuple[Certificate, ...]
    ) -> None:
        assert self.failure(misbehaving("exit 0"), copy, held[0]).code == "gskit-changed-nothing"

    def test_a_program_that_is_gone_is_a_failed_edit_so_that_another_engine_can_try(
        self, copy: Path, held: tuple[Certificate, ...], tmp_path: Path
    ) -> None:
        assert self.failure(GskitEngine(tmp_path / "gone"), copy, held[0]).code == "gskit-not-runnable"

    @pytest.mark.parametrize(
        "label", ["-db", "", " a", "a ", 'a"b', "a\\b", "a\nb", "a\0b", "@file", "caf\xe9", "x" * 256]
    )
    def test_a_label_that_could_be_misread_is_not_passed_on(
        self,
        label: str,
        misbehaving: Callable[..., GskitEngine],
        copy: Path,
        identities: tuple[Identity, ...],
    ) -> None:
        engine = misbehaving(f"touch {copy}/ran")
        with pytest.raises(EditFailed) as deleting:
            engine.delete(copy / KDB, [describe(identities[0].der, label)])
        with pytest.raises(EditFailed) as adding:
            engine.add(copy / KDB, label, identities[0].der)
        assert deleting.value.code == adding.value.code == "label-not-safe-for-gskit"
        assert not (copy / "ran").exists()

    def test_it_gets_no_password_and_a_clean_environment(
        self,
        misbehaving: Callable[..., GskitEngine],
        copy: Path,
        held: tuple[Certificate, ...],
        tmp_path: Path,
    ) -> None:
        note = tmp_path / "note"
        script = f'for word; do echo "$word"; done > {note}; /usr/bin/env >> {note}; pwd >> {note}; exit 1'
        self.failure(misbehaving(script), copy, held[0])
        database = str(copy / "dsmcert.kdb")
        lines = note.read_text().splitlines()
        assert lines[:7] == ["-cert", "-delete", "-db", database, "-stashed", "-label", LABELS[0]]
        names = {line.partition("=")[0] for line in lines[7:-1]}
        assert names - {"_", "OLDPWD", "SHLVL"} == {
            "PATH",
            "LC_ALL",
            "LANG",
            "HOME",
            "LD_LIBRARY_PATH",
            "PWD",
        }
        assert lines[-1] == os.fspath(copy)
