"""Whole commands by a site's policy: what detect says, what fix does, and that it does it once."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.endtoend.machine import Machine, identity
from tests.policy.conftest import certificate, fix_by, next_one, server, write_policy
from tests.shown import shown_only_if

from dsmbench.runtime import scratch

YESTERDAY = str(date.today() - timedelta(days=2))
NEXT_YEAR = str(date.today() + timedelta(days=365))


def old(machine: Machine, name: str) -> str:
    return machine.servers[name].state.identity.sha256


def standings(answer: Any, directory: Path) -> dict[str, str]:
    """Fingerprint to what the policy says of it, in the store of that directory."""
    return {told["sha256"]: told["standing"] for told in answer.store(directory)["policy"]}


def both(machine: Machine, name: str, **values: str) -> tuple[Path, str, str]:
    """A policy that allows the server's certificate and the next one, whose file is there."""
    new, file = next_one(machine, name)
    now = old(machine, name)
    text = server(name, certificate(now, until=NEXT_YEAR), certificate(new, file=file), **values)
    return write_policy(machine, text), now, new


class TestStaged:
    """The new certificate is put in before the server switches."""

    def test_detect_says_that_it_is_missing_and_where(self, machine: Machine) -> None:
        policy, now, new = both(machine, "TSMA")
        answer = machine.run("detect", "--policy", policy)
        assert answer.code == 3
        assert standings(answer, machine.ba) == {now: "fine", new: "missing"}
        assert new in answer.report["comment"] and str(machine.ba) in answer.report["comment"]
        said = machine.text("detect", "--policy", policy).stdout
        assert "Action is needed: 1 of 1 store." in said
        assert "By the site's policy missing in 1 store, of TSMA: the policy has its file." in said
        assert new in "".join(said.split()).replace(":", "").lower() and f"{policy}" in said

    def test_fix_puts_it_in_without_a_session_and_the_server_can_switch(self, machine: Machine) -> None:
        policy, now, new = both(machine, "TSMA")
        before = machine.held()

        answer = fix_by(machine, policy)

        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert machine.sign_ons("TSMA") == [] and machine.reconnects == []
        assert set(machine.held().values()) == {*before.values(), new}
        assert standings(answer, machine.ba) == {now: "fine", new: "fine"}
        assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0
        assert machine.renew("TSMA") == new
        assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0

    def test_a_second_fix_changes_nothing_and_detect_is_content(self, machine: Machine) -> None:
        policy, _, _ = both(machine, "TSMA")
        assert fix_by(machine, policy).code == 0
        before = machine.everything()
        again = fix_by(machine, policy)
        assert (again.code, again.report["changed"]) == (0, False)
        assert machine.everything() == before
        assert machine.run("detect", "--policy", policy).code == 0
        machine.renew("TSMA")
        assert machine.run("detect", "--policy", policy).code == 0
        assert fix_by(machine, policy).report["changed"] is False

    def test_rollback_brings_the_old_set_back(self, machine: Machine) -> None:
        policy, _, _ = both(machine, "TSMA")
        before = machine.seen()
        assert fix_by(machine, policy).code == 0
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before

    def test_plan_shows_the_same_steps_and_touches_nothing(self, machine: Machine) -> None:
        policy, _, _ = both(machine, "TSMA")
        before = machine.everything()
        answer = machine.run("plan", "--policy", policy)
        assert machine.everything() == before
        steps = [step["step"] for step in answer.report["steps"]]
        assert "add-certificate" in steps and "reconnect" not in steps and "delete-label" not in steps

    def test_a_server_that_is_down_is_no_obstacle(self, machine: Machine) -> None:
        policy, _, new = both(machine, "TSMA")
        machine.stop()
        assert fix_by(machine, policy).report["outcome"] == "changed"
        assert new in machine.held().values()

    def test_what_the_policy_does_not_allow_yet_is_not_put_in(self, machine: Machine) -> None:
        new, file = next_one(machine, "TSMA")
        text = server("TSMA", certificate(old(machine, "TSMA")), certificate(new, file=file, since=NEXT_YEAR))
        assert fix_by(machine, write_policy(machine, text)).report["changed"] is False

    def test_without_its_file_nothing_is_changed_before_the_switch(self, machine: Machine) -> None:
        new, _ = next_one(machine, "TSMA")
        policy = write_policy(
            machine, server("TSMA", certificate(old(machine, "TSMA")), certificate(new, file='"gone.arm"'))
        )
        answer = fix_by(machine, policy)
        assert (answer.code, answer.report["changed"]) == (0, False)
        assert any("gone.arm" in line and "not at hand" in line for line in answer.report["warnings"])


