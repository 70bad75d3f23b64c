"""A key for policies is configured: the real ssh-keygen, and minisign where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.policy.conftest import certificate, server, write_policy
from tests.shown import not_shown

NAMESPACE = "dsmcertfix-policy"


@pytest.fixture
def ssh(tmp_path: Path) -> Path:
    """A key of OpenSSH."""
    if not Path("/usr/bin/ssh-keygen").exists():
        not_shown("there is no /usr/bin/ssh-keygen")
    key = tmp_path / "key"
    subprocess.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return key


def configured(machine: Machine, name: str, content: str) -> Path:
    """A key's file in the machine's configuration."""
    directory = machine.root / "etc" / "dsmcertfix"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(content)
    return path


def signed(key: Path, policy: Path, namespace: str = NAMESPACE) -> None:
    command = ["/usr/bin/ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(policy)]
    subprocess.run(command, check=True, capture_output=True)


def policy_of(machine: Machine) -> Path:
    return write_policy(machine, server("TSMA", certificate(machine.servers["TSMA"].state.identity.sha256)))


def signers(machine: Machine, key: Path) -> None:
    configured(machine, "policy.allowed_signers", f"backup@example.com {key.with_suffix('.pub').read_text()}")


def test_a_policy_that_a_configured_key_signed_is_gone_by(machine: Machine, ssh: Path) -> None:
    signers(machine, ssh)
    policy = policy_of(machine)
    signed(ssh, policy)
    assert machine.run("detect", "--policy", policy).code == 0


@pytest.mark.parametrize("what", ["unsigned", "changed", "another-key", "another-purpose", "no-signature"])
def test_any_other_one_is_refused(machine: Machine, ssh: Path, tmp_path: Path, what: str) -> None:
    signers(machine, ssh)
    policy = policy_of(machine)
    if what == "changed":
        signed(ssh, policy)
        policy.write_text(policy.read_text() + "# one line more\n")
    elif what == "another-key":
        other = tmp_path / "other"
        subprocess.run(["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
        signed(other, policy)
    elif what == "another-purpose":
        signed(ssh, policy, "file")
    elif what == "no-signature":
        Path(f"{policy}.sig").write_text("no signature\n")
    for command in (("detect",), ("fix", "--yes")):
        answer = machine.run(*command, "--policy", policy)
        assert (answer.code, answer.problem) == (12, "policy-not-signed"), answer.stderr
    checked = machine.run("policy", "check", policy)
    assert checked.code == 0 and any("not signed" in line for line in checked.report["warnings"])


def test_keys_that_others_can_change_verify_nothing(machine: Machine, ssh: Path) -> None:
    signers(machine, ssh)
    policy = policy_of(machine)
    signed(ssh, policy)
    (machine.root / "etc" / "dsmcertfix" / "policy.allowed_signers").chmod(0o666)
    answer = machine.run("detect", "--policy", policy)
    assert (answer.code, answer.problem) == (12, "policy-not-signed")


def test_without_a_key_no_signature_is_asked_for(machine: Machine) -> None:
    assert machine.run("detect", "--policy", policy_of(machine)).code == 0


def test_a_signature_by_minisign_counts_as_well(machine: Machine, tmp_path: Path) -> None:
    program = shutil.which("minisign", path="/usr/bin:/bin:/usr/local/bin")
    if program is None:
        not_shown("there is no minisign")
    secret, public = tmp_path / "secret", configured(machine, "policy.pub", "")
    subprocess.run([program, "-G", "-f", "-W", "-p", str(public), "-s", str(secret)], check=True)
    policy = policy_of(machine)
    assert machine.run("detect", "--policy", policy).problem == "policy-not-signed"
    subprocess.run([program, "-S", "-s", str(secret), "-m", str(policy)], check=True)
    assert machine.run("detect", "--policy", policy).code == 0
    policy.write_text(policy.read_text() + "# one line more\n")
    assert machine.run("detect", "--policy", policy).problem == "policy-not-signed"


def test_a_key_whose_program_is_not_there_lets_nothing_pass(machine: Machine) -> None:
    if shutil.which("minisign", path="/usr/bin:/bin:/usr/local/bin"):
        not_shown("minisign is there")
    configured(machine, "policy.pub", "untrusted comment: a key\nRW\n")
    answer = machine.run("detect", "--policy", policy_of(machine))
    assert (answer.code, answer.problem) == (12, "policy-not-signed")
    assert "no `minisign`" in answer.report["problem"]["message"]
