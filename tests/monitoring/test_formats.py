"""`detect --format …` as a process on a machine of the bench, and the file that a collector reads."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.endtoend.machine import Machine

from dsmcertfix.errors import NotPermitted
from dsmcertfix.system.output_file import READABLE, write_whole

FORMATS = ("sccm", "sccm-item", "intune", "nagios")


def answers(machine: Machine) -> dict[str, tuple[int, str, str]]:
    """Format to exit code and both outputs."""
    found = {name: machine.text("detect", "--format", name) for name in FORMATS}
    return {name: (item.code, item.stdout.strip(), item.stderr) for name, item in found.items()}


def test_before_and_after_a_repair_each_console_is_told_in_its_own_way(machine: Machine) -> None:
    machine.renew("TSMA")
    label = machine.endpoint.label("TSMA")
    before = answers(machine)
    assert before["sccm"] == (0, "", "")
    assert before["sccm-item"] == (0, "NonCompliant", "")
    assert before["intune"][::2] == (1, "") and label in before["intune"][1]
    assert before["nagios"][::2] == (2, "") and f"'{label} in {machine.ba}'=" in before["nagios"][1]

    assert machine.fix().code == 0
    after = answers(machine)
    assert after["sccm"] == after["sccm-item"] == (0, "Compliant", "")
    assert after["intune"] == (0, "no action needed: 1 certificate in 1 store checked", "")
    assert after["nagios"][0] == 0 and after["nagios"][1].startswith("DSMCERTFIX OK: no action needed")


def test_a_server_that_does_not_answer_is_told_as_what_it_is(machine: Machine) -> None:
    machine.stop()
    found = answers(machine)
    assert found["sccm"][:2] == found["sccm-item"][:2] == (16, "")
    assert found["sccm"][2].startswith("could not be checked: ")
    assert found["intune"][::2] == (16, "") and found["intune"][1].startswith("could not be checked: ")
    assert found["nagios"][0] == 1


def test_format_json_and_the_option_json_tell_the_same(machine: Machine) -> None:
    old, new = machine.run("detect"), machine.text("detect", "--format", "json")
    read = json.loads(new.stdout)
    assert read | {"at": None} == dict(old.report) | {"at": None}
    assert read["at"].endswith("Z")


def test_a_summary_of_detect_and_of_fix_is_one_line_for_run_script(machine: Machine) -> None:
    machine.renew("TSMA")
    found = machine.text("detect", "--format", "summary")
    assert found.code == 3 and json.loads(found.stdout)["state"] == "needed"
    done = machine.text("fix", "--yes", "--trust-on-first-use", "--format", "summary")
    told = json.loads(done.stdout)
    assert (done.code, told["state"], told["changed"]) == (0, "changed", True)
    assert len(done.stdout) < 2048


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--format", "nagios", "--nonsense"), 3),
        (("--format=nagios", "--store", "/nowhere"), 3),
        (("--format", "intune", "--nonsense"), 2),
        (("--format", "sccm", "--nonsense"), 2),
        (("--format", "prometheus", "--nonsense"), 2),
        (("--format", "nagios", "--json"), 2),
        (("--format", "summary", "--exit-profile", "configmgr"), 2),
    ],
)
def test_a_wrong_command_line_is_told_in_the_format_that_was_asked_for(
    machine: Machine, words: tuple[str, ...], code: int
) -> None:
    answer = machine.text("detect", *words)
    assert answer.code == code
    if words[0].startswith("--format=nagios") or words == ("--format", "nagios", "--nonsense"):
        assert answer.stdout.startswith("DSMCERTFIX UNKNOWN: ") and answer.stderr == ""
    if words[:2] == ("--format", "intune"):
        assert answer.stdout.startswith("could not be checked: ") and answer.stderr == ""
    if words[:2] == ("--format", "sccm"):
        assert answer.stdout == "" and answer.stderr


def test_a_profile_that_this_system_has_no_exit_codes_for_is_refused(machine: Machine) -> None:
    answer = machine.run("fix", "--yes", "--trust-on-first-use", "--exit-profile", "configmgr")
    assert (answer.code, answer.problem) == (2, "exit-profile-needs-windows")


def test_the_metrics_are_written_whole_and_the_collector_may_read_them(machine: Machine) -> None:
    machine.renew("TSMA")
    target = machine.directory / "dsmcertfix.prom"
    answer = machine.text("detect", "--format", "prometheus", "--output", target)
    assert (answer.code, answer.stdout, answer.stderr) == (0, "", "")
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    text = target.read_text(encoding="utf-8")
    assert text.endswith("\n") and "\r" not in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["dsmcertfix_action_needed"].samples[0].value == 1
    assert [item.name for item in machine.directory.iterdir() if item.name.endswith(".tmp")] == []


def test_other_results_in_a_file_are_closed_to_others(machine: Machine) -> None:
    target = machine.directory / "found.json"
    assert machine.text("detect", "--json", "--output", target).code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert json.loads(target.read_text(encoding="utf-8"))["command"] == "detect"


def test_a_file_that_cannot_be_written_is_an_error_and_not_a_finding(machine: Machine) -> None:
    answer = machine.text("detect", "--format", "prometheus", "--output", "/nowhere/x.prom")
    assert answer.code == 12 and "[output-not-written]" in answer.stderr


# --- the file


def test_a_reader_sees_the_old_file_or_the_new_one_and_never_half(tmp_path: Path) -> None:
    target, seen, ended = tmp_path / "x.prom", set(), threading.Event()
    contents = [bytes([65 + number]) * 200_000 for number in range(4)]
    write_whole(target, [contents[0]], READABLE)

    def read() -> None:
        while not ended.is_set():
            seen.add(target.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(80):
            write_whole(target, [contents[number % 4]], READABLE)
    finally:
        ended.set()
        reader.join()
    assert seen <= set(contents) and len(seen) > 1


def test_nothing_is_left_behind_and_the_old_file_stays_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "x.prom"
    target.write_bytes(b"old")

    def parts() -> Iterator[bytes]:
        yield b"new"
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        write_whole(target, parts())
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_in_the_place_of_the_file_is_replaced_and_its_target_left_alone(tmp_path: Path) -> None:
    precious, target = tmp_path / "precious", tmp_path / "x.prom"
    precious.write_bytes(b"precious")
    target.symlink_to(precious)
    write_whole(target, [b"new"], READABLE)
    assert precious.read_bytes() == b"precious" and not target.is_symlink()


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.prom"
    target.write_bytes(b"old")
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from dsmcertfix.system.output_file import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from dsmcertfix.errors import NotPermitted\n"
        "try: write_whole(Path(sys.argv[1]), [b'x' * 5000])\n"
        "except NotPermitted as error: print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "output-not-written"
    assert target.read_bytes() == b"old" and os.listdir(tmp_path) == ["x.prom"]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotPermitted, match="No such file or directory"):
        write_whole(tmp_path / "none" / "x", [b""])
