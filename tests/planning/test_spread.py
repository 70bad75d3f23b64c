"""When a machine has its turn, and how times are told."""

from __future__ import annotations

from hashlib import sha256

import pytest

from dsmcertfix.planning.spread import delay_s, in_words


@pytest.mark.parametrize("host", ["host1", "a", "db-3.example.com", "\udcff"])
def test_a_turn_is_the_share_of_the_name_s_hash(host: str) -> None:
    digest = sha256(host.encode("utf-8", "surrogateescape")).hexdigest()
    assert delay_s(host, 3600.0) == pytest.approx(3600.0 * int(digest[:12], 16) / 16**12, rel=1e-12)
    assert delay_s(host.upper(), 60.0) == delay_s(host, 60.0) < 60.0


def test_turns_are_spread_evenly() -> None:
    turns = sorted(delay_s(f"host{number}", 1000.0) for number in range(1000))
    assert all(abs(turn - number) < 60 for number, turn in enumerate(turns))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "0 s"),
        (45.4, "45 s"),
        (59.6, "1 min"),
        (60.0, "1 min"),
        (61.0, "1 min 1 s"),
        (3600.0, "1 h"),
        (3601.0, "1 h"),
        (4320.0, "1 h 12 min"),
        (7325.0, "2 h 2 min"),
    ],
)
def test_a_time_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
