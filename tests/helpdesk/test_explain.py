"""What `explain` makes of codes as people paste them."""

from __future__ import annotations

import pytest
from tests.endtoend.machine import Machine

from dsmcertfix.commands.explain import asked, explanation
from dsmcertfix.ibm.client.message_table import MESSAGES
from dsmcertfix.report.catalogue import CATALOGUE, EXITS


@pytest.mark.parametrize(
    ("pasted", "codes"),
    [
        ("ANS1592E", ["ANS1592E"]),
        ("ans1592e", ["ANS1592E"]),
        ("ANS1592E:", ["ANS1592E"]),
        ("(ANS1592E)", ["ANS1592E"]),
        ("ans1592", ["ANS1592E"]),
        ("ANS-1592", ["ANS1592E"]),
        ("1592", ["ANS1592E"]),
        ("8583", ["ANR8583E"]),
        ("ANS1592E Failed to initialize SSL protocol.", ["ANS1592E"]),
        ("03/04/2026 10:00:00 ANS1592E Failed to initialize SSL protocol.", ["ANS1592E"]),
        ("ANS1592E ANS1029E", ["ANS1592E", "ANS1029E"]),
        ("GSKit 401", ["GSKIT-401"]),
        ("gskit-401", ["GSKIT-401"]),
        ("GSKit return code 414", ["GSKIT-414"]),
        ("GSKit rc=8", ["GSKIT-8", "GSKKM-8"]),
        ("The GSKit return code is 415.", ["GSKIT-415"]),
        ("401", ["GSKIT-401"]),
        ("CTGSK3029W", ["CTGSK3029W"]),
        ("rc 21", ["exit 21"]),
        ("exit code 0", ["exit 0"]),
        ("rc=30", ["exit 30"]),
        ("ERRORLEVEL 12", ["exit 12"]),
        ("21", ["exit 21", "GSKKM-21"]),
        ("1", ["exit 1", "GSKIT-1", "GSKKM-1"]),
        ("GSKit 6", ["GSKIT-6", "GSKKM-6"]),
        ("GSKit return code 575010", ["GSKIT-575010"]),
        ("575018", ["GSKIT-575018"]),
        ("gsk8capicmd error 146", ["GSKKM-146"]),
        ("gsk8capicmd_64 ended with 6", ["GSKKM-6"]),
        ("GSKKM_ERR_DATABASE_BUSY", ["GSKKM-155"]),
        ("GSK_ERROR_BAD_CERT", ["GSKIT-414"]),
        ("5805", ["API-5805"]),
        ("rc=5807", ["API-5807"]),
        ("STRICT", ["node strict"]),
        ("superseded", ["status superseded"]),
        ("rolled-back", ["outcome rolled-back", "endpoint rolled-back"]),
        ("server-not-renewed", ["server-not-renewed"]),
        ("SERVER-NOT-RENEWED", ["server-not-renewed"]),
        (
            "error: TSM01 still presents the certificate that is stored [server-not-renewed]",
            ["server-not-renewed"],
        ),
        ("usage", ["usage"]),
    ],
)
def test_codes_are_understood_as_people_paste_them(pasted: str, codes: list[str]) -> None:
    found = asked(pasted)
    assert (list(found.known), found.unknown) == (codes, ())


@pytest.mark.parametrize("code", [*MESSAGES, *CATALOGUE, *map(str, EXITS)])
def test_every_code_of_the_tables_can_be_asked_for(code: str) -> None:
    found = asked(code)
    assert found.unknown == ()
    assert code in found.known or f"exit {code}" in found.known
    for known in found.known:
        told = explanation(known)
        assert told.meaning and told.advice and "{" not in told.advice


@pytest.mark.parametrize(
    ("pasted", "unknown"),
    [
        ("ANS9999E", ("ANS9999E",)),
        ("ANS9999", ("ANS9999",)),
        ("no-such-code", ("no-such-code",)),
        ("GSKit 999", ("GSKit 999",)),
        ("rc 999", ("rc 999",)),
        ("help", ("help",)),
        ("ANS1592E ANS9999E", ("ANS9999E",)),
        ("%$!", ("%$!",)),
    ],
)
def test_what_is_in_no_table_is_said_to_be_unknown(pasted: str, unknown: tuple[str, ...]) -> None:
    assert asked(pasted).unknown == unknown


def test_nothing_pasted_is_nothing_asked() -> None:
    assert asked("") == asked("  ") == asked("")
    assert (asked("").known, asked("").unknown) == ((), ())


def test_a_client_s_code_before_a_repair_leads_to_detect_not_to_the_node() -> None:
    told = explanation("ANS1592E")
    assert (
        told.advice.startswith("Run `dsmcertfix detect`")
        and told.actor == "the administrator of this machine"
    )


def test_explained_codes_come_as_text_and_as_json(machine: Machine) -> None:
    shown = machine.text("explain", "ans1592e", "rc", "21")
    assert shown.code == 0 and "ANS1592E" in shown.stdout and "exit 21" in shown.stdout
    told = machine.run("explain", "server-not-renewed").report["explanations"]
    assert [(item["code"], item["source"], item["exit_codes"]) for item in told] == [
        ("server-not-renewed", "dsmcertfix", [16])
    ]


def test_an_unknown_code_ends_with_10_and_the_known_ones_are_explained_all_the_same(machine: Machine) -> None:
    answer = machine.run("explain", "ANS1592E", "ANS9999E")
    assert answer.code == 10 and answer.problem == "code-not-known"
    assert [item["code"] for item in answer.report["explanations"]] == ["ANS1592E"]


def test_the_same_words_stand_in_the_advice_of_a_failed_fix(machine: Machine) -> None:
    machine.renew("TSMA")
    machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
    answer = machine.fix()
    store = answer.store(machine.ba)
    assert answer.code == 21 and MESSAGES["ANS1592E"].meaning in store["problem"]["message"]
