"""The played client is, on request, unlike what the documentation lets one assume."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from dsmbench import gskit
from dsmbench.endpoint import Endpoint
from dsmbench.server import Server
from dsmbench.trouble import FALSEHOODS, STALE

LABEL = "TSM server TSM01 self-signed key"
Answer = CompletedProcess[str]


def stored(endpoint: Endpoint) -> dict[str, bytes]:
    return gskit.certificates(endpoint.ba_directory / "dsmcert.kdb")


def again(endpoint: Endpoint) -> Answer:
    """What a second session says, with the index file gone."""
    (endpoint.ba_directory / "dsmcert.idx").unlink()
    return endpoint.dsmc("query", "session")


SHOWN: dict[str, Callable[[Endpoint, Answer, bytes], bool]] = {
    "needs-index": lambda at, answer, _: answer.returncode == 12 and "ANS1593E" in again(at).stdout,
    "other-label": lambda at, _, new: stored(at) == {"certificate number 1": new},
    "brings-back-stale": lambda at, _, new: sorted(stored(at)) == [LABEL, "brought back"],
    "stores-authority": lambda at, _, new: stored(at) == {LABEL: new},  # it is its own authority
    "distrusts-added": lambda at, answer, _: answer.returncode == 0 and again(at).returncode == 12,
    "no-tls-line": lambda _, answer, __: answer.returncode == 0 and "SSL" not in answer.stdout,
    "saves-failover": lambda at, answer, _: (
        answer.returncode == 0 and "\nREPLSERVERNAME" in f"\n{(at.ba_directory / 'dsm.sys').read_text()}"
    ),
    "warns": lambda _, answer, __: answer.returncode == 8 and "Session established" in answer.stdout,
}


@pytest.mark.parametrize("name", FALSEHOODS)
def test_every_falsehood_shows(endpoint: Endpoint, server: Server, name: str) -> None:
    new = server.renew()
    gskit.delete(endpoint.ba_directory / "dsmcert.kdb", LABEL)
    (endpoint.root / STALE).write_bytes(server.other_certificate_der)
    if name == "needs-index":
        (endpoint.ba_directory / "dsmcert.idx").touch()
        assert endpoint.dsmc("query", "session").returncode == 0
        (endpoint.ba_directory / "dsmcert.idx").unlink()
    endpoint.misbehave(dsmc=name)
    answer = endpoint.dsmc("query", "session")
    if name == "needs-index":
        (endpoint.ba_directory / "dsmcert.idx").touch()
    assert SHOWN[name](endpoint, answer, new), (answer.returncode, answer.stdout[-500:])
