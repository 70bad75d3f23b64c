"""What `detect` and `server inspect` tell Prometheus: text for node_exporter's textfile collector. Pure.

Times are seconds of Unix time, as Prometheus has them: days left are `(… - time()) / 86400` there. No sample
has a timestamp: the collector refuses a file with one. The collector's own `node_textfile_mtime_seconds` and
`dsmcertfix_detect_timestamp_seconds` tell when nothing comes any more.

A server host has a file of each command. No sample may be in both: the collector would refuse them all.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dsmcertfix.errors import InternalError
from dsmcertfix.report.render.answer import AFFECTED, Answer, verdict
from dsmcertfix.report.result import Report, StoreReport
from dsmcertfix.wording import printable

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge with its samples."""

    name: str
    help: str
    samples: tuple[tuple[Labels, float], ...]


def answer(report: Report) -> Answer:
    """The metrics of that machine; the exit code is 0 because they carry the state, unless it is a bug's."""
    code = report.exit_code if report.exit_code == InternalError.untouched else 0
    return Answer("\n".join(line for metric in metrics(report) for line in _lines(metric)), "", code)


def metrics(report: Report) -> tuple[Metric, ...]:
    """Every metric of the command, those without samples too."""
    if report.command == "server inspect":
        return (
            _needed("dsmcertfix_server_action_needed", "Whether a server of this host needs work.", report),
            *_look("server_inspect", "server inspect", report),
            *_instances(report),
            *_certificates(report),
        )
    return (
        _needed("dsmcertfix_action_needed", "Whether a repair is needed here.", report),
        *_look("detect", "detect", report),
        Metric("dsmcertfix_info", "The version of dsmcertfix.", (({"version": report.version}, 1.0),)),
        Metric("dsmcertfix_stores", "Certificate stores found.", (({}, float(len(report.stores))),)),
        *_certificates(report),
        *_servers(report),
    )


def _needed(name: str, meaning: str, report: Report) -> Metric:
    return Metric(name, meaning, (({}, float(verdict(report) == "needed")),))


def _look(name: str, command: str, report: Report) -> tuple[Metric, ...]:
    """How the look itself went, and when it was."""
    return (
        Metric(
            f"dsmcertfix_{name}_success",
            "Whether everything could be read, and every server be asked.",
            (({}, float(verdict(report) != "unknown")),),
        ),
        Metric(
            f"dsmcertfix_{name}_exit_code",
            f"The exit code of {command}.",
            (({}, float(report.exit_code)),),
        ),
        Metric(
            f"dsmcertfix_{name}_timestamp_seconds",
            f"When {command} looked.",
            (({}, _seconds(report.at)),) if report.at else (),
        ),
    )


def _instances(report: Report) -> tuple[Metric, ...]:
    # Prometheus has its own `instance` for every sample: it is kept for one release.
    named = [(item, {"directory": item.directory, "instance": item.directory}) for item in report.instances]
    return (
        Metric(
            "dsmcertfix_instance_running",
            "Whether the server of an instance runs.",
            tuple((labels, float(item.running)) for item, labels in named if item.running is not None),
        ),
        Metric(
            "dsmcertfix_instance_export_agrees",
            "Whether cert256.arm is the certificate that the server of an instance presents.",
            tuple((labels, float(item.agrees)) for item, labels in named if item.agrees is not None),
        ),
        Metric(
            "dsmcertfix_instance_actions",
            "How many things must be done for an instance.",
            tuple((labels, float(len(item.action))) for item, labels in named),
        ),
        Metric(
            "dsmcertfix_instance_certificate_expiry_timestamp_seconds",
            "When the certificate that the server of an instance presents expires.",
            tuple(
                ({**labels, "sha256": item.sha256 or ""}, _seconds(item.not_after))
                for item, labels in named
                if item.not_after
            ),
        ),
    )


def _certificates(report: Report) -> tuple[Metric, ...]:
    stored = [
        (one, {"store": _name(store), "label": one.label, "sha256": one.sha256})
        for store in report.stores
        for one in store.certificates
        if one.status != "pending"
    ]
    return (
        Metric(
            "dsmcertfix_certificate_expiry_timestamp_seconds",
            "When a stored certificate expires.",
            tuple((labels, _seconds(one.not_after)) for one, labels in stored if one.not_after),
        ),
        Metric(
            "dsmcertfix_certificate_affected",
            "Whether a stored certificate is one that calls for a repair.",
            tuple((labels, float(one.status in AFFECTED)) for one, labels in stored),
        ),
        Metric(
            "dsmcertfix_certificate_status",
            "The status of a stored certificate, as `dsmcertfix detect` names it.",
            tuple(({**labels, "status": one.status, "kind": one.kind}, 1.0) for one, labels in stored),
        ),
        Metric(
            "dsmcertfix_store_readable",
            "Whether a store could be read.",
            tuple(
                ({"store": _name(store)}, float(bool(store.certificates) or store.problem is None))
                for store in report.stores
            ),
        ),
    )


def _name(store: StoreReport) -> str:
    """A client's store may be in the directory of a server's."""
    return f"{store.directory}/cert.kdb" if store.kind == "server" else store.directory


def _servers(report: Report) -> tuple[Metric, ...]:
    return (
        Metric(
            "dsmcertfix_server_answered",
            "Whether a server presented a certificate.",
            tuple(({"server": item.server}, float(item.sha256 is not None)) for item in report.servers),
        ),
        Metric(
            "dsmcertfix_server_certificate_expiry_timestamp_seconds",
            "When the certificate that a server presents now expires.",
            tuple(
                ({"server": item.server, "sha256": item.sha256 or ""}, _seconds(item.not_after))
                for item in report.servers
                if item.not_after
            ),
        ),
    )


def _lines(metric: Metric) -> Iterable[str]:
    if not metric.samples:
        return
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} gauge"
    # A set of labels may stand there once: two records with one label in a store are told once.
    samples = {_label_set(labels): value for labels, value in metric.samples}
    for labels, value in samples.items():
        yield f"{metric.name}{labels} {value:.0f}"


def _label_set(labels: Labels) -> str:
    inner = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escaped(value: str) -> str:
    return printable(value).replace("\\", "\\\\").replace('"', '\\"')


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()
