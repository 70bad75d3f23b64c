"""What the codes of IBM's programs lead to."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest

from dsmcertfix.ibm.client.message_table import MESSAGES, Actor, Message
from dsmcertfix.ibm.client.messages import Handed, advice, found_in

NAMES: dict[str, Any] = {
    "node": "app01",
    "server": "tsm.example:1500",
    "stanza": "TSM01",
    "store": "/opt/ba/bin",
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.code)
def test_every_message_says_what_it_means_and_what_to_do(message: Message) -> None:
    assert message.meaning and not message.meaning.endswith(".")
    assert message.advice.endswith(".")
    fields = {name for _, name, _, _ in string.Formatter().parse(message.advice) if name}
    assert fields <= {"node", "server", "stanza", "store", "trust"}
    found = advice([message.code], **NAMES)
    assert found.code == message.code and "{" not in found.text


def test_every_code_is_found_in_a_text() -> None:
    for code in MESSAGES:
        shown = f"GSKit return code {code.removeprefix('GSKIT-')}" if code.startswith("GSKIT-") else code
        assert found_in(f"prefix {shown}: text") == (code,)


def test_codes_come_in_the_order_in_which_they_appear_and_once() -> None:
    text = "ANS1592E Failed.\nANS1029E lost\nANS1592E again\n"
    assert found_in(text) == ("ANS1592E", "ANS1029E")


@pytest.mark.parametrize(
    "text",
    [
        "ANS1592E Echec de l'initialisation du protocole SSL.",
        "ANS1592E SSL-Protokoll konnte nicht initialisiert werden.",
        "01.02.2026 10:00:00 ANS1592E SSL\N{IDEOGRAPHIC FULL STOP}",
        "(ANS1592E)",
        "ans1592e",
    ],
)
def test_a_code_is_found_in_every_language(text: str) -> None:
    assert found_in(text) == ("ANS1592E",)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ANR8583E ... GSKit return code 401.", "GSKIT-401"),
        ("The GSKit return code is 414.", "GSKIT-414"),
        ("code retour GSKit : 415", "GSKIT-415"),
        ("GSKit rc=8", "GSKIT-8"),
    ],
)
def test_gskit_s_return_codes_are_found(text: str, code: str) -> None:
    assert code in found_in(text)


@pytest.mark.parametrize("text", ["GSKit 8.0.55.21", "GSKit 8", "XANS1592E", "ANS1592EX", "ANS159E", "RC=12"])
def test_what_only_looks_like_a_code_is_none(text: str) -> None:
    assert found_in(text) == ()


@pytest.mark.parametrize("consequence", ["ANS8023E", "ANS1029E", "ANS1017E", "ANR8583E", "GSKIT-414"])
def test_the_cause_decides_whatever_comes_with_it(consequence: str) -> None:
    found = advice([consequence, "ANS1592E"], **NAMES)
    assert found.code == "ANS1592E" and found.others == (consequence,)


def test_a_wrong_password_outranks_everything() -> None:
    found = advice([*MESSAGES], **NAMES)
    assert found.code == "ANS1051I"
    assert "Do not try again" in found.text and "locked" in found.text


def test_a_strict_node_gets_the_exact_command_for_the_administrator() -> None:
    found = advice(["ANS1592E"], **NAMES)
    assert "UPDATE NODE APP01 SESSIONSECURITY=TRANSITIONAL" in found.text
    assert found.actor is Actor.SERVER_ADMINISTRATOR


def test_a_file_that_is_at_hand_is_named_in_the_command_that_puts_it_in() -> None:
    found = advice(["ANS1592E"], **NAMES, handed=Handed(Path("/x y/cert256.arm")))
    assert "`dsmcertfix trust --server TSM01 --file '/x y/cert256.arm'`" in found.text


@pytest.mark.parametrize("code", ["ANS1592E", "ANS1695E", "GSKIT-8"])
def test_where_the_file_was_put_in_and_does_not_fit_nobody_is_sent_to_fetch(code: str) -> None:
    found = advice([code], **NAMES, handed=Handed(Path("/x"), stored=True))
    assert "TRANSITIONAL" not in found.text and "dsmcertfix probe tsm.example:1500" in found.text


def test_a_missing_password_is_stored_by_one_session_by_hand() -> None:
    found = advice(["ANS2050E", "ANS1029E"], **NAMES)
    assert "dsmc query session -se=TSM01" in found.text and found.actor is Actor.BACKUP_USER


def test_an_unreachable_server_is_the_network_s_matter() -> None:
    assert "network" in advice(["ANS1017E"], **NAMES).text


def test_unknown_names_stay_placeholders() -> None:
    assert "UPDATE NODE <node name> SESSIONSECURITY" in advice(["ANS1592E"]).text


@pytest.mark.parametrize("node", ["A; REMOVE NODE *", "A\nB", "", "A B", "x" * 65])
def test_a_name_that_would_change_the_command_is_left_out(node: str) -> None:
    assert "UPDATE NODE <node name> SESSIONSECURITY" in advice(["ANS1592E"], node=node).text


def test_without_any_code_the_client_s_log_is_the_next_place() -> None:
    found = advice(found_in("Une erreur est survenue."))
    assert found.code is None and "dsmerror.log" in found.text
    assert "no message with a code" in found.meaning


def test_an_unknown_code_is_named_and_leads_to_the_log() -> None:
    found = advice(["ANS9999W", "ANS9998E", "ANS9997I"])
    assert found.code == "ANS9998E" and "dsmerror.log" in found.text
    assert found.others == ("ANS9999W", "ANS9997I")
