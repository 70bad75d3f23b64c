"""What stops and starts a server may say its password: nothing that is told or handed on has it."""

from __future__ import annotations

import stat
import zipfile

import pytest
from tests.answers import Answer
from tests.server.host import ServerHost
from tests.server.test_server_troubles import SHORT, script

SECRET, WORD = "zqHUNTSECRET", "zq7&given"
SAID = f'set -x\n: dsmadmc -id=admin -password={SECRET} halt\necho "for $1"\necho ANR9999E no way\n'


def renewed(host: ServerHost, which: str) -> Answer:
    """A renewal that fails because that command does, having said its passwords."""
    rc, failed = host.instance.rc, host.directory / "failed"
    fails = "exit 3" if which == "stop" else f"[ -e {failed} ] || {{ touch {failed}; exit 3; }}"
    spoken = script(host.directory / which, f"{SAID}{fails}\nexec {rc} {which}")
    given = {"stop": f"{rc} stop", "start": f"{rc} start", which: f"{spoken} '{WORD}'"}
    words = ("--stop-command", given["stop"], "--start-command", given["start"])
    return host.run("server", "renew", "--yes", *SHORT, *words)


@pytest.mark.parametrize(
    ("which", "code", "problem"),
    [("stop", 11, "server-not-stopped"), ("start", 21, "server-not-started")],
)
def test_no_password_reaches_json_journal_log_or_bundle(
    host: ServerHost, which: str, code: int, problem: str
) -> None:
    answer = renewed(host, which)
    assert (answer.code, answer.problem) == (code, problem)
    bundle = host.directory / "bundle.zip"
    assert host.text("support-bundle", "--yes", "--output", str(bundle)).code == 0
    with zipfile.ZipFile(bundle) as opened:
        handed_on = {name: opened.read(name).decode() for name in opened.namelist()}
    ours = {
        str(path): path.read_text()
        for path in host.state.rglob("*")
        if path.name in ("journal.jsonl", "dsmcertfix.log")
    }
    told = {"stdout": answer.stdout, "stderr": answer.stderr, **handed_on, **ours}
    for secret in (SECRET, WORD):
        assert [name for name, text in told.items() if secret.lower() in text.lower()] == []
    # What helps is told everywhere, and the rest is only where root alone can read it.
    assert "it said: ANR9999E no way" in answer.stdout
    assert {path.rsplit("/", 1)[1] for path in ours} == {"journal.jsonl", "dsmcertfix.log"}
    assert all("ANR9999E no way" in text for text in ours.values())
    assert not [name for name in handed_on if name.endswith(("stop.log", "start.log"))]
    (raw,) = host.state.rglob(f"{which}.log")
    assert which == "start" or SECRET in raw.read_text()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (raw, raw.parent)] == [0o600, 0o700]
