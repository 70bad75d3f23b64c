"""A user who exchanges names in a tight loop, during every phase, leads root nowhere.

The racers are processes of their own, with the user's rights; each exchange is one atomic rename. They say
when they have tried often enough: on a busy machine the tool is at work for longer.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.answers import Answer
from tests.attack.scene import Scene, point_to

from dsmbench.endpoint import User
from dsmcertfix.errors import DsmcertfixError
from dsmcertfix.ibm.client.locate import locate
from dsmcertfix.model import LocatedStore, StoreFile
from dsmcertfix.system.base import StoreDirectory
from dsmcertfix.system.unix.places import UnixPlaces
from dsmcertfix.system.unix.platform import Unix
from dsmcertfix.transaction import live
from dsmcertfix.transaction.backup import make_backup

ROUNDS = 2
SECONDS = 1.2
PATIENT_S = 120.0
"""By then every racer has had its turns."""

EXCHANGE = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
count = 0
os.nice(10)
def end(*_):
    print(count, flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
one, two = (os.fsencode(path) for path in sys.argv[1:3])
print("racing", flush=True)
while True:
    if libc.renameat2(-100, one, -100, two, 2) == 0:
        count += 1
        if count == int(sys.argv[3]):
            print("enough", flush=True)
"""

PLANT = """
import os, signal, sys
store, vault = sys.argv[1:3]
count = 0
os.nice(10)
def end(*_):
    print(count, flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("racing", flush=True)
while True:
    for name in os.listdir(store):
        if "dsmcertfix-" in name:
            target = os.path.join(vault, name.split(".dsmcertfix-")[0])
            try:
                os.symlink(target, os.path.join(store, ".planted"))
                os.rename(os.path.join(store, ".planted"), os.path.join(store, name))
            except OSError:
                pass
    count += 1
    if count == int(sys.argv[3]):
        print("enough", flush=True)
"""


ENOUGH = {EXCHANGE: 2000, PLANT: 200}
"""Tries that a racer makes at least while the tool is at work."""


class Racer:
    """A process that races. What it says is read past the buffer of its stream, which would hide it."""

    def __init__(self, process: subprocess.Popen[str]):
        assert process.stdout is not None
        self._process = process
        self._output = process.stdout.fileno()
        self._said = b""
        self.count = 0
        """How often it did, in the end."""

    def said(self, word: bytes, within_s: float = 0.0) -> bool:
        """Whether it has said that line within that time."""
        end = time.monotonic() + within_s
        while word not in self._said.splitlines():
            if not select.select([self._output], [], [], max(0.0, end - time.monotonic()))[0]:
                return False
            part = os.read(self._output, 4096)
            if not part:
                return False
            self._said += part
        return True

    def end(self) -> None:
        """It is told to end, and has said how often it tried."""
        self._process.terminate()
        out, _ = self._process.communicate(timeout=PATIENT_S)
        self.count = int(out.split()[-1])


@contextlib.contextmanager
def racing(scene: Scene, user: User, code: str, one: Path, two: Path) -> Iterator[Racer]:
    """The user's process races meanwhile."""
    process = scene.as_user(user, code, one, two, str(ENOUGH[code]))
    racer = Racer(process)
    try:
        assert racer.said(b"racing", PATIENT_S), process.stderr and process.stderr.read()
        yield racer
        racer.end()
    finally:
        process.kill()
        process.communicate()


def prepared(scene: Scene, name: str) -> tuple[User, Path]:
    """A user with a store that can be repaired, so that every phase comes to it."""
    user = scene.endpoint.user(name)
    scene.stanza_of(user)
    return user, scene.store_of(user)


def beside(target: Path, place: Path, user: User) -> Path:
    """A link of the user's to the target, to be exchanged for `place`."""
    link = place.with_name(f".{place.name}-link")
    point_to(target, link, user)
    return link


Race = tuple[User, str, Path, Path]


def races(scene: Scene) -> list[Race]:
    """Every place that is raced for, each by a user of its own."""
    made: list[Race] = []
    for number, component in enumerate(("IBM", "SpectrumProtect", "certs")):
        user, store = prepared(scene, f"racer{number}")
        place = next(path for path in (store, *store.parents) if path.name == component)
        target = {"IBM": scene.vault / "IBM", "SpectrumProtect": scene.vault / "SpectrumProtect"}
        made.append((user, EXCHANGE, place, beside(target.get(component, scene.vault), place, user)))
    user, store = prepared(scene, "filer")
    database = store / "dsmcert.kdb"
    made.append((user, EXCHANGE, database, beside(scene.vault / database.name, database, user)))
    user, store = prepared(scene, "linker")
    other = store / ".another"
    other.hardlink_to(scene.vault / "shadow")
    made.append((user, EXCHANGE, store / "dsmcert.sth", other))
    user, store = prepared(scene, "planter")
    made.append((user, PLANT, store, scene.vault))
    return made


