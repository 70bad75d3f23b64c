"""One test for each row of docs/assumptions.md: the assumption is false here, and no harm comes of it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Literal

import pytest
from tests.answers import Answer
from tests.assumptions.conftest import MakeMachine
from tests.endtoend.machine import Machine, identity
from tests.judge.made import own

from dsmbench.identity import Identity, authority
from dsmbench.trouble import STALE

TABLE = Path(__file__).parents[2] / "docs" / "assumptions.md"
LABEL = "TSM server TSMA self-signed key"


def repaired(machine: Machine, *arguments: str) -> Answer:
    """The fix succeeded, and the store holds what the server presents."""
    answer = machine.fix(*arguments)
    assert (answer.code, answer.report["outcome"]) == (0, "changed"), answer.stderr
    assert machine.servers["TSMA"].sha256 in machine.held().values()
    assert machine.left_behind() == []
    return answer


def put_back(machine: Machine, code: int, *arguments: str) -> Answer:
    """The fix ended with that code, every file is as before, and the client was run once."""
    before, runs = machine.seen(), len(machine.reconnects)
    answer = machine.fix(*arguments)
    assert (answer.code, answer.report["outcome"]) == (code, "rolled-back"), answer.stderr
    assert machine.seen() == before
    assert machine.left_behind() == []
    assert len(machine.reconnects) == runs + 1
    return answer


def untouched(machine: Machine, code: int, *arguments: str) -> Answer:
    """The fix ended with that code, and nothing was changed or run."""
    before = machine.everything()
    answer = machine.fix(*arguments)
    assert (answer.code, answer.report["outcome"]) == (code, "unchanged"), answer.stderr
    assert machine.everything() == before
    assert machine.reconnects == []
    return answer


def hint(machine: Machine, answer: Answer) -> str:
    return str(answer.store(machine.ba)["problem"]["hint"])


# --- labels and certificates -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["address", "server"])
def test_a_label_with_another_name_in_it(
    make_machine: MakeMachine, form: Literal["address", "server"]
) -> None:
    machine = make_machine(label_form=form)
    name = {"address": "127.0.0.1", "server": "TSMA"}[form]
    old = identity("TSMA").der
    machine.endpoint.store(certificates=[(f"TSM server {name} self-signed key", old)])
    repaired(machine)
    assert list(machine.held()) == [f"TSM server {name} self-signed key"]


def test_a_label_without_any_name_in_it(machine: Machine) -> None:
    machine.endpoint.store(certificates=[("certificate number 0", identity("TSMA").der)])
    machine.endpoint.misbehave(dsmc="other-label")
    repaired(machine)
    assert list(machine.held()) == ["certificate number 1"]


def test_a_server_with_a_subject_of_its_own(machine: Machine) -> None:
    machine.servers["TSMA"].state.renew(own(1))
    repaired(machine)


def test_a_client_that_stores_the_leaf_of_an_authority_that_it_does_not_know(machine: Machine) -> None:
    machine.servers["TSMA"].state.renew(Identity.make(issuer=authority("Its CA")))
    put_back(machine, 21)


def test_a_client_that_stores_the_authority_of_the_server(machine: Machine) -> None:
    root = authority("Its CA")
    machine.servers["TSMA"].state.renew(Identity(Identity.make(issuer=root).pem + root.arm))
    machine.endpoint.misbehave(dsmc="stores-authority")
    answer = machine.fix()
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    assert list(machine.held().values()) == [root.sha256]


def test_a_client_that_stores_what_nobody_presented(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="wrong-certificate")
    put_back(machine, 22)


# --- where the client keeps its store ----------------------------------------------------------------------


def test_a_client_that_keeps_its_store_elsewhere(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="writes-elsewhere")
    assert "certificates are elsewhere" in hint(machine, put_back(machine, 22))


def test_a_client_that_keeps_no_store_in_passworddir(make_machine: MakeMachine) -> None:
    machine = make_machine(client_mode="install-or-home", stanza={"passworddir": "/opt/x/adsm"})
    label_and_old = [(LABEL, identity("TSMA").der)]
    place = machine.endpoint.store("/opt/x/adsm", certificates=label_and_old)
    before = machine.seen(place)
    answer = machine.fix("--store", str(place))
    assert answer.store(place)["outcome"] == "rolled-back"
    assert machine.seen(place) == before


def test_a_client_that_keeps_all_in_one_store_though_passworddir_has_one_too(
    make_machine: MakeMachine,
) -> None:
    machine = make_machine(client_mode="install-or-home", stanza={"passworddir": "/opt/x/adsm"})
    place = machine.endpoint.store("/opt/x/adsm", certificates=[(LABEL, identity("TSMA").der)])
    before = machine.seen(), machine.seen(place)
    answer = machine.fix()
    assert (answer.code, answer.store(place)["outcome"]) == (21, "rolled-back")
    assert (answer.store(machine.ba)["outcome"], machine.seen(), machine.seen(place)) == (
        "unchanged",
        *before,
    )
    assert [run.arguments[-1] for run in machine.reconnects] == ["-se=TSMA"]
    planned = machine.run("plan", "--store", machine.ba)
    assert planned.code == 16 and "--no-reconnect" in hint(machine, planned)
    # The way on that the hint names.
    machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
    assert machine.fix("--no-reconnect", "--store", str(machine.ba)).code == 0
    assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0
    assert machine.held() == {LABEL: machine.servers["TSMA"].sha256}


def test_a_client_that_makes_no_new_store_in_passworddir(make_machine: MakeMachine) -> None:
    """It uses PASSWORDDIR only where a key database is there already."""
    machine = make_machine(client_mode="8.2.2", stanza={"passworddir": "/opt/x/adsm"})
    place = machine.endpoint.store("/opt/x/adsm", certificates=[(LABEL, identity("TSMA").der)])
    machine.endpoint.store(certificates=[])
    before = machine.seen(place)
    answer = machine.fix("--whole-store")
    assert (answer.code, answer.store(place)["outcome"]) == (22, "rolled-back")
    assert machine.seen(place) == before and len(machine.reconnects) == 1
    assert "certificates are elsewhere" in answer.store(place)["problem"]["hint"]
    machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
    assert machine.fix().code == 0
    assert machine.held(place) == {LABEL: machine.servers["TSMA"].sha256}


def test_a_client_that_needs_its_index_file(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="needs-index")
    assert "--keep-index" in hint(machine, put_back(machine, 21))
    repaired(machine, "--keep-index")


def test_a_client_that_brings_the_stale_certificate_back(machine: Machine) -> None:
    (machine.root / STALE).write_bytes(identity("TSMA").der)
    machine.endpoint.misbehave(dsmc="brings-back-stale")
    answer = put_back(machine, 20)
    assert answer.problem == "certificate-came-back"


def test_a_client_that_destroys_its_store(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="deletes-store")
    put_back(machine, 21)


def test_a_client_that_opens_its_store_to_all(machine: Machine) -> None:
    modes = {name: seen.mode for name, seen in machine.seen().items()}
    machine.endpoint.misbehave(dsmc="opens-modes")
    repaired(machine)
    assert {name: seen.mode for name, seen in machine.seen().items()} == modes


# --- what the client says and does -------------------------------------------------------------------------


def test_a_client_that_fails_with_return_code_0(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="exit-0-but-fails")
    put_back(machine, 21)


def test_a_client_that_warns_of_something_else(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="warns")
    repaired(machine)


@pytest.mark.parametrize("language", ["french", "french-no-codes"])
def test_a_client_that_speaks_another_language(machine: Machine, language: str) -> None:
    machine.endpoint.misbehave(dsmc=language)
    machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
    put_back(machine, 21)
    machine.servers["TSMA"].update_node("NODE_TSMA", "TRANSITIONAL")
    repaired(machine)


def test_a_client_that_does_not_tell_of_tls(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="no-tls-line")
    repaired(machine)


def test_a_client_that_has_a_session_and_stores_nothing(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="claims-success")
    put_back(machine, 22)


def test_a_client_that_asks_for_a_password_all_the_same(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="prompts")
    put_back(machine, 21)


def test_a_client_that_never_ends(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="hang-hard")
    started = time.monotonic()
    answer = put_back(machine, 21, "--timeout", "8")
    assert time.monotonic() - started < 60
    assert "IT41127" in hint(machine, answer)


def test_another_session_that_fetches_at_the_same_moment(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="meets-another")
    repaired(machine)
    assert len(machine.reconnects) == 2
    assert "refused" not in machine.sign_ons("TSMA")


def test_a_stored_password_that_the_server_does_not_take(machine: Machine) -> None:
    machine.endpoint.stored_password("/etc/adsm", "NODE_TSMA", "TSMA", "an old password")
    answer = put_back(machine, 21)
    assert machine.sign_ons("TSMA") == ["refused"]
    assert "Do not try again" in hint(machine, answer)


def test_a_password_that_is_stored_somewhere_else(make_machine: MakeMachine) -> None:
    machine = make_machine(stanza={"password": None})
    assert untouched(machine, 16).problem == "no-stored-password"
    # The client knows better: then there is a way to say so, and the session decides.
    put_back(machine, 21, "--no-preflight", "--server", "TSMA")


# --- what the server does ----------------------------------------------------------------------------------


def test_a_server_that_hands_out_nothing(machine: Machine) -> None:
    machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
    assert "SESSIONSECURITY=TRANSITIONAL" in hint(machine, put_back(machine, 21))


def test_a_client_that_would_not_accept_what_comes(make_machine: MakeMachine) -> None:
    machine = make_machine(stanza={"options": {"SSLACCEPTCERTFROMSERV": "No"}})
    assert untouched(machine, 16).problem == "acceptance-switched-off"
    # Overlooked, it costs a session and nothing else.
    put_back(machine, 21, "--no-preflight", "--server", "TSMA")


def test_a_server_that_presents_another_certificate_to_the_client(machine: Machine) -> None:
    machine.servers["TSMA"].behave(other="after", count=1)
    put_back(machine, 22)


# --- key databases and the program for them ----------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["exit-0-but-fails", "crash", "french"])
def test_a_gsk8capicmd_whose_answer_says_nothing(machine: Machine, trouble: str) -> None:
    machine.endpoint.misbehave(gsk8capicmd=trouble)
    repaired(machine)


def test_a_gsk8capicmd_that_deletes_something_else(machine: Machine) -> None:
    machine.endpoint.store(
        certificates=[(LABEL, identity("TSMA").der), ("Company CA", authority("Company CA").der)]
    )
    slot = machine.slots()["Company CA"]
    machine.endpoint.misbehave(gsk8capicmd="wrong-label")
    answer = repaired(machine)
    assert machine.slots()["Company CA"] == slot
    assert answer.notes("delete-label")[0].endswith("done by native")


def test_a_key_database_of_an_unknown_version(machine: Machine) -> None:
    file = machine.ba / "dsmcert.kdb"
    content = bytearray(file.read_bytes())
    content[2] = 5
    file.write_bytes(content)
    assert untouched(machine, 14, "--store", str(machine.ba)).problem == "file-version-unknown"


def test_a_stash_file_of_an_unknown_form(machine: Machine) -> None:
    (machine.ba / "dsmcert.sth").write_bytes(b"another form of hiding a password" * 9)
    assert untouched(machine, 14).problem == "stash-size"


def test_a_client_that_makes_key_databases_of_another_version(make_machine: MakeMachine) -> None:
    machine = make_machine(store_version=6)
    assert machine.ba.joinpath("dsmcert.kdb").read_bytes()[2] == 4
    answer = repaired(machine, "--whole-store", "--store", str(machine.ba))
    assert answer.store(machine.ba)["outcome"] == "changed"
    assert machine.ba.joinpath("dsmcert.kdb").read_bytes()[2] == 6


def test_a_client_that_trusts_only_what_it_fetched_itself(machine: Machine) -> None:
    file = machine.directory / "cert256.arm"
    file.write_bytes(machine.servers["TSMA"].state.identity.arm)
    before = machine.seen()
    machine.endpoint.misbehave(dsmc="distrusts-added")
    answer = machine.run("trust", "--server", "TSMA", "--file", file, "--yes")
    assert (answer.code, answer.report["outcome"]) == (21, "rolled-back")
    assert machine.seen() == before


def test_a_dsmcert_whose_label_is_not_known(machine: Machine) -> None:
    """It is not run at all: it would write into the live store, under a label of its own."""
    file = machine.directory / "cert256.arm"
    file.write_bytes(machine.servers["TSMA"].state.identity.arm)
    answer = machine.run("trust", "--server", "TSMA", "--file", file, "--yes")
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    assert [run.program for run in machine.endpoint.runs] == ["dsmc"]
    assert answer.notes("add-certificate") == ["done by gskit"]


def test_a_session_that_rewrites_the_option_file(machine: Machine) -> None:
    machine.endpoint.misbehave(dsmc="saves-failover")
    before = (machine.ba / "dsm.sys").read_text(encoding="utf-8")
    repaired(machine)
    after = (machine.ba / "dsm.sys").read_text(encoding="utf-8")
    assert "REPLSSLPORT 1543" in after.replace(before, "")
    answer = machine.run("detect")
    assert answer.code == 0, answer.stdout
    # What is read of it: the failover server, and that the stanza fails over to it.
    assert {"TARGET", "TSMA"} <= set(answer.store(machine.ba)["stanzas"])
    assert machine.fix().report["outcome"] == "unchanged"


# --- the table ---------------------------------------------------------------------------------------------


def test_every_row_names_a_test_and_every_test_has_its_row() -> None:
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r"\| \d+ \|", line)]
    numbers = [int(line.split("|")[1]) for line in rows]
    assert numbers == list(range(1, len(rows) + 1))
    assert all(len(line.split("|")) == 7 for line in rows)
    named = [re.findall(r"`(test_\w+)`", line) for line in rows]
    assert all(named), "a row without a test"
    here = {name for name in globals() if name.startswith("test_")}
    own = "test_every_row_names_a_test_and_every_test_has_its_row"
    assert {name for names in named for name in names} == here - {own}
