"""`fix` with the certificate that must come back, and what it says when nobody named one."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine, identity
from tests.endtoend_trust.conftest import MakeMachine, arm, handed, label

from dsmbench.identity import Identity


def colons(sha256: str) -> str:
    return ":".join(sha256[at : at + 2] for at in range(0, 64, 2))


PASTED: dict[str, Callable[[str], str]] = {
    "plain": str,
    "capitals": str.upper,
    "colons": lambda sha256: colons(sha256).upper(),
    "blanks": lambda sha256: f"  {colons(sha256).replace(':', ' ')} \n",
    "openssl": lambda sha256: f"SHA256 Fingerprint={colons(sha256).upper()}",
    "openssl 3": lambda sha256: f"sha256 Fingerprint={colons(sha256).upper()}",
    "ours": lambda sha256: f"SHA-256 {sha256}",
}


class TestTheRightOne:
    @pytest.mark.parametrize("form", PASTED)
    def test_a_fingerprint_is_taken_as_people_paste_it(self, machine: Machine, form: str) -> None:
        new = machine.renew("TSMA")
        answer = machine.fix("--expect-sha256", PASTED[form](new))
        assert (answer.code, answer.report["outcome"], answer.report["warnings"]) == (0, "changed", [])
        machine.require_proved("TSMA", new)

    @pytest.mark.parametrize("form", ["pem", "der", "crlf", "with text"])
    def test_a_file_is_taken_in_pem_and_der(self, machine: Machine, form: str) -> None:
        new = machine.renew("TSMA")
        own = machine.servers["TSMA"].state.identity
        content = {
            "pem": own.arm,
            "der": own.der,
            "crlf": own.arm.replace(b"\n", b"\r\n"),
            "with text": b"Label: TSM Server SelfSigned SHA Key\n\n" + own.arm,
        }
        answer = machine.fix("--expect-file", handed(machine, content[form]))
        assert (answer.code, answer.report["warnings"]) == (0, [])
        machine.require_proved("TSMA", new)


class TestAnotherOne:
    @pytest.mark.parametrize("by_file", [False, True])
    def test_preflight_refuses_a_server_that_presents_it(self, machine: Machine, by_file: bool) -> None:
        new = machine.renew("TSMA")
        other = identity("somebody else")
        named = (
            ("--expect-file", handed(machine, other.arm)) if by_file else ("--expect-sha256", other.sha256)
        )
        before = machine.everything()
        answer = machine.fix(*named)
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert answer.report["outcome"] == "unchanged"
        assert machine.everything() == before
        assert machine.reconnects == []
        context = " ".join(answer.store(machine.ba)["problem"]["context"])
        assert new in context and other.sha256 in context

    def test_the_old_one_is_refused_as_not_renewed(self, machine: Machine) -> None:
        old = machine.servers["TSMA"].sha256
        before = machine.everything()
        answer = machine.fix("--fingerprint", old, "--expect-sha256", old)
        assert (answer.code, answer.problem) == (16, "server-not-renewed")
        assert machine.everything() == before

    @pytest.mark.parametrize("whole", [False, True])
    def test_one_that_comes_only_with_the_session_is_rolled_back(self, machine: Machine, whole: bool) -> None:
        """The man in the middle: preflight sees the server, the client sees somebody else."""
        new = machine.renew("TSMA")
        server = machine.servers["TSMA"]
        server.behave(other="after", count=1)
        before = machine.seen()
        mode = ("--whole-store", "--store", machine.ba, "--server", "TSMA") if whole else ()
        answer = machine.fix("--expect-sha256", new, *mode) if not whole else machine.fix(*mode)
        assert (answer.code, answer.report["outcome"], answer.report["changed"]) == (22, "rolled-back", False)
        assert answer.problem == "unexpected-certificate"
        assert machine.seen() == before
        assert machine.left_behind() == []
        held = set(machine.held().values())
        assert new not in held
        assert server.state.other_identity.sha256 not in held
        assert len(machine.reconnects) == (2 if whole else 1)

    def test_one_in_between_is_rolled_back_without_an_expectation_too(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        machine.servers["TSMA"].behave(other="after", count=1)
        before = machine.seen()
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"]) == (22, "rolled-back")
        assert machine.seen() == before
        problem = answer.store(machine.ba)["problem"]
        context = " ".join(problem["context"])
        assert new in context
        assert machine.servers["TSMA"].state.other_identity.sha256 in context
        assert "someone intercepts the connection" in problem["hint"]
        assert not [line for line in answer.report["warnings"] if "first use" in line]

    def test_without_preflight_it_is_found_after_the_session(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        expected = identity("somebody else").sha256
        answer = machine.fix("--server", "TSMA", "--no-preflight", "--expect-sha256", expected)
        assert (answer.code, answer.report["outcome"]) == (22, "rolled-back")
        assert machine.seen() == before

    def test_a_client_that_stores_another_one_is_rolled_back(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        before = machine.seen()
        machine.endpoint.misbehave(dsmc="wrong-certificate")
        answer = machine.fix("--expect-sha256", new)
        assert (answer.code, answer.report["outcome"]) == (22, "rolled-back")
        assert machine.seen() == before


class TestFirstUse:
    def test_the_report_says_so_with_the_whole_fingerprint_to_compare(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        (line,) = machine.fix().report["warnings"]
        assert "trust on first use" in line
        assert new in line and "TSMA" in line and "cert256.arm" in line

    def test_the_text_says_so_too(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        answer = machine.text("fix", "--yes", "--trust-on-first-use")
        assert answer.code == 0
        assert answer.stdout.count("trust on first use") == 1
        assert ":".join(new[at : at + 2] for at in range(0, 64, 2)).upper() in answer.stdout

    def test_only_servers_whose_certificate_is_new_are_named(self, machine: Machine) -> None:
        machine.renew("TSMB")
        (line,) = machine.fix().report["warnings"]
        assert "TSMB" in line
        assert "TSMA" not in line
        assert machine.servers["TSMA"].sha256 not in line

    def test_nothing_is_said_when_there_was_nothing_to_do(self, machine: Machine) -> None:
        answer = machine.fix()
        assert (answer.code, answer.report["warnings"]) == (0, [])

    def test_nothing_is_said_when_it_was_rolled_back(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        answer = machine.fix()
        assert (answer.code, answer.report["warnings"]) == (21, [])


class TestWhatIsNone:
    @pytest.mark.parametrize("pasted", ["", "abc", "z" * 64, "ab" * 20, "ab" * 33, "SHA256 Fingerprint="])
    def test_what_is_no_fingerprint_is_wrong_usage(self, machine: Machine, pasted: str) -> None:
        answer = machine.fix("--expect-sha256", pasted)
        assert (answer.code, answer.problem) == (2, "not-a-fingerprint")

    def test_a_sha_1_fingerprint_is_not_taken_for_one(self, machine: Machine) -> None:
        answer = machine.fix("--expect-sha256", "SHA1 Fingerprint=" + ":".join(["AB"] * 20))
        assert (answer.code, answer.problem) == (2, "not-a-fingerprint")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"no certificate",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            b"-----BEGIN CERTIFICATE-----\n",
        ],
    )
    def test_a_file_without_a_certificate_is_wrong_usage(self, machine: Machine, content: bytes) -> None:
        answer = machine.fix("--expect-file", handed(machine, content))
        assert (answer.code, answer.problem) == (2, "not-a-certificate-file")

    def test_a_private_key_is_no_certificate(self, machine: Machine) -> None:
        key_only = identity("TSMA").pem.split(b"-----BEGIN CERTIFICATE")[0]
        answer = machine.fix("--expect-file", handed(machine, key_only))
        assert (answer.code, answer.problem) == (2, "not-a-certificate-file")
        secret = base64.b64encode(key_only)[:40].decode()
        assert secret not in answer.stdout + answer.stderr

    def test_a_file_that_is_not_there_is_not_found(self, machine: Machine) -> None:
        answer = machine.fix("--expect-file", machine.directory / "none.arm")
        assert (answer.code, answer.problem) == (10, "certificate-file-not-found")

    @pytest.mark.parametrize("pasted", ["=" + "a" * 64, "TSMA=", "TSMA=abc", "TSMA=" + "a" * 63])
    def test_one_for_a_server_needs_both_halves(self, machine: Machine, pasted: str) -> None:
        answer = machine.fix("--expect-sha256", pasted)
        assert (answer.code, answer.problem) == (2, "not-a-fingerprint")


class TestRefusedFetch:
    """A STRICT node gets no certificate; with the file at hand the next command is there to paste."""

    def refused(self, machine: Machine, *arguments: str | Path) -> str:
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        before = machine.seen()
        answer = machine.fix(*arguments)
        assert (answer.code, answer.report["outcome"]) == (21, "rolled-back")
        assert machine.seen() == before
        assert "ANS1592E" in answer.store(machine.ba)["problem"]["message"]
        return str(answer.store(machine.ba)["problem"]["hint"])

    def command(self, hint: str) -> list[str]:
        return shlex.split(hint[hint.index("`dsmcertfix trust") + 1 : hint.rindex("`")])

    @pytest.mark.parametrize("name", ["cert256.arm", "the server's cert.arm"])
    def test_the_hint_has_the_command_and_the_command_works(self, machine: Machine, name: str) -> None:
        machine.renew("TSMA")
        machine.servers["TSMA"].state.renew(machine.servers["TSMA"].state.identity)
        path = machine.directory / name
        machine.servers["TSMA"].state.renew(identity("TSMA renewed 2"))
        path.write_bytes(identity("TSMA renewed 2").arm)
        hint = self.refused(machine, "--expect-file", path)
        assert "UPDATE NODE NODE_TSMA SESSIONSECURITY=TRANSITIONAL" in hint
        program, *words = self.command(hint)
        assert (program, words) == ("dsmcertfix", ["trust", "--server", "TSMA", "--file", str(path)])
        assert machine.run(*words, "--yes").code == 0
        machine.require_proved("TSMA", identity("TSMA renewed 2").sha256)

    def test_a_relative_path_is_told_as_a_whole_one(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        new = Identity.make()
        handed(machine, new.arm)
        machine.servers["TSMA"].state.renew(new)
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        relative = str(machine.directory / "cert256.arm").lstrip("/")  # commands are run in /
        answer = machine.fix("--expect-file", relative)
        assert answer.code == 21
        command = self.command(str(answer.store(machine.ba)["problem"]["hint"]))
        assert command[-1] == str(machine.directory / "cert256.arm")

    def test_without_a_file_the_hint_is_the_general_one(self, machine: Machine) -> None:
        hint = self.refused(machine)
        assert hint.endswith("Or copy cert256.arm from the server and use `dsmcertfix trust`.")

    def test_acceptance_switched_off_is_refused_with_the_same_offer(self, make_machine: MakeMachine) -> None:
        machine = make_machine()
        machine.stanzas("TSMA", options={"SSLACCEPTCERTFROMSERV": "No"})
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        machine.renew("TSMA")
        path = arm(machine, "TSMA")
        before = machine.everything()
        answer = machine.fix("--expect-file", path)
        assert (answer.code, answer.problem) == (16, "acceptance-switched-off")
        assert machine.everything() == before
        command = self.command(str(answer.store(machine.ba)["problem"]["hint"]))
        assert command == ["dsmcertfix", "trust", "--server", "TSMA", "--file", str(path)]
        assert label("TSMA") in machine.held()
