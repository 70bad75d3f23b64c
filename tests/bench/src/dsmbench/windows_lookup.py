"""Where the played client finds things on Windows: one option file, the install directory or the profile.

There is no dsm.sys: all options stand in dsm.opt. Paths are the machine's own, never taken below another
root. How the real client reads an option file in UTF-8 or UTF-16 is not known; this one understands a byte
order mark and takes everything else for the ANSI code page.
"""

from __future__ import annotations

import codecs
import getpass
from contextlib import suppress
from pathlib import Path

from dsmbench import optionfile
from dsmbench.lookup import Surroundings
from dsmbench.optionfile import Stanza
from dsmbench.texts import Failure

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class WindowsSurroundings(Surroundings):
    """As `Surroundings`; the stanza's name is address and port, which is what tells servers apart here."""

    def place(self, path: str) -> Path:
        """The file that the client means by `path`."""
        return Path.cwd() / path

    @property
    def home(self) -> Path:
        """The profile of the user who runs this."""
        return Path(self.environment["USERPROFILE"])

    @property
    def user(self) -> str:
        """The name of the user who runs this."""
        return getpass.getuser()

    def stanza(self, option_file: str, server: str) -> Stanza:
        """What the option file says; `server` means nothing here. Raises Failure when it is missing."""
        file = self._user_option_file(option_file)
        try:
            options = dict(optionfile.pairs(text(file.read_bytes())))
        except OSError as error:
            raise Failure("ANS1035S", str(file)) from error
        return Stanza(
            server_key(options.get("tcpserveraddress", ""), options.get("tcpport", "")), options=options
        )

    def password_directory(self, stanza: Stanza) -> Path:
        """The directory of that node's password for that server, below ProgramData."""
        nodes = password_directory(Path(self.environment["PROGRAMDATA"]), stanza.get("nodename"))
        known = sorted(nodes.glob("*/TSM.KDB"))
        fitting = (file.parent for file in known if stanza.name.encode() in file.read_bytes())
        return next(fitting, nodes / "server")

    def _may_write(self) -> bool:
        if str(self.home).casefold() in (home.casefold() for home in self.config.restricted_homes):
            return False
        tried = self.directory / "played client was here"
        with suppress(OSError):
            tried.write_bytes(b"")
            tried.unlink()
            return True
        return False


def text(content: bytes) -> str:
    """An option file's text by its byte order mark; without one it is in the ANSI code page."""
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "mbcs")
    return content.decode(encoding, "replace")


def server_key(address: str, port: str) -> str:
    """What a server is known by: its address and port."""
    return f"{address or '127.0.0.1'}:{port or '1500'}".upper()


def password_directory(program_data: Path, node: str) -> Path:
    """Where the passwords of that node are, in a directory for each server."""
    return program_data / "Tivoli" / "TSM" / "baclient" / "Nodes" / node.upper()
