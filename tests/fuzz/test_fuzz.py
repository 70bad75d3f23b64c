"""The targets of the fuzzing, a few hundred inputs each: `scripts/fuzz.sh` runs them a million times."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS, Target, seeds

EXAMPLES = 250
LIMIT_S = 1.0
BOUNDED = settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def read(target: Target, data: bytes) -> None:
    """The target took it, and no more of a processor's time than it may."""
    began = time.process_time()
    target.read(data)
    assert time.process_time() - began < LIMIT_S


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
    read(target, bytes(changed))


@every_target
@BOUNDED
@given(data=st.binary(max_size=400))
def test_bytes_of_any_kind_are_read_or_refused(target: Target, data: bytes) -> None:
    read(target, data[: target.longest])
