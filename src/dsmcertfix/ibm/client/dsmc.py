"""Makes IBM's client open one session, and reads what it says about it.

One run, never a second: a failed sign-on can lock the node. The client fetches the server's certificate by
itself in that session; whether it is the right one is not decided here but by looking into the store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dsmcertfix.errors import CannotReconnect, DsmcertfixError, FailedSession, ReconnectFailed
from dsmcertfix.ibm.client import messages
from dsmcertfix.ibm.client.secrets import DSMC_SAID, lines_without_secrets
from dsmcertfix.model import LocatedStore, Owner, Stanza
from dsmcertfix.system.process.output import Completed
from dsmcertfix.system.process.run import Waits, clean_environment, running
from dsmcertfix.system.starting import starting_place
from dsmcertfix.wording import quoted, whole_store_command

_SAFE_STANZA = re.compile(r"[A-Za-z0-9_$#@][A-Za-z0-9_$#@.:+&%-]{0,63}\Z")
_ENGLISH = re.compile(
    r"Backup-Archive Client Interface|Client Version \d+, Release \d|Session established with"
)
# Blanks and no line ends: each of these looks at a line once.
_ESTABLISHED = re.compile(r"^[ \t]*Session established with server (?P<name>[^:\r\n]+)", re.MULTILINE)
_TLS_LINE = re.compile(r"^[ \t]*SSL Information[ .]*:[ \t]*(?P<tls>[^\r\n]*)", re.MULTILINE)
# What the value of that line looks like in every language.
_TLS_VALUE = re.compile(r"\b(?:TLSv1[.\d]*|TLS_[A-Z0-9_]+)(?:[ \t]+TLS_[A-Z0-9_]+)?")
_NODE = re.compile(r"^[ \t]*Node Name[ .]*:[ \t]*(?P<node>\S+)", re.MULTILINE)
_TIMED_OUT_ANEW = (
    "It had no key database of its own then: see what its dsmerror.log says. "
    "A slow server needs a longer `--timeout`."
)
# 4 and 8: files skipped, warnings; neither says that the session failed.
_WARNINGS = (4, 8)


@dataclass(frozen=True, slots=True)
class Session:
    """One run of `dsmc query session`.

    `established` is None when the output does not tell (another language, warnings, no line about TLS): then
    only the certificate in the store can. `returncode` is None when the client was stopped at its time limit.
    `tls` is the protocol and cipher as printed. `output_tail` has control characters escaped.
    """

    returncode: int | None
    established: bool | None
    timed_out: bool
    codes: tuple[str, ...] = ()
    server_name: str | None = None
    tls: str | None = None
    node: str | None = None
    output_tail: tuple[str, ...] = ()


def query_session(
    program: Path, stanza: Stanza, owner: Owner, *, option_file: Path | None = None, timeout_s: float
) -> Waits[Session]:
    """The client has tried once to open a session with the server of `stanza`, as `owner`, unattended.

    It reads `option_file` as its dsm.opt when one is given, and the dsm.sys that holds the stanza; a stanza
    that is a dsm.opt (Windows) is that file. Raises CannotReconnect when the stanza's name could be taken for
    something else on a command line, NotFound or NotPermitted when the client cannot be started.
    """
    argv = [str(program), "query", "session"]
    if _is_in_system_options(stanza):
        argv.append(f"-se={_safe(stanza)}")
    elif option_file is None:
        option_file = stanza.option_file
    if option_file is not None:
        argv.append(f"-optfile={option_file}")
    with starting_place(owner, program) as directory:
        completed = yield from running(
            argv,
            env=clean_environment(owner, additions=_places(program, stanza)),
            timeout_s=timeout_s,
            cwd=directory,
            user=owner,
        )
    return read(completed)


def read(completed: Completed) -> Session:
    """What a run of `dsmc query session` tells. Pure."""
    text = f"{completed.stdout}\n{completed.stderr}"
    established, node = _ESTABLISHED.search(text), _NODE.search(text)
    tls_line = _TLS_LINE.search(text)
    tls_value = _TLS_VALUE.search(tls_line["tls"] if tls_line else text)
    return Session(
        returncode=completed.returncode,
        established=_is_established(completed, text, tls=tls_value is not None),
        timed_out=completed.timed_out,
        codes=messages.found_in(text),
        server_name=established["name"].strip() if established else None,
        tls=tls_value[0] if tls_value else None,
        node=node["node"] if node else None,
        output_tail=lines_without_secrets(completed.tail()),
    )


def failure(
    session: Session,
    stanza: Stanza,
    *,
    store: Path | None = None,
    handed: messages.Handed | None = None,
    anew: bool = False,
) -> ReconnectFailed | None:
    """The error to raise after this session, with the advice that its messages lead to.

    `anew` where the whole store was moved away before it, so that this is not advised once more. None when
    the session was established, and when its output does not tell.
    """
    if session.established is not False:
        return None
    if session.timed_out:
        return _too_late(session, stanza, store, anew=anew)
    named = quoted(store) if store else None
    node, server = session.node or stanza.node, str(stanza.server) if stanza.server else None
    found = messages.advice(
        session.codes,
        node=node,
        server=server or session.server_name,
        stanza=stanza.name,
        store=named,
        handed=handed,
    )
    because = f"{found.code}: {found.meaning}" if found.code else found.meaning
    error = ReconnectFailed(
        "client-not-connected",
        f"the client did not connect with stanza {stanza.name}: {because}",
        context=(f"to act: {found.actor.value}", f"return code {session.returncode}", *_said(session)),
        hint=messages.of_a_new_store(found, named) if anew else found.text,
    )
    error.session = FailedSession(stanza.name, server, node, found.code)
    return error


def _too_late(session: Session, stanza: Stanza, store: Path | None, *, anew: bool) -> ReconnectFailed:
    """The error of a session that was stopped at its time limit."""
    of_an_old_store = (
        "A key database from before a client upgrade can make the client hang (APAR IT41127): "
        f"use {whole_store_command(store)}. A slow server needs a longer `--timeout`."
    )
    return ReconnectFailed(
        "client-timed-out",
        f"the client did not finish its session for stanza {stanza.name} in time and was stopped",
        context=_said(session),
        hint=_TIMED_OUT_ANEW if anew else of_an_old_store,
    )


def unless_elsewhere(error: DsmcertfixError, stanza: Stanza, store: LocatedStore) -> DsmcertfixError:
    """The error, which blames the node only where the store that was changed is surely the stanza's own."""
    sure = all(use.certain for use in store.stanzas if use.stanza == stanza)
    session = error.session
    if sure or error.hint is None or session is None or not messages.refused_as_strict(session.code):
        return error
    error.hint = (
        f"Nothing on this machine says that stanza {stanza.name} keeps its certificates in "
        f"`{store.directory}`: see what `dsmcertfix locate` lists, and repair the store that it uses. "
        f"If it is this one: {error.hint}"
    )
    return error


