"""Where the things of a client lie on an endpoint, below its root."""

from __future__ import annotations

import os
from pathlib import Path

AIX = os.environ.get("DSMBENCH_SYSTEM") == "aix"
"""Whether endpoints have the places of AIX (8.2.2 manual, APAR IT41127); else those of Linux."""
_TIVOLI = Path("usr/tivoli" if AIX else "opt/tivoli")
BA = _TIVOLI / "tsm/client/ba" / ("bin64" if AIX else "bin")
API = _TIVOLI / "tsm/client/api/bin64"
HSM = _TIVOLI / "tsm/client/hsm/bin"
DBBKAPI = Path("opt/tivoli/tsm/server/bin/dbbkapi")
GSKIT = Path("usr/opt/ibm" if AIX else "usr/local/ibm") / "gsk8_64/bin/gsk8capicmd_64"
PASSWORD_DIRECTORY = "/etc/security/adsm" if AIX else "/etc/adsm"
SYSTEMCTL = Path("usr/bin/systemctl")
