"""One session of the client, and what is made of what it prints. The clients are small programs."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.shown import shown_only_if

from dsmcertfix.errors import CannotReconnect, NotFound
from dsmcertfix.ibm.client import dsmc
from dsmcertfix.ibm.client.dsmc import Session, failure, unless_elsewhere
from dsmcertfix.model import LocatedStore, Owner, Server, Stanza, StanzaUse
from dsmcertfix.system.process.run import waited

BANNER = """\
IBM Storage Protect
Command Line Backup-Archive Client Interface
  Client Version 8, Release 1, Level 23.0
Node Name: APP01
"""
ESTABLISHED = """\
Session established with server TSM01: Linux/x86_64
  Server Version 8, Release 1, Level 23.000
"""
TLS = "SSL Information.........: TLSv1.3 TLS_AES_256_GCM_SHA384\n"
FRENCH = """\
Interface de ligne de commande du client de sauvegarde-archivage
  Version du client 8, edition 1
Nom du noeud : APP01
Session ouverte avec le serveur TSM01
Informations SSL.........: TLSv1.3 TLS_AES_256_GCM_SHA384
"""

Client = Callable[..., Path]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """Writes a client that prints a text, notes its arguments, and ends with a return code."""

    def write(text: str = "", returncode: int = 0, script: str = "") -> Path:
        (tmp_path / "said").write_text(text)
        program = tmp_path / "ba" / "dsmc"
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\nfor word; do echo "$word"; done > {tmp_path}/arguments\n'
            f"/usr/bin/env > {tmp_path}/environment\npwd > {tmp_path}/directory\n"
            f"{script}\n/bin/cat {tmp_path}/said\nexit {returncode}\n"
        )
        program.chmod(0o755)
        return program

    return write


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    home = tmp_path / "home"
    home.mkdir()
    return Owner(uid=os.geteuid(), gid=os.getegid(), name="backup", home=home)


def stanza(option_file: Path, name: str = "TSM01") -> Stanza:
    return Stanza(name, option_file, 1, server=Server("tsm.example", 1500), node="APP01")


def query_session(
    program: Path, stanza: Stanza, owner: Owner, *, option_file: Path | None = None, timeout_s: float
) -> Session:
    """The session, waited for."""
    return waited(dsmc.query_session(program, stanza, owner, option_file=option_file, timeout_s=timeout_s))


def ask(program: Path, owner: Owner, *, timeout_s: float = 60) -> Session:
    return query_session(program, stanza(program.parent / "dsm.sys"), owner, timeout_s=timeout_s)


def test_a_session_in_english_over_tls_is_established(client: Client, owner: Owner) -> None:
    session = ask(client(BANNER + ESTABLISHED + TLS), owner)
    assert session.established is True and session.returncode == 0
    assert session.server_name == "TSM01"
    assert session.node == "APP01"
    assert session.tls == "TLSv1.3 TLS_AES_256_GCM_SHA384"
    assert session.codes == ()


@pytest.mark.parametrize(
    ("text", "returncode", "established"),
    [
        pytest.param(BANNER, 0, False, id="no session line"),
        pytest.param(BANNER + ESTABLISHED, 0, None, id="nothing about TLS"),
        pytest.param(BANNER + ESTABLISHED + "SSL Information....: NO\n", 0, False, id="no TLS"),
        pytest.param(BANNER + ESTABLISHED + TLS, 8, None, id="warnings"),
        pytest.param(BANNER + ESTABLISHED + TLS, 12, False, id="errors"),
        pytest.param(
            BANNER + ESTABLISHED + TLS + "ANS1029E lost\n", 0, None, id="an error and return code 0"
        ),
        pytest.param(FRENCH, 0, None, id="French"),
        pytest.param(FRENCH, 12, False, id="French with errors"),
        pytest.param("", 0, None, id="silence"),
        pytest.param("", 127, False, id="nothing ran"),
    ],
)
def test_what_is_not_certain_is_not_called_established(
    text: str, returncode: int, established: bool | None, client: Client, owner: Owner
) -> None:
    assert ask(client(text, returncode), owner).established is established


def test_the_protocol_is_read_in_every_language(client: Client, owner: Owner) -> None:
    assert ask(client(FRENCH), owner).tls == "TLSv1.3 TLS_AES_256_GCM_SHA384"


def test_the_client_is_asked_for_one_stanza_once(client: Client, owner: Owner, tmp_path: Path) -> None:
    ask(client(), owner)
    assert (tmp_path / "arguments").read_text().split("\n") == ["query", "session", "-se=TSM01", ""]


def test_another_option_file_is_named(client: Client, owner: Owner, tmp_path: Path) -> None:
    program = client()
    query_session(
        program, stanza(program.parent / "dsm.sys"), owner, option_file=tmp_path / "my dsm.opt", timeout_s=60
    )
    assert f"-optfile={tmp_path}/my dsm.opt" in (tmp_path / "arguments").read_text().split("\n")


def test_the_environment_is_clean_and_the_owner_s(client: Client, owner: Owner, tmp_path: Path) -> None:
    program = client()
    (program.parent / "dsm.sys").touch()
    ask(program, owner)
    environment = set((tmp_path / "environment").read_text().splitlines())
    assert {f"HOME={owner.home}", "USER=backup", "LC_ALL=C", "LANG=C"} <= environment
    assert not any(line.startswith(("DSM", "LD_", "PYTHON")) for line in environment)
    assert (tmp_path / "directory").read_text().strip() == str(owner.home)


def test_dsm_dir_leads_to_a_dsm_sys_elsewhere(client: Client, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "dsm.sys").touch()
    query_session(client(), stanza(tmp_path / "dsm.sys"), owner, timeout_s=60)
    assert f"DSM_DIR={tmp_path}" in (tmp_path / "environment").read_text().splitlines()


def test_a_dsm_sys_linked_beside_the_client_needs_no_dsm_dir(
    client: Client, owner: Owner, tmp_path: Path
) -> None:
    program = client()
    (tmp_path / "dsm.sys").touch()
    (program.parent / "dsm.sys").symlink_to(tmp_path / "dsm.sys")
    query_session(program, stanza(tmp_path / "dsm.sys"), owner, timeout_s=60)
    assert "DSM_DIR" not in (tmp_path / "environment").read_text()


@pytest.mark.parametrize(
    "name", ["", "-x", "a b", "a\nb", 'a"b', "a'b", "a*", "x" * 65, "a=b", "a\\b", "caf\xe9"]
)
def test_a_stanza_name_cannot_become_another_option(name: str, client: Client, owner: Owner) -> None:
    program = client()
    with pytest.raises(CannotReconnect) as raised:
        query_session(program, stanza(program.parent / "dsm.sys", name), owner, timeout_s=60)
    assert raised.value.code == "stanza-name-not-safe"


@pytest.mark.parametrize("name", ["TSM01", "TSMDBMGR_TSMINST1", "tsm.example.com", "$$_A", "a-b:c"])
def test_ordinary_stanza_names_are_accepted(name: str, client: Client, owner: Owner, tmp_path: Path) -> None:
    program = client()
    query_session(program, stanza(program.parent / "dsm.sys", name), owner, timeout_s=60)
    assert f"-se={name}" in (tmp_path / "arguments").read_text().split("\n")


def test_a_client_that_hangs_is_stopped(client: Client, owner: Owner) -> None:
    started = time.monotonic()
    session = ask(client(script="exec /bin/sleep 600"), owner, timeout_s=0.3)
    assert time.monotonic() - started < 60
    assert session.timed_out and session.established is False and session.returncode is None


def test_a_client_that_asks_for_a_password_finds_nobody(client: Client, owner: Owner) -> None:
    script = "printf 'Please enter your user id <APP01>: '; read answer || { echo 'ANS2050E'; exit 12; }"
    session = ask(client(script=script), owner, timeout_s=60)
    assert session.codes == ("ANS2050E",) and not session.timed_out


def test_the_tail_is_short_and_harmless(client: Client, owner: Owner) -> None:
    text = "".join(f"line {number}\n" for number in range(1000)) + "\x1b[2Jcleared -password=s3cret\n"
    session = ask(client(text, 12), owner)
    assert session.output_tail[-1] == "\\x1b[2Jcleared -password=***"
    assert len(session.output_tail) == 20


def test_a_client_that_is_not_there_is_not_found(tmp_path: Path, owner: Owner) -> None:
    with pytest.raises(NotFound):
        ask(tmp_path / "dsmc", owner)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """A directory that other users can enter; pytest's own is closed to them."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@shown_only_if(os.geteuid() == 0, "becoming another user needs root")
