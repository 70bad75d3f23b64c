"""The command line: `python -m dsmpack WHAT... [--output DIR]`; see build.sh."""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

from dsmpack import materials, provenance
from dsmpack.places import TOP

WHAT = ("pyz", "tarball", "deb", "rpm", "pages")


def main() -> None:
    """What was named is in the output directory; each file is printed with its SHA-256."""
    parser = argparse.ArgumentParser(prog="build.sh", description="Builds what is shipped to Unix nodes.")
    parser.add_argument("what", nargs="*", default=list(WHAT), metavar="WHAT", help=", ".join(WHAT))
    parser.add_argument("--output", type=Path, default=TOP / "build" / "dist", metavar="DIR")
    parser.add_argument("--verify", type=Path, metavar="DIR", help="build again what is in DIR, and compare")
    parser.add_argument(
        "--revision", action="append", metavar="N", help="of deb and rpm; may be repeated (1)"
    )
    given = parser.parse_args()
    for name in given.what:
        if name not in WHAT:
            parser.error(f"`{name}` is none of {', '.join(WHAT)}")
    if given.verify is not None:
        _verify(given.verify)
        return
    # What is built must be readable to those who install it, whatever the builder's own habit.
    os.umask(0o022)
    given.output.mkdir(parents=True, exist_ok=True)
    try:
        revisions = given.revision or ["1"]
        files = _build_all(given.what, given.output, revisions)
        if files:
            provenance.write(given.output, files, given.what, revisions)
    finally:
        from dsmpack import onedir

        onedir.forget()


def _verify(directory: Path) -> None:
    wrong = provenance.verify(directory)
    if wrong:
        raise SystemExit(f"not what this source gives: {', '.join(wrong)}")
    print(f"every file that {directory / provenance.STATEMENT} names was built again and is the same")


def _build_all(names: list[str], output: Path, revisions: list[str]) -> list[Path]:
    """What was built, each with its bill of materials beside it; each is printed with its hash."""
    files = []
    for name in names:
        for file in _build(name, output, revisions):
            print(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file}", flush=True)
            if name != "pages":
                bill = materials.text(with_python=name != "pyz")
                beside = file.with_name(f"{file.name}.cdx.json")
                beside.write_text(bill, encoding="utf-8")
                files += [file, beside]
    return files


def _build(name: str, output: Path, revisions: list[str]) -> list[Path]:
    match name:
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
