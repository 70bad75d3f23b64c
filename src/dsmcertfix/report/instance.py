"""An instance as it is told: its entry among the stores, and what there is besides its certificates. Pure."""

from __future__ import annotations

from dsmcertfix.ibm.server.instance import Arm, Instance
from dsmcertfix.planning.assess import Assessed
from dsmcertfix.planning.assess_server import AssessedInstance, Trust
from dsmcertfix.report.details import ArmReport, InstanceReport, TrustReport
from dsmcertfix.report.result import StoreReport, certificate_report, file_report, iso


def key_database_report(instance: Instance, judged: tuple[Assessed, ...]) -> StoreReport:
    """The key database as it is, untouched, with the judgement on its certificates."""
    located = instance.located
    return StoreReport(
        instance.id,
        str(instance.directory),
        located.because,
        located.owner.name,
        (),
        instance.version,
        tuple(file_report(fact) for fact in instance.files),
        "unchanged",
        tuple(certificate_report(item) for item in judged),
        problem=located.problem or instance.problem,
        kind="server",
    )


def instance_report(assessed: AssessedInstance) -> InstanceReport:
    """Everything else about it."""
    instance, own = assessed.instance, assessed.instance.presented
    judged = next((item for item in assessed.certificates if item.certificate == own), None)
    return InstanceReport(
        instance.id,
        str(instance.directory),
        instance.located.owner.name,
        instance.running,
        tuple(item.name for item in instance.services),
        instance.ports,
        own.label if own else None,
        own.sha256 if own else None,
        iso(own.not_after) if own else None,
        judged.days_left if judged else None,
        assessed.agrees,
        tuple(_arm_report(item, instance) for item in instance.arms),
        tuple(_trust_report(item) for item in assessed.trusts),
        assessed.action,
    )


def _arm_report(arm: Arm, instance: Instance) -> ArmReport:
    found = arm.certificate
    if found is None:
        return ArmReport(arm.name, None, None, None, arm.problem)
    label = next((item.label for item in instance.certificates if item.sha256 == found.sha256), None)
    return ArmReport(arm.name, found.sha256, iso(found.not_after), label)


def _trust_report(trust: Trust) -> TrustReport:
    held = trust.certificate
    return TrustReport(
        str(trust.store.directory),
        trust.store.located.owner.name,
        held.label if held else None,
        held.sha256 if held else None,
        trust.current,
        trust.database_backup,
    )
