"""Lines that fit a window: text wrapped, commands to be copied, fingerprints to be compared. Pure."""

from __future__ import annotations

import re

COMPARE = "openssl x509 -noout -fingerprint -sha256 -in cert256.arm"
"""Shows the fingerprint of the server's certificate on the server, in the form of `fingerprint`."""
WHERE = "what the server has, in its instance directory:"
"""Leads to `COMPARE`."""

_SHA256 = re.compile(r"(?<=SHA-256 )([0-9a-f]{64})\b")
_IN_BACKTICKS = re.compile(r"`[^`]+`")
_TIED = "\0"


def wrap(text: str, width: int, indent: str = "", hanging: str | None = None) -> str:
    """The text in lines of that width; `hanging` is the indent of the second and later ones.

    What stands in backticks is kept in one line where it fits into one. What is longer than a line is broken
    before a slash where there is one: paths can still be read.
    """
    lines: list[str] = []
    current = indent
    later = indent if hanging is None else hanging
    room = width - max(len(indent), len(later))
    for word in _IN_BACKTICKS.sub(lambda found: _tied(found[0], room), text).split():
        for number, part in enumerate(_parts(word.replace(_TIED, " "), room)):
            gap = " " if number == 0 and current.strip() else ""
            if current.strip() and len(current) + len(gap) + len(part) > width and len(part) <= room:
                lines.append(current)
                current, gap = later, ""
            current += gap + part
    return "\n".join((*lines, current))


def _tied(words: str, room: int) -> str:
    return words.replace(" ", _TIED) if len(words) < room else words


def _parts(word: str, width: int) -> list[str]:
    """The word, or what it is broken into because it is longer than that."""
    if len(word) <= width:
        return [word]
    pieces = [piece for piece in re.split(r"(?=/)", word) if piece]
    return [piece[start : start + width] for piece in pieces for start in range(0, len(piece), max(1, width))]


def fingerprint(sha256: str, width: int, indent: str = "  ") -> str:
    """The fingerprint as `openssl x509 -fingerprint -sha256` prints it, in lines of the same length."""
    pairs = [sha256[at : at + 2].upper() for at in range(0, len(sha256), 2)]
    room = width - len(indent)
    in_line = next((count for count in (32, 16, 8) if 3 * count <= room), 4)
    rows = [":".join(pairs[at : at + in_line]) for at in range(0, len(pairs), in_line)]
    return ":\n".join(indent + row for row in rows)


def with_fingerprints(text: str, width: int, indent: str = "", hanging: str | None = None) -> str:
    """The text, wrapped; a fingerprint in it stands below what leads to it."""
    before, *rest = _SHA256.split(text)
    parts = [wrap(before, width, indent, hanging)]
    for sha256, after in zip(rest[::2], rest[1::2], strict=True):
        parts.append(fingerprint(sha256, width, f"{indent}  "))
        if after.strip(" ,.;"):
            parts.append(wrap(after.lstrip(" ,.;"), width, indent if hanging is None else hanging))
    return "\n".join(parts)


def command(line: str, width: int, indent: str = "  ") -> str:
    r"""The command, to be copied: where it is too long, lines end with `\`, for a shell as for dsmadmc."""
    lines: list[str] = []
    current = indent
    for word in line.split(" "):
        gap = " " if current.strip() else ""
        if current.strip() and len(current) + len(gap) + len(word) > width - 2:
            lines.append(f"{current} \\")
            current, gap = f"{indent}  ", ""
        current += gap + word
    if len(indent) + len(line) <= width:
        return indent + line
    return "\n".join((*lines, current))
