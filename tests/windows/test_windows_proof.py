"""IBM's own TLS is asked on Windows, too: in a child, with copies of the store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.answers import Answer

assert sys.platform == "win32"

from tests.windows.command import fix, open_to_all, run
from tests.windows.played import Machine, played

from dsmcertfix.system.win32 import machine as win_machine


@pytest.fixture
def one() -> Iterator[Machine]:
    """A machine whose store trusts its server."""
    with played() as made:
        made.option_files("TSM01")
        made.endpoint.store(certificates=made.trusted("TSM01"))
        yield made


def proofs(answer: Answer, directory: Path) -> list[tuple[str, int | None]]:
    """What IBM's TLS answered, and with which code."""
    return [(proof["answer"], proof["code"]) for proof in answer.store(directory)["proofs"]]


def test_a_server_that_ibm_s_tls_trusts_is_proved_without_a_session(one: Machine) -> None:
    before = sorted(Path(win_machine.windows_directory(), "Temp").iterdir())
    answer = run("detect", "--prove")
    assert (answer.code, proofs(answer, one.ba)) == (0, [("accepted", 0)])
    assert (one.sessions("TSM01"), one.reconnects) == ([], 0)
    assert sorted(Path(win_machine.windows_directory(), "Temp").iterdir()) == before


def test_a_replaced_certificate_is_refused_with_ibm_s_code_and_the_repair_is_proved(one: Machine) -> None:
    one.server("TSM01").renew()
    answer = run("detect", "--prove")
    assert (answer.code, proofs(answer, one.ba)) == (3, [("refused", 414)])
    repaired = fix()
    assert (repaired.code, proofs(repaired, one.ba)) == (0, [("accepted", 0)])
    assert [step["step"] for step in repaired.report["steps"]][-1] == "prove"
    back = run("rollback", "--yes")
    assert (back.code, proofs(back, one.ba)) == (0, [("refused", 414)])


@pytest.mark.parametrize("what", ["gsk8ssl_64.dll", "gsk8cms_64.dll", "c/icc/icclib", "."])
def test_a_library_that_others_can_change_is_not_loaded(one: Machine, what: str) -> None:
    place = one.endpoint.gsk8capicmd_program.parents[1] / "lib64" / what
    if place.is_file():
        # A copy: the library itself has other names, for all other tests.
        content = place.read_bytes()
        place.unlink()
        place.write_bytes(content)
    open_to_all(place)
    answer = run("detect", "--prove")
    assert (answer.code, proofs(answer, one.ba)) == (0, [("not-made", None)])
    assert "others than the system can change it" in answer.store(one.ba)["proofs"][0]["reason"]