def test_the_client_runs_as_the_owner(public_directory: Path) -> None:
    program = public_directory / "dsmc"
    program.write_text("#!/bin/sh\necho $(id -u) $(id -g) $(id -G) $HOME\nexit 12\n")
    program.chmod(0o755)
    other = Owner(uid=54321, gid=54322, name="other", home=public_directory)
    session = ask(program, other)
    assert session.output_tail == (f"54321 54322 54322 {public_directory}",)


def test_an_established_session_is_no_failure(tmp_path: Path) -> None:
    assert failure(Session(0, True, False), stanza(tmp_path / "dsm.sys")) is None


def test_a_session_that_does_not_tell_is_no_failure(tmp_path: Path) -> None:
    assert failure(Session(0, None, False), stanza(tmp_path / "dsm.sys")) is None


def test_a_strict_node_s_failure_has_the_administrator_s_command(client: Client, owner: Owner) -> None:
    program = client(BANNER + "ANS1592E Failed to initialize SSL protocol.\nANS8023E no session\n", 12)
    error = failure(ask(program, owner), stanza(program.parent / "dsm.sys"))
    assert error is not None and error.code == "client-not-connected"
    assert "ANS1592E" in error.message and "TSM01" in error.message
    assert error.hint is not None and "UPDATE NODE APP01 SESSIONSECURITY=TRANSITIONAL" in error.hint
    assert "to act: the administrator of the backup server" in error.context
    assert "return code 12" in error.context
    assert "dsmc: ANS1592E Failed to initialize SSL protocol." in error.context