def test_no_race_leads_a_whole_command_astray(scene: Scene) -> None:
    raced = races(scene)
    scene.close_vault()
    answers: list[Answer] = []
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(racing(scene, *race)) for race in raced]
        end = time.monotonic() + PATIENT_S
        while len(answers) < ROUNDS or not all(racer.said(b"enough") for racer in racers):
            assert time.monotonic() < end, "the racers had no turns"
            scene.renew()
            answers.append(scene.machine.fix())
    counts = [racer.count for racer in racers]
    assert all(count >= ENOUGH[race[1]] for count, race in zip(counts, raced, strict=True)), counts
    scene.require_untouched(*answers)
    for fix in answers:
        # What a racer brings about in a store of its own stops nobody else, not even in later runs.
        assert fix.store(scene.machine.ba)["outcome"] == "changed"
        assert fix.store(scene.bobs)["outcome"] == "changed"
    for user, *_ in raced:
        theirs = [file for file in user.home.rglob("*") if file.name.startswith("dsmcert.kdb")]
        assert all(file.lstat().st_uid in (user.uid, 0) for file in theirs)


# Every phase by itself, a thousand times


@pytest.fixture
def unix(scene: Scene) -> Unix:
    """Root on that machine."""
    return Unix(UnixPlaces(scene.machine.root, "linux", {}))


def tries(scene: Scene, race: Race, attempt: Callable[[], None]) -> tuple[int, int]:
    """How often the attempt came through and how often it was refused, until the racer tried enough."""
    done = refused = 0
    with racing(scene, *race) as racer:
        began = time.monotonic()
        while time.monotonic() < began + SECONDS or not racer.said(b"enough"):
            assert time.monotonic() < began + PATIENT_S, "the racer had no turns"
            try:
                attempt()
                done += 1
            except DsmcertfixError as error:
                assert error.untouched in (12, 13, 14, 20), error
                refused += 1
    assert racer.count >= ENOUGH[race[1]]
    return done, refused


@pytest.mark.parametrize("place", ["certs", "dsmcert.kdb", "dsmcert.sth"])
def test_no_race_leads_reading_astray(scene: Scene, unix: Unix, place: str) -> None:
    race = next(race for race in races(scene) if race[2].name == place)
    scene.close_vault()
    own = {file.read_bytes() for file in scene.carols.iterdir()}
    read: set[bytes] = set()
    (store,) = (one for one in locate(unix.places).stores if one.directory.is_relative_to(race[0].home))

    def attempt() -> None:
        with unix.reading(store) as directory:
            for file in StoreFile:
                if directory.fact(file).present:
                    read.add(directory.read(file))

    tries(scene, race, attempt)
    assert read <= own
    scene.require_untouched()


@pytest.mark.parametrize("place", ["IBM", "certs", "dsmcert.kdb"])
def test_no_race_leads_locating_astray(scene: Scene, unix: Unix, place: str) -> None:
    race = next(race for race in races(scene) if race[2].name == place)
    scene.close_vault()
    vault = {scene.vault, scene.vault / "IBM/SpectrumProtect/certs", scene.vault / "SpectrumProtect/certs"}
    inodes = {directory.stat().st_ino for directory in vault}

    def attempt() -> None:
        for store in locate(unix.places).stores:
            assert store.directory not in vault
            with contextlib.suppress(DsmcertfixError), unix.reading(store) as directory:
                assert os.fstat(directory.handle).st_ino not in inodes

    tries(scene, race, attempt)
    scene.require_untouched()


@pytest.mark.parametrize("place", ["certs", "dsmcert.kdb", "dsmcert.sth", "planted"])
def test_no_race_leads_the_swap_and_the_undo_astray(scene: Scene, unix: Unix, place: str) -> None:
    chosen = [
        race for race in races(scene) if race[2].name == place or (place, race[1]) == ("planted", PLANT)
    ]
    race = chosen[0]
    store = next(one for one in locate(unix.places).stores if one.directory.is_relative_to(race[0].home))
    scene.close_vault()
    saved = scene.machine.directory / "saved"
    saved.mkdir(mode=0o700)
    with unix.reading(store) as directory:
        backup = make_backup(directory, tuple(directory.fact(file) for file in StoreFile), saved)
    content = backup.content(StoreFile.KDB)

    def attempt() -> None:
        work(unix, store, lambda at: live.swap(at, backup, content, StoreFile.IDX))
        work(unix, store, lambda at: live.keep_access(at, backup))
        work(unix, store, live.restoring(backup))

    tries(scene, race, attempt)
    scene.require_untouched()


def work(unix: Unix, store: LocatedStore, act: Callable[[StoreDirectory], None]) -> None:
    """The act was tried in the store; what the race made of it is the user's own affair."""
    with contextlib.suppress(DsmcertfixError):
        unix.in_store(store, "20260101T000000Z-abcdef", act)
