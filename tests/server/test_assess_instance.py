"""What must be done for an instance: a table over made-up facts."""

from __future__ import annotations

import pytest
from tests.facts import NOW, certificate, presents, store
from tests.facts import stanza as made_stanza
from tests.server.made import DIRECTORY, OWNER, arm, instance, own

from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm.server.instance import Arm, Instance
from dsmcertfix.model import Certificate, Stanza, Store
from dsmcertfix.planning.assess import Assessed, AssessedStore
from dsmcertfix.planning.assess_server import Around, AssessedInstance, assess_instance

BACKUP = made_stanza("TSMDBMGR_tsminst1", "localhost")._replace(node="$$_TSMDBMGR_$$")
GOOD = own()


def assessed(seen: Instance, *stores: Store, shown: Certificate | None = None) -> AssessedInstance:
    presented = (presents("TSM1", shown),) if shown else ()
    return assess_instance(seen, NOW, 90, Around(stores, frozenset((BACKUP,)), presented))


def trusting(*certificates: Certificate, uses: tuple[Stanza, ...] = (BACKUP,)) -> Store:
    return store(*certificates, uses=uses, directory="/home/tsminst1/certs", owner=OWNER)


def client_s(held: Certificate) -> Certificate:
    return held._replace(label="as a client calls it", kind="server")


def test_a_good_one_needs_nothing() -> None:
    found = assessed(instance(GOOD), trusting(client_s(GOOD)), shown=GOOD)
    assert (found.action, found.agrees) == ((), True)
    assert [one.status for one in found.certificates] == ["ok"]
    assert [(one.current, one.database_backup) for one in found.trusts] == [(True, True)]


@pytest.mark.parametrize(
    ("days", "status"), [(90, "ok"), (89.5, "expiring"), (0.5, "expiring"), (-0.5, "expired"), (None, "ok")]
)
def test_the_one_that_is_presented_is_to_be_renewed_in_time(days: float | None, status: str) -> None:
    found = assessed(instance(own(days=days)))
    assert [one.status for one in found.certificates] == [status]
    wanted = f"server renew --instance {DIRECTORY}`"
    assert (status == "ok") == (found.action == ())
    assert status == "ok" or found.action[0].endswith(wanted)


def test_one_of_a_ca_is_not_for_server_renew() -> None:
    of_ca = own(label="from our CA", days=9)
    found = assessed(instance(of_ca, GOOD))
    assert "CREATE CERTIFICATE" in found.action[0] and "server renew" not in found.action[0]


def test_others_have_a_status_and_call_for_nothing() -> None:
    others = (
        own("older", label="TSM Server SelfSigned Key", days=-9),
        certificate("TSM02", days=-9),
        certificate("a root", kind="ca", days=-9),
        certificate("broken", kind="unreadable"),
    )
    found = assessed(instance(GOOD, *others))
    assert [one.status for one in found.certificates[1:]] == ["superseded", "unknown", "ca", "unreadable"]
    assert found.action == ()


@pytest.mark.parametrize(
    ("arms", "words", "agrees"),
    [
        ((), "there is no cert256.arm", None),
        ((Arm("cert256.arm", None, "it holds nothing"),), "of no use: it holds nothing", None),
        ((arm(own("another")),), "holds another certificate", False),
    ],
)
def test_the_exported_file_is_compared(arms: tuple[Arm, ...], words: str, agrees: bool | None) -> None:
    found = assessed(instance(GOOD, arms=arms))
    assert (found.agrees, len(found.action)) == (agrees, 1)
    assert words in found.action[0]


def test_a_server_that_presents_another_is_to_be_restarted() -> None:
    assert "restart it" in assessed(instance(GOOD), shown=own("older")).action[0]


def test_without_any_it_says_when_one_is_made() -> None:
    assert "makes one when it starts" in assessed(instance(certificate("TSM02"), default=None)).action[0]


class TestDatabaseBackup:
    """The stores with which the server's own database is backed up."""

    @pytest.mark.parametrize("held", ["an old one that is gone", "one of the server's others"])
    def test_a_store_with_a_stale_certificate_is_to_be_repaired(self, held: str) -> None:
        older = own("older", label="TSM Server SelfSigned Key")
        stale = client_s(older) if "others" in held else certificate("x", held)
        found = assessed(instance(GOOD, older), trusting(stale))
        assert "dsmcertfix fix --store /home/tsminst1/certs" in found.action[0]

    def test_a_store_with_both_trusts_it(self) -> None:
        assert assessed(instance(GOOD), trusting(client_s(GOOD), certificate("x", "old"))).action == ()

    def test_an_empty_store_fetches_it(self) -> None:
        found = assessed(instance(GOOD), trusting())
        assert (found.action, [one.certificate for one in found.trusts]) == ((), [None])

    def test_a_client_s_store_is_told_but_calls_for_nothing(self) -> None:
        older = own("older", label="TSM Server SelfSigned Key")
        found = assessed(instance(GOOD, older), trusting(client_s(older), uses=(made_stanza("TSM1"),)))
        assert found.action == ()
        assert [(one.current, one.database_backup) for one in found.trusts] == [(False, False)]


def test_what_cannot_be_edited_calls_for_nothing_but_its_problem() -> None:
    problem = StoreUnreadable("server-stash-missing", "no stash").problem()
    found = assessed(instance(own(days=-9), problem=problem))
    assert found.action == ()


def test_a_stale_one_beside_the_current_one_is_not_told_as_stale() -> None:
    """Of a store that a stanza of this server uses: it trusts the server by the other one."""
    used = made_stanza("TSM1")
    stale = certificate("TSM server TSM1 self-signed key", "old")
    for held, current, told in (
        ((stale,), [False], [True]),
        ((stale, client_s(GOOD)), [False, True], [False, False]),
    ):
        held_by = store(*held, uses=(used,), directory="/b")
        judged = (AssessedStore(held_by, (Assessed(stale, "replaced", "a test", used.server, 1),)),)
        assert used.server is not None
        around = Around((held_by,), leading=frozenset((used.server,)), judged=judged)
        found = assess_instance(instance(GOOD), NOW, 90, around)
        assert [one.current for one in found.trusts] == current
        assert [one.stale for one in found.trusts] == told
