"""`policy make` and `policy check`: what is made is valid, and machines go by it."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.machine import Machine
from tests.policy.conftest import certificate, fix_by, next_one, server, write_policy

from dsmcertfix.planning.policy_text import parse


def test_what_is_made_from_the_machine_s_servers_is_valid_and_finds_everything_fine(machine: Machine) -> None:
    path = machine.directory / "made.toml"
    assert machine.text("policy", "make", "--output", path).code == 0
    policy = parse(path.read_text(), path)
    assert {rule.names[0] for rule in policy.servers} == {"TSMA", "TSMB"}
    held = {one.sha256 for rule in policy.servers for one in rule.certificates}
    assert held == {machine.servers[name].state.identity.sha256 for name in ("TSMA", "TSMB")}
    assert machine.run("policy", "check", path).code == 0
    answer = machine.run("detect", "--policy", path)
    assert answer.code == 0
    assert {told["standing"] for told in answer.store(machine.ba)["policy"]} == {"fine"}


def test_a_new_certificate_s_file_is_named_beside_the_one_that_is_presented(machine: Machine) -> None:
    new, _ = next_one(machine, "TSMA")
    path = machine.directory / "made.toml"
    given = f"TSMA={machine.directory / 'TSMA-new.arm'}"
    assert machine.text("policy", "make", "--file", given, "--output", path).code == 0
    (rule,) = (rule for rule in parse(path.read_text(), path).servers if rule.names[0] == "TSMA")
    assert [(one.sha256 == new, one.file) for one in rule.certificates] == [
        (False, None),
        (True, "TSMA-new.arm"),
    ]
    assert fix_by(machine, path).report["outcome"] == "changed"
    assert new in machine.held().values()


def test_servers_can_be_named_and_a_silent_one_is_left_out_and_told(machine: Machine) -> None:
    port = machine.servers["TSMA"].port
    answer = machine.run("policy", "make", f"127.0.0.1:{port}", "127.0.0.1:1")
    assert answer.code == 0
    policy = parse(answer.report["macro"], Path("made.toml"))
    assert [rule.names for rule in policy.servers] == [(f"127.0.0.1:{port}",)]
    assert any("127.0.0.1:1" in line for line in answer.report["warnings"])
    assert machine.run("policy", "make", "127.0.0.1:1").code == 16


def test_a_file_of_which_nobody_says_whose_it_is_is_refused(machine: Machine) -> None:
    next_one(machine, "TSMA")
    answer = machine.run("policy", "make", "--file", machine.directory / "TSMA-new.arm")
    assert (answer.code, answer.problem) == (2, "policy-file-of-nobody")


def test_check_tells_what_is_hardly_meant_and_line_and_column_of_what_is_wrong(machine: Machine) -> None:
    sha256 = machine.servers["TSMA"].state.identity.sha256
    good = write_policy(machine, server("TSMA", certificate(sha256)))
    answer = machine.run("policy", "check", good)
    assert answer.code == 0 and answer.report["comment"] == "the policy is valid: 1 server, 1 certificate"
    assert any("no file is named" in line for line in answer.report["warnings"])
    bad = write_policy(machine, server("TSMA", certificate(sha256[:63])), "bad.toml")
    answer = machine.run("policy", "check", bad)
    assert (answer.code, answer.problem) == (2, "policy-not-valid")
    assert f"`{bad}`, line 7, column 1: " in answer.report["problem"]["message"]


def test_a_file_without_the_certificate_that_it_is_named_for_is_told(machine: Machine) -> None:
    next_one(machine, "TSMA")
    wrong = machine.servers["TSMA"].state.identity.sha256
    policy = write_policy(machine, server("TSMA", certificate(wrong, file='"TSMA-new.arm"')))
    answer = machine.run("policy", "check", policy)
    assert (answer.code, answer.problem) == (2, "policy-file-without-certificate")


def test_a_policy_in_another_encoding_is_told(machine: Machine) -> None:
    policy = write_policy(machine, "")
    policy.write_bytes(policy.read_bytes() + "# \u00e4\n".encode("latin-1"))
    answer = machine.run("policy", "check", policy)
    assert (answer.code, answer.problem) == (2, "policy-not-valid")
    assert "line 2: it is not UTF-8" in answer.report["problem"]["message"]
    assert machine.run("policy", "check", machine.directory / "gone.toml").code == 10
