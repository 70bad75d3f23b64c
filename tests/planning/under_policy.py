"""A site's policy of one rule, and a store under it: the certificates are made, the facts made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.authorities import Made
from tests.facts import NOW, fetched, inventory, presents, stanza, store

from dsmcertfix.model import Certificate, Presented
from dsmcertfix.planning.assess import AssessedStore
from dsmcertfix.planning.policy import Allowed, Policy, ServerRule
from dsmcertfix.planning.policy_view import assess_under

A, B = stanza("TSM1"), stanza("TSM2")
LABEL = fetched("TSM1")
TODAY = NOW.date()
DAY = timedelta(days=1)
NEW, OLD = Made("tsm1.example.com"), Made("tsm1.example.com")
HELD, GONE = NEW.stored(LABEL), OLD.stored("TSM1 old")
JUST_NEW = Allowed(HELD.sha256)
NEW_FILE = HELD._replace(label="new.arm", kind="server")


def policy(*allowed: Allowed, handed: tuple[Certificate, ...] = (), **rule: Any) -> Policy:
    found = ServerRule(("TSM1",), allowed, **rule)
    return Policy((found,), handed={one.sha256: one for one in handed})


def under(
    site: Policy,
    *held: Certificate,
    shown: Presented | None = None,
    uses: tuple[Any, ...] = (A,),
    **more: Any,
) -> AssessedStore:
    seen = [shown] if shown is not None else [presents("TSM1", NEW.stored())]
    (item,) = assess_under(site, inventory(store(*held, uses=uses, **more), presented=seen), 0)
    return item
