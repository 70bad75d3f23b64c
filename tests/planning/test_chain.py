"""Who signed whom, and what IBM's TLS would trust, with real certificates.

The answers of the table are those of GSKit 8's own handshakes (docs/facts/kdb-format.md).
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from tests.authorities import UNKNOWN, Made, common_name, may_sign, usage
from tests.endtoend_trust.conftest import issued as leaf_identity
from tests.endtoend_trust.conftest import root_ca
from tests.facts import NOW

from dsmbench.identity import Identity
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.key_database.chain import (
    FlawKind,
    is_self_signed,
    out_of_date,
    proven,
    signing_rules,
    trusted,
)
from dsmcertfix.model import Certificate


def certificate(identity: Identity) -> Certificate:
    return describe(identity.der, "")


LEAF, OTHER, CA = certificate(leaf_identity()), certificate(leaf_identity(2)), certificate(root_ca())
STRANGER = certificate(Identity.make())
BELOW_A_LEAF = certificate(Identity.make(issuer=leaf_identity()))


@pytest.mark.parametrize(
    ("presented", "counts"),
    [
        ((), ()),
        ((LEAF,), (LEAF,)),
        ((LEAF, CA), (LEAF, CA)),
        ((LEAF, STRANGER), (LEAF,)),
        ((STRANGER, LEAF, CA), (STRANGER,)),
        ((LEAF, OTHER, CA), (LEAF,)),
        ((LEAF, STRANGER, CA), (LEAF,)),
        ((BELOW_A_LEAF, LEAF, CA), (BELOW_A_LEAF,)),
        ((LEAF, CA, CA), (LEAF, CA, CA)),
        ((LEAF, CA._replace(der=b"no certificate")), (LEAF,)),
    ],
)
def test_a_certificate_above_the_servers_own_counts_where_every_link_to_it_is_signed(
    presented: tuple[Certificate, ...], counts: tuple[Certificate, ...]
) -> None:
    assert proven(presented) == counts


PAST, FUTURE = (-900, -1), (3, 3000)
SELF = Made("tsm1.example.com")
SAME_KEY = Made("tsm1.example.com", key=SELF.key, days=(-300, 300))
FIFTIES = Made("fifties", days=(-27800, 3000))
ROOT = Made("Root", extensions=(may_sign(), usage(signs=True)))
BETWEEN = Made("Between", ROOT, (may_sign(),))
SERVER, BELOW = Made("tsm1", ROOT), Made("tsm1", BETWEEN)
NAMESAKE = Made("Root", extensions=(may_sign(),))
ROOT_ENDED = Made("Root", extensions=(may_sign(),), days=PAST, key=ROOT.key)
ROOT_AGAIN = Made("Root", extensions=(may_sign(),), key=ROOT.key)
BETWEEN_ENDED = Made("Between", ROOT, (may_sign(),), days=PAST, key=BETWEEN.key)
PLAIN = Made("Plain")
SHORT = Made("Short", extensions=(may_sign(path_length=0),))
BELOW_SHORT = Made("Below", SHORT, (may_sign(),))


def below(*extensions: x509.ExtensionType, critical: bool = True) -> Made:
    return Made("tsm1", ROOT, extensions, critical=critical)


def made_by(*extensions: x509.ExtensionType) -> tuple[Made, Made]:
    """A root with those extensions, and a server's certificate that it signed."""
    root = Made("R", extensions=extensions)
    return root, Made("tsm1", root)


DENIED, BY_DENIED = made_by(may_sign(False))
UNUSED, BY_UNUSED = made_by(usage(signs=False))
ODD, BY_ODD = made_by(UNKNOWN)
NOT_CA = Made("Between", ROOT, (may_sign(False),))
CLIENT_ONLY = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.2")])
CRLS = x509.CRLDistributionPoints(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.example")], None, None, None)]
)


TSM1 = x509.DNSName("tsm1.example.com")
ANY_POLICY = x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)


