"""`store save` and `store restore`: a store outlives its client's upgrade; nothing else comes in so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from tests.endtoend.machine import Machine

from dsmbench.endpoint import AS_ROOT
from dsmcertfix.ibm.key_database import stash

KILLING = Path(__file__).with_name("killing.py")
STORE = ("dsmcert.kdb", "dsmcert.sth", "dsmcert.rdb", "dsmcert.crl", "dsmcert.idx")


@pytest.fixture
def saved(machine: Machine) -> Path:
    """Where the machine's store is saved; the client is gone."""
    output = machine.directory / "saved"
    assert machine.run("store", "save", "--store", machine.ba, "--output", output).code == 0
    return output


def gone(machine: Machine) -> None:
    """The client was installed anew: its directory holds no store."""
    for file in machine.ba.glob("dsmcert.*"):
        file.unlink()


def restored(machine: Machine, saved: Path, *more: str | Path) -> tuple[int, str]:
    """Exit code and the problem's code."""
    answer = machine.run("store", "restore", "--from", saved, "--yes", *more)
    return answer.code, (answer.report["problem"] or {}).get("code", "")


def test_a_store_comes_back_as_it_was_and_the_client_signs_on_with_it(machine: Machine) -> None:
    (machine.ba / "dsmcert.kdb").chmod(0o640)
    before, output = machine.seen(), machine.directory / "saved"
    report = machine.run("store", "save", "--store", machine.ba, "--output", output).report
    assert (report["exit_code"], report["changed"], report["backup"]) == (0, False, str(output))
    assert machine.seen() == before
    assert output.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in output.iterdir()} == {0o600}
    gone(machine)
    answer = machine.run("store", "restore", "--from", output, "--yes")
    assert (answer.code, answer.report["outcome"]) == (0, "changed")
    assert machine.seen() == before
    machine.require_proved("TSMA", machine.servers["TSMA"].sha256)
    assert machine.sign_ons("TSMA") == ["session"]
    assert machine.run("detect").code == 0
    again = machine.run("store", "restore", "--from", output, "--yes").report
    assert (again["changed"], again["run"]) == (False, None)


def test_what_the_new_client_made_is_kept_and_a_rollback_brings_it_back(
    machine: Machine, saved: Path
) -> None:
    before = machine.seen()
    machine.renew("TSMA")
    assert machine.fix().code == 0
    newer = machine.seen()
    answer = machine.run("store", "restore", "--from", saved, "--yes")
    assert (answer.code, machine.seen()) == (0, before)
    assert machine.run("rollback", answer.report["run"], "--yes").code == 0
    assert machine.seen() == newer
    gone(machine)
    answer = machine.run("store", "restore", "--from", saved, "--yes")
    assert machine.run("rollback", answer.report["run"], "--yes").code == 0
    assert machine.seen() == {}


def test_wherever_it_is_killed_the_store_is_as_before_or_as_saved(machine: Machine, saved: Path) -> None:
    as_saved = machine.seen()
    machine.renew("TSMA")
    assert machine.fix().code == 0
    newer = machine.seen()
    words = machine.argv("store", "restore", "--from", saved, "--yes")[3:]
    ends = set()
    for number in range(20):
        request = json.dumps({"arguments": words, "kill": ["after", number]})
        done = subprocess.run(
            [sys.executable, *machine.started(KILLING)],
            input=request,
            capture_output=True,
            text=True,
            check=True,
        )
        code = json.loads(done.stdout)["code"]
        assert machine.run("recover").code == 0
        assert machine.seen() in (newer, as_saved)
        ends.add(machine.seen() == newer)
        if machine.seen() == as_saved:
            assert machine.run("rollback", "--yes").code == 0
        assert machine.seen() == newer
        if code == 0:
            break
    assert (code, ends) == (0, {True, False})


def open_to_others(saved: Path) -> None:
    (saved / "dsmcert.kdb").chmod(0o666)


