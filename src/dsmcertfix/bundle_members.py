"""What goes into a support bundle, file by file: facts about the machine, and nothing that is secret.

Everything here is made from what the tool has read for its own work, which holds no secret, but for option
files: of those only the lines on an allowlist. No stash file, no key database and no backup is ever opened
for it, and certificates are written from their own bytes.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dsmcertfix import __version__
from dsmcertfix.client.option_files import SIZE_LIMIT, find_option_files
from dsmcertfix.client.shown_options import shown
from dsmcertfix.host import Host
from dsmcertfix.model import Certificate, Inventory
from dsmcertfix.platforms.base import Places
from dsmcertfix.platforms.log_file import log_files
from dsmcertfix.render import json, text
from dsmcertfix.report import Report
from dsmcertfix.runlog import log_path
from dsmcertfix.transaction.journal import FILE

MOST_JOURNALS = 50
"""The newest ones; how many more there are is told."""

_LARGEST = 4 * 1024 * 1024
_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LIBRARIES = ("typer", "cryptography", "platformdirs", "psutil", "filelock")


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the bundle, and what it is good for."""

    name: str
    what: str
    data: bytes


def of_report(name: str, what: str, report: Report) -> Iterator[Member]:
    """The report as JSON, and as text."""
    told = (text.render(report), text.render_problem(report))
    yield Member(f"{name}.txt", what, _bytes("\n\n".join(part for part in told if part)))
    yield Member(f"{name}.json", "the same for programs", _bytes(json.render(report)))


def of_certificates(inventory: Inventory) -> Iterator[Member]:
    """Every certificate of each store, and those that each server presents now, as PEM."""
    for store in inventory.stores:
        what = f"the certificates in {store.directory}"
        yield from _pem(f"certificates/store-{store.id}.pem", store.certificates, what)
    for seen in inventory.presented:
        name = f"certificates/server-{_safe(str(seen.server))}.pem"
        yield from _pem(name, seen.chain, f"what {seen.server} presents now")


def of_option_files(places: Places) -> Iterator[Member]:
    """The lines of the option files that matter here; of PASSWORD only that it is there."""
    files = find_option_files(places, tuple(dict.fromkeys(places.clues())))
    paths = dict.fromkeys((*(item.path for item in files.system), *(item.path for item in files.user)))
    for number, path in enumerate(paths, 1):
        try:
            content = shown(places.read(path, SIZE_LIMIT).data)
        except OSError as error:
            content = f"not read: {error.strerror}\n"
        lines = f"{text.printable(str(path))}\n\n{content}"
        name = f"option-files/{number:02}-{_safe(path.name)}.txt"
        yield Member(name, f"{path}, the lines that matter, without secrets", _bytes(lines))


def of_runs(host: Host) -> Iterator[Member]:
    """The newest journals, the newest first, and the log."""
    runs = sorted((host.state / "runs").glob(f"*/{FILE}"), reverse=True)
    for path in runs[:MOST_JOURNALS]:
        name = f"runs/{_safe(path.parent.name)}/{FILE}"
        yield from _file(name, path, f"journal of the run {path.parent.name}")
    for path in log_files(log_path(host)):
        yield from _file(f"log/{_safe(path.name)}", path, "log of what was changed")


def of_versions(inventory: Inventory | None) -> Member:
    """Of the tool and what it stands on; of IBM's programs where they are and how large."""
    import platform
    import ssl

    lines = [
        f"dsmcertfix {__version__}",
        f"Python {platform.python_version()}",
        f"OpenSSL of Python: {ssl.OPENSSL_VERSION}",
        f"system: {platform.platform()}",
        *(f"{name} {_version(name)}" for name in _LIBRARIES),
    ]
    programs = inventory.located.programs if inventory is not None else None
    for name in ("dsmc", "gsk8capicmd", "dsmcert"):
        path = getattr(programs, name, None)
        lines.append(f"{name}: {_described(path) if path else 'not found'}")
    lines.append("The client's own version is not in here: to ask for it would need a session with a server.")
    return Member(
        "versions.txt", "versions of the tool, and IBM's programs as found", _bytes("\n".join(lines))
    )


def _pem(name: str, certificates: Sequence[Certificate], what: str) -> Iterator[Member]:
    parts = [_armoured(one) for one in certificates if one.der]
    if parts:
        yield Member(name, what, _bytes("\n".join((f"{text.printable(what)}\n", *parts))))


def _armoured(one: Certificate) -> str:
    import ssl

    head = (
        f"label: {one.label}",
        f"subject: {one.subject}",
        f"issuer: {one.issuer}",
        f"valid: {one.not_before} to {one.not_after}",
        f"SHA-256: {one.sha256}",
    )
    return "\n".join((*map(text.printable, head), ssl.DER_cert_to_PEM_cert(one.der)))


def _file(name: str, path: Path, what: str) -> Iterator[Member]:
    """The end of a file of ours; nothing where it is gone meanwhile."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LARGEST))
        yield Member(name, what, file.read(_LARGEST))


def _described(path: Path) -> str:
    try:
        info = path.stat()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return f"{path}, {info.st_size} bytes, uid {info.st_uid}, mode {info.st_mode & 0o7777:04o}"


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "not installed as a package"


def _safe(name: str) -> str:
    return _NAME.sub("_", name).lstrip(".") or "_"


def _bytes(content: str) -> bytes:
    return (content.rstrip("\n") + "\n").encode("utf-8", "backslashreplace")
