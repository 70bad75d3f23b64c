"""From facts to steps: what `fix` will do. Pure: the same facts and wishes give the same plan."""

from __future__ import annotations

from dataclasses import replace

from dsmcertfix.ibm.key_database.chain import proven
from dsmcertfix.model import Inventory, Server, Stanza, Store
from dsmcertfix.planning.assess import (
    Assessed,
    AssessedStore,
    server_name,
    servers_of,
    sessions_with,
    stanzas_of,
)
from dsmcertfix.planning.given import Context, Given, given_to, stanzas_for
from dsmcertfix.planning.policy import Policy
from dsmcertfix.planning.policy_steps import edits_of
from dsmcertfix.planning.policy_view import assess_under, with_pins
from dsmcertfix.planning.preflight import (
    authority_problem,
    client_problem,
    fetch_problem,
    no_stanza_problem,
    server_problem,
    unpinned_problem,
)
from dsmcertfix.planning.selection import Chosen, Selection, choose
from dsmcertfix.planning.steps import (
    AddCertificate,
    BackUp,
    CheckLive,
    DeleteLabel,
    Expected,
    KeepPassword,
    MoveOut,
    Plan,
    Preflight,
    Reconnect,
    Refused,
    RunOptions,
    Step,
    StorePlan,
    Swap,
    edit_steps,
)


def make_plan(
    inventory: Inventory, selection: Selection, how: RunOptions, policy: Policy | None = None
) -> Plan:
    """The plan for these facts and wishes. A store that cannot be worked on is refused by itself.

    With the site's policy its pins count, and stores are brought to it where nothing else is asked for.
    Raises NotFound when a named label, fingerprint or server is nowhere in the chosen stores.
    """
    how = with_pins(how, policy, inventory)
    assessed = assess_under(policy, inventory, selection.expires_within_days)
    plans: list[StorePlan] = []
    refused: list[Refused] = []
    for one in choose(inventory, assessed, selection):
        context = Context(inventory, assessed, how, tuple(plans), selection.names_certificates)
        if one.problem is not None:
            refused.append(Refused(one.item.store, one.problem))
        elif one.whole:
            plans.append(_whole_store(one.item, one.targets, context))
        elif one.targets or one.password or one.brought.needed:
            plans.append(_labels(one, context))
    return Plan(tuple(plans), assessed, tuple(refused), how.pins, policy)


def _labels(chosen: Chosen, context: Context) -> StorePlan:
    store, targets = chosen.item.store, chosen.targets
    by_hand = () if context.named else tuple(one for one in targets if one.remedy == "authority")
    again = tuple(one for one in targets if one.remedy == "trust-again")
    gone = tuple(one for one in targets if one not in by_hand and one not in again)
    removed = tuple(one.certificate for one in gone)
    trusted = _servers_of(again)
    servers = tuple(item for item in _servers_of(gone) if item not in trusted)
    refused = frozenset(item.sha256 for item in removed)
    given = given_to(store, servers, gone, context)
    edits = edits_of(store, chosen.brought)
    adds = (*(add for item in given for add in item.adds), *_again(again), *edits.adds)
    by_client = frozenset(servers) - {item.server for item in given}
    context, left = _left_to_owner(store, tuple(item for item in servers if item in by_client), context)
    preflight, reconnects = _client_steps(store, (*servers, *trusted), refused, context, by_client)
    expected = tuple(_expected(server, context) for server in servers)
    waits = not context.how.reconnect
    removed += edits.gone
    going = frozenset(removed)
    kept = tuple(item for item in store.certificates if item not in going)
    password = (KeepPassword(),) if chosen.password else ()
    steps = edit_steps(
        (*preflight, *_by_hand(by_hand, store, context)),
        (
            *password,
            *(DeleteLabel(one.certificate) for one in (*gone, *again)),
            *map(DeleteLabel, edits.out),
            *adds,
        ),
        Swap.of(store, keep_index=context.how.keep_index),
        reconnects,
        CheckLive(removed, (*(() if waits else expected), *edits.expected), kept),
        (*(item.proved_by for item in given if item.proved_by), *_leading(store, trusted), *edits.proved_by),
    )
    pending = tuple(item for item in expected if waits and item.server in by_client)
    warnings = (*_of_no_server(gone), *_taken_over(store, given), *left)
    return StorePlan(store, "label", targets, steps, pending, warnings)


def _of_no_server(gone: tuple[Assessed, ...]) -> tuple[str, ...]:
    return tuple(
        f"no server is known to own `{one.certificate.label}`: it goes, and nothing is fetched in its place"
        for one in gone
        if one.server is None
    )


def _servers_of(targets: tuple[Assessed, ...]) -> tuple[Server, ...]:
    return tuple(dict.fromkeys(one.server for one in targets if one.server is not None))


def _by_hand(targets: tuple[Assessed, ...], store: Store, context: Context) -> tuple[Preflight, ...]:
    """Why nothing is touched where a CA is at fault that only a person can bring."""
    problems = (
        authority_problem(ca.certificate, server_name(ca.server, store), ca.reason, context.file(ca.server))
        for ca in targets
        if ca.server is not None
    )
    return tuple(Preflight(None, problem) for problem in problems)


