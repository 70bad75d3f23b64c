"""dsmcertfix.pyz: one file for any node with Python 3.10 or newer, whatever its processor or C library.

A zip of packages that are Python alone, which Python runs as it is: nothing is unpacked. What is compiled
(cryptography, psutil) is the node's own, where it has it. Before the zip stands launcher.sh; start.py begins.
What every command loads is there as bytecode, too, of the Python that builds: that one starts faster.
"""

from __future__ import annotations

import marshal
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path

from dsmpack import materials, wheels
from dsmpack.places import NAME, UNIX

FILE = f"{NAME}.pyz"
BYTECODE = f"bytecode/{MAGIC_NUMBER.hex()}"
"""Where start.py looks for it: below the number by which Python knows bytecode that it can run."""
_LOADED = ("dsmcertfix/", "typer/", "platformdirs/", "filelock/")
_UNCHECKED = (1).to_bytes(4, "little")
"""PEP 552: it is told apart by the hash of its source, and that is not compared."""
_TIME = (1980, 1, 1, 0, 0, 0)


def build(output: Path) -> Path:
    """The file is in `output`, executable."""
    dependencies = wheels.of_dependencies()
    with tempfile.TemporaryDirectory(prefix="dsmpack-") as name:
        scratch = Path(name)
        made = scratch / FILE
        _write(made, [*sorted(dependencies.glob("*.whl")), wheels.of_dsmcertfix(scratch)])
        made.chmod(0o755)
        return Path(shutil.move(made, output / FILE))


def _write(made: Path, packed: list[Path]) -> None:
    """The launcher, and behind it the zip: the same names in the same order, without times."""
    content = {"__main__.py": (UNIX / "start.py").read_bytes()}
    content[materials.FILE] = materials.text(with_python=False).encode()
    for wheel in packed:
        with zipfile.ZipFile(wheel) as archive:
            content |= {item: archive.read(item) for item in archive.namelist() if not item.endswith("/")}
    content |= dict(_compiled(content))
    with made.open("wb") as file:
        file.write((UNIX / "launcher.sh").read_bytes())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as after:
            for item in sorted(content):
                fresh = zipfile.ZipInfo(item, _TIME)
                fresh.external_attr = 0o644 << 16
                fresh.compress_type = zipfile.ZIP_DEFLATED
                after.writestr(fresh, content[item])


def _compiled(content: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The packages that every command loads, whole: each module as bytecode, and what else lies in them.

    Of marshal's second version, which writes nothing that depends on what else this process holds.
    """
    for name, data in content.items():
        if not name.startswith(_LOADED):
            continue
        if name.endswith(".py"):
            code = marshal.dumps(compile(data, name, "exec", dont_inherit=True), 2)
            yield f"{BYTECODE}/{name}c", MAGIC_NUMBER + _UNCHECKED + source_hash(data) + code
        else:
            yield f"{BYTECODE}/{name}", data
