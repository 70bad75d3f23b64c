"""Draws screens as SVG: text in a window, sharp at every size, readable on light and on dark pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape, unescape
from pathlib import Path

_DIRECTORY = "pictures"
_FONT, _WIDE, _HIGH, _MARGIN, _BAR = 13, 7.82, 17, 14, 26
_STYLE = (
    "text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#e6edf3}"
    ".said{fill:#7ee787}.title{fill:#8b949e;font-size:12px}"
)
_LINE = re.compile(r"<text [^>]*class=\"(?:line|line said)\"[^>]*>(.*?)</text>")


def drawn(screen: str, columns: int, title: str) -> str:
    """The screen as SVG. What was typed after the question is set apart, and is there in words as well."""
    lines = screen.splitlines()
    width = round(columns * _WIDE + 2 * _MARGIN)
    height = _BAR + len(lines) * _HIGH + 2 * _MARGIN
    rows = [
        f'<text class="{"line said" if "[y/N]:" in line else "line"}" x="{_MARGIN}" '
        f'y="{_BAR + _MARGIN + _FONT + number * _HIGH}" xml:space="preserve">{escape(line)}</text>'
        for number, line in enumerate(lines)
    ]
    places = (_MARGIN + 6 + 16 * place for place in range(3))
    dots = "".join(f'<circle cx="{place}" cy="13" r="4.5" fill="#484f58"/>' for place in places)
    size = f'viewBox="0 0 {width} {height}" width="{width}"'
    head = f'<text class="title" x="{width / 2:.0f}" y="17" text-anchor="middle">{escape(title)}</text>'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117" stroke="#8b949e"/>',
            dots + head,
            *rows,
            "</svg>\n",
        )
    )


def write(docs: Path, pictures: Mapping[str, str], screens: Mapping[str, str]) -> None:
    """Each picture shows its screen."""
    (docs / _DIRECTORY).mkdir(exist_ok=True)
    for name, file in pictures.items():
        columns = int(re.sub(r"\D", "", name))
        picture = drawn(screens[name], columns, "sudo dsmcertfix")
        (docs / _DIRECTORY / file).write_text(picture, encoding="utf-8")


def stale(
    docs: Path, pictures: Mapping[str, str], screens: Mapping[str, str], kept: Callable[[str], str]
) -> list[str]:
    """The pictures that do not show what their screens do, as far as `kept` keeps it."""
    found = []
    for name, file in pictures.items():
        path = docs / _DIRECTORY / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if kept(unescape("\n".join(_LINE.findall(text)))) != kept(screens[name]):
            found.append(f"{path.name}: {name}")
    return found
