"""Where IBM's files and programs are on Linux, AIX, Solaris and macOS: one table a system.

Sources: APAR IT41127, the manuals' pages on options and environment variables (8.1.22, 8.2.2) and IBM's own
scripts.
"""

from __future__ import annotations

from dsmcertfix import NamedTuple
from dsmcertfix.model import Area


class System(NamedTuple):
    """The places of one system, as paths of that machine; of several the preferred one comes first."""

    directories: tuple[tuple[Area, str], ...]
    passworddir: str
    gsk8capicmd: tuple[str, ...]
    home_parents: tuple[str, ...]
    system_uids: frozenset[int] = frozenset((0,))
    option_directories: tuple[str, ...] = ()
    home_option_directory: str | None = None
    units: tuple[str, ...] = ()
    script_directories: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    launchd: tuple[str, ...] = ()


LINUX = System(
    directories=(
        ("ba", "/opt/tivoli/tsm/client/ba/bin"),
        ("ba", "/opt/tivoli/tsm/client/ba/bin64"),
        ("api", "/opt/tivoli/tsm/client/api/bin64"),
        ("api", "/opt/tivoli/tsm/client/api/bin"),
        ("hsm", "/opt/tivoli/tsm/client/hsm/bin"),
        ("server-api", "/opt/tivoli/tsm/server/bin/dbbkapi"),
    ),
    passworddir="/etc/adsm",
    gsk8capicmd=("/usr/local/ibm/gsk8_64/bin/gsk8capicmd_64", "/usr/bin/gsk8capicmd_64"),
    home_parents=("/home",),
    units=("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"),
    script_directories=("/etc/init.d", "/etc/rc.d/init.d"),
    scripts=("/etc/inittab",),
)

AIX = System(
    directories=(
        ("ba", "/usr/tivoli/tsm/client/ba/bin64"),
        ("ba", "/usr/tivoli/tsm/client/ba/bin"),
        ("api", "/usr/tivoli/tsm/client/api/bin64"),
        ("api", "/usr/tivoli/tsm/client/api/bin"),
        ("hsm", "/usr/tivoli/tsm/client/hsm/bin"),
        ("server-api", "/opt/tivoli/tsm/server/bin/dbbkapi"),
    ),
    passworddir="/etc/security/adsm",
    gsk8capicmd=("/usr/opt/ibm/gsk8_64/bin/gsk8capicmd_64",),
    home_parents=("/home",),
    system_uids=frozenset((0, 2)),
    script_directories=("/etc/rc.d/init.d", "/etc/rc.d/rc2.d"),
    scripts=("/etc/inittab", "/etc/rc.dsmcad", "/etc/rc.local"),
)

# Where GSKit lies on Solaris is not documented: IBM's scripts use the first path, its packages the second.
SOLARIS = System(
    directories=(
        ("ba", "/opt/tivoli/tsm/client/ba/bin"),
        ("ba", "/opt/tivoli/tsm/client/ba/bin64"),
        ("api", "/opt/tivoli/tsm/client/api/bin64"),
        ("api", "/opt/tivoli/tsm/client/api/bin"),
        ("hsm", "/opt/tivoli/tsm/client/hsm/bin"),
        ("server-api", "/opt/tivoli/tsm/server/bin/dbbkapi"),
    ),
    passworddir="/etc/adsm",
    gsk8capicmd=(
        "/usr/local/ibm/gsk8_64/bin/gsk8capicmd_64",
        "/opt/ibm/gsk8_64/bin/gsk8capicmd_64",
    ),
    home_parents=("/export/home", "/home"),
    system_uids=frozenset((0, 2)),
    script_directories=("/etc/init.d",),
    scripts=("/etc/inittab",),
)

MACOS = System(
    directories=(
        ("ba", "/Library/Application Support/tivoli/tsm/client/ba/bin"),
        ("api", "/Library/Application Support/tivoli/tsm/client/api/bin"),
    ),
    passworddir="/Library/Preferences/Tivoli Storage Manager",
    gsk8capicmd=("/Library/ibm/gsk8/bin/gsk8capicmd",),
    home_parents=("/Users",),
    option_directories=("/Library/Preferences/Tivoli Storage Manager",),
    home_option_directory="Library/Preferences/Tivoli Storage Manager",
    script_directories=("/Library/StartupItems/dsmcad",),
    launchd=("/Library/LaunchDaemons",),
)

SYSTEMS = {"linux": LINUX, "aix": AIX, "solaris": SOLARIS, "macos": MACOS}
