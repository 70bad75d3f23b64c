"""Which programs may be run with root's rights."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.shown import not_shown

from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.system.ibm_environment import library_environment
from dsmcertfix.system.unix import trust
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix
from dsmcertfix.system.unix.private import trusted_owners
from dsmcertfix.system.unix.trust import require_trusted

STRANGER = 54321


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "gsk8capicmd_64"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.parent.chmod(0o755)
    path.chmod(0o755)
    return path


@pytest.fixture
def as_root() -> Iterator[None]:
    if os.geteuid() != 0:
        not_shown("giving a file to another user needs root")
    yield


def refusal(program: Path, *, below: Path = Path("/")) -> NotPermitted:
    with pytest.raises(NotPermitted) as raised:
        require_trusted(program, below=below)
    assert raised.value.code == "program-not-trusted"
    return raised.value


def test_a_program_that_only_root_can_change_is_trusted(program: Path) -> None:
    assert require_trusted(program) == program


def test_a_program_of_the_system_is_trusted() -> None:
    assert require_trusted(Path("/bin/sh")).is_file()


def test_a_missing_program_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        require_trusted(tmp_path / "gone" / "dsmc")
    assert raised.value.code == "program-not-found"
    assert str(tmp_path / "gone") in raised.value.message


def test_a_directory_is_no_program(program: Path) -> None:
    assert "is not a file" in refusal(program.parent).message


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1757])
def test_a_program_that_others_may_write_is_refused_with_the_cure(program: Path, mode: int) -> None:
    program.chmod(mode)
    error = refusal(program)
    assert str(program) in error.message
    assert error.hint is not None and f"chmod go-w {program}" in error.hint


def test_a_directory_above_that_others_may_write_is_refused(program: Path) -> None:
    program.parent.chmod(0o777)
    assert str(program.parent) in refusal(program).message


def test_a_sticky_directory_above_is_no_danger(program: Path) -> None:
    program.parent.chmod(0o1777)
    assert require_trusted(program) == program


def test_what_a_stranger_owns_in_a_sticky_directory_is_refused(program: Path, as_root: None) -> None:
    program.parent.chmod(0o1777)
    os.chown(program, STRANGER, 0)
    message = f"{program} can be changed by others than root: it belongs to uid {STRANGER}"
    assert refusal(program).message == message


def test_a_stranger_s_directory_above_is_refused(program: Path, as_root: None) -> None:
    os.chown(program.parent, STRANGER, 0)
    error = refusal(program)
    assert error.hint is not None and f"chown -h root {program.parent}" in error.hint


def test_a_link_leads_to_the_program_to_run(program: Path, tmp_path: Path) -> None:
    link = tmp_path / "dsmc"
    link.symlink_to(program)
    assert require_trusted(link) == program


def test_a_stranger_s_link_is_refused(program: Path, tmp_path: Path, as_root: None) -> None:
    link = tmp_path / "dsmc"
    link.symlink_to(program)
    os.lchown(link, STRANGER, 0)
    error = refusal(link)
    assert error.hint is not None and f"chown -h root {link}" in error.hint


def test_what_a_link_leads_through_is_checked(program: Path, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "open" / "bin").symlink_to(program.parent)
    (tmp_path / "link").symlink_to("open/bin/../bin/gsk8capicmd_64")
    assert str(tmp_path / "open") in refusal(tmp_path / "link").message


def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "too many" in refusal(tmp_path / "a").message


def test_below_another_root_absolute_links_stay_below_it(program: Path, tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "dsmc").symlink_to("/bin/gsk8capicmd_64")
    assert require_trusted(tmp_path / "usr" / "dsmc", below=tmp_path) == program


def test_below_another_root_nothing_climbs_out(program: Path, tmp_path: Path) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr" / "dsmc").symlink_to("../../../../../../../bin/gsk8capicmd_64")
    assert require_trusted(tmp_path / "usr" / "dsmc", below=tmp_path) == program


def test_what_is_above_another_root_is_checked_too(program: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert str(tmp_path) in refusal(program, below=program.parent).message


def library(program: Path) -> Path:
    """A library lies beside the program's directory."""
    path = program.parents[1] / "lib64" / "libgsk8.so"
    path.parent.mkdir()
    path.parent.chmod(0o755)
    path.write_bytes(b"a library")
    path.chmod(0o644)
    return path


def libraries_of(program: Path) -> list[str]:
    """Where that program is led to for its libraries."""
    return list(Unix(UnixPlaces(Path("/"))).libraries_of(program).values())


def test_a_program_is_led_to_libraries_that_only_root_can_change(program: Path) -> None:
    path = library(program)
    assert libraries_of(program) == [str(path.parent)]


def test_a_link_to_such_a_directory_is_followed(program: Path) -> None:
    path = library(program)
    path.parent.rename(path.parents[1] / "real")
    path.parent.symlink_to("real")
    assert libraries_of(program) == [str(path.parents[1] / "real")]


def open_directory(path: Path) -> None:
    path.parent.chmod(0o777)


def sticky_directory(path: Path) -> None:
    path.parent.chmod(0o1777)


def group_s_directory(path: Path) -> None:
    path.parent.chmod(0o775)


