"""The tarball for nodes without Python: unpacked, it runs from an empty environment and repairs."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.answers import Answer, checked
from tests.endtoend.machine import Machine
from tests.unixpack.conftest import Built

from dsmbench.runtime import scratch
from dsmcertfix import __version__
from dsmpack import onedir

pytestmark = pytest.mark.slow

LIMIT_S = 240.0


@pytest.fixture
def unpacked(built: Built) -> Iterator[Path]:
    """The directory that the tarball holds."""
    with scratch() as directory, tarfile.open(built.one("*.tar.gz")) as archive:
        archive.extractall(directory, filter="tar")
        (found,) = directory.iterdir()
        yield found


def _run(*words: str | Path) -> Answer:
    done = subprocess.run(
        [str(word) for word in words],
        env={},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, {})


def test_it_repairs_from_an_empty_environment(unpacked: Path) -> None:
    with scratch() as directory:
        machine = Machine(directory)
        try:
            machine.stanzas("TSMA")
            machine.endpoint.store(certificates=machine.trusted("TSMA"))
            new = machine.renew("TSMA")
            note = directory / "environment"
            machine.before_dsmc(f"env > '{note}'")
            words = machine.argv("fix", "--yes", "--trust-on-first-use", "--json")[3:]
            answer = checked(_run(unpacked / "dsmcertfix", *words))
            assert (answer.code, answer.report["outcome"]) == (0, "changed")
            machine.require_proved("TSMA", new)
            # A frozen program leads its children to its own libraries, unless it takes care.
            assert str(unpacked) not in note.read_text(encoding="utf-8")
        finally:
            machine.stop()


def test_it_says_its_version_and_helps_through_a_link(unpacked: Path, tmp_path: Path) -> None:
    link = tmp_path / "dsmcertfix"
    link.symlink_to(unpacked / "dsmcertfix")
    assert _run(link, "--version").stdout == f"dsmcertfix {__version__}\n"
    assert "Usage: dsmcertfix fix [OPTIONS]" in _run(link, "fix", "--help").stdout


def test_it_makes_the_page_of_a_fleet_with_what_it_brings(unpacked: Path, tmp_path: Path) -> None:
    # The page's styles and scripts are data of the package, which a frozen program can miss.
    (tmp_path / "one.json").write_text(
        _run(unpacked / "dsmcertfix", "locate", "--json").stdout, encoding="utf-8"
    )
    made = tmp_path / "fleet.html"
    answer = _run(unpacked / "dsmcertfix", "report", tmp_path / "one.json", "-o", made)
    assert answer.code == 0, answer.stderr
    assert "<script" in made.read_text(encoding="utf-8")


def test_it_holds_what_a_node_needs_and_nothing_under_the_gpl(unpacked: Path) -> None:
    names = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")}
    assert {"LICENSE", "INSTALL.txt"} <= {name.removeprefix("licenses/") for name in names}
    assert {"share/man/man1/dsmcertfix.1", "share/completion/dsmcertfix"} <= names
    assert not [name for name in names if "readline" in name]
    for package in ("cryptography", "psutil", "typer", "python"):
        assert any(name.startswith(f"licenses/{package}/LICENSE") for name in names), package


def test_it_says_which_c_library_it_needs(unpacked: Path) -> None:
    major, minor = onedir.glibc(unpacked)
    assert f"It needs glibc {major}.{minor} or newer" in (unpacked / "INSTALL.txt").read_text(
        encoding="utf-8"
    )
