"""Could a reconnect work? Tables over made-up facts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.facts import DOWN, NOW, certificate, inventory, presents, refusing, server, stanza, store

from dsmcertfix.model import Certificate, Export, Inventory, Presented, Stanza
from dsmcertfix.planning.preflight import client_problem, given_problem, server_problem, session_problem

A = stanza("TSM1")
BACKUP = stanza("TSMDBMGR", "tsm1.example.com")._replace(node="$$_TSMDBMGR_$$")
NEW = presents("TSM1").chain[0]
TOMORROW = NEW._replace(not_before=NOW + timedelta(days=1))
YESTERDAY = NEW._replace(not_after=NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("seen", "refused", "pinned", "code"),
    [
        (presents("TSM1"), (), None, None),
        (presents("TSM1"), ("a" * 64,), None, None),
        (presents("TSM1"), (), (NEW.sha256,), None),
        (presents("TSM1"), (), ("a" * 64, NEW.sha256), None),
        (None, (), None, "server-not-asked"),
        (Presented(server("TSM1")), (), None, "server-not-asked"),
        (presents("TSM1", problem=DOWN), (), None, DOWN.code),
        (presents("TSM1"), (NEW.sha256,), None, "server-not-renewed"),
        (presents("TSM1"), (), ("b" * 64,), "unexpected-certificate"),
        # That it was not renewed explains why it is not the expected one: nobody is in between.
        (presents("TSM1"), (NEW.sha256,), ("b" * 64,), "server-not-renewed"),
        (presents("TSM1", TOMORROW), (), None, "server-certificate-not-valid"),
        (presents("TSM1", YESTERDAY), (), None, "server-certificate-not-valid"),
        (presents("TSM1", NEW._replace(not_before=None, not_after=None)), (), None, None),
    ],
)
def test_what_the_server_presents_decides_whether_a_new_certificate_can_come(
    seen: Presented | None, refused: tuple[str, ...], pinned: tuple[str, ...] | None, code: str | None
) -> None:
    problem = server_problem(server("TSM1"), seen, frozenset(refused), pinned, NOW)
    assert (problem.code if problem else None) == code
    if problem is not None:
        assert problem.kind == "CannotReconnect"


def test_an_unexpected_certificate_is_shown_beside_the_expected_one() -> None:
    problem = server_problem(server("TSM1"), presents("TSM1"), frozenset(), ("b" * 64,), NOW)
    assert problem is not None and problem.hint
    assert any(NEW.sha256 in line for line in problem.context)
    assert any("b" * 64 in line for line in problem.context)


def test_a_certificate_that_is_not_valid_yet_has_another_hint_than_one_that_has_ended() -> None:
    ended, early = (
        server_problem(server("TSM1"), presents("TSM1", one), frozenset(), None, NOW)
        for one in (
            NEW._replace(not_after=NOW - timedelta(days=1)),
            NEW._replace(not_before=NOW + timedelta(days=1)),
        )
    )
    assert ended is not None and ended.hint is not None and "IT42905" in ended.hint
    assert early is not None


def facts(used: Stanza = A, *, dsmc: bool = True, password: bool = True, area: str = "ba") -> Inventory:
    made = store(uses=[used], area=area)  # type: ignore[arg-type]
    return inventory(made, dsmc=dsmc, without_password=() if password else [used])


@pytest.mark.parametrize(
    ("known", "code"),
    [
        (facts(), None),
        (facts(area="home"), None),
        (facts(area="passworddir"), None),
        (facts(area="api"), "store-of-api-applications"),
        (facts(area="dsmi-dir"), "store-of-api-applications"),
        (facts(area="server-api"), "store-of-api-applications"),
        (facts(dsmc=False), "no-client-program"),
        (facts(stanza("TSM1", replication=True)), "no-stanza-for-server"),
        (facts(refusing(A)), "acceptance-switched-off"),
        (facts(A._replace(password_generate=False)), "no-password-generate"),
        (facts(password=False), "no-stored-password"),
        (facts(A._replace(node="$$_TSMDBMGR_$$")), "database-backup-stanza"),
        (facts(A._replace(node="$$_TSMDBMGR_$$"), area="server-api"), "database-backup-stanza"),
        (facts(A._replace(node="$$_TSMDBMGR_$$"), area="server-api", dsmc=False), "database-backup-stanza"),
    ],
)
def test_what_the_machine_has_decides_whether_its_client_can_fetch(
    known: Inventory, code: str | None
) -> None:
    used = known.stores[0].located.stanzas[0].stanza
    problem = client_problem(known.stores[0], used, server("TSM1"), known)
    assert (problem.code if problem else None) == code
    if problem is not None and code != "no-stanza-for-server":
        assert problem.hint


def test_a_password_that_could_not_be_looked_for_may_be_there() -> None:
    known = facts()._replace(passwords=())
    assert client_problem(known.stores[0], A, server("TSM1"), known) is None


def test_a_store_that_client_and_applications_share_is_the_client_s() -> None:
    shared = facts()
    origins = (*store(area="api").located.origins, *shared.stores[0].located.origins)
    both = shared.stores[0]._replace(located=shared.stores[0].located._replace(origins=origins))
    assert client_problem(both, A, server("TSM1"), shared) is None


def test_a_certificate_that_is_not_in_use_yet_is_given_with_the_one_that_is() -> None:
    problem = given_problem(server("TSM1"), presents("TSM1"), (certificate("other"),), NOW, must_answer=True)
    assert problem is not None and "its cert256.arm and the new one in one file" in str(problem.hint)


@pytest.mark.parametrize(
    ("seen", "given", "must_answer", "code"),
    [
        (presents("TSM1"), NEW, True, None),
        (presents("TSM1", YESTERDAY), YESTERDAY, True, "given-certificate-not-valid"),
        (presents("TSM1", YESTERDAY), YESTERDAY, False, "given-certificate-not-valid"),
        (presents("TSM1", TOMORROW), TOMORROW, True, "given-certificate-not-valid"),
        # Its authority is in date, say; a session with the server cannot be.
        (presents("TSM1", YESTERDAY), NEW, True, "server-certificate-not-valid"),
        (presents("TSM1", YESTERDAY), NEW, False, None),
        (presents("TSM1"), certificate("other"), True, "unexpected-certificate"),
        (presents("TSM1"), certificate("other"), False, "unexpected-certificate"),
        (presents("TSM1", problem=DOWN), NEW, True, DOWN.code),
        (presents("TSM1", problem=DOWN), NEW, False, None),
        (None, NEW, True, "server-not-asked"),
        (None, NEW, False, None),
    ],
)
def test_what_was_handed_over_must_be_what_the_server_presents(
    seen: Presented | None, given: Certificate, must_answer: bool, code: str | None
) -> None:
    problem = given_problem(server("TSM1"), seen, (given,), NOW, must_answer=must_answer)
    assert (problem.code if problem else None) == code


def test_what_else_is_in_the_file_does_not_stand_in_for_the_one_that_ran_out() -> None:
    seen, given = presents("TSM1", YESTERDAY), (certificate("other"), YESTERDAY)
    problem = given_problem(server("TSM1"), seen, given, NOW, must_answer=True)
    assert problem is not None and problem.code == "given-certificate-not-valid"
    assert "the server again" in (problem.hint or "")
    assert given_problem(server("TSM1"), presents("TSM1"), (YESTERDAY, NEW), NOW, must_answer=True) is None


def test_the_files_of_a_database_backup_s_own_server_are_told_and_no_other_s() -> None:
    exports = (
        Export(BACKUP, Path("/a/cert256.arm"), certificate("mine"), 0),
        Export(stanza("TSM2"), Path("/b/cert256.arm"), certificate("other"), 0),
    )
    known = inventory(store(uses=[BACKUP]))._replace(exports=exports)
    problem = session_problem(BACKUP, known)
    assert problem is not None
    assert problem.context == (f"`/a/cert256.arm`: SHA-256 {certificate('mine').sha256}",)
