"""Where IBM's programs and files are on Windows, as the registry and the installers have it. Pure.

Sources: APAR IT41127, IBM's scripts (must-gather's env.pm and utils.pm, cert_distribute), the manuals' page
on passwords (8.1.14). Paths are texts here, those of a Windows machine wherever this runs.
"""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from dsmcertfix.model import Area

HOME_STORES = ("IBM\\SpectrumProtect\\certs", "IBM\\StorageProtect\\certs")
"""Below a profile: IT41127, and the name since the product was renamed, which no source has for Windows."""

_ADSM = "HKLM\\SOFTWARE\\IBM\\ADSM\\CurrentVersion"
_PROTECT = "HKLM\\SOFTWARE\\IBM\\SpectrumProtect"
_GSK8 = ("HKLM\\SOFTWARE\\IBM\\gsk8\\CurrentVersion", "HKLM\\SOFTWARE\\IBM\\gsk8")
_CURRENT = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion"
PROFILE_LIST = "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList"

_INSTALLED: tuple[tuple[Area, str, str], ...] = (
    ("ba", f"{_ADSM}\\BackupClient", "Path"),
    ("api", f"{_ADSM}\\Api64", "Path"),
    ("api", f"{_ADSM}\\Api", "Path"),
    # What backs databases, mail and virtual machines up uses the API; its option files lie beside it.
    ("api", f"{_ADSM}\\TDPSQL", "Path"),
    ("api", f"{_ADSM}\\TDPExchange", "Path"),
    ("api", f"{_ADSM}\\AgentOBA64", "Path"),
    ("api", f"{_ADSM}\\domclient", "Path"),
    ("api", f"{_PROTECT}\\DPVMware", "Path"),
    ("api", f"{_PROTECT}\\DPHyperV", "Path"),
    ("api", f"{_PROTECT}\\Framework", "Path"),
    ("api", f"{_PROTECT}\\webserver", "Path"),
    ("api", "HKLM\\SOFTWARE\\IBM\\RecoveryAgent", "InstallPath"),
)
"""Keys of IBM's products, and the value with the directory; a 32-bit product's are in the other view."""

SERVERS = f"{_ADSM}\\Server"
"""Below it is a key for each instance of a server, with its directory as `Path`."""

_MANDATORY, _TEMPORARY = 0x1, 0x800
_VARIABLE = re.compile(r"%([^%]+)%")

ProfileKind = Literal["local", "roaming", "mandatory", "temporary"]
View = Literal[64, 32]
_VIEWS: tuple[View, View] = (64, 32)


class Values(Protocol):
    """A registry; see `win32.registry.Registry`."""

    def values(self, key: str, view: View = 64) -> Mapping[str, str]:
        """The values of a key by name, empty without such a key."""
        ...

    def names(self, key: str, view: View = 64) -> tuple[str, ...]:
        """The names of the keys below a key, empty without such a key."""
        ...


@dataclass(frozen=True, slots=True)
class Folders:
    """The system's own folders, the 64-bit one of two first."""

    windows: str = "C:\\Windows"
    system: str = "C:\\Windows\\System32"
    program_data: str = "C:\\ProgramData"
    program_files: tuple[str, ...] = ("C:\\Program Files", "C:\\Program Files (x86)")
    common_files: tuple[str, ...] = (
        "C:\\Program Files\\Common Files",
        "C:\\Program Files (x86)\\Common Files",
    )

    def expanded(self, text: str) -> str:
        """The text with the variables that every Windows has put in; others stay as they are."""
        known = {
            "systemroot": self.windows,
            "windir": self.windows,
            "systemdrive": ntpath.splitdrive(self.windows)[0],
            "programdata": self.program_data,
            "allusersprofile": self.program_data,
            "programfiles": self.program_files[0],
            "programw6432": self.program_files[0],
            "programfiles(x86)": self.program_files[-1],
            "commonprogramfiles": self.common_files[0],
            "commonprogramw6432": self.common_files[0],
            "commonprogramfiles(x86)": self.common_files[-1],
        }
        return _VARIABLE.sub(lambda match: known.get(match[1].lower(), match[0]), text)


