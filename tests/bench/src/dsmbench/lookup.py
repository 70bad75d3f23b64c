"""Where the played client finds things: its directory, option files, store and password directory.

A played endpoint lies below a directory that its programs take for `/`: an absolute path in an option file or
in the environment is taken below that directory unless it is there already.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dsmbench import optionfile
from dsmbench.config import Config
from dsmbench.optionfile import Stanza
from dsmbench.texts import Failure

PASSWORD_DIRECTORIES = ("/etc/security/adsm", "/etc/adsm")
"""The default of PASSWORDDIR on AIX, where there is such a directory, and elsewhere."""
STORE = "dsmcert"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run of a program stands in: the bench's configuration, its own file, its environment."""

    config: Config
    program: Path
    environment: Mapping[str, str]

    def place(self, path: str) -> Path:
        """The file that the client means by `path`."""
        root = Path(self.config.root)
        meant = Path(path)
        if meant.is_relative_to(root):
            return meant
        return root / meant.relative_to("/") if meant.is_absolute() else Path.cwd() / meant

    @property
    def directory(self) -> Path:
        """The client's own directory: DSM_DIR, or where the program lies."""
        named = self.environment.get("DSM_DIR", "")
        return self.place(named) if named else self.program.parent

    @property
    def home(self) -> Path:
        """HOME, or what the endpoint's passwd says of the user who runs this."""
        named = self.environment.get("HOME") or self._passwd_entry()[5]
        return self.place(named)

    @property
    def user(self) -> str:
        """The user's name on the endpoint."""
        return self._passwd_entry()[0]

    def _passwd_entry(self) -> list[str]:
        file = Path(self.config.root, "etc", "passwd")
        entries = [line.split(":") for line in file.read_text().splitlines()] if file.exists() else []
        mine = [entry for entry in entries if entry[2] == str(os.geteuid())]
        home = self.environment.get("HOME", "")
        by_home = [entry for entry in mine if home and self.place(entry[5]) == self.place(home)]
        return [*by_home, *mine, [str(os.geteuid()), "x", "", "", "", "/"]][0]

    def stanza(self, option_file: str, server: str) -> Stanza:
        """The stanza for this run. Raises Failure when option files or stanza are missing."""
        user_file = self._user_option_file(option_file)
        try:
            user_options = optionfile.user_options(user_file)
        except OSError as error:
            raise Failure("ANS1035S", str(user_file)) from error
        try:
            system = optionfile.system_options(self.directory / "dsm.sys")
        except OSError as error:
            raise Failure("ANS1217E") from error
        found = system.stanza(server or user_options.get("servername", ""))
        if found is None:
            raise Failure("ANS1217E")
        return Stanza(found.name, options={**user_options, **found.options})

    def _user_option_file(self, named: str) -> Path:
        chosen = named or self.environment.get("DSM_CONFIG", "")
        return self.place(chosen) if chosen else self.directory / "dsm.opt"

    def password_directory(self, stanza: Stanza) -> Path:
        """The stanza's PASSWORDDIR."""
        aix, other = PASSWORD_DIRECTORIES
        default = aix if self.place(aix).is_dir() else other
        return self.place(stanza.get("passworddir", default))

    def store_directory(self, stanza: Stanza | None) -> Path:
        """Where the store of the user who runs this is, or would be made."""
        if stanza and self.config.mode != "install-or-home":
            other = self.password_directory(stanza)
            if self.config.mode == "passworddir" or (other / f"{STORE}.kdb").exists():
                return other
        return self.directory if self._may_write() else self._home_store()

    def _may_write(self) -> bool:
        if str(self.home) in self.config.restricted_homes:
            return False
        effective = os.access in os.supports_effective_ids
        return os.access(self.directory, os.W_OK | os.X_OK, effective_ids=effective)

    def _home_store(self) -> Path:
        names = [self.config.home_name] if self.config.home_name else ["StorageProtect", "SpectrumProtect"]
        places = [self.home / "IBM" / name / "certs" for name in names]
        return next((place for place in places if place.is_dir()), places[-1])

    def error_log(self, stanza: Stanza | None) -> Path:
        """The file for messages."""
        if stanza and (named := stanza.get("errorlogname")):
            return self.place(named)
        directory = self.environment.get("DSM_LOG", "")
        return (self.place(directory) if directory else self.directory) / "dsmerror.log"
