"""IBM's own TLS is asked whether the client would trust its server."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.answers import Answer
from tests.endtoend.machine import LIMIT_S, Machine
from tests.ibm.key_database.test_spelling import KEY, ODD
from tests.judge.made import leaf, root

from dsmbench.formats import NOT_TRUSTED, TRUSTED, rewritten
from dsmbench.identity import Identity
from dsmbench.made import PASSWORD

KILLING = Path(__file__).parents[1] / "endtoend" / "killing.py"


def proofs(answer: Answer, directory: Path) -> list[dict[str, Any]]:
    """The proofs of the store in that directory."""
    return list(answer.store(directory)["proofs"])


def answers(answer: Answer, directory: Path) -> list[tuple[str, int | None]]:
    """What IBM's TLS answered, and with which code."""
    return [(proof["answer"], proof["code"]) for proof in proofs(answer, directory)]


def handed(machine: Machine, identity: Identity) -> str:
    """A file with that certificate, as somebody would hand it over."""
    file = machine.directory / "cert256.arm"
    file.write_bytes(identity.arm)
    return str(file)


class TestDetect:
    """`detect --prove`."""

    def test_a_server_that_ibm_s_tls_trusts_is_proved_without_a_session(self, machine: Machine) -> None:
        before = machine.everything()
        answer = machine.run("detect", "--prove")
        assert (answer.code, answers(answer, machine.ba)) == (0, [("accepted", 0)])
        assert machine.everything() == before
        assert machine.sign_ons("TSMA") == []
        assert machine.reconnects == []

    def test_a_replaced_certificate_is_refused_with_ibm_s_code(self, machine: Machine) -> None:
        machine.renew("TSMA")
        answer = machine.run("detect", "--prove")
        assert (answer.code, answers(answer, machine.ba)) == (3, [("refused", 414)])
        assert "GSK_ERROR_BAD_CERT (414)" in proofs(answer, machine.ba)[0]["reason"]

    def test_a_store_that_ibm_s_tls_does_not_trust_calls_for_action(self, machine: Machine) -> None:
        kdb = machine.ba / "dsmcert.kdb"
        kdb.write_bytes(rewritten(kdb.read_bytes(), PASSWORD.encode(), flags=NOT_TRUSTED))
        answer = machine.run("detect", "--prove")
        assert (answer.code, answers(answer, machine.ba)) == (3, [("refused", 414)])

    def test_a_refusal_for_want_of_what_another_store_of_the_owner_holds_calls_for_nothing(
        self, machine: Machine
    ) -> None:
        second = machine.endpoint.store("/root")
        machine.endpoint.stanza("TSMA", machine.servers["TSMA"], node="A", passworddir="/root")
        answer = machine.run("detect", "--prove")
        store = answer.store(second)
        refused = [proof["server"] for proof in store["proofs"] if proof["answer"] == "refused"]
        assert (answer.code, len(refused)) == (0, 1)
        assert [note for note in store["notes"] if refused[0] in note and "fetches it" in note]
        assert "pending" not in [one["status"] for one in store["certificates"]]

    def test_without_it_nothing_is_asked(self, machine: Machine) -> None:
        answer = machine.run("detect")
        assert proofs(answer, machine.ba) == []
        assert [event.what for event in machine.servers["TSMA"].events] == ["handshake"]

    def test_the_text_says_what_ibm_s_tls_said(self, machine: Machine) -> None:
        port = machine.servers["TSMA"].port
        said = machine.text("detect", "--prove").stdout
        assert f"1 store: IBM's TLS trusts 127.0.0.1:{port} with it." in said
        more = machine.text("--verbose", "detect", "--prove").stdout
        assert f"proof: IBM's TLS trusts 127.0.0.1:{port} with it" in more


