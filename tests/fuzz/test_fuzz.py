"""The targets of the fuzzing, a few hundred inputs each: `scripts/fuzz.sh` runs them for hours.

Every input that a campaign kept is read again, too, and where the program reads it for a user, in the child
that does so, with its rights and limits.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz import seeds_of
from tests.fuzz.measured import LONG, Measured, in_child
from tests.fuzz.targets import TARGETS, Target, seeds

EXAMPLES = 250
BOUNDED = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
of_users = pytest.mark.parametrize(
    "target", [target for target in TARGETS if target.is_a_users], ids=lambda target: target.name
)


def read(target: Target, data: bytes) -> None:
    """The target took it, and no more of a processor's time than it may."""
    Measured(target).timed(data)


@every_target
def test_what_is_right_is_read(target: Target) -> None:
    for seed in seeds(target):
        read(target, seed)


@every_target
def test_what_is_repeated_takes_no_longer_than_it_may(target: Target) -> None:
    for seed in () if target.drawn else seeds(target):
        read(target, seed * (LONG // max(1, len(seed))))


@of_users
def test_the_child_reads_the_same_within_its_limits(target: Target) -> None:
    some = list(seeds(target))
    for seed in some[:: max(1, len(some) // 5)]:
        in_child(target, seed)


def test_what_was_kept_belongs_to_a_target_and_is_small() -> None:
    names = {target.name for target in TARGETS}
    for path in seeds_of.DIRECTORY.iterdir():
        assert path.suffix == ".txt" and path.stem in names
        assert path.stat().st_size < 20_000
        assert seeds_of.kept(Path(path).stem)


@every_target
@BOUNDED
@given(data=st.data())
def test_a_good_file_with_a_few_bytes_changed_is_read_or_refused(target: Target, data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from(list(seeds(target)))))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, max(0, len(changed) - 1)))
        changed[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    read(target, bytes(changed))


@every_target
@BOUNDED
@given(data=st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(target: Target, data: bytes) -> None:
    read(target, data[: target.longest])
