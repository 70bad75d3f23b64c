"""One certificate is replaced and everything else is left alone; or nothing is touched at all."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from tests.endtoend.conftest import MakeMachine
from tests.endtoend.machine import NAMES, PLAYED_ACL, Machine, identity

from dsmbench.identity import expired, fingerprint
from dsmbench.places import AIX

LABEL = "TSM server {} self-signed key"
TRUSTED_B = ("--server", "TSMB")


def with_attributes(directory: Path) -> None:
    """The key database has an odd mode, an attribute of its own and an ACL for somebody else."""
    file = directory / "dsmcert.kdb"
    file.chmod(0o640)
    if AIX:
        os.setxattr(file, *PLAYED_ACL)
        return
    os.setxattr(file, "user.checked-by", b"inventory")
    entries = [(1, 6, -1), (2, 4, 4711), (4, 4, -1), (0x10, 4, -1), (0x20, 0, -1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(file, "system.posix_acl_access", acl)


def metadata(machine: Machine) -> list[object]:
    seen = machine.seen()["dsmcert.kdb"]
    return [seen.kind, seen.uid, seen.gid, seen.mode, seen.xattrs]


class TestThreeServers:
    @pytest.mark.parametrize("engine", ["gskit", "native"])
    @pytest.mark.parametrize("version", [3, 4, 6])
    def test_only_the_certificate_of_the_named_server_is_replaced(
        self, make_machine: MakeMachine, version: Literal[3, 4, 6], engine: str
    ) -> None:
        machine = make_machine(store_version=version)
        machine.stanzas(*NAMES)
        machine.endpoint.store(version=version, certificates=machine.trusted(*NAMES))
        with_attributes(machine.ba)
        new = machine.renew("TSMB")
        slots, before, index = machine.slots(), metadata(machine), machine.seen()["dsmcert.idx"]
        seen_by_dsmc = machine.note_what_dsmc_sees()

        answer = machine.fix(*TRUSTED_B, "--engine", engine)

        assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (0, "changed", True)
        after = machine.slots()
        assert sorted(after) == sorted(slots)
        for name in ("TSMA", "TSMC"):
            assert after[LABEL.format(name)] == slots[LABEL.format(name)]
        assert machine.held() == {
            LABEL.format("TSMA"): machine.servers["TSMA"].sha256,
            LABEL.format("TSMB"): new,
            LABEL.format("TSMC"): machine.servers["TSMC"].sha256,
        }
        assert metadata(machine) == before
        assert answer.notes("delete-label") == [f"done by {engine}"]
        backed_up = Path(answer.store(machine.ba)["backup"], "dsmcert.idx")
        assert fingerprint(backed_up.read_bytes()) == index.content
        (names,) = seen_by_dsmc()
        assert ("dsmcert.kdb" in names, "dsmcert.idx" in names) == (True, False)
        assert machine.seen()["dsmcert.idx"].content != index.content
        machine.require_proved("TSMB", new)

    def test_ibms_program_lists_the_same_certificates_afterwards(self, three: Machine) -> None:
        three.renew("TSMB")
        assert three.fix(*TRUSTED_B).code == 0
        program = three.endpoint.gsk8capicmd_program
        listed = subprocess.run(
            [program, "-cert", "-list", "-db", three.ba / "dsmcert.kdb", "-stashed"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for name in NAMES:
            assert f'!\t"{LABEL.format(name)}"' in listed

    def test_dsmc_is_run_once_with_nothing_of_ours_in_its_environment(
        self, three: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        three.renew("TSMB")
        monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
        monkeypatch.setenv("SECRET_OF_OURS", "x")
        assert three.fix(*TRUSTED_B).code == 0
        (run,) = three.reconnects
        assert (run.arguments, run.input) == (["query", "session", "-se=TSMB"], "null")
        assert run.environment["LC_ALL"] == "C"
        assert run.environment["HOME"] == str(three.endpoint.superuser.home)
        assert "SECRET_OF_OURS" not in run.environment
        assert three.sign_ons("TSMB") == ["fetched", "session"]
        assert (three.sign_ons("TSMA"), three.sign_ons("TSMC")) == ([], [])

    def test_without_a_selector_detect_finds_and_fix_repairs_what_was_replaced(self, three: Machine) -> None:
        assert three.run("detect").code == 0
        new_a, new_c = three.renew("TSMA"), three.renew("TSMC")
        before = three.everything()
        detected = three.run("detect")
        assert (detected.code, detected.report["changed"]) == (3, False)
        assert detected.statuses(three.ba) == {
            LABEL.format("TSMA"): "replaced",
            LABEL.format("TSMB"): "ok",
            LABEL.format("TSMC"): "replaced",
        }
        planned = three.run("plan")
        assert (planned.code, planned.report["changed"]) == (0, False)
        assert three.everything() == before
        slot = three.slots()[LABEL.format("TSMB")]
        fixed = three.fix()
        assert (fixed.code, fixed.report["outcome"]) == (0, "changed")
        done = [step["step"] for step in fixed.report["steps"]]
        assert done == [step["step"] for step in planned.report["steps"]]
        assert three.slots()[LABEL.format("TSMB")] == slot
        three.require_proved("TSMA", new_a)
        three.require_proved("TSMC", new_c)
        assert three.run("detect").code == 0

    def test_fix_again_changes_nothing(self, three: Machine) -> None:
        three.renew("TSMB")
        assert three.fix(*TRUSTED_B).code == 0
        before, runs = three.everything(), len(three.reconnects)
        for arguments in (TRUSTED_B, ()):
            again = three.fix(*arguments)
            assert (again.code, again.report["changed"], again.report["outcome"]) == (0, False, "unchanged")
        assert (three.everything(), len(three.reconnects)) == (before, runs)

    def test_a_kept_index_file_is_left_where_it_is(self, three: Machine) -> None:
        three.renew("TSMB")
        seen_by_dsmc = three.note_what_dsmc_sees()
        assert three.fix(*TRUSTED_B, "--keep-index").code == 0
        (names,) = seen_by_dsmc()
        assert "dsmcert.idx" in names


class TestStrict:
    @pytest.mark.parametrize("mode", [(), ("--whole-store", "--store", "BA")])
    def test_a_strict_node_is_as_before_and_the_administrators_command_is_told(
        self, three: Machine, mode: tuple[str, ...]
    ) -> None:
        with_attributes(three.ba)
        three.renew("TSMB")
        three.servers["TSMB"].update_node("NODE_TSMB", "STRICT")
        before = three.seen()
        answer = three.fix(*[str(three.ba) if word == "BA" else word for word in mode])
        assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (21, "rolled-back", False)
        assert three.seen() == before
        assert (
            "UPDATE NODE NODE_TSMB SESSIONSECURITY=TRANSITIONAL" in answer.store(three.ba)["problem"]["hint"]
        )
        assert three.sign_ons("TSMB") == ["refused"]

    def test_the_text_has_the_command_the_state_and_the_backup(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        answer = machine.text("fix", "--yes", "--trust-on-first-use")
        assert answer.code == 21
        assert "UPDATE NODE NODE_TSMA SESSIONSECURITY=TRANSITIONAL" in answer.stderr
        assert "state: Every file is as it was before, proved by its hash." in answer.stderr
        assert str(machine.state / "runs") in answer.stderr

    def test_after_the_administrators_command_the_same_fix_succeeds(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        assert machine.fix().code == 21
        machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
        assert machine.fix().code == 0
        machine.require_proved("TSMA", new)


class TestPreflight:
    """What shows that no new certificate can come: 16, and nothing is touched, times included."""

    def refused(self, machine: Machine, *arguments: str, code: str) -> None:
        before = machine.everything()
        answer = machine.fix(*arguments)
        assert (answer.code, answer.report["outcome"], answer.problem) == (16, "unchanged", code)
        assert machine.everything() == before
        assert machine.reconnects == []

    def test_a_server_that_is_down(self, machine: Machine) -> None:
        machine.servers["TSMA"].stop()
        self.refused(machine, "--server", "TSMA", code="server-refused")

    @pytest.mark.parametrize("kind", ["close", "no-tls", "hang"])
    def test_a_server_that_does_not_speak_tls(self, machine: Machine, kind: Literal["close", "hang"]) -> None:
        machine.servers["TSMA"].behave(kind)
        before = machine.everything()
        answer = machine.fix("--server", "TSMA", "--timeout", "2")
        assert (answer.code, answer.report["outcome"]) == (16, "unchanged")
        assert machine.everything() == before

    def test_a_server_that_was_not_renewed(self, machine: Machine) -> None:
        sha256 = machine.servers["TSMA"].sha256
        self.refused(machine, "--fingerprint", sha256, code="server-not-renewed")
        answer = machine.fix("--label", LABEL.format("TSMA"))
        assert (answer.code, answer.report["changed"]) == (0, False)

    def test_a_server_whose_new_certificate_has_expired(self, machine: Machine) -> None:
        machine.servers["TSMA"].state.renew(expired())
        self.refused(machine, code="server-certificate-not-valid")

    def test_a_stanza_that_does_not_accept_certificates(self, make_machine: MakeMachine) -> None:
        made = make_machine()
        made.stanzas("TSMA", options={"SSLACCEPTCERTFROMSERV": "No"})
        made.endpoint.store(certificates=made.trusted("TSMA"))
        made.renew("TSMA")
        self.refused(made, code="acceptance-switched-off")

    def test_a_stanza_that_asks_for_a_password(self, make_machine: MakeMachine) -> None:
        made = make_machine()
        made.stanzas("TSMA", options={"PASSWORDAccess": "prompt"})
        made.endpoint.store(certificates=made.trusted("TSMA"))
        made.renew("TSMA")
        self.refused(made, code="no-password-generate")

    def test_a_password_that_is_not_stored(self, make_machine: MakeMachine) -> None:
        made = make_machine()
        made.stanzas("TSMA", password=None)
        made.endpoint.store(certificates=made.trusted("TSMA"))
        made.renew("TSMA")
        self.refused(made, code="no-stored-password")

    def test_a_server_that_presents_another_certificate_than_announced(self, machine: Machine) -> None:
        machine.renew("TSMA")
        self.refused(machine, "--expect-sha256", identity("TSMB").sha256, code="unexpected-certificate")

    def test_the_announced_certificate_may_be_given_as_a_file(self, machine: Machine, tmp_path: Path) -> None:
        new = machine.renew("TSMA")
        arm = tmp_path / "cert256.arm"
        arm.write_bytes(machine.servers["TSMA"].state.identity.pem)
        text = arm.read_text()
        arm.write_text(text[text.index("-----BEGIN CERTIFICATE") :])
        assert machine.fix("--expect-file", str(arm)).code == 0
        machine.require_proved("TSMA", new)

    def test_someone_in_between_after_the_preflight_is_found_out(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        machine.servers["TSMA"].behave(other="after", count=1)
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"]) == (22, "rolled-back")
        assert machine.seen() == before

    def test_one_stanza_in_the_way_leaves_the_other_stores_to_be_repaired(self, machine: Machine) -> None:
        machine.stanzas("TSMB", passworddir="/opt/other/adsm", password=None)
        machine.endpoint.store("/opt/other/adsm", certificates=machine.trusted("TSMB"))
        new = machine.renew("TSMA")
        machine.renew("TSMB")
        other = machine.endpoint.path("/opt/other/adsm")
        before = machine.seen(other)
        answer = machine.fix()
        assert answer.code == 16
        assert (answer.store(machine.ba)["outcome"], answer.store(other)["outcome"]) == (
            "changed",
            "unchanged",
        )
        assert machine.seen(other) == before
        machine.require_proved("TSMA", new)


class TestSelecting:
    def test_a_fingerprint_may_be_pasted_with_colons_and_blanks(self, three: Machine) -> None:
        sha256 = three.servers["TSMB"].sha256.upper()
        new = three.renew("TSMB")
        pasted = " " + ":".join(sha256[at : at + 2] for at in range(0, 64, 2)) + " "
        assert three.fix("--fingerprint", pasted).code == 0
        three.require_proved("TSMB", new)

    def test_a_fingerprint_that_is_none_is_a_usage_error(self, three: Machine) -> None:
        answer = three.fix("--fingerprint", "no fingerprint")
        assert (answer.code, answer.report["outcome"]) == (2, "unchanged")

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (("--label", "TSM server TSMX self-signed key"), "label-not-found"),
            (("--label", "tsm server tsma self-signed key"), "label-not-found"),
            (("--fingerprint", "ab" * 32), "fingerprint-not-found"),
            (("--server", "TSMX"), "server-not-found"),
            (("--store", "/"), "store-not-found"),
            (("--store", "/nowhere"), "store-not-found"),
        ],
    )
    def test_what_is_not_there_is_not_found(
        self, machine: Machine, arguments: tuple[str, str], code: str
    ) -> None:
        before = machine.everything()
        for command in ("detect", "plan"):
            answer = machine.run(command, *arguments)
            assert (answer.code, answer.problem) == (10, code)
        answer = machine.fix(*arguments)
        assert (answer.code, answer.problem, answer.report["changed"]) == (10, code, False)
        assert machine.everything() == before

    def test_a_machine_without_a_store_has_nothing_to_repair(self, make_machine: MakeMachine) -> None:
        empty = make_machine()
        assert empty.fix().problem == "no-store-found"
        assert empty.run("detect").code == 10
        assert empty.run("locate").code == 0

    def test_an_address_and_the_name_of_a_stanza_select_the_same(self, machine: Machine) -> None:
        machine.renew("TSMA")
        for name in ("TSMA", "tsma", "127.0.0.1"):
            answer = machine.run("plan", "--server", name)
            assert answer.report["comment"] == "would change 1 store"

    def test_an_expired_certificate_is_replaced(self, make_machine: MakeMachine) -> None:
        made = make_machine()
        made.stanzas("TSMA", "TSMB")
        ran_out = (made.endpoint.label("TSMA"), expired().der)
        made.endpoint.store(certificates=[ran_out, *made.trusted("TSMB")])
        assert made.run("detect", "--expired").code == 3
        assert made.fix("--expired").code == 0
        made.require_proved("TSMA", made.servers["TSMA"].sha256)

    def test_a_certificate_that_runs_out_soon_counts_when_it_is_asked_for(self, machine: Machine) -> None:
        assert machine.run("detect", "--expires-within", "100").code == 0
        answer = machine.run("detect", "--expires-within", "4000")
        assert (answer.code, answer.statuses(machine.ba)) == (3, {LABEL.format("TSMA"): "expiring"})
        assert machine.fix("--expires-within", "4000").problem == "server-not-renewed"

    def test_only_the_named_store_is_worked_on(self, machine: Machine) -> None:
        machine.stanzas("TSMB", passworddir="/opt/other/adsm")
        other = machine.endpoint.store("/opt/other/adsm", certificates=machine.trusted("TSMB"))
        machine.renew("TSMA")
        machine.renew("TSMB")
        before = machine.seen(other)
        answer = machine.fix("--store", machine.ba)
        assert (answer.code, machine.seen(other)) == (0, before)
        assert [store["directory"] for store in answer.report["stores"]] == [str(machine.ba)]


class TestAsking:
    def test_without_yes_and_without_a_terminal_it_is_a_usage_error_at_once(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.everything()
        for command in ("fix", "rollback", "prune"):
            answer = machine.run(command, timeout_s=30)
            assert (answer.code, answer.report["changed"], answer.problem) == (2, False, "nobody-to-ask")
        assert machine.everything() == before
        assert machine.servers["TSMA"].events == []

    @pytest.mark.parametrize("arguments", [("fix", "--yse"), ("mend",), ("fix", "--engine", "magic")])
    def test_a_wrong_command_line_is_told_as_json_too(
        self, machine: Machine, arguments: tuple[str, ...]
    ) -> None:
        answer = machine.run(*arguments)
        assert (answer.code, answer.problem) == (2, "usage")

    @pytest.mark.parametrize("typed", ["n\n", "y\n"])
    def test_on_a_terminal_it_shows_the_plan_and_asks(self, machine: Machine, typed: str) -> None:
        new = machine.renew("TSMA")
        before = machine.seen()
        answered, screen = on_terminal(machine.argv("fix"), typed)
        assert (answered, "Carry this out?" in screen) == (0, True)
        assert "take the old certificate out" in " ".join(screen.split())
        asked_after = " ".join(screen.partition("Carry this out?")[0].split())
        told = re.sub(r"\x1b\[[\d;]*m|\s", "", asked_after)
        shown = ":".join(new[at : at + 2] for at in range(0, 64, 2)).upper()
        assert f"compareSHA-256{shown}withtheserver'scert256.arm" in told
        if typed == "n\n":
            assert machine.seen() == before
        else:
            machine.require_proved("TSMA", new)


def on_terminal(argv: list[str], typed: str) -> tuple[int, str]:
    """The exit code of a program on a terminal of its own, and all that it showed there."""
    import pty

    screen, inside = pty.openpty()
    with subprocess.Popen(argv, stdin=inside, stdout=inside, stderr=inside, cwd="/") as process:
        os.close(inside)
        shown = b""
        answered = False
        while True:
            try:
                part = os.read(screen, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
            if b"Carry this out?" in shown and not answered:
                os.write(screen, typed.encode())
                answered = True
    os.close(screen)
    return process.returncode, shown.decode("utf-8", "replace")
