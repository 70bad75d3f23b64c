"""From facts to steps: what `fix` will do. Pure: the same facts and wishes give the same plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dsmcertfix.assess import (
    Assessed,
    AssessedStore,
    assess,
    servers_of,
    sessions_with,
    stanzas_of,
)
from dsmcertfix.model import Certificate, Inventory, Presented, Server, Stanza, Store
from dsmcertfix.plan import (
    AddCertificate,
    BackUp,
    CheckLive,
    CheckStaged,
    CheckStanza,
    DeleteLabel,
    Expected,
    MoveOut,
    Plan,
    Policy,
    Preflight,
    Reconnect,
    Refused,
    Stage,
    Step,
    StorePlan,
    Swap,
)
from dsmcertfix.preflight import client_problem, fetch_problem, no_stanza_problem, server_problem
from dsmcertfix.selection import Selection, choose, fills


@dataclass(frozen=True, slots=True)
class _Context:
    """What a store's plan is made from besides the store; `done` are the plans made before it."""

    inventory: Inventory
    assessed: tuple[AssessedStore, ...]
    policy: Policy
    done: tuple[StorePlan, ...]


def make_plan(inventory: Inventory, selection: Selection, policy: Policy) -> Plan:
    """The plan for these facts and wishes. A store that cannot be worked on is refused by itself.

    Raises NotFound when a named label, fingerprint or server is nowhere in the chosen stores.
    """
    assessed = assess(inventory, selection.expires_within_days)
    plans: list[StorePlan] = []
    refused: list[Refused] = []
    for one in choose(inventory, assessed, selection):
        context = _Context(inventory, assessed, policy, tuple(plans))
        if one.problem is not None:
            refused.append(Refused(one.item.store, one.problem))
        elif one.whole:
            plans.append(_whole_store(one.item, one.targets, context))
        elif one.targets:
            plans.append(_labels(one.item.store, one.targets, context))
    return Plan(tuple(plans), assessed, tuple(refused))


def _labels(store: Store, targets: tuple[Assessed, ...], context: _Context) -> StorePlan:
    removed = tuple(one.certificate for one in targets)
    servers = tuple(dict.fromkeys(one.server for one in targets if one.server is not None))
    refused = frozenset(item.sha256 for item in removed)
    given = _given(store, servers, targets, context)
    adds = tuple(add for item in given for add in item.adds)
    by_client = frozenset(servers) - {item.server for item in given}
    context, left = _left_to_owner(store, tuple(item for item in servers if item in by_client), context)
    preflight, reconnects = _client_steps(store, servers, refused, context, by_client)
    expected = tuple(_expected(server, context) for server in servers)
    waits = not context.policy.reconnect
    kept = tuple(item for item in store.certificates if item not in removed)
    steps: tuple[Step, ...] = (
        *preflight,
        BackUp(),
        Stage(),
        *(DeleteLabel(item) for item in removed),
        *adds,
        CheckStaged(removed, tuple(add.certificate for add in adds)),
        Swap(context.policy.keep_index),
        *reconnects,
        CheckLive(removed, () if waits else expected, kept),
        *(CheckStanza(item.proved_by) for item in given if item.proved_by),
    )
    warnings = tuple(
        f"no server is known to own `{one.certificate.label}`: it goes, and nothing is fetched in its place"
        for one in targets
        if one.server is None
    )
    warnings += _taken_over(store, given)
    pending = tuple(item for item in expected if waits and item.server in by_client)
    return StorePlan(store, "label", targets, steps, pending, (*warnings, *left))


def _whole_store(item: AssessedStore, targets: tuple[Assessed, ...], context: _Context) -> StorePlan:
    store = item.store
    servers = _servers_in_use(item)
    context, left = _left_to_owner(store, servers, context)
    refused = frozenset(one.certificate.sha256 for one in item.affected)
    preflight, reconnects = _client_steps(store, servers, refused, context, frozenset(servers), whole=True)
    expected = tuple(_expected(server, context) for server in servers)
    waits = not context.policy.reconnect
    removed = tuple(one.certificate for one in item.affected)
    if not servers and not waits:
        preflight = (Preflight(None, no_stanza_problem(store)),)
    steps: tuple[Step, ...] = (
        *preflight,
        BackUp(),
        MoveOut(),
        *reconnects,
        CheckLive(removed, () if waits else expected, moved_out=waits),
    )
    warnings = tuple(
        f"the certificate `{one.certificate.label}` goes too, {_back(one, store)}"
        for one in item.certificates
        if one.server not in servers or not _is_fetched(one)
    )
    return StorePlan(store, "whole-store", targets, steps, expected if waits else (), (*warnings, *left))


