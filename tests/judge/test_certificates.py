"""Certificates without `cryptography`, or with an old one: the same is read, and never more."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.authorities import Made, may_sign
from tests.facts import NOW
from tests.judge import certificates as judge
from tests.shown import not_shown

import dsmcertfix
from dsmcertfix.ibm.key_database import by_hand, chain, reading
from dsmcertfix.ibm.key_database.certificate import describe

CHANGED = 1500
OLD = Path("/usr/bin/python3")
SOURCE = Path(dsmcertfix.__file__).parents[1]
_DESCRIBED = """
import json, sys
from dsmcertfix.ibm.key_database import by_hand, chain, reading
from dsmcertfix.ibm.key_database.certificate import describe
if sys.argv[1] == "without":
    sys.modules["cryptography"] = None
told = []
for line in sys.stdin:
    one = describe(bytes.fromhex(line), "x")
    rules = chain.signing_rules(one.der)
    # Older versions have the attributes of one part of a name in any order.
    names = [sorted(text.replace("+", ",").split(",")) for text in (one.subject, one.issuer)]
    told.append([*names, *map(str, one[4:8]), one.problem, list(rules), chain.is_self_signed(one)])
print(json.dumps([reading.library(), told]))
"""


def told(python: Path | str, how: str) -> tuple[str | None, list[object]]:
    """The version of the library that a Python has, and what it says of every seed."""
    words = [str(python), "-I", "-c", f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n{_DESCRIBED}", how]
    lines = "\n".join(der.hex() for der in judge.seeds())
    done = subprocess.run(words, input=lines, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    version, said = json.loads(done.stdout)
    return version, said


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There is no library for this test."""
    caches = (reading.library, reading.load, reading.signed, chain.signing_rules, chain._names)
    for cache in caches:
        cache.cache_clear()
    monkeypatch.setitem(sys.modules, "cryptography", None)
    yield
    for cache in caches:
        cache.cache_clear()


def test_every_certificate_of_bench_and_public_is_read_alike() -> None:
    counts = judge.Counts()
    for certificate in judge.seeds():
        judge.compared(certificate, counts)
        assert by_hand.read(certificate).extensions is not None, certificate.hex()
    assert counts.differences == []
    assert counts.both == len(judge.seeds())


def test_what_cryptography_refuses_is_refused() -> None:
    counts = judge.differential(CHANGED, seed=7)
    assert counts.differences == []
    assert counts.both > CHANGED / 5 and counts.neither > CHANGED / 5


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    """What a million of changed certificates brought up."""
    begins = b"\x80\x0f20200101000000Z"
    changed = judge.seeds()[3].replace(begins, begins.replace(b"2020", b"2040"))
    counts = judge.Counts()
    judge.compared(changed, counts)
    assert changed != judge.seeds()[3] and counts.differences == []
    assert by_hand.read(changed).extensions is None


def test_the_same_is_said_of_certificates_without_the_library() -> None:
    assert told(sys.executable, "without") == (None, told(sys.executable, "with")[1])


def test_the_same_is_said_of_certificates_by_an_older_library() -> None:
    version, said = told(OLD, "with") if OLD.exists() else (None, [])
    if version is None or int(version.partition(".")[0]) >= 42:
        not_shown(f"the system's Python has no cryptography of 36 to 41: {version}")
    assert said == told(sys.executable, "with")[1]


@pytest.mark.usefixtures("without")
def test_nothing_counts_as_signed_by_another_without_the_library() -> None:
    root = Made("Root", extensions=(may_sign(),))
    server = Made("tsm1", root)
    leaf, above = server.stored(), root.stored()
    assert reading.library() is None
    assert (chain.issued(above, leaf), chain.proven((leaf, above))) == (False, (leaf,))
    assert not chain.trusted((above,), (leaf, above), NOW)
    assert chain.trusted((above,), (above,), NOW).chain == (above,)


@pytest.mark.parametrize("kind", ["35.0.0", "no number", "it panics"])
def test_a_library_that_cannot_be_used_is_none(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panics = "class PanicException(BaseException): pass\nraise PanicException('Python API call failed')\n"
    (tmp_path / "cryptography").mkdir()
    content = panics if kind == "it panics" else f"__version__ = {kind!r}\n"
    (tmp_path / "cryptography/__init__.py").write_text(content, encoding="utf-8")
    script = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(SOURCE)!r}]\n"
        "from dsmcertfix.ibm.key_database import reading\nprint(reading.library())"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "None", "")


@pytest.mark.usefixtures("without")
def test_spellings_that_gskit_reads_are_read_without_the_library() -> None:
    odd = judge.seeds()[0].replace(b"\x13\x02US", b"\x13\x02U@")
    assert describe(odd, "odd").problem is None
