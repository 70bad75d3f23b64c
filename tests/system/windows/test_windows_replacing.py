"""What ReplaceFileW may leave half done is brought to an end: with real files, and its failures played."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dsmcertfix.system.windows import replacing as windows_replacing
from dsmcertfix.system.windows.replacing import replace

LIMIT_S = 0.5
"""For what never passes."""
PATIENT_S = 60.0


class Played:
    """Files by name as Windows treats them; `fail` is asked before each of its calls and may act itself."""

    def __init__(self, fail: Callable[[str, int], None]):
        self._fail = fail
        self.calls: list[str] = []

    def _ask(self, call: str) -> None:
        self.calls.append(call)
        self._fail(call, self.calls.count(call))

    def replace(self, live: str, new: str, aside: str) -> None:
        self._ask("replace")
        os.replace(live, aside)
        os.replace(new, live)

    def rename(self, source: str, target: str) -> None:
        self._ask(f"rename {Path(source).name}")
        os.replace(source, target)

    def exists(self, path: str) -> bool:
        return os.path.exists(path)


def windows_error(code: int) -> OSError:
    error = OSError(0, "played")
    error.winerror = code  # type: ignore[attr-defined, unused-ignore]
    return error


@pytest.fixture
def names(tmp_path: Path) -> tuple[str, str, str]:
    for name in ("live", "new"):
        (tmp_path / name).write_text(name)
    return str(tmp_path / "live"), str(tmp_path / "new"), str(tmp_path / "aside")


def there(names: tuple[str, str, str]) -> dict[str, str]:
    """Name to what stood there at the beginning."""
    return {Path(name).name: Path(name).read_text() for name in names if os.path.exists(name)}


def test_nothing_in_the_way_takes_one_call(names: tuple[str, str, str]) -> None:
    calls = Played(lambda call, number: None)
    replace(*names, calls, PATIENT_S)
    assert (there(names), calls.calls) == ({"live": "new", "aside": "live"}, ["replace"])


@pytest.mark.parametrize("code", [32, 33, 1175, 1176])
def test_what_passes_is_waited_for(names: tuple[str, str, str], code: int) -> None:
    def fail(call: str, number: int) -> None:
        if number < 3:
            raise windows_error(code)

    replace(*names, Played(fail), PATIENT_S)
    assert there(names) == {"live": "new", "aside": "live"}


@pytest.mark.parametrize("code", [32, 1175, 1176])
def test_what_does_not_pass_is_given_up_in_time_and_nothing_has_changed(
    names: tuple[str, str, str], code: int
) -> None:
    def fail(call: str, number: int) -> None:
        raise windows_error(code)

    with pytest.raises(OSError, match="played") as raised:
        replace(*names, Played(fail), LIMIT_S)
    assert getattr(raised.value, "winerror", None) == code
    assert there(names) == {"live": "live", "new": "new"}


def test_another_error_is_not_waited_for(names: tuple[str, str, str]) -> None:
    def fail(call: str, number: int) -> None:
        raise windows_error(5)

    calls = Played(fail)
    with pytest.raises(OSError, match="played"):
        replace(*names, calls, 60.0)
    assert (calls.calls, there(names)) == (["replace"], {"live": "live", "new": "new"})


def half_done(names: tuple[str, str, str]) -> Callable[[str, int], None]:
    """1177: the old file lies aside, the new one where it was."""

    def fail(call: str, number: int) -> None:
        if call == "replace":
            os.replace(names[0], names[2])
            raise windows_error(windows_replacing.UNABLE_TO_MOVE_REPLACEMENT_2)

    return fail


def test_the_second_rename_is_made_up_for(names: tuple[str, str, str]) -> None:
    replace(*names, Played(half_done(names)), PATIENT_S)
    assert there(names) == {"live": "new", "aside": "live"}


def test_the_second_rename_is_tried_until_whoever_holds_the_file_lets_go(names: tuple[str, str, str]) -> None:
    first = half_done(names)

    def fail(call: str, number: int) -> None:
        first(call, number)
        if call == "rename new" and number < 3:
            raise windows_error(32)

    replace(*names, Played(fail), PATIENT_S)
    assert there(names) == {"live": "new", "aside": "live"}


def test_where_it_cannot_be_made_up_for_the_old_file_is_back(names: tuple[str, str, str]) -> None:
    first = half_done(names)

    def fail(call: str, number: int) -> None:
        first(call, number)
        if call == "rename new":
            raise windows_error(32)

    with pytest.raises(OSError, match="played"):
        replace(*names, Played(fail), LIMIT_S)
    assert there(names) == {"live": "live", "new": "new"}
