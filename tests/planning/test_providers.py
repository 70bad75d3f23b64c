"""From whom on this machine a store gets a certificate that no session of its own fetches."""

from __future__ import annotations

import pytest
from tests.facts import ALICE, certificate, fetched, inventory, presents, server, stanza, store

from dsmcertfix.model import Certificate, Stanza, Store
from dsmcertfix.planning import given
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.given import Context, Given, given_to
from dsmcertfix.planning.steps import Reconnect, RunOptions, Step, StorePlan

A, B = stanza("TSM1"), stanza("TSM2")
OLD, NEW = certificate(fetched("TSM1"), "old"), certificate(fetched("TSM1"), "new TSM1")
SAME = certificate(fetched("TSM2"), "new TSM1")
CLIENT = store(NEW, uses=[A])


def theirs(*held: Certificate, uses: tuple[Stanza, ...] = (A,)) -> Store:
    """A store of Alice's, as whom nobody else can sign on."""
    made = store(*held, uses=uses, directory="/home/alice/certs", area="home", owner=ALICE)
    return made._replace(signs_on=False)


def of_applications(*held: Certificate, used: Stanza = A) -> Store:
    """A store that no client program fills."""
    return store(*held, uses=[used], directory="/opt/api", area="api")


def known(*stores: Store, done: tuple[StorePlan, ...] = ()) -> Context:
    facts = inventory(*stores, presented=[presents("TSM1"), presents("TSM2", SAME)])
    return Context(facts, assess(facts), RunOptions(), done)


def gets(context: Context, *names: str) -> tuple[Given, ...]:
    """What the first store gets where all that it holds is to go."""
    item = context.assessed[0]
    return given_to(item.store, tuple(map(server, names)), item.certificates, context)


def provider(context: Context) -> str | None:
    first = context.assessed[0].store
    seen = context.inventory.presented_by(server("TSM1"))
    return given._provider(first, server("TSM1"), seen, context)


@pytest.mark.parametrize("held", [OLD, NEW])
def test_what_goes_comes_again_even_where_it_is_the_very_same(held: Certificate) -> None:
    (one,) = gets(known(theirs(held), CLIENT), "TSM1")
    assert [(add.label, add.certificate.sha256) for add in one.adds] == [(fetched("TSM1"), NEW.sha256)]
    assert [add.provider for add in one.adds] == [CLIENT.id]


def test_what_stays_does_not_come_again() -> None:
    context = known(theirs(OLD, NEW._replace(label="by hand")), CLIENT)
    first = context.assessed[0]
    going = tuple(one for one in first.certificates if one.certificate == OLD)
    (one,) = given_to(first.store, (server("TSM1"),), going, context)
    assert one.adds == ()


def test_one_certificate_of_two_servers_comes_once() -> None:
    client, old = store(NEW, uses=[A, B]), certificate(fetched("TSM2"), "old 2")
    done = (StorePlan(client, "label", (), (Reconnect(B, client.user),)),)
    found = gets(known(theirs(OLD, old, uses=(A, B)), client, done=done), "TSM1", "TSM2")
    assert [(one.server, len(one.adds)) for one in found] == [(server("TSM1"), 1), (server("TSM2"), 0)]


def test_a_store_of_applications_is_given_what_any_node_of_its_owner_proved() -> None:
    other = A._replace(node="APPLICATION")
    assert provider(known(of_applications(OLD, used=other), CLIENT)) == CLIENT.id
    # Where it is only not handed out to the same node again, another node proves nothing.
    assert provider(known(theirs(OLD, uses=(other,)), CLIENT)) is None
    assert provider(known(theirs(OLD), CLIENT)) == CLIENT.id


@pytest.mark.parametrize(("with_whom", "proves"), [(A, True), (B, False)])
def test_a_store_proves_a_certificate_by_a_session_with_that_server_only(
    with_whom: Stanza, proves: bool
) -> None:
    client = store(OLD, certificate(fetched("TSM2"), "old 2"), uses=[A, B])
    steps: tuple[Step, ...] = (Reconnect(with_whom, client.user),)
    done = (StorePlan(client, "label", (), steps),)
    assert provider(known(of_applications(OLD), client, done=done)) == (client.id if proves else None)
    assert provider(known(of_applications(OLD), client)) is None


def test_a_store_of_another_user_proves_nothing_and_root_s_does() -> None:
    alices = store(NEW, uses=[A], directory="/home/alice/certs", area="home", owner=ALICE)
    assert provider(known(of_applications(OLD), alices)) is None
    assert provider(known(of_applications(OLD), CLIENT)) == CLIENT.id