def open_library(path: Path) -> None:
    path.chmod(0o666)


def link_to_an_open_library(path: Path) -> None:
    path.rename(path.parents[1] / "elsewhere.so")
    (path.parents[1] / "elsewhere.so").chmod(0o666)
    path.symlink_to("../elsewhere.so")


def dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/tmp/not-there/libgsk8.so")


@pytest.mark.parametrize(
    "spoil",
    [
        open_directory,
        sticky_directory,
        group_s_directory,
        open_library,
        link_to_an_open_library,
        dangling_link,
    ],
)
def test_a_program_is_not_led_to_libraries_that_others_can_change(
    program: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(library(program))
    assert libraries_of(program) == []


@pytest.mark.parametrize("of", ["directory", "library"])
def test_a_program_is_not_led_to_a_stranger_s_libraries(program: Path, of: str, as_root: None) -> None:
    path = library(program)
    os.chown(path.parent if of == "directory" else path, STRANGER, 0)
    assert libraries_of(program) == []


@pytest.mark.parametrize(
    ("system", "variable"),
    [
        ("linux", "LD_LIBRARY_PATH"),
        ("sunos5", "LD_LIBRARY_PATH"),
        ("aix7", "LIBPATH"),
        ("darwin", "DYLD_LIBRARY_PATH"),
    ],
)
def test_a_program_finds_the_libraries_beside_it(
    program: Path, tmp_path: Path, system: str, variable: str
) -> None:
    (tmp_path / "lib64").mkdir()
    assert library_environment(program, system=system) == {variable: str(tmp_path / "lib64")}


def test_a_program_without_libraries_beside_it_gets_no_setting(program: Path) -> None:
    assert library_environment(program) == {}


def test_root_and_we_ourselves_are_trusted_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: STRANGER)
    assert trusted_owners() == {0, STRANGER}
    monkeypatch.setattr("sys.platform", "aix")
    assert trusted_owners() == {0, 2, STRANGER}


def test_an_absolute_link_outside_of_a_root_leads_where_it_says(program: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    link = tmp_path / "link"
    link.symlink_to(program)
    assert require_trusted(link, below=tmp_path / "root") == program


@pytest.mark.parametrize(("mode", "whose"), [(0o757, "everyone"), (0o775, f"group {os.getegid()}")])
def test_who_may_write_is_told(program: Path, mode: int, whose: str) -> None:
    program.chmod(mode)
    if os.geteuid() == 0:
        os.chown(program, -1, os.getegid())
    assert refusal(program).message == (
        f"{program} can be changed by others than root: {whose} may write to it"
    )


def test_a_directory_for_libraries_is_closed_and_so_is_all_that_is_in_it(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trust.require_closed(program.parent) == program.parent
    program.chmod(0o775)
    with pytest.raises(NotPermitted, match="may write to it"):
        trust.require_closed(program.parent)
    program.chmod(0o755)
    for mode in (0o1777, 0o775, 0o757):
        program.parent.chmod(mode)
        with pytest.raises(NotPermitted, match=r"may (add|write) to it"):
            trust.require_closed(program.parent)
    message = f"{program.parent} can be changed by others than root: others may add to it"
    program.parent.chmod(0o1777)
    with pytest.raises(NotPermitted) as raised:
        trust.require_closed(program.parent)
    assert raised.value.message == message
    program.parent.chmod(0o755)

    def unreadable(path: Path) -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "listdir", unreadable)
    with pytest.raises(NotPermitted, match="cannot be checked: Input/output error"):
        trust.require_closed(program.parent)


def test_too_many_links_are_refused_and_as_many_as_a_system_follows_are_not(tmp_path: Path) -> None:
    target = tmp_path / "0"
    target.write_text("")
    for number in range(1, 42):
        (tmp_path / str(number)).symlink_to(tmp_path / str(number - 1))
    # As Linux does.
    assert require_trusted(tmp_path / "40") == target
    assert "too many symbolic links" in refusal(tmp_path / "41").message


def test_where_a_path_ends_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as raised:
        require_trusted(tmp_path / "gone")
    assert raised.value.message == f"{tmp_path / 'gone'} does not exist"
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    with pytest.raises(NotFound) as raised:
        require_trusted(tmp_path / "link")
    assert raised.value.message == f"{tmp_path / 'link'} does not exist ({tmp_path / 'gone'} does not exist)"


def test_the_root_directory_is_looked_at_too(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = os.lstat

    def foreign(path: Path) -> os.stat_result:
        told = list(looked(path))
        told[stat.ST_UID] = STRANGER if Path(path) == Path("/") else told[stat.ST_UID]
        return os.stat_result(told)

    monkeypatch.setattr(os, "lstat", foreign)
    assert refusal(program).message.startswith("/ can be changed by others than root")


def test_a_path_that_cannot_be_looked_at_is_refused(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = os.lstat

    def fails(path: Path) -> os.stat_result:
        if Path(path) == program:
            raise OSError(5, "Input/output error")
        return looked(path)

    monkeypatch.setattr(os, "lstat", fails)
    assert refusal(program).message == f"{program} cannot be checked: {program}: Input/output error"
