"""What runs on one worker, and the names of tests. pytest-xdist itself checks that all workers agree."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
from tests import placed

TOP = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("place", dict.fromkeys([*placed.SHARED, *placed.LONG]))
def test_every_place_in_the_table_is_there(place: str) -> None:
    """What is moved or renamed is moved in the table, too."""
    file, _, name = place.partition("::")
    (*_, found) = TOP.glob(f"{file}*" if not file.endswith("/") else f"{file}*.py")
    if name:
        assert name in found.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("test", "thing"),
    [
        ("tests/unixpack/test_deb.py::test_it", "the packages, built once"),
        ("tests/endtoend_trust/test_probe.py::TestDefaultPort::test_it[1]", "port 1500"),
        ("tests/endtoend_trust/test_probe.py::TestOther::test_it", None),
    ],
)
def test_what_shares_a_thing_is_in_the_group_of_that_name(test: str, thing: str | None) -> None:
    assert placed.group_of(test) == thing


@pytest.mark.parametrize(
    ("value", "name"),
    [(b"made just now", "data"), ("0a" * 32, "data"), ("words", None), (7, None)],
)
def test_what_each_process_makes_anew_is_in_no_test_s_name(value: object, name: str | None) -> None:
    assert placed.name_of(value, "data") == name


def test_every_test_is_in_one_part_and_no_part_is_empty() -> None:
    tests = [f"tests/test_it.py::test_{number}" for number in range(100)]
    parts = [[test for test in tests if placed.in_part(test, f"{which}/7")] for which in range(1, 8)]
    assert sorted(chain(*parts)) == sorted(tests)
    assert all(parts)


@pytest.mark.parametrize("part", ["0/7", "8/7", "1", "a/b"])
def test_a_part_that_is_not_there_is_refused(part: str) -> None:
    with pytest.raises(ValueError):
        placed.in_part("tests/test_it.py::test_it", part)
