"""What is put into a store that no session fills, and who vouches for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.facts import NOW, certificate, fetched, inventory, presents, server, stanza, store

from dsmcertfix.model import Certificate, Export, Stanza, StanzaUse
from dsmcertfix.planning.assess import assess
from dsmcertfix.planning.given import Context, given_to
from dsmcertfix.planning.pins import Pin
from dsmcertfix.planning.steps import RunOptions

A, B = stanza("TSM1"), stanza("TSM2")
BACKUP = stanza("TSMDBMGR", "tsm1.example.com")._replace(node="$$_TSMDBMGR_$$")
LABEL = fetched("TSM1")
NEW = presents("TSM1").chain[0]


def given(uses: StanzaUse | tuple[StanzaUse, ...], *exports: Export, reconnect: bool = True) -> object:
    old = certificate(LABEL, "old")
    uses = (uses,) if isinstance(uses, StanzaUse) else uses
    held = store(old, uses=uses, area="server-api")
    known = inventory(held, presented=[presents("TSM1")])._replace(exports=exports)
    assessed = assess(known)
    context = Context(known, assessed, RunOptions(reconnect=reconnect), ())
    found = given_to(held, (server("TSM1"),), assessed[0].certificates, context)
    return [(one.adds[0].certificate.sha256, one.proved_by) for one in found]


def test_only_a_database_backup_gets_what_its_server_exported_and_only_from_who_may_vouch() -> None:
    backup = StanzaUse(BACKUP, "a test")
    right = [(NEW.sha256, BACKUP)]
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 0)) == right
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 54321)) == []
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 54321, of_server=True)) == right
    assert given(backup, Export(B, Path("/a"), NEW, 0)) == []
    assert given(backup, Export(BACKUP, Path("/a"), certificate("x"), 0)) == []
    assert given(backup, Export(BACKUP, Path("/a"), NEW, 0), reconnect=False) == []
    assert given(StanzaUse(A, "a test"), Export(A, Path("/a"), NEW, 0)) == []


def test_what_a_client_s_store_says_of_another_server_or_an_old_one_proves_nothing() -> None:
    def provider(held: Certificate, *uses: Stanza) -> str | None:
        client = store(held, uses=uses, directory="/a")
        needs = store(certificate(LABEL, "old"), uses=[A], directory="/b", area="api")
        known = inventory(client, needs, presented=[presents("TSM1"), presents("TSM2")])
        assessed = assess(known)
        context = Context(known, assessed, RunOptions(), ())
        found = given_to(needs, (server("TSM1"),), assessed[1].certificates, context)
        return found[0].adds[0].provider if found else None

    assert provider(NEW._replace(label=LABEL), A) is not None
    assert provider(certificate(LABEL, "old"), A) is None
    superseded = NEW._replace(label=LABEL, not_after=NOW - timedelta(days=1))
    assert provider(superseded, A) is None


def test_the_file_of_a_pin_is_the_first_that_somebody_gave() -> None:
    known = inventory(store(uses=[A]))
    pins = (Pin("a" * 64, "TSM1"), Pin("b" * 64, "TSM1", file=Path("/x")), Pin("c" * 64, "TSM2"))
    context = Context(known, (), RunOptions(pins=pins), ())
    assert context.file(server("TSM1")) == Path("/x")
    assert context.file(server("TSM2")) is None
    assert context.pinned(server("TSM1")) == ("a" * 64, "b" * 64)
    assert context.pinned(server("TSM3")) is None
    strict = Context(known, (), RunOptions(pins=pins, first_use=False), ())
    assert strict.pinned(server("TSM3")) == ()
    free = Context(known, (), RunOptions(first_use=False, first_use_of=frozenset({server("TSM3")})), ())
    assert free.pinned(server("TSM3")) is None
