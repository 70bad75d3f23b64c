"""dsmcertfix.pyz on the node's side: every Python, an empty environment, no network, hostile caches."""

from __future__ import annotations

import os
import platform
import stat
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
from tests.unixpack.conftest import Built

from dsmbench.runtime import scratch
from dsmcertfix import __version__
from dsmpack.wheels import MACHINES, PYTHONS

pytestmark = pytest.mark.slow

LIMIT_S = 240.0
NOT_PERMITTED, NO_ROOM, CANNOT_RUN = 12, 14, 127
CACHE = "/var/cache/dsmcertfix"
NOBODY = 65534


@pytest.fixture
def pyz(built: Built) -> Path:
    """The file as it is shipped."""
    return built.one("*.pyz")


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
def test_it_repairs_from_an_empty_environment_under(
    version: str, pyz: Path, var_cache: Path, machine: Machine
) -> None:
    new = machine.renew("TSMA")
    view = View({"/var/cache": var_cache})
    words = [*machine.argv("fix", "--yes", "--trust-on-first-use", "--json")[3:]]
    answer = checked(said(view.argv(python(version), pyz, *words)))
    assert answer.code == 0
    assert answer.report["outcome"] == "changed"
    machine.require_proved("TSMA", new)
    assert stat.S_IMODE((var_cache / "dsmcertfix").stat().st_mode) == 0o700
    assert said(view.argv(python(version), pyz, "--version")).stdout == f"dsmcertfix {__version__}\n"


def test_it_starts_by_itself_without_path_and_network(pyz: Path, var_cache: Path) -> None:
    if pythons.of_the_system() is None:
        not_shown("there is no Python 3.10 to 3.13 in /usr/bin or /usr/local/bin")
    view = View({"/var/cache": var_cache}, network=False)
    for _ in ("unpacked", "found unpacked"):
        answer = said(view.argv(pyz, "--version"))
        assert (answer.code, answer.stdout, answer.stderr) == (0, f"dsmcertfix {__version__}\n", "")


def test_it_holds_the_wheels_of_both_machines_and_all_pythons(pyz: Path) -> None:
    names = zipfile.ZipFile(pyz).namelist()
    wheels = {name.split("/")[1] for name in names if name.startswith(".deps/")}
    for machine in MACHINES:
        for package in ("cryptography", "psutil"):
            assert any(name.startswith(package) and "-abi3-" in name and machine in name for name in wheels)
        for version in PYTHONS:
            tag = f"cp{version.replace('.', '')}"
            assert any(
                name.startswith("cffi-") and f"-{tag}-{tag}-" in name and machine in name for name in wheels
            )
    sources = [name for name in names if name.endswith((".c", ".pyx", ".tar.gz"))]
    assert sources == []


def test_it_runs_on_aarch64(pyz: Path, var_cache: Path) -> None:
    if platform.machine() != "aarch64":
        not_shown(
            f"this machine is {platform.machine()}: that the wheels are in the file is all that is shown"
        )
    assert said(View({"/var/cache": var_cache}).argv(pyz, "--version")).code == 0


def test_an_old_python_is_told(pyz: Path) -> None:
    old = next((found for name in ("3.9", "3.8", "3.7", "3.6") if (found := pythons.find(name))), None)
    if old is None:
        not_shown("there is no Python older than 3.10")
    answer = said([str(old), str(pyz), "--version"])
    assert answer.code == CANNOT_RUN
    assert "Python 3.10 to 3.13 (CPython) can run this file" in answer.stderr
    assert "Nothing was changed." in answer.stderr


