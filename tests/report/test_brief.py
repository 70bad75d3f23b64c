"""A result fits a window of 24 lines, however many stores there are, and says each cause once."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsmcertfix.errors import CannotReconnect, FailedSession, Outcome, Problem, ReconnectFailed
from dsmcertfix.report.render import text
from dsmcertfix.report.render.brief import COMMANDS, Typed
from dsmcertfix.report.render.lines import command, fingerprint
from dsmcertfix.report.render.why import ROOM
from dsmcertfix.report.result import (
    CertificateReport,
    PresentedReport,
    Report,
    StepReport,
    StoreReport,
    decided,
)

OLD, NEW = "ab" * 32, "cd" * 32
RUN = "20261129T120000Z-abcdef"
WIDTHS = (40, 80, 120, None)
DOWN = CannotReconnect("server-refused", "server b.example:1500 cannot be asked: nothing listens").problem()


def strict(node: str, stanza: str = "TSM01", server: str = "b.example:1500") -> Problem:
    error = ReconnectFailed("client-not-connected", f"the client did not connect with stanza {stanza}")
    return error.problem()._replace(session=FailedSession(stanza, server, node, "ANS1592E"))


def held(status: str) -> CertificateReport:
    end = "2036-11-25T00:00:00Z"
    return CertificateReport(
        "TSM server TSM01 self-signed key", OLD, not_after=end, status=status, server="b.example:1500"
    )


def stores(
    count: int, status: str, outcome: Outcome = "unchanged", problem: Problem | None = None
) -> tuple[StoreReport, ...]:
    found = []
    for number in range(count):
        own = problem and problem._replace(session=problem.session and strict(f"NODE{number:03}").session)
        found.append(
            StoreReport(
                str(number),
                f"/home/user{number:03}/IBM/SpectrumProtect/certs",
                owner=f"user{number:03}",
                stanzas=(f"TSM01_{number}", "TSM01"),
                outcome=outcome,
                certificates=(held(status),),
                problem=own,
            )
        )
    return tuple(found)


def server(silent: bool = False) -> PresentedReport:
    if silent:
        return PresentedReport("b.example:1500", ("TSM01",), problem=DOWN)
    return PresentedReport("b.example:1500", ("TSM01",), NEW, not_after="2036-11-25T00:00:00Z")


def scene(name: str, kind: str, count: int) -> Report:
    """What that command says of so many stores on such a machine."""
    status = "ok" if kind == "fine" else "replaced"
    planning = name in ("detect", "plan")
    problem = {"STRICT": None if planning else strict("N"), "down": DOWN}.get(kind)
    problem = None if name == "detect" else problem
    ended: dict[str, Outcome] = {"outdated": "changed", "STRICT": "rolled-back"}
    outcome = "unchanged" if planning else ended.get(kind, "unchanged")
    steps = tuple(
        StepReport(str(number), step, "told", "planned")
        for number, step in product(range(count), ("preflight", "back-up", "delete-label", "reconnect"))
    )
    report = Report(
        name,
        "here",
        stores=stores(count, status, outcome, problem),
        steps=steps if name == "plan" and kind != "fine" else (),
        servers=(server(kind == "down"),),
        warnings=(f"compare SHA-256 {NEW} with the server's cert256.arm",)
        if name == "plan" and kind != "fine"
        else (),
        run=None if planning or kind == "fine" else RUN,
        log=None if planning else "/var/lib/dsmcertfix/log/dsmcertfix.log",
        comment=f"{count} stores",
    )
    report = decided(report)
    return report._replace(exit_code=3) if name == "detect" and kind != "fine" else report


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 13, 200])
@pytest.mark.parametrize("kind", ["fine", "outdated", "STRICT", "down"])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_result_fits_the_window(name: str, kind: str, count: int, width: int | None) -> None:
    for asking in (False, True):
        shown = text.render(scene(name, kind, count), width=width, asking=asking).splitlines()
        assert len(shown) <= ROOM
        assert [line for line in shown if len(line) > (width or 120)] == []


@given(
    count=st.integers(1, 30),
    codes=st.lists(st.sampled_from(["a-a", "b-b", "c-c", "d-d", "e-e"]), min_size=1, max_size=30),
    notes=st.lists(st.text(max_size=400), max_size=12),
    width=st.integers(40, 130),
)
def test_whatever_is_wrong_it_fits(count: int, codes: list[str], notes: list[str], width: int) -> None:
    told = tuple(
        store._replace(
            problem=Problem("StoreUnreadable", codes[number % len(codes)], "m " * 99, hint="h " * 99)
        )
        for number, store in enumerate(stores(count, "replaced"))
    )
    report = scene("fix", "down", 1)._replace(stores=told, warnings=tuple(notes), exit_code=14)
    shown = text.render(report, width=width).splitlines()
    assert len(shown) <= ROOM
    assert [line for line in shown if len(line) > width] == []
    assert shown[0].startswith("Not all is done") and "Next:" in shown


def test_all_nodes_of_a_server_stand_together_as_commands_to_be_copied() -> None:
    shown = text.render(scene("fix", "STRICT", 13), width=80).splitlines()
    lines = [f"  UPDATE NODE NODE{number:03} SESSIONSECURITY=TRANSITIONAL" for number in range(13)]
    at = shown.index(lines[0])
    assert shown[at : at + 13] == lines
    assert "refused 13 nodes: they are STRICT" in " ".join(" ".join(shown).split())


def test_what_is_the_same_for_all_stores_is_said_once_with_the_count() -> None:
    shown = " ".join(text.render(scene("detect", "outdated", 200), width=80).split())
    assert shown.startswith("Action is needed: 200 of 200 stores.")
    assert shown.count("presents another certificate") == 1
    assert "and 195 more stores" in shown
    assert "dsmcertfix plan" in shown and "dsmcertfix fix" in shown


def test_servers_that_do_not_answer_are_one_sentence() -> None:
    other = PresentedReport("c.example:1500", ("TSM01_1",), problem=DOWN)
    report = scene("fix", "down", 2)._replace(servers=(server(silent=True), other))
    shown = text.render(report, width=80)
    assert shown.count("No server answers: is this computer on the network or VPN?") == 1


def test_a_result_names_what_can_be_done_next_with_what_was_typed() -> None:
    typed = Typed("dsmcertfix --root /mnt", "--yes --expect-file cert256.arm")
    assert "dsmcertfix --root /mnt fix --yes --expect-file cert256.arm" in text.render(
        scene("fix", "STRICT", 1), width=120, typed=typed
    )
    done = text.render(scene("fix", "outdated", 1), width=120, typed=typed)
    assert f"undo this run: dsmcertfix --root /mnt rollback {RUN}" in done
    assert "try again" not in done


def test_what_has_to_be_compared_stands_right_above_the_question() -> None:
    shown = text.render(scene("plan", "outdated", 13), width=80, asking=True).splitlines()
    assert shown[-1].strip().startswith("openssl x509 -noout -fingerprint -sha256")
    assert any("CD:CD:CD" in line for line in shown[-8:])


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_fingerprint_has_openssl_s_form_in_lines_of_one_length(width: int) -> None:
    lines = fingerprint(NEW, width).splitlines()
    assert "".join(line.strip() for line in lines) == ":".join(["CD"] * 32)
    assert len({len(line.rstrip(":")) for line in lines}) == 1
    assert all(len(line) <= width for line in lines)


def test_a_command_that_is_too_long_goes_on_in_the_next_line() -> None:
    line = "UPDATE NODE A-LONG-NAME SESSIONSECURITY=TRANSITIONAL"
    shown = command(line, 40)
    assert shown.replace(" \\\n", " ").split() == line.split()
    assert all(len(part) <= 40 for part in shown.splitlines())


def test_nothing_is_wrong_is_told_with_what_the_server_shows() -> None:
    shown = text.render(scene("detect", "fine", 13), width=80)
    assert shown.startswith("No action is needed: 13 stores checked.")
    assert "TSM01 (b.example:1500) shows a certificate valid until 2036-11-25 UTC." in shown
    assert "dsmcertfix explain" in shown


def test_servers_that_do_not_answer_are_named_instead_of_the_stores() -> None:
    other = PresentedReport("c.example:1500", ("TSM02",), problem=DOWN)
    report = scene("fix", "down", 2)._replace(servers=(server(silent=True), other))
    report = report._replace(stores=tuple(one._replace(stanzas=("TSM01", "TSM02")) for one in report.stores))
    shown = text.render(report, width=80).splitlines()
    at = next(number for number, line in enumerate(shown) if "No server answers" in line)
    assert shown[at + 1 : at + 3] == ["  - TSM01 (b.example:1500)", "  - TSM02 (c.example:1500)"]
    assert not any("/home/user" in line for line in shown)


def test_more_refused_nodes_than_fit_are_in_the_history_whose_command_is_named() -> None:
    shown = " ".join(text.render(scene("fix", "STRICT", 40), width=80).split())
    assert f"more nodes; `dsmcertfix history {RUN}` lists all" in shown


def test_what_was_typed_for_detect_is_kept_for_the_repair() -> None:
    typed = Typed("dsmcertfix", "--prove --policy p.toml", for_repair="--policy p.toml")
    shown = text.render(scene("detect", "outdated", 1), width=120, typed=typed)
    assert "repair: dsmcertfix fix --policy p.toml\n" in shown
    assert "dsmcertfix plan --policy p.toml\n" in shown
    assert "dsmcertfix --verbose detect --prove --policy p.toml" in shown


def test_who_needs_root_is_not_told_to_try_again_without_it() -> None:
    denied = Problem("NotPermitted", "access-denied", "the system denies access")
    report = scene("fix", "down", 2)._replace(stores=stores(2, "replaced", problem=denied), servers=())
    shown = text.render(report, width=80)
    assert "with all rights: sudo dsmcertfix fix" in shown
    assert "try again" not in shown


def test_a_store_that_needed_nothing_is_not_told_like_one_that_was_left() -> None:
    done = scene("fix", "outdated", 1)
    fine = stores(3, "ok")[2]._replace(id="9")
    assert text.render(done._replace(stores=(*done.stores, fine)), width=80).startswith(
        "Done: 1 store changed, 1 store needed nothing.\n"
    )


def test_above_the_question_of_a_rollback_are_the_stores_and_nothing_to_compare() -> None:
    report = scene("rollback", "fine", 2)._replace(
        comment=f"would undo run {RUN}",
        warnings=("use the server's cert256.arm",),
    )
    shown = text.render(report, width=80, asking=True)
    assert "/home/user000/" in shown and "/home/user001/" in shown
    assert "openssl" not in shown