class TestNotMade:
    """Where IBM's TLS cannot be asked, all is as without it."""

    def refused(self, machine: Machine) -> str:
        """`detect --prove` ends with 0 and says why there is no proof."""
        answer = machine.run("detect", "--prove")
        assert (answer.code, answers(answer, machine.ba)) == (0, [("not-made", None)])
        reason = str(proofs(answer, machine.ba)[0]["reason"])
        assert reason.startswith("not proved by IBM's TLS: ")
        return reason

    def test_a_library_that_others_can_change_is_not_loaded(self, machine: Machine) -> None:
        library = machine.endpoint.gskit_directory / "libgsk8ssl_64.so"
        content = library.read_bytes()
        library.unlink()
        library.write_bytes(content)
        library.chmod(0o666)
        assert "others than the system can change it" in self.refused(machine)

    def test_a_directory_that_others_can_fill_is_not_used(self, machine: Machine) -> None:
        machine.endpoint.gskit_directory.chmod(0o777)
        assert "others than the system can change it" in self.refused(machine)

    def test_a_fix_says_that_it_was_not_proved(self, machine: Machine) -> None:
        machine.endpoint.gskit_directory.chmod(0o777)
        machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, answers(answer, machine.ba)) == (0, [])
        (note,) = answer.store(machine.ba)["notes"]
        assert note.startswith("not proved by IBM's TLS: ")

    def test_a_library_that_does_not_load_proves_nothing(self, machine: Machine) -> None:
        library = machine.endpoint.gskit_directory / "libgsk8ssl_64.so"
        library.unlink()
        library.write_bytes(b"no library")
        library.chmod(0o755)
        assert "does not load" in self.refused(machine)


class TestRepairs:
    """The last step of a repair."""

    def test_a_fix_ends_with_a_proof(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert answers(answer, machine.ba) == [("accepted", 0)]
        assert [step["step"] for step in answer.report["steps"]][-1] == "prove"
        machine.require_proved("TSMA", new)

    def test_a_password_that_is_set_anew_is_proved(self, machine: Machine) -> None:
        kdb, yesterday = machine.ba / "dsmcert.kdb", int(time.time()) - 86400
        kdb.write_bytes(rewritten(kdb.read_bytes(), PASSWORD.encode(), flags=TRUSTED, expires=yesterday))
        assert answers(machine.run("detect", "--prove"), machine.ba) == [("refused", 107)]
        answer = machine.fix()
        assert (answer.code, answers(answer, machine.ba)) == (0, [("accepted", 0)])

    def test_the_plan_says_for_certain_that_the_old_store_fails(self, machine: Machine) -> None:
        machine.renew("TSMA")
        answer = machine.run("plan")
        first = answer.report["steps"][0]
        assert (answer.code, first["step"], first["state"]) == (0, "preflight", "planned")
        assert "GSK_ERROR_BAD_CERT (414)" in first["note"]
        assert machine.sign_ons("TSMA") == []

    def test_a_store_of_api_applications_is_proved_and_no_session_is_missed(self, machine: Machine) -> None:
        api = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.servers["TSMA"], node="API", directory=api)
        machine.endpoint.store(api, certificates=machine.trusted("TSMA"))
        machine.renew("TSMA")
        file = handed(machine, machine.servers["TSMA"].state.identity)
        answer = machine.run("trust", "--yes", "--server", "TSMA", "--file", file, "--store", str(api))
        assert (answer.code, answers(answer, api)) == (0, [("accepted", 0)])
        assert answer.store(api)["notes"] == []

    def test_a_fix_goes_as_before_where_the_library_does_not_load(self, machine: Machine) -> None:
        library = machine.endpoint.gskit_directory / "libgsk8ssl_64.so"
        library.unlink()
        library.write_bytes(b"no library")
        library.chmod(0o755)
        machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert answers(answer, machine.ba) == [("not-made", None)]

    def test_a_store_without_a_session_of_its_own_is_proved(self, machine: Machine) -> None:
        api = machine.endpoint.add_api()
        machine.endpoint.stanza("TSMA", machine.servers["TSMA"], node="API", directory=api)
        machine.endpoint.store(api, certificates=machine.trusted("TSMA"))
        machine.renew("TSMA")
        answer = machine.fix()
        assert (answer.code, answers(answer, api)) == (0, [("accepted", 0)])
        names = [step["step"] for step in answer.report["steps"] if step["store"] == answer.store(api)["id"]]
        assert names[names.index("swap") - 1] == "prove"
        assert names[-1] == "prove"

    def test_a_leaf_that_is_not_trusted_without_its_root_is_not_put_in(self, machine: Machine) -> None:
        alone = leaf(root())
        machine.servers["TSMA"].state.renew(alone)
        before = machine.seen()
        answer = machine.run("trust", "--yes", "--server", "TSMA", "--file", handed(machine, alone))
        assert (answer.code, answer.problem) == (15, "certificate-not-trusted")
        assert machine.seen() == before
        assert machine.reconnects == []

    @pytest.mark.parametrize("odd", ["a character that PrintableString has not", "T61String"])
    def test_a_certificate_that_only_gskit_reads_is_put_in_and_proved(
        self, machine: Machine, odd: str
    ) -> None:
        spelled = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        identity = Identity(spelled + ssl.DER_cert_to_PEM_cert(ODD[odd][0]).encode())
        machine.servers["TSMA"].state.renew(identity)
        answer = machine.run("trust", "--yes", "--server", "TSMA", "--file", handed(machine, identity))
        assert (answer.code, answers(answer, machine.ba)) == (0, [("accepted", 0)])
        assert identity.sha256 in machine.held().values()

    def test_its_root_is_and_needs_no_session_to_be_proved(self, machine: Machine) -> None:
        machine.servers["TSMA"].state.renew(leaf(root()))
        file = handed(machine, root())
        answer = machine.run("trust", "--yes", "--no-reconnect", "--server", "TSMA", "--file", file)
        assert (answer.code, answers(answer, machine.ba)) == (0, [("accepted", 0)])
        assert machine.sign_ons("TSMA") == []


