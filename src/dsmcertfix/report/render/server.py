"""A server instance as text: does it run, what it exported, who on this host trusts it, what must be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsmcertfix.report.details import ArmReport, InstanceReport, TrustReport

if TYPE_CHECKING:
    from collections.abc import Iterator


def lines(instance: InstanceReport) -> Iterator[str]:
    """What there is to say of an instance besides its certificates, a line each."""
    state = {True: "runs", False: "does not run", None: "may run: this user cannot see it"}[instance.running]
    ports = f", port {', '.join(map(str, instance.ports))}" if instance.ports else ""
    services = f", started by {', '.join(instance.services)}" if instance.services else ""
    yield f"the server {state}{ports}{services}"
    for arm in instance.arms:
        yield _arm(arm, instance)
    for trust in instance.trusted_by:
        yield _trust(trust)
    for line in instance.action:
        yield f"to do: {line}"


def _arm(arm: ArmReport, instance: InstanceReport) -> str:
    if arm.sha256 is None:
        return f"{arm.name}: {arm.problem}"
    until = (arm.not_after or "?")[:10]
    if arm.sha256 == instance.sha256:
        return f"{arm.name}: the certificate that the server presents, valid until {until}"
    known = f"`{arm.label}`" if arm.label is not None else "none that the key database has"
    return f"{arm.name}: another certificate, {known}, valid until {until}, SHA-256 {arm.sha256}"


def _trust(trust: TrustReport) -> str:
    use = "database backup: " if trust.database_backup else ""
    where = f"{use}the store {trust.store} ({trust.owner})"
    if trust.sha256 is None:
        return f"{where} does not trust it"
    if trust.current:
        return f"{where} trusts it, as `{trust.label}`"
    return f"{where} trusts an old one, as `{trust.label}`, SHA-256 {trust.sha256}"
