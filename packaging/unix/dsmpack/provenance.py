"""Where what was built comes from: SHA256SUMS, a statement in the in-toto form, the proof by building again.

The statement (in-toto Statement v1, SLSA provenance v1) names the source, the lock and the Python; whoever
has the same ones gets the same bytes. It is not signed here: sign SHA256SUMS (docs/install-unix.md).
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dsmpack.places import LOCK, NAME, TOP, epoch, run, version

SOURCES = (
    *("src", "packaging/unix", "scripts/environment.sh", "scripts/locked.py", "scripts/sbom.py"),
    *("pyproject.toml", "README.md", "LICENSE"),
)
SUMS, STATEMENT = "SHA256SUMS", "provenance.json"


def write(output: Path, files: Iterable[Path], what: Sequence[str], revisions: Sequence[str]) -> None:
    """SHA256SUMS and the statement for these files are in `output`."""
    sums = {file.relative_to(output).as_posix(): _sha256(file) for file in sorted(files)}
    (output / SUMS).write_text(
        "".join(f"{value}  {name}\n" for name, value in sums.items()), encoding="utf-8"
    )
    statement = json.dumps(_statement(sums, what, revisions), indent=1)
    (output / STATEMENT).write_text(f"{statement}\n", encoding="utf-8")


def verify(directory: Path) -> tuple[str, ...]:
    """The files in the directory that are not what this source gives; empty when all are.

    Everything that the statement names is built again, from this source and with the time in the statement.
    Raises SystemExit when this is not the source, the lock or the Python of the statement.
    """
    statement = json.loads((directory / STATEMENT).read_text(encoding="utf-8"))
    definition = statement["predicate"]["buildDefinition"]
    parameters = definition["externalParameters"]
    here = _statement({}, (), ())["predicate"]["buildDefinition"]
    told, ours = definition["internalParameters"], here["internalParameters"]
    other = [
        f"{name}: {told.get(name)} there, {ours[name]} here" for name in ours if told.get(name) != ours[name]
    ]
    if definition["resolvedDependencies"] != here["resolvedDependencies"]:
        other.append("the source or the lock is another one")
    if other:
        raise SystemExit(f"this can not be built again here: {'; '.join(other)}")
    named = {item["name"]: item["digest"]["sha256"] for item in statement["subject"]}
    wrong = {name for name, value in named.items() if _sha256(directory / name) != value}
    with tempfile.TemporaryDirectory() as scratch:
        again = (sys.executable, "-m", "dsmpack", *parameters["what"], "--output", scratch)
        numbered = [word for number in parameters["revisions"] for word in ("--revision", number)]
        run(*again, *numbered, SOURCE_DATE_EPOCH=str(parameters["sourceDateEpoch"]))
        wrong |= {name for name, value in named.items() if _sha256(Path(scratch, name)) != value}
    return tuple(sorted(wrong))


def _statement(sums: dict[str, str], what: Sequence[str], revisions: Sequence[str]) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": value}} for name, value in sums.items()],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": f"{NAME}/packaging/unix/build.sh/1",
                "externalParameters": {
                    "what": list(what),
                    "revisions": list(revisions),
                    "version": version(),
                    "sourceDateEpoch": epoch(),
                },
                "internalParameters": {
                    "python": platform.python_version(),
                    "machine": platform.machine(),
                    "libc": " ".join(platform.libc_ver()),
                },
                "resolvedDependencies": [
                    {"uri": "git+source", "digest": {"sha256": _source()}},
                    {"uri": LOCK.relative_to(TOP).as_posix(), "digest": {"sha256": _sha256(LOCK)}},
                ],
            },
            "runDetails": {"builder": {"id": f"{NAME}/packaging/unix/build.sh"}},
        },
    }


def _source() -> str:
    """One hash over all of the source that comes into what is built."""
    digest = hashlib.sha256()
    for part in SOURCES:
        for file in sorted((TOP / part).rglob("*")) or [TOP / part]:
            if file.is_file() and "__pycache__" not in file.parts and "egg-info" not in str(file):
                digest.update(f"{file.relative_to(TOP)}\0{_sha256(file)}\n".encode())
    return digest.hexdigest()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "missing"
