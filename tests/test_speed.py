"""What keeps commands quick, counted: what they load, look at and parse. scripts/bench.py takes the time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from dsmbench.endpoint import Endpoint
from dsmbench.identity import Identity
from dsmbench.runtime import scratch
from dsmbench.server import Server
from dsmcertfix.commands.fix import fix
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.ibm.inventory import take_inventory
from dsmcertfix.ibm.key_database import certificate
from dsmcertfix.model import Store
from dsmcertfix.planning import assess
from dsmcertfix.planning.assess import AssessedStore
from dsmcertfix.planning.selection import Selection
from dsmcertfix.planning.steps import RunOptions
from dsmcertfix.system.host import Limits, open_host
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix

_LOADED = """
import json, sys
sys.argv[0] = "dsmcertfix"
try:
    from dsmcertfix.cli import main
    main()
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""

_LOCATE_LOOKS_A_HOME = 12


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with scratch() as directory:
        yield Endpoint(directory / "root", programs=())


def loaded(*words: str | Path) -> set[str]:
    """The modules that a command loaded."""
    argv = [sys.executable, "-c", _LOADED, *map(str, words)]
    done = subprocess.run(argv, capture_output=True, encoding="utf-8", check=False, stdin=subprocess.DEVNULL)
    return set(json.loads(done.stderr.splitlines()[-1]))


def known(names: set[str]) -> set[str]:
    """The same. That a module which is not there was not loaded would say nothing."""
    assert [name for name in names if find_spec(name) is None] == []
    return names


HEAVY = {"cryptography", "psutil", "rich", "ssl", "filelock", "platformdirs", "concurrent.futures"}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_trivial_loads_nothing_heavy_and_none_of_the_work(option: str) -> None:
    ours = {"dsmcertfix.commands", "dsmcertfix.ibm.inventory", "dsmcertfix.ibm.key_database.kdb"}
    assert not loaded(option) & (HEAVY | known(ours))


def test_detect_loads_only_what_it_needs(endpoint: Endpoint) -> None:
    endpoint.stanza("TSM01", ("127.0.0.1", 1), node="HOST1")
    endpoint.store(certificates=[(endpoint.label("TSM01"), Identity.make().der)])
    modules = loaded("--trust-root", "--root", endpoint.root, "detect", "--json")
    assert "cryptography.x509" in modules
    unused = {"rich", "platformdirs", "concurrent.futures", "dsmcertfix.report.render.text", "encodings.idna"}
    work = {"dsmcertfix.transaction.executor", "dsmcertfix.system.process.run"}
    assert not modules & known(unused | work)


class Counter:
    """Counts calls of functions of `os` that ask the file system."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.calls = 0
        for name in ("lstat", "stat", "open", "listdir", "scandir", "readlink"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            return real(*arguments, **options)

        return call


def test_locate_looks_a_bounded_number_of_times_at_each_home(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for users in (5, 15):
        for number in range(users):
            endpoint.user(f"u{number}")
        with monkeypatch.context() as patch:
            counter = Counter(patch)
            # Without the machine's own processes, whose number changes.
            patch.setattr("dsmcertfix.system.unix.clues.from_processes", lambda _root: iter(()))
            locate(UnixPlaces(endpoint.root))
        counts.append(counter.calls)
    assert counts[1] - counts[0] <= 10 * (_LOCATE_LOOKS_A_HOME + len(endpoint.root.parts))


def test_a_repair_judges_each_store_as_often_however_many_there_are(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Path] = []
    real = assess._assess_store

    def judge(store: Store, *arguments: Any) -> AssessedStore:
        judged.append(store.directory)
        return real(store, *arguments)

    monkeypatch.setattr(assess, "_assess_store", judge)
    counts = []
    with Server("TSM01") as server:
        for stores in (3, 9):
            for number in range(stores):
                place = f"/opt/s{stores}x{number}/adsm"
                endpoint.stanza(f"S{stores}X{number}", server, node="N", passworddir=place)
                endpoint.store(place, certificates=[(f"S{stores}X{number}", server.certificate_der)])
            server.renew()
            judged.clear()
            host = open_host(endpoint.root, endpoint.root / "state", trust_root=True)
            report = fix(host, Selection(), RunOptions(reconnect=False), Limits(), lambda _: None, None)
            assert sum(store.outcome == "changed" for store in report.stores) == stores
            counts.append(len(judged) / len(report.stores))
    assert counts[1] <= counts[0]


def test_each_certificate_is_parsed_once_however_many_stores_hold_it(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Identity.make().der, Identity.make().der
    for directory in ("/etc/adsm", None):
        endpoint.store(directory, certificates=[("one", one), ("other", other)])
    parsed: list[bytes] = []
    real = x509.load_der_x509_certificate

    def load(der: bytes) -> x509.Certificate:
        parsed.append(der)
        return real(der)

    monkeypatch.setattr(x509, "load_der_x509_certificate", load)
    certificate._described.cache_clear()
    inventory = take_inventory(Unix(UnixPlaces(endpoint.root)))
    assert len(inventory.stores) == 2 and all(len(store.certificates) == 2 for store in inventory.stores)
    assert sorted(parsed) == sorted((one, other))
    labels = [item.label for item in inventory.stores[0].certificates]
    assert labels == ["one", "other"]
