"""What `server renew` will do, and when it will not: a table over made-up facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.facts import NOW, certificate, presents
from tests.server.made import UNIT, instance, own

from dsmcertfix.errors import (
    Busy,
    CannotReconnect,
    DsmcertfixError,
    NotFound,
    NotPermitted,
    StoreUnreadable,
    UsageError,
)
from dsmcertfix.ibm.server.instance import LABEL, Command, Control
from dsmcertfix.model import Certificate, FileFact, ServerFile
from dsmcertfix.planning.renew import (
    AwaitCertificate,
    RenewFacts,
    RenewPlan,
    certificate_to_renew,
    is_good,
    make_renew_plan,
    server_step_text,
)
from dsmcertfix.planning.steps import DeleteLabel, step_name


def on_mounts(file: ServerFile, *, read_only: bool = False) -> tuple[FileFact[ServerFile], ...]:
    """The files of a key database of which that one is a mount of its own, or is for reading only."""
    facts = {item: FileFact(item, True) for item in ServerFile}
    return (*(facts | {file: FileFact(file, True, mounted=not read_only, read_only=read_only)}).values(),)


GOOD = own()
BOTH = Control(Command(("/bin/stop",), "stop it"), Command(("/bin/start",), "start it"))
STEPS = [
    "back-up",
    "stage",
    "delete-label",
    "check-staged",
    "stop-server",
    "server-swap",
    "start-server",
    "await-certificate",
    "check-renewed",
]


def plan_of(control: Control = BOTH, *, shows: Certificate | None = GOOD, **changes: Any) -> RenewPlan:
    seen = instance(GOOD, **changes)
    presented = (presents("TSM1", shows),) if shows else ()
    return make_renew_plan(RenewFacts(seen, presented, control))


def names(plan: RenewPlan) -> list[str]:
    return [step_name(step) for step in plan.steps]


def test_a_running_server_is_stopped_after_the_copy_was_checked_and_started_again() -> None:
    plan = plan_of()
    assert names(plan) == STEPS
    assert DeleteLabel(GOOD) in plan.steps
    assert AwaitCertificate(LABEL, presents("TSM1").server) in plan.steps
    assert plan.presents_at == presents("TSM1").server


def test_a_plan_that_is_only_shown_needs_no_way_to_stop_a_running_server() -> None:
    facts = RenewFacts(instance(GOOD), (presents("TSM1", GOOD),), Control(), only_shown=True)
    plan = make_renew_plan(facts)
    assert names(plan) == ["stop-server", *(name for name in STEPS if name != "stop-server")]
    assert any(line.startswith("the server of ") and "--stop-command" in line for line in plan.warnings)
    other = NotFound("unit-not-known", "nobody knows the unit", hint="Give commands.").problem()
    plan = make_renew_plan(replace(facts, unknown=other))
    assert "nobody knows the unit; Give commands." in plan.warnings


@pytest.mark.parametrize("control", [BOTH, Control()])
def test_a_server_that_is_down_is_not_stopped(control: Control) -> None:
    plan = plan_of(control, running=False, shows=None)
    assert names(plan) == [name for name in STEPS if name != "stop-server"]
    assert plan.presents_at is None
    assert any("nobody but you" in line for line in plan.warnings) is (control is not BOTH)


def test_every_step_says_what_it_does() -> None:
    told = [server_step_text(step) for step in plan_of().steps]
    assert "stop the server (stop it)" in told and "start the server (start it)" in told
    waiting = [server_step_text(step) for step in plan_of(Control(), running=False, shows=None).steps]
    assert "wait for somebody to start the server" in waiting
    assert len({*told}) == len(told)


def test_the_window_without_trust_is_told_and_the_way_without_it() -> None:
    assert "server macro certificate" in plan_of().warnings[0]


@pytest.mark.parametrize(
    ("shows", "words"), [(None, "was not seen to present"), (own("older"), "presents another certificate")]
)
def test_what_it_presents_now_is_told_when_it_is_not_that(shows: Certificate | None, words: str) -> None:
    assert any(words in line for line in plan_of(shows=shows).warnings)


@pytest.mark.parametrize(
    ("changes", "control", "kind", "code"),
    [
        ({"running": None}, BOTH, NotPermitted, "server-not-seen"),
        ({}, Control(), Busy, "server-runs"),
        ({"services": (UNIT,)}, Control(start=BOTH.start), Busy, "server-runs"),
        ({}, Control(stop=BOTH.stop), UsageError, "control-incomplete"),
        ({"certificates": ()}, BOTH, NotFound, "server-label-not-found"),
        ({"certificates": (certificate(LABEL),)}, BOTH, NotFound, "server-label-not-found"),
        ({"default": "from our CA"}, BOTH, NotPermitted, "label-not-default"),
        ({"files": on_mounts(ServerFile.ARM)}, BOTH, CannotReconnect, "store-files-mounted"),
        ({"files": on_mounts(ServerFile.KDB, read_only=True)}, BOTH, NotPermitted, "store-read-only"),
    ],
)
def test_it_is_refused_before_anything_is_touched(
    changes: dict[str, Any], control: Control, kind: type[DsmcertfixError], code: str
) -> None:
    with pytest.raises(kind) as raised:
        plan_of(control, **changes)
    assert raised.value.code == code


def test_a_key_database_with_a_problem_has_nothing_to_renew() -> None:
    problem = StoreUnreadable("server-stash-missing", "no stash").problem()
    with pytest.raises(StoreUnreadable, match="no stash"):
        certificate_to_renew(instance(GOOD, problem=problem))


def test_without_a_default_the_server_s_own_label_is_meant() -> None:
    assert certificate_to_renew(instance(GOOD, default=None)) == GOOD


@pytest.mark.parametrize(
    ("days", "within", "expected"),
    [(180, 180, True), (179.5, 180, False), (-1, 0, False), (0.5, 0, True), (None, 180, False)],
)
def test_one_that_is_valid_long_enough_is_left_alone(days: float | None, within: int, expected: bool) -> None:
    assert is_good(own(days=days), NOW, within) is expected


def test_a_plan_is_the_same_only_for_the_same_files_certificate_and_steps() -> None:
    plan = plan_of()
    assert plan.same_changes(plan_of())
    assert not plan.same_changes(plan_of(Control(), running=False))
    files = plan.instance.files
    touched = (files[0]._replace(size=files[0].size + 1), *files[1:])
    assert not plan.same_changes(plan_of(files=touched))


def test_a_command_s_words_are_not_in_its_representation() -> None:
    assert "secret" not in repr(Command(("/bin/dsmadmc", "-password=secret"), "the command"))
