"""What the Ansible modules say to the program, and how they tell of certificates. Pure."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest
from tests.unixpack.ansible import SOURCE
from tests.unixpack.test_pages import PROGRAM, options_of_help


def _loaded(name: str) -> ModuleType:
    """A file of the collection that needs nothing of Ansible."""
    spec = spec_from_file_location(name, SOURCE / f"plugins/module_utils/{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


client, listing = _loaded("client"), _loaded("listing")

EVERYTHING: dict[str, Any] = {
    "executable": "/opt/dsmcertfix.pyz",
    "servers": ["TSM01", "TSM02"],
    "labels": ["TSM server A self-signed key"],
    "fingerprints": ["ab" * 32],
    "stores": ["/opt/tivoli/tsm/client/ba/bin"],
    "expired": True,
    "expires_within": 30,
    "timeout": 60.0,
    "network_homes": True,
    "root": "/srv/node",
    "state_dir": "/srv/state",
    "whole_store": True,
    "expect_sha256": ["cd" * 32, f"TSM01={'ef' * 32}"],
    "expect_file": ["/root/cert256.arm", "TSM02=/root/tsm02.arm"],
    "trust_on_first_use": True,
    "preflight": False,
    "reconnect": False,
    "keep_index": True,
    "engine": "native",
    "wait": 5.0,
}


@pytest.mark.parametrize("command", ["detect", "plan", "fix"])
def test_every_option_that_a_module_gives_is_one_of_the_program(command: str) -> None:
    words = getattr(client, f"{command}_command")(EVERYTHING)
    at = words.index(command)
    before, after = (
        {word for word in part if word.startswith("--")} for part in (words[1:at], words[at + 1 :])
    )
    assert before <= options_of_help(PROGRAM) and len(before) == 2
    assert after <= options_of_help(command)


def test_every_argument_of_a_module_reaches_the_program() -> None:
    words = client.fix_command(EVERYTHING)
    plain = {"expired", "network_homes", "whole_store", "keep_index", "preflight", "reconnect"}
    plain |= {"trust_on_first_use"}
    for name, value in EVERYTHING.items():
        for one in value if isinstance(value, list) else [value]:
            option = f"--no-{name}" if value is False else f"--{name.replace('_', '-')}"
            assert (option if name in plain else str(one)) in words, name


def test_without_arguments_nothing_is_selected_and_nothing_left_out() -> None:
    defaults = {name: item.get("default") for name, item in client.shared_arguments().items()}
    assert client.detect_command(defaults) == [
        "/usr/bin/dsmcertfix",
        "detect",
        "--json",
        "--timeout",
        "120.0",
    ]


def _certificate(label: str, sha256: str, status: str = "ok") -> dict[str, Any]:
    return {"label": label, "sha256": sha256, "not_after": "2036-11-20T16:00:39Z", "status": status}


def _plan(*steps: tuple[str, str]) -> dict[str, Any]:
    certificates = [_certificate("server A", "aa", "replaced"), _certificate("server B", "bb")]
    return {
        "stores": [{"id": "1", "directory": "/ba", "certificates": certificates}],
        "steps": [{"store": "1", "step": step, "text": text} for step, text in steps],
        "servers": [
            {"stanzas": ["A"], "sha256": "a2", "not_after": "2037-01-01T00:00:00Z"},
            {"stanzas": ["B"], "sha256": "bb", "not_after": "2036-11-20T16:00:39Z"},
        ],
    }


def _named(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^/ba: (.*?), valid until \d{4}-\d\d-\d\d, SHA-256 (\S+)$", text, re.MULTILINE)


RECONNECT = ("reconnect", "reconnect once to A (10.0.0.1:1500) as root")


def test_a_plan_shows_what_goes_and_what_comes() -> None:
    plan = _plan(("delete-label", "delete the certificate `server A` from the copy"), RECONNECT)
    assert _named(listing.now(plan)) == [("server A", "aa"), ("server B", "bb")]
    assert _named(listing.planned(plan)) == [("(fetched from A)", "a2"), ("server B", "bb")]


def test_a_plan_without_a_reconnect_shows_only_what_goes() -> None:
    plan = _plan(("delete-label", "delete the certificate `server A` from the copy"))
    assert _named(listing.planned(plan)) == [("server B", "bb")]


def test_a_plan_that_moves_the_store_away_shows_what_the_client_fetches() -> None:
    again = ("reconnect", "reconnect once to B (10.0.0.2:1500) as root")
    plan = _plan(("move-out", "move the store away"), RECONNECT, again)
    assert _named(listing.planned(plan)) == [("(fetched from A)", "a2"), ("(fetched from B)", "bb")]


def test_an_empty_plan_changes_nothing() -> None:
    assert listing.planned(_plan()) == listing.now(_plan())


def test_what_went_wrong_is_one_string_with_code_and_advice() -> None:
    problem = {"code": "server-refused", "message": "nothing listens", "hint": "check the port"}
    report = {
        "exit_code": 16,
        "comment": "",
        "problem": None,
        "stores": [{"problem": None}, {"problem": problem}],
    }
    found = client.problem_of(report)
    assert client.words_of(found, report) == "nothing listens [server-refused, exit code 16]. check the port"
    assert client.words_of(None, report | {"comment": "what"}) == "dsmcertfix ended with 16: what"


@pytest.mark.parametrize("part", [".", "roles/repair"])
def test_galaxy_finds_what_it_asks_of_a_collection_and_a_role(part: str) -> None:
    assert len((SOURCE / part / "README.md").read_text(encoding="utf-8").split()) > 50
