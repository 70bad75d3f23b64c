"""A user of the machine, or a typing error, puts secrets wherever they may be read: none is given away."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator

import pytest
from tests.endtoend.machine import Machine

from dsmbench.runtime import scratch

SECRETS = tuple(f"zq{number}Canary" for number in range(40))
"""What may be found nowhere in what is given away."""

LINES = (
    "set password {} {}",
    "SET PASSW {} {}",
    "VMCPW {}",
    "vmcpwd={}",
    "ANS1036S The option 'VMCPW {}' or the value supplied for it is not valid.",
    "ANS1592E {} Failed to initialize SSL protocol.",
    "tsm> update node X {} forcep=yes",
    "{}",
    "curl -u admin:{} https://x ANS1017E",
    'context="dsmc: {}',
    'ANS1592E "; hint={}',
    "gsk8capicmd: -pw {} CTGSK3026W",
)
OPTIONS = (
    "VMCPW {}",
    "PASSWORDACCESS {}",
    "TCPPORT {}",
    'PASSWORDDIR "{}"',
    "ERRORLOGNAME {}",
    "SSL {}",
    "COMMMETHOD {}",
    "NODENAME {}!",
    "SSLREQUIRED yes {}",
    "MANAGEDSERVICES schedule {}",
    "TCPCLIENTADDRESS pw={}",
    "ERRORLOGRETENTION {} D",
)


def filled(lines: tuple[str, ...], used: Iterator[str]) -> str:
    return "".join(f"{line.format(*(next(used) for _ in range(line.count('{}'))))}\n" for line in lines)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The members of a bundle of a machine that has a secret in each of these lines."""
    used = iter(SECRETS)
    with scratch() as directory:
        machine = Machine(directory, client_mode="8.2.2")
        machine.stanzas("TSMA")
        machine.endpoint.store(certificates=machine.trusted("TSMA"))
        log = filled(tuple(f"11/24/2024 04:41:50 {line}" for line in LINES), used)
        (machine.endpoint.ba_directory / "dsmerror.log").write_text(log, encoding="utf-8")
        (machine.endpoint.ba_directory / "dsm.opt").write_text(
            f"SErvername TSMA\n{filled(OPTIONS, used)}", encoding="utf-8"
        )
        said = filled(LINES, used)
        machine.renew("TSMA")
        machine.servers["TSMA"].update_node("NODE_TSMA", "STRICT")
        machine.before_dsmc(f"cat <<'END'\n{said}END")
        assert machine.fix().code == 21
        path = tmp_path_factory.mktemp("bundle") / "bundle.zip"
        assert machine.run("support-bundle", "--yes", "--output", str(path)).code == 0
        with zipfile.ZipFile(path) as opened:
            members = {name.partition("/")[2]: opened.read(name).decode() for name in opened.namelist()}
        yield members
        machine.stop()


def test_no_secret_reaches_the_bundle_whatever_stands_around_it(bundle: dict[str, str]) -> None:
    found = [(name, secret) for name, text in bundle.items() for secret in SECRETS if secret in text]
    assert found == []


def test_what_the_backup_team_needs_is_there(bundle: dict[str, str]) -> None:
    (journal,) = (text for name, text in bundle.items() if name.startswith("runs/"))
    problems = [json.loads(line).get("problem") for line in journal.splitlines()]
    context = [line for problem in problems if problem for line in problem["context"]]
    assert "dsmc: (not shown)" in context
    assert any(line.startswith("dsmc: ANS1592E: no TLS session") for line in context)
    logs = json.loads(bundle["error-logs.json"])
    assert {"ANS1592E", "ANS1017E"} <= {item["code"] for item in logs["explanations"]}
    assert all(item["at"] and item["line"] is None for item in logs["explanations"])
    options = next(text for name, text in bundle.items() if name.endswith("dsm.opt.txt"))
    assert "PASSWORDACCESS ***" in options and "SSLREQUIRED yes ***" in options
    assert "ANS1592E" in bundle["log/dsmcertfix.log"]
