"""What services, shortcuts and environments of Windows say about where the client's files are. Pure.

A service's option file stands among its parameters (`dsmcutil install /optfile:`) or on its command line; the
names of these parameters are not documented, so every text that ends in `.opt` counts.
"""

from __future__ import annotations

import ntpath
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dsmcertfix.system.base import Clue
from dsmcertfix.system.ibm_environment import SETTINGS, from_environment

SERVICE_PROGRAMS = frozenset(("dsmcsvc.exe", "dsmcad.exe", "dsmagent.exe"))
"""The programs of the client's services: scheduler, acceptor, remote agent. Not the server's (dsmsvc.exe)."""

CLIENT_PROGRAMS = SERVICE_PROGRAMS | {"dsmc.exe", "dsm.exe", "dsmj.exe", "dsmadmc.exe"}

_OPTION_FILE = re.compile(r"""[-/]optf[a-z]{0,3}[=:](?:"([^"]*)"|([^\s"]+))""", re.IGNORECASE)
_WHOLE_WORD = re.compile(r"""["'][-/]optf[a-z]{0,3}[=:]([^"]*)["']""", re.IGNORECASE)
_PROGRAM = re.compile(r'\s*(?:"([^"]+)"|(.+?\.exe)(?=\s|\Z)|(\S+))', re.IGNORECASE)
_LOCAL_SYSTEM = ("localsystem", "nt authority\\system", "")

_LINK_HEADER = 0x4C
_HAS_TARGET, _HAS_INFO, _IS_UNICODE = 0x01, 0x02, 0x80
_TEXTS = (("name", 0x04), ("target", 0x08), ("directory", 0x10), ("arguments", 0x20))


@dataclass(frozen=True, slots=True)
class Service:
    """A service as the registry has it; texts of a list are joined by NUL."""

    name: str
    command: str = ""
    account: str = ""
    environment: str = ""
    parameters: Mapping[str, str] | None = None

    @property
    def is_clients(self) -> bool:
        """Whether its program is one of the client's."""
        return program_name(self.command) in SERVICE_PROGRAMS


def program_name(command: str) -> str:
    """The file name of a command line's program, in lower case; empty for an empty line."""
    found = _PROGRAM.match(command)
    path = next((group for group in found.groups() if group), "") if found else ""
    return ntpath.basename(path).lower()


def option_files(command: str) -> tuple[str, ...]:
    """The values of every `-optfile=` of a command line, quoted or not, also `/optfile:` as of dsmcutil."""
    whole = [match[1] for match in _WHOLE_WORD.finditer(command)]
    rest = _WHOLE_WORD.sub(" ", command)
    return (*whole, *(match[1] or match[2] for match in _OPTION_FILE.finditer(rest)))


def from_service(service: Service) -> Iterator[Clue]:
    """The clues of a service: of the client's own ones, and of others the client's variables."""
    because = f"service {service.name}"
    user = None if service.account.lower() in _LOCAL_SYSTEM else ntpath.basename(service.account)
    yield from from_environment(variables(service.environment), because, user)
    if not service.is_clients:
        return
    named = [value for value in (service.parameters or {}).values() if value.lower().endswith(".opt")]
    for value in dict.fromkeys((*option_files(service.command), *named)):
        yield Clue("optfile", value, because, user)


def variables(environment: str) -> dict[str, str]:
    """The client's variables of an environment as Windows keeps it: `NAME=value`, each ended by NUL."""
    pairs = (item.partition("=") for item in environment.split("\0"))
    return {name.upper(): value for name, _, value in pairs if name.upper() in SETTINGS}


def from_shortcut(data: bytes, because: str) -> Iterator[Clue]:
    """The option files that a shortcut's arguments name (MS-SHLLINK); nothing for what is none."""
    for value in option_files(shortcut_texts(data).get("arguments", "")):
        yield Clue("optfile", value, because)


def shortcut_texts(data: bytes) -> dict[str, str]:
    """The texts of a shortcut, "arguments" among them; empty for bytes that are no shortcut."""
    try:
        return _shortcut_texts(data)
    except (struct.error, IndexError):
        return {}


def _shortcut_texts(data: bytes) -> dict[str, str]:
    size, flags = struct.unpack_from("<I16xI", data)
    if size != _LINK_HEADER:
        return {}
    at = _LINK_HEADER
    if flags & _HAS_TARGET:
        at += 2 + struct.unpack_from("<H", data, at)[0]
    if flags & _HAS_INFO:
        at += struct.unpack_from("<I", data, at)[0]
    found: dict[str, str] = {}
    for name, flag in _TEXTS:
        if flags & flag:
            count = struct.unpack_from("<H", data, at)[0]
            wide = bool(flags & _IS_UNICODE)
            text = data[at + 2 : at + 2 + count * (2 if wide else 1)]
            found[name] = text.decode("utf-16-le" if wide else "latin-1", "replace")
            at += 2 + len(text)
    return found