class TestEnded:
    """A certificate that the policy has ended is taken out, where that costs nothing."""

    def ended(self, machine: Machine) -> tuple[Path, str, str]:
        new, file = next_one(machine, "TSMA")
        now = old(machine, "TSMA")
        text = server("TSMA", certificate(now, until=YESTERDAY), certificate(new, file=file))
        return write_policy(machine, text), now, new

    def test_the_old_one_goes_the_new_one_comes_in_one_transaction_without_a_session(
        self, machine: Machine
    ) -> None:
        policy, now, new = self.ended(machine)
        machine.renew("TSMA")
        looked = machine.run("detect", "--policy", policy)
        assert looked.code == 3 and standings(looked, machine.ba) == {now: "outdated", new: "missing"}

        answer = fix_by(machine, policy)

        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert now not in machine.held().values() and new in machine.held().values()
        assert machine.held()[machine.endpoint.label("TSMA")] == new
        assert machine.sign_ons("TSMA") == []
        machine.require_proved("TSMA", new)
        assert fix_by(machine, policy).report["changed"] is False

    def test_beside_the_new_one_it_goes_alone(self, machine: Machine) -> None:
        policy, now, new = both(machine, "TSMA")
        assert fix_by(machine, policy).code == 0
        machine.renew("TSMA")
        later = write_policy(
            machine, server("TSMA", certificate(now, until=YESTERDAY), certificate(new)), "later.toml"
        )
        before = machine.seen()
        assert machine.run("detect", "--policy", later).code == 3
        answer = fix_by(machine, later)
        assert (answer.code, answer.report["outcome"]) == (0, "changed")
        assert now not in machine.held().values() and machine.sign_ons("TSMA") == []
        assert fix_by(machine, later).report["changed"] is False
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before

    def test_while_the_server_still_presents_it_it_stays_and_that_is_told(self, machine: Machine) -> None:
        policy, now, new = self.ended(machine)
        answer = fix_by(machine, policy)
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert {now, new} <= set(machine.held().values())
        assert "still presents it" in answer.store(machine.ba)["policy"][0]["reason"]
        assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0
        before = machine.everything()
        assert fix_by(machine, policy).report["changed"] is False
        assert machine.everything() == before
        assert machine.run("detect", "--policy", policy).code == 16


