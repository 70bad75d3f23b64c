"""A Python that every user of the machine can run, and programs that stand on it.

The played programs run as the users who own the stores. When root builds the bench with an interpreter or
an environment below a directory closed to others (root's home, for one), those users could not start them.
Then two layers are made once and kept below the temporary directory: a copy of the interpreter with the few
packages the bench needs, and a virtual environment on it with the bench's own code. Otherwise this very
interpreter is used.

Owns nothing but those directories; never changes a mode of what it did not make.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from dsmbench import gskit

PACKAGES = ("cryptography", "cffi", "_cffi_backend", "pycparser", "typing_extensions")
NOT_NEEDED = shutil.ignore_patterns(
    "site-packages", "test", "tests", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "config-*"
)
NOBODY = 65534
FORGOTTEN_AFTER_S = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Runtime:
    """An interpreter, and the directory for LD_LIBRARY_PATH that it and GSKit need."""

    python: Path
    libraries: Path


@cache
def runtime() -> Runtime:
    """The runtime for programs of every user who can come to run them; made when it must be.

    Raises RuntimeError when no temporary directory lets other users in, or when the copy does not run.
    """
    here = Runtime(Path(sys.executable), gskit.library_directory())
    if os.geteuid() != 0 or all(open_to_all(path) for path in _needed()):
        return here
    base = _kept("python", _base_key(), _fill_base)
    python = _kept("bench", _bench_key(), lambda directory: _fill_bench(directory, base)) / "bin" / "python3"
    copy = Runtime(python, _libraries(base))
    _prove(copy)
    return copy


def write_program(path: Path, module: str, *arguments: str | Path) -> None:
    """`path` is an executable, for every user, that runs `python -m module arguments…` and what it is given.

    Neither the environment's Python settings nor the current directory matter to it.
    """
    found = runtime()
    fixed = " ".join(quote(str(argument)) for argument in arguments)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "#!/bin/sh\n"
        f"LD_LIBRARY_PATH={quote(str(found.libraries))}\nexport LD_LIBRARY_PATH\n"
        f'exec {quote(str(found.python))} -I -m {module} {fixed} "$@"\n',
        encoding="utf-8",
    )
    path.chmod(0o755)


def open_to_all(path: Path) -> bool:
    """Whether any user can reach and read `path`, following links as the system does."""
    path = path.absolute()
    chain = {path, *path.parents, path.resolve(), *path.resolve().parents}
    return all(_lets_others_in(part, last=part in (path, path.resolve())) for part in chain)


@contextmanager
def scratch() -> Iterator[Path]:
    """A new directory that every user can enter, and that is gone afterwards.

    (pytest's tmp_path is closed to other users.)
    """
    directory = Path(tempfile.mkdtemp(prefix="dsmbench-", dir=_public_directory()))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def linked(source: str, target: str) -> str:
    """For `shutil.copytree`: the file lies there, too, where that can be without a copy of its content."""
    with suppress(OSError):
        os.link(source, target)
        return target
    return str(shutil.copy2(source, target))


def _lets_others_in(path: Path, *, last: bool) -> bool:
    wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0) if last else stat.S_IXOTH
    return path.stat().st_mode & wanted == wanted


def _needed() -> list[Path]:
    stdlib = Path(sysconfig.get_path("stdlib"))
    libraries = gskit.library_directory()
    return [Path(sys.executable), stdlib, stdlib / "os.py", libraries, Path(__file__), *_package_files()]


def _package_files() -> list[Path]:
    specs = [find_spec(name) for name in PACKAGES]
    return [Path(spec.origin) for spec in specs if spec and spec.origin]


def _public_directory() -> Path:
    for candidate in (Path(tempfile.gettempdir()), Path("/var/tmp")):
        if os.geteuid() != 0 or open_to_all(candidate):
            return candidate
    raise RuntimeError("no temporary directory that other users can enter: set TMPDIR")


def _kept(kind: str, key: str, fill: Callable[[Path], None]) -> Path:
    """The directory of that key below the temporary directory; filled aside, renamed, so never half there."""
    target = _public_directory() / f"dsmbench-{kind}-{key}"
    if not _is_ours(target):
        aside = Path(tempfile.mkdtemp(prefix=f"dsmbench-{kind}-", dir=target.parent))
        aside.chmod(0o755)
        try:
            fill(aside)
            aside.rename(target)
            _forget_old_benches(target.parent)
        except OSError:
            if not _is_ours(target):  # else another process was faster
                raise
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return target


def _forget_old_benches(parent: Path) -> None:
    """Copies of the bench that are some days old are gone; whoever still needs one makes it again."""
    for other in parent.glob("dsmbench-bench-*"):
        with suppress(OSError, RuntimeError):
            if _is_ours(other) and time.time() - other.lstat().st_mtime > FORGOTTEN_AFTER_S:
                shutil.rmtree(other)


def _is_ours(directory: Path) -> bool:
    """Whether the directory is there. Raises RuntimeError when somebody else made it."""
    try:
        found = directory.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise RuntimeError(f"{directory} is not ours")
    return True


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _base_key() -> str:
    return _digest(sys.version, sys.base_prefix, version("cryptography"), version("cffi"), version("ibm_db"))


def _bench_key() -> str:
    sources = [(file.name, file.read_bytes()) for file in sorted(Path(__file__).parent.glob("*.py"))]
    return _digest(_base_key(), sources)


def _site_packages() -> Path:
    return Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")


def _libraries(base: Path) -> Path:
    return base / _site_packages() / "clidriver" / "lib" / "icc"


def _fill_base(directory: Path) -> None:
    site_packages = directory / _site_packages()
    shutil.copytree(sysconfig.get_path("stdlib"), site_packages.parent, ignore=NOT_NEEDED, symlinks=True)
    site_packages.mkdir()
    for file in _package_files():
        if file.name == "__init__.py":
            shutil.copytree(file.parent, site_packages / file.parent.name)
        else:
            shutil.copy2(file, site_packages)
    libraries = _libraries(directory)
    shutil.copytree(gskit.library_directory(), libraries)
    # The interpreter finds its own library by LD_LIBRARY_PATH, as GSKit does: so they lie together.
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        shared = Path(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME"))
        shutil.copy2(shared, libraries)
    (directory / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), directory / "bin" / "python3")
    _make_readable(directory)


def _fill_bench(directory: Path, base: Path) -> None:
    site_packages = directory / _site_packages()
    site_packages.mkdir(parents=True)
    ours = Path(__file__).parent
    shutil.copytree(ours, site_packages / ours.name, ignore=shutil.ignore_patterns("__pycache__"))
    (site_packages / "base.pth").write_text(f"{base / _site_packages()}\n", encoding="utf-8")
    (directory / "bin").mkdir()
    (directory / "bin" / "python3").symlink_to(base / "bin" / "python3")
    (directory / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n", encoding="utf-8")
    _make_readable(directory)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(_libraries(base))}
    compiled = [str(directory / "bin" / "python3"), "-I", "-m", "compileall", "-q", str(site_packages)]
    subprocess.run(compiled, env=environment, check=True, stdin=subprocess.DEVNULL)


def _make_readable(directory: Path) -> None:
    for path in directory.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))


def _prove(copy: Runtime) -> None:
    """The copy runs as a user who owns nothing. Raises RuntimeError with what it said otherwise."""
    loads = "import ssl, cryptography.x509, dsmbench.gskit_library as g; g.Library()"
    answer = subprocess.run(
        [str(copy.python), "-I", "-c", loads],
        env={"LD_LIBRARY_PATH": str(copy.libraries)},
        cwd="/",
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError(f"other users cannot run {copy.python}: {answer.stderr.strip()}")
