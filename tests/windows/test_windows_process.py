"""A program on Windows: nothing outlives the call, nothing of ours reaches it, it may not run for ever."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

assert sys.platform == "win32"

from dsmcertfix.errors import NotFound, NotPermitted
from dsmcertfix.system.process.run import clean_environment, run

SPAWNS = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"],
                         creationflags=subprocess.DETACHED_PROCESS, close_fds=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(float(sys.argv[1]))
"""


def gone(number: int) -> bool:
    deadline = time.monotonic() + 60
    while psutil.pid_exists(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not psutil.pid_exists(number)


@pytest.mark.parametrize(("seconds", "timeout_s"), [("120", 20.0), ("0", 100.0)])
def test_what_a_program_started_ends_with_it(seconds: str, timeout_s: float) -> None:
    done = run([sys.executable, "-c", SPAWNS, seconds], env=clean_environment(), timeout_s=timeout_s)
    assert (done.timed_out, done.returncode) == (seconds == "120", None if seconds == "120" else 0)
    assert gone(int(done.stdout))


def test_output_exit_code_and_input_are_as_on_unix() -> None:
    script = "import sys; print(repr(sys.stdin.read())); sys.stderr.write('err'); sys.exit(12)"
    done = run([sys.executable, "-c", script], env=clean_environment(), timeout_s=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (12, "''", "err")


def test_the_environment_is_made_of_what_windows_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "TEMP", "SystemRoot", "USERPROFILE", "ProgramData", "COMSPEC"):
        monkeypatch.setenv(name, r"C:\evil")
    monkeypatch.setenv("DSM_CONFIG", r"C:\evil\dsm.opt")
    made = clean_environment(additions={"HOME": r"C:\x"})
    assert "evil" not in str(made)
    assert made["SystemRoot"].lower() == r"c:\windows"
    assert made["PATH"].lower().startswith(r"c:\windows\system32;")
    assert (made["HOME"], made["LC_ALL"], Path(made["ProgramData"])) == (
        r"C:\x",
        "C",
        Path(r"C:\ProgramData"),
    )
    wanted = {
        "SystemDrive",
        "windir",
        "TEMP",
        "TMP",
        "COMPUTERNAME",
        "USERNAME",
        "USERPROFILE",
        "ProgramFiles",
    }
    assert wanted <= made.keys()


def test_a_frozen_tools_library_directory_is_not_handed_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dsmcertfix.system.win32 import jobs

    script = (
        "import ctypes; b = ctypes.create_unicode_buffer(999); "
        "ctypes.WinDLL('kernel32').GetDllDirectoryW(999, b); print(repr(b.value))"
    )
    before = jobs.dll_directory()
    jobs.set_dll_directory(str(tmp_path))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    try:
        done = run([sys.executable, "-c", script], env=clean_environment(), timeout_s=60)
        assert (done.stdout.strip(), jobs.dll_directory()) == ("''", str(tmp_path))
    finally:
        jobs.set_dll_directory(before)


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        run([str(tmp_path / "none.exe")], env=clean_environment(), timeout_s=5)
    (tmp_path / "text.exe").write_text("no program")
    with pytest.raises(NotPermitted):
        run([str(tmp_path / "text.exe")], env=clean_environment(), timeout_s=5)
