"""Root's `explain` reads no log for a user that this user could not read."""

from __future__ import annotations

import os

import pytest
from tests.attack.scene import SECRET, Scene, give
from tests.attack.test_option_files import client_of, owned

from dsmbench.endpoint import User

LINE = f"04/09/2026 10:11:12 ANS1592E {SECRET}\n"


@pytest.fixture
def mallory(scene: Scene) -> User:
    return scene.endpoint.user("mallory")


def option_file(mallory: User, log: str) -> None:
    """Mallory's own dsm.sys names the log."""
    text = f"SErvername OWN\n TCPServeraddress localhost\n ERRORLOGNAME {log}\n"
    owned(mallory, mallory.home / "tsm/dsm.sys", text)


def test_a_log_in_a_directory_that_its_user_cannot_enter_is_not_shown(scene: Scene, mallory: User) -> None:
    log = owned(mallory, scene.machine.root / "etc/closed/logs/old.log", LINE)
    os.chown(log.parents[1], 0, 0)
    log.parents[1].chmod(0o700)
    option_file(mallory, "/etc/closed/logs/old.log")
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"):
        answer = scene.machine.run("explain")
    assert SECRET not in answer.stdout + answer.stderr
    assert f"{log} is not read: Permission denied" in answer.stdout


def test_a_log_without_a_place_is_looked_for_in_its_user_s_home_alone(scene: Scene, mallory: User) -> None:
    """Of users with thousands of homes beside theirs, each stanza would be as many look-ups."""
    line = "04/09/2026 10:11:12 ANS1592E Failed to initialize SSL protocol.\n"
    for user in (mallory, scene.bob):
        owned(user, user.home / "logs/m.log", line)
    option_file(mallory, "logs/m.log")
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"):
        told = scene.machine.text("explain")
    assert f"{mallory.home}/logs/m.log" in told.stdout
    assert str(scene.bob.home / "logs") not in told.stdout + told.stderr


def test_a_log_of_root_s_to_which_the_client_of_a_user_points_is_not_shown(
    scene: Scene, mallory: User
) -> None:
    (scene.vault / "dsmerror.log").write_text(LINE)
    scene.close_vault()
    with client_of(scene, mallory, DSM_LOG="/etc/vault"):
        answers = [scene.machine.run("explain"), scene.machine.text("explain")]
    scene.require_untouched(*answers)
    assert f"{scene.vault / 'dsmerror.log'} is not read: an ordinary user" in answers[0].stdout


def test_a_log_that_its_user_can_reach_is_shown(scene: Scene, mallory: User) -> None:
    shared = scene.machine.root / "var/clientlogs"
    shared.mkdir(parents=True)
    log = shared / "m.log"
    log.write_text("04/09/2026 10:11:12 ANS1592E Failed to initialize SSL protocol.\n")
    give(mallory, log)
    # Passed, but not listed: that is enough to open a file by its path.
    shared.chmod(0o711)
    option_file(mallory, "/var/clientlogs/m.log")
    with client_of(scene, mallory, DSM_DIR="/home/mallory/tsm"):
        told = scene.machine.text("explain").stdout
    assert "ANS1592E" in told and "m.log" in told
