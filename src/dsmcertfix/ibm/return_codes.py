"""Return codes that are numbers: GSKit's two tables, and those of the client's API that are about TLS. Pure.

IBM's messages give a number of GSKit without its table. Sessions tell of the first one, opening and editing a
key database of the second one, and many numbers are in both with other meanings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from dsmcertfix import NamedTuple
from dsmcertfix.ibm.client.message_table import Actor

SESSION, KEYS, API = "GSKIT-", "GSKKM-", "API-"
"""What a code begins with: of a session, of a key database, of the client's API."""


class ReturnCode(NamedTuple):
    """A code with the name that IBM's library has for it, its meaning, who must act and how."""

    code: str
    name: str
    meaning: str
    actor: Actor
    advice: str


_SERVER, _MACHINE = Actor.SERVER_ADMINISTRATOR, Actor.MACHINE_ADMINISTRATOR
_AGAIN = "Try once more; if it comes again, give it to IBM's support with the client's dsmerror.log."
_HARDWARE = "The client's own stores use no token and no hardware: see what else uses GSKit here."
_KINDS: Mapping[str, tuple[Actor, str]] = {
    "-": (_MACHINE, "Nothing to do."),
    "a": (_MACHINE, "Check owner and mode of the files and the directory, and the room on the disk."),
    "b": (_MACHINE, "Let the other program (another repair, a running server) end, then try again."),
    "c": (
        _SERVER,
        "Look at what the server presents (`dsmcertfix probe HOST`), or at the file that was given.",
    ),
    "d": (
        _MACHINE,
        "`dsmcertfix detect` says whether something must be done, `dsmcertfix inspect` lists the labels.",
    ),
    "f": (
        _MACHINE,
        "It follows from something else: look for a message before it, here and in dsmerror.log.",
    ),
    "g": (
        _MACHINE,
        "See that the client's GSKit is installed whole, and that no other product's libraries come first.",
    ),
    "h": (_MACHINE, _HARDWARE),
    "i": (_MACHINE, _AGAIN),
    "k": (
        _MACHINE,
        "Check owner and mode of the store, and that dsmcert.kdb and dsmcert.sth belong together; "
        "`dsmcertfix fix --whole-store --store DIRECTORY` makes a damaged store anew.",
    ),
    "l": (_MACHINE, "`dsmcertfix inspect` lists the labels."),
    "m": (_MACHINE, "See what takes the machine's memory."),
    "n": (
        _MACHINE,
        "Check that the server runs, its address and port in the stanza, and the firewalls in between; "
        "`dsmcertfix probe HOST:PORT` tries it.",
    ),
    "p": (_SERVER, "Compare what server and client allow: versions of TLS, ciphers, signatures, FIPS mode."),
    "r": (
        _SERVER,
        "A server's self-signed certificate has no revocation list: look at the CA's, and how it is reached.",
    ),
    "s": (_SERVER, "Look at the server's key database: `dsmcertfix server inspect` on its host."),
    "t": (
        _SERVER,
        "Check the clock of this machine; a certificate that has expired is renewed on its server "
        "(`dsmcertfix server renew`), then `dsmcertfix fix` repairs the clients.",
    ),
    "v": (
        _MACHINE,
        "`dsmcertfix detect` says whether the store fits the server, and `dsmcertfix fix` repairs it.",
    ),
    "x": (_MACHINE, "Correct what was given to the program, and run it again."),
}
"""Who must act on a code of each kind, and how."""

_API = (
    (5803, "DSM_RC_SSL_NOT_SUPPORTED", "g", "this API has no TLS"),
    (5804, "DSM_RC_SSL_INIT_FAILED", "g", "TLS could not be initialised"),
    (5805, "DSM_RC_SSL_KEYFILE_OPEN_FAILED", "k", "the key database could not be opened"),
    (5806, "DSM_RC_SSL_KEYFILE_BAD_PASSWORD", "k", "the password does not fit the key database"),
    (5807, "DSM_RC_SSL_BAD_CERTIFICATE", "v", "the server's certificate is not trusted"),
)


@cache
def table() -> Mapping[str, ReturnCode]:
    """Every code by its own name, such as `GSKIT-414` and `GSKKM-117`."""
    from dsmcertfix.ibm.gskit_key_codes import KEY_CODES
    from dsmcertfix.ibm.gskit_session_codes import SESSION_CODES

    found = (
        *_read(SESSION, SESSION_CODES, "GSK_", "GSKVAL_"),
        *_read(KEYS, KEY_CODES, "GSKKM_"),
        *(ReturnCode(f"{API}{number}", name, text, *_KINDS[kind]) for number, name, kind, text in _API),
    )
    return {item.code: item for item in found}


def _read(start: str, lines: str, prefix: str, whole: str = "\0") -> Iterable[ReturnCode]:
    for line in lines.splitlines():
        number, kind, name, meaning = line.split(" ", 3)
        named = name if name.startswith(whole) else f"{prefix}{name}"
        yield ReturnCode(f"{start}{number}", named, meaning, *_KINDS[kind])


@cache
def names() -> Mapping[str, str]:
    """The code of each of IBM's names, such as `GSKKM_ERR_DATABASE_OPEN`."""
    return {item.name: code for code, item in table().items()}


def with_number(number: int) -> list[str]:
    """The codes of GSKit with that number, that of sessions first: none, one or two."""
    return [code for code in (f"{SESSION}{number}", f"{KEYS}{number}") if code in table()]