class TestFetched:
    """What is not at hand is fetched by a session, and must be what the policy allows."""

    def test_the_new_one_is_fetched_with_the_pins_of_the_policy(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        policy = write_policy(
            machine, server("TSMA", certificate(new)) + server("TSMB", certificate(old(machine, "TSMB")))
        )
        assert machine.run("detect", "--policy", policy).code == 3
        answer = fix_by(machine, policy)
        assert (answer.code, answer.report["outcome"]) == (0, "changed"), answer.stderr
        machine.require_proved("TSMA", new)
        assert "fetched" in machine.sign_ons("TSMA")
        assert fix_by(machine, policy).report["changed"] is False

    def test_another_one_is_not_fetched(self, machine: Machine) -> None:
        policy = write_policy(machine, server("TSMA", certificate(old(machine, "TSMA"))))
        machine.renew("TSMA")
        before = machine.seen()
        answer = fix_by(machine, policy)
        assert (answer.code, answer.problem) == (16, "unexpected-certificate")
        assert machine.seen() == before

    def test_trust_on_first_use_is_only_where_the_policy_allows_it(self, machine: Machine) -> None:
        new = machine.renew("TSMA")
        policy = write_policy(machine, server("TSMA", trust_on_first_use="true"))
        assert fix_by(machine, policy).code == 0
        machine.require_proved("TSMA", new)
        machine.renew("TSMB")
        answer = fix_by(machine, policy)
        assert (answer.code, answer.problem) == (16, "server-not-pinned")


class TestUnexpected:
    """A certificate of a server that is in no policy."""

    def drifted(self, machine: Machine, others: str) -> tuple[Path, str]:
        stranger = identity("a stranger")
        certificates = [
            *machine.trusted("TSMA", "TSMB"),
            (f"{machine.endpoint.label('TSMA')} 2", stranger.der),
        ]
        machine.endpoint.store(certificates=certificates)
        return write_policy(
            machine, server("TSMA", certificate(old(machine, "TSMA")), others=f'"{others}"')
        ), stranger.sha256

    def test_it_is_told_and_stays_where_the_policy_says_report(self, machine: Machine) -> None:
        policy, stranger = self.drifted(machine, "report")
        answer = machine.run("detect", "--policy", policy)
        assert standings(answer, machine.ba)[stranger] == "unexpected"
        assert answer.code == 0
        assert fix_by(machine, policy).report["changed"] is False
        assert "unexpected" in machine.text("detect", "--policy", policy).stdout

    def test_it_goes_where_the_policy_says_remove(self, machine: Machine) -> None:
        policy, stranger = self.drifted(machine, "remove")
        assert machine.run("detect", "--policy", policy).code == 3
        before = machine.seen()
        answer = fix_by(machine, policy)
        assert (answer.code, answer.report["outcome"]) == (0, "changed"), answer.stderr
        assert stranger not in machine.held().values()
        assert set(machine.held().values()) == {old(machine, "TSMA"), old(machine, "TSMB")}
        assert machine.sign_ons("TSMA") == []
        assert fix_by(machine, policy).report["changed"] is False
        assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == before

    def test_a_stale_one_of_the_store_alone_is_left_beside_the_new_one(self, machine: Machine) -> None:
        stale = old(machine, "TSMA")
        new, file = next_one(machine, "TSMA")
        machine.renew("TSMA")
        policy = write_policy(machine, server("TSMA", certificate(new, file=file)))
        answer = fix_by(machine, policy)
        assert (answer.code, answer.report["outcome"]) == (0, "changed"), answer.stderr
        assert {new, stale} <= set(machine.held().values())
        assert standings(answer, machine.ba)[stale] == "unexpected"
        assert fix_by(machine, policy).report["changed"] is False
        assert machine.endpoint.dsmc("query", "session", "-se=TSMA").returncode == 0


def test_two_servers_of_a_store_are_one_transaction_one_put_in_one_fetched(machine: Machine) -> None:
    staged, file = next_one(machine, "TSMA")
    text = server("TSMA", certificate(old(machine, "TSMA")), certificate(staged, file=file))
    machine._renewals += 1
    new = machine.renew("TSMB")
    policy = write_policy(machine, text + server("TSMB", certificate(new)))
    answer = fix_by(machine, policy)
    assert (answer.code, answer.report["outcome"]) == (0, "changed"), answer.stderr
    assert {staged, new} <= set(machine.held().values())
    assert len([step for step in answer.report["steps"] if step["step"] == "swap"]) == 1
    assert fix_by(machine, policy).report["changed"] is False


@pytest.mark.parametrize("engine", ["gskit", "native"])
def test_both_engines_put_it_in(machine: Machine, engine: str) -> None:
    policy, now, new = both(machine, "TSMA")
    assert fix_by(machine, policy, "--engine", engine).code == 0
    assert {now, new} <= set(machine.held().values())


def test_a_machine_s_own_policy_counts_without_an_option(machine: Machine) -> None:
    policy, _, new = both(machine, "TSMA")
    own = machine.root / "etc" / "dsmcertfix"
    own.mkdir(parents=True)
    (own / "policy.toml").write_bytes(policy.read_bytes())
    (own / "TSMA-new.arm").write_bytes((machine.directory / "TSMA-new.arm").read_bytes())
    assert machine.run("detect").code == 3
    assert machine.run("fix", "--yes").code == 0
    assert new in machine.held().values()


def test_without_a_policy_fix_needs_an_expectation_as_before(machine: Machine) -> None:
    answer = machine.run("fix", "--yes")
    assert (answer.code, answer.problem) == (2, "nothing-expected")


def test_certificates_that_a_person_names_are_exchanged_by_the_pins_of_the_policy(machine: Machine) -> None:
    policy, _, new = both(machine, "TSMA")
    assert fix_by(machine, policy).code == 0
    machine.renew("TSMA")
    label = machine.endpoint.label("TSMA")
    answer = fix_by(machine, policy, "--label", label)
    assert answer.code == 0, answer.stderr
    assert new in machine.held().values()


def test_the_stores_of_a_user_whom_the_policy_leaves_out_are_left_alone(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    policy.write_text(policy.read_text() + '\n[machine]\nleave_out_users = ["root"]\n')
    before = machine.seen()
    machine.renew("TSMA")
    assert machine.run("detect", "--policy", policy).code == 0
    assert fix_by(machine, policy).report["changed"] is False
    assert machine.seen() == before


def test_more_stores_than_the_policy_allows_are_not_changed(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    user = machine.endpoint.user("ann")
    machine.endpoint.store(user=user, certificates=machine.trusted("TSMA"))
    policy.write_text(policy.read_text() + "\n[machine]\nmax_stores = 1\n")
    before = machine.everything()
    answer = fix_by(machine, policy)
    assert (answer.code, answer.problem) == (12, "more-stores-than-allowed")
    assert machine.everything() == before
    policy.write_text(policy.read_text().replace("max_stores = 1", "max_stores = 2"))
    assert fix_by(machine, policy).report["outcome"] == "changed"


def test_a_policy_that_others_can_write_is_refused_and_nothing_is_changed(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    policy.chmod(0o666)
    before = machine.everything()
    for command in (("detect",), ("plan",), ("fix", "--yes")):
        answer = machine.run(*command, "--policy", policy)
        assert (answer.code, answer.problem) == (12, "policy-not-trusted")
        assert f"chmod go-w {policy}" in answer.report["problem"]["hint"]
    assert machine.everything() == before


def test_a_policy_below_a_directory_that_others_can_write_is_refused(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    with scratch() as place:
        place.chmod(0o777)
        moved = place / "policy.toml"
        moved.write_bytes(policy.read_bytes())
        answer = machine.run("detect", "--policy", moved)
    assert (answer.code, answer.problem) == (12, "policy-not-trusted")
    assert str(place) in answer.report["problem"]["message"]


@shown_only_if(os.geteuid() == 0, "only root can give a file away")
def test_a_policy_of_another_user_is_refused(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    os.chown(policy, 4711, 4711)
    answer = machine.run("detect", "--policy", policy)
    assert (answer.code, answer.problem) == (12, "policy-not-trusted")
    assert "uid 4711" in answer.report["problem"]["message"]


def test_a_policy_whose_last_day_is_over_is_refused(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    policy.write_text(policy.read_text().replace("\n", f"\nexpires = {YESTERDAY}\n", 1))
    for command in (("detect",), ("fix", "--yes")):
        answer = machine.run(*command, "--policy", policy)
        assert (answer.code, answer.problem) == (12, "policy-expired")


def test_a_broken_policy_of_the_machine_stops_what_goes_by_it_and_no_way_back(machine: Machine) -> None:
    policy, _, _ = both(machine, "TSMA")
    assert fix_by(machine, policy).code == 0
    own = machine.root / "etc" / "dsmcertfix"
    own.mkdir(parents=True)
    (own / "policy.toml").write_text("schema =")
    answer = machine.run("fix", "--yes", "--trust-on-first-use")
    assert (answer.code, answer.problem) == (2, "policy-not-valid")
    assert machine.run("inspect").code == 0
    assert machine.run("rollback", "--yes").code == 0
