"""Archives that depend on content alone: sorted names, one time, root's files."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

from dsmpack.places import epoch


def tar_gz(tree: Path, file: Path) -> Path:
    """`file` holds everything below `tree`, whose name is the first part of every name in it."""
    with (
        file.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in (tree, *sorted(tree.rglob("*"))):
            tar.add(path, str(path.relative_to(tree.parent)), recursive=False, filter=_plain)
    return file


def gz(content: bytes) -> bytes:
    """The content packed, without a time or a name."""
    return gzip.compress(content, 9, mtime=0)


def set_times(tree: Path) -> None:
    """Everything below `tree` has the time of the build, for tools that write it down."""
    import os

    for path in (tree, *tree.rglob("*")):
        os.utime(path, (epoch(), epoch()), follow_symlinks=False)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = "root"
    info.mtime = epoch()
    executable = info.isdir() or info.mode & 0o100
    info.mode = 0o777 if info.issym() else 0o755 if executable else 0o644
    return info
