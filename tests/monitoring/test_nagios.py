"""The answer to Nagios against the plug-in guidelines, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.monitoring import reports
from tests.monitoring.reports import certificate, report

from dsmcertfix.errors import ACTION_NEEDED
from dsmcertfix.report.render import nagios
from dsmcertfix.report.render.answer import Answer

# Guidelines, "Performance data": 'label'=value[UOM];[warn];[crit];[min];[max]; label without = and ';
# value in class [-0-9.]; UOM one of none, s, us, ms, %, B, KB, MB, TB, c; warn and crit ranges.
_RANGE = r"@?(?:(?:-?[0-9.]+|~)?:)?-?(?:[0-9.]+)?"
PERFDATA = re.compile(
    r"'(?P<label>[^'=|]+)'=(?P<value>-?[0-9.]+)(?P<unit>us|ms|s|%|[KMGT]?B|c)?"
    rf"(?:;(?P<warn>{_RANGE}))?(?:;(?P<crit>{_RANGE}))?"
    r"(?:;(?P<min>-?[0-9.]*))?(?:;(?P<max>-?[0-9.]*))?(?: |\Z)"
)
STATUS = {0: "OK", 1: "WARNING", 2: "CRITICAL", 3: "UNKNOWN"}


@dataclass(frozen=True, slots=True)
class Datum:
    """One performance datum."""

    label: str
    value: float
    warn: str
    crit: str


def performance(answer: Answer) -> dict[str, Datum]:
    """Everything after the bar of the first line, parsed strictly: nothing may be left over."""

    def parsed(text: str) -> Iterator[Datum]:
        at = 0
        while at < len(text):
            found = PERFDATA.match(text, at)
            assert found, text[at:]
            assert found["unit"] is None, "days are a number of things"
            yield Datum(found["label"], float(found["value"]), found["warn"] or "", found["crit"] or "")
            at = found.end()

    _, _, after = answer.stdout.splitlines()[0].partition(" | ")
    found = list(parsed(after))
    assert len({item.label for item in found}) == len(found)
    return {item.label: item for item in found}


def alerts(range_: str, value: float) -> bool:
    """Whether a value is outside a threshold `N:` (guidelines, "Threshold and Ranges")."""
    return bool(range_) and value < float(range_.removesuffix(":"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("healthy", 0),
        ("expiring", 1),
        ("no-answer", 1),
        ("replaced", 2),
        ("expired", 2),
        ("cut-off", 2),
        ("absent", 3),
        ("unreadable", 3),
        ("not-permitted", 3),
        ("no-such-store", 3),
        ("usage", 3),
        ("bug", 3),
        ("interrupted", 3),
    ],
)
def test_the_exit_code_and_the_word_are_those_of_the_guidelines(name: str, code: int) -> None:
    answer = nagios.answer(reports.STATES[name], 30)
    assert answer.code == code
    assert answer.stdout.startswith(f"DSMCERTFIX {STATUS[code]}: ")
    assert answer.stderr == ""


def test_every_state_of_a_machine_is_in_that_table() -> None:
    (mark,) = test_the_exit_code_and_the_word_are_those_of_the_guidelines.pytestmark  # type: ignore[attr-defined]
    assert {name for name, _ in mark.args[1]} == set(reports.STATES)


def test_each_certificate_has_its_days_left_with_thresholds() -> None:
    found = performance(nagios.answer(reports.REPLACED, 30))
    here = reports.HOME
    assert found == {
        f"TSM server TSM01 self-signed key in {here}": Datum(
            f"TSM server TSM01 self-signed key in {here}", 3648, "30:", "0:"
        ),
        f"TSM server TSM02 self-signed key in {here}": Datum(
            f"TSM server TSM02 self-signed key in {here}", -10, "30:", "0:"
        ),
    }


def test_the_thresholds_alert_where_the_status_does() -> None:
    for told, warn, crit in ((reports.EXPIRING, True, False), (reports.EXPIRED, True, True)):
        (datum,) = performance(nagios.answer(told, 30)).values()
        assert (alerts(datum.warn, datum.value), alerts(datum.crit, datum.value)) == (warn, crit)


def test_without_a_warning_limit_the_first_threshold_is_empty() -> None:
    (datum,) = performance(nagios.answer(reports.HEALTHY, 0)).values()
    assert (datum.warn, datum.crit) == ("", "0:")


def test_a_certificate_that_no_session_depends_on_has_no_thresholds() -> None:
    told = report(certificate("ROOT", "ca", -400), certificate())
    ca = performance(nagios.answer(told, 30))[f"TSM server ROOT self-signed key in {reports.HOME}"]
    assert (ca.value, ca.warn, ca.crit) == (-400, "", "")


def test_a_certificate_without_a_date_or_one_to_come_has_no_performance_data() -> None:
    told = report(certificate(days=None), certificate("NEW", "pending", 12))
    assert performance(nagios.answer(told, 30)) == {}
    assert "|" not in nagios.answer(told, 30).stdout


@pytest.mark.parametrize("label", ["it's = | odd", "a\nb | 'x'=1", "\x1b[2J", "'", "=", "\udcff"])
def test_a_hostile_label_breaks_neither_line_nor_performance_data(label: str) -> None:
    odd = certificate("X", "replaced", 5)._replace(label=label, reason=f"because {label}")
    answer = nagios.answer(report(odd, exit_code=ACTION_NEEDED), 30)
    (datum,) = performance(answer).values()
    assert datum.value == 5
    assert answer.stdout.count("|") == 1
    assert len(answer.stdout.splitlines()) == 2
    assert all(line.isprintable() for line in answer.stdout.splitlines())


def test_the_lines_after_the_first_tell_where_action_is_needed() -> None:
    _, *rest = nagios.answer(reports.REPLACED, 30).stdout.splitlines()
    assert rest == [
        f"TSM server TSM02 self-signed key in {reports.HOME}: TSM02 presents another certificate now"
    ]


def test_a_thousand_certificates_stay_below_what_nagios_reads_and_the_urgent_ones_are_kept() -> None:
    many = [certificate(f"T{number:04}", "replaced", number) for number in range(1000)]
    answer = nagios.answer(report(*reversed(many), exit_code=ACTION_NEEDED), 30)
    assert len(answer.stdout.encode()) <= 8192
    kept = [datum.value for datum in performance(answer).values()]
    assert kept == list(range(len(kept))) and 20 < len(kept) < 1000
    assert f"performance data of {1000 - len(kept)} more certificates left out" in answer.stdout


def test_the_name_of_a_datum_does_not_depend_on_what_else_is_there() -> None:
    alone = performance(nagios.answer(report(certificate()), 30))
    among = performance(nagios.answer(reports.REPLACED, 30))
    assert set(alone) < set(among)
