"""The use case that gathers what the backup team needs into one new zip, lists it first, and asks."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from dsmcertfix import __version__
from dsmcertfix.bundle_members import (
    MOST_JOURNALS,
    Member,
    of_certificates,
    of_option_files,
    of_report,
    of_runs,
    of_versions,
)
from dsmcertfix.commands import counted, detected, locate_stores, reported, require_recovered
from dsmcertfix.errors import DsmcertfixError, NotPermitted, UsageError
from dsmcertfix.helpdesk import explain
from dsmcertfix.helpdesk_report import ContentReport
from dsmcertfix.host import Host, Limits, host_name
from dsmcertfix.inventory import take_inventory
from dsmcertfix.model import Inventory
from dsmcertfix.platforms.new_file import write_new
from dsmcertfix.repair import Confirm
from dsmcertfix.report import Report
from dsmcertfix.selection import Selection

_INTRODUCTION = """\
Made by dsmcertfix {version} on {host} at {at}.

It is for whoever looks into why this computer and its backup servers do not trust each other. report.txt says
what is wrong now, error-logs.txt what the client complained of, places.txt where was looked, runs/ and log/
what dsmcertfix did here so far.

Not in here: private keys, stash files, key databases, passwords (TSM.* files, PASSWORD lines), backups, and
all lines of option files that have nothing to do with how a server is reached. Names of hosts, users, nodes,
servers and directories are in here.
"""


def support_bundle(host: Host, output: Path | None, limits: Limits, confirm: Confirm) -> Report:
    """The zip is at `output`, closed to others; without one here, under a name of its own.

    `confirm` is shown the list first. Raises UsageError when it says no, or when there is something of that
    name already; NotPermitted when it cannot be written. What cannot be gathered is told in the bundle.
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
        raise UsageError("not-confirmed", "nothing was written: the list was not confirmed")
    try:
        write_new(path, _zipped(path.stem, members, at))
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise NotPermitted(
            "bundle-not-written",
            f"`{path}` could not be written: {error.strerror}",
            hint="Give another place: `dsmcertfix support-bundle --output FILE`.",
        ) from error
    comment = f"{files} in {path}, readable by you alone; send it to the backup team"
    return replace(preview, bundle=str(path), comment=comment)


def _own_name(at: datetime) -> str:
    name = "".join(char if char.isascii() and char.isalnum() else "-" for char in host_name())
    return f"dsmcertfix-support-{name}-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}.zip"


def _require_free(path: Path) -> None:
    """Said before the gathering, which takes its time; the writing does not rely on it."""
    if os.path.lexists(path):
        raise _exists(path)


def _exists(path: Path) -> UsageError:
    return UsageError(
        "bundle-exists",
        f"`{path}` exists already, and is not written over",
        hint="Give another name: `dsmcertfix support-bundle --output FILE`.",
    )


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
    logs = reported("explain", lambda: explain(host, ()))
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
