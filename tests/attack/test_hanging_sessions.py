"""Clients and servers that say nothing: they are waited for at the same time, and hold up nobody else."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.jobs.test_together import Watched, plan

from dsmcertfix import budgets
from dsmcertfix.ibm import tls
from dsmcertfix.ibm.inventory import _to_ask
from dsmcertfix.model import Server
from dsmcertfix.transaction.interrupts import Interrupts
from dsmcertfix.transaction.together import carry_out_all


@pytest.fixture
def silent() -> Iterator[list[Server]]:
    """Servers that accept connections and say nothing, as many as 64 stanzas of a user can name."""
    with ExitStack() as stack:
        servers = []
        for _ in range(64):
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            servers.append(Server("127.0.0.1", listening.getsockname()[1]))
        yield servers


def test_silent_servers_are_waited_for_at_the_same_time(silent: list[Server]) -> None:
    limit_s = 3.0
    start = time.monotonic()
    answers = tls.ask_all(silent, timeout_s=limit_s)()
    took = time.monotonic() - start
    assert {item.problem.code for item in answers if item.problem} == {"server-sends-nothing"}
    # One after the other they would take 64 times, and sixteen at a time four times as long.
    assert limit_s <= took < 3 * limit_s


def test_a_client_that_hangs_lets_others_begin_and_even_with_the_same_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(budgets, "PATIENCE_S", budgets.PATIENCE_S._replace(cap=0))
    hanging = [f"mallory{number}" for number in range(3)]
    watched = Watched(dict.fromkeys(hanging, 500))
    plans = [*(plan(name, [1]) for name in hanging), plan("bob", [1]), plan("root", [2])]
    ended = carry_out_all(plans, watched.begin, Interrupts(), 1)
    assert len(ended) == 5
    assert ended[0] is not None
    assert set(watched.together[-1]) >= set(hanging), "all three still hang when the last one begins"


@pytest.mark.parametrize("more", [0, 1])
def test_hanging_sessions_of_a_server(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    monkeypatch.setattr(budgets, "PATIENCE_S", budgets.PATIENCE_S._replace(cap=0))
    count = budgets.SESSIONS_OF_A_SERVER.cap + more
    watched = Watched({f"p{number}": 500 for number in range(count)})
    carry_out_all([plan(f"p{number}", [1]) for number in range(count)], watched.begin, Interrupts(), 1)
    assert max(map(len, watched.together)) == budgets.SESSIONS_OF_A_SERVER.cap


@pytest.mark.parametrize("more", [0, 1])
def test_sessions_of_clients_at_the_same_time(monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    monkeypatch.setattr(budgets, "PATIENCE_S", budgets.PATIENCE_S._replace(cap=0))
    count = budgets.SESSIONS.cap + more
    watched = Watched({f"p{number}": 3000 for number in range(count)})
    carry_out_all([plan(f"p{number}", [number]) for number in range(count)], watched.begin, Interrupts(), 1)
    assert max(map(len, watched.together)) == budgets.SESSIONS.cap


@pytest.mark.parametrize("more", [0, 1])
def test_servers_that_are_asked_in_one_run(more: int) -> None:
    from pathlib import Path

    from dsmcertfix.model import Stanza, StanzaUse

    def used(server: Server) -> StanzaUse:
        return StanzaUse(Stanza("S", Path("/x/dsm.sys"), 1, server), "a test")

    own = Server("own.example.com", 1500)
    count = budgets.SERVERS.cap - 1 + more
    greedy = plan("mallory").store.located._replace(
        stanzas=tuple(used(Server(f"s{number}", 1500)) for number in range(count))
    )
    modest = plan("bob").store.located._replace(stanzas=(used(own),))
    servers, left_out = _to_ask((greedy, modest))
    assert (len(servers), left_out) == (budgets.SERVERS.cap, more)
    assert own in servers, "who names very many loses the last of them, nobody else loses any"
