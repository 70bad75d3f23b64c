"""The metrics and rules of the page in a real Prometheus, and by promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.monitoring import reports
from tests.monitoring.test_pages import MONITORING
from tests.shown import not_shown

from dsmcertfix.report.details import InstanceReport
from dsmcertfix.report.render import prometheus
from dsmcertfix.report.result import PresentedReport, Report

pytestmark = pytest.mark.slow

HOST = "127.0.0.1"
LIMIT_S = 120
REPLACED = reports.REPLACED._replace(
    servers=(PresentedReport("a:1", sha256="0" * 64, not_after="2036-11-20T00:00:00Z"),)
)


@pytest.fixture(autouse=True)
def _programs() -> None:
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        not_shown("a real Prometheus: it is not installed")


def page_rules() -> str:
    """The rules as a file of Prometheus."""
    (found,) = re.findall(r"^```yaml\n(groups:\n.*?)^```", MONITORING, re.MULTILINE | re.DOTALL)
    return str(found)


def metrics_of(told: Report) -> str:
    """What the textfile collector reads."""
    return prometheus.answer(told).stdout + "\n"


def promtool(*words: str | Path, given: str | None = None) -> str:
    """What promtool says; it finds nothing."""
    done = subprocess.run(
        ["promtool", *map(str, words)],
        input=given,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_finds_nothing_in_metrics_and_rules(tmp_path: Path) -> None:
    for told in reports.STATES.values():
        assert promtool("check", "metrics", given=metrics_of(told)) == ""
    file = tmp_path / "rules.yml"
    file.write_text(page_rules(), encoding="utf-8")
    assert "5 rules found" in promtool("check", "rules", file)
    assert page_rules().count("severity:") == page_rules().count("- alert:") == 5


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def served(directory: Path) -> Iterator[int]:
    """The port at which the files of the directory are served."""
    server = ThreadingHTTPServer((HOST, 0), partial(_Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running(directory: Path, targets: dict[str, int]) -> Iterator[str]:
    """The address of a Prometheus with the page's rules, which scrapes /NAME.prom at each port."""
    (directory / "rules.yml").write_text(page_rules(), encoding="utf-8")
    jobs = [
        {
            "job_name": name,
            "metrics_path": f"/{name}.prom",
            "static_configs": [{"targets": [f"{HOST}:{port}"], "labels": {"instance": name}}],
        }
        for name, port in targets.items()
    ]
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }
    # JSON is YAML.
    (directory / "prometheus.yml").write_text(json.dumps(settings), encoding="utf-8")
    with ThreadingHTTPServer((HOST, 0), _Quiet) as free:
        port = free.server_port
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={HOST}:{port}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(LIMIT_S)


def asked(address: str, query: str, wanted: Collection[object], *labels: str) -> set[tuple[str, ...]]:
    """Those labels of what the query gives, as soon as all that is wanted is among it, or at the limit."""
    found: set[tuple[str, ...]] = set()
    end = time.monotonic() + LIMIT_S
    while not found.issuperset(wanted) and time.monotonic() < end:
        words = urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(f"{address}/api/v1/query?{words}", timeout=LIMIT_S) as said:
                result = json.load(said)["data"]["result"]
            found = {tuple(one["metric"].get(label, "") for label in labels) for one in result}
        except OSError:
            pass
        time.sleep(0.2)
    return found


def test_a_real_prometheus_raises_the_alerts_of_the_page(tmp_path: Path) -> None:
    served_directory = tmp_path / "served"
    served_directory.mkdir()
    instance = InstanceReport("1", "/home/tsminst1", "tsminst1", running=True)
    for name, told in {
        "replaced": REPLACED,
        "unreadable": reports.STATES["unreadable"],
        "server": Report("server inspect", "h", instances=(instance,), at=reports.AT),
    }.items():
        (served_directory / f"{name}.prom").write_text(metrics_of(told), encoding="utf-8")
    with served(served_directory) as port:
        targets = dict.fromkeys(("replaced", "unreadable", "server"), port)
        with running(tmp_path, targets) as address:
            alerts = {
                ("BackupCertificateNeedsAction", "replaced", "critical"),
                ("BackupCertificateNotChecked", "unreadable", "warning"),
                ("BackupCertificateCheckIsOld", "replaced", "warning"),
            }
            found = asked(address, "ALERTS", alerts, "alertname", "instance", "severity")
            assert found >= alerts
            assert ("BackupCertificateNeedsAction", "unreadable", "critical") not in found
            running_instances = {("/home/tsminst1", "server")}
            query = "dsmcertfix_instance_running"
            assert asked(address, query, running_instances, "directory", "instance") == running_instances
