"""Puts a Windows Python together from wheels: `assemble.py WHEELS TARGET BENCH`, run by a Python of its
minor version.

TARGET then has python.exe and the DLLs as panda3d carries them, Lib/ from the standard library of the Python
that runs this, the wheels in Lib/site-packages, and IBM's GSKit from ibm_db as `clidriver` there. Two things
are made with mingw: python.exe itself, and python3.dll, which hands every export of its DLL on. The
test bench in BENCH is importable, and its played service lies beside python.exe.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
MINGW = "x86_64-w64-mingw32"
NAME = f"python{sys.version_info.major}{sys.version_info.minor}"
LEFT_OUT = (
    "test",
    "tests",
    "idlelib",
    "lib2to3",
    "turtledemo",
    "__pycache__",
    "site-packages",
    "lib-dynload",
)
CARRIED, GSKIT = "deploy_libs/", "clidriver/bin/icc64/"


def main(wheels: Path, target: Path, bench: Path) -> None:
    """Everything is in TARGET, which must not exist."""
    shutil.copytree(
        sysconfig.get_path("stdlib"),
        target / "Lib",
        ignore=shutil.ignore_patterns(*LEFT_OUT, "*.so", "config-*"),
    )
    _without_copy_file_2(target / "Lib" / "shutil.py")
    site_packages = target / "Lib" / "site-packages"
    (target / "DLLs").mkdir()
    for wheel in sorted(wheels.glob("*.whl")):
        if wheel.name.startswith("panda3d-"):
            _unpack(wheel, target, _of_the_interpreter, _interpreter_part)
        elif wheel.name.startswith("ibm_db-"):
            _unpack(wheel, site_packages, lambda name: name.startswith(GSKIT), lambda name: (name,))
        else:
            _unpack(wheel, site_packages, lambda name: not name.endswith("/"), lambda name: (name,))
    bench_here = "Z:" + str(bench.resolve()).replace("/", "\\")
    (site_packages / "dsmbench.pth").write_text(f"{bench_here}\n", encoding="utf-8")
    _compile(target, bench)


def _without_copy_file_2(module: Path) -> None:
    """The module copies as before Python 3.12, without a call that Wine 8 does not have."""
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace('hasattr(_winapi, "CopyFile2")', "False"), encoding="utf-8")


def _of_the_interpreter(name: str) -> bool:
    """Whether it is a part of the usual build; the modules of the one without a global lock lie beside them.

    `_wmi` is left out: it calls what Wine 8 does not have, and `platform` does without it.
    """
    short = name.removeprefix(CARRIED)
    return name != short and f".cp{NAME[-3:]}t-" not in short and short != "_wmi.pyd"


def _interpreter_part(name: str) -> tuple[str, ...]:
    """Where a file of the interpreter goes: a library lies beside python.exe and beside the modules."""
    short = name.removeprefix(CARRIED)
    return (f"DLLs/{short}",) if short.endswith(".pyd") else (short, f"DLLs/{short}")


def _unpack(
    wheel: Path, target: Path, wanted: Callable[[str], bool], places: Callable[[str], tuple[str, ...]]
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in filter(wanted, archive.namelist()):
            for place in places(name):
                file = target / place
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(archive.read(name))


def _compile(target: Path, bench: Path) -> None:
    library = target / f"{NAME}.dll"
    forwarders = "".join(f"  {name} = {NAME}.{name}\n" for name in _exports(library))
    definition = target / "python3.def"
    definition.write_text(f"LIBRARY python3.dll\nEXPORTS\n{forwarders}", encoding="ascii")
    # The forwarders name symbols of the other library: linked against it, the linker has nothing to look for.
    _gcc("-shared", "-nostdlib", "-Wl,--entry=0", "-o", target / "python3.dll", definition, library)
    definition.unlink()
    shutil.copy2(target / "python3.dll", target / "DLLs")
    _gcc("-municode", "-O", "-s", "-o", target / "python.exe", HERE / "python.c", library)
    # A part of Windows, so it lies where Windows has it, and is not taken for a part of a program.
    missing = target.parent / "windows" / "system32" / "bcryptprimitives.dll"
    _gcc("-shared", "-O", "-s", "-o", missing, HERE / "bcryptprimitives.c", "-ladvapi32")
    _gcc(
        "-O",
        "-s",
        "-o",
        target / "dsmbench-service.exe",
        bench / "dsmbench" / "windows_service.c",
        "-ladvapi32",
    )


def _exports(library: Path) -> list[str]:
    """The names that a DLL exports, from objdump's table."""
    listing = subprocess.run(
        [f"{MINGW}-objdump", "-p", str(library)], check=True, capture_output=True, text=True
    ).stdout
    names = listing.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
    return re.findall(r"^\s*\[ *\d+\] (\w+)$", names, re.MULTILINE)


def _gcc(*arguments: str | Path) -> None:
    """The program or library is made, the same whenever it is made."""
    subprocess.run([f"{MINGW}-gcc", "-Wl,--no-insert-timestamp", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
