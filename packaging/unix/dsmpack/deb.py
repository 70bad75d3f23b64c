"""The Debian package. It needs nothing but the C library."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from email.utils import formatdate
from pathlib import Path

from dsmpack import onedir, tree
from dsmpack.archive import gz, set_times
from dsmpack.places import CACHE, NAME, UNIX, epoch, run, version

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_COPYRIGHT = f"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: {NAME}

Files: *
Copyright: the dsmcertfix authors
License: Apache-2.0
 On Debian systems the text is in /usr/share/common-licenses/Apache-2.0.
Comment: The licences of the Python and the libraries that come along are in
 /opt/{NAME}/licenses.
"""


def build(output: Path, revision: str) -> Path:
    """The package is in `output`."""
    architecture = ARCHITECTURES[onedir.machine()]
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        root = Path(scratch, "root")
        tree.make(root, zsh=f"zsh/vendor-completions/_{NAME}", licences=f"doc/{NAME}/copyright")
        (root / f"usr/share/doc/{NAME}/copyright").write_text(_COPYRIGHT, encoding="utf-8")
        log = root / f"usr/share/doc/{NAME}/changelog.Debian.gz"
        log.write_bytes(gz(_changelog(revision).encode()))
        size_kib = sum(path.lstat().st_size for path in root.rglob("*")) // 1024
        major, minor = onedir.glibc(root)
        described = tree.DESCRIPTION.replace("\n", "\n ")
        control = root / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(
            f"Package: {NAME}\nVersion: {version()}-{revision}\nArchitecture: {architecture}\n"
            f"Maintainer: {tree.MAINTAINER}\nHomepage: {tree.homepage()}\n"
            "Section: admin\nPriority: optional\n"
            f"Installed-Size: {size_kib}\nDepends: libc6 (>= {major}.{minor})\n"
            f"Description: {tree.SUMMARY}\n {described}\n",
            encoding="utf-8",
        )
        made = f"#!/bin/sh\nset -e\n{tree.state_directory_script()}"
        (control / "postinst").write_text(made, encoding="utf-8")
        shutil.copy(UNIX / "package/postrm", control)
        for script in ("postinst", "postrm"):
            (control / script).chmod(0o755)
        (control / "md5sums").write_text(_md5sums(root), encoding="utf-8")
        set_times(control)
        file = output / f"{NAME}_{version()}-{revision}_{architecture}.deb"
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z6", "--build", root, file)
        return file


def _changelog(revision: str) -> str:
    """Debian's own; what changed in the program is in the other one."""
    return (
        f"{NAME} ({version()}-{revision}) stable; urgency=medium\n\n"
        "  * Built from the release of this version.\n\n"
        f" -- {tree.MAINTAINER}  {formatdate(epoch())}\n"
    )


def _md5sums(root: Path) -> str:
    """What `dpkg --verify` compares installed files with."""
    files = sorted(
        path.relative_to(root) for path in root.rglob("*") if path.is_file() and not path.is_symlink()
    )
    return "".join(
        f"{hashlib.md5((root / path).read_bytes(), usedforsecurity=False).hexdigest()}  {path}\n"
        for path in files
        if path.parts[0] != "DEBIAN"
    )
