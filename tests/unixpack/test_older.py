"""What is built for older systems needs no newer C library than theirs, or is not built."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from dsmpack import onedir

GLIBC_2_31 = SimpleNamespace(manylinux_compatible=lambda major, minor, machine: (major, minor) <= (2, 31))


def tree(directory: Path, *versions: str) -> Path:
    symbols = b"".join(b"\0GLIBC_" + version.encode() + b"\0" for version in versions)
    (directory / "lib.so").write_bytes(b"\x7fELF" + symbols)
    return directory


@pytest.mark.parametrize(("versions", "right"), [(("2.17", "2.31"), True), (("2.17", "2.32"), False)])
def test_a_python_for_older_systems_builds_for_these_alone(
    versions: tuple[str, ...], right: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "_manylinux", GLIBC_2_31)
    if right:
        onedir.require_old_enough(tree(tmp_path, *versions))
        return
    with pytest.raises(SystemExit, match=r"glibc 2\.32"):
        onedir.require_old_enough(tree(tmp_path, *versions))


def test_any_other_python_builds_for_its_own_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_manylinux", None)
    onedir.require_old_enough(tree(tmp_path, "2.99"))
