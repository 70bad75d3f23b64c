"""The metrics, read by Prometheus's own parser."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.monitoring import reports
from tests.monitoring.reports import certificate, report

from dsmcertfix.errors import ACTION_NEEDED
from dsmcertfix.report.render import prometheus
from dsmcertfix.report.result import PresentedReport, Report
from dsmcertfix.wording import printable

EXPIRY_2036 = 2110752000
Samples = Mapping[str, list[tuple[dict[str, str], float]]]


def parsed(told: Report) -> Samples:
    """Name to samples, as the parser reads them; what it must not find is refused."""
    text = prometheus.answer(told).stdout + "\n"
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge" and family.documentation, family.name
        for sample in family.samples:
            assert sample.timestamp is None, "the textfile collector refuses a file with timestamps"
            found.setdefault(sample.name, []).append((dict(sample.labels), float(sample.value)))
    for name, samples in found.items():
        keys = [tuple(sorted(labels.items())) for labels, _ in samples]
        assert len(set(keys)) == len(keys), f"{name} has the same labels twice"
    return found


def one(samples: Samples, name: str) -> float:
    """The value of a metric without labels."""
    ((labels, value),) = samples[name]
    assert labels == {}
    return value


@pytest.mark.parametrize("name", reports.STATES)
def test_every_state_is_told_by_metrics_that_the_parser_reads(name: str) -> None:
    told = reports.STATES[name]
    found = parsed(told)
    assert one(found, "dsmcertfix_action_needed") == (name in reports.NEEDED_STATES)
    assert one(found, "dsmcertfix_detect_success") == (name not in reports.UNKNOWN_STATES)
    assert one(found, "dsmcertfix_detect_exit_code") == told.exit_code
    assert one(found, "dsmcertfix_detect_timestamp_seconds") == 1795495394


@pytest.mark.parametrize("name", reports.STATES)
def test_the_exit_code_is_0_because_the_metrics_tell_unless_there_is_a_bug(name: str) -> None:
    answer = prometheus.answer(reports.STATES[name])
    assert (answer.code, answer.stderr) == (1 if name == "bug" else 0, "")


def test_a_certificate_has_its_end_and_whether_it_needs_action() -> None:
    found = parsed(reports.REPLACED)
    expiry = {
        labels["label"]: value for labels, value in found["dsmcertfix_certificate_expiry_timestamp_seconds"]
    }
    assert expiry == {
        "TSM server TSM01 self-signed key": EXPIRY_2036,
        "TSM server TSM02 self-signed key": EXPIRY_2036,
    }
    wanted = {labels["label"]: value for labels, value in found["dsmcertfix_certificate_affected"]}
    assert list(wanted.values()) == [0, 1]
    statuses = [labels["status"] for labels, _ in found["dsmcertfix_certificate_status"]]
    assert statuses == ["ok", "replaced"]


def test_a_server_is_told_with_what_it_presents_and_whether_it_answered() -> None:
    servers = (
        PresentedReport("a:1500", sha256="0" * 64, not_after="2036-11-20T00:00:00Z"),
        PresentedReport("b:1500"),
    )
    found = parsed(reports.HEALTHY._replace(servers=servers))
    assert found["dsmcertfix_server_answered"] == [({"server": "a:1500"}, 1), ({"server": "b:1500"}, 0)]
    assert found["dsmcertfix_server_certificate_expiry_timestamp_seconds"] == [
        ({"server": "a:1500", "sha256": "0" * 64}, EXPIRY_2036)
    ]


@pytest.mark.parametrize(
    "label", ['a"b', "a\\b", "a\nb", "{x=", "\x1b[2J\x00", "\x9b2J", "\u202ea", "é€", 'a\\"} 1\nevil 1']
)
def test_a_hostile_label_arrives_printable_and_makes_no_metric_of_its_own(label: str) -> None:
    odd = certificate("X", "replaced")._replace(label=label)
    found = parsed(report(odd, exit_code=ACTION_NEEDED))
    assert all(name.startswith("dsmcertfix_") for name in found)
    ((labels, _),) = found["dsmcertfix_certificate_affected"]
    assert labels["label"] == printable(label)


def test_bytes_that_are_no_utf8_are_escaped() -> None:
    odd = certificate()._replace(label="a\udcffb")
    ((labels, _),) = parsed(report(odd))["dsmcertfix_certificate_affected"]
    assert labels["label"] == "a\\udcffb"


def test_two_records_with_one_label_are_told_once() -> None:
    found = parsed(report(certificate(), certificate()))
    assert len(found["dsmcertfix_certificate_affected"]) == 1
