"""Macros for dsmadmc: what the server's administrator has to say during a renewal. Pure text.

A name goes into a command only when it is one of the server's (Naming IBM Storage Protect objects, 8.1.26):
so no blank, quote, wildcard or percent sign can change what a command means. Each macro says which messages
to expect. A COMMIT stands after each command: without one a single unknown name would roll all of them back.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.server.distribution import DAYS as WINDOW_DAYS
from dsmcertfix.ibm.server.distribution import Distribution, deletions, pieces, schedules

MacroKind = Literal[
    "transitional", "strict", "forcesync", "nodes", "certificate", "default-certificate", "distribute"
]

MOST_DAYS = 9999
"""The largest number of days that CREATE CERTIFICATE takes (8.1.26)."""

DAYS = 3650
"""How long a certificate is made for where nothing else is asked for: ten years, as the server does."""

_WIDTH = 100
_NAME = re.compile(r"[A-Za-z0-9_.+&-]{1,64}\Z")
_LABEL = re.compile(r"[A-Za-z0-9_+&.-](?:[A-Za-z0-9_+&. -]{0,62}[A-Za-z0-9_+&.-])?\Z")
_RUN = "Run it on that server as an administrator with system privilege: dsmadmc macro FILE"
_UPDATED = (
    "ANR2063I says that a node was updated, ANR2071I that an administrator was; ANR2034E: there is none."
)


@dataclass(frozen=True, slots=True)
class MacroWish:
    """What a macro is to be about: nodes, administrators and peers by name, the label of a certificate, or
    certificates that nodes are to trust.
    """

    kind: MacroKind
    nodes: tuple[str, ...] = ()
    administrators: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    label: str | None = None
    days: int | None = None
    distribution: Distribution | None = None


def macro(wish: MacroWish) -> str:
    """The macro in ASCII, without a final line end; comments say how it is run and what the server answers.

    Raises UsageError for a name that is none of a server's, for a macro that would do nothing, and for what
    a macro of that kind has no place for.
    """
    patterns = wish.nodes if wish.kind == "distribute" else ()
    for name in (*wish.nodes, *wish.administrators, *wish.peers):
        if name not in patterns:
            _require_name(name)
    lines = (*_comments(_RUN), *_MAKERS[wish.kind](wish))
    _require_used(wish)
    return "\n".join(lines)


def clean_up(wish: MacroWish) -> str:
    """The macro that takes the schedules of a distribution away again. Raises as `macro` does."""
    wanted = _require_distribution(wish)
    what = "It deletes the schedules that brought these certificates, with their associations."
    return "\n".join((*_comments(_RUN, what), *_commands(deletions(wanted))))


def is_name(name: str) -> bool:
    """Whether a server can have a node, an administrator or a server of that name."""
    return _NAME.match(name) is not None


def update_node(name: str, security: str) -> tuple[str, str]:
    """The command that gives the node that session security, and its COMMIT.

    Raises UsageError for a name that is none: nothing else gets between the quotation marks.
    """
    return _update("NODE", name, security)


def listed(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Nodes and administrators of a list: a name a line, `admin NAME` for an administrator; `#` is a comment.

    Raises UsageError for a line of another form.
    """
    nodes: dict[str, None] = {}
    administrators: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        match words:
            case []:
                continue
            case [name]:
                nodes[name] = None
            case [("node" | "NODE"), name]:
                nodes[name] = None
            case [("admin" | "ADMIN"), name]:
                administrators[name] = None
            case _:
                raise UsageError(
                    "list-not-readable",
                    f"line {number} of the list is neither a node nor `admin NAME`: {line.strip()!r}",
                )
    return tuple(nodes), tuple(administrators)


def _session_security(wish: MacroWish) -> Iterator[str]:
    if not (wish.nodes or wish.administrators or wish.peers):
        raise UsageError(
            "macro-without-names",
            "a macro for nobody would do nothing",
            hint="Name them with `--node`, `--admin`, `--peer` or `--from`.",
        )
    value = wish.kind.upper()
    why = {
        "TRANSITIONAL": "From now on these may fetch the certificate of the server, once each: a session "
        "that is established makes them STRICT again.",
        "STRICT": "Whoever is STRICT accepts no new certificate without being asked: the normal state.",
    }[value]
    yield from _comments(why, _UPDATED)
    for what, names in (("NODE", wish.nodes), ("ADMIN", wish.administrators), ("SERVER", wish.peers)):
        for name in names:
            yield from _update(what, name, value)


def _update(what: str, name: str, security: str) -> tuple[str, str]:
    _require_name(name)
    return f'UPDATE {what} "{name}" SESSIONSECURITY={security}', "COMMIT"


def _nodes(wish: MacroWish) -> Iterator[str]:
    yield from _comments(
        "It changes nothing. Run it so that nothing else is in the file: "
        "dsmadmc -dataonly=yes -commadelimited macro FILE, its output in nodes.csv.",
        "dsmcertfix forecast and dsmcertfix server macro take that file with --nodes.",
    )
    yield "SELECT node_name, session_security, tcp_name FROM nodes WHERE nodetype='CLIENT'"


