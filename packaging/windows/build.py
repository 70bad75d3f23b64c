"""Builds dsmcertfix.exe with its folder: `build.py [--any-python] TARGET`, by the Python that goes in.

TARGET/dsmcertfix/ is the program, TARGET/SHA256SUMS names every file of it. Two builds from the same commit,
with the packages of packaging/requirements.lock, have the same hashes: the clock, the hash seed and the
paths of the machine do not come in. SOURCE_DATE_EPOCH, in the environment, is the date of the build
(build.ps1 and build-wine.sh take the commit's). Raises SystemExit when other packages are installed than
the lock has, or when the Python is older than what may be shipped; --any-python is for tests (build-wine.sh).
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
BILL = "dsmcertfix.cdx.json"
LOCKED = ("program", "pyinstaller")
# For two years Python's makers build it for Windows, too; later fixes are source alone. That was until
# October 2026 for 3.13 (PEP 719), and is until October 2027 for 3.14 (PEP 745).
OLDEST = (3, 14)
# Of the standard library and of what a package would use if it were there, nothing here needs these.
NOT_NEEDED = [
    "_tkinter",
    "tkinter",
    "sqlite3",
    "_sqlite3",
    "unittest",
    "doctest",
    "pydoc",
    "pdb",
    "lib2to3",
    "distutils",
    "setuptools",
    "pip",
    "pkg_resources",
    "multiprocessing",
    "pycparser",
    "cffi",
    "attr",
    "attrs",
    "numpy",
    "IPython",
]


def main(target: Path) -> None:
    """The program is in `target`, whatever was there before."""
    _require_pins()
    target.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target / "dsmcertfix", ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level", "WARN"]
        places = ["--workpath", work, "--distpath", str(target)]
        subprocess.run([*command, *places, str(HERE / "dsmcertfix.spec")], check=True, env=_environment())
    shutil.copy2(TOP / "LICENSE", target / "dsmcertfix" / "LICENSE.txt")
    bill = [sys.executable, str(TOP / "scripts" / "sbom.py"), "--version", version()]
    inside = ["--python-in-it", platform.python_version(), "--output", str(target / "dsmcertfix" / BILL)]
    subprocess.run([*bill, "--system", "Windows", "--machine", "AMD64", *inside], check=True)
    sums = "".join(f"{digest}  {name}\n" for name, digest in hashes(target / "dsmcertfix").items())
    (target / "SHA256SUMS").write_text(sums, encoding="utf-8", newline="\n")


def version() -> str:
    """The version of dsmcertfix in the tree."""
    text = (TOP / "src" / "dsmcertfix" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'__version__ = "([^"]+)"', text)
    assert found, "src/dsmcertfix/__init__.py has no __version__"
    return found[1]


def numbers(version: str) -> tuple[int, int, int, int]:
    """The four numbers that Windows compares; what follows the digits of a version is left out."""
    found = [int(number) for number in re.findall(r"\d+", version)[:4]]
    first, second, third, fourth = [*found, 0, 0, 0, 0][:4]
    return first, second, third, fourth


def version_resource(version: str) -> Any:
    """What the program's properties show, and the file rules of ConfigMgr and Intune can ask for."""
    from PyInstaller.utils.win32 import versioninfo as info

    strings = {
        "CompanyName": "dsmcertfix",
        "FileDescription": "Repairs the trust of IBM Storage Protect clients in their servers",
        "FileVersion": version,
        "InternalName": "dsmcertfix",
        "LegalCopyright": "Apache License 2.0",
        "OriginalFilename": "dsmcertfix.exe",
        "ProductName": "dsmcertfix",
        "ProductVersion": version,
    }
    english, unicode_page = 0x0409, 0x04B0
    table = info.StringTable(
        f"{english:04X}{unicode_page:04X}", [info.StringStruct(*pair) for pair in strings.items()]
    )
    fixed = info.FixedFileInfo(filevers=numbers(version), prodvers=numbers(version), OS=0x40004, fileType=1)
    translation = info.VarStruct("Translation", [english, unicode_page])
    return info.VSVersionInfo(fixed, [info.StringFileInfo([table]), info.VarFileInfo([translation])])


def hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of every file by its path below `directory`, with slashes, in order."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def _environment() -> dict[str, str]:
    if not os.environ.get("SOURCE_DATE_EPOCH", "").isdigit():
        raise SystemExit("SOURCE_DATE_EPOCH must be the date of the commit, in seconds")
    return {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}


def require_fixes(python: tuple[int, ...] = sys.version_info[:3]) -> None:
    """That Python's installers for Windows still get what is mended. Raises SystemExit otherwise."""
    if python < OLDEST:
        had, wanted = (".".join(map(str, version)) for version in (python, OLDEST))
        raise SystemExit(f"Python {had} for Windows gets no fixes any more: take the newest {wanted}")


def _require_pins() -> None:
    """What is installed is what the lock has."""
    asked = [sys.executable, str(TOP / "scripts" / "locked.py"), *LOCKED]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    wanted = re.findall(r"^([\w.-]+)==(\S+)", said, re.MULTILINE)
    other = [f"{name} {installed(name)} instead of {pin}" for name, pin in wanted if installed(name) != pin]
    if other:
        raise SystemExit(f"the lock has other packages than are installed: {'; '.join(other)}")


if __name__ == "__main__":
    if "--any-python" not in sys.argv[1:-1]:
        require_fixes()
    main(Path(sys.argv[-1]))
