"""Users without rights where the state is root's: what only looks works, what needs it says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.endtoend.machine import Machine
from tests.shown import not_shown

from dsmbench.endpoint import AS_ROOT, User
from dsmcertfix.commands.log import RunLog
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host
from dsmcertfix.system.this import this_platform

pytestmark = pytest.mark.usefixtures("as_root")


@pytest.fixture
def as_root() -> None:
    if not AS_ROOT:
        not_shown("what an ordinary user is told: only root can start a program as another user")


@pytest.fixture(params=["of root", "below a closed directory", "below a closed directory, not there"])
def state(request: pytest.FixtureRequest, machine: Machine) -> Path:
    """The state of a machine that root repaired."""
    machine.renew("TSMA")
    if request.param != "of root":
        machine.state = machine.directory / "closed" / "state"
    assert machine.fix().code == 0
    if request.param == "below a closed directory, not there":
        machine.state = machine.state.with_name("another")
    if request.param != "of root":
        machine.state.parent.chmod(0o700)
    return machine.state


@pytest.fixture
def alice(machine: Machine) -> User:
    return machine.endpoint.user("alice")


def test_what_only_looks_works(machine: Machine, alice: User, state: Path) -> None:
    machine.ba.chmod(0o755)
    machine.endpoint.superuser.home.chmod(0o700)
    for file in machine.ba.glob("dsmcert.*"):
        file.chmod(0o644)
    for words, code, problem in (
        (("locate",), 0, ""),
        (("detect", "--store", machine.ba), 0, ""),
        (("plan", "--store", machine.ba), 0, ""),
        (("inspect", "--store", "/nosuch"), 10, "store-not-found"),
        (("inspect", "--store", "/root/nosuch"), 10, "store-not-found"),
        (("inspect", "--store", machine.endpoint.superuser.home), 10, "store-not-found"),
        (("server", "inspect"), 10, "no-server-instance"),
        (("explain", "no-such-code"), 10, "code-not-known"),
    ):
        answer = machine.run_as(alice, *words, state=state)
        assert (answer.code, answer.problem) == (code, problem), (words, answer.report["comment"])


def test_a_bundle_for_the_backup_team_is_made_without_what_may_not_be_read(
    machine: Machine, alice: User, state: Path
) -> None:
    bundle = alice.home / "bundle.zip"
    answer = machine.run_as(alice, "support-bundle", "--yes", "--output", bundle, state=state)
    assert (answer.code, bundle.stat().st_uid) == (0, alice.uid)
    assert any("journals and log are left out" in line for line in answer.report["warnings"])
    assert not [item for item in answer.report["contents"] if item["name"].startswith("runs/")]


def test_what_needs_the_state_is_not_permitted(machine: Machine, alice: User, state: Path) -> None:
    for words in (
        ("backups",),
        ("recover",),
        ("prune", "--yes"),
        ("rollback", "--yes"),
        ("fix", "--yes", "--trust-on-first-use"),
    ):
        answer = machine.run_as(alice, *words, state=state)
        assert answer.code == 12, (words, answer.report["comment"])
        assert answer.problem in ("state-not-permitted", "state-directory-not-ours")
        assert "--state-dir" in answer.report["problem"]["hint"]


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (("report", "CLOSED/results", "--output", "HOME/page.html"), 10, "input-not-found"),
        (("support-bundle", "--yes", "--output", "CLOSED/bundle.zip"), 12, "bundle-not-written"),
        (("--root", "CLOSED/root", "detect"), 10, "root-not-found"),
    ],
    ids=str,
)
def test_a_closed_directory_on_a_command_line_is_no_bug(
    machine: Machine, alice: User, words: tuple[str, ...], code: int, problem: str
) -> None:
    closed = machine.directory / "closed"
    closed.mkdir(0o700)
    places = {"CLOSED": str(closed), "HOME": str(alice.home)}
    for name, path in places.items():
        words = tuple(word.replace(name, path) for word in words)
    answer = machine.run_as(alice, *words)
    assert (answer.code, answer.problem) == (code, problem)


def test_the_end_of_a_command_is_logged_or_not_and_never_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", forbidden)
    log = RunLog(Host(this_platform(None, network_homes=False), tmp_path / "state"), "detect")
    log.ended(Report("detect", "here", exit_code=12))
    assert log.path is None