def _forcesync(wish: MacroWish) -> Iterator[str]:
    if not wish.peers:
        raise UsageError(
            "macro-without-names",
            "a macro for no server would do nothing",
            hint="Name the servers and storage agents as this server has defined them, with `--peer`.",
        )
    yield from _comments(
        "Each peer takes the new certificate when it signs on next. Do the same there for this server.",
        "ANR1662I says that a server was updated; PING SERVER shows whether the session works.",
    )
    yield from _commands(
        f'UPDATE SERVER "{name}" SESSIONSECURITY=TRANSITIONAL FORCESYNC=YES' for name in wish.peers
    )
    yield from (f'PING SERVER "{name}"' for name in wish.peers)


def _certificate(wish: MacroWish) -> Iterator[str]:
    label = _require_label(wish.label)
    days = DAYS if wish.days is None else wish.days
    if not 0 < days <= MOST_DAYS:
        raise UsageError("days-out-of-range", f"{days} days: the server takes 1 to {MOST_DAYS}")
    yield from _comments(
        "Server 8.1.19 and later. The server goes on presenting its old certificate: nobody is refused.",
        f"It writes {label}.arm into its instance directory. Put cert256.arm and {label}.arm in one file, "
        "and that into every client (dsmcertfix trust --server NAME --file FILE, see docs/renewal.md): with "
        "the new one alone a client would refuse the server. Only when all have both make the new one the "
        "default (dsmcertfix server macro default-certificate).",
    )
    yield from _commands((f'CREATE CERTIFICATE "{label}" TODATE=+{days} DEFAULT=NO',))


def _default_certificate(wish: MacroWish) -> Iterator[str]:
    label = _require_label(wish.label)
    yield from _comments(
        "Only when every client, peer and agent trusts it: dsmcertfix inspect shows what they hold.",
        "It is presented from the next start of the server on. Restart it when no sessions run.",
    )
    yield from _commands((f'SET DEFAULTTLSCERT "{label}"',))


def _distribute(wish: MacroWish) -> Iterator[str]:
    wanted = _require_distribution(wish)
    if not wish.nodes:
        raise UsageError(
            "macro-without-names",
            "a macro for nobody would do nothing",
            hint="Name nodes of that domain with `--node` (`*` in a name is a wildcard) or `--from`.",
        )
    yield from _comments(
        f"{len(pieces(wanted))} schedules bring the certificates to each node, a piece each, in any order. "
        f"They start now and are run once, by a scheduler as root or SYSTEM, within {WINDOW_DAYS} days. A "
        "node with SCHEDCMDDISABLED runs none of them.",
        "QUERY EVENT shows how they ended: the one that finds the certificates whole ends as dsmcertfix "
        "trust does. Then run the macro beside this one, which deletes the schedules.",
    )
    yield from _commands(schedules(wanted, wish.nodes))


def _require_distribution(wish: MacroWish) -> Distribution:
    wanted = wish.distribution or Distribution()
    if not (wanted.certificates and wanted.server and wanted.domain):
        raise UsageError(
            "macro-without-certificate",
            "schedules need the certificates, the server as the nodes call it, and the nodes' policy domain",
        )
    _require_name(wanted.domain)
    return wanted


_MAKERS: dict[MacroKind, Callable[[MacroWish], Iterator[str]]] = {
    "transitional": _session_security,
    "strict": _session_security,
    "forcesync": _forcesync,
    "nodes": _nodes,
    "certificate": _certificate,
    "default-certificate": _default_certificate,
    "distribute": _distribute,
}


_NAMES = frozenset(("--node", "--admin", "--peer"))
_TAKES: dict[MacroKind, frozenset[str]] = {
    "transitional": _NAMES,
    "strict": _NAMES,
    "forcesync": frozenset(("--peer",)),
    "nodes": frozenset(),
    "certificate": frozenset(("--label", "--days")),
    "default-certificate": frozenset(("--label",)),
    "distribute": frozenset(("--node", "--file")),
}


def _require_used(wish: MacroWish) -> None:
    """Nothing was asked for that a macro of that kind would leave out. Raises UsageError."""
    given = {
        "--node": bool(wish.nodes),
        "--admin": bool(wish.administrators),
        "--peer": bool(wish.peers),
        "--label": wish.label is not None,
        "--days": wish.days is not None,
        "--file": wish.distribution is not None,
    }
    unused = [name for name, is_given in given.items() if is_given and name not in _TAKES[wish.kind]]
    if unused:
        raise UsageError(
            "option-not-for-this-macro",
            f"a macro of the kind {wish.kind} has no place for "
            + " and ".join(f"`{name}`" for name in unused),
            hint="It takes " + (", ".join(f"`{name}`" for name in sorted(_TAKES[wish.kind])) or "none") + ".",
        )


def _require_name(name: str) -> None:
    if not is_name(name):
        raise UsageError(
            "not-a-server-s-name",
            f"`{name}` is no name that a server can have for a node, an administrator or a server",
        )


def _require_label(label: str | None) -> str:
    if label is None:
        raise UsageError("macro-without-label", "the new certificate needs a name: give `--label`")
    if not _LABEL.match(label):
        raise UsageError("label-not-safe-for-macro", f"the label `{label}` cannot be given to the server")
    return label


def _comments(*texts: str) -> Iterator[str]:
    """Without a quotation mark, which dsmadmc might pair with one that follows."""
    for text in texts:
        yield from (f"/* {line} */" for line in textwrap.wrap(text, _WIDTH, break_on_hyphens=False))


def _commands(commands: Iterable[str]) -> Iterator[str]:
    for command in commands:
        yield from (command, "COMMIT")
