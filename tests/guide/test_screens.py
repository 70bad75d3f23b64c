"""What the documentation shows is what a terminal shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest
from tests.shown import shown_only_if

TOP = Path(__file__).resolve().parents[2]

MARKED = re.compile(
    r"<!-- screen: (?P<name>[^>]+), (?P<width>(?P<columns>\d+) columns|a pipe) -->\n\n"
    r"```\n(?P<screen>.*?)\n```\n",
    re.DOTALL,
)
SCREENS = list(MARKED.finditer((TOP / "docs" / "screens.md").read_text(encoding="utf-8")))
MARK = re.compile(r"<!-- screen: ([^>]+) -->")
CONVERSATIONS = [
    name
    for page in ("guide.md", "administrator.md")
    for name in MARK.findall((TOP / "docs" / page).read_text(encoding="utf-8"))
]
SCENES = list(dict.fromkeys([*CONVERSATIONS, *(match["name"] for match in SCREENS)]))
WIDTHS = ["80 columns", "40 columns", "120 columns", "a pipe"]
WINDOW = 24


def test_every_scene_was_captured_at_every_width() -> None:
    names = list(dict.fromkeys(match["name"] for match in SCREENS))
    assert [(match["name"], match["width"]) for match in SCREENS] == [
        (name, width) for name in names for width in WIDTHS
    ]
    for words in ("fine, 200 stores", "outdated, 13 stores", "STRICT, 13", "down, 200", "hanging, one"):
        assert any(words in name for name in names), words
    for words in ("no rights", "no client", "killed before"):
        assert any(words in name for name in names), words


@pytest.mark.parametrize("match", SCREENS, ids=lambda match: f"{match['name']}, {match['width']}")
def test_a_result_fits_the_window_and_no_line_is_wider(match: re.Match[str]) -> None:
    lines = match["screen"].splitlines()
    assert len(lines) <= WINDOW
    assert [line for line in lines if len(line) > int(match["columns"] or 120)] == []
    assert not any(line.endswith("...") for line in lines), "nothing had to be cut"


def screens(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOP / "scripts" / "screens.py"), *words],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
    )


def test_the_pages_show_every_scene_and_no_other() -> None:
    assert set(screens("--names").stdout.splitlines()) == set(SCENES)


@pytest.mark.slow
@shown_only_if(which("tmux") is not None, "the screens of the documentation: there is no tmux here")
@pytest.mark.parametrize("name", SCENES)
def test_the_screens_and_pictures_of_the_documentation_are_what_a_terminal_shows_today(name: str) -> None:
    done = screens("--check", name)
    assert (done.returncode, done.stderr) == (0, "")
