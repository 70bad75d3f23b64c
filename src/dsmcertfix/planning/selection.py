"""What a person asks for, and in which stores and certificates that is. Pure: the first half of a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.errors import NotFound, NotPermitted, Problem
from dsmcertfix.model import Inventory, Server, Store
from dsmcertfix.planning import standing
from dsmcertfix.planning.assess import (
    Assessed,
    AssessedStore,
    servers_in_label,
    servers_named,
    sessions_with,
    stanzas_of,
)
from dsmcertfix.planning.labels import label_names
from dsmcertfix.planning.policy import Brought


class Selection(NamedTuple):
    """What a person asks for. Empty: whatever is affected.

    Servers, labels, fingerprints and `expired` are joined by "or", and `stores` narrow that down.
    """

    servers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    stores: tuple[Path, ...] = ()
    expired: bool = False
    whole_store: bool = False
    expires_within_days: int = 0

    @property
    def names_certificates(self) -> bool:
        """Whether certificates are chosen by name rather than by `detect`."""
        return bool(self.servers or self.labels or self.fingerprints or self.expired)


class Chosen(NamedTuple):
    """What is asked for in a store: certificates, or the `whole`; `problem` is why that cannot be.

    `password` is whether its password is to be set anew, `brought` what brings it to the site's policy.
    """

    item: AssessedStore
    targets: tuple[Assessed, ...]
    whole: bool = False
    problem: Problem | None = None
    password: bool = False
    brought: Brought = Brought()


def choose(
    inventory: Inventory, assessed: tuple[AssessedStore, ...], selection: Selection
) -> tuple[Chosen, ...]:
    """What is asked for in each store, first in those that a client fills: others may get what it fetched.

    Raises NotFound when a named label, fingerprint or server is nowhere in the chosen stores.
    """
    _require_known(inventory, assessed, selection)
    chosen = []
    named = {name: servers_named(name, inventory) for name in selection.servers}
    for item in assessed:
        brought = Brought() if selection.names_certificates or selection.whole_store else item.brought
        targets = _targets(item, selection, named, brought)
        whole = selection.whole_store and bool(selection.stores or targets or item.store.problem)
        expired = item.store.password_expired(inventory.at) and not whole
        password = expired and (bool(targets) or not selection.names_certificates) and not brought.left_out
        problem = refusal(item.store, targets, whole=whole, must=password or brought.needed)
        chosen.append(Chosen(item, targets, whole, problem, password, brought))
    return tuple(sorted(chosen, key=_needs_others))


def _needs_others(one: Chosen) -> tuple[bool, bool]:
    """Sorts last what no session of its own fills: other stores have the certificates first."""
    servers = {item.server for item in one.targets}
    alone = all(server is None or sessions_with(one.item.store, server) for server in servers)
    return not fills(one.item.store), not alone


def _require_known(inventory: Inventory, assessed: tuple[AssessedStore, ...], selection: Selection) -> None:
    labels = {item.certificate.label for store in assessed for item in store.certificates}
    fingerprints = {item.certificate.sha256 for store in assessed for item in store.certificates}
    for label in selection.labels:
        if label not in labels:
            raise _not_found("label-not-found", f"no store holds a certificate with the label `{label}`")
    for fingerprint in selection.fingerprints:
        if fingerprint not in fingerprints:
            raise _not_found(
                "fingerprint-not-found", f"no store holds a certificate with SHA-256 {fingerprint}"
            )
    for name in selection.servers:
        if not servers_named(name, inventory) and not any(label_names(label, name) for label in labels):
            raise NotFound(
                "server-not-found",
                f"no stanza and no label names the server `{name}`",
                context=known_servers(inventory.stores),
                hint="Give one of these names, or the address of its server.",
            )


_MOST_NAMED = 12


def known_servers(stores: Iterable[Store]) -> tuple[str, ...]:
    """The stanzas of the stores with their servers, a line each; of very many how many more there are."""
    found = sorted({(item.name, str(item.server)) for store in stores for item in stanzas_of(store)})
    lines = [f"there is {name} ({server})" for name, server in found[:_MOST_NAMED]]
    if len(found) > _MOST_NAMED:
        lines.append(f"and {len(found) - _MOST_NAMED} more, which `dsmcertfix locate` lists")
    return tuple(lines)


def _not_found(code: str, message: str) -> NotFound:
    return NotFound(code, message, hint="`dsmcertfix inspect` lists what is there.")


_Named = Mapping[str, frozenset[Server]]
"""The servers that each name which a person gave means."""


def _targets(
    item: AssessedStore, selection: Selection, named: _Named, brought: Brought
) -> tuple[Assessed, ...]:
    if not selection.names_certificates:
        left = () if brought.left_out else item.affected
        return tuple(one for one in left if one.certificate.sha256 not in brought.kept)
    return tuple(one for one in item.certificates if _asked_for(one, item.store, selection, named))


def _asked_for(one: Assessed, store: Store, selection: Selection, named: _Named) -> bool:
    if one.certificate.sha256 in selection.fingerprints:
        return True
    if one.certificate.label in selection.labels:
        # The label that has its new certificate already: the same command again changes nothing.
        return one.status != "ok"
    if not one.of_server:
        return False
    if selection.expired and one.server is not None and one.days_left is not None and one.days_left < 0:
        return True
    if one.status in ("ok", "superseded"):
        return False
    return any(_belongs(one, name, store, named[name]) for name in selection.servers)


def _belongs(one: Assessed, name: str, store: Store, named: frozenset[Server]) -> bool:
    label = one.certificate.label
    if one.server is None:
        # A label that names several servers says nothing about whose it is.
        return label_names(label, name) and len(servers_in_label(label, store)) < 2
    return one.server in named if named else label_names(label, name)


def refusal(
    store: Store, targets: tuple[Assessed, ...], *, whole: bool, must: bool = False
) -> Problem | None:
    """Why the store cannot be worked on at all; None when it can, or when there is nothing to do in it.

    `whole` when its content does not matter, `must` when there is something to do besides the targets.
    """
    if store.located.problem is not None:
        return store.located.problem
    # Without facts about its files no backup could prove anything.
    if store.problem is not None and not (whole and store.files):
        return store.problem
    if not (targets or whole or must):
        return None
    going = store.certificates if whole else tuple(one.certificate for one in targets)
    if any(item.kind in ("personal", "secret") for item in going):
        return NotPermitted(
            "not-a-server-certificate", "a key of the client's own would go, not only certificates of servers"
        ).problem()
    problem = standing.of_store(store, whole=whole)
    if problem is not None:
        return problem
    if not store.writable:
        return NotPermitted(
            "store-not-writable",
            f"`{store.directory}` belongs to {store.located.owner.name} and cannot be changed by this user",
        ).problem()
    return None


def fills(store: Store) -> bool:
    """Whether a client of this machine can be made to fetch certificates into the store."""
    return store.client_reconnects and store.signs_on
