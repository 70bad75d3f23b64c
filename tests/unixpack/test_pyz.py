"""dsmcertfix.pyz on the node's side: every Python without any package, an empty environment, no network."""

from __future__ import annotations

import marshal
import os
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import namespaces
from tests.answers import Answer, checked
from tests.endtoend.machine import Machine
from tests.namespaces import View
from tests.shown import not_shown
from tests.unixpack import pythons

from dsmbench.runtime import scratch
from dsmcertfix import __version__
from dsmpack.pyz import BYTECODE
from dsmpack.wheels import COMPILED, PYTHONS

pytestmark = pytest.mark.slow

LIMIT_S = 240.0
CANNOT_RUN = 127
MOST_BYTES = 5 << 20
NOBODY = 65534


@pytest.fixture
def var_cache() -> Iterator[Path]:
    """What root's programs find in /var/cache."""
    namespaces.require()
    with scratch() as directory:
        yield directory


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine with one server, whose certificate was renewed."""
    with scratch() as directory:
        made = Machine(directory)
        try:
            made.stanzas("TSMA")
            made.endpoint.store(certificates=made.trusted("TSMA"))
            yield made
        finally:
            made.stop()


def said(argv: list[str]) -> Answer:
    """The program has ended, run from an empty environment."""
    done = subprocess.run(
        argv,
        env={},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, {})


def python(version: str) -> Path:
    found = pythons.find(version)
    if found is None:
        not_shown(f"there is no Python {version}")
    return found


@pytest.mark.parametrize("version", PYTHONS)
def test_a_bare_python_repairs_from_an_empty_environment(
    version: str, pyz: Path, var_cache: Path, machine: Machine
) -> None:
    new = machine.renew("TSMA")
    view = View({"/var/cache": var_cache})
    words = [*machine.argv("fix", "--yes", "--trust-on-first-use", "--json")[3:]]
    # -S: no package that somebody has put beside this Python is seen.
    answer = checked(said(view.argv(python(version), "-I", "-S", pyz, *words)))
    assert answer.code == 0
    assert answer.report["outcome"] == "changed"
    machine.require_proved("TSMA", new)
    assert said(view.argv(python(version), pyz, "--version")).stdout == f"dsmcertfix {__version__}\n"
    assert list(var_cache.iterdir()) == []


def test_it_starts_by_itself_without_path_and_network(pyz: Path, var_cache: Path) -> None:
    if pythons.of_the_system() is None:
        not_shown("there is no Python 3.10 to 3.14 in /usr/bin or /usr/local/bin")
    answer = said(View({"/var/cache": var_cache}, network=False).argv(pyz, "--version"))
    assert (answer.code, answer.stdout, answer.stderr) == (0, f"dsmcertfix {__version__}\n", "")


def test_it_holds_python_alone(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
    assert [name for name in names if name.endswith((".so", ".c", ".pyx", ".whl"))] == []
    assert {name.partition("/")[0] for name in names} & COMPILED == set()
    assert pyz.stat().st_size < MOST_BYTES


def test_its_bytecode_is_that_of_its_source(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    compiled = {name: data for name, data in content.items() if name.endswith(".pyc")}
    assert all(name.startswith(f"{BYTECODE}/") for name in compiled)
    assert f"{BYTECODE}/dsmcertfix/cli/__init__.pyc" in compiled
    for name, data in compiled.items():
        source = name.removeprefix(f"{BYTECODE}/").removesuffix("c")
        code = compile(content[source], source, "exec", dont_inherit=True)
        assert marshal.loads(data[16:]) == code


@pytest.mark.parametrize("version", PYTHONS)
def test_a_python_takes_the_bytecode_that_it_can_run_and_no_other(version: str, pyz: Path) -> None:
    script = (
        "import importlib.util, os, runpy, sys\n"
        "os._exit = sys.exit\n"
        f"sys.argv = ['dsmcertfix', '--version']\n"
        "try:\n"
        f"    runpy.run_path({str(pyz)!r}, run_name='__main__')\n"
        "except SystemExit:\n"
        "    print(importlib.util.MAGIC_NUMBER.hex(), sys.modules['dsmcertfix'].__file__)"
    )
    told, number, file = said([str(python(version)), "-I", "-c", script]).stdout.rsplit(maxsplit=2)
    assert told == f"dsmcertfix {__version__}"
    assert file.startswith(f"{pyz}/{BYTECODE}/" if BYTECODE.endswith(number) else f"{pyz}/dsmcertfix/")


def test_the_nodes_own_cryptography_reads_where_it_can_be_used(pyz: Path) -> None:
    found = pythons.of_the_system() or not_shown("no Python")
    seen = said([str(found), "-I", "-c", "import cryptography; print(cryptography.__version__)"])
    version = seen.stdout.strip()
    if seen.code or int(version.partition(".")[0]) < 36:
        not_shown(f"{found} has no cryptography that can be used")
    script = "from dsmcertfix.ibm.key_database import reading; print(reading.library())"
    answer = said([str(found), "-I", "-c", f"import sys; sys.path.insert(0, {str(pyz)!r}); {script}"])
    assert (answer.code, answer.stdout.strip()) == (0, version), answer.stderr


def test_an_old_python_is_told(pyz: Path) -> None:
    old = next((found for name in ("3.9", "3.8", "3.7", "3.6") if (found := pythons.find(name))), None)
    if old is None:
        not_shown("there is no Python older than 3.10")
    answer = said([str(old), str(pyz), "--version"])
    assert answer.code == CANNOT_RUN
    assert "Python 3.10 or newer can run this file" in answer.stderr
    assert "Nothing was changed." in answer.stderr


def test_it_leaves_nothing_in_a_users_home(pyz: Path) -> None:
    if os.geteuid() != 0:
        not_shown("only root can start a program as somebody else")
    with scratch() as home:
        os.chown(home, NOBODY, NOBODY)
        copy = home / "dsmcertfix.pyz"
        copy.write_bytes(pyz.read_bytes())
        done = subprocess.run(
            [str(pythons.of_the_system() or not_shown("no Python")), str(copy), "--version"],
            env={"HOME": str(home)},
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, f"dsmcertfix {__version__}\n", "")
        assert list(home.iterdir()) == [copy]


EVIL = "import os; os.makedirs('{note}', exist_ok=True)\n"


def test_root_runs_nothing_that_a_kept_environment_names(pyz: Path, var_cache: Path) -> None:
    with scratch() as home:
        note = home / "run-as-root"
        for name in ("evil.py", "typer.py", "cryptography.py"):
            (home / name).write_text(EVIL.format(note=note), encoding="utf-8")
        for path in (home, *home.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        kept = {
            "HOME": str(home),
            "PYTHONPATH": str(home),
            "PATH": str(home),
            "PYTHONSTARTUP": str(home / "evil.py"),
        }
        before = {path.name for path in home.iterdir()}
        found = pythons.of_the_system()
        if found is None:
            not_shown("there is no Python 3.10 to 3.14 in /usr/bin or /usr/local/bin")
        # By itself, and by a Python that somebody named.
        for words in ((pyz,), (found, pyz)):
            answer = said(View({"/var/cache": var_cache}).argv(*words, "locate", "--json", **kept))
            assert answer.code in (0, 10), answer.stderr
        assert {path.name for path in home.iterdir()} == before
