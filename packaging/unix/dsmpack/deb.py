"""The Debian package. It needs nothing but the C library."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from dsmpack import onedir, tree
from dsmpack.archive import set_times
from dsmpack.places import CACHE, NAME, UNIX, run, version

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def build(output: Path, revision: str) -> Path:
    """The package is in `output`."""
    architecture = ARCHITECTURES[onedir.machine()]
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = Path(scratch, "root")
        tree.make(root, zsh=f"zsh/vendor-completions/_{NAME}", licences=f"doc/{NAME}/copyright")
        size_kib = sum(path.lstat().st_size for path in root.rglob("*")) // 1024
        major, minor = onedir.glibc(root)
        described = tree.DESCRIPTION.replace("\n", "\n ")
        control = root / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(
            f"Package: {NAME}\nVersion: {version()}-{revision}\nArchitecture: {architecture}\n"
            "Maintainer: The dsmcertfix authors\nSection: admin\nPriority: optional\n"
            f"Installed-Size: {size_kib}\nDepends: libc6 (>= {major}.{minor})\n"
            f"Description: {tree.SUMMARY}\n {described}\n",
            encoding="utf-8",
        )
        made = f"#!/bin/sh\nset -e\n{tree.state_directory_script()}"
        (control / "postinst").write_text(made, encoding="utf-8")
        shutil.copy(UNIX / "package/postrm", control)
        for script in ("postinst", "postrm"):
            (control / script).chmod(0o755)
        set_times(control)
        file = output / f"{NAME}_{version()}-{revision}_{architecture}.deb"
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z6", "--build", root, file)
        return file
