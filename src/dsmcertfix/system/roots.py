"""A machine's root: what a tree that somebody else made may lead to, which is nothing outside of it."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from dsmcertfix.errors import NotPermitted
from dsmcertfix.model import FileSet, short_id

ROOTS = "roots"
"""Below one's own state directory: the states of foreign trees, one directory each."""


def state_of(own: Path, root: Path) -> Path:
    """The state directory of a foreign tree, below one's own."""
    return own / ROOTS / short_id(str(root))


def not_run(program: Path) -> NotPermitted:
    """The error that says why a program of a foreign tree is not run."""
    return NotPermitted(
        "program-of-foreign-root",
        f"`{program}` is a program of the tree given with `--root`, and is not run",
        hint="Give `--trust-root` if you made that tree yourself.",
    )


def require_below(directory: PurePath, root: PurePath) -> None:
    """Raises NotPermitted for a directory that is not below the root, or has a detour on its way."""
    if ".." in directory.parts or not directory.is_relative_to(root):
        raise NotPermitted(
            "store-outside-root", f"`{directory}` does not lie below the root `{root}`, and is left alone"
        )


def require_owner(store: FileSet[Any], uid: int) -> None:
    """Raises NotPermitted when the directory's owner is not the one that the store is said to have."""
    if store.owner.uid != uid:
        raise NotPermitted(
            "store-of-another-owner",
            f"`{store.directory}` belongs to uid {uid}, but {store.owner.name} (uid {store.owner.uid}) was "
            "said to own the store",
        )
