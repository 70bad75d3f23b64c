"""A real Chromium without a window: opens a page, looks at it, presses keys."""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

PROGRAMS = ("chromium", "chromedriver")
LIMIT_S = 300.0


def missing() -> str | None:
    """Why no browser can be started here; None when one can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{' and '.join(absent)} not installed (Debian: chromium chromium-driver)" if absent else None


class Browser:
    """One Chromium; `driver` is selenium's."""

    def __init__(self, driver: webdriver.Chrome):
        self.driver = driver

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """The page is loaded in a window of that size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.command("Emulation.setEmulatedMedia", media="", features=scheme)
        self.complaints()
        self.driver.get(page.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """What the script, a function's body, returns."""
        return self.driver.execute_script(script, *arguments)

    def command(self, name: str, **parameters: Any) -> dict[str, Any]:
        """A command of the browser's own protocol."""
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(name, parameters)
        return answer

    def press(self, *keys: str) -> None:
        """The keys are pressed, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """What is in the browser's console since the page was opened: errors, warnings, refused contents."""
        entries: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [f"{entry['level']}: {entry['message']}" for entry in entries]

    def picture(self, path: Path, *, most: int = 12_000) -> None:
        """The whole page, however long, is in that PNG."""
        width = self.run("return innerWidth")
        height = min(self.run("return document.documentElement.scrollHeight"), most)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def paper(self, path: Path, *, a4: bool = False) -> tuple[int, float]:
        """The page as it would be printed, on A4 or else Letter, is in that PDF.

        The number of its pages, and how large it is printed: less than 1 where it had to be made smaller.
        """
        wide, high = (8.27, 11.69) if a4 else (8.5, 11.0)
        printed = self.command("Page.printToPDF", paperWidth=wide, paperHeight=high)
        content = base64.b64decode(printed["data"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert b"/ObjStm" not in content, "pages may be where they cannot be counted"
        pages = len(re.findall(rb"/Type\s*/Page\b", content))
        sizes = [float(one) * float(other) for one, other in _SIZE.findall(_streams(content))]
        assert len(sizes) == pages, "the size of each page is not where it was"
        return pages, min(sizes) / POINTS


def _streams(pdf: bytes) -> bytes:
    """What is drawn on the pages, unpacked."""
    found = re.finditer(rb"/FlateDecode[^>]*>>\s*stream\r?\n", pdf)
    return b"\n".join(zlib.decompressobj().decompress(pdf[one.end() :]) for one in found)


POINTS = 0.75
"""Points of paper of one pixel of the page."""
_SIZE = re.compile(rb"([\d.]+) 0 0 -[\d.]+ 0 [\d.]+ cm\nq\n([\d.]+) 0 0 [\d.]+ ")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with an empty profile; it is gone afterwards."""
    options, profile = Options(), tempfile.mkdtemp(prefix="dsmcertfix-chromium-")
    options.binary_location = str(shutil.which("chromium"))
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en"):
        options.add_argument(word)
    # Nothing but the page may be asked for: the browser's own questions to its maker go nowhere.
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_script_timeout(LIMIT_S)
        driver.set_page_load_timeout(LIMIT_S)
        yield Browser(driver)
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)
