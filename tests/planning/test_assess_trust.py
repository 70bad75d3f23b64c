"""What `detect` calls fine is what IBM's TLS accepts: tables over certificates with real signatures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.authorities import Made, may_sign, usage
from tests.facts import DOWN, NOW, SUBJECT, certificate, fetched, inventory, presents, server, stanza, store

from dsmcertfix.model import Certificate, Presented
from dsmcertfix.planning.assess import Assessed, AssessedStore, Remedy, Status, assess

A, B = stanza("TSM1"), stanza("TSM10")
LABEL = fetched("TSM1")
ROOT = Made("Root", extensions=(may_sign(), usage(signs=True)))
BETWEEN = Made("Between", ROOT, (may_sign(),))
SIGNED = Made("tsm1", ROOT)
SELF = Made("tsm1.example.com")
NEW = Made("tsm1.example.com")
ENDED, EARLY = (-900, -1), (3, 900)


def found(*held: Certificate, shown: Presented | None = None) -> AssessedStore:
    """The judgement on a store that one stanza uses."""
    return assess(inventory(store(*held, uses=[A]), presented=[shown] if shown else []))[0]


def first(*held: Certificate, shown: Presented | None = None) -> Assessed:
    return found(*held, shown=shown).certificates[0]


@pytest.mark.parametrize(
    "old",
    [
        Made("tsm1.example.com"),
        Made("tsm1.example.com", days=ENDED),
        Made("a name of its own"),
        Made("a name of its own", extensions=(may_sign(False),)),
        Made("a name of its own", extensions=(usage(signs=False),)),
        # What `openssl req -x509` makes says that it is a CA.
        Made("a name of its own", extensions=(may_sign(),)),
        Made("tsm1.example.com", extensions=(may_sign(), usage(signs=True))),
    ],
    ids=lambda made: f"{made.subject} {len(made.extensions)} {made.days[1]}",
)
def test_a_servers_own_certificate_is_its_own_whatever_its_subject(old: Made) -> None:
    item = first(old.stored(LABEL), shown=presents("TSM1", NEW.stored()))
    assert (item.status, item.server) == ("replaced" if old.days[1] > 0 else "expired", server("TSM1"))
    assert (item.affected, item.of_server, item.remedy) == (True, True, "exchange")


@pytest.mark.parametrize(
    ("root", "label"),
    [
        (ROOT, LABEL),
        (ROOT, "Corporate Root"),
        (Made("Root"), "TSM1"),
        (Made("Root", extensions=(may_sign(),)), "TSM1"),
    ],
)
def test_a_root_stays_a_root_whatever_its_label(root: Made, label: str) -> None:
    item = first(root.stored(label), shown=presents("TSM1", NEW.stored()))
    assert (item.status, item.server, item.affected) == ("ca", None, False)


def test_a_root_under_a_servers_label_that_another_server_relies_on_stays() -> None:
    plain = Made("Plain Root")
    other = presents("TSM10", Made("tsm10", plain).stored())
    facts = inventory(
        store(plain.stored(LABEL), uses=[A, B]), presented=[presents("TSM1", NEW.stored()), other]
    )
    assert assess(facts)[0].certificates[0].status == "ca"


@pytest.mark.parametrize(
    ("held", "shown", "status", "remedy"),
    [
        (SELF.stored(LABEL), [SELF], "ok", "exchange"),
        (SELF.stored(LABEL, trusted=False), [SELF], "untrusted", "trust-again"),
        (SELF.stored(LABEL, trusted=False), [NEW], "replaced", "exchange"),
        (Made("x", days=EARLY).stored(LABEL), None, "not-yet-valid", "exchange"),
        (SELF.stored(LABEL, trusted=False), None, "untrusted", "exchange"),
        # The renewed certificate has the old key, and the old one vouches for it.
        (SELF.stored(LABEL), [Made("tsm1.example.com", key=SELF.key, days=(-1, 9))], "ok", "exchange"),
        (SIGNED.stored(LABEL, trusted=False), [SIGNED], "untrusted", "authority"),
        (SIGNED.stored(LABEL), [SIGNED, ROOT], "untrusted", "authority"),
        (BETWEEN.stored("CA"), [Made("tsm1", BETWEEN), BETWEEN, ROOT], "untrusted", "authority"),
        (ROOT.stored("CA"), [SIGNED], "ca", "exchange"),
        (ROOT.stored("CA", trusted=False), [SIGNED], "untrusted", "trust-again"),
        (ROOT.stored("CA", trusted=False), [NEW], "ca", "exchange"),
        (Made("Root", key=ROOT.key, days=ENDED).stored("CA"), [SIGNED], "expired", "authority"),
        (Made("Root", key=ROOT.key, days=EARLY).stored("CA"), [SIGNED], "not-yet-valid", "authority"),
    ],
)
def test_what_ibms_tls_refuses_is_found(
    held: Certificate, shown: list[Made] | None, status: Status, remedy: Remedy
) -> None:
    seen = presents("TSM1", *(one.stored() for one in shown)) if shown else presents("TSM1", problem=DOWN)
    item = first(held, shown=seen)
    assert (item.status, item.remedy) == (status, remedy)
    assert item.affected is (status not in ("ok", "ca"))


@pytest.mark.parametrize("days", [ENDED, EARLY])
def test_what_a_server_presents_out_of_date_is_found_beside_the_same_in_the_store(
    days: tuple[float, float],
) -> None:
    made = Made("x", days=days)
    status = first(made.stored(LABEL), shown=presents("TSM1", made.stored())).status
    assert status == ("expired" if days is ENDED else "not-yet-valid")


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        ([Made("tsm1", ROOT, days=ENDED)], "expired"),
        ([Made("tsm1", ROOT, days=EARLY)], "not valid yet"),
        ([Made("tsm1", BETWEEN)], "no certificate in the store"),
        ([Made("tsm1", BETWEEN), Made("Between", ROOT, (may_sign(),), ENDED, BETWEEN.key)], "expired"),
        ([Made("tsm1", Made("B", ROOT, (may_sign(False),)))], "no certificate in the store"),
    ],
    ids=["ended", "early", "nothing between", "ended between", "no CA between"],
)
def test_where_only_the_server_can_help_the_store_says_so(shown: list[Made], told: str) -> None:
    item = found(ROOT.stored("CA"), shown=presents("TSM1", *(one.stored() for one in shown)))
    assert item.problem is not None
    assert (item.problem.code, item.affected, item.pending) == ("server-not-trusted", (), ())
    assert told in item.problem.message


def test_it_says_so_even_where_another_store_of_the_owner_holds_the_same_root() -> None:
    shown = presents("TSM1", Made("tsm1", ROOT, days=ENDED).stored(), ROOT.stored())
    pair = [store(ROOT.stored("CA"), uses=[A], directory=place) for place in ("/opt/ba", "/opt/adsm")]
    problems = [item.problem for item in assess(inventory(*pair, presented=[shown]))]
    assert [problem and problem.code for problem in problems] == ["server-not-trusted"] * 2


def test_a_certificate_that_is_presented_beside_a_strangers_is_not_the_servers() -> None:
    shown = presents("TSM1", Made("rogue").stored(), SELF.stored())
    assert first(SELF.stored(LABEL), shown=shown).status == "replaced"


def test_a_password_that_ran_out_is_told_of_the_store() -> None:
    held = store(SELF.stored(LABEL), uses=[A])._replace(password_expires=NOW - timedelta(days=1))
    item = assess(inventory(held, presented=[presents("TSM1", SELF.stored())]))[0]
    assert item.problem is not None and item.problem.code == "password-expired"
    later = held._replace(password_expires=NOW + timedelta(days=1))
    assert assess(inventory(later, presented=[presents("TSM1", SELF.stored())]))[0].problem is None


def test_a_certificate_of_the_subject_that_all_servers_share_may_be_of_any_make() -> None:
    # The bytes are none of a certificate: nothing but names and fingerprint is known of it.
    held = certificate(LABEL, "old", subject=SUBJECT)
    assert first(held, shown=presents("TSM1", held)).status == "ok"
