"""What is told of a session that failed: whose it was, by what name, and the advice that fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dsmcertfix.errors import FailedSession, ReconnectFailed
from dsmcertfix.ibm.client import dsmc, messages
from dsmcertfix.ibm.client.dsmc import Session, failure, read, unless_elsewhere
from dsmcertfix.ibm.client.message_table import MESSAGES
from dsmcertfix.model import LocatedStore, Owner, Server, Stanza, StanzaUse
from dsmcertfix.system.process.output import Completed
from dsmcertfix.system.process.run import Waits, waited

STANZA = Stanza("TSM1", Path("/opt/dsm.sys"), 1, Server("tsm1.example.com", 1500), "NODE")
STRICT = Session(12, False, False, ("ANS1592E",))
OWNER = Owner(0, 0, "root")


def failed(session: Session, stanza: Stanza = STANZA) -> FailedSession:
    error = failure(session, stanza)
    assert error is not None and error.session is not None
    return error.session


def test_the_node_is_the_one_that_the_client_named_else_the_stanza_s() -> None:
    assert failed(STRICT).node == "NODE"
    assert failed(replace(STRICT, node="OTHER")).node == "OTHER"
    assert failed(replace(STRICT, node="OTHER"), STANZA._replace(node=None)).node == "OTHER"
    assert failed(STRICT, STANZA._replace(node=None)).node is None


def test_the_server_is_the_stanza_s_and_the_client_s_word_only_in_the_advice() -> None:
    assert failed(replace(STRICT, server_name="TSM01")).server == "tsm1.example.com:1500"
    assert failed(replace(STRICT, server_name="TSM01"), STANZA._replace(server=None)).server is None
    assert failed(STRICT).code == "ANS1592E" and failed(STRICT).stanza == "TSM1"


def test_a_client_that_says_nothing_is_told_by_its_return_code() -> None:
    error = failure(Session(12, False, False), STANZA)
    assert error is not None and "return code 12" in error.context
    assert error.message.endswith("the client gave no message with a code")


@pytest.mark.parametrize("code", [code for code, row in MESSAGES.items() if row.anew])
def test_after_a_whole_store_was_moved_away_that_is_not_advised_again(code: str) -> None:
    session = replace(STRICT, codes=(code,))
    before, anew = (failure(session, STANZA, store=Path("/a store"), anew=anew) for anew in (False, True))
    assert before is not None and anew is not None and before.hint != anew.hint
    row = MESSAGES[code].anew
    assert row is not None and anew.hint == row.format(store="'/a store'")


def test_a_session_out_of_time_is_told_by_the_store_and_not_by_it_where_it_is_new() -> None:
    late = Session(None, False, True)
    before, anew = (failure(late, STANZA, store=Path("/store"), anew=anew) for anew in (False, True))
    assert before is not None and before.hint is not None and "/store" in before.hint
    assert anew is not None and anew.hint is not None and "IT41127" not in anew.hint


# --- whose store it is -----------------------------------------------------------------------------------


def elsewhere(*uses: StanzaUse, code: str | None = "ANS1592E", hint: str | None = "the hint") -> str | None:
    error = ReconnectFailed("client-not-connected", "x", hint=hint)
    error.session = FailedSession("TSM1", None, None, code) if code is not None else None
    store = LocatedStore(Path("/store"), (1, 2), (), OWNER, uses)
    return unless_elsewhere(error, STANZA, store).hint


OTHER = STANZA._replace(name="TSM2")


def test_the_node_is_blamed_where_every_use_of_this_stanza_is_certain() -> None:
    sure, unsure = StanzaUse(STANZA, "a test"), StanzaUse(STANZA, "a test", certain=False)
    assert elsewhere(sure) == elsewhere() == "the hint"
    assert elsewhere(sure, StanzaUse(OTHER, "a test", certain=False)) == "the hint"
    assert elsewhere(unsure, StanzaUse(OTHER, "a test")) != "the hint"
    assert elsewhere(sure, unsure) != "the hint"


def test_any_other_failure_is_told_as_it_is() -> None:
    unsure = StanzaUse(STANZA, "a test", certain=False)
    assert elsewhere(unsure, code="ANS1017E") == "the hint"
    assert elsewhere(unsure, code=None) == "the hint"
    assert elsewhere(unsure, hint=None) is None


# --- what is read ----------------------------------------------------------------------------------------

ESTABLISHED = "  Session established with server TSM01: Linux\nSSL Information....: TLSv1.3\n"


def ended(text: str = "", returncode: int | None = 0, *, error: str = "", late: bool = False) -> Session:
    return read(Completed(returncode, text, error, late, False))


@pytest.mark.parametrize(
    ("text", "returncode", "established"),
    [
        (ESTABLISHED, 0, True),
        (ESTABLISHED, None, None),
        (ESTABLISHED, 4, None),
        (ESTABLISHED, 8, None),
        (ESTABLISHED, 3, False),
        (ESTABLISHED + "ANS1234S x", 0, None),
        (ESTABLISHED + "ANS1234W x", 0, True),
        (ESTABLISHED + "ANS1234I x", 0, True),
        (ESTABLISHED.replace("TLSv1.3", "none"), 0, False),
        ("Session established with server A: x", 0, None),
        ("Client Version 8, Release 1", 0, False),
    ],
)
def test_a_session_is_established_only_where_everything_says_so(
    text: str, returncode: int | None, established: bool | None
) -> None:
    assert ended(text, returncode).established is established
    assert ended("", returncode, error=text).established is established
    assert ended(text, returncode, late=True).established is False


def test_server_node_and_protocol_are_read_from_either_stream() -> None:
    text = "Node Name......: APP01\nSession established with server TSM 01 : x\n"
    session = ended(text, error="SSL Information: TLSv1.2 TLS_RSA\n")
    assert (session.node, session.server_name, session.tls) == ("APP01", "TSM 01", "TLSv1.2 TLS_RSA")
    assert (ended().node, ended().server_name, ended().tls) == (None, None, None)


def test_the_advice_names_the_stanza_s_server_else_what_the_client_called_it() -> None:
    for code in MESSAGES:
        session = replace(STRICT, codes=(code,), server_name="TSM01")
        for stanza, name in ((STANZA, "tsm1.example.com:1500"), (STANZA._replace(server=None), "TSM01")):
            error = failure(session, stanza)
            wanted = messages.advice((code,), node="NODE", server=name, stanza="TSM1").text
            assert error is not None and error.hint == wanted
    assert any("{server}" in row.advice for row in MESSAGES.values())


# --- how it is asked -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "arguments"),
    [
        ("dsm.sys", None, ["-se=TSM1"]),
        ("DSM.SYS", "/a/dsm.opt", ["-se=TSM1", "-optfile=/a/dsm.opt"]),
        ("dsm.opt", None, ["-optfile=/opt/dsm.opt"]),
        ("dsm.opt", "/a/dsm.opt", ["-optfile=/a/dsm.opt"]),
    ],
)
def test_a_stanza_is_given_by_its_name_or_by_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, given: str | None, arguments: list[str]
) -> None:
    asked: list[list[str]] = []

    def running(argv: list[str], **options: object) -> Waits[Completed]:
        asked.append(argv)
        yield 0.0
        return Completed(0, ESTABLISHED, "", False, False)

    monkeypatch.setattr(dsmc, "running", running)
    owner = Owner(0, 0, "root", tmp_path)
    stanza = STANZA._replace(option_file=Path("/opt") / name)
    option_file = Path(given) if given else None
    session = waited(
        dsmc.query_session(Path("/opt/dsmc"), stanza, owner, option_file=option_file, timeout_s=9.0)
    )
    assert session.established and asked == [["/opt/dsmc", "query", "session", *arguments]]