def _said(session: Session) -> tuple[str, ...]:
    return tuple(f"{DSMC_SAID}{line}" for line in session.output_tail)


def _is_established(completed: Completed, text: str, *, tls: bool) -> bool | None:
    """Whether a session was established, None when that cannot be told.

    The certain signs are English words, return code 0 and a TLS protocol. LC_ALL=C asks for English, but a
    client may be set to another language by other means.
    """
    returncode = completed.returncode
    if completed.timed_out or returncode not in (None, 0, *_WARNINGS):
        return False
    if _ESTABLISHED.search(text) is None:
        return False if _ENGLISH.search(text) else None
    if returncode == 0 and not _errors(text) and tls:
        return True
    if not tls and _TLS_LINE.search(text):
        # A session without TLS brings no certificate.
        return False
    return None


def _errors(text: str) -> bool:
    return any(code.endswith(("E", "S")) for code in messages.found_in(text))


def _safe(stanza: Stanza) -> str:
    if not _SAFE_STANZA.match(stanza.name):
        raise CannotReconnect(
            "stanza-name-not-safe",
            f"the name of stanza {stanza.name!r} cannot be given to the client on its command line",
            context=(f"{stanza.option_file}, line {stanza.line}",),
        )
    return stanza.name


def _is_in_system_options(stanza: Stanza) -> bool:
    return stanza.option_file.name.lower() == "dsm.sys"


def _places(program: Path, stanza: Stanza) -> dict[str, str]:
    """DSM_DIR, where the client would not find the stanza's dsm.sys beside itself.

    Only there, because DSM_DIR is where the client looks for its message catalogue too.
    """
    if not _is_in_system_options(stanza):
        return {}
    beside = program.resolve().parent / "dsm.sys"
    try:
        found_anyway = beside.samefile(stanza.option_file)
    except OSError:
        found_anyway = False
    return {} if found_anyway else {"DSM_DIR": str(stanza.option_file.parent)}