def of_another(saved: Path) -> None:
    os.chown(saved / "dsmcert.sth", 61234, 61234)


def changed(saved: Path) -> None:
    with (saved / "dsmcert.kdb").open("r+b") as file:
        file.seek(4000)
        file.write(b"\1\2\3")


def of_another_password(saved: Path) -> None:
    content = stash.hidden(b"another one")
    (saved / "dsmcert.sth").write_bytes(content)
    manifest = json.loads((saved / "manifest.json").read_bytes())
    for one in manifest["files"]:
        if one["file"] == "dsmcert.sth":
            one |= {"sha256": sha256(content).hexdigest(), "size": len(content)}
    (saved / "manifest.json").write_text(json.dumps(manifest))


def too_large(saved: Path) -> None:
    manifest = json.loads((saved / "manifest.json").read_bytes())
    manifest["files"][0]["size"] = 9 << 20
    (saved / "manifest.json").write_text(json.dumps(manifest))


def half(saved: Path) -> None:
    (saved / "dsmcert.kdb").unlink()


def nothing(saved: Path) -> None:
    shutil.rmtree(saved)


@pytest.mark.parametrize(
    ("spoilt", "code", "problem"),
    [
        (open_to_others, 12, "saved-store-not-trusted"),
        (of_another, 12, "saved-store-not-trusted"),
        (changed, 14, "saved-store-unusable"),
        (of_another_password, 14, "saved-store-unusable"),
        (too_large, 14, "saved-store-unusable"),
        (half, 10, "saved-store-not-found"),
        (nothing, 10, "saved-store-not-found"),
    ],
)
def test_what_is_saved_is_not_believed(
    machine: Machine, saved: Path, spoilt: Callable[[Path], None], code: int, problem: str
) -> None:
    if spoilt is of_another and not AS_ROOT:
        return
    gone(machine)
    spoilt(saved)
    assert restored(machine, saved) == (code, problem)
    assert machine.seen() == {}


def test_it_goes_where_it_is_told_and_belongs_to_whom_that_does(machine: Machine, saved: Path) -> None:
    place = machine.root / "opt" / "certs"
    assert restored(machine, saved, "--store", place) == (10, "place-not-found")
    place.mkdir(parents=True)
    if AS_ROOT:
        os.chown(place, 61234, 61235)
    answer = machine.run("store", "restore", "--from", saved, "--yes", "--store", place)
    assert answer.code == 0
    assert machine.held(place) == machine.held()
    files = [(place / name).stat() for name in STORE if (place / name).exists()]
    if AS_ROOT:
        assert {(info.st_uid, info.st_gid, info.st_mode & 0o777) for info in files} == {(61234, 61235, 0o600)}
        assert "uid 0's when they were saved" in answer.report["warnings"][0]


def test_what_cannot_be_saved_leaves_nothing(machine: Machine) -> None:
    output = machine.directory / "saved"

    def save(*more: str | Path) -> tuple[int, str]:
        answer = machine.run("store", "save", *more)
        return answer.code, answer.report["problem"]["code"]

    empty = machine.directory / "empty"
    empty.mkdir()
    assert save("--store", empty, "--output", output) == (10, "store-not-found")
    assert save("--store", machine.ba, "--output", empty) == (12, "output-there-already")
    (machine.ba / "dsmcert.sth").unlink()
    assert save("--store", machine.ba, "--output", output) == (14, "stash-missing")
    assert not output.exists()


def test_nobody_is_told_the_password_and_nobody_is_asked_in_vain(machine: Machine, saved: Path) -> None:
    secret = stash.password((machine.ba / "dsmcert.sth").read_bytes())
    gone(machine)
    argv = machine.argv("--verbose", "store", "restore", "--from", saved)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 2
    done = subprocess.run([*argv, "--yes"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert secret not in done.stdout + done.stderr
    journals = b"".join(path.read_bytes() for path in machine.state.rglob("*.jsonl"))
    assert journals and secret not in journals