def _left_to_owner(
    store: Store, servers: tuple[Server, ...], context: _Context
) -> tuple[_Context, tuple[str, ...]]:
    """Without a session, where only the store's owner can open one; and what the owner is told of that."""
    if store.signs_on or not servers or not context.policy.reconnect:
        return context, ()
    owner = store.located.owner.name
    told = tuple(
        f"nobody else can sign on as {owner}: the next session of {owner} with {server} fetches its "
        "certificate, if the node is TRANSITIONAL then; until then it is pending"
        for server in servers
    )
    return replace(context, policy=replace(context.policy, reconnect=False)), told


def _back(one: Assessed, store: Store) -> str:
    """When a certificate that goes with its store comes back."""
    for use in store.located.stanzas:
        if use.elsewhere is not None and use.stanza.server == one.server:
            return f"and stanza {use.stanza.name} does not need it here: it has its own in {use.elsewhere}"
    return f"until a session with {one.server}" if _is_fetched(one) else "and no server hands it out again"


def _is_fetched(one: Assessed) -> bool:
    return one.server is not None and one.certificate.kind != "ca"


def _servers_in_use(item: AssessedStore) -> tuple[Server, ...]:
    """The servers whose certificates a new store must get: not those that a user merely could connect to."""
    sure = {use.stanza.server for use in item.store.located.stanzas if use.certain}
    held = {one.server for one in item.certificates}
    # A failover server's certificate cannot be fetched at will: the client connects there when it must.
    servers = tuple(server for server in servers_of(item.store) if sessions_with(item.store, server))
    used = tuple(server for server in servers if server in sure or server in held)
    return used or servers


def _client_steps(
    store: Store,
    servers: tuple[Server, ...],
    refused: frozenset[str],
    context: _Context,
    by_client: frozenset[Server],
    *,
    whole: bool = False,
) -> tuple[tuple[Preflight, ...], tuple[Reconnect, ...]]:
    preflights: list[Preflight] = []
    reconnects: list[Reconnect] = []
    # No client ever signs on for a store that only API applications use.
    signs_on = context.policy.reconnect and store.client_reconnects
    for server in servers:
        stanzas = _stanzas_for(store, server, context)[: None if whole else 1]
        for stanza in stanzas or (None,):
            preflights += _preflight(store, stanza, server, refused, context, by_client=server in by_client)
            if server in by_client and stanza is not None and signs_on:
                reconnects.append(Reconnect(stanza, store.user))
    return tuple(preflights), tuple(reconnects)


def _stanzas_for(store: Store, server: Server, context: _Context) -> tuple[Stanza, ...]:
    """The stanzas whose session with the server fills this store, the one most likely to work first."""
    return tuple(sorted(sessions_with(store, server), key=lambda item: _obstacle(item, context)))


def _obstacle(stanza: Stanza, context: _Context) -> int:
    """How little the client can do with the stanza: it never signs on as the server's database backup."""
    if stanza.database_backup:
        return 2
    return int(context.inventory.password_of(stanza) is False or not stanza.password_generate)


def _preflight(
    store: Store,
    stanza: Stanza | None,
    server: Server,
    refused: frozenset[str],
    context: _Context,
    *,
    by_client: bool = True,
) -> list[Preflight]:
    policy, inventory = context.policy, context.inventory
    problem = None
    if policy.preflight:
        seen = inventory.presented_by(server)
        problem = server_problem(server, seen, refused, policy.expected_sha256, inventory.at)
    if problem is None and policy.reconnect and by_client:
        problem = client_problem(store, stanza, server, inventory, policy.expected_file)
        # Without preflight only what makes a reconnect impossible counts, not what makes it doubtful.
        if not policy.preflight and problem is not None and stanza is not None and store.client_reconnects:
            problem = problem if inventory.located.programs.dsmc is None else None
    elif problem is None and policy.preflight and by_client and not store.signs_on:
        problem = fetch_problem(stanza, server, policy.expected_file)
    return [Preflight(stanza, problem)] if policy.preflight or problem else []


def _expected(server: Server, context: _Context) -> Expected:
    if context.policy.expected_sha256 is not None:
        return Expected(server, (context.policy.expected_sha256,))
    seen = context.inventory.presented_by(server)
    return Expected(server, tuple(item.sha256 for item in seen.chain) if seen else ())


