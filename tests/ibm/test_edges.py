"""Bytes, names and options at their edges: what GSKit and the client read is read, and nothing else."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from tests.authorities import Made, usage
from tests.facts import NOW, stanza

from dsmbench import certificates
from dsmcertfix import budgets
from dsmcertfix.errors import StoreUnreadable
from dsmcertfix.ibm import tls
from dsmcertfix.ibm.client import dsmc, options
from dsmcertfix.ibm.key_database import chain, der, kdb, record, spelling, trusted
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.key_database.record import Record
from dsmcertfix.model import Server

# --- certificates ----------------------------------------------------------------------------------------


def test_one_that_may_not_sign_is_a_server_s_though_it_does_not_say_whether_it_is_a_ca() -> None:
    assert Made("x", extensions=(usage(signs=False),)).stored().kind == "server"
    assert Made("x", extensions=(usage(signs=True),)).stored().kind == "ca"


def test_one_that_names_another_as_its_issuer_is_not_self_signed_whoever_signed_it() -> None:
    assert not chain.is_self_signed(describe(certificates.make("a", issuer={"CN": "b"}), ""))
    assert chain.is_self_signed(describe(certificates.make("a"), ""))


@pytest.mark.parametrize("kind", [x509.SubjectAlternativeName, x509.IssuerAlternativeName])
def test_alternative_names_that_are_critical_are_understood(kind: Any) -> None:
    made = Made("x", extensions=(kind([x509.DNSName("x")]),), critical=True).stored()
    assert chain.signing_rules(made.der).understood


def test_what_cannot_be_described_is_unreadable_even_where_its_extensions_can_be_read() -> None:
    search: Any = SimpleNamespace(_at=NOW)
    flaw = chain._Search._flaw(search, (Made("x").stored()._replace(kind="unreadable"),))
    assert flaw is not None and flaw.kind == "unreadable"


def test_why_a_certificate_cannot_be_read_is_told_part_by_part() -> None:
    nothing = describe(b"garbage", "")
    assert nothing.problem is not None and nothing.problem.startswith("certificate: ")
    good = certificates.make(end=datetime(2040, 1, 1, tzinfo=timezone.utc))
    assert describe(good, "").problem is None
    odd = describe(good.replace(b"400101000000Z", b"4001010000\xff0Z"), "")
    assert odd.kind == "unreadable" and odd.problem is not None and odd.problem[-2:] != ": "


def test_dates_after_2049_are_written_in_four_digits_and_taken() -> None:
    late = certificates.make(end=datetime(2060, 1, 1, tzinfo=timezone.utc))
    assert trusted.unopenable(late) == trusted.unopenable(certificates.make())


def test_what_needs_no_other_spelling_keeps_its_own() -> None:
    for value in (der.encode(0x16, b"abc"), der.encode(0x0C, b"abc")):
        assert spelling._text(value) == value
    later = der.encode(0x18, b"20600101000000Z")
    assert spelling._date(later) == later


# --- records ---------------------------------------------------------------------------------------------


def entry(kind: int, flags: int) -> Record:
    return Record(0, kind, 1, "trusted", "x", b"x", b"", None, b"", flags)


@pytest.mark.parametrize(
    ("kind", "flags", "default"),
    [(record.IN_USE, 0x40, True), (record.IN_USE, 0xBF, False), (record.DELETED, 0x40, False)],
)
def test_the_default_is_the_one_in_use_with_that_bit(kind: int, flags: int, *, default: bool) -> None:
    assert entry(kind, flags).default is default


def test_flags_that_are_not_there_are_none() -> None:
    assert record._flags(der.Cursor(b""), b"") == 0
    for other in (der.encode(der.INTEGER, b"\x07\x80"), der.encode(der.BIT_STRING, b"\x00")):
        assert record._flags(der.Cursor(other), other) == 0
    bits = der.encode(der.BIT_STRING, b"\x07\x80")
    assert record._flags(der.Cursor(bits), bits) == 0x80


@pytest.mark.parametrize("tag", [0x0C, 0x13, 0x14, 0x16, 0x1A])
def test_a_label_is_a_string_of_any_of_five_kinds(tag: int) -> None:
    number = der.encode(der.INTEGER, b"\x01")
    assert record._label(der.encode(der.SEQUENCE, number + der.encode(tag, b"x"))) == b"x"


def test_a_record_without_a_label_has_an_empty_one() -> None:
    assert record._label(der.encode(der.SEQUENCE, b"")) == b""
    assert record._label(der.encode(der.SEQUENCE, der.encode(der.INTEGER, b"\x01"))) == b""


def test_a_record_without_a_certificate_has_no_index() -> None:
    assert kdb._index_or_none(entry(record.IN_USE, 0)) is None


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"garbage", "file-not-key-database"), (b"\x37\x48\x06", "file-cut-off"), (b"", "file-empty")],
)
def test_what_is_too_short_for_a_key_database_is_told_by_how_it_begins(data: bytes, code: str) -> None:
    with pytest.raises(StoreUnreadable) as raised:
        kdb.read(data)
    assert raised.value.code == code


# --- the client ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shortest", "option"),
    [
        ("PASSWORDA", "PASSWORDACCESS"),
        ("DEFAULTS", "DEFAULTSERVER"),
        ("REPLTCPS", "REPLTCPSERVERADDRESS"),
        ("REPLTCPP", "REPLTCPPORT"),
        ("REPLSSLP", "REPLSSLPORT"),
    ],
)
def test_an_option_is_known_by_its_shortest_form_and_not_by_less(shortest: str, option: str) -> None:
    assert options.option_named(shortest.encode()) == option
    assert options.option_named(shortest[:-1].encode()) != option


def test_a_value_over_its_budget_is_left_out_and_told() -> None:
    text = f"servername A\ntcpserveraddress {'a' * (budgets.VALUE.cap + 1)}\n"
    told = options.read_system_options(text.encode(), Path("/opt/dsm.sys")).warnings
    assert any(budgets.VALUE.exceeded() in line and "line 2" in line for line in told)


def test_only_a_dsm_sys_elsewhere_is_told_to_the_client(tmp_path: Path) -> None:
    here = stanza("A")._replace(option_file=tmp_path / "dsm.sys")
    assert dsmc._places(Path("/opt/dsmc"), here) == {"DSM_DIR": str(tmp_path)}
    assert dsmc._places(Path("/opt/dsmc"), here._replace(option_file=tmp_path / "dsm.opt")) == {}


@pytest.mark.parametrize(("servers", "threads"), [(1, 1), (3, 3)])
def test_no_more_threads_ask_than_there_are_servers(
    monkeypatch: pytest.MonkeyPatch, servers: int, threads: int
) -> None:
    made: list[object] = []

    class Counted(threading.Thread):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            if named.get("name") != "getaddrinfo":
                made.append(self)

    monkeypatch.setattr(threading, "Thread", Counted)
    asked = tuple(Server("127.0.0.1", port) for port in range(1, 1 + servers))
    assert len(tls.ask_all(asked, timeout_s=1)()) == servers
    assert len(made) == threads