class TestRollback:
    """What came back is proved, too, and told."""

    def test_where_ibm_s_tls_cannot_be_asked_that_is_said(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.fix()
        machine.endpoint.gskit_directory.chmod(0o777)
        answer = machine.run("rollback", "--yes")
        assert (answer.code, answers(answer, machine.ba)) == (0, [("not-made", None)])

    def test_the_old_store_is_refused_by_the_renewed_server(self, machine: Machine) -> None:
        machine.renew("TSMA")
        machine.fix()
        answer = machine.run("rollback", "--yes")
        assert (answer.code, answer.report["outcome"]) == (0, "rolled-back")
        assert answers(answer, machine.ba) == [("refused", 414)]


class TestCutOff:
    """A `trust` that was killed after its swap."""

    def test_it_is_finished_when_ibm_s_tls_trusts_the_server(self, machine: Machine) -> None:
        machine.renew("TSMA")
        words = self.trust(machine)
        self.kill_after_the_swap(machine, words)
        new = machine.servers["TSMA"].sha256
        answer = machine.run("recover")
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        machine.require_proved("TSMA", new)

    def test_it_is_undone_when_it_cannot_be_asked(self, machine: Machine) -> None:
        machine.renew("TSMA")
        before = machine.seen()
        words = self.trust(machine)
        self.kill_after_the_swap(machine, words)
        machine.endpoint.gskit_directory.chmod(0o777)
        answer = machine.run("recover")
        assert (answer.code, answer.report["outcome"]) == (0, "rolled-back")
        assert machine.seen() == before

    def trust(self, machine: Machine) -> list[str]:
        """The command that puts in what the server presents now, without a session."""
        file = handed(machine, machine.servers["TSMA"].state.identity)
        return machine.argv("trust", "--yes", "--no-reconnect", "--server", "TSMA", "--file", file)[3:]

    def kill_after_the_swap(self, machine: Machine, words: list[str]) -> None:
        """The command was killed when its journal had the swap as done."""
        for number in range(100):
            shutil.rmtree(machine.state, ignore_errors=True)
            request = json.dumps({"arguments": words, "kill": ["after", number]})
            subprocess.run(
                [sys.executable, str(KILLING)], input=request, stdout=subprocess.PIPE, text=True, check=True
            )
            (journal,) = machine.state.rglob("journal.jsonl")
            events = [json.loads(line) for line in journal.read_text().splitlines()]
            last = events[-1]
            if (last["event"], last.get("step")) == ("step-done", "swap"):
                return
        raise AssertionError("the swap never came")


def test_nothing_of_it_is_loaded_where_it_is_not_asked(machine: Machine) -> None:
    argv = machine.argv("detect")
    done = subprocess.run(
        [argv[0], "-X", "importtime", *argv[1:]], capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    assert "dsmcertfix.ibm.tls" in done.stderr
    assert "gskit_tls" not in done.stderr
    assert "ctypes" not in done.stderr
