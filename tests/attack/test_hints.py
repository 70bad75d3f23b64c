"""What a message says to copy and paste does what it says, whatever users call their files and themselves.

Each hint is pasted into a shell that shows the words it was given. A command of the attacker's would leave a
mark.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from tests.attack.scene import Scene, give

from dsmcertfix.ibm.ownership import Directory, why_left_alone
from dsmcertfix.model import Owner, StoreFile
from dsmcertfix.system.seen import Entry
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.wording import PATH, account, quoted

NAMES = (
    "a b",
    "$(touch MARK)",
    "`touch MARK`",
    "; touch MARK #",
    "'; touch MARK; '",
    '"; touch MARK; "',
    "x\ntouch MARK\n",
    "-R",
    "*",
    "~root",
)


def pasted(command: str, directory: Path) -> list[list[str]]:
    """The words of each chown and chmod that the shell came to when the command was pasted there."""
    show = 'chown() { printf "%s\\0" "$#" "$@"; }; chmod() { printf "%s\\0" "$#" "$@"; }; '
    done = subprocess.run(
        ["/bin/sh", "-c", show + command], cwd=directory, capture_output=True, text=True, check=False
    )
    words, found = done.stdout.split("\0")[:-1], []
    while words:
        count = int(words[0])
        found.append(words[1 : 1 + count])
        words = words[1 + count :]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_hint_about_two_owners_touches_the_store_alone(tmp_path: Path, name: str) -> None:
    place = tmp_path / "homes" / name.replace("/", "_")
    place.mkdir(parents=True)
    for file in StoreFile:
        (place / file.value).touch()
    other = Owner(4711, 4711, name.replace("/", "_"))
    problem = why_left_alone(
        UnixPlaces(tmp_path, "linux", {}),
        Directory(place, (0, 0), 4712),
        Entry("file", (0, 0), 4711, 4711),
        other,
        StoreFile,
    )
    assert problem is not None and problem.hint is not None
    files = sorted(str(place / file.value) for file in StoreFile)
    first, second = re.findall(r"`(chown .*?)`(?=; if| \(on)", problem.hint, flags=re.S)
    assert [sorted(words) for words in pasted(first, tmp_path)] == [sorted(["-h", "4712", *files])]
    assert pasted(second, tmp_path) == [["-h", account(other.name, 4711), str(place)]]
    assert not (tmp_path / "MARK").exists()


def test_what_a_link_points_to_is_given_to_nobody(scene: Scene) -> None:
    """The attacker's script: the hint is read, and a link is put in place before it is pasted."""
    path = scene.bobs / "dsmcert.idx"
    path.unlink()
    path.write_bytes(b"of root")
    told = scene.machine.run("inspect").store(scene.bobs)["problem"]
    assert told["code"] == "file-of-another-owner"
    path.unlink()
    path.symlink_to(scene.vault / "shadow")
    give(scene.bob, path)
    (command,) = re.findall(r"`(chown .*?)`", told["hint"])
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert (scene.vault / "shadow").stat().st_uid == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_one_word_of_the_shell(tmp_path: Path, name: str) -> None:
    path = PurePosixPath("/home", name)
    (words,) = pasted(f"chown {quoted(path)}", tmp_path)
    assert words == [str(path)]
    assert not (tmp_path / "MARK").exists()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("C:\\Users\\bob", "C:\\Users\\bob"),
        ("C:\\Program Files (x86)\\Tivoli\\TSM", '"C:\\Program Files (x86)\\Tivoli\\TSM"'),
        ("C:\\Users\\a & calc", '"C:\\Users\\a & calc"'),
        ("C:\\Users\\a; calc", '"C:\\Users\\a; calc"'),
        ("C:\\Users\\it's", '"C:\\Users\\it\'s"'),
        ("C:\\Users\\$(calc)", PATH),
        ("C:\\Users\\`calc`", PATH),
        ("C:\\Users\\%COMSPEC%", PATH),
        ("C:\\Users\\a!b!", PATH),
        ("C:\\Users\\a\u201d; calc; \u201d", PATH),
    ],
)
def test_a_windows_path_is_one_word_of_both_its_shells_or_is_not_said(path: str, said: str) -> None:
    assert quoted(PureWindowsPath(path)) == said


@pytest.mark.parametrize("name", ["-R", "a b", "root;id", "$HOME", "&", "", "ädmin"])
def test_a_user_is_told_by_number_where_the_name_is_not_plain(name: str) -> None:
    assert account(name, 4711) == "4711"


def test_a_user_with_a_plain_name_is_told_by_it() -> None:
    assert account("tsm_inst-1", 4711) == "tsm_inst-1"
