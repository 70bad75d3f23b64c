"""Macros for dsmadmc: what is in them, and what never gets into them."""

from __future__ import annotations

import re

import pytest

from dsmcertfix.errors import UsageError
from dsmcertfix.ibm.server.macros import MacroKind, MacroWish, listed, macro

NAMES = ("TSM01", "a.b-c_d+e&f", "x" * 64)
BAD_NAMES = ("", "*", "A*", "a b", 'a"b', "a'b", "a%1", "a;b", "a\nb", "x" * 65, "ä", "a,b", "a/*b")


def commands(text: str) -> list[str]:
    """What dsmadmc carries out: everything but the comments."""
    return [line for line in text.splitlines() if not re.fullmatch(r"/\* .* \*/", line)]


@pytest.mark.parametrize("security", ["transitional", "strict"])
def test_nodes_administrators_and_servers_get_a_session_security(security: MacroKind) -> None:
    text = macro(MacroWish(security, ("WS01", "WS02"), ("ADM",), ("TSM02",)))
    assert commands(text) == [
        line
        for command in (
            'UPDATE NODE "WS01"',
            'UPDATE NODE "WS02"',
            'UPDATE ADMIN "ADM"',
            'UPDATE SERVER "TSM02"',
        )
        for line in (f"{command} SESSIONSECURITY={security.upper()}", "COMMIT")
    ]
    assert {"ANR2063I", "ANR2071I", "ANR2034E"} <= {*re.findall(r"ANR\d{4}[IE]", text)}


def test_peers_take_the_new_certificate_and_are_asked_whether_they_did() -> None:
    assert commands(macro(MacroWish("forcesync", peers=("TSM02", "STA1")))) == [
        'UPDATE SERVER "TSM02" SESSIONSECURITY=TRANSITIONAL FORCESYNC=YES',
        "COMMIT",
        'UPDATE SERVER "STA1" SESSIONSECURITY=TRANSITIONAL FORCESYNC=YES',
        "COMMIT",
        'PING SERVER "TSM02"',
        'PING SERVER "STA1"',
    ]


def test_a_certificate_is_made_ahead_of_time_and_is_not_the_default_yet() -> None:
    text = macro(MacroWish("certificate", label="TSM 2027", days=730))
    assert commands(text) == ['CREATE CERTIFICATE "TSM 2027" TODATE=+730 DEFAULT=NO', "COMMIT"]
    assert "8.1.19" in text and "TSM 2027.arm" in text


def test_what_is_put_into_the_clients_ahead_of_time_has_the_one_in_use_too() -> None:
    text = " ".join(
        macro(MacroWish("certificate", label="TSM2027")).replace("/*", "").replace("*/", "").split()
    )
    assert "Put cert256.arm and TSM2027.arm in one file, and that into every client" in text
    assert "TODATE=+3650 " in text


def test_it_becomes_the_default_by_a_macro_of_its_own() -> None:
    text = macro(MacroWish("default-certificate", label="TSM2027"))
    assert commands(text) == ['SET DEFAULTTLSCERT "TSM2027"', "COMMIT"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_that_a_server_allows_goes_into_the_quotation_marks(name: str) -> None:
    assert f'UPDATE NODE "{name}" SESSIONSECURITY=STRICT' in commands(macro(MacroWish("strict", (name,))))


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("field", ["nodes", "administrators", "peers"])
def test_no_other_name_gets_into_a_macro(field: str, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        macro(MacroWish("transitional", **{field: ("GOOD", name)}))  # type: ignore[arg-type]
    assert raised.value.code == "not-a-server-s-name"


@pytest.mark.parametrize("label", ['a"b', " a", "a ", "a\nb", "a*/b", "x" * 65, "", "a%1"])
@pytest.mark.parametrize("kind", ["certificate", "default-certificate"])
def test_no_other_label_gets_into_a_macro(kind: MacroKind, label: str) -> None:
    with pytest.raises(UsageError) as raised:
        macro(MacroWish(kind, label=label))
    assert raised.value.code == "label-not-safe-for-macro"


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (MacroWish("transitional"), "macro-without-names"),
        (MacroWish("strict"), "macro-without-names"),
        (MacroWish("forcesync", nodes=("WS01",)), "macro-without-names"),
        (MacroWish("certificate"), "macro-without-label"),
        (MacroWish("default-certificate"), "macro-without-label"),
        (MacroWish("certificate", ("WS01",), label="A"), "option-not-for-this-macro"),
        (MacroWish("default-certificate", label="A", days=3650), "option-not-for-this-macro"),
        (MacroWish("transitional", ("WS01",), label="A"), "option-not-for-this-macro"),
        (MacroWish("strict", ("WS01",), days=1), "option-not-for-this-macro"),
        (MacroWish("forcesync", administrators=("ADM",), peers=("TSM02",)), "option-not-for-this-macro"),
        (MacroWish("certificate", label="A", days=0), "days-out-of-range"),
        (MacroWish("certificate", label="A", days=10_000), "days-out-of-range"),
    ],
)
def test_a_macro_that_would_do_nothing_or_fail_is_not_made(wish: MacroWish, code: str) -> None:
    with pytest.raises(UsageError) as raised:
        macro(wish)
    assert raised.value.code == code


@pytest.mark.parametrize(
    "wish",
    [
        MacroWish("transitional", NAMES),
        MacroWish("strict", NAMES),
        MacroWish("forcesync", peers=NAMES),
        MacroWish("certificate", label="L"),
        MacroWish("default-certificate", label="L"),
    ],
)
def test_a_macro_is_ascii_in_short_lines_and_its_comments_end_where_they_begin(wish: MacroWish) -> None:
    lines = macro(wish).splitlines()
    comments = [line for line in lines if line.startswith("/*")]
    assert comments and all(len(line) < 160 and line.isascii() for line in lines)
    for line in comments:
        assert line.endswith(" */") and line.count("*/") == 1
        assert not set(line) & set("\"'%")
    assert not any(line.endswith("-") or not line for line in lines)


def test_a_list_has_nodes_and_administrators_each_once() -> None:
    text = "WS01\n\nnode WS02 # the second\n# a comment\nadmin ADM\nWS01\nADMIN adm2\n"
    assert listed(text) == (("WS01", "WS02"), ("ADM", "adm2"))


@pytest.mark.parametrize("line", ["WS01 WS02", "server TSM02", "a b c", "admin A B"])
def test_a_line_of_another_form_is_named(line: str) -> None:
    with pytest.raises(UsageError, match="line 2 ") as raised:
        listed(f"WS01\n{line}\n")
    assert raised.value.code == "list-not-readable"
