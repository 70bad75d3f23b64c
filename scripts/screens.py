"""Captures real terminals (tmux): docs/screens.md, the screens of other pages, and pictures.

    python scripts/screens.py                    writes them anew
    python scripts/screens.py --check [NAME…]    captures them, too; ends with 1 where a page shows another
    python scripts/screens.py --names            prints the names of the scenes

Fingerprints, dates, ports and runs are different each time and are not compared.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import results
import screen_pictures
from scenes import SCENES, Scene, as_shown, machine
from session import SESSION, recorded
from terminal import can_show, terminal

TOP = Path(__file__).resolve().parent.parent
GUIDE, SESSION_PAGE = TOP / "docs" / "guide.md", TOP / "docs" / "administrator.md"
RESULTS_PAGE = TOP / "docs" / "screens.md"
PAGES = (GUIDE, SESSION_PAGE, RESULTS_PAGE)
NAMES = (*SCENES, SESSION, *results.RESULTS)
PICTURES = {"repair, 80 columns": "guide-80.svg", "repair, 40 columns": "guide-40.svg"}
QUESTION = "[y/N]:"
_BLOCK = "<!-- screen: {name} -->\n\n```\n{screen}\n```\n"
_MARKED = re.compile(r"<!-- screen: (?P<name>[^>]+) -->\n\n```\n(?P<screen>.*?)\n```\n", re.DOTALL)
_RESULTS = """# Screens

What the commands say of machines with 1, 13 and 200 stores, captured by `scripts/screens.sh`: from a real
terminal of 80, 40 and 120 columns and 24 lines, and from a pipe. The machine is played and lies below
/srv/pc, so the commands have `--trust-root --root /srv/pc`; on a real machine they have not. A test holds
that a result has at most 24 lines, and that no line is wider than the terminal, or than 120 columns on a
pipe.
"""
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_WAITED = re.compile(r"^  still (?:asking|looking).* \.\.\.\n", re.MULTILINE)
_VARYING = (
    (re.compile(r"\b(?:[0-9A-F]{2}:? ?){32}"), "FINGERPRINT "),
    (re.compile(rf"\b\d{{1,2}} {_MONTH} \d{{4}}"), "DATE"),
    (re.compile(r"\b\d{8}T\d{6}Z-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "SHA-256"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"(?:localhost|127\.0\.0\.1):\d+"), "SERVER"),
    (re.compile(r"-?\b\d+ (?=ok|replaced|expired)"), "DAYS "),
)


def captured(scene: Scene) -> str:
    """The screen of that conversation, from its beginning to its end."""
    with machine() as made:
        scene.prepare(made)
        command = (sys.executable, "-m", "dsmcertfix", "--trust-root", "--root", str(made.root))
        with terminal(command, scene.columns) as window:
            for number, answer in enumerate(scene.answers, 1):
                window.wait(lambda screen, wanted=number: _flat(screen).count(QUESTION) >= wanted)
                window.type(answer, "Enter")
            _, screen = window.ended()
            return _WAITED.sub("", as_shown(screen, made.root))


def _flat(text: str) -> str:
    return " ".join(text.split())


def same_but_for_what_varies(screen: str) -> str:
    """The words of a screen, without what is another each time and without how its lines break."""
    text = _flat(screen)
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return _flat(text)


def page(path: Path, screens: dict[str, str]) -> str:
    """The page with these screens in the place of its own. Raises KeyError for a mark without a screen."""

    def with_screen(match: re.Match[str]) -> str:
        return _BLOCK.format(name=match["name"], screen=screens[match["name"]])

    return _MARKED.sub(with_screen, path.read_text(encoding="utf-8"))


def results_page(screens: dict[str, str]) -> str:
    """docs/screens.md, whole."""
    blocks = []
    for name in results.RESULTS:
        blocks.append(f"## {name[:1].upper()}{name[1:]}\n")
        for width in results.WIDTHS:
            mark = f"{name}, {width}"
            where = "On a pipe" if width == "a pipe" else f"{width} by {results.ROWS} lines"
            blocks += [f"{where}:\n", _BLOCK.format(name=mark, screen=screens[mark])]
    return "\n".join((_RESULTS, *blocks))


def stale(path: Path, screens: dict[str, str]) -> list[str]:
    """The names of the page's screens, of those captured, that no longer show what the terminal does."""
    marked = {match["name"]: match["screen"] for match in _MARKED.finditer(path.read_text(encoding="utf-8"))}
    return [
        f"{path.name}: {name}"
        for name, shown in marked.items()
        if name in screens and same_but_for_what_varies(shown) != same_but_for_what_varies(screens[name])
    ]


def screens_of(scene: str) -> dict[str, str]:
    """The scene's screens by their marks."""
    if scene == SESSION:
        return {SESSION: recorded()}
    return {scene: captured(SCENES[scene])} if scene in SCENES else dict(results.captured(scene))


def wrong(screens: dict[str, str]) -> list[str]:
    """What the pages and pictures show otherwise, or not at all."""
    shown = {match["name"] for path in PAGES for match in _MARKED.finditer(path.read_text(encoding="utf-8"))}
    pictures = {name: file for name, file in PICTURES.items() if name in screens}
    return [
        *(name for path in PAGES for name in stale(path, screens)),
        *(f"not shown anywhere: {name}" for name in screens if name not in shown),
        *screen_pictures.stale(TOP / "docs", pictures, screens, same_but_for_what_varies),
    ]


def main() -> None:
    """The command line."""
    words = sys.argv[1:]
    if words == ["--names"]:
        print("\n".join(NAMES))
        return
    if not can_show():
        sys.exit("tmux is needed, and is not there")
    screens: dict[str, str] = {}
    for name in words[1:] or NAMES:
        screens |= screens_of(name)
    if words:
        found = wrong(screens)
        sys.exit("\n".join(("stale; run scripts/screens.sh:", *found)) if found else 0)
    RESULTS_PAGE.write_text(results_page(screens), encoding="utf-8")
    for path in (GUIDE, SESSION_PAGE):
        path.write_text(page(path, screens), encoding="utf-8")
    screen_pictures.write(TOP / "docs", PICTURES, screens)


if __name__ == "__main__":
    main()
