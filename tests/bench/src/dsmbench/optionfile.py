"""dsm.sys and dsm.opt as the played client reads them. Written from the documentation alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

# Name to the length of its shortest abbreviation.
ABBREVIATIONS = {
    "servername": 2,
    "tcpserveraddress": 4,
    "tcpport": 4,
    "tcpadminport": 9,
    "commmethod": 5,
    "nodename": 3,
    "passwordaccess": 9,
    "passworddir": 11,
    "password": 3,
    "ssl": 3,
    "sslrequired": 6,
    "sslacceptcertfromserv": 21,
    "managedservices": 7,
    "errorlogname": 9,
    "defaultserver": 8,
    "replservername": 14,
    "myreplicationserver": 19,
    "myprimaryservername": 19,
}
STANZA_STARTS = ("servername", "replservername")


@dataclass(slots=True)
class Stanza:
    """A server stanza: its name as spelled there, and its options by full lower-case name; the last wins."""

    name: str
    failover: bool = False
    options: dict[str, str] = field(default_factory=dict)

    def get(self, option: str, default: str = "") -> str:
        """The value, or the default when it is not given."""
        return self.options.get(option, default)


@dataclass(slots=True)
class OptionFile:
    """What stands outside of stanzas, and the stanzas in their order."""

    options: dict[str, str] = field(default_factory=dict)
    stanzas: list[Stanza] = field(default_factory=list)

    def stanza(self, name: str) -> Stanza | None:
        """The stanza of that name in any case, never a failover server's; for no name DEFAULTSERVER's."""
        ours = [stanza for stanza in self.stanzas if not stanza.failover]
        wanted = name or self.options.get("defaultserver", "")
        if not wanted:
            return ours[0] if ours else None
        return next((stanza for stanza in ours if stanza.name.casefold() == wanted.casefold()), None)


def read(file: Path) -> list[tuple[str, str]]:
    """Option and value of every line that is one, in order. Raises OSError."""
    return pairs(file.read_bytes().decode("latin-1"))


def pairs(content: str) -> list[tuple[str, str]]:
    """Option and value of every line that is one, in order."""
    found = []
    for line in content.splitlines():
        text = line.strip()
        if text and not text.startswith("*"):
            keyword, _, rest = text.replace("\t", " ").partition(" ")
            found.append((full_name(keyword), _unquoted(rest.strip())))
    return found


def system_options(file: Path) -> OptionFile:
    """A dsm.sys. Raises OSError."""
    found = OptionFile()
    for option, value in read(file):
        if option in STANZA_STARTS:
            found.stanzas.append(Stanza(value, failover=option == "replservername"))
        elif option == "defaultserver" or not found.stanzas:
            found.options[option] = value
        else:
            found.stanzas[-1].options[option] = value
    return found


def user_options(file: Path) -> dict[str, str]:
    """A dsm.opt. Raises OSError."""
    return dict(read(file))


def full_name(keyword: str) -> str:
    """The option's full name in lower case; an unknown one as it is."""
    word = keyword.lower()
    if word in ABBREVIATIONS:
        return word
    fitting = [name for name, least in ABBREVIATIONS.items() if len(word) >= least and name.startswith(word)]
    return fitting[0] if len(fitting) == 1 else word


def _unquoted(value: str) -> str:
    for quote in ('"', "'"):
        if value.startswith(quote) and quote in value[1:]:
            return value[1 : value.index(quote, 1)]
    return value
