"""Stores of users, of API applications and of the server's own database backup."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.endpoint import AS_ROOT, User
from dsmbench.record import Run
from dsmbench.runtime import open_to_all

LABEL = "TSM server {} self-signed key"


@pytest.fixture
def alice(machine: Machine) -> User:
    """A second user with a store, a stanza and a node of her own."""
    made = machine.endpoint.user("alice")
    machine.stanzas("TSMB", passworddir="/home/alice/adsm", owner=made)
    machine.endpoint.store(user=made, certificates=machine.trusted("TSMB"), version=6)
    return made


class TestAnotherUser:
    def test_the_store_is_repaired_as_its_owner(self, machine: Machine, alice: User) -> None:
        home = machine.endpoint.home_store(alice)
        new = machine.renew("TSMB")
        answer = machine.fix()
        assert (answer.code, answer.store(home)["outcome"]) == (0, "changed")
        run: Run = machine.reconnects[-1]
        assert (run.uid, run.gid) == (alice.uid, alice.gid)
        assert run.environment["HOME"] == str(alice.home)
        assert run.environment["USER"] == ("alice" if AS_ROOT else run.environment["USER"])
        if AS_ROOT:
            assert run.groups == [alice.gid]
        assert machine.held(home) == {LABEL.format("TSMB"): new}
        seen = machine.seen(home)
        assert {(file.uid, file.gid, file.mode) for file in seen.values()} == {(alice.uid, alice.gid, 0o600)}
        assert machine.left_behind() == []
        assert machine.endpoint.dsmc("query", "session", "-se=TSMB", user=alice).returncode == 0

    def test_what_only_root_can_see_on_her_files_is_in_nobody_s_way(
        self, machine: Machine, alice: User
    ) -> None:
        home = machine.endpoint.home_store(alice)
        for name in ("dsmcert.kdb", "dsmcert.sth"):
            try:
                os.setxattr(home / name, "trusted.glusterfs.x", b"1")
            except OSError:
                not_shown("attributes that only root sees: this file system or container has none")
        new = machine.renew("TSMB")
        answer = machine.fix("--store", home)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        machine.require_proved("TSMB", new, home)
        # Only the file that was replaced has lost it.
        assert "trusted.glusterfs.x" in os.listxattr(home / "dsmcert.sth")
        assert machine.run("rollback", "--yes").code == 0

    @pytest.mark.parametrize("how", [(), ("--whole-store",)])
    def test_a_group_that_she_may_not_give_leaves_the_new_file_hers_alone_and_is_told(
        self, machine: Machine, alice: User, how: tuple[str, ...]
    ) -> None:
        if not AS_ROOT:
            not_shown("files of another group: it needs root")
        home = machine.endpoint.home_store(alice)
        os.chown(home / "dsmcert.idx", alice.uid, 4343)
        (home / "dsmcert.idx").chmod(0o640)
        new = machine.renew("TSMB")
        answer = machine.fix(*how, "--store", home)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        made = (home / "dsmcert.idx").stat()
        assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (alice.uid, alice.gid, 0o600)
        (note,) = (line for line in answer.store(home)["notes"] if "owner's alone" in line)
        assert "dsmcert.idx" in note and "group 4343, mode 0640" in note
        machine.require_proved("TSMB", new, home)

    def test_both_stores_are_repaired_each_as_its_owner(self, machine: Machine, alice: User) -> None:
        new = {name: machine.renew(name) for name in ("TSMA", "TSMB")}
        answer = machine.fix()
        assert (answer.code, answer.report["changed"]) == (0, True)
        assert machine.held() == {LABEL.format("TSMA"): new["TSMA"]}
        assert machine.held(machine.endpoint.home_store(alice)) == {LABEL.format("TSMB"): new["TSMB"]}
        assert [run.uid for run in machine.reconnects] == [machine.endpoint.superuser.uid, alice.uid]

    def test_one_users_strict_node_does_not_stop_the_other_store(self, machine: Machine, alice: User) -> None:
        home = machine.endpoint.home_store(alice)
        new = machine.renew("TSMA")
        machine.renew("TSMB")
        machine.servers["TSMB"].update_node("NODE_TSMB", "STRICT")
        before = machine.seen(home)
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (21, "rolled-back", True)
        assert (answer.store(home)["outcome"], machine.seen(home)) == ("rolled-back", before)
        assert machine.held() == {LABEL.format("TSMA"): new}

    def test_what_a_user_planted_beside_the_store_is_not_followed(
        self, machine: Machine, alice: User, tmp_path: Path
    ) -> None:
        home = machine.endpoint.home_store(alice)
        precious = tmp_path / "precious"
        precious.write_text("root's own")
        machine.renew("TSMB")
        (home / "dsmcert.idx").unlink()
        (home / "dsmcert.idx").symlink_to(precious)
        before = machine.seen(home)
        answer = machine.fix("--store", home)
        assert (answer.code, answer.problem, machine.seen(home)) == (12, "not-a-regular-file", before)
        assert precious.read_text() == "root's own"
        assert machine.reconnects == []

    def test_a_rollback_and_its_rollback_leave_her_files_hers(self, machine: Machine, alice: User) -> None:
        home = machine.endpoint.home_store(alice)
        before = machine.seen(home)
        machine.renew("TSMB")
        fixed = machine.fix()
        after = machine.seen(home)
        back = machine.run("rollback", "--yes")
        assert (fixed.code, back.code, machine.seen(home)) == (0, 0, before)

        undone = machine.run("rollback", "--yes", back.report["run"])
        assert (undone.code, machine.seen(home)) == (0, after)


class TestAnOrdinaryUserRunsIt:
    """The tool run by somebody who is not root."""

    @pytest.fixture(autouse=True)
    def _possible(self) -> None:
        import dsmcertfix

        if not AS_ROOT:
            not_shown("the tool as another user: only root can start it so")
        if not open_to_all(Path(dsmcertfix.__file__)):
            not_shown("the tool as another user: it is installed where others cannot read it")

    def test_her_own_store_is_repaired_and_roots_is_refused(self, machine: Machine, alice: User) -> None:
        home = machine.endpoint.home_store(alice)
        machine.renew("TSMA")
        new = machine.renew("TSMB")
        before = machine.seen()
        answer = machine.run_as(alice, "fix", "--yes", "--trust-on-first-use")
        assert answer.code == 12
        assert machine.seen() == before
        assert (answer.store(home)["outcome"], machine.held(home)) == (
            "changed",
            {LABEL.format("TSMB"): new},
        )
        assert machine.run_as(alice, "fix", "--yes", "--trust-on-first-use", "--store", home).code == 0

    def test_roots_state_directory_is_not_hers_to_use(self, machine: Machine, alice: User) -> None:
        machine.renew("TSMB")
        assert machine.fix().code == 0
        answer = machine.run_as(
            alice, "fix", "--yes", "--trust-on-first-use", "--store", machine.endpoint.home_store(alice)
        )
        assert (answer.code, answer.report["changed"]) == (0, False)


class TestApiApplications:
    @pytest.fixture
    def api(self, make_machine: MakeMachine) -> Machine:
        """A host that has the API only."""
        made = make_machine(programs=("gsk8capicmd_64",))
        place = made.endpoint.add_api()
        made.stanzas("TSMA", directory=place)
        made.endpoint.store(place, certificates=made.trusted("TSMA"))
        return made

    def test_without_a_client_nothing_is_taken_away(self, api: Machine) -> None:
        api.renew("TSMA")
        before = api.everything()
        answer = api.fix()
        assert (answer.code, answer.report["outcome"]) == (16, "unchanged")
        assert "--no-reconnect" in answer.store(api.endpoint.api_directory)["problem"]["hint"]
        assert api.everything() == before

    def test_on_request_the_certificate_waits_for_the_next_session(self, api: Machine) -> None:
        place = api.endpoint.api_directory
        new = api.renew("TSMA")
        answer = api.fix("--no-reconnect")
        assert (answer.code, answer.report["changed"]) == (0, True)
        (waiting,) = answer.store(place)["certificates"]
        assert (waiting["status"], waiting["sha256"]) == ("pending", new)
        detected = api.run("detect")
        assert (detected.code, [item["status"] for item in detected.store(place)["certificates"]]) == (
            0,
            ["pending"],
        )
        assert api.fix("--no-reconnect").report["changed"] is False

    def test_beside_a_client_it_gets_what_the_client_was_given(self, machine: Machine) -> None:
        place = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.server("TSMA"), node="API", directory=place)
        machine.endpoint.store(place, certificates=machine.trusted("TSMA"), version=3)
        new = machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, answer.store(place)["outcome"]) == (0, "changed")
        assert machine.held(place) == {LABEL.format("TSMA"): new}
        assert machine.held() == {LABEL.format("TSMA"): new}
        assert len(machine.reconnects) == 1

    def test_beside_a_client_that_fails_it_is_left_alone(self, machine: Machine) -> None:
        place = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.server("TSMA"), node="API", directory=place)
        machine.endpoint.store(place, certificates=machine.trusted("TSMA"), version=3)
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        before = machine.seen(), machine.seen(place)
        answer = machine.fix()
        assert (answer.code, answer.store(place)["outcome"]) == (21, "unchanged")
        assert (machine.seen(), machine.seen(place)) == before

    def test_the_database_backup_of_a_server_is_not_signed_on_by_the_client(self, machine: Machine) -> None:
        instance = machine.endpoint.user("tsminst1")
        server = machine.server("TSMB")
        name = f"TSMDBMGR_{instance.name}"
        place = machine.endpoint.add_database_backup(
            instance, server, store=[(machine.endpoint.label(name), server.certificate_der)]
        )
        machine.renew("TSMB")
        before = machine.seen(place)
        assert machine.run("detect").code == 3
        answer = machine.fix()
        assert (answer.code, machine.seen(place)) == (16, before)
        assert machine.reconnects == []
        assert machine.fix("--no-reconnect").code == 0
        key_database = machine.endpoint.path(f"/home/{instance.name}/instance/cert.kdb")
        assert key_database.read_bytes() == b"the server's own key database"
