"""What IBM's own TLS says of a machine's stores, asked once for each and every server that it is used for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dsmcertfix.ibm import gskit_tls
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import Inventory, LocatedStore, Owner, Proof, Server, StoreFile
from dsmcertfix.planning.assess import servers_of
from dsmcertfix.planning.proofs import asked_before
from dsmcertfix.planning.refusals import Proofs
from dsmcertfix.planning.steps import Plan
from dsmcertfix.system.base import Platform


def prove_stores(platform: Platform, inventory: Inventory, limit_s: float) -> Proofs:
    """One handshake for each store that is there, with each server that answered a moment ago."""
    answering = {seen.server for seen in inventory.presented if seen.chain}
    return _asked(
        platform,
        (
            (store.located, server)
            for store in inventory.stores
            for server in servers_of(store)
            if server in answering and store.has_key_database
        ),
        limit_s,
    )


def prove_before(platform: Platform, plan: Plan, inventory: Inventory, limit_s: float) -> Proofs | None:
    """The same for the stores of a plan as they are and the servers of its preflights.

    None where IBM's TLS cannot be asked.
    """
    if gskit_tls.library(platform) is None:
        return None
    return _asked(platform, asked_before(plan, inventory), limit_s)


def _asked(platform: Platform, asked: Iterable[tuple[LocatedStore, Server]], limit_s: float) -> Proofs:
    library = gskit_tls.library(platform)
    by_owner: dict[Owner, list[tuple[LocatedStore, Server]]] = {}
    for store, server in asked:
        by_owner.setdefault(store.owner, []).append((store, server))
    proofs: dict[str, tuple[Proof, ...]] = {}
    for owner, questions in by_owner.items():
        databases = tuple((store.directory / StoreFile.KDB.value, server) for store, server in questions)
        answers = gskit_tls.prove_all(platform, library, owner, databases, limit_s)
        for (store, _), proof in zip(questions, answers, strict=True):
            proofs[store.id] = (*proofs.get(store.id, ()), proof)
    return proofs


def prove_located(platform: Platform, directories: tuple[Path, ...], limit_s: float) -> Proofs:
    """One handshake for each store in those directories, with each server that it surely is used for."""
    stores = locate(platform.places, named=directories).stores if directories else ()
    asked = (
        (store, use.stanza.server)
        for store in stores
        for use in store.stanzas
        if use.certain and not use.stanza.replication and use.stanza.server is not None
    )
    return _asked(platform, dict.fromkeys(asked), limit_s)
