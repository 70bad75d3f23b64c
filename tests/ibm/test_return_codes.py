"""The tables of GSKit's return codes are those of IBM's own library, and each code leads somewhere."""

from __future__ import annotations

import json
import os
import subprocess
from typing import get_args

import pytest

from dsmbench.runtime import runtime
from dsmcertfix.commands.explain import asked, explanation
from dsmcertfix.ibm.return_codes import KEYS, SESSION, names, table
from dsmcertfix.planning.assess import Status
from dsmcertfix.report.catalogue.states import OUTCOMES, STATUSES

_ASK = """
import ctypes, json, sys
found = {}
for library, call, start, unknown in (
    ("libgsk8ssl_64.so", "gsk_strerror", "GSKIT-", "Error value unknown"),
    ("libgsk8km_64.so", "GSKKM_strerror", "GSKKM-", "?"),
):
    tell = getattr(ctypes.CDLL(library), call)
    tell.restype = ctypes.c_char_p
    for number in (*range(1200), *range(5000, 6000), *range(573000, 578000)):
        name = (tell(number) or unknown.encode()).decode()
        if name != unknown:
            found[f"{start}{number}"] = name
json.dump(found, sys.stdout)
"""


def test_the_codes_and_their_names_are_those_of_ibm_s_library() -> None:
    python = runtime()
    done = subprocess.run(
        [str(python.python), "-c", _ASK],
        env=os.environ | {"LD_LIBRARY_PATH": str(python.libraries)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    told = json.loads(done.stdout)
    ours = {code: item.name for code, item in table().items() if code.startswith((SESSION, KEYS))}
    assert len(told) > 300 and ours == told


@pytest.mark.parametrize("start", [SESSION, KEYS, "API-"])
def test_each_code_is_explained_by_its_number_and_by_its_name(start: str) -> None:
    codes = [code for code in table() if code.startswith(start)]
    assert codes
    for code in codes:
        found = explanation(code)
        assert found.meaning.endswith(f"({table()[code].name})") and found.advice.endswith((".", ". "))
        assert code in asked(code).known
        assert code in asked(code.partition("-")[2]).known
        assert asked(table()[code].name).known == (code,)


def test_no_two_codes_have_one_name() -> None:
    assert len(names()) == len(table())


def test_every_status_and_outcome_is_explained() -> None:
    assert set(STATUSES) == set(get_args(Status))
    assert set(OUTCOMES) == {"unchanged", "changed", "rolled-back", "broken"}
    for word in (*STATUSES, *OUTCOMES, "STRICT", "Transitional", "healthy", "silent"):
        (*_, last) = asked(word).known
        assert explanation(last).meaning and asked(word).unknown == ()
