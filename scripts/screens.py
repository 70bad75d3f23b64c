"""Captures real terminals (tmux): the screens of docs/guide.md, the README's session and pictures.

    python scripts/screens.py            writes them anew
    python scripts/screens.py --check    captures them too, and ends with 1 where a page says something else

Fingerprints, dates, ports and runs are different each time and are not compared.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import screen_pictures
from scenes import SCENES, Scene, as_shown, machine
from session import SESSION, recorded
from terminal import can_show, terminal

TOP = Path(__file__).resolve().parent.parent
GUIDE, README = TOP / "docs" / "guide.md", TOP / "README.md"
PICTURES = {"repair, 80 columns": "guide-80.svg", "repair, 40 columns": "guide-40.svg"}
QUESTION = "[y/N]:"
_BLOCK = "<!-- screen: {name} -->\n\n```\n{screen}\n```\n"
_MARKED = re.compile(r"<!-- screen: (?P<name>[^>]+) -->\n\n```\n(?P<screen>.*?)\n```\n", re.DOTALL)
_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_VARYING = (
    (re.compile(r"\b(?:[0-9a-f]{4} ?){16}"), "FINGERPRINT "),
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
        command = (sys.executable, "-m", "dsmcertfix", "--root", str(made.root))
        with terminal(command, scene.columns) as window:
            for number, answer in enumerate(scene.answers, 1):
                window.wait(lambda screen, wanted=number: _flat(screen).count(QUESTION) >= wanted)
                window.type(answer, "Enter")
            _, screen = window.ended()
            return as_shown(screen, made.root)


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


def stale(path: Path, screens: dict[str, str]) -> list[str]:
    """The names of the page's screens that no longer show what the terminal does."""
    marked = {match["name"]: match["screen"] for match in _MARKED.finditer(path.read_text(encoding="utf-8"))}
    return [
        f"{path.name}: {name}"
        for name, shown in marked.items()
        if same_but_for_what_varies(shown) != same_but_for_what_varies(screens.get(name, ""))
    ]


def main() -> None:
    """The command line."""
    if not can_show():
        sys.exit("tmux is needed, and is not there")
    screens = {name: captured(scene) for name, scene in SCENES.items()}
    screens[SESSION] = recorded()
    if "--check" in sys.argv[1:]:
        wrong = stale(GUIDE, screens) + stale(README, screens)
        pages = (path.read_text(encoding="utf-8") for path in (GUIDE, README))
        shown = {match["name"] for text in pages for match in _MARKED.finditer(text)}
        wrong += [f"not shown anywhere: {name}" for name in screens if name not in shown]
        wrong += screen_pictures.stale(TOP / "docs", PICTURES, screens, same_but_for_what_varies)
        sys.exit("\n".join(("stale; run scripts/screens.sh:", *wrong)) if wrong else 0)
    for path in (GUIDE, README):
        path.write_text(page(path, screens), encoding="utf-8")
    screen_pictures.write(TOP / "docs", PICTURES, screens)


if __name__ == "__main__":
    main()
