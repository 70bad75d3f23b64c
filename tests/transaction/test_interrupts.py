"""Signals: none is lost, none strikes where the run cannot bear it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from dsmcertfix.errors import Interrupted, Terminated
from dsmcertfix.system.process.signals import UntilOver
from dsmcertfix.transaction.interrupts import watching

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers_are_back() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGINT, Interrupted), (signal.SIGTERM, Terminated), (signal.SIGHUP, Terminated)],
)
def test_a_signal_waits_for_the_next_checkpoint(number: int, kind: type[Exception]) -> None:
    reached = False
    with watching() as interrupts:
        send(number)
        reached = True
        with pytest.raises(kind):
            interrupts.checkpoint()
    assert reached


def test_without_a_signal_a_checkpoint_does_nothing() -> None:
    with watching() as interrupts:
        interrupts.checkpoint()
        with interrupts.interruptible():
            pass


def test_a_signal_inside_interruptible_is_raised_at_once() -> None:
    reached = False
    with watching() as interrupts, pytest.raises(Terminated), interrupts.interruptible():
        send(signal.SIGTERM)
        reached = True
    assert not reached


def test_a_signal_that_came_before_is_raised_when_interruptible_begins() -> None:
    reached = False
    with watching() as interrupts:
        send(signal.SIGINT)
        with pytest.raises(Interrupted), interrupts.interruptible():
            reached = True
    assert not reached


def test_a_second_signal_does_not_strike_while_the_first_is_dealt_with() -> None:
    tidied = False
    with watching() as interrupts, pytest.raises(Interrupted), interrupts.interruptible():
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGTERM)
            tidied = True
    assert tidied


def test_a_run_that_was_ended_begins_nothing_new() -> None:
    with watching() as interrupts:
        with pytest.raises(Interrupted), interrupts.interruptible():
            send(signal.SIGINT)
        for _ in range(2):
            with pytest.raises(Interrupted):
                interrupts.checkpoint()


def test_after_interruptible_signals_wait_again() -> None:
    with watching() as interrupts:
        with interrupts.interruptible():
            pass
        send(signal.SIGTERM)
        with pytest.raises(Terminated):
            interrupts.checkpoint()


def test_the_handlers_are_back_after_an_error() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(RuntimeError), watching():
        assert [signal.getsignal(number) for number in SIGNALS] != before
        raise RuntimeError
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_signal_that_was_to_be_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with watching() as interrupts:
            send(signal.SIGHUP)
            interrupts.checkpoint()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_watched_and_nothing_breaks() -> None:
    done: list[bool] = []

    def work() -> None:
        with watching() as interrupts, interrupts.interruptible():
            interrupts.checkpoint()
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.parametrize("number", SIGNALS)
def test_until_the_work_is_over_a_signal_does_what_it_did_and_then_nothing(number: int) -> None:
    came: list[int] = []
    handler = UntilOver(lambda number, _frame: came.append(number))
    before = signal.signal(number, handler)
    try:
        send(number)
        assert came == [number]
        with watching():
            pass
        assert signal.getsignal(number) is handler
        send(number)
        assert came == [number]
    finally:
        signal.signal(number, before)
