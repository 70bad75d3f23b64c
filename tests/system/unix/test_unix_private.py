"""Whose the state directory is: what somebody else prepared is refused, with the reason."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from tests.system.unix.kit import STRANGER, as_root

from dsmcertfix.errors import BackupFailed, NotPermitted
from dsmcertfix.model import Owner
from dsmcertfix.system import private
from dsmcertfix.system.unix.private import UnixGuard, handed_over

GUARD = UnixGuard()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    private.make(tmp_path / "state" / "runs", GUARD)
    return tmp_path / "state"


def refused(path: Path) -> str:
    with pytest.raises(NotPermitted) as raised:
        private.require_state(path, GUARD)
    assert raised.value.code == "state-directory-not-ours"
    return raised.value.message


@pytest.mark.parametrize(
    ("number", "what", "kind", "code"),
    [
        (errno.EACCES, "state", NotPermitted, "state-not-permitted"),
        (errno.EPERM, "journal", NotPermitted, "journal-not-permitted"),
        (errno.ENOSPC, "state", BackupFailed, "state-not-written"),
        (errno.EIO, "journal", BackupFailed, "journal-not-written"),
    ],
)
def test_what_cannot_be_kept_is_told_by_its_reason(
    number: int, what: str, kind: type[NotPermitted | BackupFailed], code: str
) -> None:
    with pytest.raises(kind) as raised, private.keeping(Path("/kept"), what):
        raise OSError(number, "the reason")
    assert raised.value.code == code and raised.value.hint
    assert raised.value.message == "`/kept` could not be written: the reason"


def test_an_error_without_a_reason_is_told_as_it_is() -> None:
    with pytest.raises(BackupFailed, match="could not be written: odd"), private.keeping(Path("/kept")):
        raise OSError("odd")


def test_what_is_ours_is_made_closed_and_found_in_order(state: Path) -> None:
    assert {path.stat().st_mode & 0o7777 for path in (state, state / "runs")} == {0o700}
    (state / "lock").write_bytes(b"")
    (state / "runs" / "a file").write_bytes(b"")
    (state / "runs" / "r1").mkdir(mode=0o700)
    (state / "runs" / "r1" / "journal.jsonl").write_bytes(b"")
    private.require_state(state, GUARD)
    private.make(state / "runs", GUARD)
    private.require_state(state / "nothing", GUARD)


def test_a_link_in_place_of_a_run_is_refused_also_one_that_leads_nowhere(state: Path) -> None:
    (state / "runs" / "r1").symlink_to(state / "nowhere")
    assert refused(state) == f"the state directory `{state}/runs/r1` is not a directory"


def test_a_run_that_is_pruned_meanwhile_is_no_error(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "runs" / "r1").mkdir(mode=0o700)
    listed = os.listdir

    def pruned(path: Any) -> list[str]:
        names = listed(path)
        if Path(path).name == "runs":
            (state / "runs" / "r1").rmdir()
        return names

    monkeypatch.setattr(os, "listdir", pruned)
    private.require_state(state, GUARD)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("lock", "file of the state directory"),
        ("runs/r1/journal.jsonl", "file of the state directory"),
    ],
)
def test_a_second_name_of_a_file_is_refused(state: Path, name: str, word: str) -> None:
    path = state / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(b"")
    os.link(path, state.parent / "other")
    assert refused(state) == f"the {word} `{path}` has 2 names (hard links)"


@pytest.mark.parametrize("name", ["lock", "runs/r1/journal.jsonl"])
def test_what_is_no_file_is_refused(state: Path, name: str) -> None:
    (state / name).mkdir(parents=True)
    (state / name).parent.chmod(0o700)
    assert refused(state) == f"the file of the state directory `{state / name}` is not a regular file"


@pytest.mark.parametrize("name", ["", "runs", "runs/r1"])
@pytest.mark.parametrize("mode", [0o710, 0o704])
def test_a_directory_that_is_open_to_others_is_refused(state: Path, name: str, mode: int) -> None:
    (state / "runs" / "r1").mkdir(mode=0o700)
    (state / name).chmod(mode)
    assert refused(state) == f"the state directory `{state / name}` is open to others (mode {mode:04o})"


@pytest.mark.parametrize("name", ["", "runs", "runs/r1", "lock", "runs/r1/journal.jsonl"])
def test_what_belongs_to_somebody_else_is_refused(state: Path, name: str) -> None:
    as_root()
    (state / "runs" / "r1").mkdir(mode=0o700)
    for file in ("lock", "runs/r1/journal.jsonl"):
        (state / file).write_bytes(b"")
    os.chown(state / name, STRANGER, -1)
    assert f"`{state / name}` belongs to uid {STRANGER}" in refused(state)


def anchored(path: Path) -> None:
    GUARD.require_anchored(path)


@pytest.mark.parametrize("mode", [0o757, 0o777])
def test_what_lies_where_everybody_may_write_is_refused_and_not_made(tmp_path: Path, mode: int) -> None:
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(mode)
    with pytest.raises(NotPermitted) as raised:
        private.make(above / "state", GUARD)
    message = f"the state directory `{above}/state` lies below `{above}`, which everybody may write"
    assert raised.value.message == message
    assert not (above / "state").exists()


def test_a_sticky_directory_above_is_no_danger(tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(0o1777)
    private.make(above / "state", GUARD)


def test_a_file_above_is_not_judged_by_its_mode(tmp_path: Path) -> None:
    """What is below it cannot be made anyway."""
    (tmp_path / "above").write_bytes(b"")
    (tmp_path / "above").chmod(0o666)
    anchored(tmp_path / "above" / "state")


def test_a_group_of_one_s_own_is_nobody_else_and_any_other_is(tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(0o775)
    anchored(above / "state")
    as_root()
    os.chown(above, -1, STRANGER)
    with pytest.raises(NotPermitted, match=f"which group {STRANGER} may write"):
        anchored(above / "state")


def test_what_lies_below_somebody_else_s_directory_is_refused(tmp_path: Path) -> None:
    as_root()
    above = tmp_path / "above"
    above.mkdir()
    os.chown(above, STRANGER, -1)
    with pytest.raises(NotPermitted, match=f"lies below `{above}`, which belongs to uid {STRANGER}"):
        anchored(above / "state")


def test_what_a_link_leads_to_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    with pytest.raises(NotPermitted, match="which everybody may write"):
        anchored(tmp_path / "link" / "state")


def handles() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_nothing_stays_open(tmp_path: Path) -> None:
    before = handles()
    private.sync_directory(tmp_path)
    with handed_over(tmp_path, {"a": b"1"}, Owner(os.geteuid(), os.getegid(), "me")) as handle:
        assert os.listdir(handle) == ["a"]
        assert os.stat("a", dir_fd=handle).st_mode & 0o7777 == 0o600
    assert handles() == before
    assert not (tmp_path / "theirs").exists()


def test_what_an_earlier_run_left_is_gone_before_anything_is_handed_over(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "planted").write_bytes(b"")
    with handed_over(tmp_path, {}, Owner(os.geteuid(), os.getegid(), "me")) as handle:
        assert os.listdir(handle) == []
    as_root()
    with handed_over(tmp_path, {"a": b"1"}, Owner(STRANGER, STRANGER + 1, "they")) as handle:
        seen = [os.fstat(handle), os.stat("a", dir_fd=handle)]
    assert [(info.st_uid, info.st_gid) for info in seen] == [(STRANGER, STRANGER + 1)] * 2


def test_the_first_file_after_an_edit_is_what_it_gives(tmp_path: Path) -> None:
    def edit(directory: Path) -> None:
        assert (directory / "b").read_bytes() == b"2"
        (directory / "a").write_bytes(b"edited")

    assert private.edited(tmp_path, {"a": b"1", "b": b"2"}, edit) == b"edited"


def test_a_directory_that_may_not_be_looked_into_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(NotPermitted) as raised:
        private.is_there(Path("/kept"))
    assert raised.value.code == "state-not-permitted"


def test_what_is_handed_over_is_opened_without_following_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags: dict[str, int] = {}
    real = os.open

    def opened(path: Any, how: int, *arguments: Any, **options: Any) -> int:
        flags.setdefault(Path(path).name, how)
        return real(path, how, *arguments, **options)

    monkeypatch.setattr(os, "open", opened)
    with handed_over(tmp_path, {"a": b"1"}, Owner(os.geteuid(), os.getegid(), "me")):
        pass
    assert flags["theirs"] == os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    assert flags["a"] == os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def test_what_is_handed_over_lies_in_a_directory_that_nobody_else_may_pass(tmp_path: Path) -> None:
    with handed_over(tmp_path, {}, Owner(os.geteuid(), os.getegid(), "me")) as handle:
        assert os.fstat(handle).st_mode & 0o7777 == 0o700