@pytest.mark.parametrize(
    "known",
    [
        x509.SubjectKeyIdentifier(b"1" * 20),
        usage(signs=True),
        x509.SubjectAlternativeName([TSM1]),
        x509.IssuerAlternativeName([TSM1]),
        may_sign(),
        x509.NameConstraints([TSM1], None),
        x509.CertificatePolicies([ANY_POLICY]),
        x509.AuthorityKeyIdentifier(b"1" * 20, None, None),
        x509.PolicyConstraints(1, None),
        CLIENT_ONLY,
        x509.InhibitAnyPolicy(1),
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1"), TSM1)]
        ),
    ],
    ids=lambda one: str(type(one).__name__),
)
def test_each_extension_that_gskit_takes_may_be_critical(known: x509.ExtensionType) -> None:
    assert signing_rules(below(known).stored().der).understood


def test_what_says_nothing_of_signing_may_sign() -> None:
    assert signing_rules(b"no certificate").may_sign and signing_rules(PLAIN.stored().der).may_sign


@pytest.mark.parametrize(
    ("stored", "unmarked", "presented", "trusts"),
    [
        ([SELF], [], [SELF], True),
        ([SELF], [], [Made("tsm1.example.com")], False),
        ([], [SELF], [SELF], False),
        ([SELF], [], [SAME_KEY], True),
        ([FIFTIES], [], [FIFTIES], True),
        ([SAME_KEY], [SELF], [SELF], True),
        ([Made("t", days=PAST)], [], [Made("t", days=PAST)], False),
        ([ROOT], [], [SERVER], True),
        ([ROOT], [], [SERVER, ROOT], True),
        ([], [ROOT], [SERVER, ROOT], False),
        ([NAMESAKE], [], [SERVER, ROOT], False),
        ([NAMESAKE, ROOT], [], [SERVER], True),
        ([ROOT_ENDED], [], [SERVER], False),
        ([ROOT_ENDED, ROOT], [], [SERVER], True),
        ([ROOT_AGAIN], [ROOT], [SERVER], True),
        ([ROOT], [], [Made("tsm1", ROOT, days=PAST)], False),
        ([ROOT], [], [Made("tsm1", ROOT, days=FUTURE)], False),
        # A certificate that is no root is never enough.
        ([SERVER], [], [SERVER, ROOT], False),
        ([BETWEEN], [], [BELOW, BETWEEN, ROOT], False),
        ([ROOT], [SERVER], [SERVER], True),
        # Between: from the store only when marked as trusted, else from what is presented.
        ([ROOT], [], [BELOW], False),
        ([ROOT], [], [BELOW, BETWEEN], True),
        ([ROOT], [], [BELOW, ROOT, BETWEEN], True),
        ([ROOT], [], [BELOW, BETWEEN, Made("stranger")], True),
        ([ROOT, BETWEEN], [], [BELOW], True),
        ([ROOT], [BETWEEN], [BELOW], False),
        ([ROOT], [BETWEEN], [BELOW, BETWEEN], True),
        ([ROOT], [], [BELOW, BETWEEN_ENDED], False),
        ([ROOT, BETWEEN], [], [BELOW, BETWEEN_ENDED], True),
        ([BETWEEN], [ROOT], [BELOW], False),
        ([ROOT], [], [Made("tsm1", NOT_CA), NOT_CA], False),
        # Who says nothing of signing may sign.
        ([PLAIN], [], [Made("tsm1", PLAIN)], True),
        ([DENIED], [], [BY_DENIED], False),
        ([UNUSED], [], [BY_UNUSED], False),
        ([UNUSED], [], [UNUSED], True),
        ([ODD], [], [BY_ODD], False),
        ([ODD], [], [ODD], False),
        ([SHORT], [], [Made("tsm1", SHORT)], True),
        ([SHORT], [], [Made("tsm1", BELOW_SHORT), BELOW_SHORT], False),
        ([ROOT], [], [below(UNKNOWN)], False),
        ([ROOT], [], [below(UNKNOWN, critical=False)], True),
        ([ROOT], [], [below(CRLS)], False),
        ([ROOT], [], [below(CLIENT_ONLY)], True),
        ([ROOT], [], [below(x509.SubjectAlternativeName([x509.DNSName("other.example.com")]))], True),
        ([ROOT], [], [below(x509.AuthorityKeyIdentifier(b"1" * 20, None, None))], True),
        # Names are compared without case, and with blanks run together.
        ([ROOT], [], [Made("tsm1", ROOT, named=common_name("ROOT "))], True),
        ([ROOT], [], [Made("tsm1", ROOT, named=common_name("Other"))], False),
        # Only the server's own certificate was presented by who has its key.
        ([SELF], [], [Made("rogue"), SELF], False),
        ([SELF], [], [SELF, Made("rogue")], True),
        ([], [], [SELF], False),
        ([SELF], [], [], False),
    ],
)
def test_a_client_trusts_what_ibms_tls_trusts(
    stored: list[Made], unmarked: list[Made], presented: list[Made], trusts: bool
) -> None:
    held = (*(one.stored() for one in stored), *(one.stored(trusted=False) for one in unmarked))
    assert bool(trusted(held, tuple(one.stored() for one in presented), NOW)) is trusts


