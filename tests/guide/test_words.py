"""The words of the guided repair, whatever is reported."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dsmcertfix.errors import Problem
from dsmcertfix.report.render import guide
from dsmcertfix.report.render.lines import wrap
from dsmcertfix.report.result import CertificateReport, PresentedReport, Report, StepReport, StoreReport

WORDS = st.text(alphabet="ab/-.x", min_size=1, max_size=60)
OLD, NEW = "ab" * 32, "cd" * 32


def server(name: str, sha256: str = NEW) -> PresentedReport:
    return PresentedReport(f"{name}.example:1500", (name,), sha256, not_after="2032-11-14T00:00:00Z")


def stale(name: str) -> CertificateReport:
    return CertificateReport(
        f"TSM server {name} self-signed key",
        OLD,
        not_after="2022-11-14T00:00:00Z",
        days_left=-5,
        status="replaced",
        reason=f"{name} presents another certificate now",
    )


@given(
    text=st.lists(WORDS, max_size=12), width=st.integers(20, 90), indent=st.sampled_from(["", "  ", "    "])
)
def test_no_line_is_too_wide_and_nothing_is_lost(text: list[str], width: int, indent: str) -> None:
    wrapped = wrap(" ".join(text), width, indent)
    assert all(len(line) <= width for line in wrapped.split("\n"))
    assert "".join(wrapped.split()) == "".join(text)
    assert all(line.startswith(indent) for line in wrapped.split("\n"))


def test_a_path_that_is_too_long_is_broken_before_a_slash() -> None:
    path = "/opt/tivoli/tsm/client/ba/bin"
    assert wrap(path, 20, "  ").split("\n") == ["  /opt/tivoli/tsm", "  /client/ba/bin"]


def test_a_server_whose_name_begins_another_one_s_is_not_taken_for_it() -> None:
    report = Report(
        "plan",
        "host",
        stores=(StoreReport("1", "/a", stanzas=("TSM1", "TSM10"), certificates=(stale("TSM10"),)),),
        servers=(server("TSM1"), server("TSM10")),
    )
    said = " ".join(guide.findings(report, 78).split())
    assert "trusts the old certificate of server TSM10." in said
    assert "trusts the old certificate of server TSM1." not in said


def test_dates_are_in_words_and_the_fingerprint_is_in_groups_to_be_read_aloud() -> None:
    store = StoreReport("1", "/a", stanzas=("TSM01",), certificates=(stale("TSM01"),))
    report = Report("plan", "host", stores=(store,), servers=(server("TSM01"),))
    said = guide.findings(report, 78)
    flat = " ".join(said.split())
    assert (
        "It expired on 14 November 2022. The server now shows a new one, valid until 14 November 2032."
        in flat
    )
    assert said.count(f"  {':'.join(['CD'] * 16)}") == 2


def test_nothing_is_asked_where_nothing_can_be_done() -> None:
    steps = (StepReport("1", "swap", "", "planned"),)
    store = StoreReport("1", "/a", stanzas=("TSM01",), certificates=(stale("TSM01"),))
    can = Report("plan", "host", stores=(store,), steps=steps, servers=(server("TSM01"),))
    assert guide.question(can) == "Shall I replace it now?"
    problem = Problem("CannotReconnect", "server-refused", "no")
    cannot = StoreReport("1", "/a", stanzas=("TSM01",), certificates=(stale("TSM01"),), problem=problem)
    assert guide.question(Report("plan", "host", stores=(cannot,), steps=steps)) == ""


def test_only_a_certificate_that_is_new_here_is_said_to_be_trusted_now() -> None:
    fresh, other = CertificateReport("N", NEW, status="ok"), CertificateReport("O", "ef" * 32, status="ok")
    servers = (server("TSM01"), server("TSM02", other.sha256))
    was = StoreReport("1", "/a", stanzas=("TSM01", "TSM02"), certificates=(stale("TSM01"), other))
    now = StoreReport("1", "/a", stanzas=was.stanzas, certificates=(fresh, other), outcome="changed")
    before = Report("plan", "host", stores=(was,), servers=servers)
    report = Report("fix", "host", outcome="changed", run="R", stores=(now,), servers=servers)
    said = " ".join(guide.result(report, 78, asked=True, before=before).split())
    assert "This computer now trusts the new certificate of TSM01." in said


def test_a_broken_store_is_told_as_such_and_not_as_put_back() -> None:
    problem = Problem("NotRestored", "not-restored", "it could not be put back", hint="Call.")
    stores = (StoreReport("1", "/a", outcome="broken", problem=problem),)
    report = Report("fix", "host", outcome="broken", exit_code=30, run="R", stores=stores)
    said = " ".join(guide.result(report, 78, asked=True).split())
    assert "Do not try again: call the backup team." in said and "as it was before" not in said
    assert said.endswith("Reference for the ticket: R")


def found(
    status: str, sha256: str = NEW, *, problem: Problem | None = None, steps: tuple[StepReport, ...] = ()
) -> tuple[str, str]:
    """What is said of a store with a certificate of TSM01 with that status, and the question."""
    one = CertificateReport(
        "TSM server TSM01 self-signed key",
        sha256,
        not_before="2030-03-01T00:00:00Z",
        days_left=900,
        status=status,
        reason="TSM01 is not trusted by it",
    )
    store = StoreReport("1", "/a", stanzas=("TSM01",), certificates=(one,), problem=problem)
    report = Report("plan", "host", stores=(store,), servers=(server("TSM01"),), steps=steps)
    return " ".join(guide.findings(report, 78).split()), guide.question(report)


def test_a_certificate_of_days_to_come_is_not_called_old_nor_trusted() -> None:
    for sha256 in (OLD, NEW):
        said, _ = found("not-yet-valid", sha256)
        assert "not valid before 1 March 2030" in said and "Check the clock" in said
        assert "trusts the old certificate" not in said
        assert "This computer trusts" not in said and "renewed" not in said


def test_a_certificate_that_is_marked_as_not_trusted_is_put_in_once_more() -> None:
    said, _ = found("untrusted")
    assert "it is marked there as not trusted" in said and "put in once more" in said
    other, _ = found("untrusted", OLD)
    assert "does not trust the server by it: TSM01 is not trusted by it." in other
    authority, _ = found(
        "untrusted", problem=Problem("CannotReconnect", "authority-needed", "A CA is needed")
    )
    assert "put in once more" not in authority and "A CA is needed" in authority


def test_a_password_that_ran_out_is_set_anew_and_no_server_is_called_well() -> None:
    step = StepReport("1", "keep-password", "set the password of the copy anew", "planned")
    said, question = found("ok", steps=(step,))
    assert question == "Shall I set the password again now?"
    assert "whose password expired" in said and "changes no certificate" in said
    assert "all is well" not in said
    assert guide.stage("keep-password", 2) == (3, "Setting the same password again")
    well, _ = found("ok")
    assert "all is well" in well and "password" not in well
