"""A tree of files as values: read from a disk, and put onto one."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["file", "directory", "link"]
Attributes = tuple[tuple[str, bytes], ...]


@dataclass(eq=False, slots=True)
class Node:
    """A file, directory or symbolic link, as it was before the run or as the run made it.

    `content` of a link is its target. `mtime_ns` is None for what the run made.
    """

    kind: Kind
    mode: int
    uid: int
    gid: int
    content: bytes = b""
    attributes: Mapping[str, bytes] = field(default_factory=dict)
    mtime_ns: int | None = None


Entry = tuple[Node, str]
"""A name in a directory."""
Entries = dict[Entry, Node]


class Leaf(NamedTuple):
    """What lies at a path. The paths of one file have the same `node`."""

    node: int
    kind: Kind
    mode: int
    uid: int
    gid: int
    content: bytes
    attributes: Attributes
    mtime_ns: int | None


Tree = dict[str, Leaf]
"""By path, directories before what is in them."""


def read(area: Path) -> tuple[Node, Entries]:
    """What is below the directory: the node of itself, and every name."""
    root = _node(area)
    entries: Entries = {}
    nodes = {area: root}
    links: dict[int, Node] = {}
    for parent, directories, files in os.walk(area):
        for name in sorted((*directories, *files)):
            path = Path(parent, name)
            inode = path.lstat().st_ino
            node = links[inode] if inode in links else _node(path)
            links[inode] = nodes[path] = node
            entries[nodes[Path(parent)], name] = node
    return root, entries


def _node(path: Path) -> Node:
    info = path.lstat()
    kind: Kind = "directory"
    content = b""
    if stat.S_ISLNK(info.st_mode):
        kind, content = "link", os.fsencode(os.readlink(path))
    elif stat.S_ISREG(info.st_mode):
        kind, content = "file", path.read_bytes()
    names = os.listxattr(path, follow_symlinks=False)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    mode = stat.S_IMODE(info.st_mode)
    return Node(kind, mode, info.st_uid, info.st_gid, content, attributes, info.st_mtime_ns)


def placed(root: Node, entries: Entries) -> Iterator[tuple[str, Node]]:
    """What lies where, directories before what is in them."""
    inside: dict[Node, list[tuple[str, Node]]] = {}
    for (directory, name), node in entries.items():
        inside.setdefault(directory, []).append((name, node))
    waiting = [("", root)]
    while waiting:
        path, directory = waiting.pop()
        for name, child in inside.get(directory, ()):
            yield path + name, child
            if child.kind == "directory":
                waiting.append((f"{path}{name}/", child))


def put(area: Path, tree: Tree) -> None:
    """That, and nothing else, is below the directory."""
    for path in area.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    first: dict[int, Path] = {}
    for name, leaf in tree.items():
        path = area / name
        if leaf.node in first:
            os.link(first[leaf.node], path, follow_symlinks=False)
            continue
        first[leaf.node] = path
        if leaf.kind == "link":
            path.symlink_to(os.fsdecode(leaf.content))
            os.chown(path, leaf.uid, leaf.gid, follow_symlinks=False)
            continue
        if leaf.kind == "directory":
            path.mkdir()
        else:
            path.write_bytes(leaf.content)
        os.chown(path, leaf.uid, leaf.gid)
        path.chmod(leaf.mode)
        for attribute, value in leaf.attributes:
            os.setxattr(path, attribute, value)
        if leaf.mtime_ns is not None:
            os.utime(path, ns=(leaf.mtime_ns, leaf.mtime_ns))
