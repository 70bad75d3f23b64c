"""The whole store is moved out, and the client makes a new one: for every stanza that used it, once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import NAMES, PLAYED_ACL, Machine
from tests.shown import not_shown
from tests.transaction.kit import ONLY_1000

from dsmbench.endpoint import AS_ROOT
from dsmbench.identity import authority
from dsmbench.places import AIX
from dsmbench.trouble import NAMES as TROUBLES

LABEL = "TSM server {} self-signed key"


class TestWholeStore:
    def test_every_stanza_signs_on_exactly_once_and_every_certificate_is_new(self, three: Machine) -> None:
        new = {LABEL.format(name): three.renew(name) for name in NAMES}
        modes = {name: (seen.mode, seen.uid, seen.gid) for name, seen in three.seen().items()}
        names = three.note_what_dsmc_sees()
        answer = three.fix("--whole-store")
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert three.held() == new
        assert {name: (seen.mode, seen.uid, seen.gid) for name, seen in three.seen().items()} == modes
        assert sorted(run.arguments[-1] for run in three.reconnects) == [f"-se={name}" for name in NAMES]
        for name in NAMES:
            assert three.sign_ons(name) == ["fetched", "session"]
        store = {"dsmcert.kdb", "dsmcert.sth", "dsmcert.idx", "dsmcert.rdb", "dsmcert.crl"}
        assert store.isdisjoint(names()[0])
        assert three.left_behind() == []

    @pytest.mark.parametrize("how", [("--whole-store",), ()])
    def test_who_could_read_the_files_before_can_read_the_new_ones(
        self, machine: Machine, how: tuple[str, ...]
    ) -> None:
        if not AS_ROOT:
            not_shown("files of another group: it needs root")
        for path in machine.ba.glob("dsmcert.*"):
            os.chown(path, 0, 4343)
            path.chmod(0o640)
        for name in ("dsmcert.sth", "dsmcert.idx"):
            try:
                os.setxattr(
                    machine.ba / name, *(PLAYED_ACL if AIX else ("system.posix_acl_access", ONLY_1000))
                )
            except OSError:
                not_shown("ACLs: this file system has none")
        before = {name: (seen.mode, seen.uid, seen.gid, seen.xattrs) for name, seen in machine.seen().items()}
        new = machine.renew("TSMA")
        answer = machine.fix(*how, "--store", machine.ba)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        machine.require_proved("TSMA", new)
        after = {name: (seen.mode, seen.uid, seen.gid, seen.xattrs) for name, seen in machine.seen().items()}
        assert after == before
        assert not [line for line in answer.store(machine.ba)["notes"] if "owner's alone" in line]

    def test_one_that_is_healthy_is_left_alone_unless_it_is_named(self, three: Machine) -> None:
        before = three.everything()
        answer = three.fix("--whole-store")
        assert (answer.code, answer.report["changed"], three.everything()) == (0, False, before)
        answer = three.fix("--whole-store", "--store", three.ba)
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert three.held() == {LABEL.format(name): three.servers[name].sha256 for name in NAMES}

    def test_one_server_down_leaves_the_whole_store_alone(self, three: Machine) -> None:
        three.renew("TSMA")
        three.servers["TSMC"].stop()
        before = three.everything()
        answer = three.fix("--whole-store")
        assert (answer.code, answer.report["outcome"]) == (16, "unchanged")
        assert three.everything() == before
        assert three.reconnects == []

    def test_one_strict_node_among_three_brings_the_whole_store_back(self, three: Machine) -> None:
        three.renew("TSMA")
        three.servers["TSMC"].update_node("NODE_TSMC", "STRICT")
        before = three.seen()
        answer = three.fix("--whole-store")
        assert (answer.code, answer.report["outcome"], three.seen()) == (21, "rolled-back", before)
        assert all(len(three.sign_ons(name)) <= 2 for name in NAMES)
        assert three.sign_ons("TSMC") == ["refused"]

    def test_roots_of_authorities_are_warned_of_before_they_go(self, three: Machine) -> None:
        three.endpoint.store(cas=True, certificates=three.trusted(*NAMES))
        root = authority()
        three.endpoint.store(certificates=[("Example Root CA", root.der), *three.trusted(*NAMES)])
        three.renew("TSMA")
        planned = three.run("plan", "--whole-store")
        assert any("`Example Root CA` goes too" in line for line in planned.report["warnings"])
        answer = three.fix("--whole-store")
        assert answer.code == 0
        assert any("`Example Root CA` goes too" in line for line in answer.store(three.ba)["notes"])
        assert "Example Root CA" not in three.held()
        assert three.run("rollback", "--yes").code == 0
        assert "Example Root CA" in three.held()

    @pytest.mark.parametrize("damage", ["stash missing", "cut in half", "empty"])
    def test_a_damaged_store_is_refused_and_made_anew_when_that_is_asked_for(
        self, machine: Machine, damage: str
    ) -> None:
        file = machine.ba / "dsmcert.kdb"
        if damage == "stash missing":
            (machine.ba / "dsmcert.sth").unlink()
        else:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 if damage == "cut in half" else 0])
        before = machine.seen()
        for arguments in ((), ("--server", "TSMA"), ("--expired",)):
            answer = machine.fix(*arguments)
            assert answer.code in (10, 14), answer.report["comment"]
            assert machine.seen() == before
        answer = machine.fix("--whole-store")
        assert (answer.code, answer.report["changed"]) == (0, True)
        machine.require_proved("TSMA", machine.servers["TSMA"].sha256)
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before

    @pytest.mark.parametrize(
        ("name", "spoil", "code", "problem"),
        [
            ("dsmcert.sth", lambda file: os.truncate(file, 100), 0, "stash-size"),
            ("dsmcert.sth", lambda file: os.truncate(file, 0), 0, None),
            ("dsmcert.sth", lambda file: file.write_bytes(bytes(129)), 0, None),
            ("dsmcert.sth", lambda file: file.unlink(), 0, "stash-missing"),
            ("dsmcert.kdb", lambda file: os.truncate(file, 300), 0, "file-cut-off"),
            ("dsmcert.kdb", lambda file: file.write_text("no key database"), 0, None),
            ("dsmcert.kdb", lambda file: (file.unlink(), file.mkdir()), 14, "not-a-regular-file"),
            ("dsmcert.idx", lambda file: (file.unlink(), file.symlink_to("x")), 12, "not-a-regular-file"),
        ],
    )
    def test_the_plan_for_a_damaged_store_says_what_its_fix_does(
        self, machine: Machine, name: str, spoil: Callable[[Path], object], code: int, problem: str | None
    ) -> None:
        spoil(machine.ba / name)
        arguments = ("--whole-store", "--store", machine.ba)
        damage = machine.run("inspect").store(machine.ba)["problem"]
        assert problem in (None, damage["code"])
        planned = machine.run("plan", *arguments)
        store, steps = planned.store(machine.ba), planned.report["steps"]
        assert (planned.code, bool(steps)) == (code, code == 0)
        told = (damage["message"], None) if code == 0 else (None, damage)
        assert (store["notes"][-1] if store["notes"] else None, store["problem"]) == told
        answer = machine.fix(*arguments)
        assert (answer.code, answer.report["changed"]) == (code, code == 0)

    @pytest.mark.parametrize("whole", [True, False])
    def test_what_the_fix_of_a_damaged_store_is_refused_for_its_plan_says_too(
        self, machine: Machine, whole: bool
    ) -> None:
        os.truncate(machine.ba / "dsmcert.sth", 100)
        machine.servers["TSMA"].stop()
        arguments = ("--whole-store",) if whole else ("--server", "TSMA")
        planned, answer = machine.run("plan", *arguments), machine.fix(*arguments)
        assert (planned.code, planned.problem) == (answer.code, answer.problem)
        assert answer.problem == ("server-refused" if whole else "stash-size")

    def test_a_rollback_brings_every_file_of_the_old_store_back(self, three: Machine) -> None:
        before = three.seen()
        three.renew("TSMB")
        assert three.fix("--whole-store").code == 0
        assert three.seen() != before
        answer = three.run("rollback", "--yes")
        assert (answer.code, answer.report["changed"], three.seen()) == (0, True, before)
        assert three.left_behind() == []

    def test_without_a_reconnect_it_waits_for_the_next_session(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        before = machine.seen()
        answer = machine.fix("--whole-store", "--no-reconnect")
        assert (answer.code, answer.report["changed"], machine.seen()) == (0, True, {})
        (waiting,) = answer.store(machine.ba)["certificates"]
        assert (waiting["status"], waiting["sha256"]) == ("pending", new)
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before


@pytest.mark.parametrize("trouble", [name for name in TROUBLES if not name.startswith("hang")])
def test_whatever_fails_each_stanza_has_at_most_one_session(make_machine: MakeMachine, trouble: str) -> None:
    machine = make_machine()
    machine.stanzas("TSMA", "TSMB")
    machine.endpoint.store(certificates=machine.trusted("TSMA", "TSMB"))
    machine.renew("TSMA")
    machine.renew("TSMB")
    before = machine.seen()
    machine.endpoint.misbehave(dsmc=trouble)
    answer = machine.fix("--whole-store")
    stanzas = [run.arguments[-1] for run in machine.reconnects]
    # Where another session of the client was faster, and only there, it is run once more.
    most = 2 if trouble == "meets-another" else 1
    assert all(stanzas.count(one) <= most for one in stanzas)
    assert all(machine.sign_ons(name).count("session") <= 1 for name in ("TSMA", "TSMB"))
    if answer.code:
        assert (answer.report["outcome"], machine.seen()) == ("rolled-back", before)
    assert machine.left_behind() == []


def test_a_store_that_is_named_and_is_none_is_not_found(machine: Machine, tmp_path: Path) -> None:
    answer = machine.fix("--whole-store", "--store", tmp_path)
    assert (answer.code, answer.problem) == (10, "store-not-found")
