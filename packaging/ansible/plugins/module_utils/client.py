# Copyright: The dsmcertfix authors
# SPDX-License-Identifier: Apache-2.0
"""Runs dsmcertfix on a node and reads its one JSON object. Owns which option of a module is which of its."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Params = Dict[str, Any]
Report = Dict[str, Any]

# With what `detect` found there is nothing wrong with the run itself.
FINE, ACTION_NEEDED, NOT_FOUND = 0, 3, 10
# The tool could not do its work at all: a bug, a wrong option, no permission.
NO_RESULT = (1, 2, 12)


def shared_arguments() -> Dict[str, Dict[str, Any]]:
    """The argument spec of what both modules understand."""
    return {
        "executable": {"type": "path", "default": "/usr/bin/dsmcertfix"},
        "servers": {"type": "list", "elements": "str", "default": []},
        "labels": {"type": "list", "elements": "str", "default": []},
        "fingerprints": {"type": "list", "elements": "str", "default": []},
        "stores": {"type": "list", "elements": "path", "default": []},
        "expired": {"type": "bool", "default": False},
        "expires_within": {"type": "int", "default": 0},
        "timeout": {"type": "float", "default": 120.0},
        "network_homes": {"type": "bool", "default": False},
        "root": {"type": "path"},
        "state_dir": {"type": "path"},
    }


def detect_command(given: Params) -> List[str]:
    """The command line of `detect`."""
    return _command(given, "detect")


def plan_command(given: Params) -> List[str]:
    """The command line of `plan`, with what `fix` would be given."""
    return _changing(given, "plan")


def fix_command(given: Params) -> List[str]:
    """The command line of `fix`; nobody is asked."""
    return [*_changing(given, "fix"), "--yes", "--wait", str(given["wait"])]


def _changing(given: Params, name: str) -> List[str]:
    words = [*_command(given, name), "--engine", given["engine"]]
    words += [f"--{option.replace('_', '-')}" for option in ("whole_store", "keep_index") if given[option]]
    words += [f"--no-{option}" for option in ("preflight", "reconnect") if not given[option]]
    for option in ("expect_sha256", "expect_file"):
        for value in given[option]:
            words += ["--" + option.replace("_", "-"), value]
    return words + (["--trust-on-first-use"] if given["trust_on_first_use"] else [])


def _command(given: Params, name: str) -> List[str]:
    """The program, the options before the command, the command, and what every selecting command has."""
    words = [given["executable"]]
    for option in ("root", "state_dir"):
        if given[option]:
            words += ["--" + option.replace("_", "-"), given[option]]
    words += [name, "--json", "--timeout", str(given["timeout"])]
    for option in ("server", "label", "fingerprint", "store"):
        for value in given[option + "s"]:
            words += ["--" + option, value]
    words += [f"--{option.replace('_', '-')}" for option in ("expired", "network_homes") if given[option]]
    if given["expires_within"]:
        words += ["--expires-within", str(given["expires_within"])]
    return words


def require_expectation(module: "AnsibleModule") -> None:
    """Fails the task, on every node alike, when nobody said which certificate to expect."""
    given = module.params
    if not (given["expect_sha256"] or given["expect_file"] or given["trust_on_first_use"]):
        module.fail_json(
            msg="nobody said which certificate to expect: whoever answers in a server's place would be "
            "trusted. Give expect_file with the server's cert256.arm or expect_sha256 with its fingerprint; "
            "or trust_on_first_use: true, to trust what the servers present"
        )


def report_of(module: "AnsibleModule", words: List[str]) -> Report:
    """What the program found or did. Fails the task when it could not be run or has said nothing."""
    if not Path(words[0]).exists():
        module.fail_json(msg=f"{words[0]} is not on this node: ship it (role repair), or install the package")
    code, stdout, stderr = module.run_command(words, handle_exceptions=True)
    report: Report = {}
    try:
        report = json.loads(stdout)
    except ValueError:
        module.fail_json(msg=f"dsmcertfix ended with {code} and no result: {stderr.strip()[-2000:]}", rc=code)
    return report


def not_shipped_yet(module: "AnsibleModule") -> bool:
    """Whether this is check mode on a node that has no dsmcertfix, because check mode ships nothing."""
    return bool(module.check_mode) and not Path(module.params["executable"]).exists()


def problem_of(report: Report) -> Optional[Dict[str, Any]]:
    """The problem of the run, or of the first store that has one."""
    found = [report.get("problem")] + [store.get("problem") for store in report.get("stores", [])]
    return next((item for item in found if item), None)


def words_of(problem: Optional[Dict[str, Any]], report: Report) -> str:
    """What happened and what to do next, in one string."""
    if not problem:
        return f"dsmcertfix ended with {report['exit_code']}: {report['comment']}"
    hint = problem.get("hint")
    return f"{problem['message']} [{problem['code']}, exit code {report['exit_code']}]" + (
        f". {hint}" if hint else ""
    )


def result_of(report: Report) -> Dict[str, Any]:
    """What both modules return."""
    return {
        "outcome": report["outcome"],
        "exit_code": report["exit_code"],
        "comment": report["comment"],
        "problem": problem_of(report),
        "report": report,
    }
