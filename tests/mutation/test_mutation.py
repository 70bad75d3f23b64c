"""The changes that scripts/mutants.sh makes, and that a test which asserts nothing lets them live."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.mutation import equivalent
from tests.mutation.__main__ import PROJECT, TOP
from tests.mutation.changes import mutants
from tests.mutation.run import Asked
from tests.mutation.run import drawn as sampled
from tests.mutation.run import names as run_names

MADE = """
    import functools
    import os

    LIMIT = 3


    @functools.cache
    def allowed(number: int) -> bool:
        return number < LIMIT


    def keep(path: str, content: bytes) -> None:
        with open(path, "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
"""
ASSERTS = """
    from made import rules


    def test_allowed():
        assert rules.allowed(2) and not rules.allowed(3)


    def test_keep(tmp_path):
        rules.keep(tmp_path / "kept", b"content")
        assert (tmp_path / "kept").read_bytes() == b"content"
"""
ASSERTS_NOTHING = """
    from made import rules


    def test_allowed():
        rules.allowed(2)


    def test_keep(tmp_path):
        rules.keep(tmp_path / "kept", b"content")
"""
ASSERTS_SYNCED = """
    import os

    from made import rules


    def test_synced(tmp_path, monkeypatch):
        synced = []
        monkeypatch.setattr(os, "fsync", synced.append)
        rules.keep(tmp_path / "kept", b"")
        assert len(synced) == 1
"""

PROGRAM = """
import sys
from pathlib import Path
from tests.mutation.run import Asked, Project, carry_out

top = Path(sys.argv[1])
tests = (str(top / "tests"),)
project = Project(top, top / "made", ("rules.py",), tests, top / "kept", top / "same.toml")
sys.exit(carry_out(project, Asked()))
"""


@pytest.mark.parametrize(
    ("source", "kind", "changed"),
    [
        ("x = a < b", "compare", "x = a >= b"),
        ("x = a < b", "boundary", "x = a <= b"),
        ("x = a not in b", "compare", "x = a in b"),
        ("x = (a or b) and c", "drop-operand", "x = ((a or b))"),
        ("x = a and b", "boolop", "x = ((a) or (b))"),
        ("x = not a", "not", "x = (a)"),
        ("x = any(a)", "other-function", "x = all(a)"),
        ("x = f(a, b)", "swap-args", "x = f(b, a)"),
        ("x = a[0]", "index", "x = a[-1]"),
        ("x = a[1:]", "slice", "x = a[:]"),
        ("x = a if b else c", "ternary-else", "x = (c)"),
        ("x = [a for a in b if a]", "filter-true", "x = [a for a in b if True]"),
        ("os.fsync(a)", "remove-sync", "pass"),
        ("f(\n    a,\n)", "remove-call", "pass"),
        ("if a:\n    b()\n", "cond-true", "if True:\n    b()\n"),
        ("if a:\n    raise b", "no-raise", "if a:\n    pass"),
        ("with contextlib.suppress(a):\n    b()", "no-suppress", "with contextlib.nullcontext(a):\n    b()"),
        ("try:\n    a()\nexcept (b, c):\n    d()", "except-less", "try:\n    a()\nexcept (c,):\n    d()"),
        ("def f():\n    return a()", "return", "def f():\n    return None"),
        ("x = True", "constant", "x = False"),
        ("ä = b'ö' in c; x = 1", "constant", "ä = b'ö' in c; x = 2"),
    ],
)
def test_a_change_is_what_people_do(source: str, kind: str, changed: str) -> None:
    text = source.replace("b'ö'", "'ö'").encode()
    made = {mutant.applied(text) for mutant in mutants("made.py", text) if mutant.kind == kind}
    assert changed.replace("b'ö'", "'ö'").encode() in made


def test_what_only_types_and_texts_are_is_not_changed() -> None:
    text = b'def f(a: int | None) -> list[1]:\n    """1 < 2."""\n    x = f"{a + 1}"'
    assert mutants("made.py", text) == []


def test_every_change_of_the_code_compiles() -> None:
    """Of one file of many kinds."""
    path = PROJECT.source / "transaction" / "backup.py"
    for mutant in mutants("backup.py", path.read_bytes()):
        compile(mutant.applied(path.read_bytes()), "backup.py", "exec")


def test_a_sample_stays_the_same_when_other_code_is_new(tmp_path: Path) -> None:
    before = mutants("made.py", b"def f(a, b):\n    return a < b + 1\n\n\ndef g(a):\n    return a >= 2\n")
    after = mutants("made.py", b"def g(a):\n    return a >= 2\n")
    drawn = {mutant.old + mutant.new for mutant in sampled(before, Asked(4, 7)) if mutant.function == "g"}
    assert drawn <= {mutant.old + mutant.new for mutant in sampled(after, Asked(4, 7))}
    assert sampled(before, Asked(4, 7)) == sampled(before, Asked(4, 7)) != sampled(before, Asked(4, 8))
    (tmp_path / "7.txt").write_text(" ".join(run_names(before)[:2]))
    assert sampled(before, Asked(4, 7), tmp_path) == before[:2]


def test_every_equivalent_change_is_one_of_the_code() -> None:
    same = equivalent.read(PROJECT.equivalent.read_text(encoding="utf-8"))
    assert same.unused(PROJECT.mutants()) == ()
    assert all(entry.reason.strip() for entry in same.entries)


def run(top: Path, tests: str, *, same: str = "") -> tuple[int, list[str]]:
    """The end of a run over a project of one file, and what it prints of changes that lived."""
    for name, text in {
        "made/__init__.py": "",
        "made/rules.py": MADE,
        "tests/test_rules.py": tests,
        "same.toml": same,
        "pytest.ini": "[pytest]\npythonpath = .\naddopts = -p no:cacheprovider",
    }.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(textwrap.dedent(text), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(top)], cwd=TOP, capture_output=True, text=True, check=False
    )
    lines = [line for line in ended.stdout.splitlines() if line.startswith(("lived", "not", "fits"))]
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, lines


def test_tests_that_assert_kill_and_those_that_do_not_let_live(tmp_path: Path) -> None:
    lived = "lived: rules.py:16 remove-sync: `os.fsync(file.fileno())` -> `pass`  [keep]"
    assert run(tmp_path / "asserts", ASSERTS) == (1, [lived])
    code, told = run(tmp_path / "nothing", ASSERTS_NOTHING)
    kinds = {line.split()[2].rstrip(":") for line in told}
    assert code == 1 and {"boundary", "compare", "constant", "remove-sync"} <= kinds


def test_a_test_that_looks_at_the_sync_kills_what_takes_it_out(tmp_path: Path) -> None:
    assert run(tmp_path, ASSERTS + ASSERTS_SYNCED) == (0, [])


def test_an_equivalent_change_is_not_tried_and_one_that_fits_nothing_is_an_error(tmp_path: Path) -> None:
    entry = """
        [[equivalent]]
        file = "rules.py"
        function = "keep"
        kind = "remove-sync"
        old = "os.fsync({}.fileno())"
        reason = "nobody looks"
    """
    assert run(tmp_path, ASSERTS, same=entry.format("file")) == (0, [])
    code, told = run(tmp_path, ASSERTS + ASSERTS_SYNCED, same=entry.format("other"))
    assert code == 1 and told[0].startswith("fits no change any more")
