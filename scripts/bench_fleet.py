"""Measures what the picture of a large fleet costs: to read a hundred thousand results, to open the page."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import made_fleet

from dsmbench.identity import Identity

ENDPOINTS = 100_000
_LOADED = re.compile(r"loaded in (\d+) ms")
_ASK = (
    "<script>addEventListener('load', () => setTimeout(() => { document.title = `loaded in ${Math.round("
    "performance.getEntriesByType('navigation')[0].loadEventEnd)} ms`; }))</script></body>"
)


def results(directory: Path) -> Path:
    """The results of that many endpoints, in one file of JSON Lines and gzip, beside their inventory."""
    made_fleet.write(directory / "fleet", ENDPOINTS)
    return directory / "fleet"


def switch(fleet: Path, directory: Path) -> tuple[str | Path, ...]:
    """What `forecast` is asked of that fleet: all its hosts are nodes of the server, half of them STRICT."""
    certificate, nodes = directory / "new.arm", directory / "nodes.csv"
    certificate.write_bytes(Identity.make().arm)
    hosts = (fleet / "inventory.txt").read_text(encoding="utf-8").splitlines()[1:]
    lines = (
        f"{host.upper()},{('Strict', 'Transitional')[place % 2]},{host}\n" for place, host in enumerate(hosts)
    )
    nodes.write_text("".join(lines), encoding="utf-8")
    outputs = ("-o", directory / "forecast.html", "--csv", directory / "forecast.csv")
    asked = ("--server", "tsm01", "--certificate", certificate, "--nodes", nodes, "--max-age", "3650")
    return (*asked, "--inventory", fleet / "inventory.txt", *outputs)


def parsing(fleet: Path) -> tuple[str, ...]:
    """Arguments for Python that parse the same results, and do nothing with them."""
    read = "import gzip, json, sys\nfor line in gzip.open(sys.argv[1]): json.loads(line)"
    return ("-c", read, str(fleet / "results.jsonl.gz"))


def opening_s(page: Path) -> float | None:
    """Seconds until Chromium has loaded the page and drawn its table; None where there is no Chromium.

    The page's policy refuses scripts that are not its own, so a copy without it tells the time in its title.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        return None
    text = page.read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text, count=1)
    asking = page.with_name("asking.html")
    asking.write_text(text.replace("</body>", _ASK), encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="bench-chromium-") as profile:
        words = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom")
        done = subprocess.run(
            [chromium, *words, f"--user-data-dir={profile}", "--virtual-time-budget=60000", asking.as_uri()],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    found = _LOADED.search(done.stdout)
    if found is None:
        raise RuntimeError(f"Chromium did not tell when it had loaded the page: {done.stderr[-500:]}")
    return int(found[1]) / 1000
