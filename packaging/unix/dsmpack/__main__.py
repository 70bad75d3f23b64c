"""The command line: `python -m dsmpack WHAT... [--output DIR]`; see build.sh."""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

from dsmpack.places import TOP

WHAT = ("pyz", "tarball", "deb", "rpm", "pages", "lock")


def main() -> None:
    """What was named is in the output directory; each file is printed with its SHA-256."""
    parser = argparse.ArgumentParser(prog="build.sh", description="Builds what is shipped to Unix nodes.")
    parser.add_argument("what", nargs="*", default=list(WHAT[:-1]), metavar="WHAT", help=", ".join(WHAT))
    parser.add_argument("--output", type=Path, default=TOP / "build" / "dist", metavar="DIR")
    parser.add_argument(
        "--revision", action="append", metavar="N", help="of deb and rpm; may be repeated (1)"
    )
    given = parser.parse_args()
    for name in given.what:
        if name not in WHAT:
            parser.error(f"`{name}` is none of {', '.join(WHAT)}")
    # What is built must be readable to those who install it, whatever the builder's own habit.
    os.umask(0o022)
    given.output.mkdir(parents=True, exist_ok=True)
    try:
        _build_all(given.what, given.output, given.revision or ["1"])
    finally:
        from dsmpack import onedir

        onedir.forget()


def _build_all(names: list[str], output: Path, revisions: list[str]) -> None:
    for name in names:
        for file in _build(name, output, revisions):
            print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}", flush=True)


def _build(name: str, output: Path, revisions: list[str]) -> list[Path]:
    match name:
        case "lock":
            from dsmpack import lock

            lock.write()
            return []
        case "pyz":
            from dsmpack import pyz

            return [pyz.build(output)]
        case "tarball":
            from dsmpack import onedir

            return [onedir.tarball(output)]
        case "deb":
            from dsmpack import deb

            return [deb.build(output, revision) for revision in revisions]
        case "rpm":
            from dsmpack import rpm

            return [rpm.build(output, revision) for revision in revisions]
        case "pages":
            from dsmpack import pages

            return pages.write(output / "share")
    raise AssertionError(name)


if __name__ == "__main__":
    main()
