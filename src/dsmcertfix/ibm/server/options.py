"""Reads dsmserv.opt as far as it matters here: the ports on which the server takes TLS sessions. Pure.

The grammar is that of the client's files: `keyword value`, `*` begins a comment, keywords may be cut short.
Since 7.1.8 and 8.1.2 sessions on TCPPORT are TLS, too; SSLTCPPORT is for TLS alone, as before (TCPPORT and
SSLTCPPORT options, 8.1 manuals).
"""

from __future__ import annotations

DEFAULT_PORT = 1500
"""TCPPORT when the file says nothing (TCPPORT server option, 8.1 manuals)."""

# The shortest forms that can mean nothing else; the diagrams of the manual were not seen.
_KEYWORDS = (("TCPPORT", 4), ("SSLTCPPORT", 7), ("COMMMETHOD", 4))
_LARGEST_PORT = 65535


def ports(data: bytes) -> tuple[int, ...]:
    """The ports for TLS sessions, those for TLS alone first; none when the server takes no TCP/IP ones."""
    given: dict[str, list[str]] = {}
    for line in data.decode("latin-1").splitlines():
        words = line.split(None, 1)
        keyword = _keyword(words[0]) if len(words) == 2 else None
        if keyword is not None:
            given.setdefault(keyword, []).append(words[1].split()[0].strip("\"'"))
    methods = [method.lower() for method in given.get("COMMMETHOD", [])]
    if methods and not any("tcp" in method for method in methods):
        return ()
    written = [*given.get("SSLTCPPORT", []), *given.get("TCPPORT", [str(DEFAULT_PORT)])[-1:]]
    found = (int(port) for port in written if port.isascii() and port.isdigit())
    return tuple(dict.fromkeys(port for port in found if 0 < port <= _LARGEST_PORT))


def _keyword(word: str) -> str | None:
    if word.startswith("*"):
        return None
    for name, least in _KEYWORDS:
        if len(word) >= least and name.startswith(word.upper()):
            return name
    return None
