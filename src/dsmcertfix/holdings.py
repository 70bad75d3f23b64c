"""The sets of files that a journal tells of, as they are now: clients' stores, servers' key databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dsmcertfix.assess import AssessedStore
from dsmcertfix.client.reading import read_store
from dsmcertfix.folding import store_data
from dsmcertfix.host import Host
from dsmcertfix.model import FileSet, LocatedStore
from dsmcertfix.report import StoreReport, store_report
from dsmcertfix.server.control import require_stopped
from dsmcertfix.server.model import LocatedInstance
from dsmcertfix.server.reading import read_instance
from dsmcertfix.server.report import key_database_report
from dsmcertfix.transaction.executor import Subject


@dataclass(frozen=True, slots=True)
class Holding:
    """A set as it was looked at, and as it is told. `ready` raises when it must not be exchanged now."""

    subject: Subject[Any]
    report: StoreReport
    ready: Callable[[], None]


def held(host: Host, located: FileSet[Any]) -> Holding:
    """The set as it is now."""
    match located:
        case LocatedStore():
            store = read_store(host.platform, located)
            told = store_report(AssessedStore(store, ()))
            return Holding(Subject(located, store.files), told, lambda: None)
        case LocatedInstance():
            servers = host.platform.servers()
            instance = read_instance(host.platform, servers, located)
            told = key_database_report(instance, ())
            subject = Subject(located, instance.files)
            return Holding(subject, told, lambda: require_stopped(servers, located))
    raise TypeError(f"not a set of files: {located!r}")


def record_of(host: Host, located: FileSet[Any]) -> Mapping[str, Any]:
    """The journal's record of the set as it is now."""
    return store_data(held(host, located).report)
