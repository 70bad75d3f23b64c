"""Did a session do what it should? Every way in which a live store can be another one than planned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests import facts
from tests.facts import NOW, certificate

from dsmbench import certificates
from dsmcertfix.errors import CannotReconnect, DsmcertfixError, Problem, ReconnectFailed, StoreUnreadable
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.model import (
    Certificate,
    FileFact,
    LocatedStore,
    Origin,
    Owner,
    Presented,
    Server,
    Store,
    StoreFile,
)
from dsmcertfix.planning.steps import CheckLive, Expected
from dsmcertfix.transaction.checks import check_live, check_stanza

SERVER = Server("tsm1.example.com", 1500)
OLD, OTHER, NEW, STRANGE = (certificate(name) for name in ("old", "other", "new", "strange"))
LOCATED = LocatedStore(Path("/store"), (1, 2), (Origin("ba", "a test"),), Owner(0, 0, "root"))
DAMAGED = StoreUnreadable("x", "half a file").problem()


def store(*held: Certificate, problem: Problem | None = None, there: bool = True) -> Store:
    return Store(LOCATED, (FileFact(StoreFile.KDB, there),), 6, held, problem)


def step(
    *sha256s: str, kept: tuple[Certificate, ...] = (OTHER,), had: tuple[Certificate, ...] | None = None
) -> CheckLive:
    return CheckLive((OLD,), (Expected(SERVER, sha256s or (NEW.sha256,)),), kept, had=had)


def code(checked: Store, how: CheckLive) -> str:
    try:
        check_live(checked, how, NOW)
    except DsmcertfixError as error:
        return error.code
    return ""


KNOWN_NOTHING = CheckLive((OLD,), (Expected(SERVER),), (OTHER,))


@pytest.mark.parametrize(
    ("held", "how", "found"),
    [
        ((OTHER, NEW), step(), ""),
        # Any of a chain will do, and the one that is in date counts.
        ((OTHER, NEW), step(STRANGE.sha256, NEW.sha256), ""),
        ((OTHER, NEW, certificate("late", days=-1)), step(certificate("late").sha256, NEW.sha256), ""),
        ((OTHER, certificate("new", days=-1)), step(), "certificate-not-valid"),
        ((OTHER,), step(), "certificate-not-fetched"),
        ((OTHER, STRANGE), step(), "unexpected-certificate"),
        ((OTHER, NEW, STRANGE), step(), "more-than-expected"),
        ((NEW,), step(), "certificate-lost"),
        ((OTHER, NEW, OLD), step(), "certificate-came-back"),
        # The same certificate under another label is back, too; but not where another of it was to stay.
        ((OTHER, NEW, certificate("again", "old")), step(), "certificate-came-back"),
        (
            (OTHER, NEW, certificate("again", "old")),
            step(kept=(OTHER, certificate("again", "old"))),
            "",
        ),
        (
            (OTHER, NEW, OLD, certificate("again", "old")),
            step(kept=(OTHER, certificate("again", "old"))),
            "certificate-came-back",
        ),
        # Where nothing is known of the server, whatever is new and in date will do.
        ((OTHER, STRANGE), KNOWN_NOTHING, ""),
        ((OTHER, STRANGE, NEW), KNOWN_NOTHING, ""),
        ((OTHER,), KNOWN_NOTHING, "certificate-not-fetched"),
        ((OTHER, certificate("strange", days=-1)), KNOWN_NOTHING, "certificate-not-valid"),
        ((OTHER, certificate("late", days=-1), NEW), KNOWN_NOTHING, ""),
        # No session was held: nothing is told apart.
        ((OTHER, STRANGE), CheckLive((OLD,), (), (OTHER,)), ""),
        # Of one server everything is known, of the other nothing.
        (
            (OTHER, NEW, STRANGE),
            CheckLive((OLD,), (Expected(SERVER, (NEW.sha256,)), Expected(SERVER)), (OTHER,)),
            "",
        ),
        # A store that is made anew may have again what it had.
        ((NEW, STRANGE), step(kept=(), had=(STRANGE,)), ""),
        ((NEW, STRANGE), step(kept=(), had=()), "more-than-expected"),
    ],
)
def test_a_live_store_is_as_planned_or_the_reason_is_told(
    held: tuple[Certificate, ...], how: CheckLive, found: str
) -> None:
    assert code(store(*held), how) == found


def test_a_damaged_store_is_told_before_what_it_lacks_and_one_that_is_gone_is_not_damaged() -> None:
    assert code(store(problem=DAMAGED), step()) == "store-damaged"
    assert code(store(problem=DAMAGED, there=False), step()) == "certificate-lost"


@pytest.mark.parametrize(("there", "found"), [(True, "store-came-back"), (False, "")])
def test_a_store_that_was_moved_out_is_gone_whatever_else_there_is(there: bool, found: str) -> None:
    how = replace(step(), moved_out=True)
    checked = store(there=there)._replace(
        files=(FileFact(StoreFile.STH, True), FileFact(StoreFile.KDB, there))
    )
    assert code(checked, how) == found


def test_what_came_is_told_with_both_fingerprints() -> None:
    with pytest.raises(DsmcertfixError) as raised:
        check_live(store(OTHER, STRANGE), step(), NOW)
    assert raised.value.context == (f"fetched: SHA-256 {STRANGE.sha256}", f"expected: SHA-256 {NEW.sha256}")
    with pytest.raises(DsmcertfixError) as raised:
        check_live(store(OTHER, NEW, STRANGE), step(), NOW)
    assert raised.value.context == (
        f"not expected: `strange`, SHA-256 {STRANGE.sha256}",
        f"expected: SHA-256 {NEW.sha256}",
    )
    with pytest.raises(DsmcertfixError) as raised:
        check_live(store(OTHER), step(), NOW)
    assert raised.value.context == (f"expected: SHA-256 {NEW.sha256}",)


# --- a stanza that nobody signs on to ---------------------------------------------------------------------


def real(name: str = "") -> Certificate:
    return describe(certificates.make(), name)


def test_a_stanza_whose_server_is_trusted_is_in_order_and_any_other_is_told() -> None:
    mine, other = real("mine"), real("other")
    at = max(mine.not_before or NOW, NOW)
    check_stanza(store(mine), "TSM1", Presented(SERVER, (mine,)), at)
    with pytest.raises(DsmcertfixError) as raised:
        check_stanza(store(other), "TSM1", Presented(SERVER, (mine,)), at)
    assert raised.value.code == "stanza-not-trusted"
    assert raised.value.context[0] == f"presented: SHA-256 {mine.sha256}"


@pytest.mark.parametrize(
    ("problem", "why"),
    [(facts.DOWN, facts.DOWN.message), (None, "no answer"), (CannotReconnect("x", "odd").problem(), "odd")],
)
def test_a_server_that_does_not_answer_is_told_with_the_reason(problem: Problem | None, why: str) -> None:
    with pytest.raises(ReconnectFailed) as raised:
        check_stanza(store(NEW), "TSM1", Presented(SERVER, problem=problem), NOW)
    assert raised.value.code == "stanza-not-reached"
    assert raised.value.message == f"TSM1 could not be checked: {why}"
