"""The forecast against the truth: a hundred thousand results, and what the played clients then do.

Every endpoint of the sample is built, looked at by `detect`, and played after the switch: its clients sign on
with IBM's TLS. The other results are copies of real ones under other names: their truth is their kind's.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fleet import simulation
from tests.fleet.simulation import KINDS, SIGNED, Played, Site

from dsmbench.identity import authority

GOES_ON = ("ready", "fetches")
AT_ONCE = 4
"""Endpoints that are looked at, or played, at the same time."""

_MEASURED = """
import json, resource, subprocess, sys
with open(sys.argv[1], "wb") as said:
    code = subprocess.call(sys.argv[2:], stdout=said)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
"""Runs a program and says what it cost, in a small process: Linux counts a parent's memory as its child's."""


class Run(NamedTuple):
    """What the forecast said of each host (None: not counted), and what it cost."""

    standings: dict[str, str]
    verdict: str
    processor_s: float
    memory_mib: float


def forecast(site: Site, fleet: Path, *words: str) -> Run:
    """`forecast` over the files of that directory has ended."""
    above = site.root.arm if site.root is not None else b""
    (site.directory / "new.arm").write_bytes(site.new.arm + above)
    certificate = ("--server", "TSM01", "--certificate", str(site.directory / "new.arm"))
    outputs = ("--nodes", str(fleet / "nodes.csv"), "--csv", str(fleet / "forecast.csv"))
    argv = [sys.executable, "-m", "dsmcertfix", "forecast", str(fleet / "results"), *certificate, *outputs]
    said = fleet / "said.txt"
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(said), *argv, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    code, processor_s, memory_kib = json.loads(done.stdout)
    assert code == 0
    with (fleet / "forecast.csv").open(encoding="utf-8", newline="") as file:
        found = {row["host"]: row["standing"] for row in csv.DictReader(file)}
    verdict = said.read_text(encoding="utf-8").splitlines()[-1]
    return Run(found, verdict, processor_s, memory_kib / 1024)


def listing(sample: list[Played]) -> str:
    """The nodes of the sample as the server knows them before the switch."""
    known = sample[0].site.server.state.nodes
    lines = (f"{node},{known[node].session_security},{one.name}\n" for one in sample for node in one.nodes)
    return "".join(lines)


def require_right(sample: dict[Played, str], told: dict[str, str]) -> dict[str, bool]:
    """The forecast is right for every endpoint of the sample; returns which kinds are refused."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        refused = dict(zip(sample, pool.map(Played.is_refused, sample), strict=True))
    wrong = {
        f"{one.name} ({kind})": (told.get(one.name), refused[one])
        for one, kind in sample.items()
        if (kind == "elsewhere") != (one.name not in told)
        or (one.name in told and (told[one.name] not in GOES_ON) != refused[one])
    }
    assert wrong == {}
    return {kind: refused[one] for one, kind in sample.items()}


def looked_at(sample: dict[Played, str]) -> list[dict[str, object]]:
    """What `detect` says of each."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(Played.result, sample))


def played_sample(site: Site, chosen: list[str]) -> dict[Played, str]:
    return {simulation.build(site, f"host{place:03}", kind): kind for place, kind in enumerate(chosen)}


def foretold_and_switched(
    site: Site, sample: dict[Played, str], directory: Path
) -> tuple[Run, dict[str, bool]]:
    """What the forecast said before the switch, right for every endpoint, and which kinds are refused."""
    results = "\n".join(map(json.dumps, looked_at(sample)))
    (directory / "results").write_text(results, encoding="utf-8")
    (directory / "nodes.csv").write_text(listing(list(sample)), encoding="utf-8")
    told = forecast(site, directory)
    site.switch()
    return told, require_right(sample, told.standings)


def test_the_forecast_is_right_for_an_endpoint_of_every_kind(tmp_path: Path) -> None:
    with simulation.site() as site:
        told, refused = foretold_and_switched(site, played_sample(site, list(KINDS)), tmp_path)
    assert {True, False} == {*refused.values()}
    assert {"ready", "fetches", "strict", "without", "unusable"} <= {*told.standings.values()}


def test_it_is_right_where_an_authority_signed_the_new_certificate(tmp_path: Path) -> None:
    with simulation.site(authority()) as site:
        _, refused = foretold_and_switched(site, played_sample(site, list(SIGNED)), tmp_path)
    assert {kind for kind, is_refused in refused.items() if not is_refused} >= {"root", "root-alone"}
    assert refused["leaf-without-root"] and refused["root-not-trusted"] and refused["other-root"]


COUNT, SAMPLE = 100_000, 210


@pytest.mark.slow
def test_the_forecast_is_right_for_a_fleet_and_for_each_endpoint_of_a_sample(tmp_path: Path) -> None:
    fleet = simulation.kinds(COUNT)
    with simulation.site() as site:
        sample = played_sample(site, [*KINDS, *simulation.kinds(SAMPLE - len(KINDS), seed=2)])
        real: dict[str, list[dict[str, object]]] = {}
        for kind, found in zip(sample.values(), looked_at(sample), strict=True):
            real.setdefault(kind, []).append(found)
        with gzip.open(tmp_path / "results", "wt", encoding="utf-8", compresslevel=1) as stream:
            for line in simulation.made_results(COUNT - len(sample), real, fleet):
                stream.write(f"{line}\n")
            stream.writelines(f"{json.dumps(item)}\n" for each in real.values() for item in each)
        made = [
            f"MADE{n:06},{KINDS[fleet[n]][0]},made{n:06}\n"
            for n in range(COUNT - len(sample))
            if fleet[n] != "elsewhere"
        ]
        (tmp_path / "nodes.csv").write_text("".join(made) + listing(list(sample)), encoding="utf-8")
        told = forecast(site, tmp_path)
        before = datetime.now(timezone.utc)
        site.switch()
        refused = require_right(sample, told.standings)
        took = datetime.now(timezone.utc) - before
        print(f"{len(sample)} endpoints played in {took}, of {Counter(sample.values())}")
    truth = {f"made{n:06}": refused[fleet[n]] for n in range(COUNT - len(sample)) if fleet[n] != "elsewhere"}
    forecast_of = {
        host: item not in GOES_ON for host, item in told.standings.items() if host.startswith("made")
    }
    assert forecast_of == truth
    print(f"{told.verdict}\n{told.processor_s:.1f} s of processor time, {told.memory_mib:.0f} MiB")
    assert told.memory_mib <= 300  # scripts/bench.py holds the time, too