@pytest.mark.parametrize("certain", [True, False])
def test_a_node_is_not_blamed_where_nobody_knows_that_its_client_uses_the_store(
    certain: bool, client: Client, owner: Owner
) -> None:
    program = client(BANNER + "ANS1592E Failed to initialize SSL protocol.\n", 12)
    used = stanza(program.parent / "dsm.sys")
    uses = (StanzaUse(used, "the client's dsm.sys has it", certain),)
    located = LocatedStore(Path("/opt/certs"), (1, 2), (), owner, uses)
    error = failure(ask(program, owner), used)
    assert error is not None
    hint = str(unless_elsewhere(error, used, located).hint)
    assert hint.startswith("Nothing on this machine says that stanza TSM01 keeps") is not certain
    assert "UPDATE NODE APP01" in hint


def test_a_failure_without_codes_leads_to_the_client_s_log(tmp_path: Path) -> None:
    session = Session(12, False, False, output_tail=("Une erreur",))
    error = failure(session, stanza(tmp_path / "dsm.sys"))
    assert error is not None and error.hint is not None and "dsmerror.log" in error.hint


def test_a_hanging_client_s_failure_names_the_known_cause(tmp_path: Path) -> None:
    error = failure(Session(None, False, True), stanza(tmp_path / "dsm.sys"))
    assert error is not None and error.code == "client-timed-out"
    assert error.hint is not None and "IT41127" in error.hint