def folders(registry: Values, windows: str, system: str, program_data: str | None) -> Folders:
    """The folders of this machine. A 32-bit process is told the 64-bit ones too."""
    told = registry.values(_CURRENT)
    default = Folders()

    def both(name: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
        found = (told.get(name), told.get(f"{name} (x86)"))
        return tuple(dict.fromkeys(item for item in found if item)) or otherwise

    return Folders(
        windows,
        system,
        program_data or default.program_data,
        both("ProgramFilesDir", default.program_files),
        both("CommonFilesDir", default.common_files),
    )


def client_directories(registry: Values, known: Folders) -> tuple[tuple[Area, str], ...]:
    """Where client, API and what uses it are: where the registry says, and where installers put them."""
    found: dict[tuple[Area, str], None] = {}
    for area, key, name in _INSTALLED:
        for view in _VIEWS:
            path = _directory(registry.values(key, view).get(name), known)
            if path is not None:
                found[area, path] = None
    for path in known.program_files:
        found["ba", ntpath.join(path, "Tivoli\\TSM\\baclient")] = None
    for path in known.common_files:
        for name in ("api64", "api"):
            found["api", ntpath.join(path, "Tivoli\\TSM", name)] = None
    found |= dict.fromkeys(_server_directories(registry, known))
    # One directory, however it is written, once.
    once: dict[tuple[Area, str], tuple[Area, str]] = {}
    for area, path in found:
        once.setdefault((area, path.lower()), (area, path))
    return tuple(once.values())


def _server_directories(registry: Values, known: Folders) -> Iterator[tuple[Area, str]]:
    """The instances of a server on this machine: its database is backed up by the API."""
    for view in _VIEWS:
        for instance in registry.names(SERVERS, view):
            path = _directory(registry.values(f"{SERVERS}\\{instance}", view).get("Path"), known)
            if path is not None:
                yield "server-api", path


def _directory(value: str | None, known: Folders) -> str | None:
    """A directory as the registry has it: perhaps quoted, with variables, with a backslash at its end."""
    path = known.expanded((value or "").split("\0", 1)[0].strip().strip('"').strip())
    if not ntpath.isabs(path) or not ntpath.splitdrive(path)[0]:
        return None
    return ntpath.normpath(path)


def gsk8capicmd(registry: Values, known: Folders) -> tuple[str, ...]:
    """Where IBM's key database program may be, in order of preference; the 32-bit one last."""
    found: list[str] = []
    for key in _GSK8:
        for value in registry.values(key).values():
            path = _directory(value, known)
            if path is not None:
                found += [ntpath.join(path, name, "gsk8capicmd_64.exe") for name in ("bin", "")]
    found.append(ntpath.join(known.program_files[0], "IBM\\gsk8\\bin\\gsk8capicmd_64.exe"))
    for name, program in (("api64", "gsk8capicmd_64.exe"), ("api", "gsk8capicmd.exe")):
        found += [ntpath.join(path, "Tivoli\\TSM", name, "gsk8\\bin", program) for path in known.common_files]
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Profile:
    """A user's profile: whose, where, and of which kind."""

    sid: str
    path: str
    kind: ProfileKind = "local"

    @property
    def name(self) -> str:
        """What to call the user: nobody is asked who may be on another machine."""
        return _ACCOUNTS.get(self.sid, ntpath.basename(self.path))


_ACCOUNTS = {"S-1-5-18": "SYSTEM", "S-1-5-19": "LOCAL SERVICE", "S-1-5-20": "NETWORK SERVICE"}


def profiles(registry: Values, known: Folders) -> tuple[Profile, ...]:
    """Every profile of ProfileList, that of SYSTEM in both places where 64-bit and 32-bit programs see it."""
    found: list[Profile] = []
    for sid in registry.names(PROFILE_LIST):
        if not re.fullmatch(r"S-1(-\d+)+", sid):
            # `.bak`: an old entry of a SID that has another one.
            continue
        values = registry.values(f"{PROFILE_LIST}\\{sid}")
        path = _directory(values.get("ProfileImagePath"), known)
        if path is not None:
            found.append(Profile(sid, path, _kind(values)))
    for directory in ("System32", "SysWOW64"):
        path = ntpath.join(known.windows, directory, "config\\systemprofile")
        if path.lower() not in (item.path.lower() for item in found):
            found.append(Profile("S-1-5-18", path))
    return tuple(found)


def _kind(values: Mapping[str, str]) -> ProfileKind:
    state = int(values["State"]) if values.get("State", "").isdigit() else 0
    if state & _TEMPORARY:
        return "temporary"
    if values.get("CentralProfile"):
        return "mandatory" if state & _MANDATORY else "roaming"
    return "local"


def password_directory(program_data: str, node: str) -> str:
    """Where the passwords of a node are kept, in a directory for each of its servers, by their names."""
    return ntpath.join(program_data, "Tivoli\\TSM\\baclient\\Nodes", node)


def as_utf8(data: bytes, code_page: int) -> bytes:
    """An option file as UTF-8: as its byte order mark says, UTF-8 where it can be, else the code page."""
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace").encode("utf-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return data.decode(f"cp{code_page}", "replace").encode("utf-8")
        except LookupError:
            return data.decode("latin-1").encode("utf-8")
    return data