@pytest.mark.parametrize(
    ("held", "presented", "flaws"),
    [
        ([SELF.stored(trusted=False)], [SELF], [("tsm1.example.com", "untrusted")]),
        ([ROOT.stored(trusted=False)], [SERVER], [("Root", "untrusted")]),
        ([ROOT_ENDED.stored()], [SERVER], [("Root", "expired")]),
        ([ROOT.stored()], [Made("tsm1", ROOT, days=FUTURE)], [("tsm1", "not-yet-valid")]),
        ([SERVER.stored(trusted=False)], [SERVER, ROOT], [("tsm1", "no-root")]),
        ([BETWEEN.stored()], [BELOW], [("Between", "no-root")]),
        ([UNUSED.stored()], [BY_UNUSED], [("R", "may-not-sign")]),
        ([ROOT.stored()], [below(UNKNOWN)], [("tsm1", "not-understood")]),
        ([NAMESAKE.stored()], [SERVER], []),
        ([ROOT.stored()], [BELOW], []),
        ([], [SERVER], []),
    ],
)
def test_of_a_chain_that_does_not_hold_the_flaws_are_told(
    held: list[Certificate], presented: list[Made], flaws: list[tuple[str, FlawKind]]
) -> None:
    found = trusted(tuple(held), tuple(one.stored() for one in presented), NOW)
    assert [(item.certificate.subject, item.kind) for item in found.flaws] == [
        (f"CN={name}", kind) for name, kind in flaws
    ]


def test_who_has_name_constraints_vouches_for_nothing_since_they_are_not_compared() -> None:
    root, server = made_by(x509.NameConstraints([x509.DNSName("example.com")], None))
    assert not trusted((root.stored(),), (server.stored(),), NOW)


def test_a_certificate_that_names_itself_but_that_another_key_signed_is_not_self_signed() -> None:
    forged = Made("tsm1.example.com", SELF).stored()
    assert forged.issuer == forged.subject
    assert (is_self_signed(forged), is_self_signed(SELF.stored())) == (False, True)
    assert not trusted((forged,), (forged,), NOW)


def test_a_first_day_before_1950_is_none_that_gskit_takes() -> None:
    late = Made("late", days=(9000, 10000)).stored().der
    assert b"2051" in late
    assert [signing_rules(late.replace(b"2051", year)).understood for year in (b"1951", b"1949")] == [
        True,
        False,
    ]


def test_a_store_full_of_namesakes_costs_a_bounded_number_of_signatures() -> None:
    many = tuple(Made("Root").stored() for _ in range(300))
    assert not trusted((*many, ROOT.stored()), (SERVER.stored(),), NOW)
    assert trusted((ROOT.stored(), *many), (SERVER.stored(),), NOW)


def test_a_certificate_is_in_date_to_the_very_moment_of_its_end_and_from_that_of_its_begin() -> None:
    one = LEAF._replace(not_before=NOW, not_after=NOW)
    assert out_of_date(one, NOW) is None
    assert out_of_date(one, NOW + timedelta(microseconds=1)) == "expired"
    assert out_of_date(one, NOW - timedelta(microseconds=1)) == "not-yet-valid"
