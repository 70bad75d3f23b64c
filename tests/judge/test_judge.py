"""What IBM's library trusts, and that the tool says no better of a store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.judge.cases import EXCEPTIONS, SERVERS, STORES
from tests.judge.scene import every_pair, judged, some_pairs, trusted_servers

from dsmbench.runtime import scratch

ROOT = {"leaf alone", "leaf and root", "leaf renewed", "leaf and intermediate"}
TRUSTED = {
    "tsm": {"tsm"},
    "tsm, version 3": {"tsm"},
    "tsm, version 6": {"tsm"},
    "tsm beside GSKit's roots": {"tsm"},
    "tsm beside an old one": {"tsm"},
    "tsm behind an expired one": {"tsm"},
    "tsm, password will expire": {"tsm"},
    "own": {"own"},
    "own beside an old one": {"own"},
    "root": ROOT,
    "root, version 6": ROOT,
    "root of that name with another key": {"leaf of another CA of that name"},
    "root beside one of that name": {*ROOT, "leaf of another CA of that name"},
    "intermediate and root": {*ROOT, "leaf without its intermediate"},
    "intermediate expired and root": ROOT,
    "leaf and root": ROOT,
    "leaf, intermediate and root": {*ROOT, "leaf without its intermediate"},
    "leaf expired and root": ROOT,
    "root and another tsm": ROOT,
}
"""With every other store GSKit 8.0.60 trusts no server."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that other users can enter."""
    with scratch() as made:
        yield made


def test_the_matrix_has_more_than_four_hundred_pairs_and_its_part_meets_every_case() -> None:
    assert len(every_pair()) > 400
    assert {store for store, _ in some_pairs()} == set(STORES)
    assert {server for _, server in some_pairs()} == set(SERVERS)


def test_ibm_s_tls_trusts_valid_roots_and_self_signed_certificates_that_are_marked_as_trusted(
    directory: Path,
) -> None:
    assert set(TRUSTED) < set(STORES)
    found = trusted_servers(directory, list(STORES))
    assert found == {store: TRUSTED.get(store, set()) for store in STORES}


def test_what_detect_calls_fine_is_what_ibm_s_tls_accepts(directory: Path) -> None:
    found = list(judged(directory, some_pairs()))
    assert [one for one in found if one.wrong] == []
    assert {(one.store, one.server) for one in found if one.careful} <= set(EXCEPTIONS)
