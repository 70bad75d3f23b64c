"""What is removed of a directory of ours, and what stays where something cannot go."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dsmcertfix.errors import Busy, NotPermitted
from dsmcertfix.system.removing import remove, removing

LAST = "m.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Files, directories, and a link that leads out of it."""
    outside, directory = tmp_path / "outside", tmp_path / "run"
    for path in (outside / "kept", directory / "sub" / "deep" / "inner"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
    for name in ("a", "z", LAST, f"sub/{LAST}"):
        (directory / name).write_bytes(b"")
    (directory / "link").symlink_to(outside)
    return directory


def hold(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> None:
    """What is called so cannot be removed so many times."""
    left = [times]
    by_system, by_path = os.unlink, Path.unlink

    def check(path: Any) -> None:
        if Path(path).name == name and left[0]:
            left[0] -= 1
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))

    def unlink(path: Any, **options: Any) -> None:
        check(path)
        by_system(path, **options)

    def path_unlink(path: Path, missing_ok: bool = False) -> None:
        check(path)
        by_path(path, missing_ok)

    monkeypatch.setattr(os, "unlink", unlink)
    monkeypatch.setattr(Path, "unlink", path_unlink)


@pytest.mark.parametrize(
    ("error", "kind", "told", "context"),
    [
        (OSError(errno.EBUSY, "is busy", "/run/a"), Busy, "is busy", ("kept: /run/a",)),
        (OSError(errno.ETXTBSY, "is run"), Busy, "is run", ()),
        (OSError(errno.EACCES, "is denied", "/run/a"), NotPermitted, "is denied", ("kept: /run/a",)),
        (OSError("is odd"), NotPermitted, "is odd", ()),
    ],
)
def test_what_cannot_be_removed_is_told_and_whether_something_holds_it(
    error: OSError, kind: type[Busy | NotPermitted], told: str, context: tuple[str, ...]
) -> None:
    with pytest.raises(kind) as raised, removing(Path("/run")):
        raise error
    assert raised.value.code == "run-not-removed"
    assert raised.value.message == f"`/run` cannot be removed: {told}"
    assert raised.value.context == context and (raised.value.hint is not None) is (kind is Busy)


@pytest.mark.parametrize("last", [LAST, "none"])
def test_a_directory_goes_with_all_that_is_in_it_and_nothing_that_a_link_leads_to(
    run: Path, last: str
) -> None:
    remove(run, last)
    assert not run.exists() and os.listdir(run.parent / "outside") == ["kept"]


@pytest.mark.parametrize("name", ["a", "inner", "link"])
def test_what_goes_at_the_second_try_is_gone(run: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(monkeypatch, name, 1)
    remove(run, LAST)
    assert not run.exists() and os.listdir(run.parent / "outside") == ["kept"]


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("a", ["a", LAST]),
        ("z", [LAST, "z"]),
        ("link", ["link", LAST]),
        ("inner", [LAST, "sub", "sub/deep", "sub/deep/inner"]),
    ],
)
def test_beside_what_stays_only_the_last_file_stays_and_the_reason_is_told(
    run: Path, name: str, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold(monkeypatch, name, 1000)
    with pytest.raises(OSError, match="busy") as raised:
        remove(run, LAST)
    assert raised.value.errno == errno.EBUSY and Path(raised.value.filename).name == name
    assert sorted(path.relative_to(run).as_posix() for path in run.rglob("*")) == left
