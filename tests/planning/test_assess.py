"""Whose a certificate is, and what is wrong with it: tables over made-up facts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import (
    ALICE,
    DOWN,
    NOW,
    ROOT,
    ca,
    certificate,
    fetched,
    inventory,
    presents,
    server,
    stanza,
    store,
)

from dsmcertfix.model import Certificate, Inventory, Presented, StanzaUse
from dsmcertfix.planning.assess import Assessed, Status, assess, days_left, named_by, stanzas_of
from dsmcertfix.planning.views import View

A, B = stanza("TSM1"), stanza("TSM10")
ROOT_CA = Made("Root", extensions=(may_sign(), usage(signs=True)))
SIGNED = Made("tsm1", ROOT_CA)


def judged(facts: Inventory, expires_within_days: int = 0) -> tuple[Assessed, ...]:
    return assess(facts, expires_within_days)[0].certificates


def one(certificate: Certificate, *presented: Presented, within: int = 0) -> Assessed:
    """The judgement on the only certificate of a store that one stanza uses."""
    return judged(inventory(store(certificate, uses=[A]), presented=presented), within)[0]


OLD = certificate(fetched("TSM1"), "old TSM1")
STALE = certificate(fetched("TSM1"), "old TSM1", days=-1)
NEW = certificate(fetched("TSM1"), "new TSM1")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("TSM1", True),
        ("tsm1", True),
        ("tsm1.example.com", True),
        ("TSM1.EXAMPLE.COM:1500", True),
        ("tsm1.example.com:1501", False),
        ("TSM10", False),
        ("", False),
    ],
)
def test_a_server_is_named_by_stanza_address_or_address_and_port(text: str, named: bool) -> None:
    assert named_by(text, A) is named


def test_a_fingerprint_says_more_than_a_label() -> None:
    mislabelled = certificate(fetched("TSM10"), "new TSM1")
    facts = inventory(store(mislabelled, uses=[A, B]), presented=[presents("TSM1"), presents("TSM10")])
    item = judged(facts)[0]
    assert (item.server, item.status) == (server("TSM1"), "ok")


def test_a_label_says_more_than_being_the_only_one() -> None:
    failover = stanza("TSM10", replication=True)
    facts = inventory(store(certificate(fetched("TSM10")), uses=[A, failover]))
    assert judged(facts)[0].server == server("TSM10")


@pytest.mark.parametrize("label", ["tsm1.example.com", "Tsm1", "TSM server TSM1.example.com self-signed key"])
def test_name_and_address_in_a_label_count_whatever_their_case(label: str) -> None:
    facts = inventory(store(certificate(label), certificate("other"), uses=[A, B]))
    assert judged(facts)[0].server == server("TSM1")


def test_a_label_that_names_two_servers_names_none() -> None:
    facts = inventory(store(certificate("TSM1 and TSM10"), certificate("x"), uses=[A, B]))
    item = judged(facts)[0]
    assert (item.server, item.status, item.affected) == (None, "unknown", False)


def test_two_stanzas_of_one_server_are_no_contradiction() -> None:
    again = stanza("TSM1_NODE2", "tsm1.example.com")
    facts = inventory(store(certificate("TSM1 TSM1_NODE2"), uses=[A, again]))
    assert judged(facts)[0].server == server("TSM1")


def test_the_only_server_certificate_of_a_store_with_one_server_is_that_server_s() -> None:
    item = one(certificate("spcert_x7f3a2b"), presents("TSM1"))
    assert (item.server, item.status) == (server("TSM1"), "replaced")


def test_a_root_beside_it_does_not_change_whose_the_only_server_certificate_is() -> None:
    facts = inventory(store(ca("Corporate Root"), certificate("spcert_1"), uses=[A]))
    assert [item.server for item in judged(facts)] == [None, server("TSM1")]


@pytest.mark.parametrize("count", [2, 3])
def test_several_certificates_without_a_name_are_nobody_s(count: int) -> None:
    many = [certificate(f"spcert_{number}") for number in range(count)]
    facts = inventory(store(*many, uses=[A]), presented=[presents("TSM1")])
    assert {item.status for item in judged(facts)} == {"unknown"}
    assert not assess(facts)[0].affected


def test_one_certificate_and_two_servers_make_no_pair() -> None:
    facts = inventory(store(certificate("spcert_1"), uses=[A, B]), presented=[presents("TSM1")])
    assert judged(facts)[0].status == "unknown"


def test_a_certificate_signed_by_an_authority_is_never_guessed() -> None:
    item = one(certificate("spcert_1", kind="other", issuer="CN=Example Root CA"))
    assert (item.server, item.status) == (None, "unknown")


@pytest.mark.parametrize("days", [3000, -5])
@pytest.mark.parametrize("label", ["Corporate Root", fetched("TSM1")])
def test_a_root_is_never_replaced_nor_expired_whatever_its_label(label: str, days: int) -> None:
    item = one(ca(label, days=days), presents("TSM1"))
    assert (item.status, item.affected) == ("ca", False)
    assert ("expired" in item.reason) is (days < 0)


def test_a_root_that_the_server_presents_is_ok_where_it_signed_for_it() -> None:
    root = ROOT_CA.stored("Corporate Root")
    item = one(root, presents("TSM1", SIGNED.stored(), root))
    assert (item.status, item.server) == ("ok", server("TSM1"))
    assert one(root, presents("TSM1", Made("tsm1").stored(), root)).status == "ca"


def test_a_ca_that_the_server_presents_for_itself_is_exchanged() -> None:
    """Some servers' own certificates say that they are a CA's."""
    own = ca("a CA by its own word")
    assert one(own, presents("TSM1", own)).remedy == "exchange"


def test_a_key_of_the_client_is_never_touched() -> None:
    facts = inventory(
        store(
            certificate(fetched("TSM1"), kind="personal"), certificate("1708990603", kind="secret"), uses=[A]
        ),
        presented=[presents("TSM1")],
    )
    assert [(item.status, item.server) for item in judged(facts)] == [("unknown", None)] * 2


@pytest.mark.parametrize(
    ("held", "presented", "status", "affected"),
    [
        (NEW, presents("TSM1"), "ok", False),
        (OLD, presents("TSM1"), "replaced", True),
        (OLD, None, "not-checked", False),
        (OLD, presents("TSM1", problem=DOWN), "not-checked", False),
        (STALE, presents("TSM1"), "expired", True),
        (STALE, None, "expired", True),
        (STALE, presents("TSM1", problem=DOWN), "expired", True),
        (STALE, presents("TSM1", STALE), "expired", True),
        (certificate(fetched("TSM1"), days=None), presents("TSM1"), "replaced", True),
    ],
)
def test_what_the_server_presents_decides(
    held: Certificate, presented: Presented | None, status: Status, affected: bool
) -> None:
    item = one(held, *([presented] if presented else []))
    assert (item.status, item.affected) == (status, affected)


def test_a_server_that_was_not_asked_and_a_key_of_the_client_s_own_are_told_as_such() -> None:
    found = one(certificate(fetched("TSM1")), Presented(server("TSM1")))
    assert (found.status, found.reason) == ("not-checked", "the server was not asked")
    found = one(certificate("a key", kind="personal"))
    assert (found.status, found.reason) == ("unknown", "a key of the client's own, never touched")


def test_one_that_is_not_valid_yet_is_so_where_nothing_better_is_known() -> None:
    early = certificate(fetched("TSM1"), "early")._replace(not_before=NOW + timedelta(days=1))
    assert one(early, presents("TSM1", problem=DOWN)).status == "not-yet-valid"
    assert one(early, presents("TSM1", certificate("x", "another"))).status == "replaced"
    assert one(early, presents("TSM1", early)).status != "ok"


@pytest.mark.parametrize(
    ("days", "within", "status"),
    [(30.5, 30, "ok"), (29.9, 30, "expiring"), (0.5, 0, "ok"), (0.5, 1, "expiring"), (-0.01, 30, "expired")],
)
def test_expiring_is_within_the_days_asked_for(days: float, within: int, status: Status) -> None:
    held = NEW._replace(not_after=NOW + timedelta(days=days))
    assert one(held, presents("TSM1", held), within=within).status == status


@pytest.mark.parametrize(("days", "status"), [(11, "expiring"), (10, "ok"), (0, "ok")])
def test_a_certificate_expires_soon_within_so_many_days(days: int, status: str) -> None:
    held = certificate(fetched("TSM1"), "new TSM1", days=10)
    found = one(held, presents("TSM1", held), within=days)
    assert (found.status, found.days_left) == (status, 10)


def test_a_certificate_that_could_not_be_compared_may_be_expiring_all_the_same() -> None:
    assert one(OLD._replace(not_after=NOW + timedelta(days=3)), within=30).status == "expiring"


def test_a_replaced_certificate_that_expires_soon_is_told_as_replaced() -> None:
    held = OLD._replace(not_after=NOW + timedelta(days=3))
    assert one(held, presents("TSM1"), within=30).status == "replaced"


@pytest.mark.parametrize(("days", "ended"), [(0.5, False), (-0.5, True), (None, False)])
def test_of_a_certificate_of_nobody_it_is_told_that_it_expired(days: float | None, ended: bool) -> None:
    for held in (certificate("a stray one", days=days), certificate("a root", kind="ca", days=days)):
        ((one,),) = (item.certificates for item in assess(inventory(store(held, uses=[A, B]))))
        assert (", which expired on" in one.reason) is ended and one.server is None


@pytest.mark.parametrize(
    ("days", "left"), [(1.5, 1), (1, 1), (0.99, 0), (0, 0), (-0.01, -1), (-1.5, -2), (None, None)]
)
def test_days_left_are_whole_days_and_negative_once_over(days: float | None, left: int | None) -> None:
    assert days_left(certificate("x", days=days), NOW) == left


@pytest.mark.parametrize("old", [OLD, STALE])
def test_an_old_certificate_beside_the_new_one_calls_for_nothing(old: Certificate) -> None:
    new = NEW._replace(label="TSM1 renewed")
    facts = inventory(store(old, new, uses=[A]), presented=[presents("TSM1")])
    assert [(item.status, item.affected) for item in judged(facts)] == [("superseded", False), ("ok", False)]


def test_one_certificate_under_two_labels_is_judged_alike() -> None:
    twice = (OLD, OLD._replace(label="a copy"))
    facts = inventory(store(*twice, uses=[A]), presented=[presents("TSM1", OLD)])
    assert [item.status for item in judged(facts)] == ["ok", "ok"]


def test_labels_that_differ_only_in_case_are_two_certificates() -> None:
    pair = (certificate("TSM1", "old"), certificate("tsm1", "new TSM1"))
    facts = inventory(store(*pair, uses=[A]), presented=[presents("TSM1")])
    assert [item.status for item in judged(facts)] == ["superseded", "ok"]


def test_an_unreadable_certificate_shows_why_and_is_left_alone_when_nobody_s() -> None:
    facts = inventory(store(certificate("garbage", kind="unreadable"), certificate("x"), uses=[A, B]))
    item = judged(facts)[0]
    assert (item.status, item.affected, item.reason) == ("unreadable", False, "no certificate")


def test_an_unreadable_certificate_of_a_renewed_server_shows_both_facts() -> None:
    item = one(certificate(fetched("TSM1"), kind="unreadable"), presents("TSM1"))
    assert item.status == "replaced"
    assert "TSM1" in item.reason and "no certificate" in item.reason


def test_an_old_certificate_needs_nothing_when_a_root_vouches_for_the_new_one() -> None:
    facts = inventory(
        store(OLD, ROOT_CA.stored("Root"), uses=[A]), presented=[presents("TSM1", SIGNED.stored())]
    )
    item = judged(facts)[0]
    assert (item.status, item.affected) == ("superseded", False)
    assert "CA" in item.reason


@pytest.mark.parametrize(
    "root",
    [
        Made("Other", extensions=(may_sign(),)),
        Made("Root", extensions=(may_sign(),)),
        Made("Root", key=ROOT_CA.key, days=(-600, -1)),
    ],
    ids=["other", "namesake", "expired"],
)
def test_another_root_or_an_expired_one_vouches_for_nothing(root: Made) -> None:
    facts = inventory(
        store(OLD, root.stored("Root"), uses=[A]), presented=[presents("TSM1", SIGNED.stored())]
    )
    assert judged(facts)[0].status == "replaced"


@pytest.mark.parametrize(
    ("ends", "told"), [(datetime(99, 2, 3, tzinfo=timezone.utc), "0099-02-03"), (None, "an unknown day")]
)
def test_the_day_on_which_a_certificate_runs_out_is_told_with_all_digits(
    ends: datetime | None, told: str
) -> None:
    held = certificate("TSM server TSM1 self-signed key")._replace(not_after=ends)
    assert held.last_day == told
    assert one(held, presents("TSM1", problem=DOWN)).reason.endswith(told) == (ends is not None)


def test_the_surest_stanza_comes_first_and_one_without_address_never() -> None:
    maybe = StanzaUse(B, "anybody could", certain=False)
    uses = (stanza("F", replication=True), maybe, stanza("EMPTY", ""), A)
    assert [item.name for item in stanzas_of(store(uses=uses))] == ["TSM1", "TSM10", "F"]


def test_a_stanza_without_address_owns_nothing() -> None:
    facts = inventory(store(certificate(fetched("EMPTY")), uses=[stanza("EMPTY", "")]))
    assert judged(facts)[0].status == "unknown"


def test_every_store_is_judged_by_itself_in_the_order_of_the_inventory() -> None:
    first, second = store(OLD, uses=[A]), store(NEW, uses=[A], directory="/home/alice/c", owner=ALICE)
    found = assess(inventory(first, second, presented=[presents("TSM1")]))
    assert [item.store for item in found] == [first, second]
    assert [len(item.affected) for item in found] == [1, 0]
    assert found[0].store.located.owner == ROOT


def test_a_label_with_one_of_a_servers_other_names_is_that_server_s() -> None:
    named = stanza("10.0.0.1")._replace(aliases=("TSM1",))
    assert named.server
    old = certificate(fetched("TSM1"), "old")
    facts = inventory(store(old, uses=[named, B]), presented=[presents("TSM1")._replace(server=named.server)])
    (judgement,) = judged(facts)
    assert (judgement.status, judgement.server) == ("replaced", named.server)


def test_of_servers_that_share_their_names_the_one_without_its_certificate_is_meant() -> None:
    first, second = (stanza(f"10.0.0.{item}")._replace(aliases=("TSM1", "TSM2")) for item in (1, 2))
    assert first.server and second.server
    shown = [
        presents("TSM1")._replace(server=first.server),
        presents("TSM2")._replace(server=second.server),
    ]
    current, old = certificate(fetched("TSM1"), "new TSM1"), certificate(fetched("TSM2"), "old TSM2")
    judgements = judged(inventory(store(current, old, uses=[first, second]), presented=shown))
    assert [(item.status, item.server) for item in judgements] == [
        ("ok", first.server),
        ("replaced", second.server),
    ]
    # Both renewed at once: nothing tells them apart.
    both = judged(
        inventory(store(certificate(fetched("TSM1"), "old"), old, uses=[first, second]), presented=shown)
    )
    assert [item.status for item in both] == ["unknown", "unknown"]


@pytest.mark.parametrize(
    ("one", "own"),
    [
        (Assessed(certificate("a"), "ok", "", None, 1), True),
        (Assessed(ca("a"), "ok", "", server("TSM1"), 1), True),
        (Assessed(ca("a"), "ok", "", None, 1), False),
        (Assessed(ca("a"), "ok", "", server("TSM1"), 1, "authority"), False),
        (Assessed(certificate("a", kind="personal"), "ok", "", server("TSM1"), 1), False),
        (Assessed(certificate("a", kind="secret"), "ok", "", server("TSM1"), 1), False),
        (Assessed(certificate("a", kind="unreadable"), "ok", "", server("TSM1"), 1), True),
    ],
)
def test_what_may_be_a_server_s_own(one: Assessed, own: bool) -> None:
    assert one.of_server is own


def test_what_the_server_presents_is_by_its_first_certificate() -> None:
    own, above = certificate("own"), ca("above")
    seen = View(server("TSM1"), presents("TSM1", own, above))
    assert seen.own == own.sha256 and seen.answered
    assert (
        View(server("TSM1")).own is None and View(server("TSM1"), presents("TSM1", problem=DOWN)).own is None
    )
