"""What becomes of a test that fails: whole runs of pytest, with tests that fail as often as they are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests import again

TOP = Path(__file__).resolve().parents[1]
CONFTEST = """
from tests import again
def pytest_addoption(parser):
    parser.addoption("--all", action="store_true")
    again.add_option(parser)
def pytest_configure(config):
    again.register(config)
"""
TESTS = """
import pathlib, pytest
def outcome(name):
    # What is left of the test's outcomes, a letter for a run: f fails, e fails after the test, p passes.
    left = pathlib.Path(name)
    letters = left.read_text()
    left.write_text(letters[1:])
    return letters[0]
@pytest.fixture
def letter(request):
    found = outcome(request.param)
    yield found
    assert found != "e", "the first output"
@pytest.mark.parametrize("letter", NAMES, indirect=True, ids=lambda name: f"{name} [a@b]")
def test_it(letter):
    print("printed by the test")
    assert letter != "f", "the first output"
"""
SETTINGS = "[pytest]\naddopts = -q -p no:cacheprovider\n"
SERIAL: tuple[str, ...] = ()
PARALLEL = ("-p", "xdist", "-n", "2", "--dist", "loadscope")


class Run:
    """A run of tests that end, each time they run, as their letters say; it has ended."""

    def __init__(self, directory: Path, letters: tuple[str, ...], *options: str):
        self._files = [directory / f"outcomes{number}" for number in range(len(letters))]
        for file, content in zip(self._files, letters, strict=True):
            file.write_text(content)
        (directory / "conftest.py").write_text(CONFTEST)
        names = [file.name for file in self._files]
        (directory / "test_made.py").write_text(TESTS.replace("NAMES", repr(names)))
        (directory / "pytest.ini").write_text(SETTINGS)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {"PYTHONPATH": str(TOP), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.code = done.returncode
        self.lines = done.stdout.splitlines()
        self.closing = self.lines[-1]

    def left(self) -> list[str]:
        """The letters that no run of the test has used."""
        return [file.read_text() for file in self._files]


@pytest.mark.parametrize("options", [SERIAL, PARALLEL], ids=["serial", "parallel"])
@pytest.mark.parametrize("first", "fe")
def test_what_passes_twice_alone_is_told_by_name_with_its_first_output_and_is_no_failure(
    options: tuple[str, ...], first: str, tmp_path: Path
) -> None:
    run = Run(tmp_path, ("p", f"{first}pp"), "--again", *options)
    assert (run.code, run.left()) == (0, ["", ""])
    assert "1 flaky" in run.closing
    assert "failed" not in run.closing
    heading = next(number for number, line in enumerate(run.lines) if again.TITLE in line)
    told = run.lines[heading:]
    assert [line for line in told if line.startswith("FLAKY")] == [
        "FLAKY test_made.py::test_it[outcomes1 [a@b]]"
    ]
    assert any("the first output" in line for line in told)
    assert "printed by the test" in told


@pytest.mark.parametrize(("letters", "unused"), [("ffp", "p"), ("fpf", "")])
def test_what_fails_once_more_fails_the_run(letters: str, unused: str, tmp_path: Path) -> None:
    run = Run(tmp_path, ("p", letters), "--again", *SERIAL)
    assert (run.code, run.left()) == (1, ["", unused])
    assert "1 failed, 1 passed" in run.closing
    assert not any(again.TITLE in line for line in run.lines)


def test_one_that_fails_again_fails_the_run_beside_a_flaky_one(tmp_path: Path) -> None:
    run = Run(tmp_path, ("fpp", "ff"), "--again", *PARALLEL)
    assert run.code == 1
    assert "1 failed" in run.closing
    assert "1 flaky" in run.closing


@pytest.mark.parametrize(("flaky", "code"), [(3, 0), (4, 1)])
def test_more_than_three_flaky_tests_fail_the_run(flaky: int, code: int, tmp_path: Path) -> None:
    run = Run(tmp_path, ("fpp",) * flaky, "--again", *SERIAL)
    assert (run.code, run.left()) == (code, [""] * flaky)
    assert f"{flaky} flaky" in run.closing
    assert ("More than 3 flaky tests: the run has failed" in run.lines) is (code == 1)


def test_where_very_many_fail_none_is_run_again(tmp_path: Path) -> None:
    run = Run(tmp_path, ("fpp",) * 21, "--again", *SERIAL)
    assert (run.code, run.left()) == (1, ["pp"] * 21)
    assert "21 tests failed: none is run again" in run.lines


def test_nothing_is_run_again_without_the_option(tmp_path: Path) -> None:
    run = Run(tmp_path, ("fpp",), *SERIAL)
    assert (run.code, run.left()) == (1, ["pp"])


def test_a_file_that_cannot_be_read_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("assert False, 'at import'")
    run = Run(tmp_path, ("p",), "--again", *SERIAL)
    assert run.code == 2
    assert not any("again" in line for line in run.lines)


def test_a_test_that_ends_its_process_is_run_again(tmp_path: Path) -> None:
    text = "import os, pathlib\ndef test_dies():\n    if not pathlib.Path('d').exists():\n"
    text += "        pathlib.Path('d').touch()\n        os._exit(1)\n"
    (tmp_path / "test_dies.py").write_text(text)
    run = Run(tmp_path, ("p",), "--again", *PARALLEL)
    assert run.code == 0
    assert "FLAKY test_dies.py::test_dies" in run.lines
