"""The targets of the fuzzing, a few hundred inputs each: `scripts/fuzz.sh` runs them a million times."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS, Target, seeds

EXAMPLES = 250
BOUNDED = settings(
    max_examples=EXAMPLES, deadline=1000, database=None, suppress_health_check=list(HealthCheck)
)
every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@every_target
def test_what_is_right_is_read(target: Target) -> None:
    for seed in seeds(target):
        target.read(seed)


@every_target
@BOUNDED
@given(data=st.data())
def test_a_good_file_with_a_few_bytes_changed_is_read_or_refused(target: Target, data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from(list(seeds(target)))))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, max(0, len(changed) - 1)))
        changed[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    target.read(bytes(changed))


@every_target
@BOUNDED
@given(data=st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(target: Target, data: bytes) -> None:
    target.read(data[: target.longest])
