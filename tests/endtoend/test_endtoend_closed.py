"""Standard streams that whoever started the program had closed: the work and its exit code are the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.answers import Answer
from tests.endtoend.machine import Machine, answer_of

from dsmcertfix.cli import formats as telling
from dsmcertfix.cli import output
from dsmcertfix.errors import NotPermitted
from dsmcertfix.report.result import Report

NOTHING_CLOSED = ""
ALL_CLOSED = "<&- >&- 2>&-"


def closed(argv: list[str], closing: str) -> Answer:
    """The program has ended, started by a shell that closed these streams for it."""
    return answer_of(["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *argv])


@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&-", ALL_CLOSED])
def test_a_repair_and_its_undoing_end_in_what_they_did(machine: Machine, closing: str) -> None:
    before, new = machine.held(), machine.renew("TSMA")
    done = closed(machine.argv("fix", "--yes", "--trust-on-first-use"), closing)
    assert (done.code, "Traceback" in done.stderr) == (0, False)
    machine.require_proved("TSMA", new)
    done = closed(machine.argv("rollback", "--yes"), closing)
    assert (done.code, "Traceback" in done.stderr) == (0, False)
    assert machine.held() == before
    # No journal was opened under the number of a closed stream, and none of what is told was written into it.
    for journal in machine.state.glob("runs/*/journal.jsonl"):
        assert all(line.startswith("{") for line in journal.read_text(encoding="utf-8").splitlines())
    assert machine.run("backups").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("detect",), 3),
        (("detect", "--json"), 3),
        (("detect", "--format", "nagios"), 2),
        (("detect", "--format", "summary"), 3),
        (("locate",), 0),
        (("inspect",), 0),
        (("backups",), 0),
        (("explain", "ANS1592E"), 0),
        (("--version",), 0),
        (("--help",), 0),
        (("fix", "--jobs", "0"), 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("closing", [">&-", ALL_CLOSED])
def test_what_nobody_can_be_told_has_its_exit_code(
    machine: Machine, words: tuple[str, ...], code: int, closing: str
) -> None:
    machine.renew("TSMA")
    whole = closed(machine.argv(*words), NOTHING_CLOSED)
    done = closed(machine.argv(*words), closing)
    assert (whole.code, done.code) == (code, code)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("fix",), (), ("guide",), ("rollback",)], ids=str)
def test_a_closed_input_answers_no_question(machine: Machine, words: tuple[str, ...]) -> None:
    machine.renew("TSMA")
    before = machine.seen()
    done = closed(machine.argv(*words), "<&-")
    assert (done.code, "Traceback" in done.stderr) == (2, False)
    assert "there is no terminal" in done.stderr
    assert machine.seen() == before


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- 2>&-", ALL_CLOSED])
def test_no_file_gets_the_number_of_a_closed_stream(closing: str, tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from dsmcertfix.cli.output import open_streams\n"
        "open_streams()\n"
        "assert None not in (sys.stdin, sys.stdout, sys.stderr)\n"
        "assert sys.stdin.read() == ''\n"
        "assert all(os.get_inheritable(number) for number in range(3))\n"
        f"number = os.open({str(tmp_path / 'later')!r}, os.O_CREAT | os.O_WRONLY)\n"
        "print('told'), print('told', file=sys.stderr)\n"
        "sys.exit(number)\n"
    )
    done = closed([sys.executable, "-c", script], closing)
    assert 3 <= done.code < 10, done.stderr
    assert (tmp_path / "later").read_bytes() == b""


def test_a_bug_in_the_telling_leaves_the_exit_code_of_the_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report("fix", "here", outcome="rolled-back", exit_code=21)

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(output, "show", broken)
    assert telling.tell(report, telling.Telling()) == 21
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("the result cannot be told: a bug in dsmcertfix: KeyError('a bug')")


def test_a_file_for_the_result_that_cannot_be_written_is_no_bug(tmp_path: Path) -> None:
    how = telling.Telling("json", tmp_path / "missing" / "result.json")
    with pytest.raises(NotPermitted):
        telling.tell(Report("detect", "here"), how)
