"""Every message of IBM's programs that matters to a repair: the one table of them. Data only.

ANS is the client, ANR the server, CTGSK the key database program; GSKIT-n is a return code of GSKit.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Actor(Enum):
    """Who must act on a message."""

    SERVER_ADMINISTRATOR = "the administrator of the backup server"
    MACHINE_ADMINISTRATOR = "the administrator of this machine"
    BACKUP_USER = "the user whose backups these are"


@dataclass(frozen=True, slots=True)
class Message:
    """One code: what it means, who must act and how.

    `advice` may hold {node}, {server}, {stanza}, {store} and {trust}. The message with the highest `rank`
    decides when several come together: a cause ranks above its consequences. `handed` stands in for `advice`
    where the certificate was not to be fetched but came from a file, `met` (for the administrator of the
    machine) where nothing was repaired yet: the code is in an error log, or somebody asks for it; `anew`
    (with {store} alone) where the whole store had been moved away before.
    """

    code: str
    meaning: str
    actor: Actor
    advice: str
    rank: int
    handed: str = ""
    met: str = ""
    anew: str = ""


_SERVER, _MACHINE, _USER = Actor.SERVER_ADMINISTRATOR, Actor.MACHINE_ADMINISTRATOR, Actor.BACKUP_USER

_NEVER_AGAIN = "Do not try again: one more wrong sign-on can lock the node. "
_ONCE_BY_HAND = (
    "run `dsmc query session -se={stanza}` once by hand, as the user of the store, and type the password"
)
_STRICT = (
    "With the old certificate taken out this means that the node is STRICT: the server does not hand out its "
    "certificate. Run on the server: UPDATE NODE {node} SESSIONSECURITY=TRANSITIONAL and then run dsmcertfix "
    "again. Or {trust}."
)
_DETECT = (
    "Run `dsmcertfix detect`: where the server's certificate was renewed, `dsmcertfix fix` lets the client "
    "fetch the new one. If it comes back after that, the node is STRICT; run on the server: "
    "UPDATE NODE {node} SESSIONSECURITY=TRANSITIONAL, then `dsmcertfix fix` again. Or {trust}."
)
_NOT_OF_THE_FILE = (
    "The client has the certificates of the file and does not trust what {server} presents: compare both "
    "(`dsmcertfix probe {server}`), and take cert256.arm, or its CA's certificates, from that server again."
)
_RENEW_ON_SERVER = (
    "Renew the certificate on server {server} (CREATE CERTIFICATE, or as APAR IT42905 says), "
    "then run dsmcertfix again."
)
_LOOK_AT_PORT = (
    "Check that server {server} runs, address and port in stanza {stanza}, and the firewalls in between."
)
_RESTORE_PAIR = (
    "Check owner and mode of {store}, and that dsmcert.kdb and dsmcert.sth belong together; otherwise run "
    "`dsmcertfix fix --whole-store --store {store}`."
)
_NO_PAIR = (
    "The client was to make a new store in {store}, and could not open what it made: check owner and mode of "
    "that directory, and what dsmerror.log says."
)
_FOLLOWS = "It follows from another message: look for one before it, here and in dsmerror.log."

_CLIENT = (
    Message(
        "ANS1051I",
        "user id or password is wrong",
        _SERVER,
        _NEVER_AGAIN + "Have node {node} looked at on the server (it may be locked already) and its "
        "password set; then " + _ONCE_BY_HAND + ".",
        100,
    ),
    Message(
        "ANS1353E",
        "the server knows no such node",
        _MACHINE,
        _NEVER_AGAIN + "Check NODENAME in stanza {stanza}, and that {server} has a node {node}.",
        95,
    ),
    Message(
        "ANS2050E",
        "no stored password, and nobody there to ask",
        _USER,
        "Store the password: " + _ONCE_BY_HAND + "; the stanza needs PASSWORDACCESS GENERATE.",
        90,
    ),
    Message(
        "ANS1217E",
        "the stanza is not in the client's dsm.sys",
        _MACHINE,
        "Look for SERVERNAME {stanza} in the dsm.sys that dsmc reads (DSM_DIR says which).",
        85,
    ),
    Message(
        "ANS1593E",
        "the key database cannot be opened",
        _MACHINE,
        _RESTORE_PAIR + " If this client needs its dsmcert.idx, run it with `--keep-index`.",
        80,
        anew=_NO_PAIR,
    ),
    Message(
        "ANS1592E",
        "no TLS session: the client has no certificate that fits the server's",
        _SERVER,
        _STRICT,
        75,
        _NOT_OF_THE_FILE,
        _DETECT,
    ),
    Message(
        "ANS1695E", "the server's certificate is not trusted", _SERVER, _STRICT, 70, _NOT_OF_THE_FILE, _DETECT
    ),
    Message(
        "ANS1579E",
        "a function of GSKit failed",
        _MACHINE,
        "Run again when fewer sessions start at the same time (APAR IT27375); otherwise dsmerror.log has "
        "the GSKit return code.",
        60,
    ),
    Message(
        "ANS1017E",
        "no TCP/IP connection to the server",
        _MACHINE,
        "This is the network, not the certificate. " + _LOOK_AT_PORT,
        50,
    ),
    Message(
        "ANS5283E",
        "the operation failed, as it does when the CA certificate is missing",
        _MACHINE,
        "Import the CA's certificate into {store} with `dsmcertfix trust`.",
        30,
    ),
    Message("ANS1029E", "communication with the server was lost", _MACHINE, _FOLLOWS, 12),
    Message("ANS8023E", "no session with the server", _MACHINE, _FOLLOWS, 10),
    Message("ANS1901I", "the client's highest return code", _MACHINE, _FOLLOWS, 3),
    Message("ANS8002I", "the administrative client's highest return code", _MACHINE, _FOLLOWS, 3),
)

_SERVER_SIDE = (
    Message(
        "ANR8583E",
        "the server could not set up the TLS session; its GSKit return code says why",
        _SERVER,
        "401 in the server's activity log means that the server's own certificate "
        "has expired. " + _RENEW_ON_SERVER,
        40,
    ),
    Message(
        "ANR3339I",
        "the server says which certificate is its default",
        _SERVER,
        "Nothing to do; `dsmcertfix probe {server}` shows the certificate itself.",
        1,
    ),
)

_KEY_DATABASE_PROGRAM = (
    Message(
        "CTGSK3029W",
        "the key database holds no certificate with that label",
        _MACHINE,
        "List the labels with `dsmcertfix inspect --store {store}`.",
        20,
    ),
)

_GSKIT = (
    Message("GSKIT-0", "success", _MACHINE, "Nothing to do.", 0),
    Message("GSKIT-1", "invalid handle", _MACHINE, _FOLLOWS, 14),
    Message(
        "GSKIT-6",
        "no certificate with that label",
        _MACHINE,
        "List the labels with `dsmcertfix inspect --store {store}`.",
        42,
    ),
    Message(
        "GSKIT-7",
        "the server sent no certificate",
        _SERVER,
        "Check the certificate of server {server} (`dsmcertfix probe {server}`).",
        42,
    ),
    Message(
        "GSKIT-8", "the certificate could not be validated", _SERVER, _STRICT, 42, _NOT_OF_THE_FILE, _DETECT
    ),
    Message(
        "GSKIT-102",
        "the key database could not be read or written",
        _MACHINE,
        _RESTORE_PAIR,
        43,
        anew=_NO_PAIR,
    ),
    Message("GSKIT-103", "the key database has a wrong format", _MACHINE, _RESTORE_PAIR, 43, anew=_NO_PAIR),
    Message(
        "GSKIT-104",
        "the key database holds the same key twice",
        _MACHINE,
        "See the labels with `dsmcertfix inspect --store {store}` and delete one with `--label`.",
        42,
    ),
    Message(
        "GSKIT-106", "the password does not fit the key database", _MACHINE, _RESTORE_PAIR, 43, anew=_NO_PAIR
    ),
    Message(
        "GSKIT-107",
        "a certificate in the key database has expired",
        _MACHINE,
        "Run `dsmcertfix detect --store {store}`.",
        42,
    ),
    Message(
        "GSKIT-109",
        "the session was closed while something was still waiting to be sent or read",
        _MACHINE,
        _FOLLOWS,
        11,
    ),
    Message("GSKIT-201", "no password for the key database", _MACHINE, _RESTORE_PAIR, 43, anew=_NO_PAIR),
    Message("GSKIT-202", "the key database could not be opened", _MACHINE, _RESTORE_PAIR, 43, anew=_NO_PAIR),
    Message(
        "GSKIT-401",
        "the certificate has expired, or is not valid yet",
        _SERVER,
        "Check the clock of this machine. " + _RENEW_ON_SERVER,
        45,
    ),
    Message(
        "GSKIT-402",
        "client and server have no cipher in common",
        _SERVER,
        "Compare the TLS versions and ciphers that {server} and this client allow.",
        42,
    ),
    Message(
        "GSKIT-403",
        "no certificate",
        _SERVER,
        "Check the certificate of server {server} (`dsmcertfix probe {server}`).",
        42,
    ),
    Message(
        "GSKIT-405",
        "the type of the certificate is not supported",
        _SERVER,
        "Give {server} a certificate that this client's level supports, or update the client.",
        42,
    ),
    Message("GSKIT-406", "input or output failed during the TLS handshake", _MACHINE, _LOOK_AT_PORT, 41),
    Message(
        "GSKIT-407",
        "the label of the key is wrong",
        _SERVER,
        "Check the default label of the server's key database.",
        42,
    ),
    Message(
        "GSKIT-414",
        "the certificate that came is badly formed, or not trusted",
        _SERVER,
        "Check the certificate of server {server} (`dsmcertfix probe {server}`).",
        42,
    ),
    Message(
        "GSKIT-415",
        "the other side does not speak the protocol",
        _MACHINE,
        "What listens there may be no backup server. " + _LOOK_AT_PORT,
        41,
    ),
)

MESSAGES: dict[str, Message] = {
    message.code: message for message in (*_CLIENT, *_SERVER_SIDE, *_KEY_DATABASE_PROGRAM, *_GSKIT)
}

STRICT_SIGNS = frozenset(code for code, message in MESSAGES.items() if message.advice == _STRICT)
"""What a client says after the repair of a node that is STRICT."""
