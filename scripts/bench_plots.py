"""Draws the pictures of docs/performance.md as SVG: readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Sequence

Points = Sequence[tuple[int, float, float]]

_WIDTH, _HEIGHT, _LEFT, _TOP = 240, 150, 46, 34
_STYLE = (
    "text{font:11px sans-serif;fill:#57606a}.t{font-weight:bold}.a{stroke:#8c959f;fill:none}"
    ".p{stroke:#0969da;fill:none;stroke-width:2}"
    ".m{stroke:#bc4c00;fill:none;stroke-width:2;stroke-dasharray:5 3}"
    "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}.p{stroke:#58a6ff}.m{stroke:#f0883e}}"
)


def draw(series: Sequence[tuple[str, Points]]) -> str:
    """One panel a series of (number, processor seconds, MiB), side by side, each with axes from zero."""
    most_s = max(seconds for _, points in series for _, seconds, _ in points) * 1.1
    most_mib = max(memory for _, points in series for _, _, memory in points) * 1.1
    panels = "\n".join(
        _panel(place * (_WIDTH + 100), name, points, most_s, most_mib)
        for place, (name, points) in enumerate(series)
    )
    width = len(series) * (_WIDTH + 100)
    height = _TOP + _HEIGHT + 52
    key = f'<text x="{_LEFT}" y="{height - 6}">solid: processor time; dashed: largest memory</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">\n'
        f"<title>How the cost of inspect grows</title>\n<style>{_STYLE}</style>\n{panels}\n{key}\n</svg>\n"
    )


def _panel(x: int, name: str, points: Points, most_s: float, most_mib: float) -> str:
    left, bottom = x + _LEFT, _TOP + _HEIGHT
    most = max(number for number, _, _ in points)

    def path(values: Sequence[tuple[int, float]], limit: float) -> str:
        places = [
            f"{left + number / most * _WIDTH:.1f},{bottom - value / limit * _HEIGHT:.1f}"
            for number, value in values
        ]
        return " ".join(places)

    seconds = path([(number, value) for number, value, _ in points], most_s)
    memory = path([(number, value) for number, _, value in points], most_mib)
    last = points[-1]
    return "\n".join(
        (
            f'<text class="t" x="{left}" y="{_TOP - 16}">{name}</text>',
            f'<path class="a" d="M{left} {_TOP}V{bottom}H{left + _WIDTH}V{_TOP}"/>',
            f'<polyline class="p" points="{seconds}"/>',
            f'<polyline class="m" points="{memory}"/>',
            f'<text x="{left - 4}" y="{_TOP + 4}" text-anchor="end">{most_s:.1f} s</text>',
            f'<text x="{left - 4}" y="{bottom}" text-anchor="end">0</text>',
            f'<text x="{left + _WIDTH + 4}" y="{_TOP + 4}">{most_mib:.0f} MiB</text>',
            f'<text x="{left}" y="{bottom + 14}">0</text>',
            f'<text x="{left + _WIDTH}" y="{bottom + 14}" text-anchor="end">'
            f"{most}: {last[1]:.2f} s, {last[2]:.0f} MiB</text>",
        )
    )
