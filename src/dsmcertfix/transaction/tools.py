"""What transactions act with on a machine: engines that edit, the client that reconnects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dsmcertfix.errors import CannotReconnect, DsmcertfixError, EditFailed
from dsmcertfix.ibm import gskit_tls
from dsmcertfix.ibm.client import dsmc
from dsmcertfix.ibm.client.messages import Handed
from dsmcertfix.ibm.client.reading import read_store
from dsmcertfix.ibm.engines import Engine, GskitEngine, NativeEngine
from dsmcertfix.ibm.tls import ask_all
from dsmcertfix.model import Owner, Programs, Proof, Server, Stanza
from dsmcertfix.planning.steps import EngineChoice, StorePlan
from dsmcertfix.system.base import Platform
from dsmcertfix.system.host import Host, Limits
from dsmcertfix.system.process.run import Waits
from dsmcertfix.transaction.client import Tools


def tools_for(
    host: Host, programs: Programs, engine: EngineChoice, limits: Limits, handed: Handed | None = None
) -> Tools:
    """What transactions act with on that machine; `handed` is for the advice when the client is refused.

    Raises EditFailed when the engine that was asked for is not there, NotPermitted when its program or the
    client could be changed by others.
    """

    def reconnect(stanza: Stanza, item: StorePlan) -> Waits[DsmcertfixError | None]:
        if programs.dsmc is None:
            return CannotReconnect("no-client-program", "there is no dsmc on this machine")
        program = host.platform.trusted(programs.dsmc)
        located, whole = item.store.located, item.mode == "whole-store"
        session = yield from dsmc.query_session(program, stanza, located.owner, timeout_s=limits.program_s)
        return dsmc.failure(session, stanza, store=located.directory, handed=handed, anew=whole)

    return Tools(
        host.platform,
        engines_for(host, programs, engine, limits),
        reconnect,
        lambda located: read_store(host.platform, located),
        lambda servers: ask_all(servers, timeout_s=limits.probe_s)(),
        prover(host.platform, limits),
    )


def prover(platform: Platform, limits: Limits) -> Callable[[Path, Owner | None, Server], Proof]:
    """What asks IBM's TLS about a key database and a server, as the owner of the one."""
    library = gskit_tls.library(platform)
    return lambda database, owner, server: gskit_tls.prove(
        platform, library, owner, database, server, limits.probe_s
    )


def require_client(host: Host, programs: Programs) -> None:
    """The client, where there is one, can be run. Raises NotPermitted when others could have changed it."""
    if programs.dsmc is not None:
        host.platform.trusted(programs.dsmc)


def engines_for(host: Host, programs: Programs, choice: EngineChoice, limits: Limits) -> tuple[Engine, ...]:
    """What edits private copies, in the order in which it is tried. Raises as `tools_for` does."""
    native = NativeEngine()
    if choice == "native":
        return (native,)
    if programs.gsk8capicmd is None:
        if choice == "gskit":
            raise EditFailed("gskit-not-found", "there is no gsk8capicmd_64 on this machine")
        return (native,)
    try:
        program = host.platform.trusted(programs.gsk8capicmd)
    except DsmcertfixError:
        if choice == "gskit":
            raise
        return (native,)
    gskit = GskitEngine(program, host.platform.libraries_of(program), min(limits.program_s, 60.0))
    return (gskit,) if choice == "gskit" else (gskit, native)
