"""Where in a text a value stands: line and column, whatever is around it."""

from __future__ import annotations

import pytest

from dsmcertfix.planning.toml_places import Path, place


@pytest.mark.parametrize(
    ("text", "path", "found"),
    [
        ("a = 1", ("a",), (1, 1)),
        ("  a = 1", ("a",), (1, 3)),
        ("a = 1\nb = 2", ("b",), (2, 1)),
        ("\n\n  a = 1\n", ("a",), (3, 3)),
        ("a = 1\n[t]\n b = 2", ("t", "b"), (3, 2)),
        ("x.a = 1\ny.a = 2", ("y", "a"), (2, 3)),
        ("[[t]]\nn = 1\n[[t]]\nn = 2", ("t", 1, "n"), (4, 1)),
        ("a = [\n 1,\n 2\n]\nb = 3", ("b",), (5, 1)),
        # The value behind a long one, before another of the same key.
        ("p = 1\nq = 2\nz = [\n1]\na.x = 1\nb.x = 2", ("a", "x"), (5, 3)),
        ("p = 1\nq = 2\nz = [\n1]\na.x = 1\nb.x = 2", ("b", "x"), (6, 3)),
        # What leads nowhere.
        ("a = 1", (), (1, 1)),
        ("a = 1\nb = 2", ("c",), (1, 1)),
        ("z = [\n1]", ("q",), (1, 1)),
        ("\na = 1", ("a", "b"), (1, 1)),
        ("\na = [1]", ("a", 1), (1, 1)),
        ("\na = [1]", ("a", "b"), (1, 1)),
    ],
)
def test_a_value_is_found_where_it_is_written(text: str, path: Path, found: tuple[int, int]) -> None:
    assert place(text, path) == found