def _whole_store(item: AssessedStore, targets: tuple[Assessed, ...], context: Context) -> StorePlan:
    store = item.store
    servers = _servers_in_use(item)
    context, left = _left_to_owner(store, servers, context)
    gone = tuple(one for one in item.affected if one.remedy == "exchange")
    refused = frozenset(one.certificate.sha256 for one in gone)
    preflight, reconnects = _client_steps(store, servers, refused, context, frozenset(servers), whole=True)
    expected = tuple(_expected(server, context) for server in servers)
    waits = not context.how.reconnect
    removed = tuple(one.certificate for one in gone)
    if not servers and not waits:
        preflight = (Preflight(None, no_stanza_problem(store)),)
    steps: tuple[Step, ...] = (
        *preflight,
        BackUp(),
        MoveOut(),
        *reconnects,
        CheckLive(removed, () if waits else expected, moved_out=waits, had=store.certificates),
    )
    warnings = tuple(
        f"the certificate `{one.certificate.label}` goes too, {_back(one, store)}"
        for one in item.certificates
        if one.server not in servers or not _is_fetched(one)
    )
    return StorePlan(store, "whole-store", targets, steps, expected if waits else (), (*warnings, *left))


def _left_to_owner(
    store: Store, servers: tuple[Server, ...], context: Context
) -> tuple[Context, tuple[str, ...]]:
    """Without a session, where only the store's owner can open one; and what the owner is told of that."""
    if store.signs_on or not servers or not context.how.reconnect:
        return context, ()
    owner = store.located.owner.name
    told = tuple(
        f"nobody else can sign on as {owner}: the next session of {owner} with {server} fetches its "
        "certificate, if the node is TRANSITIONAL then; until then it is pending"
        for server in servers
    )
    return replace(context, how=replace(context.how, reconnect=False)), told


def _back(one: Assessed, store: Store) -> str:
    """When a certificate that goes with its store comes back."""
    for use in store.located.stanzas:
        if use.elsewhere is not None and use.stanza.server == one.server:
            return f"and stanza {use.stanza.name} does not need it here: it has its own in {use.elsewhere}"
    return f"until a session with {one.server}" if _is_fetched(one) else "and no server hands it out again"


def _is_fetched(one: Assessed) -> bool:
    return one.server is not None and one.of_server


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
    context: Context,
    by_client: frozenset[Server],
    *,
    whole: bool = False,
) -> tuple[tuple[Preflight, ...], tuple[Reconnect, ...]]:
    preflights: list[Preflight] = []
    reconnects: list[Reconnect] = []
    # No client ever signs on for a store that only API applications use.
    signs_on = context.how.reconnect and store.client_reconnects
    for server in servers:
        stanzas = stanzas_for(store, server, context)[: None if whole else 1]
        for stanza in stanzas or (None,):
            preflights += _preflight(store, stanza, server, refused, context, by_client=server in by_client)
            if server in by_client and stanza is not None and signs_on:
                reconnects.append(Reconnect(stanza, store.user))
    return tuple(preflights), tuple(reconnects)


def _preflight(
    store: Store,
    stanza: Stanza | None,
    server: Server,
    refused: frozenset[str],
    context: Context,
    *,
    by_client: bool = True,
) -> list[Preflight]:
    how, inventory = context.how, context.inventory
    pinned, file = context.pinned(server), context.file(server)
    problem = unpinned_problem(server, pinned)
    if problem is None and how.preflight:
        seen = inventory.presented_by(server)
        problem = server_problem(server, seen, refused, pinned, inventory.at)
    if problem is None and how.reconnect and by_client:
        problem = client_problem(store, stanza, server, inventory, file)
        # Without preflight only what makes a reconnect impossible counts, not what makes it doubtful.
        if not how.preflight and problem is not None and stanza is not None and store.client_reconnects:
            problem = problem if inventory.located.programs.dsmc is None else None
    elif problem is None and how.preflight and by_client and not store.signs_on:
        problem = fetch_problem(stanza, server, file)
    return [Preflight(stanza, problem)] if how.preflight or problem else []


def _expected(server: Server, context: Context) -> Expected:
    seen = context.inventory.presented_by(server)
    presented = tuple(item.sha256 for item in proven(seen.chain)) if seen else ()
    pinned = context.pinned(server)
    if pinned is None:
        return Expected(server, presented)
    above = presented if presented[:1] and presented[0] in pinned else ()
    return Expected(server, tuple(dict.fromkeys((*above, *pinned))))


def _again(targets: tuple[Assessed, ...]) -> tuple[AddCertificate, ...]:
    """What the store has, put in once more as trusted: no session is needed for that."""
    return tuple(
        AddCertificate(one.server, one.certificate.label, one.certificate, None)
        for one in targets
        if one.server is not None
    )


def _leading(store: Store, servers: tuple[Server, ...]) -> tuple[Stanza, ...]:
    """The first stanza that leads to each server."""
    return tuple(next(item for item in stanzas_of(store) if item.server == server) for server in servers)


def _taken_over(store: Store, given: tuple[Given, ...]) -> tuple[str, ...]:
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
