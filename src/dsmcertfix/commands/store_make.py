"""The use case `store make`: a new store for an image or a client that is installed anew."""

from __future__ import annotations

import contextlib
import os
import tempfile
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path

from dsmcertfix import NamedTuple
from dsmcertfix.errors import NotPermitted, UsageError
from dsmcertfix.ibm.certificate_file import certificates_of_file
from dsmcertfix.ibm.engines import NativeEngine
from dsmcertfix.ibm.key_database import fresh, kdb
from dsmcertfix.ibm.key_database.certificate import describe, describe_all
from dsmcertfix.model import Certificate, StoreFile
from dsmcertfix.planning.preflight import in_date_problem
from dsmcertfix.planning.trust import Handover, labels_of
from dsmcertfix.report.result import Report
from dsmcertfix.system.host import Host, host_name
from dsmcertfix.system.output_file import write_new
from dsmcertfix.wording import counted


class StoreWish(NamedTuple):
    """Which server is to be trusted, by which file, in which directory, and the key database's version."""

    server: str
    file: Path
    directory: Path
    version: int = 4


def make(host: Host, wish: StoreWish) -> Report:
    """A store that trusts the file's certificates for that server lies in the directory, closed to others.

    Raises NotFound and UsageError for a file that holds no certificate, or none that IBM's TLS can go by,
    CannotReconnect for one out of date, NotPermitted where there is a store or nobody may write. Then nothing
    is left there.
    """
    del host  # What is made is for another machine, or for this one before its client is there.
    now = datetime.now(timezone.utc)
    given = dict.fromkeys(certificates_of_file(wish.file))
    handover = Handover(wish.server, tuple(describe(der, sha256(der).hexdigest()[:8]) for der in given))
    problem = in_date_problem(handover.certificates, now)
    if problem is not None:
        raise problem.error()
    files, certificates = _made(wish, handover.usable(now))
    if not any(one.trusted for one in certificates):
        raise UsageError(
            "no-root-in-file",
            f"no certificate in `{wish.file}` signs itself, and IBM's TLS goes by one that does",
        )
    _put(wish.directory, files)
    told = (f"`{one.label}`: SHA-256 {one.sha256}, until {one.last_day}" for one in certificates)
    return Report(
        "store make",
        host_name(),
        comment=f"a store of version {wish.version} with {counted(len(certificates), 'certificate')} is in "
        f"{wish.directory}",
        warnings=(
            *told,
            *handover.left_out(now),
            "give its files to the user as whom the client runs; the client makes the index file itself",
        ),
    )


def _made(
    wish: StoreWish, certificates: tuple[Certificate, ...]
) -> tuple[dict[StoreFile, bytes], tuple[Certificate, ...]]:
    """The files of the store, and what its key database holds."""
    files = fresh.empty_store(wish.version, fresh.new_password())
    with tempfile.TemporaryDirectory(prefix="dsmcertfix-") as private:
        for file, content in files.items():
            write_new(Path(private, file.value), content)
        database = Path(private, StoreFile.KDB.value)
        labels = labels_of(wish.server, certificates)
        for label, one in zip(labels, certificates, strict=True):
            NativeEngine().add(database, label, one.der)
        files[StoreFile.KDB] = database.read_bytes()
    return files, describe_all(kdb.read(files[StoreFile.KDB]))


def _put(directory: Path, files: dict[StoreFile, bytes]) -> None:
    """The files are in the directory, the key database last. Raises NotPermitted, and leaves nothing then."""
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        _require_ours(directory)
    except OSError as error:
        raise _not_written(directory, error) from error
    there = [file.value for file in StoreFile if os.path.lexists(directory / file.value)]
    if there:
        raise NotPermitted("store-there-already", f"`{directory}` holds {', '.join(there)} already")
    written: list[Path] = []
    try:
        for file in sorted(files, key=lambda file: file is StoreFile.KDB):
            write_new(directory / file.value, files[file])
            written.append(directory / file.value)
    except OSError as error:
        for path in written:
            with contextlib.suppress(OSError):
                path.unlink()
        raise _not_written(directory, error) from error


def _require_ours(directory: Path) -> None:
    """Raises NotPermitted for a directory of somebody else, who could exchange what is made there."""
    if hasattr(os, "geteuid") and directory.stat().st_uid != os.geteuid():
        raise NotPermitted("directory-of-another", f"`{directory}` belongs to uid {directory.stat().st_uid}")


def _not_written(directory: Path, error: OSError) -> NotPermitted:
    return NotPermitted(
        "output-not-written",
        f"`{directory}` could not be written: {error.strerror or error}",
        hint="Name a directory in one that exists and that you may write to.",
    )
