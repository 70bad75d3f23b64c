"""What is wrong with an instance's certificates: a pure judgement, on facts that were gathered before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dsmcertfix.ibm.server.instance import LABEL, Instance
from dsmcertfix.model import Certificate, Presented, Server, Stanza, Store
from dsmcertfix.planning.assess import Assessed, AssessedStore, Status, days_left
from dsmcertfix.wording import quoted


@dataclass(frozen=True, slots=True)
class Around:
    """What is around an instance: the client stores of its host, and what the server was seen to present.

    `backing_up` are the stanzas with which its own database is backed up, `leading` the servers of stanzas
    that are this one. `judged` is how the stores stand to the certificate that it has for itself, and `ways`
    how one that does not trust it is repaired, by its id.
    """

    stores: tuple[Store, ...] = ()
    backing_up: frozenset[Stanza] = frozenset()
    presented: tuple[Presented, ...] = ()
    leading: frozenset[Server] = frozenset()
    judged: tuple[AssessedStore, ...] = ()
    ways: Mapping[str, str] = field(default_factory=dict)


_NOTHING = Around()


@dataclass(frozen=True, slots=True)
class Trust:
    """A client's store of this host, and the instance's certificate in it; None when it holds none.

    `database_backup` is whether the server's own database backup uses the store, `stale` whether the
    certificate stands there in place of the one that the server presents.
    """

    store: Store
    certificate: Certificate | None
    current: bool
    database_backup: bool
    stale: bool = False


@dataclass(frozen=True, slots=True)
class AssessedInstance:
    """An instance, the judgement on each of its certificates, who trusts them, and what must be done."""

    instance: Instance
    certificates: tuple[Assessed, ...]
    trusts: tuple[Trust, ...]
    agrees: bool | None
    action: tuple[str, ...]


def assess_instance(
    instance: Instance,
    at: datetime,
    expires_within_days: int,
    around: Around = _NOTHING,
) -> AssessedInstance:
    """The judgement on the instance, with what is around it."""
    judged = tuple(_judge(item, instance, at, expires_within_days) for item in instance.certificates)
    trusts = tuple(_trusts(instance, around))
    agrees = _agrees(instance)
    action = () if instance.problem else tuple(_action(instance, judged, agrees, trusts, around))
    return AssessedInstance(instance, judged, trusts, agrees, action)


def _judge(one: Certificate, instance: Instance, at: datetime, within: int) -> Assessed:
    left = days_left(one, at)
    own = instance.presented
    status: Status = "unknown"
    if own is not None and one.label == own.label:
        status, reason = "ok", "the server presents it"
        if left is not None and left < 0:
            status, reason = "expired", f"it expired on {one.last_day}"
        elif left is not None and left < within:
            status, reason = "expiring", f"it expires on {one.last_day}"
    elif one.kind == "unreadable":
        status, reason = "unreadable", one.problem or "not a certificate that can be read"
    elif one.kind == "personal":
        status, reason = "superseded", "the server's own, but not the one that it presents"
    elif one.kind == "ca":
        status, reason = "ca", "a root or CA certificate"
    else:
        reason = "of another server or an agent, trusted by this server"
    return Assessed(one, status, reason, None, left)


def _agrees(instance: Instance) -> bool | None:
    own, arm = instance.presented, instance.arm
    if own is None or arm is None or arm.certificate is None:
        return None
    return arm.certificate.sha256 == own.sha256


def _trusts(instance: Instance, around: Around) -> list[Trust]:
    ours = {item.sha256 for item in instance.certificates if item.kind == "personal"}
    ours |= {item.certificate.sha256 for item in instance.arms if item.certificate}
    own = instance.presented
    found = []
    for store in around.stores:
        backup = any(use.stanza in around.backing_up for use in store.located.stanzas)
        stale = _stale(store, around)
        held = [item for item in store.certificates if item.sha256 in ours or item in stale]
        current = [item for item in held if own is not None and item.sha256 == own.sha256]
        if held:
            found += [
                Trust(store, item, item in current, backup, item in stale and not current) for item in held
            ]
        elif backup:
            found.append(Trust(store, None, False, backup))
    return found


def _stale(store: Store, around: Around) -> list[Certificate]:
    """The certificates of the store that are this server's by its stanzas, and are to be replaced."""
    judged = next((item for item in around.judged if item.store is store), None)
    affected = judged.affected if judged is not None else ()
    return [item.certificate for item in affected if item.server in around.leading]


def _way(instance: Instance, certificate: Certificate) -> str:
    """How that certificate is renewed."""
    if certificate.label == LABEL:
        return f"`dsmcertfix server renew --instance {quoted(instance.directory)}`"
    return "renew it where it was made (a CA, or CREATE CERTIFICATE)"


def _action(
    instance: Instance,
    judged: tuple[Assessed, ...],
    agrees: bool | None,
    trusts: tuple[Trust, ...],
    around: Around,
) -> list[str]:
    found = [
        f"`{item.certificate.label}`: {item.reason}: {_way(instance, item.certificate)}"
        for item in judged
        if item.status in ("expired", "expiring")
    ]
    own, arm = instance.presented, instance.arm
    if own is None:
        found.append(f"there is no certificate `{LABEL}`: the server makes one when it starts")
    if arm is None:
        found.append("there is no cert256.arm: clients cannot be given the certificate")
    elif arm.certificate is None:
        found.append(f"cert256.arm is of no use: {arm.problem}")
    elif agrees is False:
        found.append("cert256.arm holds another certificate than the server presents")
    other = presents_another(own, around.presented)
    if other is not None:
        found.append(
            f"the server presents another certificate (SHA-256 {other.sha256}) than its key database has "
            "for it: restart it"
        )
    return found + _repairs(trusts, around)


def presents_another(own: Certificate | None, presented: tuple[Presented, ...]) -> Certificate | None:
    """What the server presents instead of its own certificate; None when it presents that, or nothing."""
    shown = [seen.certificate for seen in presented if seen.certificate is not None]
    other = own is not None and shown and all(item.sha256 != own.sha256 for item in shown)
    return shown[0] if other else None


def _repairs(trusts: tuple[Trust, ...], around: Around) -> list[str]:
    """What must be done about the stores of this host that do not trust the server's certificate."""
    current = {item.store.id for item in trusts if item.current}
    # A database backup's store without a server's certificate fetches it with the next backup.
    backups = {
        item.store.id: item.store
        for item in trusts
        if item.database_backup and any(one.kind == "server" for one in item.store.certificates)
    }
    stores = backups | {item.store.id: item.store for item in trusts if item.stale}
    found = []
    for store in sorted(stores.values(), key=lambda item: item.directory):
        fix = f"`dsmcertfix fix --store {quoted(store.directory)}`"
        who = "server's database backup" if store.id in backups else f"store in {store.directory}"
        if store.id not in current:
            found.append(f"the {who} does not trust it yet: {around.ways.get(store.id, fix)}")
    return found