def test_a_user_has_the_cache_in_the_home(pyz: Path) -> None:
    if os.geteuid() != 0:
        not_shown("only root can start a program as somebody else")
    with scratch() as home:
        os.chown(home, NOBODY, NOBODY)
        (home / "dsmcertfix.pyz").write_bytes(pyz.read_bytes())
        (home / "dsmcertfix.pyz").chmod(0o755)
        done = subprocess.run(
            [
                str(pythons.of_the_system() or not_shown("no Python")),
                str(home / "dsmcertfix.pyz"),
                "--version",
            ],
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
        assert stat.S_IMODE((home / ".cache/dsmcertfix").stat().st_mode) == 0o700


EVIL = "import os; os.makedirs('{note}', exist_ok=True)\n"


def test_root_runs_nothing_that_a_kept_environment_names(pyz: Path, var_cache: Path) -> None:
    with scratch() as home:
        note = home / "run-as-root"
        for name in ("evil.py", "sitecustomize.py", "typer.py"):
            (home / name).write_text(EVIL.format(note=note), encoding="utf-8")
        (home / ".pexrc").write_text("PEX_MODULE=evil\n", encoding="utf-8")
        for path in (home, *home.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        kept = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "PEX_ROOT": str(home / "pex"),
            "PEX_MODULE": "evil",
            "PEX_INTERPRETER": "1",
            "PEX_EXTRA_SYS_PATH": str(home),
            "PEX_PATH": str(home),
            "__PEX_ENTRY_POINT__": str(home),
            "__PEX_EXE__": str(home),
            "PYTHONPATH": str(home),
            "PATH": str(home),
        }
        before = {path.name for path in home.iterdir()}
        if pythons.of_the_system() is None:
            not_shown("there is no Python 3.10 to 3.13 in /usr/bin or /usr/local/bin")
        for _ in ("unpacked", "found unpacked"):
            answer = said(View({"/var/cache": var_cache}).argv(pyz, "--version", **kept))
            assert (answer.code, answer.stdout) == (0, f"dsmcertfix {__version__}\n"), answer.stderr
        assert {path.name for path in home.iterdir()} == before


@pytest.mark.parametrize("trap", ["of somebody else", "open to others", "a link", "noexec", "full"])
def test_a_cache_that_is_no_good_is_refused_in_plain_words(trap: str, pyz: Path, var_cache: Path) -> None:
    cache = var_cache / "dsmcertfix"
    view = View({"/var/cache": var_cache})
    match trap:
        case "of somebody else":
            cache.mkdir()
            os.chown(cache, NOBODY, NOBODY)
        case "open to others":
            cache.mkdir()
            cache.chmod(0o777)
        case "a link":
            (var_cache / "planted").mkdir()
            os.chown(var_cache / "planted", NOBODY, NOBODY)
            cache.symlink_to(f"{'/var/cache'}/planted")
        case "noexec":
            view = View(empty=("/var/cache",), options="mode=755,noexec")
        case _:
            view = View(empty=("/var/cache",), options="mode=755,size=1m")
    answer = said(view.argv(pythons.of_the_system() or not_shown("no Python"), pyz, "--version"))
    assert answer.code == (NO_ROOM if trap == "full" else NOT_PERMITTED), answer.stderr
    assert answer.stdout == ""
    lines = answer.stderr.splitlines()
    assert lines[0].startswith(f"dsmcertfix.pyz: cannot unpack into {CACHE}: ")
    assert "DSMCERTFIX_CACHE=DIR" in lines[1]
    assert lines[2:] == ["state: Nothing was changed."]
    assert not list(var_cache.glob("planted/*"))


def test_another_cache_can_be_named(pyz: Path, var_cache: Path) -> None:
    view = View({"/var/cache": var_cache}, empty=("/mnt",))
    found = pythons.of_the_system() or not_shown("no Python")
    answer = said(view.argv(found, pyz, "--version", DSMCERTFIX_CACHE="/mnt/mine"))
    assert answer.code == 0, answer.stderr
    assert list(var_cache.iterdir()) == []


def test_two_that_unpack_at_the_same_time_both_run(pyz: Path, var_cache: Path) -> None:
    found = pythons.of_the_system() or not_shown("no Python")
    argv = View({"/var/cache": var_cache}).argv(found, pyz, "--version")
    started = [
        subprocess.Popen(argv, env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        for _ in range(3)
    ]
    for process in started:
        text, _ = process.communicate(timeout=LIMIT_S)
        assert (process.returncode, text) == (0, f"dsmcertfix {__version__}\n")
