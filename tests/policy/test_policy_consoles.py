"""ConfigMgr's and Intune's discovery by a policy, and by no other option."""

from __future__ import annotations

import pytest
from tests.endtoend.machine import Machine
from tests.policy.conftest import certificate, fix_by, next_one, server, write_policy


@pytest.mark.parametrize(
    ("form", "needed", "fine"),
    [
        ("sccm-item", (0, "NonCompliant"), (0, "Compliant")),
        ("sccm", (0, ""), (0, "Compliant")),
        ("intune", (1, "1 missing of TSMA"), (0, "no action needed")),
    ],
)
def test_it_is_not_compliant_until_the_store_is_as_the_policy_says(
    machine: Machine, form: str, needed: tuple[int, str], fine: tuple[int, str]
) -> None:
    new, file = next_one(machine, "TSMA")
    now = machine.servers["TSMA"].state.identity.sha256
    policy = write_policy(machine, server("TSMA", certificate(now), certificate(new, file=file)))
    words = ("detect", "--policy", policy, "--format", form)

    before = machine.text(*words)
    assert before.code == needed[0]
    assert needed[1] in before.stdout and (needed[1] or before.stdout.strip() == "")
    assert fix_by(machine, policy).report["outcome"] == "changed"
    after = machine.text(*words)
    assert after.code == fine[0] and fine[1] in after.stdout

    # A certificate that the policy does not allow: the store lacks it, and fix does not fetch it.
    machine.renew("TSMA")
    machine.renew("TSMA")
    assert machine.text(*words).code == needed[0]
    answer = fix_by(machine, policy)
    assert (answer.code, answer.problem) == (16, "unexpected-certificate")


def test_a_policy_that_is_refused_is_neither_compliant_nor_not(machine: Machine) -> None:
    policy = write_policy(machine, server("TSMA", trust_on_first_use="true"))
    policy.chmod(0o666)
    answer = machine.text("detect", "--policy", policy, "--format", "sccm-item")
    assert (answer.code, answer.stdout.strip()) == (12, "")
