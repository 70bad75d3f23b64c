"""The use case that gathers what the backup team needs into one new zip, lists it first, and asks."""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dsmcertfix import __version__, budgets
from dsmcertfix.commands.contract import Confirm, Declined, reported
from dsmcertfix.commands.cut_off import require_recovered
from dsmcertfix.commands.explain import explain
from dsmcertfix.commands.log import log_path
from dsmcertfix.commands.look import detected, locate_stores
from dsmcertfix.errors import DsmcertfixError, NotPermitted, UsageError
from dsmcertfix.ibm.client import shareable
from dsmcertfix.ibm.client.option_files import find_option_files
from dsmcertfix.ibm.client.shown_options import shown
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.model import Certificate, Inventory
from dsmcertfix.planning.selection import Selection
from dsmcertfix.report.details import ContentReport
from dsmcertfix.report.render import json, text
from dsmcertfix.report.result import Report
from dsmcertfix.system.base import Places
from dsmcertfix.system.host import Host, Limits, host_name
from dsmcertfix.system.invocation import typist
from dsmcertfix.system.log_file import log_files
from dsmcertfix.system.output_file import write_new
from dsmcertfix.transaction.journal import FILE
from dsmcertfix.wording import counted, printable

_INTRODUCTION = """\
Made by dsmcertfix {version} on {host} at {at}.

It is for whoever looks into why this computer and its backup servers do not trust each other. report.txt says
what is wrong now, error-logs.txt what the client complained of, places.txt where was looked, runs/ and log/
what dsmcertfix did here so far.

Not in here: private keys, stash files, key databases, passwords (TSM.* files, PASSWORD lines), backups; what
programs said and what stands in error logs, but for codes, times and texts of this tool; and of option files
all that has nothing to do with how a server is reached. Names of hosts, users, nodes, servers and directories
are in here.
"""


def support_bundle(host: Host, output: Path | None, limits: Limits, confirm: Confirm) -> Report:
    """The zip is at `output`, closed to others; without one here, under a name of its own.

    `confirm` is shown the list first. Raises Declined when it says no, UsageError when there is something of
    that name already, NotPermitted when it cannot be written. What cannot be gathered is told in the bundle.
    """
    at = datetime.now(timezone.utc)
    path = (output or Path(_own_name(at))).absolute()
    _require_free(path)
    members, warnings = _gathered(host, limits, at)
    listed = tuple(
        ContentReport(item.name, len(item.data), sha256(item.data).hexdigest(), item.what) for item in members
    )
    files = counted(len(listed), "file")
    preview = Report(
        "support-bundle",
        host_name(),
        contents=listed,
        warnings=warnings,
        comment=f"would write {files} into {path}",
    )
    if not confirm(preview):
        raise Declined
    try:
        who = typist()
        theirs = write_new(path, _zipped(path.stem, members, at), who)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise NotPermitted(
            "bundle-not-written", f"`{path}` could not be written: {error.strerror}"
        ) from error
    reader = who.name if who and theirs else "root" if who else "you"
    comment = f"{files} in {path}, readable by {reader} alone; send it to the backup team"
    return preview._replace(bundle=str(path), comment=comment)


def _own_name(at: datetime) -> str:
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in host_name())
    return f"dsmcertfix-support-{name}-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}.zip"


def _require_free(path: Path) -> None:
    """Said before the gathering, which takes its time; the writing does not rely on it."""
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> UsageError:
    return UsageError("bundle-exists", f"`{path}` exists already, and is not written over")


def _gathered(host: Host, limits: Limits, at: datetime) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    introduction = _INTRODUCTION.format(
        version=__version__, host=host_name(), at=f"{at:%Y-%m-%d %H:%M:%S} UTC"
    )
    members = [Member("README.txt", "what this is", introduction.encode())]
    warnings: list[str] = []
    inventory: Inventory | None = None

    def work() -> Report:
        nonlocal inventory
        inventory = take_inventory(host.platform, probe_timeout_s=limits.probe_s)
        return detected(inventory, Selection())

    members += of_report("report", "what is wrong now", reported("detect", work))
    located = reported("locate", lambda: locate_stores(host))
    members += of_report("places", "the places looked at, and the stores found", located)
    logs = without_lines(reported("explain", lambda: explain(host, ())))
    members += of_report("error-logs", "codes in the client's error logs, explained", logs)
    members.append(of_versions(inventory))
    members += of_option_files(host.platform.places)
    if inventory is not None:
        members += of_certificates(inventory)
    members += _of_state(host, warnings)
    return tuple(members), tuple(warnings)


def _of_state(host: Host, warnings: list[str]) -> Iterator[Member]:
    """Journals and log, unless somebody else could have written them."""
    try:
        host.require_state()
        there = host.has_state()
    except DsmcertfixError as error:
        warnings.append(f"journals and log are left out: {error.message}")
        return
    try:
        require_recovered(host)
    except DsmcertfixError as error:
        warnings.append(error.message)
    if not there:
        return
    runs = len(list((host.state / "runs").glob("*")))
    if runs > MOST_JOURNALS:
        warnings.append(f"{runs - MOST_JOURNALS} older journals are left out")
    yield from of_runs(host)


def _zipped(top: str, members: tuple[Member, ...], at: datetime) -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for item in members:
            info = zipfile.ZipInfo(f"{top}/{item.name}", at.timetuple()[:6])
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            bundle.writestr(info, item.data)
    return buffer.getvalue()


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


def without_lines(report: Report) -> Report:
    """What the error logs say in codes, times and the table's own texts: their lines are not given away."""
    return report._replace(explanations=tuple(replace(item, line=None) for item in report.explanations))


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
            content = shown(places.read(path, budgets.OPTION_FILE.cap).data)
        except OSError as error:
            content = f"not read: {error.strerror}\n"
        lines = f"{printable(str(path))}\n\n{content}"
        name = f"option-files/{number:02}-{_safe(path.name)}.txt"
        yield Member(name, f"{path}, the lines that matter, without secrets", _bytes(lines))


def of_runs(host: Host) -> Iterator[Member]:
    """The newest journals, the newest first, and the log."""
    runs = sorted((host.state / "runs").glob(f"*/{FILE}"), reverse=True)
    for path in runs[:MOST_JOURNALS]:
        name = f"runs/{_safe(path.parent.name)}/{FILE}"
        yield from _file(name, path, f"journal of the run {path.parent.name}", shareable.journal)
    for path in log_files(log_path(host)):
        yield from _file(f"log/{_safe(path.name)}", path, "log of what was changed", shareable.log)


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
        yield Member(name, what, _bytes("\n".join((f"{printable(what)}\n", *parts))))


def _armoured(one: Certificate) -> str:
    import ssl

    head = (
        f"label: {one.label}",
        f"subject: {one.subject}",
        f"issuer: {one.issuer}",
        f"valid: {one.not_before} to {one.not_after}",
        f"SHA-256: {one.sha256}",
    )
    return "\n".join((*map(printable, head), ssl.DER_cert_to_PEM_cert(one.der)))


def _file(name: str, path: Path, what: str, shared: Callable[[bytes], bytes]) -> Iterator[Member]:
    """What may be `shared` of the end of a file of ours; nothing where it is gone meanwhile."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        start = max(0, path.stat().st_size - _LARGEST)
        file.seek(start)
        data = file.read(_LARGEST)
        # The first line may begin in the middle of what is not shared.
        yield Member(name, what, shared(data.partition(b"\n")[2] if start else data))


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
