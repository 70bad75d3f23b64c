"""Which programs a transaction works with, and what is told where there is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.transaction.kit import STANZA, Machine, plan_for

from dsmcertfix.errors import EditFailed, NotPermitted
from dsmcertfix.ibm.client import dsmc
from dsmcertfix.ibm.client.dsmc import Session
from dsmcertfix.ibm.engines import GskitEngine, NativeEngine
from dsmcertfix.model import Programs
from dsmcertfix.system.process.run import Waits, waited
from dsmcertfix.transaction import tools

LIMITS: Any = SimpleNamespace(program_s=90.0, probe_s=1.0)
GSKIT = Programs(Path("/opt/gsk8capicmd_64"), None)


def engines(choice: Any, programs: Programs, *, trusted: bool = True) -> list[str]:
    def look(program: Path) -> Path:
        if not trusted:
            raise NotPermitted("program-not-trusted", "others can change it")
        return program

    platform = SimpleNamespace(trusted=look, libraries_of=lambda program: {"LD_LIBRARY_PATH": "/opt/lib64"})
    host: Any = SimpleNamespace(platform=platform)
    found = tools.engines_for(host, programs, choice, LIMITS)
    for engine in found:
        if isinstance(engine, GskitEngine):
            assert (engine.program, engine.environment) == (
                programs.gsk8capicmd,
                {"LD_LIBRARY_PATH": "/opt/lib64"},
            )
    return [engine.name for engine in found]


def test_ibm_s_program_comes_first_where_it_is_and_can_be_trusted() -> None:
    native = NativeEngine().name
    first, second = engines("auto", GSKIT)
    assert first != native and second == native
    assert engines("gskit", GSKIT) == [first]
    assert engines("native", GSKIT) == engines("auto", Programs(None, None)) == [native]
    assert engines("auto", GSKIT, trusted=False) == [native]
    with pytest.raises(EditFailed) as raised:
        engines("gskit", Programs(None, None))
    assert raised.value.code == "gskit-not-found"
    with pytest.raises(NotPermitted):
        engines("gskit", GSKIT, trusted=False)


def test_a_client_that_others_can_change_is_refused_and_none_is_no_problem() -> None:
    asked: list[Path] = []
    host: Any = SimpleNamespace(platform=SimpleNamespace(trusted=asked.append))
    tools.require_client(host, Programs(None, None))
    assert asked == []
    tools.require_client(host, Programs(None, Path("/opt/dsmc")))
    assert asked == [Path("/opt/dsmc")]


def test_without_a_client_nothing_reconnects(mine: Machine) -> None:
    platform = SimpleNamespace(trusted=lambda program: program)
    host: Any = SimpleNamespace(platform=platform)
    monkey = pytest.MonkeyPatch()
    monkey.setattr(tools, "prover", lambda platform, limits: None)
    try:
        made = tools.tools_for(host, Programs(None, None), "native", LIMITS)
        plan = plan_for(mine.read())
        error = waited(made.reconnect(STANZA, plan))
        assert error is not None and error.code == "no-client-program"
        asked: list[Any] = []

        def query(program: Path, stanza: Any, owner: Any, *, timeout_s: float) -> Waits[Session]:
            asked.append((program, stanza, owner, timeout_s))
            yield 0.0
            return Session(12, False, False, ("ANS1592E",))

        monkey.setattr(dsmc, "query_session", query)
        made = tools.tools_for(host, Programs(None, Path("/opt/dsmc")), "native", LIMITS)
        error = waited(made.reconnect(STANZA, plan))
        assert asked == [(Path("/opt/dsmc"), STANZA, plan.store.located.owner, 90.0)]
        assert error is not None and error.code == "client-not-connected"
    finally:
        monkey.undo()