@dataclass(frozen=True, slots=True)
class _Given:
    """A server whose certificate the store gets without a session of its own; nothing where it has it.

    `proved_by` is the stanza by which the result is checked, where a client did not prove it before.
    """

    server: Server
    adds: tuple[AddCertificate, ...]
    proved_by: Stanza | None = None


def _given(
    store: Store, servers: tuple[Server, ...], targets: tuple[Assessed, ...], context: _Context
) -> tuple[_Given, ...]:
    """The servers whose certificate comes from this machine: no client can sign on to fetch it.

    For the server's own database backup from what the server exported; for other API applications, and where
    the client keeps that stanza's certificates elsewhere, from a client's store that holds it, or will by the
    time this store's turn comes.
    """
    if not context.policy.reconnect:
        return ()
    going = {one.certificate for one in targets}
    held = {item.sha256 for item in store.certificates if item not in going}
    given: list[_Given] = []
    for server in servers:
        stanza = next(iter(_stanzas_for(store, server, context)), None)
        export = _export(store, stanza, context)
        seen = context.inventory.presented_by(server)
        fetches = fills(store) and stanza is not None
        provider = None if fetches else _provider(store, server, seen, context)
        new = export or (seen.certificate if seen is not None and provider is not None else None)
        if new is None:
            continue
        label = next(one.certificate.label for one in targets if one.server == server)
        add = AddCertificate(server, label, new, None if export else provider)
        given.append(_Given(server, () if new.sha256 in held else (add,), stanza if export else None))
        held.add(new.sha256)
    return tuple(given)


def _taken_over(store: Store, given: tuple[_Given, ...]) -> tuple[str, ...]:
    """What is assumed of certificates that the client keeps elsewhere, and what to do where that is false."""
    if not store.client_reconnects:
        return ()
    servers = {item.server for item in given if not sessions_with(store, item.server)}
    return tuple(
        f"stanza {use.stanza.name} has its own certificates in {use.elsewhere}: what a session proves there "
        "is put in here. Where its sessions use this store instead, give `--no-reconnect` with `--store`"
        for use in store.located.stanzas
        if use.elsewhere is not None and use.stanza.server in servers
    )


def _export(store: Store, stanza: Stanza | None, context: _Context) -> Certificate | None:
    """What the server presents, from its own file: root's, the store's owner's or the server's own user's.

    No other user may vouch; that one keeps the private key of the certificate anyway.
    """
    if stanza is None or not stanza.database_backup:
        return None
    seen = context.inventory.presented_by(stanza.server)
    presented = {item.sha256 for item in seen.chain} if seen is not None else set()
    for item in context.inventory.exports:
        vouches = item.uid in (0, store.located.owner.uid) or item.of_server
        if item.stanza == stanza and vouches and item.certificate.sha256 in presented:
            return item.certificate
    return None


def _provider(store: Store, server: Server, seen: Presented | None, context: _Context) -> str | None:
    """The client store that proves the certificate: root's or the same owner's, since no user may vouch."""
    if seen is None or seen.certificate is None:
        return None
    # A session makes its node STRICT: to that one nothing is handed out again, to another one it still is.
    nodes = _nodes(store, server) if store.client_reconnects else None

    def may_prove(other: Store) -> bool:
        known = other.located.owner.uid in (0, store.located.owner.uid)
        return fills(other) and known and (nodes is None or bool(nodes & _nodes(other, server)))

    clients = [item for item in context.assessed if may_prove(item.store)]
    new = seen.certificate.sha256
    for item in clients:
        ok = (one for one in item.certificates if one.server == server and one.status == "ok")
        if any(one.certificate.sha256 == new for one in ok):
            return item.store.id
    for plan in context.done:
        reconnects = any(isinstance(step, Reconnect) and step.stanza.server == server for step in plan.steps)
        if reconnects and plan.problem is None and may_prove(plan.store):
            return plan.store.id
    # One that cannot be read now has its session later, and nothing is handed out to the same node then.
    return next((item.store.id for item in clients if nodes is not None and item.store.problem), None)


def _nodes(store: Store, server: Server) -> frozenset[str]:
    """The nodes that sign on to the server with this store; empty text for the machine's own name."""
    return frozenset((item.node or "").upper() for item in stanzas_of(store) if item.server == server)
